"""Event channels between Lamplights: the book's chapter on AIS word by word, the console, and the module's life."""

import grp
import os
import pwd
import re
import shlex
import subprocess
from pathlib import Path

from corosync_test import RES_COROSYNC
from harness import PATIENCE, main, program, wait_until
from ring import BOOK_ADDRESSES, ENVIRONMENT, Knet, RingTest, Udp, make_key
from walkthrough_test import CONSOLE_LINE, SET_INUSE, SET_NOT_INUSE, Walkthrough

AIS_CONF = """[device_state]
type = event_channel
publish_event = device_state
subscribe_event = device_state
"""
MWI_CHANNEL = """[mwi]
type = event_channel
publish_event = mwi
subscribe_event = mwi
"""
DOCUMENT = Path(os.environ.get("LAMPLIGHT_SOURCE", Path(__file__).parents[2])) / "docs" / "ais.md"
RULER, LINE = "=" * 61, "-" * 57

# As the book prints them, with its line ends put back.
EVENT_CHANNELS = f"""
{RULER}
=== Event Channels {"=" * 42}
{RULER}
===
=== {LINE}
=== Event Channel Name: device_state
=== ==> Publishing Event Type: device_state
=== ==> Subscribing to Event Type: device_state
=== {LINE}
===
{RULER}

"""
SECOND_NODE_COMES = """[CLM ] CLM CONFIGURATION CHANGE
[CLM ] New Configuration:
[CLM ] r(0) ip(10.24.22.144)
[CLM ] r(0) ip(10.24.22.242)
[CLM ] Members Left:
[CLM ] Members Joined:
[CLM ] r(0) ip(10.24.22.242)
[TOTEM ] A processor joined or left the membership and a new membership was formed.
[MAIN ] Completed service synchronization, ready to provide service.
"""


def cluster_members(*nodes):
    """`ais clm show members`; each is (name, id, address)."""
    blocks = "".join(f"=== {LINE}\n=== Node Name: {name}\n=== ==> ID: {number}\n=== ==> Address: {address}\n"
                     f"=== ==> Member: Yes\n=== {LINE}\n===\n" for name, number, address in nodes)
    return f"\n{RULER}\n=== Cluster Members {'=' * 41}\n{RULER}\n===\n{blocks}{RULER}\n\n"


def aisexec_lines(log):
    """What a terminal's log says of the membership, in aisexec's words, without dates and runs of blanks."""
    found = re.findall(r"\[(CLM|TOTEM|MAIN) *\] *(.*?) *$", log, re.M)
    return "".join(f"[{who} ] {' '.join(what.split())}\n" for who, what in found)


class AisTest(RingTest):
    """Rings with a lamplightd on each host that has the book's ais.conf."""

    def transport(self):
        return Knet()

    def book_ring(self, count, **options):
        """With the book's addresses, on this class's transport."""
        return self.ring(count, transport=self.transport(), addresses=BOOK_ADDRESSES, **options)

    def lamplight_on(self, host, name=None, settings=AIS_CONF, more="", files=()):
        """`files`: more of them, (name, text)."""
        node = self.node_on(host, name)
        for file, text in [("ais.conf", settings), *files]:
            node.write(file, text)
        if more:
            node.write("lamplight.conf", node.main_file(more))
        return node

    def start_on(self, ring, *numbers, **options):
        """Lamplights on these hosts (on all, when none is named), started, that have met."""
        nodes = [self.lamplight_on(host, **options).start() for host in ring.hosts
                 if not numbers or host.number in numbers]
        for node in nodes:
            node.until_meets(*(other for other in nodes if other is not node))
        return nodes

    def pair(self):
        """pbx1 and pbx2 on a ring of two hosts, started, knowing each other."""
        self.two = self.book_ring(2).start()
        return self.start_on(self.two)

    def bus(self, node, name="ais"):
        """The row of `bus show`; None when there is none."""
        return next((bus for bus in node.data("bus show")["buses"] if bus["bus"] == name), None)

    def until_joined(self, node, name="ais"):
        """In the group of Lamplights, and then also in that of the event channels, where there are any."""
        wait_until(lambda: (self.bus(node, name) or {}).get("up") and
                   (self.bus(node, "channels") or {"up": True})["up"], f"{node.name} is in the groups of the bus {name}")

    def until_votes(self, node, votes, device="Custom:abc", seconds=20):
        wait_until(lambda: node.votes(device) == votes, f"{node.name} has {votes} for {device}", seconds)

    def counters(self, node):
        return node.data("ais show counters")


