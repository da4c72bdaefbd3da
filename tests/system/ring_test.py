"""What other tests stand on: the ring, its faults, and scripted Asterisks that behave and misbehave as real ones."""

import os
import subprocess
import sys
import unittest
from pathlib import Path

import evt_frames
from asterisk_events import STATES, Codec, decode
from harness import main, wait_until
from ring import BOOK_ADDRESSES, Knet, RingTest, Udp, make_key

VECTORS = Path(__file__).parents[1] / "data" / "event"
EID1, EID2, EID3 = (f"02:00:00:78:00:0{number}" for number in (1, 2, 3))

# Makes a ring and a peer, says which processes they are, and waits to be killed.
DOOMED = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from peers import Peer
from ring import Ring
ring = Ring(Path(sys.argv[2]), 1).start()
peer = Peer(ring[1]).start()
print(ring.holder.pid, ring[1].holder.pid, ring[1].corosync.process.pid, peer.process.pid, flush=True)
sys.stdin.read()
"""


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Rings(RingTest):
    def test_lose_a_host_whose_cable_is_cut_and_take_it_back(self):
        ring = self.ring(3, token_ms=600).start()
        ring.cut(ring[3])
        ring.wait_until_whole(ring[1], ring[2])
        ring.wait_until_whole(ring[3])
        ring.heal(ring[3])
        ring.wait_until_whole()

    def test_lose_a_corosync_that_is_killed_and_take_its_successor(self):
        ring = self.ring(2, token_ms=600).start()
        ring[2].corosync.kill()
        ring.wait_until_whole(ring[1])
        ring[2].corosync.start()
        ring.wait_until_whole()
        self.assertEqual(ring[2].corosync.stop(), 0)
        ring.wait_until_whole(ring[1])

    def test_of_equal_addresses_do_not_meet(self):
        one, other = self.ring(1), self.ring(2)
        one.start()
        other.start()
        one.wait_until_whole()

    def test_are_as_in_the_book_and_corosync_makes_up_their_ids(self):
        ring = self.ring(3, transport=Udp(), addresses=BOOK_ADDRESSES).start()
        self.assertEqual([host.node_id for host in ring.hosts], [0x0a181690, 0x0a1816f2, 0x0a181621])

    def test_are_encrypted_and_do_not_hear_who_has_another_key(self):
        ring = self.ring(3, transport=Knet(make_key(self.place / "one")))
        conf = ring[3].corosync.conf
        conf.write_text(conf.read_text().replace(str(self.place / "one"), str(make_key(self.place / "other").parent)))
        for host in ring.hosts:
            host.corosync.launch()
        ring.wait_until_whole(ring[1], ring[2])
        ring.wait_until_whole(ring[3])
        self.assertIn("aes256", ring[1].do("corosync-cmapctl", "totem.crypto_cipher"))

    def test_run_a_daemon_on_a_host_and_its_console_outside(self):
        ring = self.ring(1)
        node = self.node_on(ring[1]).start()
        for kind in ("net", "mnt"):
            self.assertEqual(namespace(node.process.pid, kind), namespace(ring[1].holder.pid, kind))
            self.assertNotEqual(namespace(node.process.pid, kind), namespace("self", kind))
        self.assertIn("Custom:abc", node.set("INUSE") + node.do("devstate list"))

    def test_end_with_a_test_program_that_is_killed(self):
        doomed = subprocess.Popen([sys.executable, "-B", "-c", DOOMED, str(Path(__file__).parent), str(self.place)],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with doomed:
            pids = [int(pid) for pid in doomed.stdout.readline().split()]
            self.assertEqual([alive(pid) for pid in pids], [True] * 4)
            doomed.kill()
        wait_until(lambda: not any(alive(pid) for pid in pids), f"nothing of {pids} is left")


class AsteriskPeers(RingTest):
    def pair_of_asterisks(self, ring, **options):
        """One on each of the first two hosts, that know each other."""
        one, two = (self.asterisk(host, **options) for host in ring.hosts[:2])
        for peer, node in ((one, "2"), (two, "1")):
            peer.until(lambda dump: node in dump["known"], f"node {node} is known", "known")
        return one, two

    def test_find_each_other_by_three_discoveries_and_amplify_a_change(self):
        ring = self.ring(2).start()
        tap = self.tap(ring[1])
        one, two = self.pair_of_asterisks(ring)
        one.set("Custom:abc", "INUSE")
        two.until_votes("Custom:abc", {EID1: "INUSE"})
        tap.until(lambda dump: sum(dump["by_type"].values()) == 7, "seven messages", "by_type")
        codec = Codec(22)
        announced = [codec.discovery(node, f"10.78.0.{node}", eid) for node, eid in ((1, EID1), (2, EID2))]
        change, first, second = (codec.state(kind, "Custom:abc", "INUSE", eid)
                                 for kind, eid in ((6, EID1), (5, EID1), (5, EID2)))
        self.assertEqual([message for _, _, _, message in tap.messages()],
                         [announced[0], announced[1], announced[0], announced[1], first, change, second])
        self.assertEqual(two.dump("known"), {"1": {"eid": EID1, "address": "10.78.0.1"}})

    def test_join_votes_and_message_counts(self):
        ring = self.ring(2).start()
        one, two = self.pair_of_asterisks(ring)
        one.set("Custom:abc", "INUSE")
        one.mwi("1000", "default", 2, 5)
        two.set("Custom:abc", "RINGING")
        two.until(lambda dump: dump["hints"].get("Custom:abc") == "RINGINUSE" and
                  dump["mailboxes"].get("1000@default") == {EID1: [2, 5]}, "both votes, and the mailbox")
        one.ping()
        two.until(lambda dump: dump["pings"] == {EID1: 1}, "a ping")

    def test_tell_a_joiner_what_they_have(self):
        ring = self.ring(2).start()
        one = self.asterisk(ring[1], aggregates=False)
        one.fill(500, quiet=True)
        one.mwi("1000", "default", 2, 5)
        two = self.asterisk(ring[2])
        two.until(lambda dump: dump["vote_counts"].get(EID1) == {"INUSE": 500} and dump["mailboxes"], "all of them",
                  "vote_counts", "mailboxes")

    def test_clear_a_killed_one_but_leave_its_last_hint_lit(self):
        ring = self.ring(2).start()
        one, two = self.pair_of_asterisks(ring)
        one.set("Custom:mine", "BUSY")
        one.set("Custom:abc", "RINGING")
        two.set("Custom:abc", "NOT_INUSE")
        two.until_votes("Custom:abc", {EID1: "RINGING", EID2: "NOT_INUSE"})
        one.kill()
        gone = two.until(lambda dump: not dump["known"], "node 1 is forgotten")
        self.assertEqual([who[2] for who in gone["changes"][-1]["left"]], ["PROCDOWN"])
        self.assertEqual(gone["votes"], {"Custom:abc": {EID2: "NOT_INUSE"}})
        self.assertEqual(gone["hints"], {"Custom:abc": "NOT_INUSE", "Custom:mine": "BUSY"})

    def test_take_a_neighbours_leaving_for_the_servers(self):
        ring = self.ring(2).start()
        neighbour = self.tap(ring[1])
        one, two = self.pair_of_asterisks(ring)
        one.set("Custom:abc", "BUSY")
        two.until_votes("Custom:abc", {EID1: "BUSY"})
        neighbour.leave()
        two.until_votes("Custom:abc", {})
        one.set("Custom:abc", "INUSE")
        two.until_votes("Custom:abc", {EID1: "INUSE"})
        one.kill()
        self.assertEqual([who[2] for who in two.until_members(1)["changes"][-1]["left"]], ["PROCDOWN"])
        self.assertEqual(two.votes(), {EID1: "INUSE"})

    def test_never_clear_one_that_announced_nothing(self):
        ring = self.ring(2).start()
        one = self.asterisk(ring[1], generation=11)
        two = self.asterisk(ring[2])
        one.set("Custom:abc", "BUSY")
        two.until_votes("Custom:abc", {EID1: "BUSY"})
        one.end()
        two.until_members(1)
        self.assertEqual(two.votes(), {EID1: "BUSY"})

    def test_of_version_11_take_a_modern_hash_for_another_device(self):
        ring = self.ring(2).start()
        one, two = self.asterisk(ring[1]), self.asterisk(ring[2], generation=11)
        one.set("Custom:doorbell", "RINGING")
        one.set("Custom:abc", "RINGING")
        two.until(lambda dump: dump["hints"] == {"Custom:doorbell": "INVALID", "Custom:abc": "RINGING"}, "both hints")
        self.assertEqual(two.dump("sent"), {})

    def test_refuse_what_lies_and_go_on(self):
        ring = self.ring(1).start()
        one, tap = self.asterisk(ring[1]), self.tap(ring[1])
        good = Codec(22).state(6, "Custom:abc", "INUSE", EID2)
        for wrong in (b"\0\6\0", good[:2] + b"\xff\xff" + good[4:], good[:2] + b"\0\x12" + good[4:18],
                      good.replace(EID2[-2:].encode(), b""), good[:3] + b"\x27" + good[4:39], b"\0\x0e" + good[2:],
                      good.replace(b"\0\0\0\2\0\x3d", b"\0\0\0\x09\0\x3d")):
            tap.raw(wrong)
        tap.raw(good.replace(b"INUSE", b"") + b"trailing")
        one.until_votes("Custom:abc", {EID2: "INUSE"})
        self.assertEqual(one.dump("malformed"),
                         {"shorter than a header": 1, "longer than the message": 1, "truncated element": 1,
                          "no EID": 1, "unknown type": 1, "state out of range": 1})

    def test_lose_of_their_dump_what_corosync_refuses_when_sides_meet_again_unless_they_retry(self):
        ring = self.ring(2, token_ms=600).start()
        one, careful = self.asterisk(ring[1]), self.asterisk(ring[2], retry=True)
        for peer in (one, careful):
            peer.until_members(2)
        ring.cut(ring[2])
        for peer in (one, careful):
            peer.until_members(1)
        one.fill(50, prefix="Custom:one")
        careful.fill(50, prefix="Custom:careful")
        ring.heal(ring[2])
        one.until(lambda dump: dump["vote_counts"].get(EID2) == {"INUSE": 50}, "who retries is heard", "vote_counts")
        # How much that is, none or all, depends on how quickly it dumps: the ring is not ready for a moment.
        refused = one.dump("refused")
        careful.until(lambda dump: dump["vote_counts"].get(EID1, {}).get("INUSE", 0) == 50 -
                      refused.get("DEVICE_STATE_CHANGE", 0), "what was not refused is heard", "vote_counts")
        self.assertEqual(careful.dump("waiting"), 0)

    def test_lose_changes_while_another_group_floods_unless_they_retry(self):
        ring = self.ring(2).start()
        one, two = self.pair_of_asterisks(ring, aggregates=False)
        careful = self.asterisk(ring[1], eid=EID3, aggregates=False, retry=True)
        flood = self.tap(ring[1], group="other")
        flood.flood(100_000, 30_000)
        filled = {one: 0, careful: 0}

        def refused(peer):
            peer.fill(50, prefix=f"Custom:d{filled[peer]}-")
            filled[peer] += 50
            return peer.dump("refused").get("DEVICE_STATE_CHANGE", 0)
        for peer in (one, careful):
            wait_until(lambda: refused(peer) > 0, f"Corosync refuses votes of {peer.eid}")
        flood.stop_flood()
        lost = one.dump("refused")["DEVICE_STATE_CHANGE"]
        two.until(lambda dump: dump["vote_counts"] ==
                  {EID1: {"INUSE": filled[one] - lost}, EID3: {"INUSE": filled[careful]}},
                  "only who retries is heard in full", "vote_counts")

    def test_come_back_when_corosync_does(self):
        ring = self.ring(2, token_ms=600).start()
        one, two = self.pair_of_asterisks(ring, retry=True)
        one.set("Custom:abc", "BUSY")
        two.until_votes("Custom:abc", {EID1: "BUSY"})
        ring[1].corosync.kill()
        self.assertEqual([who[2] for who in two.until_members(1)["changes"][-1]["left"]], ["NODEDOWN"])
        self.assertEqual(two.votes(), {})
        ring[1].corosync.start()
        two.until_votes("Custom:abc", {EID1: "BUSY"})


class AisPeers(RingTest):
    def two_servers(self, **options):
        ring = self.ring(2).start()
        return ring, *(self.res_ais(host, **options) for host in ring.hosts)

    def test_have_the_votes_of_each_other_and_of_who_was_there_before_them(self):
        ring, one, two = self.two_servers()
        one.set("Custom:abc", "INUSE")
        two.set("Custom:abc", "RINGING")
        for peer in (one, two, self.res_ais(ring[2], eid=EID3)):
            peer.until_votes("Custom:abc", {EID1: "INUSE", EID2: "RINGING"})
        self.assertEqual(len({peer.dump("opens")["device_state"] for peer in (one, two)}), 1, "it is one channel")

    def test_publish_as_real_ones_did(self):
        ring = self.ring(1).start()
        one = self.res_ais(ring[1])
        tap = self.tap(ring[1], group="saEvt")
        tap.until(lambda dump: sum(dump["by_type"].values()) == 1, "hello", "by_type")
        one.set("Custom:abc", "INUSE")
        tap.until(lambda dump: sum(dump["by_type"].values()) == 2, "publish", "by_type")
        hello, event = (evt_frames.decode(message)[0] for _, _, _, message in tap.messages())
        self.assertEqual([hello["record"], event["record"]], ["hello", "publish"])
        self.assertEqual([(one["name"], one["flags"]) for one in hello["opens"]], [(b"device_state", 7)])
        self.assertEqual((event["priority"], event["retention"], event["patterns"]),
                         (3, 60_000_000_000, [b"device_state\0"]))
        self.assertEqual(event["data"].hex(), (VECTORS / "ast1.8.32.3-dsc-custom-abc-inuse.hex").read_text().strip()
                         .replace("\n", "").replace(" ", "").replace("001122334455", EID1.replace(":", "")))

    def test_leave_everything_behind_when_they_are_killed(self):
        _, one, two = self.two_servers()
        one.set("Custom:abc", "RINGING")
        two.until_votes("Custom:abc", {EID1: "RINGING"})
        one.kill()
        two.until_members(1)
        self.assertEqual(two.votes(), {EID1: "RINGING"})

    def test_tell_what_they_have_when_a_node_joins_and_not_when_a_process_does(self):
        ring, one, _ = self.two_servers(retention=0)
        one.set("Custom:abc", "RINGING")
        late = self.res_ais(ring[2], eid=EID3)
        late.set("Custom:late", "BUSY")
        one.until_votes("Custom:late", {EID3: "BUSY"})
        self.assertEqual(late.votes(), {})
        ring[2].corosync.kill()
        ring.wait_until_whole(ring[1])
        ring[2].corosync.start()
        late.until_votes("Custom:abc", {EID1: "RINGING"})


class EventsOfRealAsterisks(unittest.TestCase):
    def test_decode_and_encode_to_the_same_bytes(self):
        files = sorted(VECTORS.glob("*.hex"))
        self.assertGreater(len(files), 30)
        for file in files:
            with self.subTest(file.name):
                real = bytes.fromhex(file.read_text())
                self.assertEqual(encoded(*decode(real), generation_of(file.name)), real)


def generation_of(file):
    return next((number for start, number in (("ast1.8", 8), ("ast11", 11), ("live11", 11)) if file.startswith(start)),
                22)


def encoded(kind, fields, generation):
    codec, eid = Codec(generation), fields["eid"]
    if kind in (5, 6):
        return codec.state(kind, fields["device"], STATES[fields["state"]], eid, fields["cachable"])
    if kind == 2:
        return codec.mwi(fields["mailbox"], fields["context"], fields["new"], fields["old"], eid)
    return codec.event(kind, eid) if kind == 12 else codec.discovery(fields["node"], fields["address"], eid)


if __name__ == "__main__":
    main()
