#!/usr/bin/env bash
# A folder with Debian's own Asterisk in it, for the tests that need a real one: made once, outside the checkout.
#
#   scripts/asterisk_root.sh           makes it where it is missing, and prints where it is
#   scripts/asterisk_root.sh --where   only prints it; status 1 where it is missing
#
# It is $LAMPLIGHT_ASTERISK_ROOT, or lamplight/asterisk-root in the user's cache. To have a newer one, remove it. Asterisk
# is in Debian's unstable suite only; the mirror is the one that apt uses here, or $LAMPLIGHT_DEBIAN_MIRROR.
set -euo pipefail

root=${LAMPLIGHT_ASTERISK_ROOT:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/lamplight/asterisk-root}
suite=${LAMPLIGHT_ASTERISK_SUITE:-sid}
export PATH=$PATH:/usr/sbin:/sbin LC_ALL=C

# The suite of this system, at its mirror: unstable is beside it.
mirror() {
    local codename
    [ -z "${LAMPLIGHT_DEBIAN_MIRROR:-}" ] || {
        echo "$LAMPLIGHT_DEBIAN_MIRROR"
        return
    }
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Identifier: Packages' |
        awk -v release="$codename" '$2 == release && $3 == "main" { print $1; exit }'
}

# inside ROOT command...: with what packages expect of a system; the mounts end with the command.
inside() {
    # shellcheck disable=SC2016
    unshare --mount --propagation private -- sh -c '
        mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/tmp" && exec chroot "$@"' sh "$@"
}

# fill FOLDER MIRROR, in a shell of its own, so that the first failure ends it.
fill() (
    set -e
    beside=$1
    debootstrap --variant=minbase "$suite" "$beside" "$2" /usr/share/debootstrap/scripts/sid
    # Nothing is to be started in there.
    printf '#!/bin/sh\nexit 101\n' >"$beside/usr/sbin/policy-rc.d"
    chmod 755 "$beside/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf /etc/hosts "$beside/etc/"
    inside "$beside" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends asterisk
    inside "$beside" apt-get clean
    rm -rf "$beside"/var/lib/apt/lists/*
    # Whoever uses it mounts its own on these.
    : >"$beside/etc/resolv.conf"
    : >"$beside/etc/hosts"
    [ -x "$beside/usr/sbin/asterisk" ]
)

make() {
    local from beside
    [ "$(id -u)" -eq 0 ] || exec sudo LAMPLIGHT_ASTERISK_ROOT="$root" LAMPLIGHT_ASTERISK_SUITE="$suite" \
        LAMPLIGHT_DEBIAN_MIRROR="${LAMPLIGHT_DEBIAN_MIRROR:-}" bash "$0"
    from=$(mirror)
    [ -n "$from" ] || {
        echo "apt knows no mirror of Debian here; name one: LAMPLIGHT_DEBIAN_MIRROR=..." >&2
        exit 69
    }
    mkdir -p "$(dirname "$root")"
    exec 9>"$root.lock"
    flock 9
    [ ! -d "$root" ] || return 0
    beside=$(mktemp -d "$root.XXXXXX")
    # shellcheck disable=SC2064
    trap "rm -rf --one-file-system '$beside'" EXIT
    chmod 755 "$beside"
    echo "Making $root: Debian $suite with its Asterisk, about 600 MB" >&2
    # Not in a condition: there a shell does not stop at what fails.
    set +e
    fill "$beside" "$from" >"$root.log" 2>&1
    local status=$?
    set -e
    [ "$status" -eq 0 ] || {
        tail -n 20 "$root.log" >&2
        echo "It could not be made; all of it is in $root.log" >&2
        exit 69
    }
    mv -T "$beside" "$root"
    rm -f "$root.log" "$root.lock"
}

if [ ! -d "$root" ]; then
    [ "${1:-}" != --where ] || {
        echo "There is no $root; scripts/asterisk_root.sh makes it." >&2
        exit 1
    }
    make
fi
echo "$root"
