# Configures and builds a preset's tree. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

# tree_of PRESET: the folder it is built in.
tree_of() {
    if [ "$1" = dev ]; then echo "$build"; else echo "$build/$1"; fi
}

# configure_tree PRESET [cmake option...]: only when there is none yet; ninja notices what changes later.
configure_tree() {
    local preset=$1 tree
    shift
    tree=$(tree_of "$preset")
    [ -f "$tree/build.ninja" ] && [ $# -eq 0 ] && return 0
    mkdir -p "$tree"
    cmake --preset "$preset" -B "$tree" -DLAMPLIGHT_MENUSELECT="$build/menuselect.conf" "$@" >"$tree/configure.log" 2>&1 ||
        {
            cat "$tree/configure.log" >&2
            return 1
        }
}

# build_tree PRESET [target...]
build_tree() {
    local preset=$1 tree targets=("${@:2}")
    tree=$(tree_of "$preset")
    [ "$preset" = fuzz ] && [ ${#targets[@]} -eq 0 ] && targets=(fuzzers)
    configure_tree "$preset" || return
    ninja -C "$tree" -j "$jobs" --quiet "${targets[@]}"
}
