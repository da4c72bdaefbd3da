"""A member of the CPG group `saEvt` that behaves as Asterisk 1.8's res_ais does on an event service, for tests.

Two layers: EventService, the service's part (docs/protocol/event-channels.md, written apart from Lamplight's); and
ResAis, Asterisk's, started by peers.py and asked as asterisk_peer.py is. What is modelled of Asterisk 1.8.12 and later:
  - each event is published for itself, under the exact pattern `device_state` with its NUL, lowest priority, and
    retained for a minute; whatever comes from another EID is kept;
  - the own states are told again when membership says that a node joined, and at no other time: not when another
    process opens the channel, not after the own Corosync was gone;
  - a server that goes takes nothing back, and nobody's states are ever cleared.
"""

import os
import secrets
import time
from collections import Counter

import evt_frames as evt
from asterisk_events import CHANGE, MWI, decode
from asterisk_peer import COMMANDS, Asterisk, run
from asterisk_peer import DEFAULTS as ASTERISK_DEFAULTS

DEFAULTS = ASTERISK_DEFAULTS | {
    "kind": "ais",
    "group": "saEvt",
    "generation": 8,               # 10: another number for the element "cachable"
    "channels": {"device_state": ["device_state"]},  # by name, what is published and subscribed in it
    "retention": 60.0,             # seconds
    "retry": True,                 # res_ais tries for ever
    "events_a_frame": 1,           # of `fill`; res_ais has a frame for each
}
PATTERNS = {CHANGE: b"device_state\0", MWI: b"mwi\0"}
EVENT_NAMES = {CHANGE: "device_state", MWI: "mwi"}
LOWEST = 3


