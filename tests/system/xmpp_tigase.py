"""Tigase 5.1.5 and 8.1.2, which cannot be run here, as far as their recorded dialogues go.

    tigase = Tigase(net.servers[0], "8.1.2", accounts={"server1": "secret", "server2": "secret"}).start()

A scripted server (xmpp_server.py) on a host of xmpp_net.py, port 5222, in the place of a Prosody or an Ejabberd. **What it
says is what the real one said**: each answer, event, push and error is a stanza of a recording in tests/data/xmpp
(logins, nodes, accounts) with other JIDs, ids, nodes and payloads in it; what it keeps between them (accounts, rosters,
presence, nodes, their form, affiliations, subscriptions and items) is modelled on what the recordings show.

Where the versions differ:
                                            5.1.5                                   8.1.2
    logins                                  PLAIN, TLS offered                      SCRAM, PLAIN, TLS required
    registering a taken name                a result, and the password is replaced  409
    wrong passwords                         no limit                                locked after seven
    stanzas in a minute                     no limit                                the stream ends at 2,499
    a message to an account                 to one of its clients                   to all of them
    ... when none is there                  dropped                                 kept, and said at its next presence
    an IQ to a client that is not there     to another one, or no answer            an error
    publish-options                         passed over                             checked
    an item `a/b`                           the node is never listed again          nothing
    the last item for a new subscription    no                                      yes

Nothing was recorded of jabber:iq:version and of what is listed in `unrecorded` after a test: refused with 501, whatever
it was. Nor of SCRAM for a name that is unknown: refused without a challenge, as Prosody does.
"""

import collections
import copy
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from harness import PATIENCE, wait_until
from ring import ENVIRONMENT
from xmpp_net import DOMAIN
from xmpp_peer import DISCO_INFO, DISCO_ITEMS, EVENT, IQ, MESSAGE, OWNER, PRESENCE, PUBSUB, ROSTER, bare
from xmpp_server import (BIND, CLIENT, LEGACY, REGISTER, SASL, STANZAS, STREAMS, Certificates, Connection, Server, element_of,
                         text_of)

DATA = Path(__file__).resolve().parents[1] / "data" / "xmpp"
CAPS, FORMS, RSM, DELAY = ("http://jabber.org/protocol/caps", "jabber:x:data", "http://jabber.org/protocol/rsm",
                           "urn:xmpp:delay")
LOCKED_AFTER = 7       # wrong passwords
MOST_A_MINUTE = 2_499  # stanzas of one stream
# Listens inside, and hands the socket out.
LISTEN = """
import socket
listener = socket.create_server(("", 5222), backlog=64)
socket.send_fds(socket.socket(fileno=0), [b"x"], [listener.fileno()])
"""


def local(element):
    return element.tag.rpartition("}")[2]


class Recording:
    """What a Tigase of this version said, by the number of the file; its domain is this one now."""

    def __init__(self, version, domain):
        self.said = {}
        for folder in ("logins", "nodes", "accounts"):
            for file in sorted((DATA / folder / f"tigase-{version}").glob("*.txt")):
                text = file.read_text(encoding="utf-8").replace(f"tigase{version[0]}.test", domain)
                self.said[file.stem] = [self._element(line[3:]) for line in text.splitlines()
                                        if re.match("S: <[^/?]", line)]

    @staticmethod
    def _element(text):
        return element_of(text.replace(r"\n", "\n"))

    def elements(self, file):
        """All that is one, in their order; `file` is how its name begins. Not to be changed."""
        return next(elements for stem, elements in self.said.items() if stem.startswith(file))

    def answer(self, file, name, which=0):
        """To the request with this id, the first of them or another one; it is the caller's."""
        return copy.deepcopy([one for one in self.elements(file) if one.tag == IQ and one.get("id") == name and
                              one.get("type") in ("result", "error")][which])

    def first(self, file, *holds):
        """The first stanza in which all of these are: tags, or texts of the line; it is the caller's."""
        return copy.deepcopy(next(one for one in self.elements(file) if all(
            any(word == each.tag for each in one.iter()) or word in text_of(one) for word in holds)))


