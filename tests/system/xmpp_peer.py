"""XMPP clients for system tests: a bare one, and a scripted Asterisk as res_jabber (1.8) and res_xmpp (22) speak.

They live in the test program; only their connection comes from inside a host of xmpp_net.py.

    admin = self.keep(Client(net[1], prosody, "admin", "secret")).login()
    admin.prepare_nodes()                                      # device_state and message_waiting, open for all
    admin.subscribe("device_state")
    admin.publish("device_state", "Custom:abc", "<state xmlns='http://asterisk.org' eid='…' cachable='1'>INUSE</state>")
    admin.wait_for(lambda stanza: stanza.tag == MESSAGE and …, "the event")
    admin.iq("get", "jabber.shifteight.org", "<ping xmlns='urn:xmpp:ping'/>")   # the answer, result or error

    asterisk = self.keep(ResXmpp(net[2], prosody, "astvoip2", "secret", eid="02:00:00:78:00:02",
                                 buddies=["astvoip1@jabber.shifteight.org"])).login()
    asterisk.set("Custom:abc", "RINGING"); asterisk.mwi("1000", "default", 2, 5)
    asterisk.until_votes("Custom:abc", {asterisk.eid: "RINGING", other_eid: "INUSE"})
    self.assertEqual(asterisk.deaths + asterisk.blinds, [])    # nothing came that kills or blinds a real one

end() closes the connection without a word, as the death of a process does; logout() ends the stream first.
"""

import base64
import hashlib
import select
import socket
import ssl
import threading
import time
import xml.parsers.expat
from xml.sax.saxutils import escape, quoteattr

from harness import PATIENCE
from xmpp_server import BIND, CLIENT, SASL, SESSION, STREAMS, TLS, StreamReader, text_of

IQ, MESSAGE, PRESENCE = (f"{{{CLIENT}}}{name}" for name in ("iq", "message", "presence"))
FEATURES = f"{{{STREAMS}}}features"
PUBSUB = "http://jabber.org/protocol/pubsub"
OWNER = f"{PUBSUB}#owner"
EVENT = f"{PUBSUB}#event"
DISCO_INFO, DISCO_ITEMS = (f"http://jabber.org/protocol/disco#{part}" for part in ("info", "items"))
ROSTER = "jabber:iq:roster"
ERROR = f"{{{CLIENT}}}error"
STATES = ["UNKNOWN", "NOT_INUSE", "INUSE", "BUSY", "INVALID", "UNAVAILABLE", "RINGING", "RINGINUSE", "ONHOLD"]


def bare(jid):
    return (jid or "").partition("/")[0]


def form(form_type, fields, kind="submit"):
    """A data form; `fields` by their name after `pubsub#`."""
    words = "".join(f"<field var='pubsub#{name}'><value>{escape(str(value))}</value></field>"
                    for name, value in fields.items())
    return (f"<x xmlns='jabber:x:data' type='{kind}'><field var='FORM_TYPE' type='hidden'><value>{form_type}</value>"
            f"</field>{words}</x>")


def child(element, *tags):
    """The element that this path leads to, or None."""
    for tag in tags:
        element = None if element is None else element.find(tag)
    return element


class Refused(AssertionError):
    """The server does not let the account in; `element` is its answer."""

    def __init__(self, text, element):
        super().__init__(text)
        self.element = element


