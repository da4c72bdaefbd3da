"""A Lamplight and Asterisks on one XMPP server see each other's device states and message counts, both ways.

Asterisks are scripted (xmpp_peer.py, of the book's day and of today) on Prosody and ejabberd, and real (Debian's, where
scripts/asterisk_root.sh has made one). Neither Prosody 0.12 nor ejabberd 23.01 delivers what is published below a
collection, so `collection_nodes` runs against a scripted service here that does as Tigase 8 does.
"""

import re
import socket
import threading
from types import SimpleNamespace

from harness import HINTS, main, wait_until
from xmpp_asterisk import RealAsterisk, needs_asterisk
from xmpp_net import DOMAIN
from xmpp_peer import DISCO_INFO, DISCO_ITEMS, EVENT, IQ, OWNER, PUBSUB, STATES, Client, ResXmpp, bare
from xmpp_server import STANZAS, text_of
from xmpp_server import Server as ScriptedServer
from xmpp_test import JabberTest

ACCOUNTS = {name: "mypassword" for name in ("server1", "server2", "asterisk", "admin", "stranger")}
JABBER_CONF = """\
[general]
autoregister = yes

[asterisk]
type = client
serverhost = {host}
pubsub_node = pubsub.{domain}
username = server{number}@{domain}/astvoip{number}
secret = mypassword
distribute_events = yes
status = available
usetls = no
usesasl = yes
"""
EID = "02:00:00:78:00:02"
STRANGE_EID = "02:00:00:78:00:99"
STATE = "<state xmlns='http://asterisk.org' eid='{eid}' cachable='1'>{state}</state>"
TOGETHER = 40.0  # seconds; the server's start, roster approvals and dumps on a busy machine


class AsteriskTest(JabberTest):
    """server1 and server2 are Lamplights and may make nodes; `asterisk` is one of `generation`."""

    generation = "22"

    def server_on(self, host, **options):
        return self.prosody(host, **{"accounts": ACCOUNTS, "creators": "admins",
                                     "admins": ["server1", "server2", "admin"], **options})

    def jabber_conf(self, number, buddies=("asterisk",), eid=EID, more=""):
        lines = "".join(f"buddy = {name}@{DOMAIN}\n{f'eid = {eid}{chr(10)}' if eid and name == 'asterisk' else ''}"
                        for name in buddies)
        return JABBER_CONF.format(number=number, host=DOMAIN, domain=DOMAIN) + more + lines

    def lamplight(self, number=1, **options):
        return self.lamplight_on(number, self.jabber_conf(number, **options)).start()

    def client(self, name="admin", host=1, **options):
        return self.keep(Client(self.net[host], self.server, name, **options)).login()

    def until_nodes(self):
        """The shared nodes are there."""
        watcher = self.client(resource="watcher")
        wait_until(lambda: watcher.nodes() >= {"device_state", "message_waiting"}, "the nodes are there", TOGETHER)

    def welcome(self, name):
        """What lets an Asterisk 11 or later live on this server."""

    def asterisk(self, host=2, name="asterisk", buddies=("server1",), own=(), **options):
        """`own`: its states when it logs in."""
        self.welcome(name)
        peer = ResXmpp(self.net[host], self.server, name, **{
            "eid": EID, "buddies": [f"{buddy}@{DOMAIN}" for buddy in buddies], "generation": self.generation,
            "pauses": None, **options})
        peer.own.update(own)
        return self.keep(peer).login().until_connected()

    def mixed(self, server=None, **options):
        """A Lamplight, and then an Asterisk, that know of each other."""
        self.net_of(2, **(server or {}))
        pbx1 = self.lamplight(**options)
        self.until_nodes()
        asterisk = self.asterisk()
        self.until_together(pbx1, asterisk)
        return pbx1, asterisk

    def until_together(self, node, *asterisks):
        """Changes go both ways; the devices that show it stay behind."""
        for number, asterisk in enumerate(asterisks):
            asterisk.set(f"Custom:hello{number}", "INUSE")
            self.until_votes(node, {asterisk.eid: "INUSE"}, f"Custom:hello{number}", TOGETHER)
        node.set("INUSE", "Custom:welcome")
        for asterisk in asterisks:
            asterisk.until(lambda asterisk=asterisk: asterisk.votes("Custom:welcome").get(self.eid_of(node)) == "INUSE",
                           f"hears {node.name}", TOGETHER)

    def eid_of(self, node):
        return next(one["eid"] for one in node.data("node show")["nodes"] if one["node"] == node.name)

    def counts(self, node, mailbox):
        """(new, old), or None."""
        found = re.search(rf"{re.escape(mailbox)} .*?(\d+) +(\d+)", node.do("mwi show"))
        return (int(found.group(1)), int(found.group(2))) if found else None

    def counters(self, node):
        return node.data("xmpp show counters")["asterisk"]

    def unhurt(self, *asterisks):
        for asterisk in asterisks:
            self.assertEqual((asterisk.deaths, asterisk.blinds), ([], []))


