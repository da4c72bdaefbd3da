"""The helpers of the tests over XMPP themselves: servers in namespaces, clients, scripted and real Asterisks."""

import subprocess
import time

from harness import main
from xmpp_asterisk import RealAsterisk, needs_asterisk
from xmpp_net import DOMAIN, XmppTest
from xmpp_peer import MESSAGE, Client, Refused, ResXmpp
from xmpp_server import Certificates, text_of

ACCOUNTS = {"admin": "root's", "astvoip1": "one", "astvoip2": "two"}
STATE = "<state xmlns='http://asterisk.org' eid='02:00:00:78:00:09' cachable='1'>{}</state>"


class ServerTest(XmppTest):
    def setUp(self):
        super().setUp()
        self.net = self.network(pbxs=2)

    def server(self, kind, **options):
        options = {"accounts": ACCOUNTS, "admins": ["admin"], **options}
        return getattr(self, kind)(self.net.servers[0], **options).start()

    def client(self, server, name="admin", host=1, **options):
        return self.keep(Client(self.net[host], server, name, **options)).login()

    def asterisk(self, server, number, **options):
        other = f"astvoip{3 - number}@{DOMAIN}"
        peer = ResXmpp(self.net[number], server, f"astvoip{number}", eid=f"02:00:00:78:00:0{number}", buddies=[other],
                       **options)
        return self.keep(peer).login().until_connected()


def on_each_server(test):
    """The test for each server: test(self, kind)."""
    def run(self):
        test(self, self.kind)
    run.__name__ = test.__name__
    return run


