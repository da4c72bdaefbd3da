# ./dev full: everything that takes longer than ./dev test may: lint, thread sanitizer, many
# simulated clusters, longer fuzzing, benchmarks.
# Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

full_failed=0
# With it, ./dev test has a real Asterisk to talk to.
need_packages interop
bash scripts/asterisk_root.sh || full_failed=1
./dev test || full_failed=1
./dev lint || full_failed=1
. scripts/testing.sh
run_tests thread -L "unit|property|scenarios|walkthrough" || full_failed=1
./dev sim --seed 1 --runs 500 --nodes 8 --steps 2000 || full_failed=1
./dev fuzz 300 || full_failed=1
./dev bench || full_failed=1
python3 scripts/count_results.py "$(tree_of dev)" "$(tree_of sanitize)" "$(tree_of thread)" || full_failed=1
exit $full_failed
