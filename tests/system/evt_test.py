"""lamplight-evt on rings of real Corosyncs: changes of the membership, events from host to host, what goes wrong."""

import json
import os
import re
import signal
import subprocess

from harness import PATIENCE, SANITIZER_COMPLAINT, Answer, main, program, wait_until
from ring import BOOK_ADDRESSES, ENVIRONMENT, RingTest, Udp

LARGEST = 65536
EID = "02:00:00:78:00:01"
TIME = r"[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d"
DATE = re.compile(rf"^{TIME} corosync ")
EVENT = re.compile(rf"^({TIME}\.\d{{6}}) (0x[0-9a-f]{{16}}) (\S+) ([0-3]) ((?:\[[^]]*\])+) (.*)$")


class Running:
    """lamplight-evt that goes on, its output in files; with `pipe` nobody reads it but the test."""

    def __init__(self, host, place, arguments, pipe=False, stdin=subprocess.DEVNULL):
        self.host, self.arguments = host, arguments
        self.files = [place.with_suffix(".out"), place.with_suffix(".err")]
        with open(self.files[0], "wb") as out, open(self.files[1], "wb") as errors:
            self.process = host.popen(program("lamplight-evt"), *arguments, stdin=stdin,
                                      stdout=subprocess.PIPE if pipe else out, stderr=errors)

    def text(self):
        return self.files[0].read_text(errors="replace")

    def errors(self):
        return self.files[1].read_text(errors="replace")

    def lines(self):
        """Whole ones."""
        return self.text().split("\n")[:-1]

    def until(self, condition, what, seconds=PATIENCE):
        """Waits until `condition(lines)` is true and answers with what it said."""
        try:
            return wait_until(lambda: condition(self.lines()), f"lamplight-evt {self.arguments}: {what}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text()[-3000:]}{self.errors()[-3000:]}") from None

    def until_said(self, text):
        wait_until(lambda: text in self.errors(), f"lamplight-evt {self.arguments} says: {text}")

    def ended(self, seconds=PATIENCE):
        return self.process.wait(seconds)

    def terminate(self):
        self.process.terminate()
        return self.ended()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


HEADINGS = {"New Configuration:": "now", "Members Left:": "left", "Members Joined:": "joined"}


def changes(lines):
    """What watch printed: two blocks a change, each with sets of addresses. The form of every line is checked."""
    blocks, out = [], []
    for line in lines:
        assert DATE.match(line), line
        kind, text = re.fullmatch(r"\[(\w+) *\] (.*)", DATE.sub("", line)).groups()
        text = text.strip()
        if (kind, text) == ("CLM", "CLM CONFIGURATION CHANGE"):
            blocks.append({})
        elif kind == "CLM" and text in HEADINGS:
            part = blocks[-1].setdefault(HEADINGS[text], set())
        elif kind == "CLM":
            part.add(re.fullmatch(r"r\(0\) ip\((\S+)\)", text).group(1))
        elif kind == "TOTEM":
            assert text == "A processor joined or left the membership and a new membership was formed."
        else:
            assert (kind, text) == ("MAIN", "Completed service synchronization, ready to provide service.")
            assert [list(block) for block in blocks] == [["now", "left", "joined"]] * 2, blocks
            out.append(tuple(blocks))
            blocks = []
    return out