class EventService:
    """The channels of the cluster as one member knows them, and its own opens.

    `owner` is told on_opened(name) and on_event(node, pid, record).
    """

    def __init__(self, wire, owner):
        self.wire, self.owner = wire, owner
        self.publisher, self.count = secrets.randbelow((1 << 32) - 1) + 1, 1000
        self.since, self.whole = 0, False
        self.members, self.hellos = [], {}  # (node, pid) …; by (node, pid)
        self.channels = {}  # id -> [name, status]
        self.opens, self.asked, self.wanted = {}, {}, []  # handle -> open; handle -> name; names
        self.retained, self.cleared = {}, {}  # event id -> (deadline, record); (channel id, event id) -> deadline
        self.taking, self.states, self.seen = None, 0, Counter()
        self.malformed = Counter()
        self.events_a_frame, self.gathered = 1, []

    def new_id(self):
        self.count += 1
        return self.publisher << 32 | self.count

    def say(self, *records):
        self.wire.send(evt.encode(*records))

    # --- membership of the group ---

    def on_members(self, members, left, joined, me):
        there = [(node, pid) for node, pid, _ in members]
        came = [(node, pid) for node, pid, _ in joined]
        for node, pid, reason in left:
            if reason != "NODEDOWN":
                self.hellos.pop((node, pid), None)
        if me in came:
            self.since, self.whole = time.time_ns(), there == [me]
        returned = [one for one in came if one != me and me not in came and one in self.hellos]
        leads = self.leads(me, [one for one in self.members if one not in came])
        self.members = there
        if came:
            self.hello()
        if returned and leads:
            self.tell_state(returned)
        if self.whole:
            self.open_wanted()

    def hello(self):
        self.say(evt.hello(self.publisher, self.since, state=int(self.whole), wants=int(not self.whole),
                           program=b"res_ais", opens=[(handle, one["channel"], one["flags"], one["name"].encode())
                                                      for handle, one in self.opens.items()]))

    def leads(self, me, among):
        """Whether it is on this member to tell states."""
        ages = [(self.hellos[one]["since"], *one) for one in among
                if one != me and one in self.hellos and self.hellos[one]["state"] == evt.WHOLE]
        return self.whole and all((self.since, *me) < age for age in ages)

    # --- states ---

    def tell_state(self, targets):
        self.states += 1
        self.say(evt.state_begin(self.states, targets))
        for channel, (name, status) in self.channels.items():
            self.say(evt.state_channel(channel, name, status=status))
        self.expire()
        for deadline, event in self.retained.values():
            self.say(evt.state_event(remaining(deadline), event))
        for (channel, event), deadline in self.cleared.items():
            self.say(evt.state_cleared(channel, event, remaining(deadline)))
        self.say(evt.state_end(self.states))

    def expire(self):
        now = time.monotonic()
        self.retained = {event: kept for event, kept in self.retained.items() if kept[0] > now}
        self.cleared = {key: deadline for key, deadline in self.cleared.items() if deadline > now}

    # --- own opens ---

    def open(self, name):
        if not self.whole:
            self.wanted.append(name)
            return
        handle = max([0, *self.opens, *self.asked]) + 1
        self.asked[handle] = name
        self.say(evt.open_(handle, name.encode(), proposed=self.new_id()))

    def open_wanted(self):
        wanted, self.wanted = self.wanted, []
        for name in wanted:
            self.open(name)

    def close(self, name):
        for handle in [handle for handle, one in self.opens.items() if one["name"] == name]:
            self.say(evt.close(handle))

    def channel(self, name):
        """Of the own open of this name; None without one."""
        return next((one["channel"] for one in self.opens.values() if one["name"] == name), None)

    def publish(self, name, pattern, data, retention, priority=LOWEST):
        self.gathered.append(evt.publish(self.channel(name), self.new_id(), name.encode(), data, priority=priority,
                                         retention=int(retention * 1e9), publish_time=time.time_ns(),
                                         publisher=b"res_ais", patterns=[pattern]))
        if len(self.gathered) >= self.events_a_frame:
            self.say_gathered()

    def say_gathered(self):
        if self.gathered:
            self.say(*self.gathered)
        self.gathered = []

    # --- frames ---

    def receive(self, sender, me, frame):
        try:
            records = evt.decode(frame)
        except evt.Malformed as error:
            self.malformed[error.reason] += 1
            records = error.records
        for record in records:
            self.seen[record["record"]] += 1
            getattr(self, f"on_{record['record']}")(sender, me, record)

    def on_hello(self, sender, me, hello):
        self.hellos[sender] = hello
        for one in hello["opens"]:
            self.channels.setdefault(one["channel"], [one["name"], evt.LIVING])
        if sender != me and hello["wants"] == evt.STATE and self.leads(me, self.members):
            self.tell_state([sender])

    def on_open(self, sender, me, record):
        channel = self.living(record["name"])
        if channel is None and record["flags"] & evt.CREATE:
            channel = record["proposed"]
            self.channels[channel] = [record["name"], evt.LIVING]
        if sender == me and self.asked.pop(record["handle"], None) and channel is not None:
            name = record["name"].decode()
            self.opens[record["handle"]] = {"channel": channel, "flags": record["flags"], "name": name}
            self.owner.on_opened(name)
            self.expire()
            for _, event in list(self.retained.values()):
                if self.is_ours(event, name):
                    self.owner.on_event(0, 0, event)

    def living(self, name):
        return next((channel for channel, (known, status) in self.channels.items()
                     if known == name and status == evt.LIVING), None)

    def on_close(self, sender, me, record):
        if sender == me:
            self.opens.pop(record["handle"], None)

    def on_unlink(self, _sender, _me, record):
        for channel, known in self.channels.items():
            if known == [record["name"], evt.LIVING]:
                self.unlinked(channel)

    def unlinked(self, channel):
        self.channels[channel][1] = evt.UNLINKED
        self.retained = {event: kept for event, kept in self.retained.items() if kept[1]["channel"] != channel}

    def on_publish(self, sender, _me, event):
        self.channels.setdefault(event["channel"], [event["channel_name"], evt.LIVING])
        self.take_event(sender, event, event["retention"])

    def take_event(self, sender, event, retention):
        if event["id"] in self.retained or (event["channel"], event["id"]) in self.cleared:
            return
        if retention:
            self.retained[event["id"]] = (time.monotonic() + retention / 1e9, event)
        if any(self.is_ours(event, one["name"]) for one in self.opens.values()):
            self.owner.on_event(*sender, event)

    def is_ours(self, event, name):
        known = self.channels.get(event["channel"])
        return known is not None and known[0] == name.encode() and event["patterns"][:1] and \
            event["patterns"][0] in self.owner.filters(name)

    def on_clear(self, _sender, _me, record):
        kept = self.retained.pop(record["id"], None)
        if kept:
            self.cleared[record["channel"], record["id"]] = kept[0]

    def on_state_begin(self, sender, me, record):
        if me in [(target["node_id"], target["pid"]) for target in record["targets"]]:
            self.taking = (sender, record["number"])

    def taken_from(self, sender):
        return self.taking is not None and self.taking[0] == sender

    def on_state_channel(self, sender, _me, record):
        if self.taken_from(sender):
            self.channels.setdefault(record["id"], [record["name"], record["status"]])
            if record["status"] == evt.UNLINKED:
                self.unlinked(record["id"])

    def on_state_event(self, sender, _me, record):
        if self.taken_from(sender) and self.channels.get(record["channel"], [b"", evt.LIVING])[1] == evt.LIVING:
            self.take_event(sender, {**record, "record": "publish"}, record["remaining"])

    def on_state_cleared(self, sender, _me, record):
        if self.taken_from(sender):
            self.retained.pop(record["id"], None)
            self.cleared[record["channel"], record["id"]] = time.monotonic() + record["remaining"] / 1e9

    def on_state_end(self, sender, _me, record):
        if self.taking == (sender, record["number"]):
            self.taking = None
            if not self.whole:
                self.whole = True
                self.hello()
            self.open_wanted()

    def on_unknown(self, *_):
        pass


