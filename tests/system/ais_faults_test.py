"""What event channels did badly under OpenAIS and Asterisk 1.8, measured there as A1 to A8: each a test by its name."""

import re
import signal
import subprocess
import time

from ais_asterisk_test import STRANGER, MixedTest
from corosync_faults_test import cpu_seconds
from harness import main, program, wait_until
from survival_test import Departures

STATES = ("NOT_INUSE", "INUSE", "BUSY", "RINGING", "ONHOLD")
STAND_IN = "[general](+)\nstand_in = yes\n"


class FaultTest(MixedTest):
    def until_all(self, nodes, wanted, seconds=20):
        """`wanted`: votes by device; on each of the nodes."""
        for node in nodes:
            for device, votes in wanted.items():
                self.until_votes(node, votes, device, seconds)

    def states_of(self, node, who, like="Custom"):
        """By device, the state that this node (name or EID) votes for."""
        return {shown["device"]: vote["state"] for shown in node.data(f"device show like {like}")["devices"]
                for vote in shown["votes"] if vote["counts"] and vote["node"] == who}


class Servers(Departures, FaultTest):
    """A1 to A4; and what is true of servers on every bus."""

    def test_a1_a_third_server_hours_later_sees_everything(self):
        # Of what was said before, nothing is retained any more: between Lamplights nothing ever was, and the Asterisk's
        # retention is over. No node joins either.
        self.hosts = self.book_ring(3).start()
        pbx1, pbx2 = self.start_on(self.hosts, 1, 2)
        for number in range(20):
            pbx1.set("INUSE", f"Custom:one{number}")
            pbx2.set("BUSY", f"Custom:two{number}")
        [pbx3] = self.start_on(self.hosts, 3)
        self.until_all([pbx3], {f"Custom:one{number}": {"pbx1": "INUSE"} for number in range(20)} |
                       {f"Custom:two{number}": {"pbx2": "BUSY"} for number in range(20)})
        asterisk = self.res_ais(self.hosts[3])
        expected = {f"Custom:one{number}": {self.eid(pbx1): "INUSE"} for number in range(20)}
        expected |= {f"Custom:two{number}": {self.eid(pbx2): "BUSY"} for number in range(20)}
        asterisk.until(lambda dump: dump["votes"] == expected, "an Asterisk that comes later sees it too", "votes")

    def test_a_halted_server_keeps_no_newcomer_out_of_the_channels(self):
        self.hosts = self.book_ring(3).start()
        [pbx1] = self.start_on(self.hosts, 1)
        wait_until(lambda: "1 channel open" in self.bus(pbx1, "channels")["detail"], "pbx1, the oldest, has its channel")
        self.start_on(self.hosts, 2)
        asterisk = self.res_ais(self.hosts[2])
        asterisk.set("Custom:theirs", "RINGING")
        self.until_votes(pbx1, {asterisk.eid: "RINGING"}, "Custom:theirs")
        pbx1.signal(signal.SIGSTOP)
        try:
            [pbx3] = self.start_on(self.hosts, 3)
            self.until_votes(pbx3, {asterisk.eid: "RINGING"}, "Custom:theirs")
            wait_until(lambda: "1 channel open" in self.bus(pbx3, "channels")["detail"], "pbx3 has its channel, too")
        finally:
            pbx1.signal(signal.SIGCONT)
        pbx3.until_meets(pbx1)

    def test_a2_a_server_that_is_killed_and_restarted_has_everything_again(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "RINGING")
        pbx1.until_hint("Ringing")
        pbx1.kill()
        pbx1.start()
        self.until_votes(pbx1, {asterisk.eid: "RINGING"})

    def test_a3_a_killed_servers_states_go_and_stay_away_when_its_host_goes_too(self):
        self.hosts = self.book_ring(3).start()
        pbx1, pbx2, pbx3 = self.start_on(self.hosts)
        pbx3.set("RINGING")
        for node in (pbx1, pbx2):
            node.until_hint("Ringing")
        pbx3.kill()
        for node in (pbx1, pbx2):
            node.until_hint("Unavailable", seconds=5)
        self.hosts[3].corosync.kill()
        self.hosts.wait_until_whole(self.hosts[1], self.hosts[2])
        for node in (pbx1, pbx2):
            self.assertEqual(node.hint(), "Unavailable")
            self.assertEqual(node.standing_of("pbx3"), "gone")

    def test_a4_a_server_that_comes_back_and_the_others_agree(self):
        self.hosts = self.book_ring(3).start()
        nodes = pbx1, _, pbx3 = self.start_on(self.hosts)
        pbx1.set("BUSY")
        pbx3.set("RINGING")
        self.until_all(nodes, {"Custom:abc": {"pbx1": "BUSY", "pbx3": "RINGING"}})
        pbx3.kill()
        self.until_all(nodes[:2], {"Custom:abc": {"pbx1": "BUSY"}})
        pbx3.start()
        # It has its own state again, and so has everybody else.
        self.until_all(nodes, {"Custom:abc": {"pbx1": "BUSY", "pbx3": "RINGING"}})
        self.assertEqual({node.hint() for node in nodes}, {"InUse&Ringing"})
        pbx3.set("NOT_INUSE")
        self.until_all(nodes, {"Custom:abc": {"pbx1": "BUSY", "pbx3": "NOT_INUSE"}})


