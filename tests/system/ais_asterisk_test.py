"""Lamplights and (scripted) Asterisk servers with res_ais on the same event channels, and what a liar can do there."""

import struct
import time

import evt_frames as evt
from ais_test import AIS_CONF, MWI_CHANNEL, AisTest
from asterisk_events import CHANGE, Codec
from harness import main, wait_until

STATES = ("NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD")
STRANGER = "02:00:00:78:00:08"
PATTERN = b"device_state\0"


class MixedTest(AisTest):
    def eid(self, node):
        return node.data("core show settings")["entity_id"]

    def mixed(self, count=2, settings=AIS_CONF, more="", **options):
        """pbx1 a Lamplight, the last host an Asterisk: (lamplight, asterisk)."""
        self.hosts = self.book_ring(count).start()
        [pbx1] = self.start_on(self.hosts, 1, settings=settings, more=more)
        self.until_joined(pbx1)
        return pbx1, self.res_ais(self.hosts[count], **options)

    def listener(self, host):
        """A tap on the channels that hears everything from now on; somebody has to be there."""
        tap = self.tap(host, group="saEvt")
        tap.until(lambda dump: dump["by_type"], "a member says hello to the tap", "by_type")
        return tap

    def frames(self, tap, *kinds):
        """(node, pid, record) of those kinds that the tap has seen, in order."""
        return [(node, pid, record) for _, node, pid, message in tap.messages()
                for record in evt.decode(message) if record["record"] in kinds]

    def liar(self, host):
        """One that has the channel open and may say anything."""
        return self.res_ais(host, eid="02:00:00:78:00:09")


