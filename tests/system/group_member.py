"""A member of a CPG group that records what it sees and sends what it is told to; asterisk_peer.py builds on it."""

import os
import select
import threading
import time
from collections import Counter, deque

import cpg
from asterisk_events import TYPES


class Wire:
    """The group, or its absence; what goes out and what does not."""

    def __init__(self, options, owner):
        self.options, self.owner = options, owner
        self.group, self.waiting = None, deque()
        self.sent, self.refused, self.failed = Counter(), Counter(), Counter()  # by type, by type, by status
        self.next_try = 0.0

    def join(self):
        self.next_try = time.monotonic() + self.options["rejoin_after"]
        self.group = cpg.Group(self.options["group"].encode(), self.owner)

    def send(self, data):
        if self.waiting or not self.try_once(data):
            if self.options["retry"]:
                self.waiting.append(data)

    def try_once(self, data):
        status = self.group.send(data) if self.group else "no Corosync"
        if status == cpg.OK:
            self.sent[kind_of(data)] += 1
        else:
            self.refused[kind_of(data)] += 1
            self.failed[str(status)] += 1
        return status == cpg.OK

    def flush(self):
        while self.waiting and self.try_once(self.waiting[0]):
            self.waiting.popleft()

    def close(self):
        if self.group:
            self.group.finalize()
        self.group = None


def kind_of(message):
    number = int.from_bytes(message[:2], "big")
    return TYPES.get(number, f"0x{number:04x}") if len(message) >= 4 else "short"


class Tap:
    """Records what it sees, and sends only what it is told to."""

    def __init__(self, options):
        self.options = options
        self.wire = Wire(options, self)
        self.members, self.ring = [], {}
        self.changes, self.rings = [], []
        self.by_type, self.by_sender, self.by_eid = Counter(), {}, {}
        self.malformed, self.malformed_last = Counter(), None
        self.messages = deque(maxlen=options["keep"])
        self.floods = []

    # --- what comes ---

    def on_ring(self, ring, nodes):
        self.ring = {"at": time.monotonic(), "ring": ring, "nodes": nodes}
        self.rings.append(self.ring)

    def on_members(self, members, left, joined):
        self.members = [(node, pid) for node, pid, _ in members]
        self.changes.append({"at": time.monotonic(), "members": self.members, "left": left, "joined": joined})

    def on_message(self, node, pid, message):
        kind = kind_of(message)
        self.by_type[kind] += 1
        self.by_sender.setdefault(f"{node}/{pid}", Counter())[kind] += 1
        self.messages.append((time.monotonic(), node, pid, message))

    def joined(self):
        """The group is there, for the first time or again."""

    # --- what goes and what is told ---

    def raw(self, hex):
        self.wire.send(bytes.fromhex(hex))

    def flood(self, group, count, size):
        """Another group, as fast as Corosync takes it."""
        self.floods.append(Flood(group, count, size))
        self.floods[-1].start()

    def stop_flood(self):
        for flood in self.floods:
            flood.wanted = 0

    def leave(self):
        """Says goodbye, which a real Asterisk never does; stays as a program without a group."""
        self.wire.group.leave()

    def dump(self, parts=None):
        """What it believes and has seen; `messages` only when it is among `parts`."""
        known = self.beliefs()
        return {part: known[part]() for part in parts or known if part != "messages" or parts}

    def beliefs(self):
        """By name, ways to tell."""
        wire = self.wire
        return {
            "node": lambda: wire.group.node if wire.group else None, "pid": os.getpid,
            "members": lambda: self.members, "ring": lambda: self.ring,
            "changes": lambda: self.changes, "rings": lambda: self.rings,
            "by_type": lambda: self.by_type, "by_sender": lambda: self.by_sender, "by_eid": lambda: self.by_eid,
            "malformed": lambda: self.malformed, "malformed_last": lambda: self.malformed_last,
            "sent": lambda: wire.sent, "refused": lambda: wire.refused, "failed": lambda: wire.failed,
            "waiting": lambda: len(wire.waiting),
            "floods": lambda: [flood.told() for flood in self.floods],
            "messages": lambda: [(at, node, pid, message.hex()) for at, node, pid, message in self.messages],
        }


class Flood(threading.Thread):
    """Fills Corosync's queue from a handle of its own."""

    def __init__(self, group, count, size):
        super().__init__(daemon=True)
        self.name_of_group, self.wanted, self.data = group, count, b"f" * size
        self.sent, self.refused, self.back, self.ended = 0, 0, 0, False

    def run(self):
        group = cpg.Group(self.name_of_group.encode(), self)
        while self.sent < self.wanted:
            if group.send(self.data) == cpg.OK:
                self.sent += 1
            else:
                self.refused += 1
            group.dispatch()
        while self.back < self.sent:
            select.select([group.fd], [], [], 0.1)
            group.dispatch()
        group.finalize()
        self.ended = True

    def told(self):
        return {"sent": self.sent, "refused": self.refused, "back": self.back, "ended": self.ended}

    def on_message(self, node, pid, _message):
        self.back += pid == os.getpid()

    def on_members(self, *_):
        pass

    on_ring = on_members