class Client:
    """One stream; `tls`: whether it asks for STARTTLS, when the server has TLS at all without a word."""

    def __init__(self, host, server, name, password=None, resource="test", tls=None):
        self.host, self.server, self.name = host, server, name
        self.password = password if password is not None else server.accounts.get(name, "")
        self.resource, self.tls = resource, server.tls != "off" if tls is None else tls
        self.domain, self.service = server.domain, server.service
        self.bare, self.jid = f"{name}@{self.domain}", None
        self.changed = threading.Condition(threading.RLock())
        self.writing = threading.Lock()
        self.stanzas = []  # all that came since the first login, oldest first
        self.sent = []
        self.link, self.thread, self.up = None, None, False
        self.number = 0

    # --- login ---

    def login(self):
        """Returns when the resource is bound and begin() is done; Refused when the server does not let it in."""
        self.link = self.host.connect(self.server.host.address)
        self.link.settimeout(PATIENCE)
        self.early, self.over, self.stream_id = [], False, None
        self._open_stream()
        features = self._next(FEATURES)
        if self.tls and features.find(f"{{{TLS}}}starttls") is not None:
            self._start_tls()
            features = self._next(FEATURES)
        self.authenticate(features)
        self._open_stream()
        self._next(FEATURES)
        self.bind()
        self.up = True
        self.thread = threading.Thread(target=self._listen, args=(self.link,), daemon=True)
        self.thread.start()
        self.begin()
        return self

    def _open_stream(self):
        self.reader = StreamReader(self._header, self._element, self._end)
        self.write(f"<?xml version='1.0'?><stream:stream xmlns:stream='{STREAMS}' xmlns='{CLIENT}' to='{self.domain}' "
                   "version='1.0'>")

    def _start_tls(self):
        self.write(f"<starttls xmlns='{TLS}'/>")
        self._next(f"{{{TLS}}}proceed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # as Asterisk does
        self.link = context.wrap_socket(self.link, server_hostname=self.domain)
        self._open_stream()

    def authenticate(self, features):
        mechanisms = [one.text for one in features.iter(f"{{{SASL}}}mechanism")]
        if "PLAIN" not in mechanisms:
            raise Refused(f"{self.bare}: no PLAIN in {mechanisms}", features)
        token = base64.b64encode(f"\0{self.name}\0{self.password}".encode()).decode()
        self.write(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{token}</auth>")
        answer = self._next(f"{{{SASL}}}success", f"{{{SASL}}}failure")
        if answer.tag.endswith("failure"):
            raise Refused(f"{self.bare}: {text_of(answer)}", answer)

    def bind(self):
        self.write(f"<iq type='set' id='aaaaa'><bind xmlns='{BIND}'><resource>{self.resource}</resource></bind></iq>"
                   f"<iq type='set' id='auth'><session xmlns='{SESSION}'/></iq>")
        answer = self._next(IQ)
        self.jid = answer.findtext(f"{{{BIND}}}bind/{{{BIND}}}jid")
        if self.jid is None:
            raise Refused(f"{self.bare}: {text_of(answer)}", answer)
        self._next(IQ)

    def begin(self):
        """What is said first."""
        self.send("<presence/>")

    # --- reading ---

    def _header(self, attributes):
        self.stream_id = attributes.get("id")

    def _element(self, element):
        if not self.up:
            self.early.append(element)
            return
        with self.changed:
            self.stanzas.append(element)
            self.changed.notify_all()
        self.heard(element)

    def _end(self):
        self.over = True

    def _next(self, *tags):
        """Before the thread runs: the next element of these."""
        while True:
            while self.early:
                element = self.early.pop(0)
                if element.tag in tags:
                    return element
                if element.tag == f"{{{STREAMS}}}error":
                    raise Refused(f"{self.bare}: {text_of(element)}", element)
            data = self.link.recv(65536)
            if not data or self.over:
                raise Refused(f"{self.bare}: the server closed the stream", None)
            self.reader.feed(data)

    def _listen(self, link):
        try:
            while not self.over:
                data = self._receive(link)
                if not data:
                    break
                self.reader.feed(data)
        except (OSError, ValueError, xml.parsers.expat.ExpatError):
            pass
        with self.changed:
            self.up = False
            self.changed.notify_all()
        link.close()
        self.lost()

    def _receive(self, link):
        """One thread reads and any may write, which a TLS connection allows one at a time only."""
        if not isinstance(link, ssl.SSLSocket):
            link.settimeout(None)
            return link.recv(65536)
        while True:
            if link.pending() or select.select([link], [], [], 0.1)[0]:
                with self.writing:
                    link.settimeout(0.05)
                    try:
                        return link.recv(65536)
                    except (TimeoutError, ssl.SSLWantReadError):
                        pass
                    finally:
                        link.settimeout(PATIENCE)

    def heard(self, element):
        """Answers what a server or a peer asks."""
        if element.tag != IQ or element.get("type") not in ("get", "set"):
            return
        payload = element[0].tag if len(element) else ""
        if payload == f"{{{ROSTER}}}query" or payload == "{urn:xmpp:ping}ping":
            self.answer(element)
        else:
            self.answer(element, "<error type='cancel'><service-unavailable "
                                 "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "error")

    def lost(self):
        """The stream ended, by whomever."""

    # --- writing ---

    def write(self, text):
        with self.writing:
            self.link.sendall(text.encode())

    def send(self, text):
        """Any text; OSError when the stream is down."""
        self.sent.append(text)
        self.write(text)

    def answer(self, request, inner="", kind="result"):
        to = f" to={quoteattr(request.get('from'))}" if request.get("from") else ""
        self.send(f"<iq type='{kind}' id={quoteattr(request.get('id', ''))}{to}>{inner}</iq>")

    # --- asking ---

    def wait_for(self, condition, what, seconds=PATIENCE, start=0):
        """The first stanza, from index `start` on, for which `condition(stanza)` holds."""
        deadline = time.monotonic() + seconds
        index = start
        with self.changed:
            while True:
                while index < len(self.stanzas):
                    if condition(self.stanzas[index]):
                        return self.stanzas[index]
                    index += 1
                if not self.changed.wait(max(0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    last = "\n".join(text_of(stanza)[:500] for stanza in self.stanzas[-10:])
                    raise AssertionError(f"not within {seconds:g} s: {self.bare} hears {what}; the last:\n{last}")

    def until(self, condition, what, seconds=PATIENCE):
        """Waits until `condition()` holds, looked at after each stanza."""
        with self.changed:
            if not self.changed.wait_for(condition, seconds):
                raise AssertionError(f"not within {seconds:g} s: {self.bare}: {what}\n{self.view()}")

    def view(self):
        """For messages of failed tests."""
        return "\n".join(text_of(stanza)[:500] for stanza in self.stanzas[-10:])

    def iq(self, kind, to, inner, seconds=PATIENCE):
        """The answer, be it a result or an error."""
        self.number += 1
        name, start = f"test{self.number}", len(self.stanzas)
        destination = f" to={quoteattr(to)}" if to else ""
        self.send(f"<iq type='{kind}'{destination} id='{name}'>{inner}</iq>")
        return self.wait_for(lambda stanza: stanza.tag == IQ and stanza.get("id") == name and
                             stanza.get("type") in ("result", "error"), f"an answer to {inner[:200]}", seconds, start)

    def done(self, kind, to, inner):
        """As iq(), for what has to succeed."""
        answer = self.iq(kind, to, inner)
        assert answer.get("type") == "result", f"{inner}: {text_of(answer)}"
        return answer

    # --- PubSub, each has to succeed ---

    def pubsub(self, kind, inner, namespace=PUBSUB):
        return self.done(kind, self.service, f"<pubsub xmlns='{namespace}'>{inner}</pubsub>")

    def create_node(self, node, **fields):
        """`fields` of the configuration: access_model="open" …"""
        configure = f"<configure>{form(f'{PUBSUB}#node_config', fields)}</configure>" if fields else ""
        return self.pubsub("set", f"<create node={quoteattr(node)}/>{configure}")

    def configure_node(self, node, **fields):
        return self.pubsub("set", f"<configure node={quoteattr(node)}>{form(f'{PUBSUB}#node_config', fields)}"
                                  "</configure>", OWNER)

    def delete_node(self, node):
        return self.pubsub("set", f"<delete node={quoteattr(node)}/>", OWNER)

    def prepare_nodes(self, *nodes, **fields):
        """As an administrator does it for Asterisks: anybody may subscribe and publish."""
        for node in nodes or ("device_state", "message_waiting"):
            self.create_node(node, **{"access_model": "open", "publish_model": "open", **fields})

    def affiliate(self, node, affiliations):
        """`affiliations` by JID."""
        words = "".join(f"<affiliation jid={quoteattr(jid)} affiliation='{kind}'/>"
                        for jid, kind in affiliations.items())
        return self.pubsub("set", f"<affiliations node={quoteattr(node)}>{words}</affiliations>", OWNER)

    def subscribe(self, node):
        return self.pubsub("set", f"<subscribe node={quoteattr(node)} jid='{self.bare}'/>")

    def publish(self, node, item, payload):
        words = f"<item id={quoteattr(item)}>{payload}</item>"
        return self.pubsub("set", f"<publish node={quoteattr(node)}>{words}</publish>")

    def retract(self, node, item):
        return self.pubsub("set", f"<retract node={quoteattr(node)} notify='1'><item id={quoteattr(item)}/></retract>")

    def items(self, node):
        """Payloads by id that the service keeps."""
        answer = self.pubsub("get", f"<items node={quoteattr(node)}/>")
        return {item.get("id"): item[0] if len(item) else None for item in answer.iter(f"{{{PUBSUB}}}item")}

    def nodes(self):
        """Names of the nodes that the service shows."""
        answer = self.done("get", self.service, f"<query xmlns='{DISCO_ITEMS}'/>")
        return {item.get("node") for item in answer.iter(f"{{{DISCO_ITEMS}}}item")}

    def events(self, node):
        """(item id, payload) of all that came for this node, in order."""
        came = []
        for stanza in list(self.stanzas):
            items = child(stanza, f"{{{EVENT}}}event", f"{{{EVENT}}}items") if stanza.tag == MESSAGE else None
            if items is not None and items.get("node") == node:
                came += [(item.get("id"), item[0] if len(item) else None) for item in items]
        return came

    # --- how it ends ---

    def logout(self):
        try:
            self.write("</stream:stream>")
        finally:
            self.end()

    def end(self):
        """Closes the connection without a word."""
        if self.link is None:
            return
        try:
            self.link.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        if self.thread:
            self.thread.join(PATIENCE)
        self.link.close()
        self.up = False

    def end_everything(self):
        self.end()


class ResXmpp(Client):
    """An Asterisk with res_xmpp ("22") or res_jabber ("1.8"): says what it says, and believes what it believes.

    believed     state by EID by device, of other servers; counts by EID by mailbox@context in `mailboxes`
    passing      (device, EID, state) of states that are not to be kept
    deaths       what came that would have killed a real one
    blinds       what came that a real one does not understand, and loses something by
    ignored      what it leaves alone; errors: PubSub errors that it logs

    After a death it goes on all the same. `collection_nodes`, `pubsub_autocreate`, `autoregister` as in xmpp.conf. It
    comes back by itself after `pauses` unless that is None; while it is away 22 keeps its own states for the next
    login, and 1.8 loses them, as theirs do.
    """

    PAUSES = {"22": (1, 2, 4, 8, 16, 32, 60), "1.8": (4,)}

    def __init__(self, host, server, name, password=None, eid=None, resource="asterisk-xmpp", generation="22",
                 buddies=(), collection_nodes=False, pubsub_autocreate=False, autoregister=True, pauses=(),
                 section="asterisk", tls=None):
        super().__init__(host, server, name, password, resource, tls)
        self.eid = eid or "02:" + ":".join(f"{byte:02x}" for byte in hashlib.sha256(name.encode()).digest()[:5])
        self.generation, self.buddies, self.section = generation, list(buddies), section
        self.collection_nodes, self.pubsub_autocreate = collection_nodes, pubsub_autocreate
        self.autoregister = autoregister
        self.pauses = self.PAUSES[generation] if pauses == () else pauses
        self.own, self.own_mailboxes = {}, {}
        self.believed, self.mailboxes, self.passing = {}, {}, []
        self.deaths, self.blinds, self.ignored, self.errors = [], [], [], []
        self.present = set()  # full JIDs
        self.logins, self.connected = 0, False
        self.wanted, self.away = True, threading.Event()

    # --- what it says, word for word ---

    def next_id(self):
        """Five letters, counted from the right."""
        number, letters = self.number, ""
        self.number += 1
        for _ in range(5):
            letters = chr(ord("a") + number % 26) + letters
            number //= 26
        return letters

    def request(self, inner, kind="set"):
        self.send(f"<iq to='{self.service}' from='{self.jid}' type='{kind}' id='{self.next_id()}'>{inner}</iq>")

    def begin(self):
        self.connected, self.number = False, 3
        self.logins += 1
        if self.generation == "22":
            for node in ("device_state", "message_waiting"):
                self.request(f"<pubsub xmlns='{PUBSUB}'><unsubscribe jid='{self.bare}' node='{node}'/></pubsub>")
            self.say_own()
            self.subscribe_both()
            self.ask_roster()
            self.say_presence()
        else:
            self.say_presence()
            self.ask_roster()
            if self.logins == 1:
                self.say_own()
            self.subscribe_both()

    def subscribe_both(self):
        for node in ("device_state", "message_waiting"):
            self.request(f"<pubsub xmlns='{PUBSUB}'><subscribe jid='{self.bare}' node='{node}'/>"
                         f"{self.subscribe_options()}</pubsub>")

    def subscribe_options(self):
        if not self.collection_nodes:
            return ""
        head = ("<options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
                f"{PUBSUB}#subscribe_options</value></field>")
        if self.generation == "22":
            return (f"{head}<field var='pubsub#subscription_type'><value>items</value></field>"
                    "<field var='pubsub#subscription_depth'><value>all</value></field>"
                    "<field var='pubsub#expire'><value>presence</value></field></x></options>")
        return (f"{head}<field var='pubsub#subscription_depth'><value>items</value></field>"
                "<field><value>all</value></field></x></options>")

    def ask_roster(self):
        self.send(f"<iq type='get' id='roster'><query xmlns='{ROSTER}'/></iq>")

    def say_presence(self):
        priority, ext = (1, "voice-v1 video-v1 camera-v1") if self.generation == "22" else (0, "voice-v1")
        self.send(f"<presence from='{self.jid}'><status>Online and Available</status><priority>{priority}</priority>"
                  f"<c node='http://www.asterisk.org/xmpp/client/caps' ver='asterisk-xmpp' ext='{ext}' "
                  "xmlns='http://jabber.org/protocol/caps'/></presence>")

    def say_own(self):
        for device, state in list(self.own.items()):
            self.publish_state(device, state)
        for mailbox, counts in list(self.own_mailboxes.items()):
            self.publish_mailbox(mailbox, *counts)

    def publish_state(self, device, state, cachable=True):
        if self.pubsub_autocreate:
            self.create_like_asterisk(device, "leaf" if self.collection_nodes else None)
        node = device if self.collection_nodes else "device_state"
        options = "" if cachable else (
            "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
            f"{PUBSUB}#publish-options</value></field><field var='pubsub#persist_items'><value>0</value></field></x>"
            "</publish-options>")
        self.request(f"<pubsub xmlns='{PUBSUB}'><publish node={attribute(node)}><item id={attribute(device)}>"
                     f"<state xmlns='http://asterisk.org' eid='{self.eid}' cachable='{int(cachable)}'>{state}</state>"
                     f"</item></publish>{options}</pubsub>")

    def publish_mailbox(self, mailbox, new, old):
        node = mailbox if self.collection_nodes else "message_waiting"
        self.request(f"<pubsub xmlns='{PUBSUB}'><publish node={attribute(node)}><item id={attribute(mailbox)}>"
                     f"<mailbox xmlns='http://asterisk.org' eid='{self.eid}'><NEWMSGS>{new}</NEWMSGS>"
                     f"<OLDMSGS>{old}</OLDMSGS></mailbox></item></publish></pubsub>")

    def create_like_asterisk(self, node, node_type=None, collection="device_state"):
        """With its two FORM_TYPE fields, and the affiliations that follow whatever the answer is."""
        kind = f"<field var='pubsub#node_type'><value>{node_type}</value></field>" if node_type else ""
        below = f"<field var='pubsub#collection'><value>{collection}</value></field>" if node_type == "leaf" else ""
        self.request(
            f"<pubsub xmlns='{PUBSUB}'><create node={attribute(node)}/><configure>"
            "<x xmlns='jabber:x:data' type='submit'>"
            f"<field var='FORM_TYPE' type='hidden'><value>{OWNER}</value></field>{kind}"
            f"<field var='FORM_TYPE' type='hidden'><value>{PUBSUB}#node_config</value></field>"
            "<field var='pubsub#deliver_payloads'><value>1</value></field>"
            "<field var='pubsub#persist_items'><value>1</value></field>"
            f"<field var='pubsub#access_model'><value>whitelist</value></field>{below}</x></configure></pubsub>")
        owners = "".join(f"<affiliation jid={attribute(buddy)} affiliation='owner'/>" for buddy in self.buddies)
        self.request(f"<pubsub xmlns='{OWNER}'><affiliations node={attribute(node)}>{owners}</affiliations></pubsub>")

    # --- what a test lets it do ---

    def set(self, device, state, cachable=True):
        """A state of its own; said now when it is connected."""
        if cachable:
            self.own[device] = state
        self._say(lambda: self.publish_state(device, state, cachable))

    def mwi(self, mailbox, context, new, old):
        self.own_mailboxes[f"{mailbox}@{context}"] = (new, old)
        self._say(lambda: self.publish_mailbox(f"{mailbox}@{context}", new, old))

    def _say(self, deed):
        try:
            if self.up:
                deed()
        except OSError:  # lost, as a real one's
            pass

    def ping(self):
        """As it does after 50 s in which nothing came."""
        self.send(f"<iq type='get' to='{self.domain}' from='{self.jid}' id='{self.next_id()}'>"
                  "<ping xmlns='urn:xmpp:ping'/></iq>")

    # --- what it hears ---

    def heard(self, element):
        with self.changed:
            if element.tag == MESSAGE:
                self.hear_message(element)
            elif element.tag == IQ:
                self.hear_iq(element)
            elif element.tag == PRESENCE:
                self.hear_presence(element)
            self.changed.notify_all()

    def hear_message(self, message):
        event = message.find(f"{{{EVENT}}}event")
        if event is None or message.get("from") != self.service:
            self.ignored.append(text_of(message))
            return
        if event.find(f"{{{EVENT}}}subscription") is not None:  # a line in its log, and nothing else
            self.ignored.append(text_of(message))
            return
        items = event.find(f"{{{EVENT}}}items")
        item = child(items, f"{{{EVENT}}}item")
        if item is None:
            self.blinds.append(("no item", text_of(message)))
            return
        if len(items.findall(f"{{{EVENT}}}item")) > 1:
            self.blinds.append(("further items", text_of(message)))
        fault = self.hear_item(item)
        if fault:
            self.deaths.append((fault, text_of(message)))

    def hear_item(self, item):
        """What kills it, if anything does."""
        if item.text or not len(item):
            return "no element directly in the item"
        content, eid = item[0], item[0].get("eid")
        name = content.tag.rpartition("}")[2].lower()
        if eid is None:
            return "no eid"
        if eid == self.eid:
            return None
        if name == "state":
            return self.hear_state(item.get("id"), eid, content)
        if name == "mailbox":
            return self.hear_mailbox(item.get("id"), eid, content)
        self.ignored.append(text_of(item))
        return None

    def hear_state(self, device, eid, content):
        if not content.text:
            return "an empty state"
        state = content.text if content.text in STATES else "UNKNOWN"
        if content.get("cachable", "1") == "0":
            self.passing.append((device, eid, state))
        else:
            self.believed.setdefault(device, {})[eid] = state
        return None

    def hear_mailbox(self, mailbox, eid, content):
        counts = {one.tag.rpartition("}")[2]: one.text for one in content}
        if not counts.get("NEWMSGS") or not counts.get("OLDMSGS"):
            return "no counts"
        self.mailboxes.setdefault(mailbox, {})[eid] = (int(counts["NEWMSGS"]), int(counts["OLDMSGS"]))
        return None

    def hear_iq(self, iq):
        kind, name = iq.get("type"), iq.get("id")
        if kind == "error":
            self.hear_error(iq)
        elif kind == "result" and name == "roster":
            self.hear_roster(iq)
        elif kind == "get" and child(iq, f"{{{DISCO_INFO}}}query") is not None:
            self.tell_features(iq)
        elif kind == "get" and child(iq, f"{{{DISCO_ITEMS}}}query") is not None:
            self.send(f"<iq from='{self.jid}' to='{iq.get('from')}' type='result' id='{name}'>"
                      f"<query xmlns='{DISCO_ITEMS}'/></iq>")

    def hear_error(self, iq):
        """Only what echoes the request means anything to it."""
        echoed = next((one for one in iq if one.tag in (f"{{{PUBSUB}}}pubsub", f"{{{OWNER}}}pubsub")), None)
        if echoed is None:
            self.ignored.append(text_of(iq))
            return
        code = child(iq, ERROR).get("code") if iq.find(ERROR) is not None else None
        if code is None:
            self.deaths.append(("an error without a code", text_of(iq)))
        elif 400 <= int(code) <= 599 and int(code) != 404:
            self.errors.append((int(code), text_of(iq)))
        else:
            self.make_what_is_missing(echoed)

    def make_what_is_missing(self, echoed):
        published, subscribed = (echoed.find(f"{{{PUBSUB}}}{what}") for what in ("publish", "subscribe"))
        if published is not None:
            self.create_like_asterisk(published.get("node"), "leaf" if self.collection_nodes else None)
            self.request(text_of(echoed))
        elif subscribed is not None:
            self.create_like_asterisk(subscribed.get("node"), "collection" if self.collection_nodes else None)

    def hear_roster(self, iq):
        self.connected = True
        there = {item.get("jid"): item.get("subscription") for item in iq.iter(f"{{{ROSTER}}}item")}
        for buddy in self.buddies if self.autoregister else ():
            if there.get(bare(buddy)) not in ("to", "both"):
                self.send(f"<presence type='subscribe' to={attribute(buddy)}><status>Greetings! I am the Asterisk Open "
                          "Source PBX and I want to subscribe to your presence\n</status></presence>")

    def tell_features(self, iq):
        features = ["http://www.google.com/xmpp/protocol/voice/v1", DISCO_INFO, "urn:xmpp:jingle:1",
                    "urn:xmpp:jingle:transports:ice-udp:1", "urn:xmpp:jingle:apps:rtp:1",
                    "urn:xmpp:jingle:apps:rtp:audio", "urn:xmpp:jingle:apps:rtp:video"]
        words = "".join(f"<feature var='{feature}'/>" for feature in features)
        self.send(f"<iq from='{self.jid}' to='{iq.get('from')}' type='result' id='{iq.get('id')}'>"
                  f"<query xmlns='{DISCO_INFO}'><identity category='client' type='pc' name='asterisk'/>{words}</query>"
                  "</iq>")

    def hear_presence(self, presence):
        kind, other = presence.get("type", "available"), presence.get("from", "")
        if bare(other) == self.bare:
            return
        if kind == "subscribe" and self.autoregister:
            word = "your subscription" if self.generation == "22" else "subscription"
            self.send(f"<presence type='subscribed' to={attribute(other)} from='{self.jid}'><status>Asterisk has "
                      f"approved {word}</status></presence>")
        elif kind == "available":
            if other not in self.present:
                self.present.add(other)
                self.send(f"<iq type='get' to={attribute(other)} from='{self.jid}' id='{self.next_id()}'>"
                          f"<query xmlns='{DISCO_INFO}'/></iq>")
            self.show_buddy(other, "NOT_INUSE")
        elif kind == "unavailable" and other in self.present:
            self.present.discard(other)
            self.show_buddy(other, "UNAVAILABLE")

    def show_buddy(self, other, state):
        """A buddy is a device, and as such distributed."""
        device = f"XMPP/{self.section}/{bare(other)}"
        if self.generation == "22" and self.own.get(device) != state:
            self.set(device, state)

    # --- what it believes ---

    def votes(self, device="Custom:abc"):
        """State by EID, its own included."""
        with self.changed:
            own = {self.eid: self.own[device]} if device in self.own else {}
            return {**self.believed.get(device, {}), **own}

    def until_votes(self, device, expected, seconds=PATIENCE):
        self.until(lambda: self.votes(device) == expected, f"has {expected} for {device}", seconds)

    def until_connected(self, logins=1, seconds=PATIENCE):
        """`logins`: so many, at least."""
        self.until(lambda: self.connected and self.logins >= logins, f"is connected, login {logins}", seconds)
        return self

    def view(self):
        return f"believes {str(self.believed)[:3000]}\n{super().view()}"

    # --- how it comes back and ends ---

    def lost(self):
        self.connected = False
        self.present.clear()
        if self.wanted and self.pauses:
            threading.Thread(target=self._come_back, daemon=True).start()

    def _come_back(self):
        attempt = 0
        while not self.away.wait(self.pauses[min(attempt, len(self.pauses) - 1)]):
            try:
                self.login()
                return
            except (OSError, AssertionError, xml.parsers.expat.ExpatError):
                attempt += 1

    def end(self):
        self.wanted = False
        self.away.set()
        super().end()


def attribute(text):
    """As iksemel writes it: in single quotes."""
    return "'" + escape(text, {"'": "&apos;", '"': "&quot;"}) + "'"
