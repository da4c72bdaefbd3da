# ./dev test: everything on the development build, then what can go wrong in memory on the sanitized one. The last line
# counts test cases of both. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

# shellcheck source=scripts/testing.sh
. scripts/testing.sh

need_packages build test
status=0
run_tests dev || status=1
run_tests sanitize -L "unit|property|scenarios|fuzz|golden|walkthrough" || status=1
python3 scripts/count_results.py "$(tree_of dev)" "$(tree_of sanitize)" || status=1
exit $status