class BothDirections(MixedTest):
    def test_each_has_the_others_votes(self):
        pbx1, asterisk = self.mixed()
        for state in STATES:
            pbx1.set(state, f"Custom:l{state}")
            asterisk.set(f"Custom:a{state}", state)
        for state in STATES:
            asterisk.until_votes(f"Custom:l{state}", {self.eid(pbx1): state})
            self.until_votes(pbx1, {asterisk.eid: state}, f"Custom:a{state}")
        asterisk.set("Custom:abc", "RINGING")
        pbx1.until_hint("Ringing")
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {asterisk.eid: "RINGING", self.eid(pbx1): "INUSE"})
        pbx1.until_hint("InUse&Ringing")

    def test_events_look_as_res_ais_made_them(self):
        pbx1, asterisk = self.mixed()
        tap = self.listener(self.hosts[2])
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        published = wait_until(lambda: self.frames(tap, "publish"), "the tap sees it")
        self.assertEqual(len(published), 1)
        event = published[0][2]
        self.assertEqual((event["channel_name"], event["patterns"], event["priority"], event["retention"]),
                         (b"device_state", [PATTERN], 3, 60_000_000_000))
        self.assertEqual(event["publisher"], b"pbx1")
        self.assertEqual(event["data"], Codec(8).state(CHANGE, "Custom:abc", "INUSE", self.eid(pbx1)))
        self.assertLess(abs(event["publish_time"] / 1e9 - time.time()), 60)

    def test_message_counts_have_their_own_pattern_and_channel(self):
        self.hosts = self.book_ring(2).start()
        [pbx1] = self.start_on(self.hosts, 1, settings=AIS_CONF + MWI_CHANNEL)
        asterisk = self.res_ais(self.hosts[2], channels={"device_state": ["device_state"], "mwi": ["mwi"]})
        asterisk.mwi("1000", "default", 2, 5)
        wait_until(lambda: "1000" in pbx1.do("mwi show"), "pbx1 has the counts")
        pbx1.do("mwi update 2000@sales 1 3")
        asterisk.until(lambda dump: dump["mailboxes"].get("2000@sales") == {self.eid(pbx1): [1, 3]}, "the counts",
                       "mailboxes")

    def exchange_without(self, line):
        """pbx1 with its votes, the Asterisk with its own, after each has told the other all that it tells."""
        both = {"device_state": ["device_state"], "mwi": ["mwi"]}
        pbx1, asterisk = self.mixed(settings=AIS_CONF.replace(line, "") + MWI_CHANNEL, channels=both)
        pbx1.set("INUSE")
        asterisk.set("Custom:abc", "BUSY")
        # Message counts go behind the states, in the same order for all.
        pbx1.do("mwi update 2000@sales 1 3")
        asterisk.mwi("1000", "default", 2, 5)
        asterisk.until(lambda dump: dump["mailboxes"].get("2000@sales"), "our counts", "mailboxes")
        wait_until(lambda: "1000" in pbx1.do("mwi show"), "their counts")
        return pbx1, asterisk

    def test_without_publish_event_a_channel_is_only_listened_to(self):
        pbx1, asterisk = self.exchange_without("publish_event = device_state\n")
        self.assertEqual(asterisk.votes(), {asterisk.eid: "BUSY"})
        self.assertEqual(pbx1.votes(), {"pbx1": "INUSE", asterisk.eid: "BUSY"})

    def test_without_subscribe_event_a_channel_is_not_listened_to(self):
        pbx1, asterisk = self.exchange_without("subscribe_event = device_state\n")
        self.assertEqual(asterisk.votes(), {asterisk.eid: "BUSY", self.eid(pbx1): "INUSE"})
        self.assertEqual(pbx1.votes(), {"pbx1": "INUSE"})

    def test_for_an_asterisk_10_the_events_are_its_own(self):
        pbx1, asterisk = self.mixed(more="[ais]\nasterisk_release = 10\n", generation=10)
        tap = self.listener(self.hosts[2])
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        [(_, _, event)] = wait_until(lambda: self.frames(tap, "publish"), "the tap sees it")
        self.assertEqual(event["data"], Codec(10).state(CHANGE, "Custom:abc", "INUSE", self.eid(pbx1)))
        asterisk.set("SIP/alice", "BUSY")
        self.until_votes(pbx1, {asterisk.eid: "BUSY"}, "SIP/alice")

    def test_only_the_exact_pattern_is_heard(self):
        pbx1, asterisk = self.mixed()
        publisher, channel = asterisk.dump("publisher"), asterisk.dump("opens")["device_state"]
        for number, patterns in enumerate(([], [b"device_state"], [b"device_state\0x"], [b"DEVICE_STATE\0"],
                                           [b"mwi\0"], [b"x", PATTERN])):
            asterisk.say(evt.publish(channel, publisher << 32 | 5000 + number, b"device_state", patterns=patterns,
                                     data=Codec(8).state(CHANGE, f"Custom:n{number}", "INUSE", asterisk.eid)))
        asterisk.say(evt.publish(channel, publisher << 32 | 6000, b"device_state", patterns=[PATTERN],
                                 data=Codec(8).state(CHANGE, "Custom:last", "INUSE", asterisk.eid)))
        self.until_votes(pbx1, {asterisk.eid: "INUSE"}, "Custom:last")
        self.assertEqual([shown["device"] for shown in pbx1.data("device show like Custom")["devices"]
                          if shown["votes"]], ["Custom:last"])

    def test_who_opens_the_channel_later_learns_what_lamplights_have(self):
        # As long after the last event as it may be: the retained ones are gone, and no node joins.
        self.hosts = self.book_ring(2).start()
        pbx1, pbx2 = self.start_on(self.hosts)
        pbx1.set("INUSE")
        pbx2.set("RINGING")
        pbx1.until_hint("InUse&Ringing")
        asterisk = self.res_ais(self.hosts[2])
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE", self.eid(pbx2): "RINGING"})

    def test_a_late_lamplight_hears_what_is_retained(self):
        self.hosts = self.book_ring(2).start()
        asterisk = self.res_ais(self.hosts[2])
        for state in ("INUSE", "BUSY", "RINGING"):
            asterisk.set("Custom:abc", state)
        asterisk.set("Custom:other", "ONHOLD")
        [pbx1] = self.start_on(self.hosts, 1)
        self.until_votes(pbx1, {asterisk.eid: "ONHOLD"}, "Custom:other")
        self.until_votes(pbx1, {asterisk.eid: "RINGING"})

    def test_a_late_lamplight_that_another_lamplight_gives_the_channels_hears_it_too(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "RINGING")
        pbx1.until_hint("Ringing")
        late = self.lamplight_on(self.hosts[2], "late", more="[general](+)\nstand_in = yes\n").start()
        self.until_votes(late, {asterisk.eid: "RINGING"})