class EvtTest(RingTest):
    def setUp(self):
        self.running = []
        super().setUp()

    # --- running the program ---

    def evt(self, host, *arguments, data=b"", seconds=PATIENCE):
        """To its end; `data` is its standard input."""
        done = subprocess.run([*host.wrapper, program("lamplight-evt"), *arguments], env=ENVIRONMENT, input=data,
                              capture_output=True, timeout=seconds)
        answer = Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        self.assertNotRegex(answer.errors, SANITIZER_COMPLAINT)
        return answer

    def do(self, host, *arguments, **options):
        """As evt(), for what has to succeed; answers with what it printed."""
        answer = self.evt(host, *arguments, **options)
        self.assertEqual(answer.status, 0, f"lamplight-evt {arguments}: {answer}")
        return answer.text

    def start(self, host, *arguments, **options):
        self.running.append(Running(host, self.place / f"evt{len(self.running) + 1}", arguments, **options))
        return self.running[-1]

    def channels(self, host):
        """What `channels --json` says, by name, unlinked ones aside."""
        told = json.loads(self.do(host, "channels", "--json"))["channels"]
        return {channel["channel"]: channel for channel in told if not channel["unlinked"]}

    def until_channel(self, host, name, condition, what):
        """Waits until `condition` holds of the channel as `channels` shows it there ({} when it is not there)."""
        return wait_until(lambda: condition(self.channels(host).get(name, {})), f"channel {name}: {what}")

    def subscriber(self, host, channel, *arguments, **options):
        """`subscribe`, which has the channel open when this returns."""
        running = self.start(host, "subscribe", channel, "--create", *arguments, **options)
        pid = running.process.pid
        self.until_channel(host, channel, lambda shown: pid in [open["pid"] for open in shown.get("opens", [])],
                           f"{host.name} subscribes")
        return running

    def keeper(self, host):
        """Somebody in the group who keeps what is retained."""
        keeper = self.start(host, "watch")
        keeper.until(lambda lines: lines, "is there")
        return keeper

    def members_of_group(self, host):
        """(node, pid) of everybody in the group saEvt."""
        told = host.do("corosync-cpgtool", "-e")
        _, _, group = told.partition("saEvt")
        return {(int(node), int(pid)) for pid, node in re.findall(r"^\s+(\d+)\s+(\d+)\s", group, re.M)}

    def end_everything(self):
        for running in self.running:
            running.end()
        try:
            for running in self.running:
                self.assertNotRegex(running.errors(), SANITIZER_COMPLAINT)
        finally:
            super().end_everything()

    def logs(self):
        return super().logs() + "".join(
            f"--- {running.host.name}: lamplight-evt {' '.join(running.arguments)}\n{running.text()[-3000:]}"
            f"{running.errors()[-3000:]}\n" for running in self.running)