class Book:
    """The chapter, for an AisTest with a transport; `ids` are what the book prints, in the order of the hosts."""

    def names_ids_addresses(self, *numbers):
        return [(self.names[number - 1], self.ids[number - 1], BOOK_ADDRESSES[number - 1]) for number in numbers]

    def test_the_chapter_word_by_word(self):
        ring = self.book_ring(3)
        one, two, three = ring.hosts
        one.corosync.start()
        pbx1 = self.lamplight_on(one).start()
        self.until_joined(pbx1)
        wait_until(lambda: pbx1.ask("ais clm show members").status == 0, "pbx1 has a view of the cluster")
        self.assertEqual(pbx1.do("ais evt show event channels"), EVENT_CHANNELS)
        self.assertEqual(pbx1.do("ais clm show members"), cluster_members(*self.names_ids_addresses(1)))

        with self.subTest("the second node comes up, and the first says so"):
            two.corosync.start()
            wait_until(lambda: SECOND_NODE_COMES in aisexec_lines(pbx1.log()), "aisexec's lines, as in the book")
        pbx2 = self.lamplight_on(two).start()
        pbx2.until_meets(pbx1)
        for node, order in ((pbx1, (1, 2)), (pbx2, (2, 1))):
            self.assertEqual(node.do("ais clm show members"), cluster_members(*self.names_ids_addresses(*order)))

        with self.subTest("and a third"):
            three.corosync.start()
            ring.wait_until_whole()
            pbx3 = self.lamplight_on(three).start()
            pbx3.until_meets(pbx1, pbx2)
            self.assertEqual(pbx1.do("ais clm show members"), cluster_members(*self.names_ids_addresses(1, 2, 3)))
            self.assertTrue(pbx3.do("ais clm show members").startswith(
                cluster_members(*self.names_ids_addresses(3)).removesuffix(f"{RULER}\n\n")), "the own node is first")

        with self.subTest("in Asterisk 1.6.2's order of words"):
            self.assertEqual(pbx2.do("ais show evt event channels"), EVENT_CHANNELS)
            self.assertEqual(pbx2.do("ais show clm members"), pbx2.do("ais clm show members"))
        self.assertRegex(pbx1.do("module show like ais"),
                         r"Module +Description +Use Count\s+\nres_ais\.so +\S.* +\d+ *\n1 modules loaded")

        with self.subTest("a state"):
            self.assertIn("-- Global variable 'DEVICE_STATE(Custom:abc)' set to 'INUSE'", pbx1.do(SET_INUSE))
            for node in (pbx2, pbx3):
                node.until_hint("InUse")
                self.assertRegex(node.do("core show hints"),
                                 r"-= Registered Asterisk Dial Plan Hints =-\n"
                                 r" *foo@devstate_test *: Custom:abc +State:InUse +.*Watchers +0\n")

        with self.subTest("what debug shows"):
            self.debug_lines(pbx1, pbx2)

    def debug_lines(self, pbx1, pbx2):
        pbx2.do(SET_INUSE)
        wait_until(lambda: len(pbx1.votes()) == 2, "pbx1 has both votes")
        console = self.terminal(pbx1)
        console.expect_prompt("pbx1")
        console.send("core set debug 1\r")
        console.expect(r"Core debug was \S+ and is now 1")
        pbx2.do(SET_NOT_INUSE)
        console.expect("has not changed from 'In use'")
        for command, first in ((SET_NOT_INUSE, "Not in use"), (SET_INUSE, "In use")):
            console.send(command + "\r")
            console.expect(CONSOLE_LINE + "Processing device state change for 'Custom:abc'")
            votes = [console.expect(CONSOLE_LINE + "Adding per-server state of '([^']*)' for 'Custom:abc'").group(1)
                     for _ in range(2)]
            self.assertEqual(sorted(votes), sorted(["Not in use", first]))
            console.expect(CONSOLE_LINE + f"Aggregate devstate result is '{first}' for 'Custom:abc'")
            console.expect(CONSOLE_LINE + f"Aggregate state for device 'Custom:abc' has changed to '{first}'")


