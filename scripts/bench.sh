# ./dev bench [argument...]: benchmarks in the optimised tree; without arguments the engine's and memory's.
# Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

need_packages build bench
build_tree release programs
if [ $# -gt 0 ]; then
    exec "$(tree_of release)/bin/lamplight-bench" "$@"
fi
for workload in engine memory; do
    echo "== $workload"
    "$(tree_of release)/bin/lamplight-bench" "$workload"
done