class OnlyForStrangers(MixedTest):
    def test_lamplights_publish_while_somebody_who_is_no_lamplight_has_the_channel_open(self):
        self.hosts = self.book_ring(3).start()
        pbx1, pbx2 = self.start_on(self.hosts, 1, 2)
        tap = self.listener(self.hosts[3])
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.assertEqual(self.frames(tap, "publish"), [])

        asterisk = self.res_ais(self.hosts[3])
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        pbx1.set("BUSY")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "BUSY"})
        self.assertEqual(pbx2.votes(), {"pbx1": "BUSY"})

        asterisk.close_channel()
        wait_until(lambda: any(record["record"] == "close" for _, _, record in self.frames(tap, "close")), "the close")
        before = len(self.frames(tap, "publish"))
        pbx1.set("ONHOLD")
        pbx2.until_hint("Hold")
        self.assertEqual(len(self.frames(tap, "publish")), before)

        asterisk.open_channel()
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "ONHOLD"})

    def test_an_open_of_another_channel_makes_nobody_publish(self):
        pbx1, asterisk = self.mixed(channels={"other": ["device_state"]})
        pbx1.set("INUSE")
        pbx1.set("BUSY")
        asterisk.set("Custom:abc", "RINGING")  # into its own channel, after ours would have come
        tap = self.listener(self.hosts[2])
        asterisk.set("Custom:abc", "BUSY")
        wait_until(lambda: self.frames(tap, "publish"), "its own event")
        self.assertEqual(asterisk.votes(), {asterisk.eid: "BUSY"})
        self.assertEqual(pbx1.votes(), {"pbx1": "BUSY"})


