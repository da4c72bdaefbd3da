"""The book's "Using XMPP", word by word, on two real daemons and a real XMPP server, and what an operator has of it."""

import re

from harness import main, wait_until
from walkthrough_test import Walkthrough
from xmpp_net import XmppTest

# Examples 14.2 and 14.3, for server 1 and 2; a third one is the first of ours.
JABBER_CONF = """\
[general]
autoregister = yes

[asterisk]
type = client
serverhost = jabber.shifteight.org
pubsub_node = pubsub.jabber.shifteight.org
username = server{number}@jabber.shifteight.org/astvoip{number}
secret = mypassword
distribute_events = yes
status = available
usetls = no
usesasl = yes
buddy = server{other}@jabber.shifteight.org/astvoip{other}
"""
ANYBODY = JABBER_CONF.replace("buddy = server{other}@jabber.shifteight.org/astvoip{other}",
                              "buddy = *@jabber.shifteight.org")
ACCOUNTS = {f"server{number}": "mypassword" for number in (1, 2, 3)}
CONNECTED = """\
Jabber Users and their status:
       User: server{number}@jabber.shifteight.org/astvoip{number}     - Connected
----
   Number of users: 1
"""
ALONE = """\
Jabber buddy lists
Client: server1@jabber.shifteight.org/astvoip1
\tBuddy:\tserver2@jabber.shifteight.org
\t\tResource: None
\tBuddy:\tserver2@jabber.shifteight.org/astvoip2
\t\tResource: None
"""
TOGETHER = """\
Jabber buddy lists
Client: server2@jabber.shifteight.org/astvoip2
\tBuddy:\tserver1@jabber.shifteight.org
\t\tResource: astvoip1
\t\t\tnode: http://www.asterisk.org/xmpp/client/caps
\t\t\tversion: asterisk-xmpp
\t\t\tJingle capable: yes
\t\tStatus: 1
\t\tPriority: 0
\tBuddy:\tserver1@jabber.shifteight.org/astvoip1
\t\tResource: None
"""


class JabberTest(XmppTest):
    """Lamplights with the book's jabber.conf on hosts of a network with one XMPP server."""

    def server_on(self, host, **options):
        return self.prosody(host, accounts=ACCOUNTS, creators="everybody", **options)

    def net_of(self, count, **options):
        """`count` PBX hosts and a server that runs."""
        self.net = self.network(pbxs=count)
        self.server = self.server_on(self.net.servers[0], **options).start()
        return self.net

    def jabber_conf(self, number):
        return JABBER_CONF.format(number=number, other=3 - number if number < 3 else 1)

    def lamplight_on(self, number, settings=None, more=""):
        node = self.node_on(self.net[number])
        node.write("jabber.conf", settings or self.jabber_conf(number))
        if more:
            node.write("lamplight.conf", node.main_file(more))
        return node

    def pair(self):
        self.net_of(2)
        nodes = [self.lamplight_on(number).start() for number in (1, 2)]
        self.until_together(*nodes)
        return nodes

    def until_together(self, *nodes):
        """They know each other, and changes go as items."""
        for node in nodes:
            node.until_meets(*(other for other in nodes if other is not node))
        for node in nodes:
            wait_until(lambda node=node: "as items" in self.bus(node)["detail"], f"{node.name} is followed")

    def bus(self, node, name="xmpp"):
        return next(bus for bus in node.data("bus show")["buses"] if bus["bus"] == name)

    def until_votes(self, node, votes, device="Custom:abc", seconds=20):
        wait_until(lambda: node.votes(device) == votes, f"{node.name} has {votes} for {device}", seconds)


