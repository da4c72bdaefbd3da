"""Mixed rings: Lamplights and (scripted) Asterisk servers in Asterisk's group."""

import subprocess
import sys
from pathlib import Path

from asterisk_events import AGGREGATE, CHANGE, Codec
from corosync_test import RES_COROSYNC, CorosyncTest
from harness import main, wait_until
from peers import Peer, Tap

MWI_TOO = RES_COROSYNC + "publish_event = mwi\nsubscribe_event = mwi\n"


# Forks members of a group, and lives as long as its input is open.
CROWD = """
import os, select, sys
sys.path.insert(0, sys.argv[1])
import cpg
from harness import die_with_parent

class Deaf:
    def on_message(self, *_): pass
    on_members = on_ring = on_message

for _ in range(int(sys.argv[3])):
    ready, told = os.pipe()
    if os.fork() == 0:
        die_with_parent()
        group = cpg.Group(sys.argv[2].encode(), Deaf())
        os.write(told, b"x")
        while True:
            select.select([group.fd], [], [])
            group.dispatch()
    os.read(ready, 1)
print("ready", flush=True)
sys.stdin.read()
"""


class MixedTest(CorosyncTest):
    def peer(self, host, tap=False, **options):
        peer = (Tap if tap else Peer)(host, **options).start()
        self.addCleanup(peer.end_everything)
        return peer

    def eid(self, node):
        return node.data("core show settings")["entity_id"]

    def mixed(self, settings=RES_COROSYNC, more="", count=2, **options):
        """pbx1 a Lamplight, the last host an Asterisk: (lamplight, asterisk)."""
        self.hosts = self.ring(count).start()
        lamplight = self.lamplight_on(self.hosts[1], settings=settings, more=more).start()
        self.until_joined(lamplight, "asterisk")
        return lamplight, self.peer(self.hosts[count], **options)

    def counters(self, node, group="asterisk"):
        return node.data("corosync show counters")[group]

    def until_counted(self, node, counter, least=1):
        wait_until(lambda: self.counters(node)[counter] >= least, f"{node.name} counts {counter}")

    def until_votes(self, node, device, votes, seconds=20):
        wait_until(lambda: node.votes(device) == votes, f"{node.name} has {votes} for {device}", seconds)


class BothDirections(MixedTest):
    def test_each_has_the_others_votes(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "RINGING")
        pbx1.until_hint("Ringing")
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {asterisk.eid: "RINGING", self.eid(pbx1): "INUSE"})
        asterisk.until(lambda dump: dump["hints"]["Custom:abc"] == "RINGINUSE", "the Asterisk's hint", "hints")
        pbx1.until_hint("InUse&Ringing")

    def test_who_joins_learns_what_the_other_has(self):
        pbx1, asterisk = self.mixed()
        pbx1.set("INUSE")
        asterisk.set("Custom:mine", "BUSY")
        late = self.peer(self.hosts[2], eid="02:00:00:78:00:09")
        late.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        other = self.lamplight_on(self.hosts[2], "pbx9", more="[general](+)\nstand_in = yes\n").start()
        self.until_votes(other, "Custom:mine", {asterisk.eid: "BUSY"})

    def test_every_state_goes_both_ways(self):
        pbx1, asterisk = self.mixed()
        for state in ("NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"):
            pbx1.set(state, f"Custom:l{state}")
            asterisk.set(f"Custom:a{state}", state)
            asterisk.until_votes(f"Custom:l{state}", {self.eid(pbx1): state})
            self.until_votes(pbx1, f"Custom:a{state}", {asterisk.eid: state})

    def test_message_counts_and_pings_too(self):
        pbx1, asterisk = self.mixed(settings=MWI_TOO)
        asterisk.mwi("1000", "default", 2, 5)
        wait_until(lambda: "1000" in pbx1.do("mwi show"), "pbx1 has the counts")
        pbx1.do("mwi update 2000@sales 1 3")
        asterisk.until(lambda dump: dump["mailboxes"].get("2000@sales") == {self.eid(pbx1): [1, 3]}, "the counts",
                       "mailboxes")
        asterisk.ping()
        wait_until(lambda: f"Got event PING from server with EID: '{asterisk.eid}'" in pbx1.log(), "the ping is said")
        pbx1.do("corosync ping")
        asterisk.until(lambda dump: dump["pings"].get(self.eid(pbx1)) == 1, "the ping", "pings")

    def test_an_asterisk_11_believes_the_legacy_hash(self):
        pbx1, asterisk = self.mixed(more="[corosync]\nasterisk_hash = legacy\n", generation=11)
        pbx1.set("RINGING", "Custom:doorbell")
        asterisk.until(lambda dump: dump["aggregates"].get("Custom:doorbell") == "RINGING", "it is believed",
                       "aggregates")
        asterisk.set("SIP/alice", "BUSY")
        self.until_votes(pbx1, "SIP/alice", {asterisk.eid: "BUSY"})

    def test_discovery_is_exchanged_once_each_way(self):
        pbx1, asterisk = self.mixed()
        asterisk.until(lambda dump: dump["known"].get("1", {}).get("eid") == self.eid(pbx1), "it knows us", "known")
        wait_until(lambda: f"({asterisk.eid}" in pbx1.log(), "pbx1 says who joined")
        self.assertEqual(asterisk.dump("known")["1"]["address"], self.hosts[1].address)

    def test_between_lamplights_nothing_goes_over_asterisks_wire(self):
        pbx1, pbx2 = self.pair()
        for node in (pbx1, pbx2):
            self.until_joined(node, "asterisk")
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.assertEqual(self.counters(pbx1)["votes_out"], 0)
        tap = self.peer(self.two[2], tap=True)
        tap.until(lambda dump: dump["by_type"].get("DEVICE_STATE_CHANGE", 0) >= 1, "a stranger gets a dump", "by_type")

    def test_what_lamplights_say_to_asterisks_is_not_counted_twice(self):
        pbx1, pbx2 = self.pair()
        asterisk = self.peer(self.two[2])
        self.until_joined(pbx1, "asterisk")
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        pbx2.until_hint("InUse")
        self.until_counted(pbx2, "from_lamplights")
        self.assertEqual(pbx2.votes(), {"pbx1": "INUSE"})
        self.assertEqual(self.counters(pbx2)["votes_in"], 0)


