"""Asterisk's binary events, written for tests and apart from Lamplight's codec, so that each checks the other.

Header: type and whole length, 16 bits each, big endian. Then elements: type, length, payload. A number is 32 bits big
endian; a text is its 32-bit hash in the sender's byte order (little endian here), its bytes, and a NUL; an EID is six
bytes. A text's hash was computed with signed characters until 13.15 (`LEGACY`), with unsigned ones from 13.16 on.
"""

import struct

STATES = ["UNKNOWN", "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"]
RANKS = ["INVALID", "UNKNOWN", "UNAVAILABLE", "NOT_INUSE", "ONHOLD", "RINGING", "INUSE", "BUSY", "RINGINUSE"]
MWI, AGGREGATE, CHANGE, PING, DISCOVERY = 0x02, 0x05, 0x06, 0x0c, 0x0d
TYPES = {MWI: "MWI", AGGREGATE: "DEVICE_STATE", CHANGE: "DEVICE_STATE_CHANGE", PING: "PING",
         DISCOVERY: "CLUSTER_DISCOVERY"}
TEXTS = {3: "mailbox", 7: "device", 9: "context", 0x2a: "address"}
NUMBERS = {1: "new", 2: "old", 8: "state", 0x3d: "cachable", 0x39: "cachable", 0x35: "cachable", 0x3e: "node"}
EID = 0x21
HEADER = struct.Struct(">HH")


class Malformed(Exception):
    """The text is the reason in a few words."""


def modern_hash(text):
    h = 5381
    for byte in text:
        h = (h * 33 & 0xffffffff) ^ byte
    return h & 0x7fffffff


def legacy_hash(text):
    h = 5381
    for byte in text:
        h = (h * 33 & 0xffffffff) ^ (byte | 0xffffff00 if byte > 0x7f else byte)
    return h if h < 1 << 31 else (1 << 32) - h


def legacy_device_hash(name):
    technology, slash, rest = name.partition(b"/")
    return legacy_hash(technology.upper() + slash + rest if slash else name)


def eid_text(raw):
    return ":".join(f"{byte:02x}" for byte in raw)


def eid_bytes(text):
    return bytes(int(part, 16) for part in text.split(":"))


def aggregate(states):
    """The join of votes, by names of states."""
    states = set(states)
    if "RINGING" in states and states & {"INUSE", "BUSY", "ONHOLD"}:
        return "RINGINUSE"
    return max(states, key=RANKS.index, default="INVALID")


class Codec:
    """One generation of senders: 8 (for 1.8), 10, 11, or 22 for all from 13.16 on."""

    def __init__(self, generation):
        self.cachable = {8: 0x35, 10: 0x39}.get(generation, 0x3d)
        self.hash = modern_hash if generation > 11 else legacy_hash
        self.device_hash = modern_hash if generation > 11 else legacy_device_hash

    def text(self, element, text, hash_of=None):
        raw = text.encode(errors="surrogateescape")
        return HEADER.pack(element, len(raw) + 5) + struct.pack("<I", (hash_of or self.hash)(raw)) + raw + b"\0"

    @staticmethod
    def number(element, value):
        return struct.pack(">HHI", element, 4, value)

    @staticmethod
    def event(kind, eid, *elements):
        body = b"".join(elements) + HEADER.pack(EID, 6) + eid_bytes(eid)
        return HEADER.pack(kind, 4 + len(body)) + body

    def state(self, kind, device, state, eid, cachable=1):
        return self.event(kind, eid, self.text(7, device, self.device_hash), self.number(8, STATES.index(state)),
                          self.number(self.cachable, cachable))

    def mwi(self, mailbox, context, new, old, eid):
        return self.event(MWI, eid, self.text(3, mailbox), self.text(9, context), self.number(1, new),
                          self.number(2, old))

    def discovery(self, node, address, eid):
        return self.event(DISCOVERY, eid, self.number(0x3e, node), self.text(0x2a, address))


def decode(message):
    """Type and a dict of the elements, texts also as `<name>_hash`; of several of one type the first counts."""
    if len(message) < 4:
        raise Malformed("shorter than a header")
    kind, length = HEADER.unpack_from(message)
    if length > len(message):
        raise Malformed("longer than the message")  # a real Asterisk reads on
    fields, at = {}, 4
    while at < length:
        if length - at < 4:
            raise Malformed("truncated element")
        element, size = HEADER.unpack_from(message, at)
        payload = message[at + 4:at + 4 + size]
        at += 4 + size
        if at > length:
            raise Malformed("truncated element")
        for name, value in element_of(element, payload):
            fields.setdefault(name, value)
    return kind, fields


def element_of(element, payload):
    if element in TEXTS:
        if len(payload) < 5 or payload[-1] != 0:
            raise Malformed("text without end")
        text = payload[4:].split(b"\0")[0].decode(errors="surrogateescape")
        return [(TEXTS[element], text), (TEXTS[element] + "_hash", struct.unpack_from("<I", payload)[0])]
    if element in NUMBERS:
        if len(payload) != 4:
            raise Malformed("number of another size")
        return [(NUMBERS[element], struct.unpack(">I", payload)[0])]
    if element == EID:
        if len(payload) != 6:
            raise Malformed("EID of another size")
        return [("eid", eid_text(payload))]
    return []
