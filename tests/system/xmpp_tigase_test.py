"""Whole daemons against Tigase 5.1.5 and 8.1.2, as their recordings have them (xmpp_tigase.py): the book's section word by
word, Asterisks, collections, registration, and each of their traps."""

import re
import sqlite3

import xmpp_asterisk_test
import xmpp_test
from harness import main, wait_until
from xmpp_asterisk_test import EID, STATE, TOGETHER
from xmpp_net import DOMAIN
from xmpp_peer import DISCO_INFO, ERROR, EVENT, MESSAGE, PUBSUB, STATES, Client, child
from xmpp_server import SASL, text_of
from xmpp_tigase import LOCKED_AFTER, Tigase

ACCOUNTS = {**xmpp_test.ACCOUNTS, **xmpp_asterisk_test.ACCOUNTS}
VERSION = "jabber:iq:version"


class TigaseTest(xmpp_test.JabberTest):
    version = ""

    def server_on(self, host, accounts=None, **_):
        self.servers.append(Tigase(host, self.version, accounts or dict(ACCOUNTS)))
        return self.servers[-1]

    def end_everything(self):
        super().end_everything()
        for server in self.servers:  # what is not recorded is not tested
            self.assertEqual([text for text in server.unrecorded if VERSION not in text], [])

    def node_on(self, host, name=None):
        """It is given the book's files, but for TLS where it is required."""
        node = super().node_on(host, name)
        write = node.write
        node.write = lambda name, text: write(name, self.with_tls(text) if name == "jabber.conf" else text)
        return node

    def with_tls(self, settings):
        return settings if self.version == "5.1.5" else settings.replace("usetls = no", f"tls_ca = {self.server.ca}")

    def write_conf(self, node, settings):
        """And read again."""
        node.write("jabber.conf", settings)
        node.do("jabber reload")

    def connection_of(self, node):
        """How `xmpp show connections` has its client."""
        [client] = node.data("xmpp show connections")["clients"]
        return client

    def until_said(self, node, pattern, seconds=20):
        return wait_until(lambda: re.search(pattern, node.log()), f"{node.name} says {pattern!r}", seconds)

    def client_counters(self, node):
        return node.data("xmpp show counters")["clients"]["asterisk"]

    def went_on(self, *nodes):
        """On their first streams."""
        for node in nodes:
            self.assertEqual((self.connection_of(node)["connected"], self.connection_of(node)["connects"]), (True, 1))

    def mechanisms_tried(self):
        return [element.get("mechanism") for connection in self.server.connections for element in connection.said
                if element.tag == f"{{{SASL}}}auth"]