class Departures(MixedTest):
    def test_a_killed_asterisks_lamps_go_out_and_others_stay(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "INUSE")
        pbx1.until_hint("InUse")
        asterisk.kill()
        pbx1.until_hint("Unavailable", seconds=5)

    def test_one_that_never_announced_itself_goes_all_the_same(self):
        pbx1, asterisk = self.mixed(publish=["device_state"])
        asterisk.set("Custom:abc", "INUSE")
        pbx1.until_hint("InUse")
        asterisk.kill()
        pbx1.until_hint("Unavailable", seconds=5)

    def test_of_two_on_one_corosync_node_the_one_that_stays_is_not_taken_for_the_other(self):
        pbx1, asterisk = self.mixed()
        neighbour = self.peer(self.hosts[2], eid="02:00:00:78:00:09")
        asterisk.set("Custom:abc", "INUSE")
        neighbour.set("Custom:other", "BUSY")
        pbx1.until_hint("InUse")
        self.until_votes(pbx1, "Custom:other", {neighbour.eid: "BUSY"})
        neighbour.kill()
        self.until_votes(pbx1, "Custom:other", {})
        self.assertEqual(pbx1.hint(), "InUse")

    def test_a_host_that_is_cut_off_is_marked_and_back_with_everything(self):
        pbx1, asterisk = self.mixed(count=3)
        asterisk.set("Custom:abc", "INUSE")
        pbx1.until_hint("InUse")
        self.hosts.cut(self.hosts[3])
        wait_until(lambda: pbx1.standing_of(asterisk.eid) == "stale", "its votes are marked")
        self.assertEqual(pbx1.hint(), "InUse")
        pbx1.set("BUSY", "Custom:mine")
        asterisk.set("Custom:abc", "RINGING")
        asterisk.set("Custom:later", "ONHOLD")
        self.hosts.heal(self.hosts[3])
        # The Asterisk's own dump may be refused by its Corosync, as real ones' are; ours never is.
        asterisk.until_votes("Custom:mine", {self.eid(pbx1): "BUSY"})
        wait_until(lambda: pbx1.standing_of(asterisk.eid) == "present", "it is there again")
        asterisk.until(lambda dump: "1" in dump["known"], "discovery is announced again", "known")

    def test_our_votes_are_taken_back_when_we_stop(self):
        pbx1, asterisk = self.mixed(publish=["device_state"], subscribe=["device_state"])
        pbx1.set("INUSE")
        pbx1.set("BUSY", "Custom:other")
        eid = self.eid(pbx1)
        asterisk.until_votes("Custom:abc", {eid: "INUSE"})
        pbx1.do("core stop now")
        self.assertEqual(pbx1.ended(), 0)
        # It subscribes to no discovery, so nothing but our own words can have brought this about.
        asterisk.until_votes("Custom:abc", {eid: "UNAVAILABLE"})
        asterisk.until_votes("Custom:other", {eid: "UNAVAILABLE"})

    def test_our_votes_stay_when_we_restart(self):
        pbx1, asterisk = self.mixed(publish=["device_state"], subscribe=["device_state"])
        pbx1.set("INUSE")
        eid = self.eid(pbx1)
        asterisk.until_votes("Custom:abc", {eid: "INUSE"})
        self.assertEqual(pbx1.terminate(), 0)
        asterisk.until_members(1)
        self.assertEqual(asterisk.votes(), {eid: "INUSE"})
        self.assertEqual(asterisk.dump("by_eid")[eid].get("DEVICE_STATE_CHANGE"), 1)