class Corosync(FaultTest):
    def test_a5_a_corosync_that_is_restarted_below_us_costs_no_state_and_no_time(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "INUSE")
        pbx1.until_hint("InUse")
        self.hosts[1].corosync.kill()
        wait_until(lambda: pbx1.standing_of(asterisk.eid) == "stale", "its votes are marked")
        before, began = cpu_seconds(pbx1.process.pid), time.monotonic()
        pbx1.set("BUSY", "Custom:mine")
        asterisk.set("Custom:abc", "RINGING")
        wait_until(lambda: time.monotonic() - began > 3, "three seconds have passed")
        self.assertLess(cpu_seconds(pbx1.process.pid) - before, 0.3, "it waits, and does not spin")
        self.assertEqual(pbx1.ask("ais clm show members").status, 1)
        self.hosts[1].corosync.start()
        self.hosts.wait_until_whole()
        asterisk.until_votes("Custom:mine", {self.eid(pbx1): "BUSY"})
        pbx1.until_hint("Ringing")
        pbx1.set("INUSE", "Custom:mine")
        asterisk.until_votes("Custom:mine", {self.eid(pbx1): "INUSE"})
        self.assertIn("Member: Yes", pbx1.do("ais clm show members"))

    def test_a5_a_corosync_that_starts_after_the_daemons_is_found(self):
        self.hosts = self.book_ring(2)
        pbx1, pbx2 = (self.lamplight_on(host).start() for host in self.hosts.hosts)
        pbx1.set("INUSE")
        self.hosts.start()
        pbx2.until_hint("InUse")

    def test_a8_publishing_waits_for_nobody_while_corosync_stands_still(self):
        pbx1, asterisk = self.mixed()
        pbx1.set("INUSE")
        asterisk.until_votes("Custom:abc", {self.eid(pbx1): "INUSE"})
        self.hosts[1].corosync.pause()
        slowest = 0.0
        for number in range(40):
            began = time.monotonic()
            pbx1.set(STATES[number % 5], f"Custom:d{number % 8}")
            pbx1.do("core show hints")
            slowest = max(slowest, time.monotonic() - began)
        self.assertLess(slowest, 2, "the console answers as ever")
        self.hosts[1].corosync.resume()
        expected = {f"Custom:d{number % 8}": {self.eid(pbx1): STATES[number % 5]} for number in range(40)}
        for device, votes in expected.items():
            asterisk.until_votes(device, votes)

    def test_the_module_is_unloaded_while_corosync_stands_still_and_can_be_loaded_again(self):
        self.unload_while_corosync_stands_still()

    def test_the_module_is_unloaded_then_also_beside_res_corosync(self):
        self.unload_while_corosync_stands_still(("res_corosync.conf", "[general]\npublish_event = device_state\n"))

    def unload_while_corosync_stands_still(self, *files):
        self.hosts = self.book_ring(2).start()
        pbx1, pbx2 = self.start_on(self.hosts, files=files)
        self.until_joined(pbx1)
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.hosts[1].corosync.pause()
        self.expect_unloaded_in_time(pbx1)
        self.hosts[1].corosync.resume()
        pbx1.do("module load res_ais.so")
        self.until_joined(pbx1)
        pbx1.set("RINGING")
        self.until_votes(pbx2, {"pbx1": "RINGING"})
        self.res_ais(self.hosts[2]).until_votes("Custom:abc", {self.eid(pbx1): "RINGING"})

    def expect_unloaded_in_time(self, node):
        """A goodbye has 2 s; the console answers meanwhile."""
        began, slowest = time.monotonic(), 0.0
        unloading = subprocess.Popen([program("lamplight"), "-C", str(node.conf), "-x", "module unload res_ais.so"],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        try:
            while unloading.poll() is None and time.monotonic() - began < 10:
                asked = time.monotonic()
                node.do("core show hints")
                slowest = max(slowest, time.monotonic() - asked)
            self.assertEqual(unloading.poll(), 0, "it is unloaded")
        finally:
            unloading.kill()
            unloading.communicate()
        self.assertLess(time.monotonic() - began, 4)
        self.assertLess(slowest, 2, "the console answers as ever")
        self.assertNotIn("res_ais.so", node.do("module show"))

    def requests_by_service(self, host, pid):
        """How many requests this process has made of each of Corosync's services, as Corosync counts them."""
        stats = host.do("corosync-cmapctl", "-m", "stats", "stats.ipcs.")
        counts = {}
        for service, count in re.findall(rf"stats\.ipcs\.service(\d+)\.{pid}\.\S+\.requests \(u64\) = (\d+)", stats):
            counts[int(service)] = counts.get(int(service), 0) + int(count)
        return counts

    def test_a8_no_event_costs_a_question_to_corosync(self):
        CPG = 2
        pbx1, asterisk = self.mixed()
        for number in range(100):
            pbx1.set("INUSE", f"Custom:d{number}")
        asterisk.until(lambda dump: len(dump["votes"]) == 100, "every state", "votes")
        pid = pbx1.process.pid
        closed = self.connections_closed()
        before = self.requests_by_service(self.hosts[1], pid)
        self.assertGreater(before[CPG], 100)
        asterisk.fill(1000, prefix="Custom:theirs")
        for number in range(100):
            pbx1.set("BUSY", f"Custom:d{number}")
        asterisk.until(lambda dump: all(dump["votes"][f"Custom:d{number}"][self.eid(pbx1)] == "BUSY"
                                        for number in range(100)), "every change", "votes")
        wait_until(lambda: len(self.states_of(pbx1, asterisk.eid, "Custom:theirs")) == 1000, "pbx1 has theirs")
        after = self.requests_by_service(self.hosts[1], pid)
        self.assertGreaterEqual(after[CPG] - before[CPG], 100)
        self.assertEqual({service: count for service, count in after.items() if service != CPG},
                         {service: count for service, count in before.items() if service != CPG})
        # And none was opened for a question and closed again: only the two looks at the statistics were.
        self.assertLessEqual(self.connections_closed() - closed, 4)

    def connections_closed(self):
        stats = self.hosts[1].do("corosync-cmapctl", "-m", "stats", "stats.ipcs.global.")
        return int(re.search(r"closed \(u64\) = (\d+)", stats).group(1))


class Visitors(FaultTest):
    VOTES, VISITS = 60, 12

    def test_who_comes_and_goes_again_and_again_does_not_bring_a_dump_each_time_and_lacks_nothing(self):
        pbx1, asterisk = self.mixed()
        for number in range(self.VOTES):
            pbx1.set("INUSE", f"Custom:d{number}")
        eid = self.eid(pbx1)
        wait_until(lambda: self.counters(pbx1)["channels"]["votes_out"] >= self.VOTES, "all is said")
        before = self.counters(pbx1)["channels"]["votes_out"]
        for visit in range(self.VISITS):
            asterisk.close_channel()
            asterisk.open_channel()
            pbx1.set(STATES[visit % 3], "Custom:new")
            asterisk.until_votes("Custom:new", {eid: STATES[visit % 3]})
        said = self.counters(pbx1)["channels"]["votes_out"] - before
        self.assertLess(said, self.VISITS // 2 * self.VOTES, "not everything each time")
        late = self.res_ais(self.hosts[2], eid=STRANGER)
        late.until(lambda dump: sum(eid in votes for votes in dump["votes"].values()) == self.VOTES + 1,
                   "all that pbx1 has", "votes")


class Split(FaultTest):
    def test_a6_a_split_of_six_seconds_is_seen_and_heals_to_equal_states_everywhere(self):
        self.hosts = self.book_ring(3).start()
        nodes = pbx1, pbx2, pbx3 = self.start_on(self.hosts)
        asterisk = self.res_ais(self.hosts[3])
        pbx1.set("BUSY", "Custom:one")
        asterisk.set("Custom:theirs", "RINGING")
        self.until_all(nodes, {"Custom:one": {"pbx1": "BUSY"}, "Custom:theirs": {asterisk.eid: "RINGING"}})
        began = time.monotonic()
        self.hosts.cut(self.hosts[3])
        for node, others in ((pbx1, ("pbx3", asterisk.eid)), (pbx2, ("pbx3", asterisk.eid)), (pbx3, ("pbx1", "pbx2"))):
            for other in others:
                wait_until(lambda node=node, other=other: node.standing_of(other) == "stale",
                           f"{node.name} marks {other}")
        self.assertEqual(pbx3.votes("Custom:one"), {"pbx1": "BUSY"}, "it is marked, and counts still")
        pbx1.set("INUSE", "Custom:one")
        pbx2.set("INUSE", "Custom:two")
        pbx3.set("ONHOLD", "Custom:three")
        asterisk.set("Custom:theirs", "BUSY")
        wait_until(lambda: time.monotonic() - began > 6, "six seconds have passed")
        self.hosts.heal(self.hosts[3])
        self.until_all(nodes, {"Custom:one": {"pbx1": "INUSE"}, "Custom:two": {"pbx2": "INUSE"},
                               "Custom:three": {"pbx3": "ONHOLD"}, "Custom:theirs": {asterisk.eid: "BUSY"}})
        for node in nodes:
            node.until_meets(*(other for other in nodes if other is not node))
            wait_until(lambda node=node: node.standing_of(asterisk.eid) == "present", f"{node.name} has the Asterisk")
        asterisk.until(lambda dump: dump["votes"].get("Custom:one", {}).get(self.eid(pbx1)) == "INUSE" and
                       dump["votes"].get("Custom:two", {}).get(self.eid(pbx2)) == "INUSE", "it has theirs", "votes")
        pbx1.set("NOT_INUSE", "Custom:one")
        asterisk.until_votes("Custom:one", {self.eid(pbx1): "NOT_INUSE"})


class Burst(FaultTest):
    EVENTS, DEVICES = 100_000, 2_000

    def test_a7_a_burst_into_a_slow_subscriber_loses_no_last_state(self):
        self.hosts = self.book_ring(2).start()
        (self.place / "openais.conf").write_text("event {\n    delivery_queue_size: 100\n"
                                                 "    delivery_queue_resume: 50\n}\n")
        [pbx1] = self.start_on(self.hosts, 1, more=f"[ais]\nopenais_conf = {self.place}/openais.conf\n")
        # A frame brings more events than the queue holds.
        asterisk = self.res_ais(self.hosts[2], events_a_frame=250)
        asterisk.set("Custom:before", "INUSE")
        self.until_votes(pbx1, {asterisk.eid: "INUSE"}, "Custom:before")
        pbx1.signal(signal.SIGSTOP)
        rounds = self.EVENTS // self.DEVICES
        for number in range(rounds):
            asterisk.fill(self.DEVICES, state=STATES[number % len(STATES)])
        for number in range(0, self.DEVICES, 7):
            asterisk.set(f"Custom:d{number}", "UNAVAILABLE")
        asterisk.until(lambda dump: dump["waiting"] == 0, "Corosync has taken everything", "waiting", seconds=60)
        pbx1.signal(signal.SIGCONT)
        last = STATES[(rounds - 1) % len(STATES)]
        expected = {f"Custom:d{number}": "UNAVAILABLE" if number % 7 == 0 else last for number in range(self.DEVICES)}
        wait_until(lambda: self.states_of(pbx1, asterisk.eid, "Custom:d") == expected, "every last state", seconds=60)
        service, channels = self.counters(pbx1)["service"], self.counters(pbx1)["channels"]
        self.assertGreater(service["dropped"], 0, "there was a gap")
        self.assertEqual(service["lost_notices"], channels["gaps"], "each notice was heard")
        self.assertLessEqual(50 * service["lost_notices"], service["dropped"], "once a gap, not once an event")
        self.assertGreater(channels["resyncs"], 0)
        self.assertIn(pbx1.log().count("events for us were dropped"), range(1, 10), "the log is not flooded")
        asterisk.set("Custom:after", "BUSY")
        self.until_votes(pbx1, {asterisk.eid: "BUSY"}, "Custom:after")

    def test_a7_a_daemon_that_is_stopped_for_a_while_misses_nothing_of_other_lamplights(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx2.signal(signal.SIGSTOP)
        for number in range(60):
            pbx1.set(STATES[number % 5], f"Custom:d{number % 7}")
        pbx2.signal(signal.SIGCONT)
        self.until_all([pbx2], {f"Custom:d{number % 7}": {"pbx1": STATES[number % 5]} for number in range(60)})
        self.assertEqual(pbx1.standing_of("pbx2"), "present")


if __name__ == "__main__":
    main()