class Interop:
    """What a Lamplight and an Asterisk have of each other, for an AsteriskTest."""

    def test_states_and_counts_go_both_ways_and_one_device_has_the_votes_of_both(self):
        pbx1, asterisk = self.mixed()
        me = self.eid_of(pbx1)
        with self.subTest("states"):
            asterisk.set("Custom:abc", "RINGING")
            self.until_votes(pbx1, {EID: "RINGING"})
            pbx1.until_hint("Ringing")
            pbx1.set("INUSE")
            asterisk.until_votes("Custom:abc", {EID: "RINGING", me: "INUSE"})
            self.until_votes(pbx1, {EID: "RINGING", "pbx1": "INUSE"})
            pbx1.until_hint("InUse&Ringing")
        with self.subTest("who changes what the other published last is heard again"):
            for state in ("NOT_INUSE", "BUSY", "ONHOLD"):
                asterisk.set("Custom:abc", state)
                self.until_votes(pbx1, {EID: state, "pbx1": "INUSE"})
                pbx1.set("RINGINUSE")
                asterisk.until_votes("Custom:abc", {EID: state, me: "RINGINUSE"})
                pbx1.set("INUSE")
                asterisk.until_votes("Custom:abc", {EID: state, me: "INUSE"})
        with self.subTest("message counts"):
            asterisk.mwi("1000", "default", 2, 5)
            wait_until(lambda: self.counts(pbx1, "1000@default") == (2, 5), "pbx1 has the Asterisk's counts")
            pbx1.do("mwi update 2000@default 1 3")
            asterisk.until(lambda: asterisk.mailboxes.get("2000@default") == {me: (1, 3)}, "has pbx1's counts")
        with self.subTest("a stop takes back what was said"):
            pbx1.do("core stop now")
            pbx1.ended()
            asterisk.until_votes("Custom:abc", {EID: "ONHOLD", me: "UNAVAILABLE"})
        self.unhurt(asterisk)
        self.assertEqual(asterisk.errors, [])

    def test_each_has_the_others_states_whoever_comes_first(self):
        self.net_of(2)
        pbx1 = self.lamplight()
        for number in range(30):
            pbx1.set("RINGING", f"Custom:d{number}")
        pbx1.do("mwi update 2000@default 1 3")
        self.until_nodes()
        asterisk = self.asterisk(own={f"Custom:a{number}": "BUSY" for number in range(30)})
        me = self.eid_of(pbx1)
        for number in range(30):
            asterisk.until_votes(f"Custom:d{number}", {me: "RINGING"}, TOGETHER)
            self.until_votes(pbx1, {EID: "BUSY"}, f"Custom:a{number}")
        asterisk.until(lambda: asterisk.mailboxes.get("2000@default") == {me: (1, 3)}, "has pbx1's counts")
        self.unhurt(asterisk)