class OneCorosyncNode(MixedTest):
    def test_we_stay_out_of_asterisks_group_while_an_asterisk_is_on_our_node(self):
        self.hosts = self.ring(2).start()
        asterisk = self.peer(self.hosts[1])
        pbx1 = self.lamplight_on(self.hosts[1]).start()
        self.until_joined(pbx1)
        wait_until(lambda: "stays out of that group" in pbx1.log(), "pbx1 says why")
        self.assertIn("on this Corosync node", self.bus(pbx1, "asterisk")["detail"])
        asterisk.kill()
        self.until_joined(pbx1, "asterisk")

    def test_standing_in_we_join_nevertheless(self):
        self.hosts = self.ring(2).start()
        self.peer(self.hosts[1])
        pbx1 = self.lamplight_on(self.hosts[1], more="[general](+)\nstand_in = yes\n").start()
        self.until_joined(pbx1, "asterisk")

    def test_an_asterisk_that_comes_to_our_node_is_warned_of_and_not_wiped_when_we_leave(self):
        pbx1, asterisk = self.mixed()
        far = self.lamplight_on(self.hosts[2], "pbx2", more="[general](+)\nstand_in = yes\n").start()
        self.until_joined(far, "asterisk")
        near = self.peer(self.hosts[1], eid="02:00:00:78:00:09")
        near.set("Custom:near", "BUSY")
        asterisk.until_votes("Custom:near", {near.eid: "BUSY"})
        wait_until(lambda: "on this very Corosync node" in pbx1.log(), "pbx1 warns")
        pbx1.do("core stop now")
        self.assertEqual(pbx1.ended(), 0)
        asterisk.until_members(3)
        asterisk.until_votes("Custom:near", {near.eid: "BUSY"})
        # And its own end is understood: the node is known by its EID again.
        asterisk.until(lambda dump: dump["known"].get("1", {}).get("eid") == near.eid, "the node's EID", "known")
        near.kill()
        # Who spoke for it within the half second before takes that back: it may have crossed the end.
        asterisk.until(lambda dump: dump["votes"].get("Custom:near", {}) in ({}, {near.eid: "UNAVAILABLE"}),
                       "nothing of its states holds any more", "votes")


