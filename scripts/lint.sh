# ./dev lint: layout, clang-tidy, shellcheck, and the rules about folders. Everything is looked at before it fails.
# Sourced by ./dev.
# shellcheck shell=bash disable=SC2154,SC2317

# shellcheck source=scripts/sources.sh
. scripts/sources.sh

need_packages build test bench fmt lint

lint_failed=0
# check TITLE command...: silence is good; what the command prints, or its failure, is not.
check() {
    local title=$1 said
    shift
    if said=$("$@" 2>&1) && [ -z "$said" ]; then
        echo "ok      $title"
    else
        printf 'WRONG   %s\n%s\n' "$title" "$said"
        lint_failed=1
    fi
}

tidy() {
    local tree
    tree=$(tree_of dev)
    configure_tree dev
    # Generated headers have to be there.
    ninja -C "$tree" -j "$jobs" --quiet >/dev/null
    sources 'src/*.cpp' 'apps/*.cpp' 'sim/*.cpp' 'bench/*.cpp' |
        xargs -r -d '\n' -n 1 -P "$jobs" clang-tidy-19 --quiet -p "$tree" 2>/dev/null
}

shell_scripts() {
    command -v shellcheck >/dev/null || return 0
    { sources '*.sh' && echo dev && echo .ci/run && sources 'packaging/completion/*'; } | xargs -d '\n' shellcheck -x
}

# The engine and the codecs are pure: they use each other and nothing else of ours.
pure_folders() {
    sources 'src/state/*' | xargs -r -d '\n' grep -nE '#include "(conf|log|ring|bus|c2s|sip|pbx|phone|web|console|daemon|wire)/'
    sources 'src/wire/*' | xargs -r -d '\n' grep -nE '#include "(conf|log|ring|bus|c2s|sip|pbx|phone|web|console|daemon)/'
    return 0
}

# A bus, a link or an outlet knows nothing of its neighbours; what buses share is in bus/sync, bus/group,
# bus/plain and bus/lan.
lone_neighbours() {
    local folder own
    for folder in src/bus/*/ src/pbx/*/ src/phone/ src/web/; do
        [ -d "$folder" ] || continue
        own=${folder#src/}
        grep -rnE '#include "(bus/[a-z_]+|pbx/[a-z_]+|phone|web)/' "$folder" | grep -vE "#include \"($own|bus/(sync|group|plain|lan)/)"
    done
    return 0
}

# Corosync's libraries are used in one place; the benchmark measures them bare.
corosync_in_one_place() {
    sources 'src/*' 'apps/*' 'tests/*' 'sim/*' | grep -v '^src/ring/' | xargs -r -d '\n' grep -nE '#include <(corosync|qb)/'
    return 0
}

readmes() {
    local folder
    for folder in src/*/ src/bus/*/; do
        [ -f "$folder/README.md" ] || echo "$folder has no README.md"
    done
}

unfinished() {
    sources '*.cpp' '*.hpp' '*.py' '*.cmake' '*CMakeLists.txt' 'dev' '*.sh' '*.md' | grep -vx scripts/lint.sh |
        xargs -r -d '\n' grep -nwE 'TODO|FIXME|XXX|HACK'
    return 0
}

# Where there is no real Asterisk its tests say so and are counted as skipped.
patient_tests() {
    sources 'tests/*.cpp' 'tests/*.hpp' 'tests/*.py' |
        xargs -r -d '\n' grep -nE 'sleep_for|usleep\(|time\.sleep|GTEST_SKIP|DISABLED_|skipTest|unittest\.skip' |
        grep -v 'unittest\.skip(f"no real Asterisk: '
    return 0
}

check "layout is clang-format's" check_layout
check "src/state and src/wire are pure" pure_folders
check "no bus, link or outlet includes another" lone_neighbours
check "Corosync's headers are included in src/ring only" corosync_in_one_place
check "every folder of src/ says what it is" readmes
check "nothing is left unfinished" unfinished
check "tests neither sleep nor skip" patient_tests
check "shellcheck" shell_scripts
check "clang-tidy" tidy
exit $lint_failed
