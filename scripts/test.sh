# ./dev test: everything on the development build, then what can go wrong in memory on the sanitized one. The last line
# counts test cases of both. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1

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

need_packages build test
status=0
run_tests dev || status=1
run_tests sanitize -L "unit|property|scenarios|fuzz|golden|walkthrough" || status=1
python3 scripts/count_results.py "$(tree_of dev)" "$(tree_of sanitize)" || status=1
exit $status