class OnProsody(Interop, AsteriskTest):
    def test_an_asterisk_that_is_killed_is_silent_then_gone_and_back_with_its_return(self):
        pbx1, asterisk = self.mixed()
        asterisk.set("Custom:abc", "BUSY")
        self.until_votes(pbx1, {EID: "BUSY"})
        self.assertEqual(self.marks(pbx1), [])
        asterisk.end()
        wait_until(lambda: pbx1.standing_of(EID) == "stale", "its lamps are marked")
        self.assertEqual(pbx1.votes(), {EID: "BUSY"})
        wait_until(lambda: pbx1.standing_of(EID) == "gone", "it does not count any more", 25)
        self.assertEqual(pbx1.votes(), {})
        again = self.asterisk(pauses=None)
        again.set("Custom:abc", "INUSE")
        self.until_votes(pbx1, {EID: "INUSE"})
        wait_until(lambda: pbx1.standing_of(EID) == "present", "it is there again")

    def marks(self, node):
        """EIDs that `xmpp doctor` says cannot be known dead."""
        checks = node.data("xmpp doctor")["checks"]
        return re.findall(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}",
                          next(check["text"] for check in checks if check["name"] == "dead servers"))

    def test_an_asterisk_without_its_eid_in_the_file_cannot_be_known_dead_and_that_is_said(self):
        pbx1, asterisk = self.mixed(eid=None)
        asterisk.set("Custom:abc", "BUSY")
        self.until_votes(pbx1, {EID: "BUSY"})
        self.assertRegex(pbx1.do("node show"), rf"{EID} present .*cannot be known dead")
        self.assertEqual(self.marks(pbx1), [EID])
        asterisk.end()
        buddy = f"asterisk@{DOMAIN}"
        wait_until(lambda: not self.resources(pbx1, buddy), "pbx1 knows that it has gone")
        self.assertEqual(pbx1.standing_of(EID), "present")
        self.assertEqual(pbx1.votes(), {EID: "BUSY"})
        with self.subTest("once it is written it is known"):
            pbx1.write("jabber.conf", self.jabber_conf(1))
            pbx1.do("jabber reload")
            wait_until(lambda: pbx1.standing_of(EID) == "stale", "it is silent")
            self.assertNotIn("cannot be known dead", pbx1.do("node show"))
            self.assertEqual(self.marks(pbx1), [])

    def resources(self, node, jid):
        [client] = node.data("xmpp show buddies")["clients"]
        return next(buddy["resources"] for buddy in client["buddies"] if buddy["jid"] == jid)

    def test_nodes_that_an_administrator_made_are_used_as_they_are(self):
        self.net_of(2)
        self.client().prepare_nodes()
        pbx1 = self.lamplight()
        self.until_nodes()
        asterisk = self.asterisk()
        self.until_together(pbx1, asterisk)
        self.unhurt(asterisk)


class Three(AsteriskTest):
    def test_two_lamplights_and_an_asterisk_agree_and_each_vote_counts_once(self):
        self.net_of(3)
        pbx1 = self.lamplight(1, buddies=("asterisk", "server2"))
        pbx2 = self.lamplight(2, buddies=("asterisk", "server1"))
        for node, other in ((pbx1, pbx2), (pbx2, pbx1)):
            node.until_meets(other)
        self.until_nodes()
        asterisk = self.asterisk(host=3, buddies=("server1", "server2"))
        for node in (pbx1, pbx2):
            self.until_together(node, asterisk)
        pbx1.set("INUSE")
        pbx2.set("NOT_INUSE")
        asterisk.set("Custom:abc", "RINGING")
        for node in (pbx1, pbx2):
            self.until_votes(node, {"pbx1": "INUSE", "pbx2": "NOT_INUSE", EID: "RINGING"})
            node.until_hint("InUse&Ringing")
        by_eid = {self.eid_of(pbx1): "INUSE", self.eid_of(pbx2): "NOT_INUSE", EID: "RINGING"}
        asterisk.until_votes("Custom:abc", by_eid)
        for number in range(20):
            for node, state in ((pbx1, "BUSY"), (pbx2, "ONHOLD")):
                node.set(state if number % 2 else "INUSE", f"Custom:d{number}")
        for number in range(20):
            first, second = ("BUSY", "ONHOLD") if number % 2 else ("INUSE", "INUSE")
            for node in (pbx1, pbx2):
                self.until_votes(node, {"pbx1": first, "pbx2": second}, f"Custom:d{number}")
            asterisk.until_votes(f"Custom:d{number}", {self.eid_of(pbx1): first, self.eid_of(pbx2): second})
        for node in (pbx1, pbx2):
            self.assertGreater(self.counters(node)["from_lamplights"], 0)
        self.unhurt(asterisk)


