# Which files are ours, and whether they are laid out as clang-format wants it. Sourced by ./dev fmt and ./dev lint.
# shellcheck shell=bash

# sources PATTERN...: files committed or about to be, a line each.
sources() {
    git ls-files -co --exclude-standard -- "$@" | while IFS= read -r file; do
        if [ -f "$file" ]; then echo "$file"; fi
    done
}

# Names each file that is laid out otherwise, with the first place.
check_layout() {
    local places
    places=$(sources '*.cpp' '*.hpp' | xargs -r -d '\n' -n 20 -P "$(nproc)" clang-format-19 --dry-run 2>&1 |
        awk -F: '/^[^ ]+:[0-9]+:[0-9]+: / && !seen[$1]++ { print $1 ":" $2 ": ./dev fmt lays it out differently" }')
    [ -z "$places" ] || {
        echo "$places"
        return 1
    }
}