class AsInTheBook(Book, Walkthrough, AisTest):
    """The book's own totem block."""

    ids = ["0x9016180a", "0xf216180a", "0x2116180a"]
    names = BOOK_ADDRESSES

    def transport(self):
        return Udp()


class Encrypted(Book, Walkthrough, AisTest):
    """What docs/ais.md recommends: knet, a key, and nodes that have ids and names."""

    ids = ["0x1", "0x2", "0x3"]
    names = ["pbx1", "pbx2", "pbx3"]

    def transport(self):
        return Knet(make_key(self.place / "key"))


class Document(AisTest):
    """docs/ais.md, on a ring of what it says."""

    def setUp(self):
        super().setUp()
        self.text = DOCUMENT.read_text()

    def block(self, first_line):
        """The fenced block that begins so."""
        return re.search(rf"^```\n({re.escape(first_line)}\n.*?)^```", self.text, re.S | re.M).group(1)

    def corosync_conf(self, node_blocks=2):
        conf = self.block("totem {")
        nodes = re.findall(r"    node \{.*?\n    \}\n", conf, re.S)
        self.assertEqual(len(nodes), 2)
        third = nodes[1].replace("nodeid: 2", "nodeid: 3").replace("pbx2", "pbx3").replace(*BOOK_ADDRESSES[1:])
        return conf.replace("".join(nodes), "".join([*nodes, third][:node_blocks])).replace(
            "crypto_hash: sha256\n", f"crypto_hash: sha256\n    keyfile: {self.key}\n    token: 1000\n") + \
            "system {\n    sched_rr: no\n    move_to_root_cgroup: no\n    allow_knet_handle_fallback: yes\n}\n"

    def documented_ring(self):
        """Three hosts; the first two are in the nodelist."""
        self.key = make_key(self.place / "key")
        ring = self.book_ring(3)
        for host in ring.hosts[:2]:
            host.corosync.conf.write_text(self.corosync_conf())
            host.corosync.launch()
        ring.wait_until_whole(ring[1], ring[2])
        return ring

    def test_every_command_of_it_works(self):
        ring = self.documented_ring()
        self.assertEqual(self.block("[device_state]"), AIS_CONF)
        hints = self.block("[devstate_test]")
        pbx1, pbx2 = self.start_on(ring, 1, 2, files=[("extensions.conf", hints)])
        commands = re.findall(r'lamplight -x "([^"]+)"', self.text)
        self.assertGreater(len(commands), 10)
        for command in [*commands, "module show like ais", "ais show clm members"]:
            pbx1.do(command)
        pbx2.until_hint("InUse")
        for command in ("ais clm show members", "ais evt show event channels"):
            self.assertIn(pbx1.do(command).strip(), self.text, "its output is the real one")
        self.assertIn(pbx2.do("core show hints").strip(), self.text)
        for command in ("lamplight-evt watch", "lamplight-evt subscribe device_state"):
            self.assertIn(command, self.text)
            name, *arguments = shlex.split(command)
            with open(self.place / "evt.out", "w") as out:
                process = ring[1].popen(program(name), *arguments, stdout=out)
            try:
                wait_until(lambda: (self.place / "evt.out").read_text() or process.poll() is not None or
                           len(pbx1.data("ais evt show channels")["channels"][0]["opens"]) == 3, command)
                self.assertIsNone(process.poll(), command)
            finally:
                process.terminate()
                process.wait()
        for command in re.findall(r"corosync-(?:cfgtool|cmapctl) [-\w. ]+\w", self.text):
            ring[1].do(*command.split())

    def test_a_cluster_grows_as_it_says(self):
        ring = self.documented_ring()
        pbx1, pbx2 = self.start_on(ring, 1, 2)
        pbx1.set("INUSE")
        for host in ring.hosts:
            host.corosync.conf.write_text(self.corosync_conf(3))
        ring[1].do("corosync-cfgtool", "-R")
        ring[3].corosync.start()
        ring.wait_until_whole()
        pbx3 = self.lamplight_on(ring[3]).start()
        pbx3.until_meets(pbx1, pbx2)
        pbx3.until_hint("InUse")
        for node in (pbx1, pbx2, pbx3):
            wait_until(lambda node=node: sorted(re.findall(r"Node Name: (\S+)", node.do("ais clm show members"))) ==
                       ["pbx1", "pbx2", "pbx3"], f"{node.name} lists all three by name")

    def test_corosync_refuses_the_books_block_alone(self):
        host = self.ring(1, transport=Udp(), addresses=BOOK_ADDRESSES)[1]
        conf = host.corosync.conf.read_text()
        host.corosync.conf.write_text(re.sub(r"nodelist \{.*?\n\}\n", "", conf, flags=re.S))
        host.corosync.launch()
        self.assertNotEqual(host.corosync.process.wait(20), 0)
        self.assertIn("No valid name found for local host", host.corosync.log())