class Crowds(MixedTest):
    def crowd(self, host, group, count):
        process = host.popen(sys.executable, "-B", "-c", CROWD, str(Path(__file__).parent), group, str(count),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.assertEqual(process.stdout.readline(), b"ready\n")
        return process

    def test_more_members_than_libcpg_has_room_for_keep_a_daemon_out_and_alive(self):
        self.hosts = self.ring(1).start()
        crowd = self.crowd(self.hosts[1], "asterisk", 130)
        pbx1 = self.lamplight_on(self.hosts[1]).start()
        self.until_joined(pbx1)
        wait_until(lambda: "the group is full" in self.bus(pbx1, "asterisk")["detail"], "pbx1 says why it stays out")
        pbx1.set("INUSE")
        self.assertEqual(pbx1.hint(), "InUse")
        crowd.kill()
        self.until_joined(pbx1, "asterisk")


class BadInput(MixedTest):
    def test_nonsense_is_counted_by_reason_and_disturbs_nothing(self):
        pbx1, asterisk = self.mixed()
        liar = self.peer(self.hosts[2], tap=True)
        codec = Codec(22)
        good = codec.state(CHANGE, "Custom:abc", "INUSE", "02:00:00:78:00:08")
        for raw in (b"", b"\0", good[:3], good[:-1], good + b"\0", b"\xff\xff" + good[2:], b"\0" * 60_000,
                    good[:2] + b"\xff\xff" + good[4:], good.replace(b"\0\x08\0\x04\0\0\0\x02", b"\0\x08\0\x04\0\0\0\x63"),
                    codec.state(CHANGE, "Custom:" + "x" * 300, "INUSE", "02:00:00:78:00:08"),
                    codec.state(CHANGE, "", "INUSE", "02:00:00:78:00:08"),
                    codec.state(CHANGE, "Custom:abc", "INUSE", "00:00:00:00:00:00")):
            if raw:
                liar.raw(raw)
        liar.raw(codec.discovery(1, "10.78.0.1", "02:00:00:78:00:08"))
        liar.raw(codec.state(CHANGE, "Custom:abc", "BUSY", self.eid(pbx1)))
        liar.raw(codec.state(AGGREGATE, "Custom:abc", "BUSY", "02:00:00:78:00:08"))
        asterisk.set("Custom:abc", "RINGING")
        pbx1.until_hint("Ringing")
        counters = self.counters(pbx1)
        refused = {name: count for name, count in counters.items() if name.startswith("refused") and count}
        self.assertGreaterEqual(sum(refused.values()), 10, refused)
        self.assertGreaterEqual(len(refused), 6, refused)
        self.assertEqual(counters["own_eid"], 1)
        self.assertGreaterEqual(counters["aggregates"], 1)
        self.assertEqual(pbx1.votes(), {asterisk.eid: "RINGING"})
        self.assertLess(pbx1.log().count("was refused"), 15)

    def test_nonsense_in_our_own_group_is_refused_too(self):
        pbx1, pbx2 = self.pair()
        liar = self.peer(self.two[2], tap=True, group="lamplight")
        for raw in (b"\0", b"x" * 50, b"\x01" * 60_000, bytes(range(200))):
            liar.raw(raw)
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        wait_until(lambda: self.bus(pbx1)["refused_frames"] >= 4, "pbx1 counts them")


class Pressure(MixedTest):
    def test_a_flood_in_another_group_loses_no_last_state(self):
        pbx1, asterisk = self.mixed(retry=True)
        flooder = self.peer(self.hosts[1], tap=True)
        flooder.flood(8_000, 60_000)
        flooder.until(lambda dump: dump["floods"][0]["refused"] > 0, "Corosync says try again", "floods")
        states = ("INUSE", "BUSY", "RINGING", "ONHOLD")
        for number in range(120):
            pbx1.set(states[number % 4], f"Custom:d{number % 30}")
        expected = {f"Custom:d{number % 30}": states[number % 4] for number in range(120)}
        eid = self.eid(pbx1)
        asterisk.until(lambda dump: {device: votes.get(eid) for device, votes in dump["votes"].items()} == expected,
                       "every last state", "votes", seconds=60)
        flooder.stop_flood()
        self.assertEqual(self.counters(pbx1)["messages_lost"], 0)

    def test_a_joiner_under_load_gets_everything(self):
        pbx1, asterisk = self.mixed()
        asterisk.fill(5000)
        wait_until(lambda: self.counters(pbx1)["votes_in"] >= 5000, "pbx1 has the Asterisk's 5,000")
        pbx2 = self.lamplight_on(self.hosts[2], "pbx2", more="[general](+)\nstand_in = yes\n").start()
        for number in range(200):
            pbx1.set("BUSY" if number % 2 else "INUSE", f"Custom:m{number % 20}")
        late = self.peer(self.hosts[2], eid="02:00:00:78:00:0a")
        eid = self.eid(pbx1)
        late.until(lambda dump: dump["vote_counts"].get(eid, {}) == pbx_counts(200, 20), "every vote of pbx1",
                   "vote_counts")
        wait_until(lambda: self.counters(pbx2)["votes_in"] >= 5000, "pbx2 has the Asterisk's dump")


def pbx_counts(changes, devices):
    """By state, how many of the devices end in it."""
    last = {number % devices: "BUSY" if number % 2 else "INUSE" for number in range(changes)}
    counts = {}
    for state in last.values():
        counts[state] = counts.get(state, 0) + 1
    return counts


class Corosync(MixedTest):
    def test_that_is_restarted_brings_both_sides_votes_back(self):
        pbx1, asterisk = self.mixed(retry=True)
        asterisk.set("Custom:abc", "INUSE")
        pbx1.until_hint("InUse")
        self.hosts[1].corosync.kill()
        wait_until(lambda: pbx1.standing_of(asterisk.eid) == "stale", "its votes are marked")
        pbx1.set("BUSY", "Custom:mine")
        asterisk.set("Custom:abc", "RINGING")
        self.hosts[1].corosync.start()
        pbx1.until_hint("Ringing")
        asterisk.until_votes("Custom:mine", {self.eid(pbx1): "BUSY"})

    def test_that_is_whole_only_after_all_have_started_leaves_nobody_unheard(self):
        self.hosts = self.ring(2)
        self.hosts.cut(self.hosts[2])
        for host in self.hosts.hosts:
            host.corosync.start()
        pbx1 = self.lamplight_on(self.hosts[1]).start()
        self.until_joined(pbx1, "asterisk")
        asterisk = self.peer(self.hosts[2], retry=True)
        pbx1.set("INUSE")
        asterisk.set("Custom:theirs", "BUSY")
        self.hosts.heal(self.hosts[2])
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        self.until_votes(pbx1, "Custom:theirs", {asterisk.eid: "BUSY"})
        asterisk.until(lambda dump: "1" in dump["known"], "our discovery reached it", "known")


if __name__ == "__main__":
    main()