class TigaseConnection(Connection):
    """The login, and nothing of it before its time."""

    bound_at, available, directed, last_presence = 0, False, (), None

    def features(self):
        stage = 2 if self.user else 1 if self.tls else 0
        return text_of(self.server.recording.elements("01-stream")[FEATURES_AT[stage](self.server)])

    def _auth(self, element):
        name = element.get("mechanism")
        if name not in self.server.mechanisms or (self.server.version == "8.1.2" and not self.tls):
            return self._say_failure("invalid-mechanism", f"Mechanism '{name}' is not allowed")
        return super()._auth(element)

    def _fail(self, condition):
        self.server.wrong_passwords[getattr(self.sasl, "user", None)] += 1
        self._say_failure(condition, "Password not verified")

    def _say_failure(self, condition, text):
        """Only 8.1.2 has a text."""
        failure = self.server.recording.first("01-sasl-failures", f"{{{SASL}}}not-authorized")
        failure[0].tag = f"{{{SASL}}}{condition}"
        for words in failure[1:]:
            words.text = text
        self.sasl = None
        self.send(text_of(failure))

    def _succeed(self, data):
        if self.server.version == "8.1.2" and self.server.wrong_passwords[self.sasl.user] >= LOCKED_AFTER:
            return self._fail("not-authorized")
        return super()._succeed(data)

    def _login_request(self, element):
        payload = element[0].tag if element.tag == IQ and len(element) else None
        if self.server.version == "8.1.2" and not self.tls and payload == f"{{{LEGACY}}}query":
            return self._recorded(element, "11", "c21", echo=True)
        return super()._login_request(element)

    def _recorded(self, request, file, name, echo=False, which=0):
        answer = self.server.recording.answer(file, name, which)
        self.server.fit(answer, self, request)
        if echo:
            answer[0] = copy.deepcopy(request[0])
        self.send(text_of(answer))

    def _legacy(self, element):
        query = {local(child): child.text or "" for child in element[0]}
        if element.get("type") == "get":
            return self._recorded(element, "11", "c21", which=-2 if self.server.version == "5.1.5" else -1)
        if self.server.accounts.get(query.get("username")) != query.get("password"):
            if self.server.version == "8.1.2":
                return self.send("</stream:stream>") or self.close()
            return self._recorded(element, "11", "aaaaa" if "digest" in query else "c21", which=-1)
        self.user = query["username"]
        self.server.by_password.append(self.user)
        self._recorded(element, "11", "c22", which=-1)
        return self._become(query.get("resource") or "r")

    def _register(self, element):
        query = {local(child): child.text for child in element[0].iter() if child is not element[0]}
        fields = {field.get("var"): "".join(field.itertext()) for field in element.iter(f"{{{FORMS}}}field")}
        name, password = (fields.get(key) or query.get(key) or "" for key in ("username", "password"))
        if element.get("type") == "get":
            return self._recorded(element, "02", "c13")
        if not password:
            return self._recorded(element, "02", "c18", echo=True)
        self.server.registrations.append(name)
        if name in self.server.accounts and self.server.version == "8.1.2":
            return self._recorded(element, "02", "c15", echo=True)
        self.server.accounts[name] = password
        return self._recorded(element, "02", "c14")

    def _bind(self, element):
        resource = element[0].findtext(f"{{{BIND}}}resource") or f"tigase-{len(self.server.connections)}"
        other = self.server.sessions.get(f"{self.user}@{self.server.domain}/{resource}")
        if other is not None:
            other.send(text_of(self.server.recording.first("01-stream", f"{{{STREAMS}}}error")) + "</stream:stream>")
            other.close()
        answer = self.server.recording.answer("01-stream", "c11")
        answer.set("id", element.get("id", ""))
        answer.set("to", f"{self.user}@{self.server.domain}/{resource}")
        answer[0][0].text = answer.get("to")
        self.send(text_of(answer))
        return self._become(resource)


def _features(number):
    """Which of the elements is the number-th <features/>."""
    def index(server):
        elements = server.recording.elements("01-stream")
        return [place for place, one in enumerate(elements) if one.tag == f"{{{STREAMS}}}features"][number]
    return index