class Channels(AisTest):
    def test_may_be_several_and_carry_one_event_or_both(self):
        ring = self.book_ring(2).start()
        both = "[all]\ntype = event_channel\n" + "".join(f"{way}_event = {event}\n" for way in ("publish", "subscribe")
                                                         for event in ("device_state", "mwi"))
        pbx1, pbx2 = self.start_on(ring, settings=AIS_CONF + MWI_CHANNEL + both)
        shown = pbx1.do("ais evt show event channels")
        self.assertEqual(re.findall(r"Event Channel Name: (\S+)", shown), ["device_state", "mwi", "all"])
        self.assertEqual(re.findall(r"(?:Publishing|Subscribing to) Event Type: \S+",
                                    shown.partition("Name: all")[2]),
                         ["Publishing Event Type: mwi", "Publishing Event Type: device_state",
                          "Subscribing to Event Type: mwi", "Subscribing to Event Type: device_state"])
        pbx1.do("mwi update 1000@default 2 5")
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        wait_until(lambda: "1000" in pbx2.do("mwi show"), "pbx2 has the counts")
        self.assertEqual(pbx2.votes(), {"pbx1": "INUSE"})

    def test_are_shown_with_who_has_them_open_and_as_data(self):
        pbx1, pbx2 = self.pair()
        self.assertEqual(pbx1.data("ais evt show event channels")["channels"],
                         [{"name": "device_state", "publish_event": ["device_state"],
                           "subscribe_event": ["device_state"]}])
        wait_until(lambda: [[(one["node"], one["pid"]) for one in channel["opens"]]
                            for channel in pbx1.data("ais evt show channels")["channels"]] ==
                   [[("pbx1", pbx1.process.pid), ("pbx2", pbx2.process.pid)]], "both have it open")
        self.assertRegex(pbx1.do("ais evt show channels"),
                         r"device_state: 0 events retained \(0 bytes\), open 2 times\n")
        self.assertRegex(pbx1.do("bus show"), r"\nais +up +1 .*\nchannels +up +")
        member = pbx1.data("ais clm show members")["members"][0]
        self.assertEqual((member["name"], member["address"]), ("pbx1", BOOK_ADDRESSES[0]))

    def test_that_were_unlinked_are_left_for_the_new_one_by_unload_and_load_not_by_reload(self):
        hosts = self.book_ring(2).start()
        nodes = self.start_on(hosts, 1, 2)
        for node in nodes:
            self.until_joined(node)
        hosts[1].do(program("lamplight-evt"), "unlink", "device_state")

        def unlinked():
            return [channel["unlinked"] for channel in nodes[0].data("ais evt show channels")["channels"]]
        for node in nodes:
            wait_until(lambda node=node: "'device_state' was unlinked" in node.log(), f"{node.name} warns")
            node.do("module reload res_ais.so")
        self.assertEqual(unlinked(), [True])
        for node in nodes:
            node.do("module unload res_ais.so")
            node.do("module load res_ais.so")
        for node in nodes:
            self.until_joined(node)
        wait_until(lambda: unlinked() == [False], "both are in the new channel")
        nodes[0].set("INUSE")
        nodes[1].until_hint("InUse")


