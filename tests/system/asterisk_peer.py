"""A member of the CPG group `asterisk` that behaves as Asterisk's res_corosync does, with its faults, for tests.

Runs inside a ring's host, started by peers.py. Its options are a JSON object in the only argument; a line of JSON on
its input, {"do": COMMAND, ...}, is answered by a line {"answer": ...} or {"error": TEXT}. COMMANDS lists them.

What is modelled, of the versions from 13.35 on (generation 22):
  - after the join CLUSTER_DISCOVERY once; an unknown node's discovery is recorded, the first one wins, and answered;
  - whenever anybody joins, the own states are dumped from within the callback, and what Corosync refuses is lost;
  - a state is kept per (device, EID); each change of the aggregate is multicast too, before the change itself;
  - who leaves is looked up by Corosync's node id, not by pid, and the states of the EID known for it are cleared; the
    last one goes without anybody being told (`hints` keeps what was announced last);
  - a state that repeats the own one is not sent; one that is not cachable is not kept.
Generation 11: old hashes, also demanded of what comes; no discovery, no aggregates on the wire, nothing ever cleared.
"""

import json
import os
import select
import sys
import threading
import time
from collections import Counter

import cpg
from asterisk_events import (AGGREGATE, CHANGE, DISCOVERY, MWI, PING, STATES, Codec, Malformed, aggregate, decode,
                             legacy_device_hash)
from group_member import Tap, kind_of

DEFAULTS = {
    "kind": "asterisk",            # or tap: only records
    "group": "asterisk",
    "generation": 22,
    "eid": "02:00:00:78:00:01",
    "address": "10.78.0.1",        # announced with discovery
    "node": None,                  # announced; Corosync's own if None
    "publish": ["device_state", "mwi", "ping", "cluster_discovery"],
    "subscribe": ["device_state", "mwi", "ping", "cluster_discovery"],
    "aggregates": True,            # sends type 5
    "dump": True,                  # tells its states when somebody joins
    "retry": False,                # what Corosync refuses waits and goes out later; a real Asterisk loses it
    "rejoin_after": 0.1,           # seconds between tries after Corosync went
    "keep": 2000,                  # messages kept for `messages`
}


class Asterisk(Tap):
    def __init__(self, options):
        super().__init__(options)
        self.eid, self.codec = options["eid"], Codec(options["generation"])
        self.modern = options["generation"] > 11
        self.votes, self.aggregates, self.hints = {}, {}, {}  # votes: device -> EID -> (state, hash)
        self.vote_counts = {}  # EID -> state -> how many devices; `votes` is slow to tell when there are many
        self.own = {}  # device -> the message that tells the own state
        self.mailboxes, self.known, self.heard = {}, {}, {}
        self.pings = Counter()

    # --- membership ---

    def joined(self):
        self.discover()

    def discover(self):
        if self.modern and "cluster_discovery" in self.options["publish"]:
            node = self.options["node"] or (self.wire.group and self.wire.group.node) or 0
            self.wire.send(self.codec.discovery(node, self.options["address"], self.eid))

    def on_members(self, members, left, joined):
        super().on_members(members, left, joined)
        for node, _, _ in left:
            if self.modern and node in self.known:
                self.clear(self.known.pop(node)["eid"])
        if joined and self.options["dump"]:
            self.tell_own()

    def tell_own(self):
        if "device_state" in self.options["publish"]:
            for message in self.own.values():
                self.tell(message)
        if "mwi" in self.options["publish"]:
            for mailbox, votes in self.mailboxes.items():
                if self.eid in votes:
                    self.tell(self.codec.mwi(*mailbox.split("@"), *votes[self.eid], self.eid))

    def tell(self, message):
        """An own state or own message counts, on the way that the bus has for it."""
        self.wire.send(message)

    def clear(self, eid):
        for votes in self.mailboxes.values():
            votes.pop(eid, None)
        self.vote_counts.pop(eid, None)
        for device in [device for device, votes in self.votes.items() if eid in votes]:
            del self.votes[device][eid]
            if self.votes[device]:
                self.recompute(device)
            else:
                del self.votes[device]
                self.aggregates.pop(device, None)

    # --- messages ---

    def on_message(self, node, pid, message):
        super().on_message(node, pid, message)
        try:
            kind, fields = decode(message)
            if kind > 0x0d:
                raise Malformed("unknown type")
            if "eid" not in fields:
                raise Malformed("no EID")
            self.by_eid.setdefault(fields["eid"], Counter())[kind_of(message)] += 1
            if fields["eid"] != self.eid:
                self.receive(kind, fields)
        except Malformed as error:
            self.malformed[str(error)] += 1
            self.malformed_last = message.hex()

    def receive(self, kind, fields):
        subscribed = self.options["subscribe"]
        if kind == CHANGE and "device_state" in subscribed:
            self.receive_state(fields)
        elif kind == AGGREGATE:
            device, state = device_and_state(fields)
            self.heard.setdefault(fields["eid"], {})[device] = state
        elif kind == MWI and "mwi" in subscribed:
            mailbox = f"{needed(fields, 'mailbox')}@{fields.get('context', 'default')}"
            self.mailboxes.setdefault(mailbox, {})[fields["eid"]] = (fields.get("new", 0), fields.get("old", 0))
        elif kind == PING:
            self.pings[fields["eid"]] += 1
        elif kind == DISCOVERY and self.modern and "cluster_discovery" in subscribed:
            node, address = needed(fields, "node"), needed(fields, "address")
            if node not in self.known:
                self.known[node] = {"eid": fields["eid"], "address": address}
                self.discover()

    def receive_state(self, fields):
        device, state = device_and_state(fields)
        if self.modern and not fields.get("cachable", 0):
            self.announce(device, state, 0)
            return
        self.keep(device, fields["eid"], state, fields["device_hash"])
        self.recompute(device)

    def keep(self, device, eid, state, hash_of_sender):
        votes, counts = self.votes.setdefault(device, {}), self.vote_counts.setdefault(eid, Counter())
        if eid in votes:
            counts[votes[eid][0]] -= 1
        counts[state] += 1
        votes[eid] = (state, hash_of_sender)

    def recompute(self, device):
        votes = self.votes[device].values()
        if not self.modern:
            own = legacy_device_hash(device.encode(errors="surrogateescape"))
            votes = [vote for vote in votes if vote[1] == own]
        state = aggregate(vote[0] for vote in votes)
        if self.aggregates.get(device) != state:
            self.aggregates[device] = self.hints[device] = state
            self.announce(device, state, 1)

    def announce(self, device, state, cachable):
        if self.modern and self.options["aggregates"] and "device_state" in self.options["publish"]:
            self.wire.send(self.codec.state(AGGREGATE, device, state, self.eid, cachable))

    # --- commands ---

    def set(self, device, state, cachable=1):
        assert state in STATES, f"no such state: {state}"
        before = self.votes.get(device, {}).get(self.eid, ("UNKNOWN",))[0]
        if self.modern and cachable and before == state:
            return
        message = self.codec.state(CHANGE, device, state, self.eid, cachable)
        if cachable:
            self.keep_own(device, state, message)
            self.recompute(device)
        else:
            self.announce(device, state, 0)
        if "device_state" in self.options["publish"]:
            self.tell(message)

    def keep_own(self, device, state, message):
        self.keep(device, self.eid, state, self.codec.device_hash(device.encode()))
        self.own[device] = message

    def fill(self, count, state="INUSE", prefix="Custom:d", quiet=False):
        """`count` devices at once; `quiet`: as if it had them before it joined, told only to who comes later."""
        for number in range(count):
            device = f"{prefix}{number}"
            if quiet:
                self.keep_own(device, state, self.codec.state(CHANGE, device, state, self.eid))
            else:
                self.set(device, state)

    def mwi(self, mailbox, context, new, old):
        self.mailboxes.setdefault(f"{mailbox}@{context}", {})[self.eid] = (new, old)
        self.tell(self.codec.mwi(mailbox, context, new, old, self.eid))

    def ping(self):
        self.wire.send(self.codec.event(PING, self.eid))

    def beliefs(self):
        return super().beliefs() | {
            "votes": lambda: {device: {eid: vote[0] for eid, vote in votes.items()}
                              for device, votes in self.votes.items()},
            "vote_counts": lambda: {eid: +counts for eid, counts in self.vote_counts.items()},
            "aggregates": lambda: self.aggregates, "hints": lambda: self.hints, "heard": lambda: self.heard,
            "mailboxes": lambda: self.mailboxes, "known": lambda: self.known, "pings": lambda: self.pings,
        }


