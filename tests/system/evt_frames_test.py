"""The codec of event channels that scripted members use, against the bytes that Lamplight's own is held to."""

import os
import re
import unittest
from pathlib import Path

import evt_frames as evt
from harness import main

SOURCE = Path(os.environ["LAMPLIGHT_SOURCE"])
DATA = SOURCE / "tests/data/evt"

NUMBER = 0x5a000001
CHANNEL = NUMBER << 32 | 1001
OTHER_CHANNEL = 0x00c0ffee << 32 | 1001
EVENT = NUMBER << 32 | 1002
NOW = 1_700_000_000_000_000_000
MINUTE = 60_000_000_000
INUSE = bytes.fromhex((SOURCE / "tests/data/event/asthead-dsc-custom-abc-inuse.hex").read_text())
PUBLISH = evt.publish(CHANNEL, EVENT, b"device_state", INUSE, retention=MINUTE, publish_time=NOW, publisher=b"pbx1",
                      patterns=[b"device_state\0"])
BARE = evt.publish(CHANNEL, EVENT + 1, b"c", b"", priority=0, retention=evt.FOR_EVER, patterns=[b"", b"\xff\0\x01"])
STATE = [evt.state_begin(7, [(1, 4711), (0x9016180a, 815)]), evt.state_channel(CHANNEL, b"device_state"),
         evt.state_channel(OTHER_CHANNEL, b"old", status=evt.UNLINKED), evt.state_event(MINUTE // 2, PUBLISH),
         evt.state_cleared(CHANNEL, EVENT - 1, 1_000), evt.state_end(7)]
GOLDEN = {
    "hello": [evt.hello(NUMBER, NOW, wants=evt.STATE, boot_time=NOW - 3600 * 10**9, initial_view=12,
                        program=b"lamplightd",
                        opens=[(1, CHANNEL, 7, b"device_state"), (2, OTHER_CHANNEL, evt.SUBSCRIBER, b"mwi")])],
    "hello_empty": [evt.hello(NUMBER, NOW, state=evt.EMPTY, program=b"")],
    "open": [evt.open_(3, b"device_state", proposed=CHANNEL)],
    "open_only": [evt.open_(4, b"mwi", flags=evt.SUBSCRIBER)],
    "close": [evt.close(3)],
    "unlink": [evt.unlink(b"device_state")],
    "publish": [PUBLISH],
    "publish_bare": [BARE],
    "clear": [evt.clear(CHANNEL, EVENT)],
    "state_begin": [STATE[0]],
    "state_channel": [STATE[1]],
    "state_unlinked": [STATE[2]],
    "state_event": [STATE[3]],
    "state_cleared": [STATE[4]],
    "state_end": [STATE[5]],
    "state": STATE,
}


def golden(name):
    return bytes.fromhex((DATA / f"{name}.hex").read_text())


def reason(frame):
    try:
        evt.decode(frame)
    except evt.Malformed as broken:
        return broken.reason
    return "accepted"


class GoldenFrames(unittest.TestCase):
    def test_are_all_expected(self):
        self.assertEqual({path.stem for path in DATA.glob("*.hex")}, set(GOLDEN))

    def test_are_what_is_encoded(self):
        for name, records in GOLDEN.items():
            with self.subTest(name):
                self.assertEqual(evt.encode(*records).hex(" "), golden(name).hex(" "))

    def test_are_decoded_to_their_records(self):
        for name, records in GOLDEN.items():
            with self.subTest(name):
                self.assertEqual(evt.decode(golden(name)), records)

    def test_include_the_example_of_the_protocol_page(self):
        page = (SOURCE / "docs/protocol/event-channels.md").read_text()
        lines = re.search(r"## Example\n.*?```\n(.*?)```", page, re.S).group(1).splitlines()
        example = bytes.fromhex(" ".join(line.split("|")[0] for line in lines))
        self.assertEqual(example.hex(" "), golden("publish").hex(" "))


class BrokenFrames(unittest.TestCase):
    def test_cut_anywhere_are_refused_or_end_with_a_whole_record(self):
        for name, records in GOLDEN.items():
            frame = golden(name)
            ends = [len(evt.encode(*records[:count + 1])) for count in range(len(records))]
            for size in range(len(frame)):
                with self.subTest(name, size=size):
                    whole = sum(end <= size for end in ends)
                    try:
                        given = evt.decode(frame[:size])
                        self.assertIn(size, ends)
                    except evt.Malformed as broken:
                        given = broken.records
                        self.assertNotIn(size, ends)
                    self.assertEqual(given, records[:whole])

    def test_are_refused_by_their_reason(self):
        self.assertEqual(reason(golden("close") + bytes(evt.MAX_FRAME)), "too long")
        self.assertEqual(reason(golden("close")[:7]), "too short")
        self.assertEqual(reason(b"LAVT" + golden("close")[4:]), "not a frame of event channels")
        self.assertEqual(reason(evt.raw((3, bytes(4)), version=2)), "other version")
        self.assertEqual(reason(evt.raw((3, bytes(5)))), "broken record")

    def test_cannot_be_encoded_by_mistake(self):
        for record, why in [(evt.clear(0, EVENT), "bad value"), (evt.open_(1, b"new"), "bad value"),
                            (evt.unlink(b""), "name too long"), (evt.unlink(bytes(257)), "name too long"),
                            (evt.hello(1, 0, opens=[(1, CHANNEL, 1, b"c")] * 201), "too many"),
                            ({**PUBLISH, "patterns": [bytes(256)]}, "pattern too long"),
                            ({**PUBLISH, "data": bytes(65_537)}, "data too long"),
                            (evt.state_event(-1, PUBLISH), "bad value")]:
            with self.subTest(record["record"], why=why):
                with self.assertRaisesRegex(ValueError, why):
                    evt.encode(record)
                self.assertEqual(reason(evt.raw((evt.NUMBERS[record["record"]], evt.body_of(record)))), why)

    def test_records_of_a_later_version_are_passed_over(self):
        frame = evt.raw((12, b"anything"), (3, (9).to_bytes(4, "big")))
        self.assertEqual(evt.decode(frame), [{"record": "unknown", "type": 12}, evt.close(9)])


if __name__ == "__main__":
    main()
