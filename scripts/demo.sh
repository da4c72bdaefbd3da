# ./dev demo [--once]: two servers, pbx1 and pbx2, on this machine's local bus. What is set on one shows on the other.
# Sourced by ./dev.
# shellcheck shell=bash disable=SC2154

once=no
case ${1:-} in
    "") ;;
    --once) once=yes ;;
    *)
        echo "usage: ./dev demo [--once]" >&2
        exit 64
        ;;
esac

# A short path: sockets in it may not be longer than 107 bytes.
demo_dir=
demo_pids=()

end_demo() {
    trap - EXIT INT TERM
    local pid
    for pid in "${demo_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${demo_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    [ -z "$demo_dir" ] || rm -rf "$demo_dir"
}

# write_server NAME: its configuration, as an operator would write it.
write_server() {
    mkdir -p "$demo_dir/$1/state"
    cat >"$demo_dir/$1/lamplight.conf" <<EOF
[general]
name = $1
run_dir = $demo_dir/run
state_dir = $demo_dir/$1/state
EOF
    # A container often has no machine id, of which the default entity ID is made.
    [ -s /etc/machine-id ] || echo "entityid = 02:00:00:00:00:0${1#pbx}" >>"$demo_dir/$1/lamplight.conf"
    cat >"$demo_dir/$1/extensions.conf" <<EOF
[devstate_test]
exten => foo,hint,Custom:abc
EOF
}

start_server() {
    "$demo_bin/lamplightd" -C "$demo_dir/$1/lamplight.conf" -f >"$demo_dir/$1/log" 2>&1 &
    demo_pids+=($!)
}

# ask NAME COMMAND
ask() {
    "$demo_bin/lamplight" -C "$demo_dir/$1/lamplight.conf" -x "$2"
}

# wait_for NAME COMMAND PATTERN: until the answer matches, at most ten seconds.
wait_for() {
    local deadline=$((SECONDS + 10))
    until ask "$1" "$2" 2>/dev/null | grep -qE "$3"; do
        if [ $SECONDS -ge $deadline ]; then
            echo "$1 did not answer '$2' with '$3' within ten seconds. Their logs:" >&2
            tail -n 20 "$demo_dir"/*/log >&2
            return 1
        fi
        sleep 0.05
    done
}

show() {
    printf '%s*CLI> %s\n' "$1" "$2"
    ask "$1" "$2"
}

show_console_hints() {
    local console="$demo_bin/lamplight"
    cat <<EOF

Both stay up until Ctrl-C. In another terminal:

  $console -C $demo_dir/pbx1/lamplight.conf -r
      devstate change Custom:abc RINGING
      core set debug 1
      device show like abc
  $console -C $demo_dir/pbx2/lamplight.conf -r
      core show hints
      device show
      node show

Kill one (kill -9 ${demo_pids[0]}) and ask the other for 'core show hints' again: its lamps are out at once.
EOF
}

need_packages build
if [ -n "${LAMPLIGHT_BIN:-}" ]; then
    demo_bin=$LAMPLIGHT_BIN
else
    demo_bin=$(tree_of dev)/bin
    build_tree dev programs
fi

trap end_demo EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
demo_dir=$(mktemp -d "${TMPDIR:-/tmp}/lamplight-demo.XXXXXX")
mkdir -m 750 "$demo_dir/run"
for server in pbx1 pbx2; do write_server $server && start_server $server; done
for server in pbx1 pbx2; do wait_for $server "core show hints" 'foo@devstate_test'; done

show pbx1 "dialplan set global DEVICE_STATE(Custom:abc) INUSE"
wait_for pbx2 "core show hints" 'Custom:abc +State:InUse'
show pbx1 "core show hints"
show pbx2 "core show hints"
[ $once = yes ] && exit 0
show_console_hints
wait
echo "Both have ended."
