# ./dev fuzz [seconds]: libFuzzer on every decoder and parser, that long each. What it learns is kept in the tree's
# corpus/; an input that fails is named, and belongs into tests/corpus/TARGET/ with its fix. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

export ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1

# fuzz_one TARGET SECONDS
fuzz_one() {
    local corpus=$fuzz_tree/corpus/$1 failures=$fuzz_tree/failures/
    mkdir -p "$corpus" "$failures"
    if "$fuzz_tree/tests/$1" "$corpus" "tests/corpus/$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$failures$1-" -print_final_stats=1 >"$fuzz_tree/$1.log" 2>&1; then
        echo "ok      $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$fuzz_tree/$1.log") inputs"
    else
        tail -n 40 "$fuzz_tree/$1.log"
        echo "FAILED  $1: see $failures$1-*"
        return 1
    fi
}

seconds=${1:-60}
case $seconds in
    *[!0-9]*)
        echo "usage: ./dev fuzz [seconds]" >&2
        exit 64
        ;;
esac
need_packages build test fuzz
build_tree fuzz
fuzz_tree=$(tree_of fuzz)
export fuzz_tree
export -f fuzz_one
# shellcheck disable=SC2016
xargs -r -P "$jobs" -I{} bash -c 'fuzz_one "$1" "$2"' fuzz {} "$seconds" <"$fuzz_tree/fuzzers.txt"