class Book(Walkthrough):
    """The section, for a JabberTest with a server."""

    def test_the_section_word_by_word(self):
        self.net_of(2)
        pbx1 = self.lamplight_on(1).start()
        with self.subTest("the module is there"):
            self.assertRegex(pbx1.do("module show like jabber"),
                             r"^Module +Description +Use Count *\n"
                             r"res_jabber\.so +AJI - Asterisk Jabber Interface +0 *\n1 modules loaded\n$")
        with self.subTest("the first server is connected, and alone"):
            wait_until(lambda: pbx1.do("jabber show connected") == CONNECTED.format(number=1), "server 1 is connected")
            wait_until(lambda: pbx1.do("jabber show buddies") == ALONE, "server 2 is on its list")
        pbx2 = self.lamplight_on(2).start()
        with self.subTest("the second one sees the first"):
            wait_until(lambda: pbx2.do("jabber show connected") == CONNECTED.format(number=2), "server 2 is connected")
            wait_until(lambda: pbx2.do("jabber show buddies") == TOGETHER, "server 2 sees server 1")
        with self.subTest("and shows its states"):
            pbx1.do("dialplan set global DEVICE_STATE(Custom:abc) INUSE")
            pbx2.until_hint("InUse")
            self.assertRegex(pbx2.do("core show hints"), r"foo@devstate_test *: Custom:abc +State:InUse ")

    def test_the_other_family_says_it_as_asterisk_does_today(self):
        pbx1, _pbx2 = self.pair()
        wait_until(lambda: pbx1.do("xmpp show connections") ==
                   "Jabber Users and their status:\n"
                   "       [asterisk] server1@jabber.shifteight.org/astvoip1     - Connected\n"
                   "----\n   Number of clients: 1\n", "it is connected")
        self.assertIn("\n   Number of users: 1\n", pbx1.do("jabber show connections"))
        self.assertEqual(pbx1.do("xmpp show buddies"),
                         "XMPP buddy lists\nClient: asterisk\n\tBuddy:\tserver2@jabber.shifteight.org\n"
                         "\t\tResource: astvoip2\n\t\t\tnode: http://www.asterisk.org/xmpp/client/caps\n"
                         "\t\t\tversion: asterisk-xmpp\n\t\t\tGoogle Talk capable: no\n\t\t\tJingle capable: yes\n"
                         "\tBuddy:\tserver2@jabber.shifteight.org/astvoip2\n")
        self.assertRegex(pbx1.do("module show like xmpp"), r"\nres_xmpp\.so +Asterisk XMPP Interface +1 *\n")

    def test_a_late_joiner_knows_what_was_said_before_it_came(self):
        self.net_of(2)
        pbx1 = self.lamplight_on(1).start()
        for number in range(30):  # more than a service keeps
            pbx1.set("RINGING", f"Custom:d{number}")
        pbx2 = self.lamplight_on(2).start()
        for number in range(30):
            self.until_votes(pbx2, {"pbx1": "RINGING"}, f"Custom:d{number}")

    def test_message_counts_go_both_ways(self):
        pbx1, pbx2 = self.pair()
        pbx1.do("mwi update 1000@default 2 5")
        wait_until(lambda: re.search(r"1000@default .*2 +5", pbx2.do("mwi show")), "pbx2 has the counts of pbx1")
        pbx2.do("mwi update 2000@default 1 0")
        wait_until(lambda: re.search(r"2000@default .*1 +0", pbx1.do("mwi show")), "pbx1 has the counts of pbx2")

    def test_nodes_are_made_listed_and_deleted_by_hand(self):
        self.net_of(1)
        pbx1 = self.lamplight_on(1).start()
        wait_until(lambda: "Node name: message_waiting" in pbx1.ask("jabber list nodes asterisk").text, "it is there")
        made = "Creating test PubSub node collection.\n"
        self.assertEqual(pbx1.do("jabber create leaf asterisk device_state leaf-1"), made)
        self.assertEqual(pbx1.do("xmpp create leaf asterisk device_state leaf-2"), made)
        listed = pbx1.do("jabber list nodes asterisk")
        self.assertTrue(listed.startswith("Listing pubsub nodes.\n"
                                          "Connection asterisk: server1@jabber.shifteight.org\n"), listed)
        for node in ("leaf-1", "leaf-2"):
            self.assertIn(f"Node name: {node}\n", listed)
        self.assertIn("leaf-1", pbx1.data("xmpp list nodes asterisk")["nodes"])
        self.assertEqual(pbx1.do("jabber delete node asterisk leaf-1"), "")
        self.assertEqual(pbx1.do("xmpp purge nodes asterisk leaf-2"), "")
        self.assertNotIn("leaf-", pbx1.do("jabber list nodes asterisk"))
        with self.subTest("what the server refuses is said in its words, and nothing is claimed"):
            answer = pbx1.ask("jabber delete node asterisk leaf-1")
            self.assertEqual(answer.status, 1)
            self.assertIn("item-not-found", answer.text)
        with self.subTest("a client that is not there"):
            answer = pbx1.ask("jabber list nodes nobody")
            self.assertEqual((answer.status, answer.text), (1, "Unable to find client 'nobody'!\n"))

    def test_who_stops_takes_its_states_with_it(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.do("core stop now")
        pbx1.ended()
        wait_until(lambda: pbx2.standing_of("pbx1") == "gone", "pbx1 has left")
        self.until_votes(pbx2, {})

    def test_a_third_server_is_added_without_touching_the_other_two(self):
        self.net_of(3)
        nodes = [self.lamplight_on(number, ANYBODY.format(number=number)).start() for number in (1, 2)]
        with self.subTest("two that admit everybody of the domain find each other by one of them being named"):
            nodes[0].write("jabber.conf", ANYBODY.format(number=1) + "buddy = server2@jabber.shifteight.org\n")
            nodes[0].do("jabber reload")
            self.until_together(*nodes)
        third = self.lamplight_on(3, ANYBODY.format(number=3) + "buddy = server1@jabber.shifteight.org\n"
                                  "buddy = server2@jabber.shifteight.org\n").start()
        self.until_together(*nodes, third)
        third.set("INUSE")
        for node in nodes:
            self.until_votes(node, {"pbx3": "INUSE"})


class OnProsody(Book, JabberTest):
    def test_where_no_node_can_be_made_changes_go_to_each_by_itself_and_it_is_said(self):
        self.net_of(2, admins=[])
        self.server.creators = "nobody"
        self.server.restart()
        nodes = [self.lamplight_on(number).start() for number in (1, 2)]
        nodes[0].until_meets(nodes[1])
        nodes[1].until_meets(nodes[0])
        nodes[0].set("INUSE")
        nodes[1].until_hint("InUse")
        self.assertIn("each by itself", self.bus(nodes[0])["detail"])
        doctor = wait_until(lambda: (answer := nodes[0].ask("xmpp doctor")).status == 1 and answer, "doctor knows")
        self.assertRegex(doctor.text, r"fail +may create")
        self.assertIn("admins", doctor.text)


class OnEjabberd(Book, JabberTest):
    def server_on(self, host, **options):
        return self.ejabberd(host, accounts=ACCOUNTS, **options)


if __name__ == "__main__":
    main()