NOBODY = 65534
AS_NOBODY = ["setpriv", "--pdeathsig", "KILL", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--"]


class WithoutRoot(AisTest):
    def visit(self, node):
        return subprocess.run([*node.wrapper, program("lamplight-evt"), "members", "--wait", "2"], env=ENVIRONMENT,
                              capture_output=True, text=True, timeout=PATIENCE)

    def test_who_may_not_join_is_told_what_to_do_and_joins_when_it_was_done(self):
        host = self.book_ring(1).start()[1]
        node = self.lamplight_on(host)
        user, group = "root", "root"  # in a namespace of an ordinary user's there is nobody else
        if os.geteuid() == 0:
            user, group = pwd.getpwuid(NOBODY).pw_name, grp.getgrgid(NOBODY).gr_name
            node.wrapper = [*host.wrapper, *AS_NOBODY]
            for path in (self.place, node.run, node.place, *node.place.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        node.start()
        if os.geteuid() == 0:
            wait_until(lambda: "uidgid.d" in node.do("bus show"), "bus show says what to do")
            visited = self.visit(node)
            self.assertEqual((visited.returncode, visited.stdout), (1, ""))
            self.assertRegex(visited.stderr, "may not join: give its user a file in Corosync's uidgid.d")
        # Corosync looks beside its configuration.
        drop_in = (DOCUMENT.parents[1] / "packaging" / "corosync-uidgid").read_text()
        folder = host.corosync.conf.parent / "uidgid.d"
        folder.mkdir()
        (folder / "lamplight").write_text(drop_in.replace("uid: lamplight", f"uid: {user}")
                                          .replace("gid: lamplight", f"gid: {group}"))
        host.do("corosync-cfgtool", "-R")
        self.until_joined(node)
        self.assertEqual(self.visit(node).returncode, 0)


class Module(AisTest):
    def test_without_corosync_everything_says_so(self):
        pbx1 = self.lamplight_on(self.book_ring(1)[1]).start()
        answer = pbx1.ask("ais clm show members")
        self.assertEqual((answer.status, answer.text.splitlines()[0]),
                         (1, "Error retrieving current cluster members."))
        self.assertIn("waiting for Corosync", answer.text)
        self.assertIn("waiting for Corosync", self.bus(pbx1)["detail"])
        self.assertEqual(pbx1.do("ais evt show event channels"), EVENT_CHANNELS)
        wait_until(lambda: "waiting for Corosync since" in pbx1.log(), "the log says it too")

    def test_can_be_unloaded_and_loaded_again(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.do("module unload res_ais.so")
        pbx2.until_hint("Unavailable")
        self.assertNotEqual(pbx1.ask("ais evt show event channels").status, 0)
        pbx1.do("module load res_ais.so")
        pbx2.until_hint("InUse")
        self.assertEqual(pbx1.do("ais evt show event channels"), EVENT_CHANNELS)

    def test_takes_a_new_file_at_a_reload_and_keeps_the_old_one_when_that_is_broken(self):
        pbx1, pbx2 = self.pair()
        for node in (pbx1, pbx2):
            node.write("ais.conf", AIS_CONF + MWI_CHANNEL)
            node.do("module reload res_ais.so")
        self.assertIn("Event Channel Name: mwi", pbx1.do("ais evt show event channels"))
        pbx1.do("mwi update 1000@default 2 5")
        wait_until(lambda: "1000" in pbx2.do("mwi show"), "pbx2 has the counts")
        pbx1.write("ais.conf", AIS_CONF + "[half a section\n")
        answer = pbx1.ask("module reload res_ais.so")
        self.assertNotEqual(answer.status, 0)
        self.assertRegex(answer.text + answer.errors, r"ais\.conf:5: ")
        self.assertIn("Event Channel Name: mwi", pbx1.do("ais evt show event channels"))
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")

    def test_is_checked_with_everything_else(self):
        # What Asterisk passes over is a warning; what it could not read is an error.
        passed_over = ("[device_state]\ntype = event_channel\npublish_event = device_sate\n"
                       "[other]\ntype = event_chanel\n[device_state]\ntype = event_channel\n")
        node = self.lamplight_on(self.book_ring(1)[1], settings=passed_over)
        answer = node.check()
        self.assertEqual(answer.status, 0)
        for line, what in ((3, "device_sate"), (5, "event_chanel"), (6, "device_state")):
            self.assertRegex(answer.text + answer.errors, rf"ais\.conf:{line}: .*{what}")
        node.write("ais.conf", AIS_CONF + "[half a section\n")
        answer = node.check()
        self.assertEqual(answer.status, 78)
        self.assertRegex(answer.text + answer.errors, r"ais\.conf:5: ")

    def test_reads_the_file_of_openais_and_says_what_has_no_meaning_any_more(self):
        node = self.lamplight_on(self.book_ring(1)[1], more=f"[ais]\nopenais_conf = {self.place}/openais.conf\n")
        (self.place / "openais.conf").write_text("totem {\n    version: 2\n    secauth: off\n}\n"
                                                 "event {\n    delivery_queue_size: 100\n}\n"
                                                 "amf {\n    mode: disabled\n}\n")
        node.start()
        wait_until(lambda: re.search(r"NOTICE.*openais\.conf.*totem, amf.*no meaning any more", node.log()),
                   "it is said")
        self.assertEqual(node.log().count("no meaning any more"), 1)


class TwoModules(AisTest):
    """res_ais.so and res_corosync.so in one daemon."""

    def both(self):
        self.two = self.book_ring(2).start()
        return self.start_on(self.two, files=[("res_corosync.conf", RES_COROSYNC)])

    def test_share_one_ring_and_say_nothing_twice(self):
        pbx1, pbx2 = self.both()
        shown = pbx1.do("module show like res_")
        self.assertRegex(shown, r"(?s)res_ais\.so.*res_corosync\.so.*2 modules loaded")
        pbx2.do("core set debug 1")
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.assertEqual(pbx2.log().count("Processing device state change for 'Custom:abc'"), 1)
        self.assertEqual(pbx2.votes(), {"pbx1": "INUSE"})
        self.assertEqual(pbx1.log().count("pbx2 joined"), 1, "who came is said once")
        buses = [bus["bus"] for bus in pbx1.data("bus show")["buses"]]
        self.assertEqual(len(buses), len(set(buses)), "each bus once")
        self.assertEqual(len([member for member in pbx1.data("corosync show members")["members"]
                              if member["group"] == "lamplight"]), 2, "the group is joined once a daemon")

    def test_go_on_when_the_other_is_unloaded(self):
        pbx1, pbx2 = self.both()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        for gone, other in (("res_ais.so", "res_corosync.so"), ("res_corosync.so", "res_ais.so")):
            with self.subTest(f"{gone} goes"):
                pbx1.do(f"module unload {gone}")
                self.assertEqual(pbx2.standing_of("pbx1"), "present")
                self.assertEqual(pbx2.hint(), "InUse", "no lamp went out")
                pbx1.set("RINGING")
                pbx2.until_hint("Ringing")
                pbx2.set("NOT_INUSE")
                self.until_votes(pbx1, {"pbx1": "RINGING", "pbx2": "NOT_INUSE"})
                pbx1.do(f"module load {gone}")
                pbx1.set("INUSE")
                pbx2.until_hint("InUse")
        pbx1.do("module unload res_ais.so")
        pbx1.do("module unload res_corosync.so")
        pbx2.until_hint("Idle")


if __name__ == "__main__":
    main()
