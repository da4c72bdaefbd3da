"""Stanzas of a megabyte, and others that are too much, against whole daemons: each costs itself, counted by its reason;
the stream goes on, and nothing else is lost.

A scripted server (xmpp_tigase.py, whose original has no limit that was met) lets everything through. Prosody and ejabberd
take no stanza of more than 256 KiB from a client and end that client's stream, but what they write again may be larger
than what they read."""

import re

from harness import main, wait_until
from xmpp_asterisk_test import EID, STATE, AsteriskTest
from xmpp_net import DOMAIN
from xmpp_peer import PUBSUB
from xmpp_tigase import Tigase

MEGABYTE = 1_000_000
NAMES = {"large": "refused: stanza too large", "deep": "refused: too many nested elements",
         "full": "refused: too many elements", "attributes": "refused: too many attributes"}


class SizeTest(AsteriskTest):
    """A Lamplight, its buddy `asterisk`, and a stranger, who are bare clients."""

    def met(self, **options):
        self.net_of(2, **options)
        self.pbx1 = self.lamplight()
        self.until_nodes()
        self.buddy = self.client("asterisk", host=2)
        self.good = 0
        self.until_good()
        return self.pbx1

    def until_good(self):
        """The next good state is taken, at its first saying."""
        self.good += 1
        device = f"Custom:good{self.good}"
        state = STATE.format(eid=EID, state="BUSY")
        wait_until(lambda: self.publish(device, state).get("type") == "result", "it may publish")
        self.until_votes(self.pbx1, {EID: "BUSY"}, device)

    def client(self, name="admin", host=1, **options):
        """Answered once: its link is a blocking one from then on, and takes any stanza."""
        client = super().client(name, host, **options)
        client.iq("get", client.domain, "<ping xmlns='urn:xmpp:ping'/>")
        return client

    def publish(self, item, payload):
        return self.buddy.iq("set", self.buddy.service, f"<pubsub xmlns='{PUBSUB}'><publish node='device_state'>"
                             f"<item id='{item}'>{payload}</item></publish></pubsub>")

    def client_counters(self):
        return self.pbx1.data("xmpp show counters")["clients"]["asterisk"]

    def jid(self):
        [client] = self.pbx1.data("xmpp show connections")["clients"]
        return client["jid"]

    def expect_passed_over(self, kind, deed):
        """Once, by that reason alone; then the next state is taken, on the same stream."""
        before = self.client_counters()
        deed()
        wait_until(lambda: self.client_counters()[NAMES[kind]] == before[NAMES[kind]] + 1, f"{NAMES[kind]} counts it")
        self.until_good()
        after = self.client_counters()
        self.assertEqual({name: after[name] - before[name] for name in before if name.startswith("refused: ")},
                         {name: int(name == NAMES[kind]) for name in before if name.startswith("refused: ")})
        self.assertEqual(after["connects"], before["connects"])
        self.assertIn(NAMES[kind], self.pbx1.do("xmpp show counters"))

    def nothing_was_lost(self):
        for number in range(1, self.good + 1):
            self.assertEqual(self.pbx1.votes(f"Custom:good{number}"), {EID: "BUSY"})
        self.assertIn(self.buddy.iq("get", self.jid(), "<ping xmlns='urn:xmpp:ping'/>").get("type"), ("result", "error"))
        self.assertEqual(self.client_counters()["connects"], 1)


class FromAServerThatLetsItThrough(SizeTest):
    """With states as Tigase 5.1.5 delivers them."""

    def server_on(self, host, **_):
        accounts = {name: "mypassword" for name in ("server1", "asterisk", "stranger", "admin")}
        self.servers.append(Tigase(host, "5.1.5", accounts))
        return self.servers[-1]

    def test_from_a_buddy_and_from_a_stranger(self):
        self.met()
        stranger = self.client("stranger")
        to = self.jid()
        for who in (self.buddy, stranger):
            for kind, stanza in [
                    ("large", f"<message to='{to}'><body>{'x' * MEGABYTE}</body></message>"),
                    ("large", f"<message to='{to}' id='{'y' * MEGABYTE}'/>"),
                    ("large", f"<message to='{to}'><a b='{'z' * MEGABYTE}'/><body>hello</body></message>"),
                    ("large", f"<presence to='{to}'><status>{'s' * MEGABYTE}</status></presence>"),
                    ("large", f"<iq to='{to}' type='get' id='i'><q xmlns='a:b'>{'q' * MEGABYTE}</q></iq>"),
                    ("deep", f"<message to='{to}'>{'<a>' * 300}{'</a>' * 300}</message>"),
                    ("full", f"<message to='{to}'>{'<a/>' * 17_000}</message>"),
                    ("attributes", f"<message to='{to}'><a {' '.join(f'b{i}=' + chr(39) * 2 for i in range(65))}/>"
                                   "</message>")]:
                with self.subTest(who=who.name, stanza=stanza[:80]):
                    self.expect_passed_over(kind, lambda: who.send(stanza))
        self.nothing_was_lost()
        self.assertRegex(self.pbx1.log(), r"WARNING.*client 'asterisk': a stanza from \S+ was passed over: stanza too large")
        self.assertEqual(len(re.findall("passed over: stanza too large", self.pbx1.log())), 1)  # said once

    def test_from_the_pubsub_service(self):
        self.met()
        state = STATE.format(eid=EID, state="INUSE")
        for kind, item, payload in [
                ("large", "Custom:abc", STATE.format(eid=EID, state="x" * MEGABYTE)),
                ("large", "Custom:abc", state.replace("cachable='1'", f"cachable='{'1' * MEGABYTE}'")),
                ("large", "Custom:" + "d" * MEGABYTE, state),
                ("large", "Custom:abc", state + f"<more xmlns='a:b'>{'x' * MEGABYTE}</more>"),
                ("deep", "Custom:abc", "<a>" * 300 + "</a>" * 300)]:
            with self.subTest(payload=payload[:120], item=item[:20]):
                self.expect_passed_over(kind, lambda: self.publish(item, payload))
        self.assertEqual(self.pbx1.votes(), {})
        self.nothing_was_lost()

    def test_a_roster_that_is_too_large_is_done_without(self):
        self.net_of(2)
        for number in range(6_000):
            self.server.rosters[f"server1@{DOMAIN}"][f"someone{number}@{DOMAIN}"] = ["both", False]
        self.pbx1 = self.lamplight()
        self.until_nodes()
        wait_until(lambda: self.pbx1.data("xmpp show connections")["clients"][0]["connected"], "it is connected", 40)
        self.assertEqual(self.client_counters()[NAMES["large"]], 1)
        self.assertIn("was passed over: stanza too large", self.pbx1.log())
        self.buddy, self.good = self.client("asterisk", host=2), 0
        self.until_good()
        self.nothing_was_lost()

    def test_before_the_login_it_ends_the_stream_with_the_reason_and_a_better_one_is_taken(self):
        self.net_of(1)
        self.server.at("features", f"<a b='{'x' * MEGABYTE}'/>")
        self.pbx1 = self.lamplight()
        wait_until(lambda: "the server's stream is refused: stanza too large; next try in" in self.pbx1.log(), "it is said")
        self.assertRegex(self.pbx1.do("bus show"), r"xmpp:asterisk +down .*the server's stream is refused: stanza too large")
        self.assertGreaterEqual(self.client_counters()[NAMES["large"]], 1)
        self.server.deeds.clear()
        wait_until(lambda: self.client_counters()["connects"] == 1, "it is connected", 70)

    def test_one_without_an_end_is_given_up_as_a_server_that_is_silent(self):
        self.met()
        session = self.server.session(f"server1@{DOMAIN}")
        session.send("<message><body>" + "x" * MEGABYTE)
        wait_until(lambda: self.client_counters()["connects"] == 2, "it is connected again", 40)
        self.assertRegex(self.pbx1.log(), "nothing came from the server for 10 s")
        self.until_good()


