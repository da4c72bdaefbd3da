"""src/ring on real Corosyncs, by ring_probe: a member of groups that does what it is told and says what it sees."""

import json
import os
import re
import select
import subprocess
import time

from harness import PATIENCE, main, program, wait_until
from ring import RingTest

TICKS = os.sysconf("SC_CLK_TCK")


class Probe:
    """A ring_probe on a host; `events` are all that it has said."""

    def __init__(self, host):
        self.host, self.events, self.rest = host, [], b""
        self.process = host.popen(program("ring_probe"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.until("started")

    @property
    def member(self):
        return f"{self.host.number}:{self.process.pid}"

    def tell(self, command):
        self.process.stdin.write(f"{command}\n".encode())
        self.process.stdin.flush()

    def read(self):
        """What is there now."""
        while select.select([self.process.stdout], [], [], 0)[0]:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data and any(one["event"] == "ended" for one in self.events):
                break
            if not data:
                raise AssertionError(f"the probe ended with status {self.process.wait(PATIENCE)}")
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.events += [json.loads(line) for line in lines]
        return self.events

    def all(self, event, **attributes):
        return [one for one in self.read()
                if one["event"] == event and all(one.get(key) == value for key, value in attributes.items())]

    def until(self, event, fits=lambda one: True, after=0, seconds=PATIENCE, **attributes):
        """The first such event behind the first `after` of all events."""
        def seen():
            self.read()
            return next((one for one in self.events[after:] if one["event"] == event and fits(one) and
                         all(one.get(key) == value for key, value in attributes.items())), None)
        return wait_until(seen, f"{event} {attributes} from the probe on {self.host.name}; it said "
                                f"{self.events[-12:]}", seconds)

    def ask(self, command, event, **attributes):
        so_far = len(self.read())
        self.tell(command)
        return self.until(event, after=so_far, **attributes)

    def join(self, group="g", label=None):
        """Until our own coming is seen."""
        label = label or group
        self.tell(f"join {label} {group}")
        return self.until("membership", lambda one: self.member in one["joined"], label=label)

    def state(self, label="g"):
        return self.ask(f"state {label}", "state", label=label)

    def heard(self, member, label="g"):
        nothing = {"count": 0, "bytes": 0, "next": 0, "out_of_order": 0}
        return self.ask(f"count {label}", "count", label=label)["from"].get(member, nothing)

    def echo(self):
        """How long the loop takes to answer."""
        begin = time.monotonic()
        self.ask("echo hello", "echo")
        return time.monotonic() - begin

    def ticks(self):
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def end(self):
        self.tell("end")
        ended = self.until("ended")
        status = self.process.wait(PATIENCE)
        assert status == 0, f"the probe on {self.host.name} ended with status {status}"
        return ended

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()


class RingGroup(RingTest):
    def setUp(self):
        self.probes = []
        super().setUp()

    def probe(self, host):
        probe = Probe(host)
        self.probes.append(probe)
        return probe

    def end_everything(self):
        for probe in self.probes:
            probe.kill()
        super().end_everything()

    def test_coming_leaving_dropping_and_dying_have_their_reasons(self):
        ring = self.ring(2).start()
        one, two, three = self.probe(ring[1]), self.probe(ring[2]), self.probe(ring[2])
        one.join()
        self.assertEqual(one.until("totem")["nodes"], [1, 2])
        for other in (two, three):
            other.join()
            one.until("membership", lambda seen: seen["joined"] == {other.member: "join"})
        self.assertEqual(set(three.all("may_join")[-1]["there"]), {one.member, two.member})

        two.tell("leave g")
        two.until("left")
        self.assertLess(two.events.index(two.until("asked to leave")), two.events.index(two.until("left")))
        one.until("membership", lambda seen: seen["left"] == {two.member: "leave"})
        self.assertEqual(two.state()["state"], "left")

        three.tell("drop g")
        gone = one.until("membership", lambda seen: seen["left"] == {three.member: "process_down"})
        self.assertEqual(gone["members"], [one.member])

        so_far = len(one.read())
        three.join(label="again")
        three.kill()
        one.until("membership", lambda seen: seen["left"] == {three.member: "process_down"}, after=so_far)
        one.end()

    def test_a_corosync_that_is_killed_is_lost_once_and_joined_again(self):
        ring = self.ring(2, token_ms=600).start()
        one, two = self.probe(ring[1]), self.probe(ring[2])
        one.join()
        two.join()
        so_far, killed = len(one.read()), time.monotonic()
        ring[1].corosync.kill()
        lost = one.until("lost")
        self.assertIn("Corosync does not answer (CS_ERR_LIBRARY)", lost["why"])
        self.assertLess(lost["time"] - killed, 0.5)
        two.until("membership", lambda seen: seen["left"] == {one.member: "node_down"})
        self.assertEqual(one.ask("try g 1 10", "tried")["not_joined"], 1)

        begin, ticks = time.monotonic(), one.ticks()
        wait_until(lambda: time.monotonic() - begin > 3, "three seconds of waiting")
        state = one.state()
        self.assertEqual(state["state"], "connecting")
        self.assertEqual(state["trouble"], "Corosync does not answer (CS_ERR_LIBRARY)")
        self.assertLess((one.ticks() - ticks) / TICKS, 0.01 * (time.monotonic() - begin))

        ring[1].corosync.launch()
        accepted = wait_until(lambda: self.answers(ring[1]), "the new Corosync accepts")
        joined = one.until("membership", lambda seen: one.member in seen["joined"], after=so_far)
        self.assertLess(joined["time"] - accepted, 0.1)
        for probe, other in ((one, two), (two, one)):
            probe.until("membership", lambda seen: seen["joined"] == {other.member: "node_up"}, after=so_far)
        self.assertEqual(len(one.all("lost")), 1)
        one.tell("send g 100 50")
        wait_until(lambda: two.heard(one.member)["count"] == 100, "the other hears of it")

    @staticmethod
    def answers(host):
        """When a client was let in, or None."""
        done = subprocess.run([*host.wrapper, "corosync-cpgtool"], capture_output=True, text=True, timeout=PATIENCE)
        return time.monotonic() if done.returncode == 0 else None

    def test_a_corosync_that_is_stopped_holds_no_loop_and_goes_on(self):
        ring = self.ring(1).start()
        one = self.probe(ring[1])
        one.join()
        one.join(label="x", group="x")
        ring[1].corosync.pause()
        tried = one.ask("try g 5000 100", "tried")
        self.assertGreater(tried["accepted"], 50)
        self.assertEqual(tried["accepted"] + tried["try_again"], 5000)
        self.assertGreater(tried["try_again"], 0)
        one.tell("occupants")
        one.tell("join late late")
        one.tell("leave x")
        for _ in range(10):
            self.assertLess(one.echo(), 0.5)
        self.assertEqual(one.state("late")["trouble"], "Corosync has not answered yet")
        self.assertEqual(one.state("x")["state"], "leaving")
        self.assertFalse(one.all("occupants") or one.all("left"))

        ring[1].corosync.resume()
        one.until("occupants")
        one.until("left", label="x")
        one.until("membership", lambda seen: one.member in seen["joined"], label="late")
        wait_until(lambda: one.heard(one.member)["count"] == tried["accepted"], "what was accepted comes back")
        self.assertEqual(one.heard(one.member)["out_of_order"], 0)
        self.assertFalse(one.all("lost"))

    def test_the_end_does_not_wait_for_a_stopped_corosync(self):
        ring = self.ring(1).start()
        one = self.probe(ring[1])
        one.join()
        self.assertLess(one.ask("echo before", "echo")["time"], time.monotonic())
        ring[1].corosync.pause()
        one.tell("join late late")
        one.echo()
        self.assertLess(one.end()["worker_seconds"], 0.5)
        ring[1].corosync.resume()

    def test_two_groups_in_one_process_do_not_hear_each_other(self):
        ring = self.ring(1).start()
        one, two = self.probe(ring[1]), self.probe(ring[1])
        for probe in (one, two):
            for group in ("a", "b"):
                probe.join(group)
        one.tell("send a 700 20")
        one.tell("send b 300 20")
        wait_until(lambda: two.heard(one.member, "a")["count"] == 700, "the one group's messages")
        wait_until(lambda: two.heard(one.member, "b")["count"] == 300, "the other group's messages")
        groups = two.ask("occupants", "occupants")["groups"]
        self.assertEqual({name: set(members) for name, members in groups.items()},
                         {"a": {one.member, two.member}, "b": {one.member, two.member}})
        one.tell("leave a")
        two.until("membership", lambda seen: seen["left"] == {one.member: "leave"}, label="a")
        self.assertFalse([seen for seen in two.all("membership", label="b") if seen["left"]])

    def test_a_group_is_joined_once_by_a_process_and_free_again_when_that_is_over(self):
        ring = self.ring(1).start()
        one = self.probe(ring[1])
        one.join()
        one.tell("join again g")
        wait_until(lambda: one.state("again")["trouble"] == "this process is in the group already (CS_ERR_EXIST)",
                   "the trouble of the second")
        one.tell("leave g")
        one.until("left", label="g")
        one.until("membership", lambda seen: one.member in seen["joined"], label="again")
        self.assertEqual(one.state("again")["trouble"], "")

    def test_who_is_kept_out_sees_who_is_there_and_asks_every_second(self):
        ring = self.ring(1).start()
        one, two = self.probe(ring[1]), self.probe(ring[1])
        one.join()
        two.tell("forbid")
        two.tell("join g g")
        asked = wait_until(lambda: len(two.all("may_join")) >= 3 and two.all("may_join"), "asks again")
        self.assertEqual(asked[2]["there"], [one.member])
        self.assertEqual(asked[2]["self"], two.member)
        for earlier, later in zip(asked, asked[1:]):
            self.assertGreater(later["time"] - earlier["time"], 0.9)
        self.assertEqual(two.state()["state"], "kept_out")
        self.assertEqual(two.ask("try g 1 10", "tried")["not_joined"], 1)
        self.assertEqual(len(one.all("membership")), 1)
        two.tell("allow")
        two.until("membership", lambda seen: two.member in seen["joined"])

    def test_who_joins_while_others_come_and_go_hears_of_the_ring_all_the_same(self):
        ring = self.ring(2).start()
        probes = [self.probe(ring[1]), self.probe(ring[2])]
        groups = [f"g{number}" for number in range(40)]
        for group in groups:  # at once: Corosync tells who is on his way into a group when another is there before
            for probe in probes:
                probe.tell(f"join {group} {group}")
        for group in groups:
            for probe in probes:
                self.assertEqual(probe.until("totem", label=group)["nodes"], [1, 2])
                told = [seen["event"] for seen in probe.read() if seen.get("label") == group]
                self.assertLess(told.index("membership"), told.index("totem"))

    def test_a_flood_is_heard_in_order_by_a_quick_and_by_a_slow_member(self):
        ring = self.ring(2).start()
        one, two, slow = self.probe(ring[1]), self.probe(ring[2]), self.probe(ring[2])
        for probe in (one, two, slow):
            probe.join()
        slow.tell("slow g 100")
        for probe in (one, two):
            probe.tell("send g 20000 150")
        for probe in (one, two):
            probe.until("sent", seconds=60)
        self.assertGreater(one.until("sent")["try_again"] + two.until("sent")["try_again"], 0)
        for probe in (one, two, slow):
            for sender in (one, two):
                heard = wait_until(lambda: probe.heard(sender.member)["count"] == 20000 and probe.heard(sender.member),
                                   f"{probe.member} hears all of {sender.member}", 60)
                self.assertEqual(heard, {"count": 20000, "bytes": 20000 * 150, "next": 20000, "out_of_order": 0})
        self.assertLessEqual(one.ask("count g", "count")["most_a_turn"], 512)
        self.assertGreater(slow.ask("count g", "count")["most_a_turn"], 100)

    def test_the_largest_message_passes(self):
        ring = self.ring(2).start()
        one, two = self.probe(ring[1]), self.probe(ring[2])
        one.join()
        two.join()
        largest = 72 * 1024 + 512
        one.tell(f"send g 40 {largest}")
        wait_until(lambda: two.heard(one.member)["bytes"] == 40 * largest, "forty of the largest")
        wait_until(lambda: one.heard(one.member)["bytes"] == 40 * largest, "they come back")
        self.assertEqual(two.heard(one.member)["out_of_order"], 0)

    def test_every_ring_has_a_number_that_grows_and_is_the_same_everywhere(self):
        ring = self.ring(2, token_ms=600).start()
        one, two = self.probe(ring[1]), self.probe(ring[2])
        one.join()
        two.join()
        first = one.until("totem", nodes=[1, 2])["ring_sequence"]
        self.assertEqual(two.until("totem", nodes=[1, 2])["ring_sequence"], first)
        ring[2].corosync.kill()
        alone = one.until("totem", nodes=[1])["ring_sequence"]
        self.assertGreater(alone, first)
        ring[2].corosync.launch()
        again = one.until("totem", lambda seen: seen["ring_sequence"] > alone, nodes=[1, 2])["ring_sequence"]
        two.until("totem", nodes=[1, 2], ring_sequence=again)

    def test_the_nodes_of_the_ring_have_names_and_addresses(self):
        ring = self.ring(2).start()
        one = self.probe(ring[1])
        described = one.ask("describe", "description")
        self.assertEqual(described["cluster"], "lamplight-test")
        self.assertEqual(described["nodes"], [{"id": 1, "name": "pbx1", "address": "10.78.0.1"},
                                              {"id": 2, "name": "pbx2", "address": "10.78.0.2"}])

    def test_questions_without_a_corosync_have_an_answer(self):
        one = self.probe(self.ring(1)[1])
        self.assertEqual(one.ask("describe", "description")["failure"], "CS_ERR_LIBRARY (2)")
        self.assertEqual(one.ask("occupants", "occupants")["failure"], "CS_ERR_LIBRARY (2)")
        one.tell("join g g")
        wait_until(lambda: one.state()["trouble"] == "Corosync does not answer (CS_ERR_LIBRARY)", "the trouble")
        one.tell("leave g")
        one.until("left")

    def test_a_small_stack_is_said(self):
        ring = self.ring(1).start()
        ring[1].wrapper += ["prlimit", "--stack=1048576", "--"]
        one = self.probe(ring[1])
        one.tell("join g g")
        wait_until(lambda: re.match(r"the stack of \d+ KiB is too small .* needs 2048", one.state()["trouble"]),
                   "the trouble")
        one.tell("leave g")
        one.until("left")


if __name__ == "__main__":
    main()