class OnServers:
    """What both servers do; the classes below say which."""

    @on_each_server
    def test_it_lets_accounts_in(self, kind):
        client = self.client(self.server(kind))
        self.assertEqual(client.jid, f"admin@{DOMAIN}/test")
        client.done("get", DOMAIN, "<query xmlns='http://jabber.org/protocol/disco#info'/>")

    @on_each_server
    def test_accounts_come_and_go_and_change_as_an_administrator_does_it(self, kind):
        server = self.server(kind)
        server.add_account("late", "comer")
        self.client(server, "late")
        server.change_password("late", "another")
        with self.assertRaises(Refused):
            self.client(server, "late", password="comer")
        client = self.client(server, "late", resource="second")
        server.remove_account("late")
        client.until(lambda: not client.up, "is put out")
        self.assertFalse(server.has_account("late"))
        self.assertTrue(server.has_account("admin"))

    @on_each_server
    def test_accounts_and_nodes_are_there_after_it_was_killed(self, kind):
        server = self.server(kind)
        self.client(server).prepare_nodes()
        server.until_written("message_waiting")
        server.kill()
        server.start()
        self.assertLessEqual({"device_state", "message_waiting"}, self.client(server).nodes())

    @on_each_server
    def test_a_stop_ends_streams_and_a_start_takes_new_ones(self, kind):
        server = self.server(kind)
        client = self.client(server)
        self.assertEqual(server.stop(), 0)
        client.until(lambda: not client.up, "the stream ends")
        with self.assertRaises(OSError):
            self.net[1].connect(server.host.address)
        server.start()
        self.client(server)

    @on_each_server
    def test_tls_is_offered_with_a_certificate_of_our_own_authority(self, kind):
        server = self.server(kind, tls="offered")
        client = self.client(server)
        self.assertIsNotNone(client.link.cipher())
        self.client(server, resource="clear", tls=False)

    @on_each_server
    def test_tls_can_be_required_and_plain_be_forbidden(self, kind):
        server = self.server(kind, tls="required", plain=False)
        with self.assertRaisesRegex(Refused, r"no PLAIN in \[\]"):
            self.client(server, tls=False)
        with self.assertRaisesRegex(Refused, r"no PLAIN in \['SCRAM"):
            self.client(server)

    @on_each_server
    def test_registration_can_be_open(self, kind):
        server = self.server(kind, registration=True)
        offered = self.client(server).done("get", DOMAIN, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        self.assertIn("jabber:iq:register", text_of(offered))

    @on_each_server
    def test_who_may_create_nodes_is_told(self, kind):
        server = self.server(kind, creators="admins")
        refused = self.client(server, "astvoip1").iq(
            "set", server.service, "<pubsub xmlns='http://jabber.org/protocol/pubsub'><create node='mine'/></pubsub>")
        self.assertEqual(refused.get("type"), "error")
        self.client(server).create_node("mine")

    @on_each_server
    def test_two_scripted_asterisks_see_each_others_states_and_counts(self, kind):
        server = self.server(kind)
        self.client(server).prepare_nodes()
        for number in (1, 2):  # an ejabberd's error about what is not subscribed kills Asterisks
            for node in ("device_state", "message_waiting"):
                self.client(server, f"astvoip{number}", resource="before").subscribe(node)
        one, two = self.asterisk(server, 1), self.asterisk(server, 2)
        one.set("Custom:abc", "INUSE")
        two.until_votes("Custom:abc", {one.eid: "INUSE"})
        one.wait_for(lambda stanza: stanza.tag == MESSAGE and "Custom:abc" in text_of(stanza), "its own event")
        self.assertEqual(one.believed.get("Custom:abc"), None)
        two.set("Custom:def", "RINGING")
        one.until_votes("Custom:def", {two.eid: "RINGING"})
        two.mwi("1000", "default", 2, 5)
        one.until(lambda: one.mailboxes.get("1000@default") == {two.eid: (2, 5)}, "has the counts")
        self.assertEqual(one.deaths + one.blinds + two.deaths + two.blinds, [])


class OnProsody(OnServers, ServerTest):
    kind = "prosody"

    def test_a_wrong_password_is_refused(self):
        server = self.server("prosody")
        with self.assertRaises(Refused):
            self.client(server, password="wrong")

    def test_a_cut_link_holds_stanzas_until_it_is_healed(self):
        server = self.server("prosody")
        admin, far = self.client(server), self.client(server, "astvoip2", host=2)
        self.net.cut(self.net[2])
        admin.send(f"<message to='{far.jid}'><body>hello</body></message>")
        admin.done("get", DOMAIN, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
        self.assertFalse([one for one in far.stanzas if one.tag == MESSAGE])
        self.net.heal(self.net[2])
        far.wait_for(lambda stanza: stanza.tag == MESSAGE, "the message")

    def test_everybody_may_create_nodes(self):
        server = self.server("prosody", creators="everybody")
        self.client(server, "astvoip2").create_node("mine", access_model="open")

    def test_buddies_approve_each_other_and_are_devices(self):
        server = self.server("prosody")
        self.client(server).prepare_nodes()
        one, two = self.asterisk(server, 1), self.asterisk(server, 2)
        for peer, other in ((one, two), (two, one)):
            peer.until(lambda: other.jid in peer.present, f"sees {other.jid}")
            peer.until_votes(f"XMPP/asterisk/{other.bare}", {peer.eid: "NOT_INUSE"})

    def test_a_scripted_asterisk_comes_back_and_says_its_states_again(self):
        server = self.server("prosody")
        self.client(server).prepare_nodes()
        server.until_written("message_waiting")
        one = self.asterisk(server, 1)
        server.kill()
        one.until(lambda: not one.up, "is thrown out")
        one.set("Custom:abc", "BUSY")
        server.start()
        listener = self.client(server)
        listener.subscribe("device_state")
        one.until_connected(2)
        listener.until(lambda: "Custom:abc" in dict(listener.events("device_state")), "hears it")

    def test_what_kills_or_blinds_an_asterisk_is_recorded(self):
        server = self.server("prosody")
        admin = self.client(server)
        admin.prepare_nodes()
        for node in ("device_state", "message_waiting"):
            self.client(server, "astvoip1", resource="before").subscribe(node)
        one = self.asterisk(server, 1)
        admin.publish("device_state", "Custom:empty", "<state xmlns='http://asterisk.org' eid='02:00:00:78:00:09'/>")
        admin.publish("device_state", "Custom:lone", "<state xmlns='http://asterisk.org'>INUSE</state>")
        admin.publish("device_state", "Custom:good", STATE.format("INUSE"))
        admin.retract("device_state", "Custom:good")
        one.until(lambda: one.blinds, "hears the retract")
        self.assertEqual([fault for fault, _ in one.deaths], ["an empty state", "no eid"])
        self.assertEqual([fault for fault, _ in one.blinds], ["no item"])
        self.assertEqual(one.votes("Custom:good"), {"02:00:00:78:00:09": "INUSE"})
        admin.send(f"<message to='{one.jid}'><event xmlns='http://jabber.org/protocol/pubsub#event'><items "
                   f"node='device_state'><item id='Custom:lie'>{STATE.format('BUSY')}</item></items></event></message>")
        one.until(lambda: any("Custom:lie" in text for text in one.ignored), "leaves alone what is not the service's")
        self.assertEqual(one.votes("Custom:lie"), {})

    def test_nodes_come_with_the_first_publish_where_that_is_on(self):
        server = self.server("prosody", autocreate=True, creators="everybody")
        one, two = self.asterisk(server, 1), self.asterisk(server, 2)
        one.set("Custom:abc", "INUSE")
        two.until_votes("Custom:abc", {one.eid: "INUSE"})

    def test_without_nodes_an_asterisk_hears_nothing_of_it(self):
        one = self.asterisk(self.server("prosody"), 1)
        one.until(lambda: len(one.ignored) >= 4, "four refusals")
        self.assertEqual(one.deaths, [])

    def test_what_is_not_to_be_kept_passes_only_by_a_node_that_keeps_nothing(self):
        server = self.server("prosody")
        self.client(server).prepare_nodes("device_state")
        one, two = self.asterisk(server, 1), self.asterisk(server, 2)
        two.set("Local/s@lc", "INUSE", cachable=False)
        two.until(lambda: any("precondition-not-met" in text for text in two.ignored), "is refused")
        self.client(server).configure_node("device_state", persist_items=0)
        two.set("Local/s@lc", "INUSE", cachable=False)
        one.until(lambda: ("Local/s@lc", two.eid, "INUSE") in one.passing, "hears it")
        two.set("Custom:abc", "INUSE")
        one.until_votes("Custom:abc", {two.eid: "INUSE"})

    def test_events_can_name_the_publisher(self):
        server = self.server("prosody", publishers=True)
        admin = self.client(server)
        admin.prepare_nodes("device_state")
        admin.subscribe("device_state")
        admin.publish("device_state", "Custom:abc", STATE.format("BUSY"))
        event = admin.wait_for(lambda stanza: stanza.tag == MESSAGE, "the event")
        self.assertIn(f"publisher=\"{admin.bare}\"", text_of(event))

    def test_debians_limit_slows_a_flood_down(self):
        server = self.server("prosody", limits="debian")
        client = self.client(server)
        begin = time.monotonic()
        client.send(f"<message to='{client.jid}'><body>{'x' * 30000}</body></message>")
        client.wait_for(lambda stanza: stanza.tag == MESSAGE, "the message")
        self.assertGreater(time.monotonic() - begin, 1)

    def test_names_are_known_inside_and_the_certificate_may_have_ended(self):
        authority = Certificates(self.place / "authority")
        server = self.server("prosody", tls="required", days=-3, authority=authority)
        self.assertIn(server.host.address, self.net[1].do("getent", "hosts", server.service))
        openssl = self.net[1].wrapper + ["openssl", "s_client", "-connect", f"{DOMAIN}:5222", "-starttls", "xmpp",
                                         "-xmpphost", DOMAIN, "-CAfile", authority.ca, "-brief"]
        self.assertIn("certificate has expired", self.said_by(openssl))
        server.certify(days=3)
        server.restart()
        self.assertIn("Verification: OK", self.said_by(openssl))

    def said_by(self, command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        return done.stdout + done.stderr


class OnEjabberd(OnServers, ServerTest):
    """Less than with Prosody: it takes longer to start."""

    kind = "ejabberd"

    def test_its_error_about_what_is_not_subscribed_kills_an_asterisk(self):
        server = self.server("ejabberd")
        self.client(server).prepare_nodes()
        one = self.asterisk(server, 1)
        one.until(lambda: one.deaths, "the error")
        self.assertEqual(one.deaths[0][0], "an error without a code")


class Old(ServerTest):
    def test_an_asterisk_of_the_book_loses_what_changes_while_it_is_away(self):
        server = self.server("prosody")
        self.client(server).prepare_nodes()
        one = self.asterisk(server, 1, generation="1.8", resource="astvoip1", pauses=(0.1,))
        server.kill()
        one.until(lambda: not one.up, "is thrown out")
        one.set("Custom:lost", "BUSY")
        server.start()
        two = self.asterisk(server, 2)
        one.until_connected(2)
        one.set("Custom:later", "INUSE")
        two.until_votes("Custom:later", {one.eid: "INUSE"})
        self.assertEqual(two.votes("Custom:lost"), {})


@needs_asterisk
class Real(ServerTest):
    """Debian's Asterisk."""

    def setUp(self):
        super().setUp()
        self.prosody_server = self.server("prosody")
        self.client(self.prosody_server).prepare_nodes()

    def real(self, number, **options):
        options = {"hints": {"foo": "Custom:abc", "phone": "PJSIP/phone", "mail": "MWI:1000@default"}, **options}
        asterisk = RealAsterisk(self.net[number], self.prosody_server, f"astvoip{number}",
                                eid=f"02:00:00:78:00:0{number}", buddies=[f"astvoip{3 - number}@{DOMAIN}"], **options)
        self.keep(asterisk)
        return asterisk.start().until_connected()

    def test_it_and_a_scripted_one_see_each_others_states_and_counts(self):
        real, scripted = self.real(1), self.asterisk(self.prosody_server, 2)
        scripted.set("Custom:abc", "INUSE")
        real.until_hint("foo", "InUse")
        real.set("Custom:abc", "RINGING")
        scripted.until_votes("Custom:abc", {real.eid: "RINGING", scripted.eid: "INUSE"})
        real.until_hint("foo", "InUse&Ringing")
        real.mwi("1000", 2, 5)
        scripted.until(lambda: scripted.mailboxes.get("1000@default") == {real.eid: (2, 5)}, "has the counts")
        self.assertEqual(scripted.deaths + scripted.blinds, [])

    def test_counts_reach_it(self):
        real, scripted = self.real(1, mailboxes=()), self.asterisk(self.prosody_server, 2)
        scripted.mwi("1000", "default", 1, 0)
        real.until_hint("mail", "InUse")

    def test_two_of_them_see_each_others_states(self):
        one, two = self.real(1), self.real(2)
        one.set("Custom:abc", "BUSY")
        two.until_hint("foo", "Busy")
        self.assertEqual(one.stop(), 0)
        self.assertTrue(two.running())

    def test_a_call_is_a_state_until_it_ends(self):
        real, scripted = self.real(1), self.asterisk(self.prosody_server, 2)
        call = real.call(self.net[2])
        scripted.until_votes("PJSIP/phone", {real.eid: "INUSE"})
        real.until_hint("phone", "InUse")
        call.hangup()
        scripted.until_votes("PJSIP/phone", {real.eid: "UNAVAILABLE"})

    def test_what_is_recorded_as_a_death_is_the_death_of_a_real_one(self):
        admin = self.client(self.prosody_server, resource="publisher")
        for number, payload in ((1, "<state xmlns='http://asterisk.org' eid='02:00:00:78:00:09'/>"),
                                (2, "<state xmlns='http://asterisk.org'>INUSE</state>")):
            real = self.real(number)
            admin.publish("device_state", "Custom:abc", payload)
            self.assertLess(real.process.wait(20), 0)
            admin.publish("device_state", "Custom:abc", STATE.format("INUSE"))

    def test_what_the_scripted_one_says_is_what_the_real_one_says(self):
        listener = self.client(self.prosody_server)
        listener.subscribe("device_state")
        real, scripted = self.real(1), self.asterisk(self.prosody_server, 2)
        real.set("Custom:abc", "RINGING")
        scripted.set("Custom:def", "RINGING")
        both = {"Custom:abc", "Custom:def"}
        listener.until(lambda: both <= dict(listener.events("device_state")).keys(), "hears both")
        said = {item: payload for item, payload in listener.events("device_state")}
        self.assertEqual(text_of(said["Custom:abc"]).replace(real.eid, scripted.eid), text_of(said["Custom:def"]))


del OnServers

if __name__ == "__main__":
    main()