class OnRealServers:
    """For a SizeTest. What a client may send at most is at `MOST`."""

    MOST = 262_144

    def test_a_megabyte_is_stopped_by_the_server_and_ends_the_stream_of_who_sent_it(self):
        self.met()
        to = self.jid()
        for stanza in (f"<message to='{to}'><body>{'x' * MEGABYTE}</body></message>",
                       f"<message to='{to}' id='{'y' * MEGABYTE}'/>",
                       f"<iq to='{self.buddy.service}' type='set' id='p'><pubsub xmlns='{PUBSUB}'>"
                       f"<publish node='device_state'><item id='Custom:abc'>"
                       f"{STATE.format(eid=EID, state='x' * MEGABYTE)}</item></publish></pubsub></iq>"):
            with self.subTest(stanza=stanza[:80]):
                sender = self.client("stranger" if stanza.startswith("<message") else "server2", resource="large")
                try:
                    sender.send(stanza)
                except OSError:
                    pass  # it was ended meanwhile
                wait_until(lambda: not sender.up, "the sender's stream is ended")
                self.until_good()
        self.assertEqual(self.client_counters()[NAMES["large"]], 0)
        self.nothing_was_lost()

    def test_what_becomes_larger_on_its_way_and_what_is_deep_or_full_is_passed_over(self):
        self.met()
        stranger = self.client("stranger")
        to = self.jid()
        room = self.MOST - 1_000
        for kind, stanza in [
                ("large", f"<message to='{to}'><body>{chr(39) * room}</body></message>"),
                ("deep", f"<message to='{to}' type='normal'>{'<a>' * 100}{'</a>' * 100}<body>x</body></message>"),
                ("full", f"<message to='{to}' type='normal'>{'<a/>' * 17_000}<body>x</body></message>")]:
            with self.subTest(stanza=stanza[:80]):
                self.expect_passed_over(kind, lambda: stranger.send(stanza))
        self.assertTrue(stranger.up)
        self.nothing_was_lost()

    def test_the_largest_that_stays_so_is_read(self):
        self.met()
        unhandled = self.client_counters()["unhandled"]
        self.client("stranger").send(f"<message to='{self.jid()}'><body>{'x' * (self.MOST - 2_000)}</body></message>")
        wait_until(lambda: self.client_counters()["unhandled"] > unhandled, "it came")
        self.assertEqual(self.client_counters()[NAMES["large"]], 0)
        self.nothing_was_lost()

    def test_the_largest_item_costs_itself(self):
        self.met()
        refused = self.counters(self.pbx1)["refused: unknown state"]
        self.publish("Custom:abc", STATE.format(eid=EID, state="x" * self.MOST_ITEM))
        wait_until(lambda: self.counters(self.pbx1)["refused: unknown state"] == refused + 1, "it is counted")
        self.until_good()
        self.assertEqual(self.pbx1.votes(), {})
        self.nothing_was_lost()


class OnProsody(OnRealServers, SizeTest):
    """Limits: 256 KiB a stanza (c2s_stanza_size_limit)."""

    MOST_ITEM = 250_000


class OnEjabberd(OnRealServers, SizeTest):
    """Limits: max_stanza_size of the listener (262,144 in Debian's file), and 250,000 bytes a payload (mod_pubsub)."""

    MOST_ITEM = 240_000

    def server_on(self, host, **options):
        accounts = {name: "mypassword" for name in ("server1", "server2", "asterisk", "admin", "stranger")}
        return self.ejabberd(host, **{"accounts": accounts, **options})


if __name__ == "__main__":
    main()
