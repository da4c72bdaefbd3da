"""The Corosync bus between Lamplights: the book's walkthrough and the console, on a real ring."""

import re

from harness import main, wait_until
from ring import RingTest
from walkthrough_test import CONSOLE_LINE, SET_INUSE, SET_NOT_INUSE, Walkthrough

RES_COROSYNC = "[general]\npublish_event = device_state\nsubscribe_event = device_state\n"
RULER = "=" * 61


class CorosyncTest(RingTest):
    """Rings with a lamplightd on each host, all of them members of both groups."""

    def lamplight_on(self, host, name=None, settings=RES_COROSYNC, more=""):
        node = self.node_on(host, name)
        node.write("res_corosync.conf", settings)
        if more:
            node.write("lamplight.conf", node.main_file(more))
        return node

    def pair(self):
        """pbx1 and pbx2 on a ring of two hosts, started, knowing each other."""
        self.two = self.ring(2).start()
        pbx1, pbx2 = (self.lamplight_on(host).start() for host in self.two.hosts)
        pbx1.until_meets(pbx2)
        pbx2.until_meets(pbx1)
        return pbx1, pbx2

    def bus(self, node, name="corosync"):
        """The row of `bus show`."""
        return next(bus for bus in node.data("bus show")["buses"] if bus["bus"] == name)

    def until_joined(self, node, group="corosync"):
        wait_until(lambda: self.bus(node, group)["up"], f"{node.name} is in the group of the bus {group}")


class TestingDeviceStateChanges(Walkthrough, CorosyncTest):
    def test_the_module_is_loaded_because_its_file_is_there(self):
        pbx1, _ = self.pair()
        self.assertRegex(pbx1.do("module show like corosync"),
                         r"Module +Description +Use Count\s+\nres_corosync\.so +Corosync +\d+ *\n1 modules loaded")

    def test_debug_on_the_other_server_shows_the_vote_that_came(self):
        pbx1, pbx2 = self.pair()
        pbx2.do(SET_NOT_INUSE)
        pbx1.do(SET_NOT_INUSE)
        wait_until(lambda: len(pbx2.votes()) == 2, "pbx2 has both votes")
        console = self.terminal(pbx2)
        console.expect_prompt("pbx2")
        console.send("core set debug 1\r")
        console.expect(r"Core debug was \S+ and is now 1")
        pbx1.do(SET_INUSE)
        console.expect(CONSOLE_LINE + "Adding per-server state of 'In use' for 'Custom:abc'")
        console.expect(CONSOLE_LINE + "Aggregate state for device 'Custom:abc' has changed to 'In use'")


