"""The node commands on services with thousands of nodes: with pages (XEP-0059), and without."""

from harness import main
from xmpp_faults_test import FaultTest
from xmpp_net import DOMAIN
from xmpp_peer import DISCO_ITEMS, IQ, OWNER, Client
from xmpp_server import escape
from xmpp_tigase import Tigase

RSM = "http://jabber.org/protocol/rsm"


class OfAServiceWithoutPages(FaultTest):
    """Prosody answers with all nodes at once, whatever is said of pages."""

    def with_nodes(self, count, name="SIP/phone-{:05}"):
        self.net_of(2)
        self.pbx1 = self.lamplight_on(1).start()
        self.until_connected(self.pbx1)
        client = self.keep(Client(self.net[2], self.server, "server2", "mypassword")).login()
        for number in range(count):
            client.write(f"<iq type='set' to='{self.server.service}' id='make{number}'><pubsub xmlns="
                         f"'http://jabber.org/protocol/pubsub'><create node='{name.format(number)}'/></pubsub></iq>")
            if number % 100 == 99:
                client.wait_for(lambda one, last=number: one.get("id") == f"make{last}", "it is made", 60,
                                max(0, len(client.stanzas) - 200))

    def test_a_thousand_nodes_are_listed(self):
        self.with_nodes(1_000)
        nodes = self.pbx1.data("xmpp list nodes asterisk")["nodes"]
        self.assertEqual(len([node for node in nodes if node.startswith("SIP/phone-")]), 1_000)

    def test_a_list_that_is_too_large_is_said_to_be_and_costs_nothing_else(self):
        self.with_nodes(1_400, "SIP/" + 160 * "x" + "-{:05}")
        connects = self.state(self.pbx1)["connects"]
        answer = self.pbx1.ask("jabber list nodes asterisk")
        self.assertEqual(answer.status, 1)
        self.assertIn("the list is too large: the service gives it in one piece", answer.text + answer.errors)
        self.assertEqual(self.state(self.pbx1)["connects"], connects)
        self.assertTrue(self.state(self.pbx1)["connected"])
        counters = self.pbx1.data("xmpp show counters")["clients"]["asterisk"]
        self.assertEqual(counters["refused: stanza too large"], 1)


class OfAServiceWithPages(FaultTest):
    """A scripted one, with 6,500 nodes."""

    def server_on(self, host, **_):
        self.listed = [f"SIP/phone-{number:05}" for number in range(6_500)]
        self.asked = []
        self.server = Tigase(host, "5.1.5", {"server1": "mypassword", "server2": "mypassword"})
        return self.server.on_stanza(self.hear)

    def hear(self, connection, stanza):
        if stanza.tag == IQ and stanza.find(f"{{{OWNER}}}pubsub/{{{OWNER}}}delete") is not None:
            self.listed.remove(stanza[0][0].get("node"))
            connection.answer(stanza)
            return True
        query = stanza.find(f"{{{DISCO_ITEMS}}}query")
        if stanza.tag != IQ or stanza.get("type") != "get" or query is None or stanza.get("to") != self.server.service:
            return False
        pages = query.find(f"{{{RSM}}}set")
        if pages is None:
            return False
        after = pages.findtext(f"{{{RSM}}}after")
        self.asked.append(after)
        first = self.listed.index(after) + 1 if after in self.listed else 0
        page = self.listed[first:first + int(pages.findtext(f"{{{RSM}}}max"))]
        items = "".join(f"<item jid='{self.server.service}' node='{escape(node)}'/>" for node in page)
        ends = f"<first index='{first}'>{page[0]}</first><last>{page[-1]}</last>" if page else ""
        connection.answer(stanza, f"<query xmlns='{DISCO_ITEMS}'>{items}<set xmlns='{RSM}'>{ends}"
                          f"<count>{len(self.listed)}</count></set></query>")
        return True

    def test_all_of_them_are_listed(self):
        self.net_of(1)
        pbx1 = self.lamplight_on(1).start()
        self.until_connected(pbx1)
        listed = pbx1.data("xmpp list nodes asterisk")
        self.assertEqual(listed["nodes"], self.listed)
        self.assertFalse(listed["more"])
        self.assertEqual(len(self.asked), 65)
        self.assertEqual(self.state(pbx1)["connects"], 1)
        self.assertIn(f"server1@{DOMAIN}", pbx1.do("jabber list nodes asterisk"))

    def test_all_of_a_collection_are_purged(self):
        self.net_of(1)
        pbx1 = self.lamplight_on(1, self.jabber_conf(1).replace("[general]", "[general]\ncollection_nodes = yes")).start()
        self.until_connected(pbx1)
        del self.listed[1_000:]
        self.assertEqual(pbx1.do("xmpp purge nodes asterisk device_state"), "")
        self.assertEqual(self.listed, [])
        self.assertEqual(self.state(pbx1)["connects"], 1)


if __name__ == "__main__":
    main()