class BadItems(AsteriskTest):
    """What a publisher does wrong costs the one item, counted by its reason, and nothing else."""

    def liar_and(self, **server):
        """A Lamplight, and its buddy `asterisk` as a bare client that may publish."""
        self.net_of(2, **server)
        pbx1 = self.lamplight(buddies=("asterisk", "server2"))
        self.until_nodes()
        liar = self.client("asterisk", host=2)
        self.good = 0
        self.until_good(pbx1, liar)
        return pbx1, liar

    def until_good(self, pbx1, publisher, eid=EID):
        """The next good state is taken."""
        self.good += 1
        device = f"Custom:good{self.good}"
        wait_until(lambda: self.publishes(publisher, device, STATE.format(eid=eid, state="BUSY")), "it may publish")
        self.until_votes(pbx1, {eid: "BUSY"}, device)

    @staticmethod
    def publishes(client, item, payload, node="device_state"):
        words = f"<publish node='{node}'><item id='{item}'>{payload}</item></publish>"
        return client.iq("set", client.service, f"<pubsub xmlns='{PUBSUB}'>{words}</pubsub>").get("type") == "result"

    def expect_counted(self, pbx1, counter, deed, by=1):
        before = self.count(pbx1, counter)
        deed()
        wait_until(lambda: self.count(pbx1, counter) >= before + by, f"{counter} counts it")
        self.assertEqual(self.count(pbx1, counter), before + by, counter)

    def count(self, node, counter):
        counters = self.counters(node)
        return counters[counter] if counter in counters else counters[f"refused: {counter}"]

    def test_items_that_are_no_states_are_refused_and_good_ones_after_them_are_taken(self):
        pbx1, liar = self.liar_and()
        ours = self.eid_of(pbx1)
        for counter, payload in [
                ("no EID", "<state xmlns='http://asterisk.org'>INUSE</state>"),
                ("bad EID", STATE.format(eid="02:00:zz", state="INUSE")),
                ("bad EID", STATE.format(eid="00:00:00:00:00:00", state="INUSE")),
                ("own_items", STATE.format(eid=ours, state="INUSE")),
                ("no state", STATE.format(eid=EID, state="")),
                ("unknown state", STATE.format(eid=EID, state="DANCING")),
                ("unknown state", STATE.format(eid=EID, state="x" * 100_000)),
                ("text before the payload", "hello" + STATE.format(eid=EID, state="INUSE")),
                ("unknown payload", f"<hello xmlns='http://asterisk.org' eid='{EID}'/>"),
                ("unknown payload", "<frame xmlns='urn:lamplight:votes:1'>AAAA</frame>"),
                ("bad message counts", f"<mailbox xmlns='http://asterisk.org' eid='{EID}'><NEWMSGS>1</NEWMSGS>"
                                       "</mailbox>"),
                ("bad message counts", f"<mailbox xmlns='http://asterisk.org' eid='{EID}'><NEWMSGS>-1</NEWMSGS>"
                               "<OLDMSGS>0</OLDMSGS></mailbox>")]:
            with self.subTest(counter=counter, payload=payload[:100]):
                item = "1000@default" if "mailbox" in payload else "Custom:abc"
                self.expect_counted(pbx1, counter, lambda: self.assertTrue(self.publishes(liar, item, payload)))
                self.until_good(pbx1, liar)
        with self.subTest("a name that is too long"):
            self.expect_counted(pbx1, "bad name", lambda: self.assertTrue(
                self.publishes(liar, "Custom:" + "x" * 300, STATE.format(eid=EID, state="INUSE"))))
        self.assertEqual(pbx1.votes(), {})
        self.assertEqual([client["connects"] for client in pbx1.data("xmpp show connections")["clients"]], [1])

    def test_what_only_takes_away_takes_nothing_away(self):
        pbx1, liar = self.liar_and()
        liar.publish("device_state", "Custom:abc", STATE.format(eid=EID, state="RINGING"))
        self.until_votes(pbx1, {EID: "RINGING"})
        with self.subTest("several items in one publish"):
            two = "".join(f"<item id='Custom:two{number}'>{STATE.format(eid=EID, state='INUSE')}</item>"
                          for number in (1, 2))
            publish = f"<publish node='device_state'>{two}</publish>"
            liar.iq("set", liar.service, f"<pubsub xmlns='{PUBSUB}'>{publish}</pubsub>")
            self.until_good(pbx1, liar)
        with self.subTest("retracts and purges"):
            liar.configure_node("device_state", persist_items=1)
            liar.publish("device_state", "Custom:kept", STATE.format(eid=EID, state="INUSE"))
            self.expect_counted(pbx1, "retracts", lambda: liar.retract("device_state", "Custom:kept"))
            self.expect_counted(pbx1, "retracts", lambda: liar.iq(
                "set", liar.service, f"<pubsub xmlns='{PUBSUB}#owner'><purge node='device_state'/></pubsub>"))
            self.until_votes(pbx1, {EID: "INUSE"}, "Custom:kept")
        with self.subTest("an event that is not the service's"):
            event = (f"<event xmlns='{EVENT}'><items node='device_state'><item id='Custom:lie'>"
                     f"{STATE.format(eid=EID, state='BUSY')}</item></items></event>")
            [client] = pbx1.data("xmpp show connections")["clients"]
            self.expect_counted(pbx1, "from_strangers",
                                lambda: liar.send(f"<message to='{client['jid']}'>{event}</message>"))
        self.until_good(pbx1, liar)
        self.assertEqual(pbx1.votes(), {EID: "RINGING"})
        self.assertEqual(pbx1.votes("Custom:lie"), {})

    def test_where_the_publisher_is_named_only_buddies_are_heard_and_only_as_themselves(self):
        pbx1, buddy = self.liar_and(publishers=True)
        admin = self.client()
        admin.affiliate("device_state", {f"{name}@{DOMAIN}": "publisher" for name in ("stranger", "server2")})
        stranger, other = self.client("stranger", host=2), self.client("server2", host=2)
        for counter, who, eid in (("from_strangers", stranger, STRANGE_EID), ("from_strangers", stranger, EID),
                                  ("wrong_eid", buddy, STRANGE_EID), ("wrong_eid", other, EID)):
            with self.subTest(counter=counter, who=who.name, eid=eid):
                self.expect_counted(pbx1, counter, lambda: self.assertTrue(
                    self.publishes(who, "Custom:abc", STATE.format(eid=eid, state="INUSE"))))
                self.until_good(pbx1, buddy)
        self.assertEqual(pbx1.votes(), {})
        self.until_good(pbx1, other, STRANGE_EID)


