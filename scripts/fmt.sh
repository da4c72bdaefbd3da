# ./dev fmt [--check]: clang-format decides about layout. Sourced by ./dev.
# shellcheck shell=bash

# What of ours is C++, committed or about to be.
cpp_files() {
    git ls-files -co --exclude-standard -z -- '*.cpp' '*.hpp' | while IFS= read -r -d '' file; do
        [ -f "$file" ] && printf '%s\0' "$file"
    done
}

# check_layout: names each file and place that is laid out otherwise.
check_layout() {
    cpp_files | xargs -0 -r -n 20 -P "$(nproc)" clang-format-19 --dry-run --Werror
}

need_packages fmt
case ${1:-} in
    --check) check_layout ;;
    "") cpp_files | xargs -0 -r -n 20 -P "$(nproc)" clang-format-19 -i ;;
    *)
        echo "usage: ./dev fmt [--check]" >&2
        exit 64
        ;;
esac
