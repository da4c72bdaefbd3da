"""Frames of event channels (docs/protocol/event-channels.md), written for tests and apart from Lamplight's codec, so that
each checks the other.

A record is a dict with its name under `record` and its fields by name; numbers are int, texts and data bytes. `encode`
and `decode` turn a list of records into one frame and back; `decode` refuses what a receiver must refuse. `raw` builds
a frame of any bytes, for what no sender may say.
"""

import struct

MAGIC = b"LEVT"
VERSION = 1
FOR_EVER = (1 << 63) - 1
TIME_UNKNOWN = -(1 << 63)
PUBLISHER, SUBSCRIBER, CREATE = 1, 2, 4
EMPTY, WHOLE = 0, 1
NOTHING, STATE = 0, 1
LIVING, UNLINKED = 0, 1

MAX_FRAME = 73_728
MAX_NAME, MAX_PROGRAM, MAX_PATTERN = 256, 64, 255
MAX_PATTERNS, MAX_OPENS, MAX_TARGETS = 10, 200, 128
MAX_DATA = 65_536
HEADER = 8


class Malformed(Exception):
    """`reason` is one of the page's; `records` those before the broken one."""

    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason
        self.records = []


class Cursor:
    def __init__(self, body):
        self.body = body
        self.at = 0

    def take(self, size):
        if len(self.body) - self.at < size:
            raise Malformed("broken record")
        self.at += size
        return self.body[self.at - size:self.at]


# --- kinds of fields: each writes a value as bytes, reads one, and says what is wrong with it ---


class Number:
    def __init__(self, format_, flaw=lambda value: None):
        self.struct = struct.Struct(">" + format_)
        self.flaw = flaw

    def write(self, value):
        return self.struct.pack(value)

    def read(self, cursor):
        return self.struct.unpack(cursor.take(self.struct.size))[0]


class Text:
    def __init__(self, length_format, limit, too_long, least=0):
        self.length = Number(length_format)
        self.limit, self.too_long, self.least = limit, too_long, least

    def write(self, value):
        return self.length.write(len(value)) + value

    def read(self, cursor):
        return cursor.take(self.length.read(cursor))

    def flaw(self, value):
        return None if self.least <= len(value) <= self.limit else self.too_long


class Many:
    """A count, then so many entries: each of one kind, or a dict of named fields."""

    def __init__(self, count_format, limit, entry):
        self.count = Number(count_format)
        self.limit, self.entry = limit, entry

    def write(self, values):
        return self.count.write(len(values)) + b"".join(self.entry.write(value) for value in values)

    def read(self, cursor):
        count = self.count.read(cursor)
        if count > self.limit:
            raise Malformed("too many")
        return [self.entry.read(cursor) for _ in range(count)]

    def flaw(self, values):
        if len(values) > self.limit:
            return "too many"
        return next((found for found in map(self.entry.flaw, values) if found), None)


class Fields:
    def __init__(self, **kinds):
        self.kinds = kinds

    def write(self, values):
        return b"".join(kind.write(values[name]) for name, kind in self.kinds.items())

    def read(self, cursor):
        return {name: kind.read(cursor) for name, kind in self.kinds.items()}

    def flaw(self, values):
        return next((found for name, kind in self.kinds.items() if (found := kind.flaw(values[name]))), None)


def bad_unless(holds):
    return lambda value: None if holds(value) else "bad value"


def up_to(highest):
    return Number("B", bad_unless(lambda value: value <= highest))


class OpenFields(Fields):
    """A proposed id of 0 goes where nothing is created."""

    def flaw(self, values):
        if values["flags"] & CREATE and values["proposed"] == 0:
            return "bad value"
        return super().flaw(values)


U32 = Number("I")
U64 = Number("Q")
ID = Number("Q", bad_unless(lambda value: value != 0))
TIME = Number("q", bad_unless(lambda value: value >= 0))
FLAGS = up_to(PUBLISHER | SUBSCRIBER | CREATE)
CHANNEL = Text("H", MAX_NAME, "name too long", least=1)

PUBLISH = dict(channel=ID, id=ID, priority=up_to(3), retention=TIME, publish_time=TIME, channel_name=CHANNEL,
               publisher=Text("H", MAX_NAME, "name too long"),
               patterns=Many("B", MAX_PATTERNS, Text("H", MAX_PATTERN, "pattern too long")),
               data=Text("I", MAX_DATA, "data too long"))