def needed(fields, name):
    if not fields.get(name):
        raise Malformed(f"no {name}")
    return fields[name]


def device_and_state(fields):
    device = needed(fields, "device")
    if fields.get("state", len(STATES)) >= len(STATES):
        raise Malformed("state out of range")  # a real Asterisk takes it and reads out of bounds
    return device, STATES[fields["state"]]


COMMANDS = ["set", "fill", "mwi", "ping", "discover", "raw", "flood", "stop_flood", "leave", "dump"]


class Program:
    """The loop: the group, the commands, and what waits to be sent."""

    def __init__(self, member, commands):
        self.member, self.commands = member, commands
        self.wire, self.unread = self.member.wire, b""

    def run(self):
        self.wire.join()
        self.member.joined()
        say({"answer": "ready"})
        while True:
            group = self.wire.group
            ready, _, _ = select.select([0] + ([group.fd] if group else []), [], [], self.patience())
            if group:
                self.turn(group)
            elif time.monotonic() >= self.wire.next_try:
                self.try_again()
            if 0 in ready and not self.read_commands():
                return self.wire.close()

    def patience(self):
        if not self.wire.group:
            return max(0.0, self.wire.next_try - time.monotonic())
        return 0.0003 if self.wire.waiting else None

    def turn(self, group):
        try:
            group.dispatch()
            self.wire.flush()
        except cpg.Failure:
            self.wire.close()

    def try_again(self):
        try:
            self.wire.join()
            self.member.joined()
        except cpg.Failure:
            pass

    def read_commands(self):
        """False at the end of input."""
        read = os.read(0, 65536)
        *lines, self.unread = (self.unread + read).split(b"\n")
        for line in lines:
            say(self.answer(json.loads(line)))
        return read != b""

    def answer(self, command):
        name = command.pop("do")
        if name not in self.commands or not hasattr(self.member, name):
            return {"error": f"no such command: {name}"}
        try:
            return {"answer": getattr(self.member, name)(**command)}
        except (AssertionError, TypeError, ValueError, KeyError, cpg.Failure) as error:
            return {"error": f"{name}: {error}"}


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def run(make, defaults, commands):
    """The program: `make` a member of what the only argument says."""
    threading.stack_size(8 << 20)  # libcpg's dispatch needs more than a MiB
    Program(make(defaults | json.loads(sys.argv[1])), commands).run()


if __name__ == "__main__":
    run(lambda options: (Asterisk if options["kind"] == "asterisk" else Tap)(options), DEFAULTS, COMMANDS)
