# What each verb needs, by Debian package, and how it gets there. Sourced by ./dev.
# shellcheck shell=bash

# packages_of GROUP: build is what the programs need; the other groups come on top of it.
packages_of() {
    case $1 in
        build)
            echo g++ cmake ninja-build pkg-config ccache mold libboost1.81-dev libboost-json1.81-dev libssl-dev \
                libexpat1-dev libsqlite3-dev libfmt-dev libspdlog-dev libxxhash-dev libedit-dev libcli11-dev \
                libexpected-dev libsystemd-dev libgsasl-dev libc-ares-dev libcpg-dev libcfg-dev libcmap-dev libquorum-dev libvotequorum-dev
            ;;
        test)
            echo libgtest-dev libgmock-dev librapidcheck-dev python3 groff-base corosync iproute2 util-linux openssl \
                prosody ejabberd sip-tester
            ;;
        interop) echo debootstrap util-linux ;;
        bench) echo libbenchmark-dev libcpg-dev corosync iproute2 python3 ;;
        fuzz) echo clang-19 libclang-rt-19-dev ;;
        fmt) echo clang-format-19 git ;;
        lint) echo clang-tidy-19 shellcheck ;;
    esac
}

# need_packages GROUP...: installs what is missing of the groups; starts nothing when all is there.
need_packages() {
    command -v dpkg-query >/dev/null || {
        echo "Not a Debian system: what is missing here, the configuration will name." >&2
        return 0
    }
    local group name missing=()
    for group in "$@"; do
        for name in $(packages_of "$group"); do
            package_installed "$name" || missing+=("$name")
        done
    done
    [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

package_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "These packages are missing, and neither root nor sudo is at hand. As root, run:" >&2
            echo "    apt-get install $*" >&2
            exit 69
        }
        as_root=(sudo)
    fi
    refuse_older_boost "$@"
    echo "Installing: $*"
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" bash -c "$INSTALL_WITHOUT_STARTING" bash "$@"
    stop_new_servers "$@"
}

# Debian starts a server when it installs one; the tests want the program only. policy-rc.d is asked about it, with systemd
# and without. One that is there already is somebody's, and stays.
# shellcheck disable=SC2016
INSTALL_WITHOUT_STARTING='
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ] && [ ! -L "$policy" ]; then
    trap "rm -f $policy" EXIT
    trap "exit 130" INT TERM HUP
    printf "#!/bin/sh\n# While packages of Lamplight are installed, and no longer.\nexit 101\n" >"$policy"
    chmod 755 "$policy"
fi
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
'

# What was just installed is not to start with the machine either, nor to run where another policy let it.
stop_new_servers() {
    local server
    for server in corosync prosody ejabberd; do
        case " $* " in *" $server "*) ;; *) continue ;; esac
        if [ -d /run/systemd/system ]; then
            "${as_root[@]}" systemctl disable --now "$server"
        else
            if [ -e "/run/$server.pid" ] || [ -e "/run/$server/$server.pid" ]; then
                "${as_root[@]}" "/etc/init.d/$server" stop
            fi
            "${as_root[@]}" update-rc.d "$server" disable
        fi
    done
}

# Debian has two Boosts and lets only one be installed for development.
refuse_older_boost() {
    case " $* " in *" libboost1.81-dev "*) ;; *) return 0 ;; esac
    package_installed libboost1.74-dev || return 0
    echo "libboost1.74-dev is installed; Lamplight needs libboost1.81-dev, and Debian allows only one of them." >&2
    echo "If nothing else here is built with the older one:  apt-get remove libboost1.74-dev" >&2
    exit 69
}
