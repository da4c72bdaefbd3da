# ./dev install [PREFIX]: builds optimised and installs below PREFIX (/usr/local); DESTDIR is heeded. Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

prefix=${1:-/usr/local}
need_packages build
build_tree release
as_root=()
target=${DESTDIR:-}$prefix
while [ ! -e "$target" ]; do target=$(dirname "$target"); done
if [ ! -w "$target" ]; then
    command -v sudo >/dev/null || {
        echo "$target cannot be written, and there is no sudo here: run this as root, or choose another prefix." >&2
        exit 77
    }
    as_root=(sudo --preserve-env=DESTDIR)
fi
"${as_root[@]}" cmake --install "$(tree_of release)" --prefix "$prefix"