class Collections:
    """A PubSub service of a scripted server, as far as it is asked here: who subscribes to a collection hears what is
    published to the leaves in it."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.nodes = {}  # name: (the collection it is in, bare JIDs that are subscribed)
        self.lock = threading.RLock()
        server.on_stanza(self.hear)

    def hear(self, connection, stanza):
        if stanza.tag != IQ or stanza.get("to") != self.name or stanza.get("type") not in ("get", "set"):
            return False
        what = stanza[0]
        if what.tag == f"{{{DISCO_INFO}}}query":
            connection.answer(stanza, f"<query xmlns='{DISCO_INFO}'><identity category='pubsub' type='service'/>"
                              f"<feature var='{PUBSUB}'/><feature var='{PUBSUB}#collections'/></query>")
        elif what.tag == f"{{{DISCO_ITEMS}}}query":
            connection.answer(stanza, f"<query xmlns='{DISCO_ITEMS}'/>")
        elif what.tag in (f"{{{PUBSUB}}}pubsub", f"{{{OWNER}}}pubsub"):
            with self.lock:
                verb = what[0].tag.rpartition("}")[2]
                getattr(self, verb, self.accept)(connection, stanza, what[0].get("node"))
        else:
            connection.refuse(stanza, "feature-not-implemented")
        return True

    @staticmethod
    def accept(connection, stanza, _node):
        connection.answer(stanza)

    @staticmethod
    def refuse(connection, stanza, condition, code):
        """As Tigase does: the request comes back, with a number."""
        connection.answer(stanza, f"{text_of(stanza[0])}<error type='cancel' code='{code}'>"
                          f"<{condition} xmlns='{STANZAS}'/></error>", "error")

    def create(self, connection, stanza, node):
        if node in self.nodes:
            return self.refuse(connection, stanza, "conflict", 409)
        fields = {field.get("var"): "".join(field.itertext()) for field in stanza.iter("{jabber:x:data}field")}
        self.nodes[node] = (fields.get("pubsub#collection"), set())
        return connection.answer(stanza)

    def subscribe(self, connection, stanza, node):
        if node not in self.nodes:
            return self.refuse(connection, stanza, "item-not-found", 404)
        self.nodes[node][1].add(bare(connection.jid))
        return connection.answer(stanza, f"<pubsub xmlns='{PUBSUB}'><subscription node='{node}' "
                                 f"jid='{bare(connection.jid)}' subscription='subscribed'/></pubsub>")

    def publish(self, connection, stanza, node):
        if node not in self.nodes:
            return self.refuse(connection, stanza, "item-not-found", 404)
        connection.answer(stanza)
        collection, subscribers = self.nodes[node]
        hear_it = subscribers | self.nodes.get(collection, (None, set()))[1]
        items = "".join(text_of(item, PUBSUB) for item in stanza[0][0])
        for full, session in list(self.server.sessions.items()):
            if bare(full) in hear_it:
                session.send(f"<message from='{self.name}' to='{full}'><event xmlns='{EVENT}'><items node='{node}'>"
                             f"{items}</items></event></message>")
        return None


class InCollections(AsteriskTest):
    def test_each_device_is_a_leaf_that_whoever_speaks_of_it_first_makes(self):
        with ScriptedServer(accounts=ACCOUNTS, domain=DOMAIN) as server:
            service = Collections(server, f"pubsub.{DOMAIN}")
            pbx1 = self.node("pbx1")
            pbx1.write("jabber.conf", self.jabber_conf(1, eid=None, more=f"port = {server.port}\n")
                       .replace(f"serverhost = {DOMAIN}", "serverhost = 127.0.0.1")
                       .replace("[general]\n", "[general]\ncollection_nodes = yes\npubsub_autocreate = yes\n"))
            pbx1.start()
            wait_until(lambda: service.nodes.keys() >= {"device_state", "message_waiting"}, "the collections are there")
            asterisk = self.scripted_asterisk(server, service)
            asterisk.set("Custom:abc", "RINGING")
            self.until_votes(pbx1, {EID: "RINGING"})
            pbx1.set("INUSE")
            pbx1.set("BUSY", "Custom:ours")
            me = self.eid_of(pbx1)
            asterisk.until_votes("Custom:abc", {EID: "RINGING", me: "INUSE"})
            asterisk.until_votes("Custom:ours", {me: "BUSY"})
            for state in STATES[1:]:
                asterisk.set("Custom:ours", state)
                self.until_votes(pbx1, {EID: state, "pbx1": "BUSY"}, "Custom:ours")
            asterisk.mwi("1000", "default", 2, 5)
            wait_until(lambda: self.counts(pbx1, "1000@default") == (2, 5), "pbx1 has the Asterisk's counts")
            pbx1.do("mwi update 2000@default 1 3")
            asterisk.until(lambda: asterisk.mailboxes.get("2000@default") == {me: (1, 3)}, "has pbx1's counts")
            names = ("Custom:abc", "Custom:ours", "2000@default")
            self.assertEqual({name: service.nodes[name][0] for name in names},
                             {"Custom:abc": "device_state", "Custom:ours": "device_state",
                              "2000@default": "message_waiting"})
            self.assertNotIn("Custom:abc", {one for one, (_, subscribers) in service.nodes.items() if subscribers})
            self.unhurt(asterisk)

    def scripted_asterisk(self, server, service):
        host = SimpleNamespace(connect=lambda address: socket.create_connection((address, server.port)),
                               address="127.0.0.1")
        there = SimpleNamespace(host=host, domain=DOMAIN, service=service.name, accounts=ACCOUNTS, tls="off")
        peer = ResXmpp(host, there, "asterisk", eid=EID, buddies=[f"server1@{DOMAIN}"], pauses=None,
                       collection_nodes=True, pubsub_autocreate=True)
        return self.keep(peer).login().until_connected()


class OldOnProsody(Interop, AsteriskTest):
    generation = "1.8"


class EjabberdTest(AsteriskTest):
    def server_on(self, host, **options):
        return self.ejabberd(host, **{"accounts": ACCOUNTS, "creators": "admins",
                                      "admins": ["server1", "server2", "admin"], **options})

    def welcome(self, name):
        """Its first word, an unsubscribe, would be answered with the error that it dies of: Lamplight has its buddies
        subscribed before they come."""
        before = self.client(name, host=2, resource="before")
        wait_until(lambda: self.subscriptions(before) >= {"device_state", "message_waiting"}, f"{name} is subscribed")
        before.logout()

    @staticmethod
    def subscriptions(client):
        """The nodes that its account is subscribed to."""
        answer = client.iq("get", client.service, f"<pubsub xmlns='{PUBSUB}'><subscriptions/></pubsub>")
        return {one.get("node") for one in answer.iter(f"{{{PUBSUB}}}subscription")}


class OnEjabberd(Interop, EjabberdTest):
    def test_an_asterisk_that_comes_and_goes_and_comes_again_lives(self):
        self.net_of(2)
        pbx1 = self.lamplight()
        self.until_nodes()
        for number in range(3):
            with self.subTest(f"login {number + 1}"):
                asterisk = self.asterisk()
                self.until_together(pbx1, asterisk)
                for node in ("device_state", "message_waiting"):
                    asterisk.iq("set", asterisk.service,
                                f"<pubsub xmlns='{PUBSUB}'><unsubscribe node='{node}' jid='{asterisk.bare}'/></pubsub>")
                self.unhurt(asterisk)
                asterisk.logout()

    def test_items_that_a_node_keeps_for_their_first_publisher_are_said_to_be_in_the_way(self):
        self.net_of(2)
        self.client().prepare_nodes()  # they keep items, and are not ours to change
        pbx1 = self.lamplight()
        before = self.client("asterisk", host=2, resource="before")  # nor can we subscribe others to them
        for node in ("device_state", "message_waiting"):
            before.subscribe(node)
        asterisk = self.asterisk()
        self.until_together(pbx1, asterisk)
        asterisk.set("Custom:abc", "INUSE")
        self.until_votes(pbx1, {EID: "INUSE"})
        pbx1.set("RINGING")
        pbx1.set("BUSY", "Custom:ours")
        asterisk.until_votes("Custom:ours", {self.eid_of(pbx1): "BUSY"})
        wait_until(lambda: self.counters(pbx1)["publish_refused"] > 0, "the item is refused")
        self.assertRegex(pbx1.ask("xmpp doctor").text, r"warn +items +.*device_state")
        self.unhurt(asterisk)


class OldOnEjabberd(Interop, EjabberdTest):
    generation = "1.8"


class RealInterop:
    """With Debian's Asterisk, for an AsteriskTest."""

    def real(self):
        """A Lamplight, and a real Asterisk that it knows of."""
        self.net_of(3)
        pbx1 = self.lamplight_on(1, self.jabber_conf(1))
        pbx1.write("extensions.conf", HINTS + "exten => phone,hint,PJSIP/phone\n")
        pbx1.start()
        self.until_nodes()
        self.welcome("asterisk")
        asterisk = self.keep(RealAsterisk(
            self.net[2], self.server, "asterisk", eid=EID, buddies=[f"server1@{DOMAIN}"],
            hints={"foo": "Custom:abc", "phone": "PJSIP/phone", "mail": "MWI:2000@default"}, mailboxes=("1000",)))
        asterisk.write_configuration()
        file = asterisk.place / "etc/pjsip.conf"
        there = f"[phone]\ntype = aor\ncontact = sip:phone@{self.net[3].address}\n"  # idle while nobody is called
        endpoint = "type = endpoint\n"
        asterisk.write("pjsip.conf", file.read_text().replace(endpoint, endpoint + "aors = phone\n") + there)
        return pbx1, asterisk.start().until_connected()

    def test_states_counts_and_a_call(self):
        pbx1, asterisk = self.real()
        with self.subTest("its states"):
            asterisk.set("Custom:abc", "RINGING")
            self.until_votes(pbx1, {EID: "RINGING"}, seconds=TOGETHER)
            pbx1.until_hint("Ringing")
        with self.subTest("ours, and both at once"):
            pbx1.set("INUSE")
            asterisk.until_hint("foo", "InUse&Ringing")
            pbx1.until_hint("InUse&Ringing")
            asterisk.set("Custom:abc", "NOT_INUSE")
            asterisk.until_hint("foo", "InUse")
            pbx1.until_hint("InUse")
        with self.subTest("message counts"):
            asterisk.mwi("1000", 2, 5)
            wait_until(lambda: self.counts(pbx1, "1000@default") == (2, 5), "pbx1 has the Asterisk's counts")
            pbx1.do("mwi update 2000@default 1 0")
            asterisk.until_hint("mail", "InUse")
        with self.subTest("a call"):
            call = asterisk.call(self.net[3], "echo")
            pbx1.until_hint("InUse", "phone")
            self.assertEqual(pbx1.votes("PJSIP/phone"), {EID: "INUSE"})
            call.hangup()
            pbx1.until_hint("Idle", "phone")
        with self.subTest("our stop takes back what was said, and it lives on"):
            pbx1.do("core stop now")
            pbx1.ended()
            asterisk.until_hint("foo", "Idle")
            self.assertTrue(asterisk.running())


