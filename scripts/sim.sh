# ./dev sim [argument...]: runs scenarios in the simulator, or whatever lamplight-sim is told. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

need_packages build
build_tree dev programs
[ $# -gt 0 ] || set -- tests/scenarios/*.scn
exec "$(tree_of dev)/bin/lamplight-sim" "$@"
