"""What is refused of what comes over XMPP: each counted by its reason, as `xmpp show counters` has it, and none of it
ends anything; on a Prosody."""

import base64
import json
import struct

from harness import main, wait_until
from xmpp_faults_test import FaultTest
from xmpp_peer import IQ, PRESENCE, Client, bare
from xmpp_test import JABBER_CONF

FRAMES, MARK = "urn:lamplight:votes:1", "urn:lamplight:presence:1"
EVIL = "02:00:00:00:00:99"
ME = "server1@jabber.shifteight.org/astvoip1"
SERVICE = "pubsub.jabber.shifteight.org"


# Frames of docs/protocol/votes.md.

def frame(kind, body):
    return b"Lv\x01" + bytes([kind]) + struct.pack(">I", 8 + len(body)) + body


def named(text):
    return bytes([len(text)]) + text


def eid_bytes(eid):
    return bytes.fromhex(eid.replace(":", ""))


def hello(eid, name, incarnation=5):
    node = eid_bytes(eid) + b"\x00" + struct.pack(">Q", incarnation) + named(name)
    return frame(1, b"\x01\x01" + named(b"somebody") + struct.pack(">H", 1) + node + struct.pack(">H", 0))


def votes(eid, device, incarnation=5):
    return frame(2, struct.pack(">IH", 0, 1) + b"\x80" + eid_bytes(eid) + struct.pack(">Q", incarnation) +
                 b"\x62" + struct.pack(">IQ", 0, 1) + named(device))


def in_xml(data):
    text = data if isinstance(data, str) else base64.b64encode(data).decode()
    return f"<frame xmlns='{FRAMES}'>{text}</frame>"


class Somebody(Client):
    """A buddy that says what it likes."""

    def heard(self, element):
        if element.tag == PRESENCE and element.get("type") == "subscribe":
            self.send(f"<presence type='subscribed' to='{bare(element.get('from'))}'/>")
        if element.tag == IQ and element.get("type") == "set" and len(element) and element[0].tag.startswith(f"{{{FRAMES}}}"):
            return self.answer(element)
        return super().heard(element)

    def befriend(self, other):
        for kind in ("subscribe", "subscribed"):
            self.send(f"<presence type='{kind}' to='{other}'/>")

    def say(self, content, kind="set"):
        return self.iq(kind, ME, content)


class CountersTest(FaultTest):
    def setUp(self):
        super().setUp()
        self.net_of(3)
        self.pbx1 = self.lamplight_on(1, JABBER_CONF.format(number=1, other=3).replace("/astvoip3", "")).start()
        self.until_connected(self.pbx1)
        self.evil = self.keep(Somebody(self.net[3], self.server, "server3", "mypassword", resource="evil")).login()
        self.evil.befriend(bare(ME))

    def refusals(self):
        """Every `refused: …` of every part, in --json."""
        data = self.pbx1.data("xmpp show counters")
        parts = {"asterisk": data["asterisk"], "lamplights": data["lamplights"], "client": data["clients"]["asterisk"]}
        return {f"{part}: {name[9:]}": number for part, rows in parts.items() for name, number in rows.items()
                if name.startswith("refused: ")}

    def expect(self, reason, deed):
        """The deed is counted by this reason, once, and by no other; and people see it too."""
        before = self.refusals()
        self.assertIn(reason, before)
        deed()
        wait_until(lambda: self.refusals()[reason] == before[reason] + 1, f"it is counted: {reason}")
        self.assertEqual({name: number - before[name] for name, number in self.refusals().items()
                          if number != before[name]}, {reason: 1})
        self.assertIn("refused: " + reason.partition(": ")[2], self.pbx1.do("xmpp show counters"))

    def become_a_lamplight(self):
        self.evil.create_node("lamplight:evil", access_model="open", publish_model="publishers")
        self.evil.send(f"<presence><priority>0</priority><lamplight xmlns='{MARK}' process='00112233445566ab' "
                       f"node='lamplight:evil' service='{SERVICE}'/></presence>")
        wait_until(lambda: self.evil.say(in_xml(hello(EVIL, b"evil"))).get("type") == "result", "it is taken for one")
        wait_until(lambda: [one for one in self.evil.stanzas if one.find(f"{{{FRAMES}}}following") is not None],
                   "its node is followed", 20)

    def test_what_is_said_of_lamplights_by_who_is_none(self):
        self.expect("lamplights: from no Lamplight by its presence", lambda: self.evil.say(in_xml(hello(EVIL, b"evil"))))

    def test_what_is_said_by_a_lamplight(self):
        self.become_a_lamplight()
        say, publish = self.evil.say, lambda content: self.evil.publish("lamplight:evil", "votes", content)
        following = f"<following xmlns='{FRAMES}' node='lamplight:other' service='{SERVICE}'/>"
        for reason, deed in [
                ("no base64 of a frame", lambda: say(in_xml("!!!"))),
                ("no base64 of a frame", lambda: say(in_xml(""))),
                ("too short", lambda: say(in_xml(b"Lv"))),
                ("not a Lamplight frame", lambda: say(in_xml(b"xx" * 30))),
                ("length does not match", lambda: say(in_xml(b"Lv\x01\x02\x00\x00\xff\xff"))),
                ("an IQ of another type than set", lambda: say(in_xml(hello(EVIL, b"evil")), "get")),
                ("about following another's node", lambda: say(following)),
                ("an item with no base64 of a frame", lambda: publish(in_xml("!!!"))),
                ("an item without a frame", lambda: publish("<a xmlns='urn:x'/>")),
                ("not a Lamplight frame", lambda: publish(in_xml(b"yy" * 20))),
                ("votes for a node not announced", lambda: say(in_xml(votes("02:00:00:00:00:98", b"Custom:z"))))]:
            with self.subTest(reason=reason):
                self.expect(f"lamplights: {reason}", deed)
        self.until_said(self.pbx1, r"a frame from \S+ was refused: .*, from server3@jabber\.shifteight\.org/evil")
        self.until_said(self.pbx1, rf"refused: .*lamplight:evil at {SERVICE}")
        self.assertTrue(self.state(self.pbx1)["connected"])
        self.assertEqual(self.state(self.pbx1)["connects"], 1)

    def test_an_event_that_is_no_service_s(self):
        before = self.pbx1.data("xmpp show counters")["asterisk"]["from_strangers"]
        self.evil.send(f"<message to='{ME}'><event xmlns='http://jabber.org/protocol/pubsub#event'><items "
                       "node='device_state'><item id='Custom:f'><state xmlns='http://asterisk.org' "
                       f"eid='{EVIL}' cachable='1'>INUSE</state></item></items></event></message>")
        wait_until(lambda: self.pbx1.data("xmpp show counters")["asterisk"]["from_strangers"] == before + 1, "it is counted")
        self.assertEqual(self.pbx1.votes("Custom:f"), {})

    def test_a_name_that_no_terminal_should_have_is_escaped_in_the_log(self):
        self.become_a_lamplight()
        self.evil.say(in_xml(hello("02:00:00:00:00:97", b"a\xff\x1b[2Jb\xe2\x80\xaec")))
        self.until_said(self.pbx1, r"a\\xff\\x1b\[2Jb\\xe2\\x80\\xaec")
        log = self.pbx1.log()
        self.assertTrue(all(character == "\n" or character.isprintable() for character in log))
        for command in ("node show", "xmpp show counters", "bus show"):
            json.dumps(self.pbx1.data(command))


if __name__ == "__main__":
    main()