class Departures(MixedTest):
    def test_a_killed_asterisks_lamps_go_out_and_others_stay(self):
        pbx1, asterisk = self.mixed()
        other = self.res_ais(self.hosts[2], eid="02:00:00:78:00:09")
        asterisk.set("Custom:abc", "INUSE")
        other.set("Custom:other", "BUSY")
        self.until_votes(pbx1, {other.eid: "BUSY"}, "Custom:other")
        pbx1.until_hint("InUse")
        asterisk.kill()
        pbx1.until_hint("Unavailable", seconds=5)
        self.assertEqual(pbx1.votes("Custom:other"), {other.eid: "BUSY"})
        self.assertEqual(other.votes(), {asterisk.eid: "INUSE"}, "real ones keep them for ever")

    def test_our_votes_are_taken_back_when_we_stop_and_stay_when_we_restart(self):
        pbx1, asterisk = self.mixed()
        pbx1.set("INUSE")
        eid = self.eid(pbx1)
        asterisk.until_votes("Custom:abc", {eid: "INUSE"})
        self.assertEqual(pbx1.terminate(), 0)
        asterisk.until_members(1)
        self.assertEqual(asterisk.votes(), {eid: "INUSE"})
        pbx1.start()
        self.until_joined(pbx1)
        pbx1.set("BUSY")
        asterisk.until_votes("Custom:abc", {eid: "BUSY"})
        pbx1.do("core stop now")
        self.assertEqual(pbx1.ended(), 0)
        asterisk.until_votes("Custom:abc", {eid: "UNAVAILABLE"})

    def test_our_votes_are_taken_back_when_the_module_is_unloaded_and_come_back_with_it(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:theirs", "RINGING")
        pbx1.set("INUSE")
        eid = self.eid(pbx1)
        asterisk.until_votes("Custom:abc", {eid: "INUSE"})
        pbx1.do("module unload res_ais.so")
        asterisk.until_votes("Custom:abc", {eid: "UNAVAILABLE"})
        pbx1.do("module load res_ais.so")
        asterisk.until_votes("Custom:abc", {eid: "INUSE"})
        self.until_votes(pbx1, {asterisk.eid: "RINGING"}, "Custom:theirs")

    def test_an_asterisk_with_our_entity_id_is_named_and_changes_nothing(self):
        self.hosts = self.book_ring(2).start()
        [pbx1] = self.start_on(self.hosts, 1)
        double = self.res_ais(self.hosts[2], eid=self.eid(pbx1))
        pbx1.set("INUSE")
        double.set("Custom:abc", "BUSY")
        wait_until(lambda: self.eid(pbx1) in pbx1.log(), "pbx1 names the entity ID")
        self.assertEqual(pbx1.votes(), {"pbx1": "INUSE"})


class BadInput(MixedTest):
    def refused(self, node):
        """Everything that was refused so far, by any reason."""
        return sum(count for name, count in flat(self.counters(node)).items() if "refused" in name)

    def expect_refused(self, node, say, least=1):
        before = self.refused(node)
        say()
        wait_until(lambda: self.refused(node) >= before + least,
                   f"{node.name} counts {least} more")

    def test_frames_that_are_cut_or_lie_are_counted_and_disturb_nothing(self):
        pbx1, asterisk = self.mixed()
        liar = self.liar(self.hosts[2])
        asterisk.set("Custom:good", "BUSY")
        channel, publisher = liar.dump("opens")["device_state"], liar.dump("publisher")

        def event(count):
            return evt.encode(evt.publish(channel, publisher << 32 | count, b"device_state", patterns=[PATTERN],
                                          data=Codec(8).state(CHANGE, "Custom:abc", "INUSE", STRANGER)))
        cut = [event(5000)[:size] for size in range(1, len(event(5000)))]
        self.expect_refused(pbx1, lambda: [liar.raw(frame) for frame in cut], least=len(cut))
        lying = [event(5001)[:at] + b"\xff\xff" + event(5001)[at + 2:] for at in range(len(event(5001)) - 1)]
        broken = [frame for frame in lying if not readable(frame)]
        self.assertGreater(len(broken), 20)
        self.expect_refused(pbx1, lambda: [liar.raw(frame) for frame in broken], least=len(broken))
        self.assertEqual(pbx1.votes(), {})
        liar.raw(event(5002))
        self.until_votes(pbx1, {STRANGER: "INUSE"})
        asterisk.set("Custom:good", "RINGING")
        self.until_votes(pbx1, {asterisk.eid: "RINGING"}, "Custom:good")
        self.assertLess(pbx1.log().count("refused"), 40, "said once a period, not each time")

    def test_names_patterns_and_ids_that_nobody_may_have_are_refused(self):
        pbx1, asterisk = self.mixed()
        liar = self.liar(self.hosts[2])
        channel, publisher = liar.dump("opens")["device_state"], liar.dump("publisher")

        def event(**more):
            known = dict(id=publisher << 32 | 6000, name=b"device_state", patterns=[PATTERN], priority=3)
            known.update(more)
            return dict(evt.publish(channel, known["id"], known["name"],
                                    Codec(8).state(CHANGE, "Custom:lie", "INUSE", STRANGER),
                                    patterns=known["patterns"], priority=known["priority"]))

        def forced(record):
            return evt.raw((evt.NUMBERS[record["record"]], evt.body_of(record)))
        for name, record in (("a channel's name of 257 bytes", event(name=b"x" * 257)),
                             ("no name", event(name=b"")),
                             ("eleven patterns", event(patterns=[b"p"] * 11)),
                             ("a pattern of 256 bytes", event(patterns=[b"p" * 256])),
                             ("a priority of 4", event(priority=4)),
                             ("an event id of 1", event(id=1)),
                             ("an event id of another", event(id=(publisher ^ 1) << 32 | 1)),
                             ("an open of 257 bytes", evt.open_(77, b"x" * 257, proposed=publisher << 32 | 7)),
                             ("an id of another", evt.open_(78, b"foreign", proposed=(publisher ^ 1) << 32 | 7))):
            with self.subTest(name):
                self.expect_refused(pbx1, lambda record=record: liar.raw(forced(record)))
        self.assertEqual(pbx1.votes("Custom:lie"), {})
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})

    def test_a_name_that_drives_terminals_is_shown_as_one_harmless_line(self):
        pbx1, _ = self.mixed()
        liar = self.liar(self.hosts[2])
        publisher = liar.dump("publisher")
        evil = "evil \x1b[2J\nforged: 0 retained"
        liar.say(evt.open_(90, evil.encode(), proposed=publisher << 32 | 9000))
        wait_until(lambda: evil in [channel["name"] for channel in pbx1.data("ais evt show channels")["channels"]],
                   "pbx1 knows the channel, and --json has its name")
        lines = pbx1.do("ais evt show channels").splitlines()
        self.assertIn("evil \\x1b[2J\\x0aforged: 0 retained: 0 events retained (0 bytes), open once", lines)

    def test_data_that_is_no_event_of_asterisk_is_refused(self):
        pbx1, asterisk = self.mixed()
        liar = self.liar(self.hosts[2])
        channel, publisher = liar.dump("opens")["device_state"], liar.dump("publisher")
        codec = Codec(8)
        good = codec.state(CHANGE, "Custom:abc", "INUSE", STRANGER)
        nonsense = [b"", b"\0", good[:3], good[:-1], b"\xff\xff" + good[2:], good[:2] + b"\xff\xff" + good[4:],
                    b"\0" * 60_000, codec.state(CHANGE, "Custom:" + "x" * 300, "INUSE", STRANGER),
                    codec.state(CHANGE, "", "INUSE", STRANGER),
                    codec.state(CHANGE, "Custom:abc", "INUSE", "00:00:00:00:00:00")]
        for number, data in enumerate(nonsense):
            liar.say(evt.publish(channel, publisher << 32 | 7000 + number, b"device_state", data, patterns=[PATTERN]))
        asterisk.set("Custom:last", "BUSY")
        self.until_votes(pbx1, {asterisk.eid: "BUSY"}, "Custom:last")
        self.assertEqual(pbx1.votes(), {})
        self.assertGreaterEqual(self.refused(pbx1), 8, self.counters(pbx1))

    def test_a_registry_that_two_sides_changed_differently_is_joined(self):
        # What a partition leaves: a second channel of the name, an unlink of the first, events that one side cleared.
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "RINGING")
        pbx1.until_hint("Ringing")
        liar = self.liar(self.hosts[2])
        publisher = liar.dump("publisher")
        me = [(self.hosts[1].node_id, pbx1.process.pid), (self.hosts[2].node_id, asterisk.process.pid)]
        second = publisher << 32 | 8000
        there = asterisk.dump("opens")["device_state"]
        event = evt.publish(second, publisher << 32 | 8001, b"device_state",
                            Codec(8).state(CHANGE, "Custom:second", "BUSY", STRANGER), retention=30_000_000_000,
                            patterns=[PATTERN])
        liar.say(evt.state_begin(7, me), evt.state_channel(second, b"device_state"),
                 evt.state_event(20_000_000_000, event),
                 evt.state_cleared(there, publisher << 32 | 8002, 5_000_000_000),
                 evt.state_channel(publisher << 32 | 8003, b"unlinked there", status=evt.UNLINKED), evt.state_end(7))
        # Both channels are one to who has it open.
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {asterisk.eid: "RINGING", self.eid(pbx1): "INUSE"})
        asterisk.set("Custom:abc", "NOT_INUSE")
        self.until_votes(pbx1, {"pbx1": "INUSE", asterisk.eid: "NOT_INUSE"})
        # An unlink takes the name from both; who has it open goes on.
        liar.say(evt.unlink(b"device_state"))
        asterisk.set("Custom:abc", "BUSY")
        self.until_votes(pbx1, {"pbx1": "INUSE", asterisk.eid: "BUSY"})
        late = self.lamplight_on(self.hosts[1], "late").start()
        late.until_meets(pbx1)
        self.until_votes(late, {"pbx1": "INUSE"})

    def test_a_member_that_only_listens_and_says_nothing_keeps_nobody_waiting(self):
        self.hosts = self.book_ring(2).start()
        self.tap(self.hosts[2], group="saEvt")
        [pbx1] = self.start_on(self.hosts, 1)
        self.until_joined(pbx1)
        asterisk = self.res_ais(self.hosts[2])
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})

    def test_more_opens_than_a_process_may_have_are_refused(self):
        pbx1, asterisk = self.mixed()
        liar = self.liar(self.hosts[2])
        publisher = liar.dump("publisher")
        entry = struct.pack(">IQB", 1, publisher << 32 | 1, 3) + b"\0\1x"
        body = struct.pack(">IQBBqQH", publisher, 1, 1, 0, -1 << 63, 0, 0) + struct.pack(">H", 201) + entry * 201
        self.expect_refused(pbx1, lambda: liar.raw(evt.raw((1, body))))
        asterisk.set("Custom:abc", "BUSY")
        self.until_votes(pbx1, {asterisk.eid: "BUSY"})


def readable(frame):
    try:
        return bool(evt.decode(frame))
    except evt.Malformed:
        return False


def flat(counters, prefix=""):
    """Numbers of nested objects, by their names joined."""
    found = {}
    for name, value in counters.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            found[prefix + name] = value
    return found


if __name__ == "__main__":
    main()
