# Configures and builds a preset's tree. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

# tree_of PRESET: the folder it is built in.
tree_of() {
    if [ "$1" = dev ]; then echo "$build"; else echo "$build/$1"; fi
}

# configure_tree PRESET: when there is none yet, or when it lacks something that may be there by now; ninja notices the
# rest.
configure_tree() {
    local tree
    tree=$(tree_of "$1")
    [ -f "$tree/build.ninja" ] && ! grep -qs '|not found' "$tree/features.txt" && return 0
    mkdir -p "$tree"
    if cmake --preset "$1" -B "$tree" -DLAMPLIGHT_MENUSELECT="$build/menuselect.conf" >"$tree/configure.log" 2>&1; then
        sed -n '/what is built/,/^--/{/^--.*what is built/p;/^--/!p}' "$tree/configure.log"
    else
        cat "$tree/configure.log" >&2
        return 1
    fi
}

# build_tree PRESET [target...]
build_tree() {
    local preset=$1 tree targets=("${@:2}")
    tree=$(tree_of "$preset")
    [ "$preset" = fuzz ] && [ ${#targets[@]} -eq 0 ] && targets=(fuzzers)
    configure_tree "$preset" || return
    ninja -C "$tree" -j "$jobs" --quiet "${targets[@]}"
}