def remaining(deadline):
    return max(0, int((deadline - time.monotonic()) * 1e9))


class ResAis(Asterisk):
    def __init__(self, options):
        super().__init__(options)
        self.service = EventService(self.wire, self)
        self.nodes = set()
        self.priorities, self.publishers = Counter(), Counter()

    @property
    def me(self):
        return (self.wire.group.node if self.wire.group else 0, os.getpid())

    # --- membership ---

    def joined(self):
        self.turn_up()

    def turn_up(self):
        """Once, as the module is loaded; whoever comes back has its channels open."""
        if not self.service.opens and not self.service.wanted:
            for name in self.options["channels"]:
                self.service.open(name)

    def on_members(self, members, left, joined):
        super(Asterisk, self).on_members(members, left, joined)
        self.service.on_members(members, left, joined, self.me)

    def on_ring(self, ring, nodes):
        super().on_ring(ring, nodes)
        came, self.nodes = set(nodes) - self.nodes, set(nodes)
        if came and self.options["dump"]:
            self.tell_own()

    # --- events ---

    def tell(self, message):
        kind, _ = decode(message)
        for name, events in self.options["channels"].items():
            if EVENT_NAMES[kind] in events and self.service.channel(name) is not None:
                self.service.publish(name, PATTERNS[kind], message, self.options["retention"])

    def fill(self, count, **more):
        self.service.events_a_frame = self.options["events_a_frame"]
        super().fill(count, **more)
        self.service.events_a_frame = 1
        self.service.say_gathered()

    def filters(self, name):
        events = self.options["channels"].get(name, [])
        return [PATTERNS[kind] for kind, event in EVENT_NAMES.items() if event in events]

    def on_opened(self, name):
        pass

    def on_event(self, node, pid, event):
        self.priorities[event["priority"]] += 1
        self.publishers[event["publisher"].decode(errors="replace")] += 1
        super().on_message(node, pid, event["data"])

    def on_message(self, node, pid, message):
        self.service.receive((node, pid), self.me, message)

    # --- commands ---

    def open_channel(self, name):
        self.service.open(name)

    def close_channel(self, name):
        self.service.close(name)

    def beliefs(self):
        service = self.service
        return super().beliefs() | {
            "publisher": lambda: service.publisher, "whole": lambda: service.whole,
            "opens": lambda: {one["name"]: one["channel"] for one in service.opens.values()},
            "channels": lambda: [[channel, name.decode(errors="replace"), status]
                                 for channel, (name, status) in service.channels.items()],
            "retained": lambda: (service.expire(), len(service.retained))[1],
            "records": lambda: service.seen, "malformed_frames": lambda: service.malformed,
            "priorities": lambda: self.priorities, "publishers": lambda: self.publishers,
        }


if __name__ == "__main__":
    run(ResAis, DEFAULTS, [*COMMANDS, "open_channel", "close_channel"])
