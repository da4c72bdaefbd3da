"""docs/xmpp.md, on real XMPP servers: its configuration, its commands, and what it says they print.

What the page prints of a command has a mark before it, `<!-- answer: SITUATION -->`; a snippet for an XMPP server has
`<!-- prosody: NAME -->` or `<!-- ejabberd: NAME -->`. Answers are compared without numbers and times.
"""

import os
import re
import subprocess
from pathlib import Path

from harness import main, wait_until
from xmpp_net import SERVER_ADDRESSES, Ejabberd, Prosody, XmppTest
from xmpp_peer import ResXmpp

TEXT = (Path(os.environ.get("LAMPLIGHT_SOURCE", Path(__file__).parents[2])) / "docs" / "xmpp.md").read_text()
DOMAIN, HOST = "example.org", "xmpp.example.org"
SITUATIONS = {"pbx1 alone", "pbx1", "pbx2", "pbx1 forbidden", "pbx1 asterisks"}
TIED_EID, UNTIED_EID = "02:00:00:78:00:02", "02:00:00:78:00:03"


def marked(mark):
    """The snippet that has this mark."""
    return re.search(rf"^<!-- {re.escape(mark)} -->\n```\w+\n(.*?)^```", TEXT, re.S | re.M).group(1)


def fenced(first_line):
    """The block that begins so."""
    return re.search(rf"^```\w*\n({re.escape(first_line)}\n.*?)^```", TEXT, re.S | re.M).group(1)


def answers():
    """(situation, command, what it prints) of each answer."""
    found = re.finditer(r'^( *)<!-- answer: ([\w ]+) -->\n *```\n *\$ lamplight -x "([^"]+)"\n(.*?)^ *```$', TEXT,
                        re.S | re.M)
    return [(one[2], one[3], re.sub(rf"^{one[1]}", "", one[4], flags=re.M)) for one in found]