class Membership(EvtTest):
    def until_change(self, watch, count, left=(), joined=(), now=()):
        """The `count`th change that watch printed is this one."""
        seen = watch.until(lambda lines: changes(lines)[count - 1:], f"change {count}")[0]
        transitional, regular = seen
        self.assertEqual(transitional["left"], {host.address for host in left})
        self.assertEqual(regular["joined"], {host.address for host in joined})
        self.assertEqual(regular["now"], {host.address for host in now})
        return seen

    def test_watch_shows_who_comes_leaves_and_dies_in_order(self):
        ring = self.ring(3)
        one, two, three = ring.hosts
        for host in (one, two):
            host.corosync.launch()
        ring.wait_until_whole(one, two)
        watches = [self.start(one, "watch"), self.start(two, "watch")]
        for watch in watches:
            first = watch.until(changes, "the present view")
            self.assertEqual([view[1]["now"] for view in first], [{one.address, two.address}])
        three.corosync.start()
        ring.wait_until_whole()
        for watch in watches:
            transitional, _ = self.until_change(watch, 2, joined=[three], now=[one, two, three])
            self.assertEqual(transitional["now"], {one.address, two.address})
        three.corosync.stop()
        for watch in watches:
            self.until_change(watch, 3, left=[three], now=[one, two])
        three.corosync.start()
        for watch in watches:
            self.until_change(watch, 4, joined=[three], now=[one, two, three])
        three.corosync.kill()
        for watch in watches:
            self.until_change(watch, 5, left=[three], now=[one, two])
            self.assertEqual(watch.terminate(), 0)
            self.assertEqual(len(changes(watch.lines())), 5)
            self.assertEqual(watch.errors(), "")

    def test_watch_has_every_change_as_json(self):
        ring = self.ring(2).start()
        watch = self.start(ring[1], "watch", "--json")
        watch.until(lambda lines: lines, "the present view")
        ring[2].corosync.stop()
        seen = [json.loads(line) for line in watch.until(lambda lines: len(lines) > 1 and lines, "who left")]
        node2 = {"id": 2, "name": "pbx2", "address": "10.78.0.2"}
        self.assertEqual(seen[1]["left"], [node2])
        self.assertEqual([node["id"] for node in seen[1]["members"]], [1])
        self.assertGreater(seen[1]["view"], seen[0]["view"])

    def test_watch_goes_on_when_corosync_is_restarted_and_says_so_once(self):
        ring = self.ring(2).start()
        one, two = ring.hosts
        watch = self.start(one, "watch")
        watch.until(changes, "the present view")
        one.corosync.kill()
        watch.until_said("waiting until it is back")
        one.corosync.start()
        ring.wait_until_whole()
        both = {one.address, two.address}
        watch.until(lambda lines: len(changes(lines)) > 1 and changes(lines)[-1][1]["now"] == both, "whole again")
        two.corosync.stop()
        watch.until(lambda lines: changes(lines)[-1][0]["left"] == {two.address}, "who left afterwards")
        self.assertEqual(watch.errors().count("\n"), 1, watch.errors())
        self.assertEqual(watch.terminate(), 0)

    def test_members_are_printed_as_asterisk_does(self):
        ring = self.ring(2).start()
        shown = self.do(ring[2], "members")
        self.assertRegex(shown, r"^\n=+\n=== Cluster Members =+\n=+\n===\n")
        nodes = re.findall(r"=== -+\n=== Node Name: (\S+)\n=== ==> ID: (\S+)\n=== ==> Address: (\S+)\n"
                           r"=== ==> Member: Yes\n=== -+\n===\n", shown)
        self.assertEqual(nodes, [("pbx2", "0x2", "10.78.0.2"), ("pbx1", "0x1", "10.78.0.1")])

    def test_on_a_ring_as_in_the_book_ids_and_lines_are_those_of_the_book(self):
        ring = self.ring(2, transport=Udp(), addresses=BOOK_ADDRESSES[:2])
        one, two = ring.hosts
        one.corosync.start()
        watch = self.start(one, "watch")
        watch.until(changes, "the present view")
        two.corosync.start()
        watch.until(lambda lines: len(changes(lines)) > 1, "who joined")
        last = [" ".join(DATE.sub("", line).split()) for line in watch.lines()[-9:]]
        self.assertEqual(last, ["[CLM ] CLM CONFIGURATION CHANGE", "[CLM ] New Configuration:",
                                "[CLM ] r(0) ip(10.24.22.144)", "[CLM ] r(0) ip(10.24.22.242)",
                                "[CLM ] Members Left:", "[CLM ] Members Joined:", "[CLM ] r(0) ip(10.24.22.242)",
                                "[TOTEM ] A processor joined or left the membership and a new membership was formed.",
                                "[MAIN ] Completed service synchronization, ready to provide service."])
        nodes = re.findall(r"=== Node Name: (\S+)\n=== ==> ID: (\S+)\n=== ==> Address: (\S+)\n",
                           self.do(two, "members"))
        self.assertEqual(nodes, [("10.24.22.242", "0xf216180a", "10.24.22.242"),
                                 ("10.24.22.144", "0x9016180a", "10.24.22.144")])

    def test_members_have_the_boot_time_of_who_is_in_the_group(self):
        ring = self.ring(2).start()
        told = json.loads(self.do(ring[1], "members", "--json"))
        one, two = told["members"]
        self.assertEqual((told["self"], one["id"], two["id"]), (1, 1, 2))
        self.assertEqual((two["name"], two["address"], two["shown_id"], two["member"]),
                         ("pbx2", "10.78.0.2", "0x2", True))
        self.assertRegex(one["boot_time"], r"^\d{4}-\d\d-\d\dT")
        self.assertIsNone(two["boot_time"])
        self.assertGreater(told["view"], 0)
        self.keeper(ring[2])
        wait_until(lambda: json.loads(self.do(ring[1], "members", "--json"))["members"][1]["boot_time"],
                   "the other's boot time is known")


