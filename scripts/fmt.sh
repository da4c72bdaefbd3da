# ./dev fmt [--check]: clang-format decides about layout. Sourced by ./dev.
# shellcheck shell=bash

# shellcheck source=scripts/sources.sh
. scripts/sources.sh

need_packages fmt
case ${1:-} in
    --check) check_layout ;;
    "") sources '*.cpp' '*.hpp' | xargs -r -d '\n' -n 20 -P "$(nproc)" clang-format-19 -i ;;
    *)
        echo "usage: ./dev fmt [--check]" >&2
        exit 64
        ;;
esac