class Book(xmpp_test.Book):
    """The section, for a TigaseTest."""

    def test_nodes_are_made_listed_and_deleted_by_hand(self):
        # What is in a collection is not listed beside it.
        self.net_of(1)
        pbx1 = self.lamplight_on(1).start()
        wait_until(lambda: "Node name: message_waiting" in pbx1.ask("jabber list nodes asterisk").text, "it is there")
        made = "Creating test PubSub node collection.\n"
        self.assertEqual(pbx1.do("jabber create collection asterisk hall"), made)
        self.assertEqual(pbx1.do("xmpp create leaf asterisk hall leaf-1"), made)
        self.assertEqual(pbx1.do("jabber create leaf asterisk hall leaf-2"), made)
        listed = pbx1.do("jabber list nodes asterisk")
        self.assertIn("Node name: hall\n", listed)
        self.assertNotIn("leaf-", listed)
        self.assertEqual(set(pbx1.data("xmpp list nodes asterisk hall")["nodes"]), {"leaf-1", "leaf-2"})
        self.assertEqual(pbx1.do("jabber delete node asterisk leaf-1"), "")
        self.assertEqual(set(pbx1.data("xmpp list nodes asterisk hall")["nodes"]), {"leaf-2"})
        answer = pbx1.ask("jabber delete node asterisk leaf-1")
        self.assertEqual(answer.status, 1)
        self.assertIn("item-not-found", answer.text)
        self.assertEqual(pbx1.ask("jabber create collection asterisk hall").status, 1)
        self.went_on(pbx1)

    def test_the_doctor_knows_the_server_its_limits_and_that_events_name_nobody(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        said = pbx2.ask("xmpp doctor").text
        self.assertIn(f"server Tigase {self.version}", said)
        self.assertRegex(said, r"pass +may create +nodes were made")
        self.assertRegex(said, r"pass +limits +.*10 kept items a node")
        self.assertRegex(said, r"warn +publishers +events do not name who published them")
        self.assertEqual("stanzas a minute" in said, self.version == "8.1.2")

    def test_a_handshake_that_fails_now_and_then_is_tried_again(self):
        self.net_of(1)
        self.server.at("handshake", "CLOSE")
        pbx1 = self.lamplight_on(1, self.jabber_conf(1).replace("usetls = no", f"tls_ca = {self.server.ca}")).start()
        self.until_said(pbx1, r"is not connected: .*; next try in")
        self.server.deeds.clear()
        wait_until(lambda: self.connection_of(pbx1)["connected"], "it is connected", 10)
        self.assertRegex(pbx1.log(), r"is logged in as server1@\S+ at \S+ \((PLAIN|SCRAM-SHA-256), TLSv1\.3\)")

    def test_notices_of_affiliations_and_odd_iqs_are_passed_over_and_the_stream_goes_on(self):
        pbx1, pbx2 = self.pair()
        session = self.server.session(self.connection_of(pbx1)["jid"])
        notice = self.server.recording.first("05", MESSAGE, "affilation")  # no event, and misspelt
        notice.set("to", f"server1@{DOMAIN}")
        for words in (text_of(notice), text_of(notice),
                      "<iq type='get' to='server1@{domain}/none' from='server2@{domain}/x' id='odd'>"  # not to this one
                      "<ping xmlns='urn:xmpp:ping'/></iq>",
                      "<iq type='get' to='{jid}' from='pubsub.{domain}' id='server1@{domain}'>"
                      f"<query xmlns='{DISCO_INFO}' node='http://www.asterisk.org/xmpp/client/caps#voice-v1'/></iq>"):
            session.send(words)
        session.until(lambda stanza: stanza.get("id") == "odd", "an answer to the first")
        session.until(lambda stanza: stanza.get("id") == f"server1@{DOMAIN}" and stanza.get("type") == "result",
                      "an answer to the second")
        self.assertGreaterEqual(self.client_counters(pbx1)["unhandled"], 2)
        pbx1.set("INUSE")
        self.until_votes(pbx2, {"pbx1": "INUSE"})
        self.went_on(pbx1, pbx2)

    def test_changes_while_one_is_cut_off_are_there_when_it_is_back_and_late_ones_change_nothing(self):
        # 8.1.2 says all that was missed at the next presence; 5.1.5 says nothing of it.
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        self.until_votes(pbx2, {"pbx1": "INUSE"})
        self.server.at("accept", "CLOSE")
        self.server.session(f"server2@{DOMAIN}").close()
        wait_until(lambda: not self.connection_of(pbx2)["connected"], "pbx2 is cut off")
        for state in ("RINGING", "BUSY", "ONHOLD"):
            pbx1.set(state)
        pbx2.set("NOT_INUSE")
        self.server.deeds.clear()
        for node in (pbx1, pbx2):
            self.until_votes(node, {"pbx1": "ONHOLD", "pbx2": "NOT_INUSE"}, seconds=70)
        pbx1.set("NOT_INUSE")
        self.until_votes(pbx2, {"pbx1": "NOT_INUSE", "pbx2": "NOT_INUSE"})
        self.went_on(pbx1)

    def test_a_node_that_belongs_to_a_stranger_is_said_to_be_closed_and_changes_go_to_each(self):
        # 405 not-allowed, on 5.1.5 with closed-node beside the error.
        self.net_of(2)
        stranger = self.keep(Client(self.net[1], self.server, "stranger", "mypassword")).login()
        for node in ("device_state", "lamplight:02d96e11102a"):
            stranger.create_node(node, access_model="whitelist")
        pbx1, pbx2 = (self.lamplight_on(number).start() for number in (1, 2))
        pbx1.until_meets(pbx2)
        pbx2.until_meets(pbx1)
        pbx1.set("INUSE")
        self.until_votes(pbx2, {"pbx1": "INUSE"})
        pbx2.set("BUSY")
        self.until_votes(pbx1, {"pbx1": "INUSE", "pbx2": "BUSY"})
        doctor = wait_until(lambda: (answer := pbx1.ask("xmpp doctor")).status == 1 and answer, "doctor knows").text
        self.assertRegex(doctor, r"fail +may publish +device_state: .*not-allowed")
        if self.version == "5.1.5":
            self.assertRegex(doctor, r"device_state: .*closed-node")
        self.went_on(pbx1, pbx2)


class On5(Book, TigaseTest):
    version = "5.1.5"


class On8(Book, TigaseTest):
    version = "8.1.2"


class Asterisks(xmpp_asterisk_test.Interop):
    """A Lamplight and an Asterisk, for an AsteriskTest that is a TigaseTest."""

    def until_it_may_publish(self, node):
        wait_until(lambda: re.search(r"pass +may publish +device_state", node.ask("xmpp doctor").text), "it may publish")

    def test_an_asterisk_that_comes_first_makes_nodes_that_serve_both(self):
        # By 404 and the echoed request, with its form of two FORM_TYPE fields.
        self.net_of(2)
        asterisk = self.asterisk(own={"Custom:abc": "RINGING"})
        wait_until(lambda: self.server.nodes.keys() >= {"device_state", "message_waiting"}, "it makes both")
        self.assertEqual(self.server.nodes["device_state"].affiliations,
                         {f"asterisk@{DOMAIN}": "owner", f"server1@{DOMAIN}": "owner"})
        pbx1 = self.lamplight()
        self.until_it_may_publish(pbx1)
        asterisk.subscribe_both()  # it never does so by itself after a refusal
        self.until_together(pbx1, asterisk)
        asterisk.set("Custom:abc", "BUSY")
        self.until_votes(pbx1, {EID: "BUSY"})
        self.assertNotIn(("get", "items"), self.server.requests)
        self.unhurt(asterisk)
        self.went_on(pbx1)

    def test_a_device_with_a_slash_in_its_name_passes_both_ways_and_no_list_is_asked_for(self):
        # On 5.1.5 nobody can list a node any more in which such an item was kept.
        self.net_of(2)
        asterisk = self.asterisk(own={"SIP/6245": "INUSE"})
        wait_until(lambda: self.server.nodes.keys() >= {"device_state", "message_waiting"}, "it makes both")
        wait_until(lambda: self.server.nodes["device_state"].items, "its state is there")
        listed = asterisk.iq("get", asterisk.service, f"<pubsub xmlns='{PUBSUB}'><items node='device_state'/></pubsub>")
        refused = child(listed, ERROR)
        self.assertEqual(None if refused is None else refused.get("code"), "500" if self.version == "5.1.5" else None)
        asked = self.server.requests.count(("get", "items"))
        pbx1 = self.lamplight()
        self.until_it_may_publish(pbx1)
        asterisk.subscribe_both()
        self.until_together(pbx1, asterisk)
        for state in STATES[1:]:
            asterisk.set("SIP/6245", state)
            self.until_votes(pbx1, {EID: state}, "SIP/6245")
        pbx1.set("RINGING", "Custom:with/slash")
        asterisk.until_votes("Custom:with/slash", {self.eid_of(pbx1): "RINGING"})
        self.assertEqual(self.server.requests.count(("get", "items")), asked)
        self.unhurt(asterisk)
        self.went_on(pbx1)

    def test_what_an_asterisk_said_while_the_stream_was_down(self):
        # 8.1.2 says it later, and it is taken; of 5.1.5 nobody hears it, until it changes again.
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "INUSE")
        self.until_votes(pbx1, {EID: "INUSE"})
        self.server.at("accept", "CLOSE")
        self.server.session(f"server1@{DOMAIN}").close()
        wait_until(lambda: not self.connection_of(pbx1)["connected"], "pbx1 is cut off")
        asterisk.set("Custom:abc", "RINGING")
        asterisk.set("Custom:abc", "BUSY")
        asterisk.set("Custom:end", "INUSE")
        self.server.deeds.clear()
        wait_until(lambda: self.connection_of(pbx1)["connected"], "pbx1 is back", 70)
        if self.version == "8.1.2":
            self.until_votes(pbx1, {EID: "INUSE"}, "Custom:end")
        asterisk.set("Custom:again", "INUSE")
        self.until_votes(pbx1, {EID: "INUSE"}, "Custom:again")
        self.assertEqual(pbx1.votes(), {EID: "BUSY" if self.version == "8.1.2" else "INUSE"})
        asterisk.set("Custom:abc", "ONHOLD")
        self.until_votes(pbx1, {EID: "ONHOLD"})

    def test_a_state_that_is_not_to_be_kept_passes_where_nothing_is_kept(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Local/100@default", "INUSE", cachable=False)
        self.until_votes(pbx1, {EID: "INUSE"}, "Local/100@default")
        self.unhurt(asterisk)
        self.went_on(pbx1)

    def test_a_state_that_is_not_to_be_kept_is_refused_by_the_newer_one_in_a_node_that_keeps_items(self):
        # 5.1.5 passes the precondition over. What comes after it passes on both.
        self.net_of(2)
        self.client().prepare_nodes()
        pbx1 = self.lamplight()
        asterisk = self.asterisk()
        self.until_together(pbx1, asterisk)
        asterisk.set("Local/100@default", "INUSE", cachable=False)
        asterisk.set("Custom:next", "INUSE")
        self.until_votes(pbx1, {EID: "INUSE"}, "Custom:next")
        new = self.version == "8.1.2"
        self.assertEqual([code for code, _ in asterisk.errors], [409] if new else [])
        self.assertEqual(pbx1.votes("Local/100@default"), {} if new else {EID: "INUSE"})
        self.assertRegex(pbx1.ask("xmpp doctor").text, r"warn +items +.*device_state")
        self.unhurt(asterisk)
        self.went_on(pbx1)

    def test_items_that_are_no_states_are_counted_and_good_ones_after_them_taken(self):
        pbx1, asterisk = self.mixed()
        for number, (counter, item, payload) in enumerate([
                ("no EID", "Custom:x", "<state xmlns='http://asterisk.org'>INUSE</state>"),
                ("unknown state", "Custom:x", STATE.format(eid=EID, state="DANCING")),
                ("bad name", "Custom:" + "x" * 300, STATE.format(eid=EID, state="INUSE")),
                ("unknown payload", "Custom:x", f"<hello xmlns='http://asterisk.org' eid='{EID}'/>")]):
            with self.subTest(counter):
                asterisk.request(f"<pubsub xmlns='{PUBSUB}'><publish node='device_state'><item id='{item}'>{payload}</item>"
                                 "</publish></pubsub>")
                wait_until(lambda: self.counters(pbx1)["refused: " + counter] == 1, f"{counter} counts it")
                asterisk.set(f"Custom:good{number}", "INUSE")
                self.until_votes(pbx1, {EID: "INUSE"}, f"Custom:good{number}")
        self.went_on(pbx1)


class AsterisksOn5(Asterisks, TigaseTest, xmpp_asterisk_test.AsteriskTest):
    version = "5.1.5"


class AsterisksOn8(Asterisks, TigaseTest, xmpp_asterisk_test.AsteriskTest):
    version = "8.1.2"


class OldAsterisksOn5(xmpp_asterisk_test.Interop, TigaseTest, xmpp_asterisk_test.AsteriskTest):
    version, generation = "5.1.5", "1.8"


class OldAsterisksOn8(xmpp_asterisk_test.Interop, TigaseTest, xmpp_asterisk_test.AsteriskTest):
    version, generation = "8.1.2", "1.8"


class InCollections:
    """A leaf for each device, in collections, which deliver what is published below them."""

    def jabber_conf(self, number, **options):
        return super().jabber_conf(number, **options).replace(
            "[general]\n", "[general]\ncollection_nodes = yes\npubsub_autocreate = yes\n")

    def test_each_device_is_a_leaf_and_states_and_counts_go_both_ways(self):
        self.net_of(2)
        pbx1 = self.lamplight()
        wait_until(lambda: self.server.nodes.keys() >= {"device_state", "message_waiting"}, "the collections are there")
        asterisk = self.asterisk(collection_nodes=True, pubsub_autocreate=True)
        me = self.eid_of(pbx1)
        asterisk.set("Custom:abc", "RINGING")
        self.until_votes(pbx1, {EID: "RINGING"})
        pbx1.set("INUSE")
        pbx1.set("BUSY", "Custom:ours")
        asterisk.until_votes("Custom:abc", {EID: "RINGING", me: "INUSE"})
        asterisk.until_votes("Custom:ours", {me: "BUSY"})
        for state in STATES[1:]:
            asterisk.set("Custom:ours", state)
            self.until_votes(pbx1, {EID: state, "pbx1": "BUSY"}, "Custom:ours")
        asterisk.mwi("1000", "default", 2, 5)
        wait_until(lambda: self.counts(pbx1, "1000@default") == (2, 5), "pbx1 has the Asterisk's counts")
        pbx1.do("mwi update 2000@default 1 3")
        asterisk.until(lambda: asterisk.mailboxes.get("2000@default") == {me: (1, 3)}, "has pbx1's counts")
        self.assertEqual({name: node.config["pubsub#collection"] for name, node in self.server.nodes.items()
                          if name in ("Custom:abc", "Custom:ours", "2000@default")},
                         {"Custom:abc": "device_state", "Custom:ours": "device_state",
                          "2000@default": "message_waiting"})
        self.assertEqual(self.server.nodes["device_state"].config["pubsub#node_type"], "collection")
        self.assertEqual(asterisk.deaths, [])
        for _, text in asterisk.blinds:  # 5.1.5 tells of each leaf; an Asterisk logs a line
            self.assertIn("<associate ", text)
        self.went_on(pbx1)


class InCollectionsOn5(InCollections, TigaseTest, xmpp_asterisk_test.AsteriskTest):
    version = "5.1.5"


class InCollectionsOn8(InCollections, TigaseTest, xmpp_asterisk_test.AsteriskTest):
    version = "8.1.2"


class Logins(TigaseTest):
    def one(self, *changes, accounts=None):
        """A daemon; `changes` of the book's file: (old, new)."""
        self.net_of(1, accounts=accounts)
        settings = self.jabber_conf(1)
        for old, new in changes:
            settings = settings.replace(old, new)
        self.settings = settings
        return self.lamplight_on(1, settings).start()

    def until_connected(self, node, seconds=20):
        wait_until(lambda: self.connection_of(node)["connected"], "it is connected", seconds)

    def leaves_alone(self, accounts):
        """Nothing is ever registered, and the account is to be made by hand."""
        pbx1 = self.one(("usesasl = yes", "register_account = yes"), accounts=accounts)
        said = self.until_said(pbx1, r".*is not connected: .*next try in (\d+)\.\d s")
        self.assertGreaterEqual(int(said[1]), 30)
        self.assertRegex(said[0], "server1@" + DOMAIN)
        self.assertEqual((self.server.registrations, self.server.accounts), ([], accounts))
        self.assertIn("Disconnected", pbx1.do("jabber show connections"))
        return said[0]


class Logins5(Logins):
    """Of 5.1.5: PLAIN, with TLS where it is wanted, and a registration that takes accounts over."""

    version = "5.1.5"

    def test_in_the_clear_the_password_is_readable_and_that_is_said_once(self):
        pbx1 = self.one()
        self.until_connected(pbx1)
        self.assertEqual(self.mechanisms_tried(), ["PLAIN"])
        self.server.restart()
        wait_until(lambda: self.connection_of(pbx1)["connects"] == 2, "it is back", 70)
        said = re.findall(r".*jabber\.conf:12: the password of server1@\S+ goes over the wire readable.*", pbx1.log())
        self.assertEqual(len(said), 1)

    def test_behind_tls(self):
        pbx1 = self.one(("usetls = no", ""), ("usesasl = yes", "tls_verify = no"))
        self.until_connected(pbx1)
        self.assertRegex(pbx1.log(), r"is logged in as server1@\S+ at \S+ \(PLAIN, TLSv1\.3\)")
        self.assertNotIn("readable", pbx1.log())

    def test_as_before_sasl_with_the_password_as_text_since_the_digest_is_refused(self):
        pbx1 = self.one(("usesasl = yes", "usesasl = no"))
        self.until_connected(pbx1)
        self.assertEqual(self.server.by_password, ["server1"])
        said = [text_of(element) for element in self.server.connections[0].said]
        self.assertFalse([text for text in said if "<digest" in text])

    def test_no_account_is_made_since_that_could_replace_the_password_of_one(self):
        self.leaves_alone({"nobody": "x"})

    def test_an_account_that_two_clients_share_hears_each_event_once_in_one_of_them(self):
        # The newest, of this server. Lamplights say everything to full JIDs, too: nothing is missing for long.
        pbx1, pbx2 = self.pair()
        other = self.keep(Client(self.net[1], self.server, "server1", "mypassword", resource="phone")).login()
        pbx2.set("INUSE")
        other.wait_for(lambda stanza: stanza.tag == MESSAGE and stanza.find(f"{{{EVENT}}}event") is not None,
                       "the event, in the place of pbx1")
        self.until_votes(pbx1, {"pbx2": "INUSE"}, seconds=70)
        self.went_on(pbx1, pbx2)

    def test_an_account_with_another_password_keeps_it(self):
        self.leaves_alone({"server1": "another"})


class Logins8(Logins):
    """Of 8.1.2: SCRAM, behind TLS only; seven wrong passwords lock an account."""

    version = "8.1.2"

    def test_behind_tls(self):
        pbx1 = self.one()
        self.until_connected(pbx1)
        self.assertEqual(self.mechanisms_tried(), ["SCRAM-SHA-256"])
        self.assertNotIn("WARNING", pbx1.log())

    def test_in_the_clear_it_is_not_tried_and_the_line_to_change_is_named(self):
        pbx1 = self.one(("usetls = no", "usetls =  no"))
        said = self.until_said(pbx1, r".*is not connected: .*")[0]
        self.assertIn("the server may want TLS first: `usetls = yes` at", said)
        self.assertRegex(said, r"jabber\.conf:\d+")
        self.assertEqual(self.mechanisms_tried(), [])

    def test_as_before_sasl_with_the_password_as_text_behind_tls(self):
        pbx1 = self.one(("usesasl = yes", "usesasl = no"))
        self.until_connected(pbx1)
        self.assertEqual((self.server.by_password, self.mechanisms_tried()), (["server1"], []))
        self.assertRegex(pbx1.log(), r"\(jabber:iq:auth, TLSv1\.3\)")

    def test_as_before_sasl_with_a_wrong_password_the_server_says_nothing_and_that_is_explained(self):
        pbx1 = self.one(("usesasl = yes", "usesasl = no"), ("mypassword", "wrong"))
        said = self.until_said(pbx1, r".*is not connected: .*next try in (\d+)\.\d s")
        self.assertIn("the server closed the stream instead of answering the login", said[0])
        self.assertGreaterEqual(int(said[1]), 30)

    def test_a_wrong_password_is_not_tried_so_often_that_the_account_is_locked(self):
        pbx1 = self.one(("mypassword", "wrong"))
        said = self.until_said(pbx1, r".*is not connected: .*next try in (\d+)\.\d s")
        self.assertGreaterEqual(int(said[1]), 30)
        self.assertIn("Password not verified", said[0])
        for _ in range(3):  # by hand, which the operator may
            self.write_conf(pbx1, self.settings)
        self.assertLess(self.server.wrong_passwords["server1"], LOCKED_AFTER)
        self.write_conf(pbx1, self.settings.replace("wrong", "mypassword"))
        self.until_connected(pbx1)

    def test_a_locked_account_is_said_and_tried_seldom_until_it_is_open_again(self):
        self.net_of(1)
        self.server.wrong_passwords["server1"] = LOCKED_AFTER
        pbx1 = self.lamplight_on(1).start()
        said = self.until_said(pbx1, r".*is not connected: .*next try in (\d+)\.\d s")
        self.assertGreaterEqual(int(said[1]), 30)
        self.assertRegex(pbx1.do("bus show"), r"xmpp:asterisk +down .*next try at")
        self.assertEqual(len(self.mechanisms_tried()), 1)
        self.server.wrong_passwords.clear()
        pbx1.do("jabber reload")
        self.until_connected(pbx1)

    def test_an_account_is_made_where_there_is_none(self):
        pbx1 = self.one(("usesasl = yes", "register_account = yes"), accounts={"nobody": "x"})
        self.until_connected(pbx1)
        self.assertEqual(self.server.registrations, ["server1"])
        self.assertIn("was registered", pbx1.log())

    def test_an_account_with_another_password_keeps_it(self):
        self.leaves_alone({"server1": "another"})


class Many(TigaseTest, xmpp_asterisk_test.AsteriskTest):
    """8.1.2 ends a stream, without a word, that says 2,499 stanzas within a minute."""

    version = "8.1.2"

    def test_three_thousand_states_stay_below_what_ends_the_stream_and_a_fresh_one_goes_first(self):
        self.net_of(2)
        pbx1 = self.lamplight()
        pbx1.set("NOT_INUSE", "Custom:old")
        pbx1.terminate()
        (file,) = pbx1.state.glob("*.db")
        with sqlite3.connect(file) as store:
            store.executemany("INSERT INTO custom_state VALUES (?, 'NOT_INUSE')",
                              [(f"Custom:device-{number:05}",) for number in range(3000)])
        store.close()
        pbx1.start()
        asterisk = self.asterisk()
        me = self.eid_of(pbx1)
        for state in ("INUSE", "RINGING", "BUSY"):
            pbx1.set(state)
            asterisk.until_votes("Custom:abc", {me: state}, 3)
        asterisk.until(lambda: sum(device.startswith("Custom:device-") for device in asterisk.believed) == 3000,
                       "has them all", 150)
        self.assertGreater(self.server.counted, 1_500)
        self.assertLess(self.server.counted, 2_450)
        self.went_on(pbx1)


if __name__ == "__main__":
    main()