class Console(CorosyncTest):
    def test_members_are_listed_in_asterisks_layout(self):
        pbx1, _ = self.pair()
        for node in self.nodes:
            self.until_joined(node, "asterisk")
        shown = pbx1.do("corosync show members")
        begin = f"\n{RULER}\n=== Cluster members {'=' * 41}\n{RULER}\n===\n"
        self.assertTrue(shown.startswith(begin), shown)
        rows = re.findall(r"=== Node (\d+)\n=== --> Group: (\S+)\n=== --> Nodeid: (\d+)\n", shown)
        self.assertEqual([int(row[0]) for row in rows], list(range(1, 5)))
        self.assertEqual(sorted(row[1:] for row in rows),
                         [("asterisk", "1"), ("asterisk", "2"), ("lamplight", "1"), ("lamplight", "2")])
        self.assertTrue(shown.endswith(f"===\n{RULER}\n\n"), shown)
        members = pbx1.data("corosync show members")["members"]
        self.assertEqual({(member["nodeid"], member["name"], member["pid"]) for member in members},
                         {(host.number, node.name, node.process.pid)
                          for host, node in zip(self.two.hosts, self.nodes)})

    def test_the_configuration_is_shown_in_asterisks_layout(self):
        pbx1, _ = self.pair()
        self.assertEqual(pbx1.do("corosync show config"),
                         f"\n{RULER}\n=== res_corosync config {'=' * 37}\n{RULER}\n===\n"
                         "=== ==> Publishing Event Type: device_state\n=== ==> Subscribing to Event Type: device_state\n"
                         "=== ==> Publishing Event Type: ping\n=== ==> Subscribing to Event Type: ping\n"
                         "=== ==> Publishing Event Type: cluster_discovery\n"
                         "=== ==> Subscribing to Event Type: cluster_discovery\n"
                         f"===\n{RULER}\n\n")

    def test_a_ping_is_said_on_both_sides(self):
        pbx1, pbx2 = self.pair()
        for node in self.nodes:
            self.until_joined(node, "asterisk")
        self.assertEqual(pbx1.do("corosync ping"), "")
        eid = pbx1.data("core show settings")["entity_id"]
        self.assertIn(f"Sending event PING from this server with EID: '{eid}'", pbx1.log())
        wait_until(lambda: f"Got event PING from server with EID: '{eid}'" in pbx2.log(), "pbx2 says that it came")

    def test_every_servers_view_is_in_the_event_cache(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.set("RINGING")
        wait_until(lambda: len(pbx1.votes()) == 2, "pbx1 has both votes")
        dump = pbx1.do("event dump cache DeviceStateChange")
        for node, state in ((pbx1, 2), (pbx2, 6)):
            eid = node.data("core show settings")["entity_id"]
            self.assertRegex(dump, rf"Event: DeviceStateChange\nDevice: Custom:abc\nState: {state}\nCachable: 1\n"
                                   rf"EntityID: {eid}\n")

    def test_without_corosync_the_commands_say_so(self):
        host = self.ring(1)[1]
        pbx1 = self.lamplight_on(host).start()
        answer = pbx1.ask("corosync show members")
        self.assertEqual((answer.status, answer.text), (1, "Failed to initialize CPG iterator: initializing CPG.\n"))
        self.assertIn("waiting for Corosync", self.bus(pbx1)["detail"])
        self.assertEqual(pbx1.ask("corosync ping").status, 1)
        wait_until(lambda: "WARNING" in pbx1.log() and "waiting for Corosync since" in pbx1.log(), "the log says it too")

    def test_a_stack_that_is_too_small_for_corosyncs_library_is_said(self):
        host = self.ring(1).start()[1]
        pbx1 = self.lamplight_on(host)
        pbx1.wrapper = [*pbx1.wrapper, "sh", "-c", 'ulimit -s 512; exec "$@"', "sh"]
        pbx1.start()
        # The kernel keeps some of it for itself, a page or two more on one day than on another.
        wait_until(lambda: re.search(r"the stack of \d+ KiB is too small .*LimitSTACK", pbx1.log()),
                   "pbx1 says what to do")
        self.assertFalse(self.bus(pbx1)["up"])

    def test_without_asterisks_group_only_lamplights_are_heard(self):
        host = self.ring(1).start()[1]
        pbx1 = self.lamplight_on(host, more="[corosync]\nasterisk_group = no\n").start()
        self.until_joined(pbx1)
        self.assertEqual([bus["bus"] for bus in pbx1.data("bus show")["buses"]], ["corosync"])
        self.assertIn("asterisk_group = no", pbx1.ask("corosync ping").text)


class Counts(CorosyncTest):
    def test_message_counts_travel(self):
        pbx1, pbx2 = self.pair()
        pbx1.do("mwi update 1000@default 2 5")
        wait_until(lambda: "1000" in pbx2.do("mwi show"), "pbx2 has the counts")


class Reload(CorosyncTest):
    def test_a_reload_publishes_what_was_not_published(self):
        pbx1, _ = self.pair()
        pbx1.write("res_corosync.conf", RES_COROSYNC + "publish_event = mwi\n")
        pbx1.do("module reload res_corosync.so")
        self.assertIn("mwi", pbx1.data("corosync show config")["publish_event"])

    def test_a_broken_file_is_refused_and_what_runs_goes_on(self):
        pbx1, pbx2 = self.pair()
        pbx1.write("res_corosync.conf", "[general]\npublish_event = nonsense\n")
        answer = pbx1.ask("module reload res_corosync.so")
        self.assertNotEqual(answer.status, 0)
        self.assertRegex(answer.text + answer.errors, r"res_corosync\.conf:2: .*nonsense")
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")

    def test_the_module_can_be_unloaded_and_loaded_again(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.do("module unload res_corosync.so")
        pbx2.until_hint("Unavailable")
        self.assertNotEqual(pbx1.ask("corosync show config").status, 0)
        pbx1.do("module load res_corosync.so")
        pbx2.until_hint("InUse")

    def test_the_check_finds_a_mistake_in_the_modules_file(self):
        node = self.lamplight_on(self.ring(1)[1], settings="[general]\nsubscribe_event = device_sate\n")
        answer = node.check()
        self.assertEqual(answer.status, 78)
        self.assertRegex(answer.text + answer.errors, r"res_corosync\.conf:2: .*device_sate")


if __name__ == "__main__":
    main()