class Events(EvtTest):
    def test_an_event_reaches_a_subscriber_on_another_host(self):
        ring = self.ring(2).start()
        subscriber = self.subscriber(ring[2], "news")
        event_id = self.do(ring[1], "publish", "news", "--pattern", r"a\0", "--pattern", "b c", "--priority", "1",
                           "hello, world").strip()
        line = subscriber.until(lambda lines: lines, "the event")[0]
        _, *shown = EVENT.match(line).groups()
        self.assertEqual(shown, [event_id, "pbx1", "1", r"[a\0][b c]", "hello, world"])

    def test_states_are_published_and_shown_as_asterisk_would(self):
        ring = self.ring(2).start()
        subscriber = self.subscriber(ring[2], "device_state", "--filter", r"exact:device_state\0")
        self.do(ring[1], "publish", "device_state", "--pattern", "device_state", "without the NUL")
        self.do(ring[1], "publish", "device_state", "--device-state", "Custom:abc=INUSE", "--eid", EID)
        line = subscriber.until(lambda lines: lines, "the event")[0]
        self.assertTrue(line.endswith(rf" pbx1 3 [device_state\0] Custom:abc INUSE from {EID}"), line)
        self.assertEqual(self.channels(ring[1])["device_state"]["retained"], 1)

    def test_filters_are_compared_position_by_position(self):
        ring = self.ring(1).start()
        subscriber = self.subscriber(ring[1], "c", "--filter", "prefix:red", "--filter", "suffix:ball", "--raw")
        for data, *patterns in (("1", "red", "ball"), ("2", "reddish", "football", "more"), ("3", "ball", "red"),
                                ("4", "red"), ("5",), ("6", "red", "balls"), ("end", "red", "ball")):
            self.do(ring[1], "publish", "c", *(part for text in patterns for part in ("--pattern", text)), data)
        self.assertEqual(subscriber.until(lambda lines: "end" in lines and lines, "the last"), ["1", "2", "end"])

    def test_what_is_retained_reaches_who_subscribes_later_on_a_third_host(self):
        ring = self.ring(3).start()
        self.keeper(ring[2])
        first = self.do(ring[1], "publish", "c", "--retention", "1h", "first").strip()
        second = self.do(ring[1], "publish", "c", "--retention", "forever", "second").strip()
        self.do(ring[1], "publish", "c", "not retained")
        seen = self.do(ring[3], "subscribe", "c", "--count", "2", "--timeout", "20").splitlines()
        self.assertEqual([EVENT.match(line).group(2) for line in seen], [first, second])
        self.do(ring[3], "clear", "c", first)
        self.assertEqual(self.do(ring[3], "subscribe", "c", "--raw", "--count", "1"), "second\n")
        again = self.evt(ring[1], "clear", "c", first)
        self.assertEqual(again.status, 1)
        self.assertIn(f"channel c retains no event {first}", again.errors)

    def test_what_has_expired_reaches_nobody(self):
        ring = self.ring(2).start()
        self.keeper(ring[1])
        self.do(ring[2], "publish", "c", "--retention", "3", "short")
        self.do(ring[2], "publish", "c", "--retention", "1h", "long")
        self.assertEqual(self.channels(ring[2])["c"]["retained"], 2)
        self.until_channel(ring[2], "c", lambda shown: shown["retained"] == 1, "one has expired")
        self.assertEqual(self.do(ring[2], "subscribe", "c", "--raw", "--count", "1"), "long\n")

    def test_retention_that_nobody_keeps_is_said(self):
        ring = self.ring(1).start()
        answer = self.evt(ring[1], "publish", "c", "--retention", "1m", "x")
        self.assertEqual(answer.status, 0)
        self.assertIn("nobody else is in the group saEvt", answer.errors)

    def test_binary_data_up_to_64_kib_arrives_as_it_was(self):
        ring = self.ring(2).start()
        subscribers = [self.subscriber(ring[2], "c", "--json"), self.subscriber(ring[2], "c", "--raw")]
        sent = [bytes(range(256)), b"", b"\xff\n\0", os.urandom(LARGEST)]
        for data in sent:
            self.do(ring[1], "publish", "c", "-", data=data)
        lines = subscribers[0].until(lambda lines: len(lines) == len(sent) and lines, "all")
        self.assertEqual([bytes.fromhex(json.loads(line)["hex"]) for line in lines], sent)
        raw = b"".join(data + b"\n" for data in sent)
        wait_until(lambda: subscribers[1].files[0].read_bytes() == raw, "the same as they are")
        answer = self.evt(ring[1], "publish", "c", "-", data=bytes(LARGEST + 1))
        self.assertEqual(answer.status, 1)
        self.assertIn("SA_AIS_ERR_TOO_BIG (26)", answer.errors)

    def test_20000_lines_arrive_in_order_on_another_host(self):
        ring = self.ring(2).start()
        subscriber = self.subscriber(ring[2], "c", "--raw")
        lines = [f"line {number}" for number in range(20000)]
        ids = self.do(ring[1], "publish", "c", "--lines", data="\n".join(lines).encode(), seconds=60).splitlines()
        self.assertEqual(len(set(ids)), len(lines))
        seen = subscriber.until(lambda seen: seen and seen[-1] == lines[-1] and seen, "the last line", 60)
        self.assertEqual(seen, lines)
        self.assertNotIn("lost", subscriber.errors())

    def test_lines_that_come_slowly_go_out_at_once(self):
        ring = self.ring(1).start()
        subscriber = self.subscriber(ring[1], "c", "--raw")
        publisher = self.start(ring[1], "publish", "c", "--lines", stdin=subprocess.PIPE)
        for count, text in enumerate((b"one\n", b"two\n", b"\n"), 1):
            publisher.process.stdin.write(text)
            publisher.process.stdin.flush()
            subscriber.until(lambda lines: len(lines) == count, f"line {count}")
            publisher.until(lambda ids: len(ids) == count, f"id {count}")
        publisher.process.stdin.write(b"no end")
        publisher.process.stdin.close()
        self.assertEqual(publisher.ended(), 0)
        self.assertEqual(subscriber.until(lambda lines: len(lines) == 4 and lines, "all"), ["one", "two", "", "no end"])

    def test_who_reads_slowly_loses_events_is_told_and_holds_up_nobody(self):
        ring = self.ring(2).start()
        slow = self.subscriber(ring[2], "c", "--json", pipe=True)
        quick = self.subscriber(ring[2], "c", "--raw")
        lines = [f"{number:05}{'x' * 100}" for number in range(20000)]
        self.do(ring[1], "publish", "c", "--lines", data="\n".join(lines).encode(), seconds=60)
        quick.until(lambda seen: seen and seen[-1] == lines[-1], "the last line", 60)
        self.do(ring[1], "publish", "c", "--priority", "0", "the end")
        seen = []
        while not seen or seen[-1].get("text") != "the end":
            seen.append(json.loads(slow.process.stdout.readline()))
            self.assertLessEqual(len(seen), len(lines) + 10)
        self.assertIn({"lost": True}, seen)
        self.assertLess(len(seen), len(lines))
        shown = [event["text"] for event in seen if "text" in event]
        self.assertEqual([text for text in shown if text != "the end"], sorted(set(shown) - {"the end"}))
        self.assertEqual(slow.terminate(), 0)

    def test_an_unlinked_channel_is_kept_by_who_has_it_open_and_found_by_nobody(self):
        ring = self.ring(2).start()
        old = self.subscriber(ring[2], "c", "--raw")
        self.do(ring[1], "publish", "c", "--retention", "1h", "before")
        self.do(ring[1], "unlink", "c")
        self.assertNotIn("c", self.channels(ring[1]))
        again = self.evt(ring[1], "unlink", "c")
        self.assertEqual(again.status, 1)
        self.assertIn("SA_AIS_ERR_NOT_EXIST (12)", again.errors)
        new = self.subscriber(ring[1], "c", "--raw")
        self.do(ring[1], "publish", "c", "after")
        self.assertEqual(new.until(lambda lines: lines, "the new channel's"), ["after"])
        self.assertEqual(old.lines(), ["before"])

    def test_channels_show_who_has_them_open(self):
        ring = self.ring(2).start()
        one = self.subscriber(ring[1], "a channel")
        self.do(ring[2], "publish", "b", "--retention", "1h", "12345")
        shown = re.sub(r"[1-9]\d* bytes", "N bytes", self.do(ring[2], "channels"))
        self.assertEqual(shown,
                         "a channel: 1 open, 0 retained events (0 bytes)\n"
                         f"    {f'pbx1 pid {one.process.pid}':<24} {'subscriber':<22} lamplight-evt\n"
                         "b: 0 opens, 1 retained event (N bytes)\n"
                         "2 channels\n")

    def test_a_subscriber_goes_on_when_its_corosync_is_restarted(self):
        ring = self.ring(2).start()
        subscriber = self.subscriber(ring[2], "c", "--raw")
        self.keeper(ring[1])
        self.do(ring[1], "publish", "c", "before")
        subscriber.until(lambda lines: lines == ["before"], "the first")
        ring[2].corosync.kill()
        subscriber.until_said("waiting until it is back")
        ring[2].corosync.start()
        ring.wait_until_whole()
        self.until_channel(ring[1], "c", lambda shown: [open["node"] for open in shown["opens"]] == [2], "open again")
        self.do(ring[1], "publish", "c", "after")
        subscriber.until(lambda lines: lines == ["before", "after"], "the second")

    def test_priorities_overtake_where_events_wait(self):
        ring = self.ring(1).start()
        self.keeper(ring[1])
        for priority in ("3", "0", "2", "1"):
            self.do(ring[1], "publish", "c", "--retention", "1h", "--priority", priority, priority)
        self.assertEqual(self.do(ring[1], "subscribe", "c", "--raw", "--count", "4"), "0\n1\n2\n3\n")