def masked(text):
    """Without what varies: numbers, times, names made of entity IDs, and the width of columns."""
    text = re.sub(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", "EID", text)
    text = re.sub(r"lamplight:[0-9a-f]{12}\b", "lamplight:EID", text)
    text = re.sub(r"(?<![\w@])\d[\d:.-]*", "0", text)
    return [re.sub(r"(?<=\S) +", " ", line.rstrip()) for line in text.strip().splitlines()]


class DocumentedProsody(Prosody):
    """Prosody with the page's domain, its limits, and its certificate of one's own."""

    block, admins_instead = "prosody: tls", None

    def configuration(self):
        settings = super().configuration().partition(f'VirtualHost "{self.domain}"')[0]
        domain = marked(self.block)
        if self.admins_instead:
            domain = re.sub(r"(?<=    admins = )\{.*?\}", self.admins_instead, domain)
        return settings + 'certificates = "certs"\n' + fenced("limits = {") + domain

    def modules(self):
        return [*super().modules(), "limits", "register", "invites", "invites_register"]

    def certify(self, **_):
        folder = self.place / "certs"
        folder.mkdir()
        command = re.search(r"sudo (openssl req -x509 .*?\.crt)\n", TEXT, re.S).group(1)
        subprocess.run(["sh", "-ec", command], cwd=folder, check=True, capture_output=True)

    @property
    def ca(self):
        return self.place / "certs" / "example.org.crt"


class ClearProsody(DocumentedProsody):
    block = "prosody: clear"


def yaml(text):
    """Of YAML, what the page's snippets have: mappings, and lists of words. Two spaces a level."""
    lines = [(len(line) - len(line.lstrip()), line.strip()) for line in text.splitlines() if line.strip()]

    def level(start, depth):
        if lines[start][1].startswith("- "):
            end = next((at for at in range(start, len(lines)) if not lines[at][1].startswith("- ")), len(lines))
            return [line[2:].strip('"') for _, line in lines[start:end]], end
        found, at = {}, start
        while at < len(lines) and lines[at][0] == depth:
            name, _, value = lines[at][1].partition(":")
            found[name], at = (value.strip(), at + 1) if value else level(at + 1, lines[at + 1][0])
        return found, at
    return level(0, 0)[0]


class DocumentedEjabberd(Ejabberd):
    """Ejabberd with the page's snippets in the place of what has the same names, in Debian's names."""

    def configuration(self):
        settings = super().configuration()
        settings["access_rules"]["pubsub_createnode"] = {"deny": "all"}
        settings["modules"]["mod_pubsub"]["access_createnode"] = "pubsub_createnode"
        certificate = settings["certfiles"]
        for name, value in {**yaml(marked("ejabberd: hosts")), **yaml(marked("ejabberd: pbx"))}.items():
            settings[name] = {**settings[name], **value} if isinstance(value, dict) else value
        assert settings["certfiles"] == ["/etc/ejabberd/example.org.pem"], settings["certfiles"]
        return {**settings, "certfiles": certificate}


class Document(XmppTest):
    def server_there(self, kind=DocumentedProsody, accounts=("server1", "server2"), **options):
        self.net = self.network(pbxs=3, servers=(DOMAIN,), names=[(SERVER_ADDRESSES[0], HOST)])
        self.server = kind(self.net.servers[0], **{"accounts": {name: "mypassword" for name in accounts},
                                                   "tls": "required", **options})
        self.servers.append(self.server)
        return self.server

    def jabber_conf(self, number, others, tls=True):
        """The page's, for this server, with a buddy line for each of the others."""
        text = fenced("[general]\nautoregister = yes").replace("/etc/lamplight/xmpp-ca.pem", str(self.server.ca))
        if not tls:
            text = re.sub(r"tls_ca = .*", "usetls = no", text)
        text, buddy = re.fullmatch(r"(.*\n)(buddy = .*\n)", text, re.S).groups()
        buddies = [re.sub(r"(server|astvoip)2", rf"\g<1>{other}", buddy) for other in others]
        return re.sub(r"(server|astvoip)1", rf"\g<1>{number}", text) + "".join(buddies)

    def lamplight(self, number, others=None, more="", **options):
        node = self.node_on(self.net[number])
        node.write("jabber.conf", self.jabber_conf(number, others or [3 - number], **options) + more)
        node.write("extensions.conf", fenced("[devstate_test]"))
        self.assertEqual((checked := node.check()).status, 0, checked)
        return node.start()

    def pair(self, **options):
        pair = [self.lamplight(number, **options) for number in (1, 2)]
        pair[0].until_meets(pair[1])
        pair[1].until_meets(pair[0])
        return pair

    def until_as_written(self, situation, node):
        """Each answer of this situation is the real one."""
        written = [(command, text) for where, command, text in answers() if where == situation]
        self.assertTrue(written, situation)
        for command, text in written:
            with self.subTest(situation=situation, command=command):
                try:
                    wait_until(lambda: masked(node.ask(command).text) == masked(text), command)
                except AssertionError:
                    self.assertEqual(masked(node.ask(command).text), masked(text), node.ask(command).text)

    def test_each_answer_in_it_is_of_a_known_situation(self):
        self.assertEqual({situation for situation, _, _ in answers()}, SITUATIONS)
        self.assertEqual(len(answers()), TEXT.count("<!-- answer:"))

    def test_two_servers_answer_as_it_says_and_every_command_of_it_works(self):
        self.server_there().start()
        pbx1 = self.lamplight(1)
        self.until_as_written("pbx1 alone", pbx1)
        pbx2 = self.lamplight(2)
        pbx2.until_meets(pbx1)
        wait_until(lambda: "as items" in pbx1.do("bus show"), "pbx1 has its node and pbx2 follows it")
        self.assertIn(pbx1.do("dialplan set global DEVICE_STATE(Custom:abc) INUSE").strip(), TEXT)
        pbx2.until_hint("InUse")
        self.assertIn(pbx2.do("core show hints").strip(), TEXT)
        self.until_as_written("pbx1", pbx1)
        self.until_as_written("pbx2", pbx2)
        commands = re.findall(r'lamplight -x "([^"]+)"', TEXT)
        self.assertGreater(len(commands), 20)
        for command in commands:
            pbx1.do(command)

    def test_only_administrators_make_nodes_and_the_doctor_says_what_to_change(self):
        self.server_there().admins_instead = '{ "admin@example.org" }'
        self.server.start()
        pbx1, pbx2 = self.pair()
        self.until_as_written("pbx1 forbidden", pbx1)
        self.assertEqual(pbx1.ask("xmpp doctor").status, 1)
        with self.subTest("states pass all the same"):
            pbx1.set("INUSE")
            pbx2.until_hint("InUse")

    def test_an_asterisk_that_is_tied_and_one_that_is_not_are_told_apart(self):
        self.server_there(accounts=("server1", "server2", "server3")).start()
        pbx1 = self.lamplight(1, [2], f"eid = {TIED_EID}\nbuddy = server3@example.org\n")
        self.assertIn(f"eid = {TIED_EID} ", TEXT)
        wait_until(lambda: "message_waiting" in pbx1.ask("xmpp list nodes asterisk").text, "the nodes are there")
        for number, eid in ((2, TIED_EID), (3, UNTIED_EID)):
            asterisk = ResXmpp(self.net[number], self.server, f"server{number}", eid=eid, pauses=None,
                               buddies=["server1@example.org"], resource=f"astvoip{number}")
            self.keep(asterisk).login().until_connected()
            asterisk.set("Custom:abc", "INUSE")
            wait_until(lambda eid=eid: pbx1.votes().get(eid) == "INUSE", f"{eid} is heard")
        self.until_as_written("pbx1 asterisks", pbx1)

    def test_a_third_server_is_added_as_it_says(self):
        self.server_there().start()
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        self.server.add_account("server3", "mypassword")
        self.server.admins_instead = '{ "server1@example.org", "server2@example.org", "server3@example.org" }'
        self.server.restart()
        pbx3 = self.lamplight(3, [1, 2])
        for number, node in ((1, pbx1), (2, pbx2)):
            node.write("jabber.conf", self.jabber_conf(number, [3 - number, 3]))
            node.do("jabber reload")
        pbx3.until_meets(pbx1, pbx2)
        pbx3.until_hint("InUse")
        wait_until(lambda: pbx3.ask("xmpp doctor").status == 0, "nothing is missing on the third")

    def test_the_clear_prosody_takes_the_books_login_and_lets_the_servers_register(self):
        server = self.server_there(ClearProsody, accounts=())
        self.network_of_servers(server)
        server.start()
        pbx1, pbx2 = self.pair(tls=False, more="register_account = yes\n")
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.assertTrue(server.has_account("server1") and server.has_account("server2"))

    def network_of_servers(self, server):
        """The page's network is one for documents; ours stands in its place."""
        text = server.configuration
        server.configuration = lambda: text().replace("192.0.2.0/24", "10.24.22.0/24")

    def test_the_ejabberd_of_it_makes_nodes_for_the_servers_and_states_pass(self):
        self.server_there(DocumentedEjabberd).start()
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        for node in (pbx1, pbx2):
            wait_until(lambda node=node: node.ask("xmpp doctor").status == 0, f"{node.name} may make nodes")
            self.assertNotIn("each by itself", node.do("bus show"))

    def test_an_ejabberd_that_keeps_passwords_plain_lets_the_servers_register(self):
        [row] = [line for line in TEXT.splitlines() if line.startswith("| `register_account` |")]
        self.assertIn("`auth_password_format: plain`", row)
        server = self.server_there(DocumentedEjabberd, accounts=(), registration=True,
                                   more={"auth_password_format": "plain"}).start()
        pbx1, pbx2 = self.pair(more="register_account = yes\n")
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.assertTrue(server.has_account("server1") and server.has_account("server2"))


if __name__ == "__main__":
    main()