TYPES = {
    1: ("hello", Fields(
        publisher=Number("I", bad_unless(lambda value: value != 0)), since=U64, state=up_to(WHOLE), wants=up_to(STATE),
        boot_time=Number("q", bad_unless(lambda value: value >= 0 or value == TIME_UNKNOWN)), initial_view=U64,
        program=Text("H", MAX_PROGRAM, "name too long"),
        opens=Many("H", MAX_OPENS, Fields(handle=U32, channel=ID, flags=FLAGS, name=CHANNEL)))),
    2: ("open", OpenFields(handle=U32, proposed=U64, flags=FLAGS, name=CHANNEL)),
    3: ("close", Fields(handle=U32)),
    4: ("unlink", Fields(name=CHANNEL)),
    5: ("publish", Fields(**PUBLISH)),
    6: ("clear", Fields(channel=ID, id=ID)),
    7: ("state_begin", Fields(number=U32, targets=Many("B", MAX_TARGETS, Fields(node_id=U32, pid=U32)))),
    8: ("state_channel", Fields(id=ID, status=up_to(UNLINKED), name=CHANNEL)),
    9: ("state_event", Fields(remaining=TIME, **PUBLISH)),
    10: ("state_cleared", Fields(channel=ID, id=ID, remaining=TIME)),
    11: ("state_end", Fields(number=U32)),
}
NUMBERS = {name: number for number, (name, _) in TYPES.items()}


def raw(*records, magic=MAGIC, version=VERSION):
    """A frame of (type, body) pairs as they are."""
    frame = magic + bytes([version, 0, 0, 0])
    return frame + b"".join(struct.pack(">BI", type_, len(body)) + body for type_, body in records)


def body_of(record):
    """The bytes of a record behind its head, sound or not."""
    return TYPES[NUMBERS[record["record"]]][1].write(record)


def encode(*records):
    """One frame; ValueError for a record that no sender may write."""
    for record in records:
        if found := TYPES[NUMBERS[record["record"]]][1].flaw(record):
            raise ValueError(f"{record['record']}: {found}")
    frame = raw(*((NUMBERS[record["record"]], body_of(record)) for record in records))
    if not records or len(frame) > MAX_FRAME:
        raise ValueError(f"a frame of {len(records)} records and {len(frame)} bytes")
    return frame


def decode(frame):
    """Its records; an unknown one is {"record": "unknown", "type": number}."""
    if len(frame) > MAX_FRAME:
        raise Malformed("too long")
    if len(frame) < HEADER:
        raise Malformed("too short")
    if frame[:4] != MAGIC:
        raise Malformed("not a frame of event channels")
    if frame[4] != VERSION:
        raise Malformed("other version")
    if len(frame) < HEADER + 5:
        raise Malformed("too short")
    cursor = Cursor(frame[HEADER:])
    records = []
    try:
        while cursor.at < len(cursor.body):
            type_, length = struct.unpack(">BI", cursor.take(5))
            records.append(decode_record(type_, cursor.take(length)))
    except Malformed as broken:
        broken.records = records
        raise
    return records


def decode_record(type_, body):
    if type_ not in TYPES:
        return {"record": "unknown", "type": type_}
    name, fields = TYPES[type_]
    cursor = Cursor(body)
    values = fields.read(cursor)
    if cursor.at != len(body):
        raise Malformed("broken record")
    if found := fields.flaw(values):
        raise Malformed(found)
    return {"record": name, **values}


# --- records with what is mostly said ---


def hello(publisher, since, *, opens=(), state=WHOLE, wants=NOTHING, boot_time=TIME_UNKNOWN, initial_view=0,
          program=b"test"):
    """`opens`: (handle, channel id, flags, name)."""
    return dict(record="hello", publisher=publisher, since=since, state=state, wants=wants, boot_time=boot_time,
                initial_view=initial_view, program=program,
                opens=[dict(zip(("handle", "channel", "flags", "name"), entry)) for entry in opens])


def open_(handle, name, *, flags=PUBLISHER | SUBSCRIBER | CREATE, proposed=0):
    return dict(record="open", handle=handle, proposed=proposed, flags=flags, name=name)


def close(handle):
    return dict(record="close", handle=handle)


def unlink(name):
    return dict(record="unlink", name=name)


def publish(channel, id_, channel_name, data, *, priority=3, retention=0, publish_time=0, publisher=b"", patterns=()):
    return dict(record="publish", channel=channel, id=id_, priority=priority, retention=retention,
                publish_time=publish_time, channel_name=channel_name, publisher=publisher, patterns=list(patterns),
                data=data)


def clear(channel, id_):
    return dict(record="clear", channel=channel, id=id_)


def state_begin(number, targets):
    """`targets`: (node id, process id)."""
    return dict(record="state_begin", number=number,
                targets=[dict(node_id=node_id, pid=pid) for node_id, pid in targets])


def state_channel(id_, name, *, status=LIVING):
    return dict(record="state_channel", id=id_, status=status, name=name)


def state_event(remaining, event):
    return {**event, "record": "state_event", "remaining": remaining}


def state_cleared(channel, id_, remaining):
    return dict(record="state_cleared", channel=channel, id=id_, remaining=remaining)


def state_end(number):
    return dict(record="state_end", number=number)