class Errors(EvtTest):
    def test_without_corosync_every_subcommand_says_what_to_do(self):
        host = self.ring(1)[1]
        for arguments in (["watch"], ["members"], ["channels"], ["subscribe", "c"], ["publish", "c", "x"],
                          ["clear", "c", "1000"], ["unlink", "c"]):
            with self.subTest(arguments[0]):
                answer = self.evt(host, *arguments, "--wait", "0.2")
                self.assertEqual((answer.status, answer.text), (1, ""))
                self.assertIn("Corosync does not answer", answer.errors)
                self.assertIn("after 0.2 s. Is it running (systemctl status corosync)", answer.errors)

    def test_a_corosync_that_is_stopped_is_not_waited_for_without_an_end(self):
        ring = self.ring(1).start()
        ring[1].corosync.pause()
        answer = self.evt(ring[1], "members", "--wait", "0.2")
        self.assertEqual(answer.status, 1)
        self.assertIn("Corosync has not answered", answer.errors)
        ring[1].corosync.resume()

    def test_a_publisher_whose_corosync_dies_says_what_did_not_come_back(self):
        ring = self.ring(1).start()
        publisher = self.start(ring[1], "publish", "c", "--lines", "--wait", "0.3", stdin=subprocess.PIPE)
        publisher.process.stdin.write(b"first\n")
        publisher.process.stdin.flush()
        publisher.until(lambda ids: ids, "the first id")
        ring[1].corosync.kill()
        publisher.until_said("waiting until it is back")
        publisher.process.stdin.write(b"second\n")
        publisher.process.stdin.close()
        self.assertEqual(publisher.ended(), 1)
        self.assertIn("1 of 2 events did not come back", publisher.errors())

    def test_a_channel_that_is_not_there_is_an_error(self):
        ring = self.ring(1).start()
        for arguments in (["subscribe", "nothing"], ["clear", "nothing", "0x1000"], ["unlink", "nothing"]):
            with self.subTest(arguments[0]):
                answer = self.evt(ring[1], *arguments)
                self.assertEqual((answer.status, answer.text), (1, ""))
                self.assertRegex(answer.errors, r"^lamplight-evt: channel nothing: SA_AIS_ERR_NOT_EXIST \(12\): .+\n$")
                self.assertIn("it is not there", answer.errors)
                self.assertIn("--create", answer.errors)
                self.assertNotIn("CHANNEL_CREATE", answer.errors)

    def test_what_is_beyond_a_limit_is_a_wrong_call_that_says_the_limit(self):
        host = self.ring(1)[1]
        for arguments, limit in ((["publish", "c" * 257, "x"], "at most 256 bytes"),
                                 (["subscribe", ""], "not empty"), (["unlink", ""], "not empty"),
                                 (["publish", "", "x"], "not empty"), (["clear", "", "0x1000"], "not empty"),
                                 (["publish", "c", "--publisher", "n" * 257, "x"], "at most 256 bytes"),
                                 (["publish", "c", "--pattern", "p" * 256, "x"], "at most 255 bytes"),
                                 (["subscribe", "c", "--filter", "exact:" + "p" * 256], "at most 255 bytes"),
                                 (["publish", "c", "x", *["--pattern", "p"] * 11], "at most 10")):
            with self.subTest(arguments):
                answer = self.evt(host, *arguments)
                self.assertEqual((answer.status, answer.text), (2, ""), answer)
                self.assertIn(limit, answer.errors)

    def test_what_is_at_a_limit_is_published(self):
        ring = self.ring(1).start()
        self.do(ring[1], "publish", "c" * 256, "x", *["--pattern", "p" * 255] * 10)

    def test_a_time_that_is_over_before_enough_came_is_an_error(self):
        ring = self.ring(1).start()
        answer = self.evt(ring[1], "subscribe", "c", "--create", "--count", "1", "--timeout", "0.1")
        self.assertEqual(answer.status, 1)
        self.assertIn("0 of 1 events came within the time", answer.errors)
        self.assertEqual(self.do(ring[1], "subscribe", "c", "--create", "--timeout", "0.1"), "")

    def test_wrong_calls_are_refused_before_anything_is_done(self):
        host = self.ring(1)[1]
        for arguments in ([], ["nonsense"], ["publish", "c"], ["publish", "c", "x", "--lines"], ["subscribe"],
                          ["publish", "c", "--device-state", "a=INUSE"], ["publish", "c", "x", "--priority", "4"],
                          ["publish", "c", "--device-state", "a=ON", "--eid", EID], ["clear", "c", "xyz"],
                          ["subscribe", "c", "--filter", "glob:*"], ["publish", "c", "x", "--retention", "-1"],
                          ["publish", "c", "x", "--pattern", "\\q"], ["subscribe", "c", "--raw", "--json"],
                          ["members", "--wait", "0"], ["subscribe", "c", "--count", "0"]):
            with self.subTest(arguments):
                answer = self.evt(host, *arguments)
                self.assertEqual(answer.status, 2, answer)
                self.assertEqual(answer.text, "")
                self.assertNotEqual(answer.errors, "")

    def test_nothing_is_left_behind(self):
        ring = self.ring(2).start()
        watch, subscriber = self.keeper(ring[1]), self.subscriber(ring[1], "c")
        there = {(1, watch.process.pid), (1, subscriber.process.pid)}
        wait_until(lambda: self.members_of_group(ring[2]) == there, "both are in the group")
        self.do(ring[2], "publish", "c", "x")
        self.assertEqual(self.members_of_group(ring[1]), there)
        self.assertEqual(subscriber.terminate(), 0)
        self.assertEqual(self.channels(ring[2])["c"]["opens"], [])
        watch.process.send_signal(signal.SIGINT)
        self.assertEqual(watch.ended(), 0)
        self.assertEqual(self.members_of_group(ring[1]), set())
        self.assertEqual(ring[1].do("find", "/dev/shm", "-name", "*request*"), "")


if __name__ == "__main__":
    main()
