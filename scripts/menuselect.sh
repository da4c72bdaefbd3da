# ./dev menuselect [--list | --enable PART | --disable PART]: which parts are built. The choices are lines
# `PART = yes|no` in menuselect.conf of the build folder. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

choices=$build/menuselect.conf
parts=$build/features.txt

list_parts() {
    awk -F'|' '
        $1 != heading { heading = $1; print "\n" heading }
        { printf "  [%s] %-17s %s\n", $3 == "on" ? "*" : " ", $2, $4 }
        $3 != "on" { printf "      %s", $5
                     if ($5 ~ /^not found/) printf "; turned on by %s (Debian, Ubuntu), %s (Fedora, RHEL)", $6, $7
                     print "" }' "$parts"
}

# choose PART yes|no: keeps the choice, and takes it back when the build cannot follow.
choose() {
    cut -d'|' -f2 "$parts" | grep -qxF "$1" || {
        echo "No part is called '$1'; the parts are: $(cut -d'|' -f2 "$parts" | paste -sd' ')" >&2
        return 1
    }
    cp "$choices" "$choices.old"
    { grep -vE "^[ 	]*$1[ 	]*=" "$choices.old" || true; echo "$1 = $2"; } >"$choices"
    if ! cmake "$build" >"$build/configure.log" 2>&1; then
        mv "$choices.old" "$choices"
        sed -n '/CMake Error/,/^$/p' "$build/configure.log" >&2
        return 1
    fi
    rm "$choices.old"
    # The other trees follow the same choices when they are built next.
}

# A small menu: type a part's name to switch it.
menu() {
    local name state
    while list_parts && printf '\nPart to switch, or Enter to leave: ' && read -r name && [ -n "$name" ]; do
        state=$(awk -F'|' -v name="$name" '$2 == name { print $3 }' "$parts")
        if [ "$state" = on ]; then choose "$name" no || true; else choose "$name" yes || true; fi
    done
}

need_packages build
configure_tree dev
case ${1:-} in
    --list) list_parts ;;
    --enable | --disable)
        [ $# -ge 2 ] || {
            echo "usage: ./dev menuselect $1 PART..." >&2
            exit 64
        }
        value=yes
        [ "$1" = --disable ] && value=no
        for part in "${@:2}"; do choose "$part" $value; done
        list_parts
        ;;
    "") if [ -t 0 ]; then menu; else list_parts; fi ;;
    *)
        echo "usage: ./dev menuselect [--list | --enable PART | --disable PART]" >&2
        exit 64
        ;;
esac