FEATURES_AT = [_features(number) for number in range(3)]


class Node:
    """A PubSub node: its form by `pubsub#…`, affiliations and subscription ids by bare JID, items by id."""

    def __init__(self, config, owner):
        self.config, self.affiliations = config, {owner: "owner"}
        self.subscribers, self.items, self.slashed = {}, collections.OrderedDict(), False

    def flag(self, name):
        return self.config.get(name) in ("1", "true")

    def is_open_to(self, jid):
        return self.config["pubsub#access_model"] != "whitelist" or \
            self.affiliations.get(jid) in ("owner", "publisher", "member")

    def takes_from(self, jid):
        model = self.config["pubsub#publish_model"]
        return model == "open" or self.affiliations.get(jid) in ("owner", "publisher") or \
            (model == "subscribers" and jid in self.subscribers)


class Tigase(Server):
    """`version` 5.1.5 or 8.1.2; `accounts` {name: password}. As a server of xmpp_net.py, and as one of xmpp_server.py.

    For tests: rosters, nodes, registrations (names), wrong_passwords (by name), by_password (who logged in as before
    SASL), requests (tags of what was asked of the service), counted (stanzas of each stream in any minute, the most),
    unrecorded (what no recording has an answer to)."""

    kind = "tigase"

    def __init__(self, host, version, accounts=None, domain=DOMAIN, authority=None, most_a_minute=None):
        self.host, self.version, self.service = host, version, f"pubsub.{domain}"
        self.authority = authority or Certificates(host.place / "authority")
        new = version == "8.1.2"
        super().__init__(self.authority.issue(domain), accounts, domain, tls="required" if new else "offered",
                         mechanisms=["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"] if new else ["PLAIN"])
        self.most_a_minute = most_a_minute or (MOST_A_MINUTE if new else None)
        self.recording = Recording(version, domain)
        self.rosters = collections.defaultdict(dict)  # by bare JID: {bare JID: [subscription, asked]}
        self.waiting = collections.defaultdict(list)  # by bare JID: what was said while nobody was there
        self.nodes, self.requests, self.registrations, self.by_password, self.unrecorded = {}, [], [], [], []
        self.wrong_passwords, self.counted, self.number = collections.Counter(), 0, 0
        self.lock = threading.RLock()
        self.on_stanza(self.hear)
        host.server = self

    @property
    def ca(self):
        return self.authority.ca

    # --- as a server of xmpp_net.py ---

    def start(self):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            subprocess.run([*self.host.wrapper, sys.executable, "-S", "-E", "-c", LISTEN], env=ENVIRONMENT, stdin=theirs,
                           check=True)
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        self.listener, self.port = socket.socket(fileno=descriptors[0]), 5222
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            connection = TigaseConnection(self, client)
            with self.changed:
                self.connections.append(connection)
                self.changed.notify_all()
            threading.Thread(target=connection.run, daemon=True).start()

    def kill(self):
        self.stop()

    def restart(self):
        self.stop()
        return self.start()

    def running(self):
        return self.listener is not None

    def end_everything(self):
        self.stop()

    def log(self):
        return "\n".join([*self.events[-60:], "not recorded:", *self.unrecorded[-20:]])

    def jid(self, name):
        return f"{name}@{self.domain}"

    def __str__(self):
        return f"Tigase {self.version} on {self.host.name}"

    # --- the form of what is said ---

    @staticmethod
    def fit(answer, connection, request):
        """A recorded answer, for this request."""
        answer.set("id", request.get("id", ""))
        if answer.get("to"):
            answer.set("to", connection.jid or "")
        if answer.get("from") and request.get("to"):
            answer.set("from", request.get("to"))

    def answer_as(self, connection, request, file, name, change=None):
        answer = self.recording.answer(file, name)
        self.fit(answer, connection, request)
        if change:
            change(answer)
        connection.send(text_of(answer))

    def refuse_as(self, connection, request, file, name):
        """The recorded error, with this request in it."""
        answer = self.recording.answer(file, name)
        self.fit(answer, connection, request)
        answer[0] = copy.deepcopy(request[0])
        connection.send(text_of(answer))

    def not_recorded(self, connection, request):
        self.unrecorded.append(text_of(request))
        echo = text_of(request[0]) if len(request) else ""
        connection.answer(request, f"{echo}<error code='501' type='cancel'><feature-not-implemented xmlns='{STANZAS}'/>"
                          "</error>", "error")

    def next_number(self):
        self.number += 1
        return str(self.number)

    # --- what comes ---

    def hear(self, connection, stanza):
        with self.lock:
            if not self.count(connection):
                return True
            if stanza.tag == PRESENCE:
                self.hear_presence(connection, stanza)
            elif stanza.tag == MESSAGE:
                self.pass_on(connection, stanza)
            else:
                self.hear_iq(connection, stanza)
        return True

    def count(self, connection):
        """8.1.2 closes a stream, without a word."""
        times = connection.__dict__.setdefault("times", collections.deque())
        times.append(time.monotonic())
        while times[0] < times[-1] - 60:
            times.popleft()
        self.counted = max(self.counted, len(times))
        if self.most_a_minute and len(times) >= self.most_a_minute:
            connection.close()
            return False
        return True

    def bound(self, connection):
        connection.bound_at = time.monotonic()
        connection.directed = set()
        super().bound(connection)

    def gone(self, connection):
        super().gone(connection)
        with self.lock:
            if connection.available:
                self.hear_presence(connection, element_of("<presence type='unavailable'/>"))

    def sessions_of(self, jid, full=False):
        """The newest first."""
        found = [one for name, one in list(self.sessions.items()) if name == jid or (not full and bare(name) == jid)]
        return sorted(found, key=lambda one: -one.bound_at)

    def pass_on(self, connection, stanza):
        """A message from one account to another."""
        stanza.set("from", connection.jid)
        to = stanza.get("to", "")
        exact = self.sessions_of(to, full=True) if "/" in to else []
        if exact:
            return exact[0].send(text_of(stanza))
        return self.to_account(bare(to), stanza) if "@" in to else None

    def to_account(self, jid, message):
        receivers = [one for one in self.sessions_of(jid) if one.available]
        for one in receivers if self.version == "8.1.2" else receivers[:1]:
            one.send(text_of(message))
        if not receivers and self.version == "8.1.2":
            delay = self.recording.first("06", f"{{{DELAY}}}delay").find(f"{{{DELAY}}}delay")
            kept = copy.deepcopy(message)
            kept.append(delay)
            self.waiting[jid].append(text_of(kept))

    # --- IQs ---

    def hear_iq(self, connection, iq):
        to = iq.get("to")
        if iq.get("type") in ("result", "error"):
            if to and "@" in to:
                self.pass_iq(connection, iq)
        elif to in (None, self.domain, bare(connection.jid)):
            self.ask_server(connection, iq)
        elif to == self.service:
            self.requests.append((iq.get("type"), local(iq[0][0]) if len(iq) and len(iq[0]) else iq[0].tag))
            self.ask_service(connection, iq)
        else:
            self.pass_iq(connection, iq)

    def pass_iq(self, connection, iq):
        iq.set("from", connection.jid)
        to = iq.get("to")
        exact = self.sessions_of(to, full=True) if "/" in to else []
        if exact:
            return exact[0].send(text_of(iq))
        if iq.get("type") in ("result", "error"):
            return None
        if self.version == "8.1.2":
            del iq.attrib["from"]
            return self.refuse_as(connection, iq, "10", "c154" if "/" in to else "c153")
        for other in self.sessions_of(bare(to))[:1]:
            other.send(text_of(iq))
        return None

    def ask_server(self, connection, iq):
        payload = iq[0].tag if len(iq) else ""
        if payload == "{urn:xmpp:ping}ping":
            return self.answer_as(connection, iq, "09", "c156" if iq.get("to") else "c158")
        if payload == f"{{{DISCO_INFO}}}query":
            return self.answer_as(connection, iq, "03", "c13")
        if payload == f"{{{DISCO_ITEMS}}}query":
            return self.answer_as(connection, iq, "03", "c14")
        if payload == f"{{{ROSTER}}}query":
            return self.get_roster(connection, iq) if iq.get("type") == "get" else self.set_roster(connection, iq)
        return self.not_recorded(connection, iq)

    # --- rosters and presence ---

    def get_roster(self, connection, iq):
        def fill(answer):
            for contact, entry in self.rosters[bare(connection.jid)].items():
                answer[0].append(self.roster_item(contact, entry))
        self.answer_as(connection, iq, "09", "roster", fill)

    @staticmethod
    def roster_item(contact, entry):
        subscription, asked = entry
        ask = " ask='subscribe'" if asked else ""
        return element_of(f"<item subscription='{subscription}'{ask} jid='{contact}' "
                          f"name='{contact.partition('@')[0]}'/>", ROSTER)

    def set_roster(self, connection, iq):
        me, item = bare(connection.jid), iq[0][0]
        contact = item.get("jid")
        if item.get("subscription") == "remove":
            self.rosters[me].pop(contact, None)
            self.push(me, element_of(f"<item jid='{contact}' subscription='remove'/>", ROSTER))
        else:
            self.push(me, self.roster_item(contact, self.rosters[me].setdefault(contact, ["none", False])))
        self.answer_as(connection, iq, "09", "c164")

    def push(self, jid, item):
        for session in self.sessions_of(jid):
            push = self.recording.first("09", "rsttig2" if self.version == "5.1.5" else "rsttig4")
            push.set("to", session.jid)
            push.set("id", f"rsttig{self.next_number()}")
            push[0][0] = item
            session.send(text_of(push))

    def change(self, me, contact, subscription=None, asked=None):
        entry = self.rosters[me].setdefault(contact, ["none", False])
        if subscription:
            entry[0] = "both" if {entry[0], subscription} in ({"from", "to"}, {"both", subscription}) else subscription
        entry[1] = entry[1] if asked is None else asked
        self.push(me, self.roster_item(contact, entry))

    def hear_presence(self, connection, presence):
        kind, to, me = presence.get("type"), presence.get("to"), bare(connection.jid)
        presence.set("from", connection.jid)
        if kind == "subscribe":
            self.change(me, bare(to), asked=True)
            self.say_to_contact(presence, me, to)
        elif kind == "subscribed":
            self.change(me, bare(to), "from")
            self.say_to_contact(presence, me, to)
            self.change(bare(to), me, "to", asked=False)
            for session in self.sessions_of(me):
                if session.available:
                    self.show(session, session.last_presence, bare(to))
        elif to:
            connection.directed.add(to)
            self.show(connection, presence, to)
        elif kind in (None, "unavailable"):
            self.is_available(connection, presence)

    def say_to_contact(self, presence, me, to):
        said = copy.deepcopy(presence)
        said.set("from", me)
        said.set("to", bare(to))
        receivers = self.sessions_of(bare(to))
        for session in receivers:
            session.send(text_of(said))
        if not receivers:
            self.waiting[bare(to)].append(text_of(said))

    def is_available(self, connection, presence):
        me, began = bare(connection.jid), not connection.available
        if presence.get("type") == "unavailable":  # what was said last goes with it
            last = connection.last_presence if connection.last_presence is not None else presence
            presence = copy.deepcopy(last)
            presence.set("type", "unavailable")
            if began:
                return
            connection.available = False
        else:
            connection.available, connection.last_presence = True, copy.deepcopy(presence)
            self.show(connection, presence, me)
        for contact, (subscription, _) in self.rosters[me].items():
            if subscription in ("from", "both"):
                self.show(connection, presence, contact)
        for other in list(connection.directed) if presence.get("type") else []:
            self.show(connection, presence, other)
        if began:
            self.welcome(connection, me)

    def welcome(self, connection, me):
        """At the first presence: that of the contacts, and on 8.1.2 what was missed."""
        for contact, (subscription, _) in self.rosters[me].items():
            for session in self.sessions_of(contact) if subscription in ("to", "both") else []:
                if session.available:
                    self.show(session, session.last_presence, me, connection)
        for text in self.waiting.pop(me, []):
            connection.send(text)

    def show(self, connection, presence, to, only=None):
        said = copy.deepcopy(presence)
        said.set("from", connection.jid)
        said.set("to", to)
        for session in [only] if only else self.sessions_of(to):
            session.send(text_of(said))
            if self.version == "8.1.2" and not presence.get("type"):
                self.ask_capabilities(session, presence, bare(connection.jid))

    def ask_capabilities(self, session, presence, whose):
        """Of the receiver, whoever's they are: as it was recorded."""
        capabilities = presence.find(f"{{{CAPS}}}c")
        if capabilities is None:
            return
        for word in [capabilities.get("ver"), *(capabilities.get("ext") or "").split()]:
            question = self.recording.first("09", f"{{{DISCO_INFO}}}query", "caps#")
            question.set("to", session.jid)
            question.set("id", whose)
            question[0].set("node", f"{capabilities.get('node')}#{word}")
            session.send(text_of(question))

    # --- the PubSub service ---

    def ask_service(self, connection, iq):
        payload, kind = iq[0], iq.get("type")
        if payload.tag == "{urn:xmpp:ping}ping":
            return self.answer_as(connection, iq, "09", "c157")
        if payload.tag == f"{{{DISCO_INFO}}}query" and payload.get("node") is None:
            return self.answer_as(connection, iq, "03", "c15")
        if payload.tag == f"{{{DISCO_INFO}}}query" and payload.get("node") not in self.nodes:
            return self.refuse_as(connection, iq, "03", "c18")
        if payload.tag == f"{{{DISCO_ITEMS}}}query":
            return self.list_nodes(connection, iq, payload.get("node"))
        if payload.tag not in (f"{{{PUBSUB}}}pubsub", f"{{{OWNER}}}pubsub"):
            return self.not_recorded(connection, iq)
        space = "owner" if payload.tag.startswith(f"{{{OWNER}}}") else "pubsub"
        what = getattr(self, f"{space}_{kind}_{local(payload[0])}", None)
        if what is None:
            return self.not_recorded(connection, iq)
        return what(connection, iq, payload[0], payload[0].get("node"))

    def list_nodes(self, connection, iq, collection):
        """Of an absent node 5.1.5 says that there is nothing in it."""
        if collection is not None and collection not in self.nodes:
            return (self.answer_as if self.version == "5.1.5" else self.refuse_as)(
                connection, iq, "03", "c19", **({"change": lambda answer: answer[0].set("node", collection)}
                                                if self.version == "5.1.5" else {}))

        def fill(answer):
            template = copy.deepcopy(answer[0][0])
            answer[0][:] = []
            for name, node in self.nodes.items():
                if node.config.get("pubsub#collection", "") == (collection or ""):
                    item = copy.deepcopy(template)
                    item.set("node", name)
                    item.set("name", name)
                    answer[0].append(item)
            if collection is not None:
                answer[0].set("node", collection)
        return self.answer_as(connection, iq, "05", "c126", fill)

    def default_form(self):
        form = self.recording.answer("03", "c17")
        return {field.get("var"): field.findtext(f"{{{FORMS}}}value") or ""
                for field in form.iter(f"{{{FORMS}}}field") if field.get("var") != "FORM_TYPE"}

    @staticmethod
    def fields(request):
        return {field.get("var"): field.findtext(f"{{{FORMS}}}value") or ""
                for field in request.iter(f"{{{FORMS}}}field") if field.get("var") != "FORM_TYPE"}

    def is_owner(self, connection, iq, name):
        """Else it is refused, as it was recorded: 404 or 403."""
        if name not in self.nodes:
            self.refuse_as(connection, iq, "04", "c114")
        elif self.nodes[name].affiliations.get(bare(connection.jid)) != "owner":
            self.refuse_as(connection, iq, "05", "c33")
        else:
            return True
        return False

    def event(self, name, *children):
        """An event about a node, without its `to`."""
        message = self.recording.first("06", f"{{{EVENT}}}items")
        message[0][:] = list(children)
        message.set("id", self.next_number())
        return message

    def tell(self, name, *children):
        node = self.nodes[name]
        above = self.nodes.get(node.config.get("pubsub#collection", ""))
        for jid in [*node.subscribers, *(jid for jid in (above.subscribers if above else ())
                                         if jid not in node.subscribers)]:
            message = self.event(name, *(copy.deepcopy(one) for one in children))
            message.set("to", jid)
            self.to_account(jid, message)

    def pubsub_set_create(self, connection, iq, _what, name):
        if name in self.nodes:
            return self.refuse_as(connection, iq, "05", "c120")
        asked = self.fields(iq)
        self.nodes[name] = Node({**self.default_form(), "pubsub#node_type": "leaf", **asked}, bare(connection.jid))
        collection = asked.get("pubsub#collection")
        if collection and self.version == "5.1.5":
            message = self.recording.first("05", f"{{{EVENT}}}collection")
            message.set("to", bare(connection.jid))
            message[0][0].set("node", collection)
            message[0][0][0].set("node", name)
            self.to_account(bare(connection.jid), message)
        return self.answer_as(connection, iq, "05", "c124" if collection else "c118")

    def owner_get_configure(self, connection, iq, _what, name):
        def fill(answer):
            answer[0][0].set("node", name)
            for field in answer.iter(f"{{{FORMS}}}field"):
                value = field.find(f"{{{FORMS}}}value")
                if value is not None and field.get("var") in self.nodes[name].config:
                    value.text = self.nodes[name].config[field.get("var")]
        if self.is_owner(connection, iq, name):
            self.answer_as(connection, iq, "05", "c119", fill)

    def owner_set_configure(self, connection, iq, _what, name):
        if not self.is_owner(connection, iq, name):
            return
        self.nodes[name].config.update(self.fields(iq))
        if self.nodes[name].flag("pubsub#notify_config"):
            self.tell(name, element_of(f"<configuration node='{name}'/>", EVENT))
        self.answer_as(connection, iq, "07", "c147")

    def owner_get_affiliations(self, connection, iq, _what, name):
        def fill(answer):
            template = copy.deepcopy(answer[0][0][0])
            answer[0][0].set("node", name)
            answer[0][0][:] = []
            for jid, kind in self.nodes[name].affiliations.items():
                one = copy.deepcopy(template)
                one.set("jid", jid)
                one.set("affiliation", kind)
                answer[0][0].append(one)
        if self.is_owner(connection, iq, name):
            self.answer_as(connection, iq, "05", "c127", fill)

    def owner_set_affiliations(self, connection, iq, what, name):
        if not self.is_owner(connection, iq, name):
            return
        for one in what:
            jid, kind = one.get("jid"), one.get("affiliation")
            self.nodes[name].affiliations[bare(jid)] = kind
            if kind == "none":
                del self.nodes[name].affiliations[bare(jid)]
            for _ in range(2 if self.version == "5.1.5" else 1):
                notice = self.recording.first("05", MESSAGE, "affilation")
                notice.set("to", jid)
                notice[0][0].set("node", name)
                notice[0][0][0].set("jid", jid)
                notice[0][0][0].set("affiliation", kind)
                self.to_account(bare(jid), notice)
        self.answer_as(connection, iq, "05", "c128")

    def owner_set_delete(self, connection, iq, _what, name):
        if not self.is_owner(connection, iq, name):
            return
        self.answer_as(connection, iq, "07", "c144")
        if self.nodes[name].flag("pubsub#notify_delete"):
            self.tell(name, element_of(f"<delete node='{name}'/>", EVENT))
        del self.nodes[name]

    def pubsub_set_subscribe(self, connection, iq, what, name):
        jid, me = what.get("jid", ""), bare(connection.jid)
        if name not in self.nodes:
            return self.refuse_as(connection, iq, "04", "c110")
        if bare(jid) != me:
            return self.refuse_as(connection, iq, "06", "c37")
        node = self.nodes[name]
        if not node.is_open_to(me):
            return self.refuse_as(connection, iq, "06", "c35")
        began = me not in node.subscribers
        subid = node.subscribers.setdefault(me, f"sub{self.next_number()}")

        def fill(answer):
            answer[0][0].set("node", name)
            answer[0][0].set("subid", subid)
            answer[0][0].set("jid", jid if self.version == "5.1.5" else me)
        self.answer_as(connection, iq, "06", "c132", fill)
        if began and self.version == "8.1.2" and node.items and \
                node.config["pubsub#send_last_published_item"] == "on_sub":
            message = self.event(name, self.items_of(name, [list(node.items.values())[-1]]))
            message.set("to", me)
            self.to_account(me, message)
        return None

    def pubsub_set_unsubscribe(self, connection, iq, what, name):
        if name not in self.nodes:
            return self.refuse_as(connection, iq, "08", "c211")
        if bare(what.get("jid", "")) != bare(connection.jid):
            return self.refuse_as(connection, iq, "08", "c215")
        self.nodes[name].subscribers.pop(bare(connection.jid), None)
        return self.answer_as(connection, iq, "08", "c210")

    @staticmethod
    def items_of(name, items):
        out = element_of("<items/>", EVENT)
        out.set("node", name)
        for item in items:
            one = element_of("<item/>", EVENT)
            one.set("id", item.get("id"))
            one.text = item.text
            one.extend(copy.deepcopy(list(item)))
            out.append(one)
        return out

    def pubsub_set_publish(self, connection, iq, what, name):
        if name not in self.nodes:
            return self.refuse_as(connection, iq, "04", "c111")
        node = self.nodes[name]
        if not node.takes_from(bare(connection.jid)):
            return self.refuse_as(connection, iq, "06", "c34")
        if self.version == "8.1.2" and any(node.config.get(key) != value for key, value in self.fields(iq).items()):
            return self.refuse_as(connection, iq, "06", "c135")
        items = list(what)
        for item in items:
            item.set("id", item.get("id") or f"made{self.next_number()}")
            self.keep(node, item)
        told = self.items_of(name, items)

        def fill(answer):
            answer[0][0].set("node", name)
            answer[0][0][0].set("id", items[0].get("id"))
        if self.version == "5.1.5":
            self.tell(name, told)
        self.answer_as(connection, iq, "06", "c133", fill)
        if self.version == "8.1.2":
            self.tell(name, told)
        return None

    @staticmethod
    def keep(node, item):
        if not node.flag("pubsub#persist_items"):
            return
        node.slashed |= "/" in item.get("id")
        node.items.pop(item.get("id"), None)
        node.items[item.get("id")] = copy.deepcopy(item)
        most = node.config.get("pubsub#max_items", "10")
        while most.isdigit() and len(node.items) > int(most):
            node.items.popitem(last=False)

    def pubsub_get_items(self, connection, iq, what, name):
        if name not in self.nodes:
            return self.refuse_as(connection, iq, "04", "c112")
        node = self.nodes[name]
        if not node.is_open_to(bare(connection.jid)):
            return self.refuse_as(connection, iq, "06", "c36")
        wanted = [item.get("id") for item in what]
        if self.version == "5.1.5" and node.slashed and not any(one in node.items for one in wanted):
            return self.refuse_as(connection, iq, "14", "c57")

        def fill(answer):
            answer[0][:] = answer[0][:1]
            answer[0][0].set("node", name)
            answer[0][0][:] = [copy.deepcopy(item) for key, item in node.items.items() if not wanted or key in wanted]
        return self.answer_as(connection, iq, "14", "c55", fill)

    def pubsub_set_retract(self, connection, iq, what, name):
        if name not in self.nodes:
            return self.refuse_as(connection, iq, "04", "c117")
        node = self.nodes[name]
        if not node.takes_from(bare(connection.jid)):
            return self.refuse_as(connection, iq, "07", "c38")
        for item in what:
            if node.items.pop(item.get("id"), None) is not None:
                event = element_of(f"<items node='{name}'><retract/></items>", EVENT)
                event[0].set("id", item.get("id"))
                self.tell(name, event)
        return self.answer_as(connection, iq, "07", "c140")

    def owner_set_purge(self, connection, iq, _what, name):
        if not self.is_owner(connection, iq, name):
            return
        self.nodes[name].items.clear()
        self.answer_as(connection, iq, "07", "c143")
        self.tell(name, element_of(f"<purge node='{name}'/>", EVENT))
