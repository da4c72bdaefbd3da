# Builds a tree and runs its tests so that they can be counted. Sourced by ./dev test and ./dev full.
# shellcheck shell=bash disable=SC2154

export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
LSAN_OPTIONS="suppressions=$PWD/tests/lsan.supp:print_suppressions=0"
export LSAN_OPTIONS
export TSAN_OPTIONS=halt_on_error=0:exitcode=66

# run_tests PRESET [ctest argument...]: builds, runs, and leaves the counts in the tree.
run_tests() {
    local preset=$1 tree
    shift
    tree=$(tree_of "$preset")
    echo "== $preset: building"
    # A build that fails must not be counted with the results of the last one.
    rm -rf "$tree/results" "$tree/ctest.xml"
    build_tree "$preset" || return
    echo "== $preset: testing"
    mkdir -p "$tree/results"
    ctest --test-dir "$tree" -j "$jobs" --output-on-failure --no-tests=error --output-junit "$tree/ctest.xml" "$@"
}