@needs_asterisk
class RealOnProsody(RealInterop, AsteriskTest):
    def test_one_that_is_killed_is_silent_and_then_gone(self):
        pbx1, asterisk = self.real()
        asterisk.set("Custom:abc", "BUSY")
        pbx1.until_hint("Busy")
        asterisk.kill()
        wait_until(lambda: pbx1.standing_of(EID) == "stale", "it is silent")
        pbx1.until_hint("Unavailable", seconds=25)


@needs_asterisk
class RealOnEjabberd(RealInterop, EjabberdTest):
    def test_one_that_is_stopped_killed_and_started_again_lives(self):
        pbx1, asterisk = self.real()
        for end, state, hint in ((asterisk.stop, "INUSE", "InUse"), (asterisk.kill, "RINGING", "Ringing")):
            with self.subTest(end.__name__):
                asterisk.set("Custom:its", "BUSY")
                self.until_votes(pbx1, {EID: "BUSY"}, "Custom:its", TOGETHER)
                end()
                wait_until(lambda: pbx1.standing_of(EID) == "stale", "it is silent")
                self.welcome("asterisk")
                asterisk.start().until_connected()
                wait_until(lambda: pbx1.standing_of(EID) == "present", "it is back")
                pbx1.set(state)
                asterisk.until_hint("foo", hint)
                self.until_votes(pbx1, {EID: "BUSY"}, "Custom:its", TOGETHER)
                self.assertTrue(asterisk.running())


if __name__ == "__main__":
    main()
