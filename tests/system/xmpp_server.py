"""An XMPP server for tests, scripted, in Python's standard library: what a real one does, and what none should.

    certificates = Certificates(folder)                       # an authority of one's own, by openssl(1)
    pair = certificates.issue("example.test")
    with Server(pair, accounts={"alice": "secret"}) as server:
        …                                                     # connect to 127.0.0.1, server.port
        alice = server.session("alice@example.test")          # waits until she is bound
        alice.send("<message from='bob@example.test/x' to='{jid}'><body>hello</body></message>")
        alice.until(lambda stanza: stanza.tag == "{jabber:client}iq" and stanza.get("id") == "a1", "her answer")

**The happy path**: stream, STARTTLS (or TLS from the first byte with `tls="direct"`), SASL (EXTERNAL, SCRAM-SHA-512,
-256, -1, PLAIN), jabber:iq:auth, jabber:iq:register, bind, session. After the login: pings and session requests are
answered,
a roster is empty, stanzas go to the session they are addressed to, other requests are refused (service-unavailable).

**Handlers**: `server.on_stanza(function)` adds one; it is called as `function(connection, stanza)` for each stanza
after the login, on the connection's thread, the last one added first, until one answers True. A stanza is an
xml.etree.ElementTree.Element. `connection.send(text)` may be called from anywhere: `{jid}`, `{domain}` are filled in.

**Misbehaviour**: `server.at(STEP, deed)`, before the client comes. STEPs, in their order:
    accept      TCP is there; nothing was read
    header      the client's first stream header came;  header-tls, header-auth: its second, its third
    features    our header is out, the features are next;  features-tls, features-auth
    starttls    <starttls/> came: <proceed/> is next
    handshake   <proceed/> is out, the TLS handshake is next
    auth        <auth/> came        response    a SASL <response/> came
    legacy      a jabber:iq:auth request came        register    a jabber:iq:register request came
    bind        the request to bind a resource came       session     as old clients ask
    bound       the resource is bound, the answer is out
A deed is SILENT (nothing more is said, all is read), CLOSE (TCP ends here), RESET (it ends hard), a text or bytes,
which are said in place of the answer, or a function of the connection: when it answers False, the answer follows as
ever.
`deaf()` makes a deed or a session read nothing any more. Options of Server that misbehave by themselves are documented
there: iterations, signature, inject, offers.

**Recorded dialogues**: Dialogue reads files of lines `C: …` and `S: …` (docstring there), and plays the server's part.

Everything is on loopback, or in whatever network namespace the program is. Threads are daemons; leaving the `with` ends
them and all connections. Names of what happened: `server.events`, for messages of failed tests.
"""

import base64
import collections
import datetime
import hashlib
import hmac
import os
import re
import select
import socket
import ssl
import struct
import subprocess
import threading
import time
import traceback
import xml.etree.ElementTree as tree
import xml.parsers.expat
from pathlib import Path
from xml.sax.saxutils import quoteattr

PATIENCE = 20.0  # seconds

CLIENT = "jabber:client"
STREAMS = "http://etherx.jabber.org/streams"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAM_ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"
LEGACY = "jabber:iq:auth"
REGISTER = "jabber:iq:register"

SILENT, CLOSE, RESET = "SILENT", "CLOSE", "RESET"


# --- certificates -----------------------------------------------------------------------------------------------------

class Pair:
    """Files in PEM: the certificate (with its chain) and its key."""

    def __init__(self, certificate, key):
        self.certificate, self.key = str(certificate), str(key)


class Certificates:
    """An authority and what it issues, in a folder. `ca` is the file to trust."""

    def __init__(self, folder, name="Lamplight Test CA"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count = 0
        pair = self._make("ca", name, ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"],
                          3650, None)
        self.ca, self.ca_key = pair.certificate, pair.key

    def issue(self, *names, days=30, client=None):
        """For these host names or addresses; days < 0: it has expired that long ago. `client` is the bare JID of a
        client's certificate, for EXTERNAL."""
        self.count += 1
        extensions = [f"subjectAltName={alternative_names(names, client)}"] if names or client else []
        common = client or (names[0] if names else "nobody")
        return self._make(f"leaf{self.count}", common, extensions, days, self)

    def self_signed(self, *names, days=30):
        self.count += 1
        return self._make(f"self{self.count}", names[0], [f"subjectAltName={alternative_names(names)}"], days, None)

    def _make(self, file, common_name, extensions, days, issuer):
        key, request, out = (self.folder / f"{file}.{end}" for end in ("key", "csr", "pem"))
        config = self.folder / f"{file}.cnf"
        config.write_text("\n".join(["[req]", "distinguished_name=dn", "[dn]", "[ext]", *extensions, ""]))
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config",
                config, "-subj", f"/CN={common_name.replace('/', '-')}", "-keyout", key, "-out", request)
        signed_by = ["-CA", issuer.ca, "-CAkey", issuer.ca_key] if issuer else ["-key", key]
        sign(request, out, signed_by, config, days)
        return Pair(out, key)


def alternative_names(names, client=None):
    words = [f"IP:{name}" if re.fullmatch(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:]*", name) else f"DNS:{name}" for name in names]
    return ",".join(words + ([f"otherName:1.3.6.1.5.5.7.8.5;UTF8:{client}"] if client else []))


def sign(request, out, signed_by, config, days):
    """`openssl x509` knows no dates, only days from now, so an expired one is made by the clock of `openssl ca`."""
    serial = str(int.from_bytes(os.urandom(8), "big") >> 1)
    if days >= 0:
        openssl("x509", "-req", "-in", request, "-out", out, *signed_by, "-days", days, "-set_serial", serial,
                "-extfile", config, "-extensions", "ext")
        return
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    start = end - datetime.timedelta(days=30)
    folder = Path(config).with_suffix(".db")
    folder.mkdir()
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    (folder / "ca.cnf").write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nserial={folder}/serial\n"
                                   f"new_certs_dir={folder}\ndefault_md=sha256\npolicy=any\n"
                                   "[any]\ncommonName=supplied\n"
                                   + Path(config).read_text().partition("[dn]")[2])
    if signed_by[0] == "-key":
        signer = ["-selfsign", "-keyfile", signed_by[1]]
    else:
        signer = ["-cert", signed_by[1], "-keyfile", signed_by[3]]
    openssl("ca", "-batch", "-notext", "-config", folder / "ca.cnf", "-in", request, "-out", out, *signer,
            "-startdate", start.strftime("%Y%m%d%H%M%SZ"), "-enddate", end.strftime("%Y%m%d%H%M%SZ"),
            "-extensions", "ext")


def openssl(*words):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"openssl {' '.join(map(str, words))}: {done.stderr}"


# --- reading ----------------------------------------------------------------------------------------------------------

class StreamReader:
    """Bytes of one stream to its header and elements: calls on_header(attributes), on_element(element), on_end()."""

    def __init__(self, on_header, on_element, on_end):
        self.on_header, self.on_element, self.on_end = on_header, on_element, on_end
        self.parser = xml.parsers.expat.ParserCreate(namespace_separator="}")
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler = self._text
        self.depth, self.builder = 0, None

    def feed(self, data):
        self.parser.Parse(data, False)

    @staticmethod
    def _tag(name):
        return "{" + name if "}" in name else name

    def _start(self, name, attributes):
        self.depth += 1
        if self.depth == 1:
            return self.on_header(attributes)
        if self.depth == 2:
            self.builder = tree.TreeBuilder()
        self.builder.start(self._tag(name), {self._tag(key): value for key, value in attributes.items()})

    def _end(self, name):
        self.depth -= 1
        if self.depth == 0:
            return self.on_end()
        self.builder.end(self._tag(name))
        if self.depth == 1:
            element, self.builder = self.builder.close(), None
            self.on_element(element)

    def _text(self, text):
        if self.builder is not None:
            self.builder.data(text)


def element_of(text, namespace=CLIENT):
    """A text of one stanza as an element, as if it stood in a stream."""
    return tree.fromstring(f"<w xmlns='{namespace}' xmlns:stream='{STREAMS}'>{text}</w>")[0]


def encoded(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


# --- SASL -------------------------------------------------------------------------------------------------------------

class Scram:
    """The server's side of RFC 5802, without channel binding."""

    def __init__(self, server, mechanism):
        self.server, self.hash = server, mechanism.removeprefix("SCRAM-").replace("-", "").lower()
        self.salt, self.user, self.proved = os.urandom(16), None, False

    def _hmac(self, key, text):
        return hmac.new(key, text.encode(), self.hash).digest()

    def step(self, message):
        """Answers ("challenge", bytes) or ("success", bytes) or ("failure", condition)."""
        return self._first(message.decode()) if self.user is None else self._final(message.decode())

    def _first(self, message):
        found = re.fullmatch(r"([ny],,)(n=([^,]*),r=([^,]+).*)", message)
        if not found:
            return "failure", "malformed-request"
        self.header, self.bare, self.user = found[1], found[2], found[3].replace("=2C", ",").replace("=3D", "=")
        if self.user not in self.server.accounts:
            return "failure", "not-authorized"
        self.nonce = found[4] + encoded(os.urandom(12))
        self.first = f"r={self.nonce},s={encoded(self.salt)},i={self.server.iterations}"
        return "challenge", self.first

    def _final(self, message):
        without_proof, _, proof = message.rpartition(",p=")
        password = self.server.accounts.get(self.user)
        if without_proof != f"c={encoded(self.header)},r={self.nonce}" or password is None:
            return "failure", "not-authorized"
        salted = hashlib.pbkdf2_hmac(self.hash, password.encode(), self.salt, self.server.iterations)
        stored = hashlib.new(self.hash, self._hmac(salted, "Client Key")).digest()
        said = f"{self.bare},{self.first},{without_proof}"
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), self._hmac(stored, said)))
        if hashlib.new(self.hash, key).digest() != stored:
            return "failure", "not-authorized"
        self.proved = True
        return "success", self._signature(salted, said)

    def _signature(self, salted, said):
        kind = self.server.signature
        if kind == "missing":
            return ""
        right = self._hmac(self._hmac(salted, "Server Key"), said)
        return f"v={encoded(right if kind == 'right' else bytes(len(right)))}"


class Plain:
    def __init__(self, server, _mechanism):
        self.server, self.user = server, None

    def step(self, message):
        _, user, password = (message.decode().split("\0") + ["", "", ""])[:3]
        if self.server.accounts.get(user) != password or not password:
            return "failure", "not-authorized"
        self.user = user
        return "success", None


class External:
    """Who showed a certificate with his JID in it; checked when TLS began."""

    def __init__(self, server, _mechanism):
        self.server, self.user = server, None

    def step(self, _message):
        return "failure", "not-authorized"


def make_mechanism(name, server):
    kinds = {"PLAIN": Plain, "EXTERNAL": External}
    return Scram(server, name) if name.startswith("SCRAM-") else kinds[name](server, name)


# --- a connection -----------------------------------------------------------------------------------------------------

class Ended(Exception):
    """The connection is over."""


class Connection:
    """One client. All of its work is on its own thread; send(), close(), reset() and until() may come from others.

    `jid` is set when it is bound, `stanzas` are those that came after the login, `closed` is set at the end, `errors`
    holds stream errors that the client sent, `said` all elements that it sent. `tls` is the TLS version, `server_name`
    what SNI asked for, `alpn` what was agreed on.
    """

    def __init__(self, server, client):
        self.server, self.socket = server, client
        self.jid, self.user, self.resource = None, None, None
        self.tls, self.server_name, self.alpn, self.client_name = None, None, None, None
        self.stanzas, self.said, self.errors, self.raw = [], [], [], bytearray()
        self.headers, self.ended_by_client = 0, False
        self.closed = threading.Event()
        self.changed = threading.Condition()
        self.stream_id = os.urandom(8).hex()
        self.sasl, self.registered = None, False
        self._hears, self._reads = True, True
        self._outbox = collections.deque()
        self._wake_in, self._wake_out = socket.socketpair()
        self._restart()

    # - for tests -

    def send(self, text):
        """`{jid}` and `{domain}` are filled in; bytes go out as they are."""
        if isinstance(text, str):
            text = text.replace("{jid}", self.jid or "").replace("{domain}", self.server.domain).encode()
        self._outbox.append(text)
        self._wake()

    def close(self):
        self._outbox.append(CLOSE)
        self._wake()

    def reset(self):
        self._outbox.append(RESET)
        self._wake()

    def deaf(self):
        """Nothing is read any more: the client's writes fill what the system holds."""
        self._reads = False
        self._wake()

    def hear_again(self):
        self._reads = True
        self._wake()

    def stream_error(self, condition, text=""):
        words = f"<text xmlns='{STREAM_ERRORS}'>{text}</text>" if text else ""
        self.send(f"<stream:error><{condition} xmlns='{STREAM_ERRORS}'/>{words}</stream:error></stream:stream>")
        self.close()

    def until(self, matches, what="a stanza", seconds=PATIENCE):
        """The first stanza after the login for which `matches` is true, also one that came before."""
        def found():
            return next((stanza for stanza in self.stanzas if matches(stanza)), None)
        with self.changed:
            if not self.changed.wait_for(lambda: found() is not None, seconds):
                came = "\n".join(tree.tostring(stanza, "unicode") for stanza in self.stanzas[-20:])
                raise AssertionError(f"not within {seconds:g} s: {what}. There came:\n{came}")
            return found()

    # - the thread -

    def run(self):
        try:
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.server.tls == "direct":
                self._do("handshake", self._handshake)
            self._do("accept", lambda: None)
            while True:
                self._turn()
        except (Ended, OSError) as end:
            self.server.note(f"connection over: {end!r}")
        except xml.parsers.expat.ExpatError as error:
            self.server.note(f"the client's XML: {error}")
        except Exception:  # pylint: disable=broad-except
            self.server.note(traceback.format_exc())
        finally:
            self._finish()

    def _finish(self):
        self.server.gone(self)
        self.socket.close()
        with self.changed:
            self.closed.set()
            self.changed.notify_all()

    def _wake(self):
        try:
            self._wake_out.send(b"x")
        except OSError:
            pass

    def _turn(self):
        while self._outbox:
            self._say(self._outbox.popleft())
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() and self._reads:
            return self._read()
        waits = [self._wake_in] + ([self.socket] if self._reads else [])
        ready, _, _ = select.select(waits, [], [])
        if self._wake_in in ready:
            self._wake_in.recv(4096)
        if self.socket in ready:
            self._read()
        return None

    def _read(self):
        try:
            data = self.socket.recv(65536)
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        if not data:
            raise Ended("the client closed it")
        self.raw += data if len(self.raw) < 1_000_000 else b""
        if self._hears:
            self.reader.feed(data)

    def _say(self, what):
        if what == CLOSE:
            raise Ended("we closed it")
        if what == RESET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Ended("we reset it")
        data = memoryview(what)
        while data:
            try:
                data = data[self.socket.send(data[:65536]):]
            except (ssl.SSLWantWriteError, BlockingIOError):
                select.select([], [self.socket], [])
            except ssl.SSLWantReadError:
                select.select([self.socket], [], [])

    # - steps -

    def _do(self, step, answer):
        """The deed of that step, or what is right."""
        self.server.note(step)
        deed = self.server.deeds.get(step)
        if deed is None:
            return answer()
        if deed == SILENT:
            self._hears = False
        elif deed in (CLOSE, RESET):
            self._say(deed)
        elif callable(deed):
            return answer() if deed(self) is False else None
        else:
            self._say(deed.encode() if isinstance(deed, str) else deed)
        return None

    def _restart(self):
        self.reader = StreamReader(self._header, self._element, self._end)

    def _suffix(self):
        return "-auth" if self.user else "-tls" if self.tls and self.server.tls != "direct" else ""

    def _header(self, _attributes):
        self.headers += 1
        self._do(f"header{self._suffix()}", self._answer_header)

    def _answer_header(self):
        self.send(f"<?xml version='1.0'?><stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAMS}' "
                  f"from='{self.server.domain}' id='{self.stream_id}' version='1.0'>")
        self._flush()
        self._do(f"features{self._suffix()}", lambda: self.send(self.features()))

    def features(self):
        """What is offered at this point of the stream."""
        parts = []
        if self.user:
            parts = [f"<bind xmlns='{BIND}'/>", f"<session xmlns='{SESSION}'><optional/></session>"]
        else:
            if self.server.certificate and not self.tls and self.server.offers_starttls:
                required = "<required/>" if self.server.tls == "required" else ""
                parts.append(f"<starttls xmlns='{TLS}'>{required}</starttls>")
            if self.tls or self.server.tls != "required":
                parts += self._offered_logins()
        return f"<stream:features>{''.join(parts)}</stream:features>"

    def _offered_logins(self):
        mechanisms = "".join(f"<mechanism>{name}</mechanism>" for name in self.server.mechanisms
                             if name != "EXTERNAL" or self.client_name)
        out = [f"<mechanisms xmlns='{SASL}'>{mechanisms}</mechanisms>"] if mechanisms else []
        if self.server.legacy:
            out.append("<auth xmlns='http://jabber.org/features/iq-auth'/>")
        if self.server.registration != "closed":
            out.append("<register xmlns='http://jabber.org/features/iq-register'/>")
        return out

    def _flush(self):
        while self._outbox:
            self._say(self._outbox.popleft())

    def _end(self):
        self.ended_by_client = True
        self.send("</stream:stream>")
        self._flush()
        raise Ended("the client ended its stream")

    def _element(self, element):
        self.said.append(element)
        if element.tag == f"{{{STREAMS}}}error":
            with self.changed:
                self.errors.append(element[0].tag.partition("}")[2] if len(element) else "")
                self.changed.notify_all()
            return
        if self.server.dialogue is not None and self.server.dialogue.hears(self, element):
            return
        if self.jid:
            return self._stanza(element)
        known = {f"{{{TLS}}}starttls": ("starttls", self._start_tls),
                 f"{{{SASL}}}auth": ("auth", lambda: self._auth(element)),
                 f"{{{SASL}}}response": ("response", lambda: self._sasl_step(element))}
        if element.tag in known:
            return self._do(*known[element.tag])
        return self._login_request(element)

    # - TLS -

    def _start_tls(self):
        self._say(f"<proceed xmlns='{TLS}'/>".encode() + self.server.inject)
        self._do("handshake", self._handshake)

    def _handshake(self):
        self.socket = self.server.context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.socket.lamplight_connection = self
        while True:
            try:
                self.socket.do_handshake()
                break
            except ssl.SSLWantReadError:
                select.select([self.socket], [], [])
            except ssl.SSLWantWriteError:
                select.select([], [self.socket], [])
        self.tls, self.alpn = self.socket.version(), self.socket.selected_alpn_protocol()
        shown = self.socket.getpeercert()
        self.client_name = dict(pair[0] for pair in shown["subject"]).get("commonName") if shown else None
        self._restart()

    # - SASL -

    def _auth(self, element):
        name = element.get("mechanism")
        if name not in self.server.mechanisms:
            return self._fail("invalid-mechanism")
        self.sasl = make_mechanism(name, self.server)
        if name == "EXTERNAL":
            return self._external(element)
        return self._sasl_step(element) if element.text else self.send(f"<challenge xmlns='{SASL}'/>")

    def _external(self, _element):
        user, _, domain = (self.client_name or "").partition("@")
        if domain != self.server.domain or user not in self.server.accounts:
            return self._fail("not-authorized")
        self.sasl.user = user
        return self._succeed(None)

    def _fail(self, condition):
        self.sasl = None
        self.send(f"<failure xmlns='{SASL}'><{condition}/></failure>")

    def _succeed(self, data):
        self.user = self.sasl.user
        self.send(f"<success xmlns='{SASL}'/>" if data is None else
                  f"<success xmlns='{SASL}'>{encoded(data)}</success>")
        self._restart()

    def _sasl_step(self, element):
        text = element.text or ""
        if self.sasl is None:
            return self._fail("malformed-request")
        kind, data = self.sasl.step(b"" if text == "=" else base64.b64decode(text))
        if kind == "failure":
            return self._fail(data)
        if kind == "success":
            return self._succeed(data)
        return self.send(f"<challenge xmlns='{SASL}'>{encoded(data)}</challenge>")

    # - requests before the login is through -

    def _login_request(self, element):
        payload = element[0].tag if element.tag == f"{{{CLIENT}}}iq" and len(element) else None
        if payload == f"{{{LEGACY}}}query":
            return self._do("legacy", lambda: self._legacy(element))
        if payload == f"{{{REGISTER}}}query":
            return self._do("register", lambda: self._register(element))
        if payload == f"{{{BIND}}}bind" and self.user:
            return self._do("bind", lambda: self._bind(element))
        return self.stream_error("not-authorized")

    def answer(self, request, content="", kind="result"):
        """An IQ of type result, or of another one."""
        to = f" to={quoteattr(self.jid)}" if self.jid else ""
        sender = f" from={quoteattr(request.get('to'))}" if request.get("to") else ""
        self.send(f"<iq type='{kind}' id={quoteattr(request.get('id', ''))}{sender}{to}>{content}</iq>")

    def refuse(self, request, condition, kind="cancel", code=None):
        number = f" code='{code}'" if code else ""
        self.answer(request, f"<error type='{kind}'{number}><{condition} xmlns='{STANZAS}'/></error>", "error")

    def _legacy(self, element):
        query = {child.tag.partition("}")[2]: child.text or "" for child in element[0]}
        if element.get("type") == "get":
            return self.answer(element, f"<query xmlns='{LEGACY}'><username/><password/><digest/><resource/></query>")
        password = self.server.accounts.get(query.get("username"))
        right = password is not None and (
            query.get("password") == password or
            query.get("digest") == hashlib.sha1((self.stream_id + password).encode()).hexdigest())
        if not right:
            return self.refuse(element, "not-authorized", "auth", 401)
        self.user = query["username"]
        self.answer(element)
        return self._become(query.get("resource") or "r")

    def _register(self, element):
        query = {child.tag.partition("}")[2]: child.text or "" for child in element[0]}
        if self.server.registration == "closed":
            return self.refuse(element, "not-allowed", "cancel", 405)
        if element.get("type") == "get":
            return self.answer(element, f"<query xmlns='{REGISTER}'><instructions>Choose</instructions><username/>"
                               "<password/></query>")
        if query.get("username") in self.server.accounts and self.server.registration != "replaces":
            return self.refuse(element, "conflict", "cancel", 409)
        self.server.accounts[query.get("username")] = query.get("password")
        self.registered = True
        return self.answer(element)

    def _bind(self, element):
        asked = element[0].findtext(f"{{{BIND}}}resource")
        resource = asked or os.urandom(4).hex()
        other = self.server.sessions.get(f"{self.user}@{self.server.domain}/{resource}")
        if other is not None and self.server.conflict == "refuse":
            return self.refuse(element, "conflict", "cancel", 409)
        if other is not None:
            other.stream_error("conflict", "Replaced by new connection")
        self.answer(element, f"<bind xmlns='{BIND}'><jid>{self.user}@{self.server.domain}/{resource}</jid></bind>")
        return self._become(resource)

    def _become(self, resource):
        self._flush()
        self.resource = resource
        with self.changed:
            self.jid = f"{self.user}@{self.server.domain}/{resource}"
            self.changed.notify_all()
        self.server.bound(self)
        self._do("bound", lambda: None)

    # - after it -

    def _stanza(self, stanza):
        if len(stanza) and stanza[0].tag == f"{{{SESSION}}}session":
            return self._do("session", lambda: self.answer(stanza))
        with self.changed:
            self.stanzas.append(stanza)
            self.changed.notify_all()
        for handler in reversed(self.server.handlers):
            if handler(self, stanza):
                return None
        return self.server.route(self, stanza)


# --- the server -------------------------------------------------------------------------------------------------------

class Server:
    """See the top of this file.

    domain, accounts      what it serves: a dictionary of local parts and passwords, which may be changed at any time
    certificate           a Pair; without one there is no TLS
    tls                   offered, required (nothing else before), direct (from the first byte)
    mechanisms            of SASL, in the order in which they are offered
    legacy, registration  jabber:iq:auth; jabber:iq:register: closed, open, replaces (a taken name gets the new
                          password, as Tigase 5.1.5 does)
    client_ca             a file: clients are asked for a certificate; its common name is a bare JID, for EXTERNAL
    iterations, signature of SCRAM; the signature may be right, wrong or missing
    inject                bytes in the clear behind <proceed/>
    offers_starttls       False: never, though there is a certificate
    conflict              two of one resource: replace (the old one gets a stream error) or refuse
    address, port         where; port 0: any
    """

    def __init__(self, certificate=None, accounts=None, domain="example.test", *, tls="offered",
                 mechanisms=("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"), legacy=False, registration="closed",
                 client_ca=None, iterations=4096, signature="right", inject=b"", offers_starttls=True,
                 conflict="replace", address="127.0.0.1", port=0):
        self.domain, self.accounts = domain, dict(accounts or {})
        self.certificate, self.tls, self.mechanisms = certificate, tls, list(mechanisms)
        self.legacy, self.registration, self.iterations, self.signature = legacy, registration, iterations, signature
        self.inject, self.offers_starttls, self.conflict = inject, offers_starttls, conflict
        self.deeds, self.handlers, self.events = {}, [], []
        self.connections, self.sessions, self.dialogue = [], {}, None
        self.changed = threading.Condition()
        self.context = self._make_context(client_ca) if certificate else None
        self.address, self.wanted_port, self.listener = address, port, None
        self.port = None

    def _make_context(self, client_ca):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.certificate, self.certificate.key)
        context.set_alpn_protocols(["xmpp-client"])
        context.sni_callback = self._take_server_name
        if client_ca:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(client_ca)
        return context

    @staticmethod
    def _take_server_name(connection, name, _context):
        getattr(connection, "lamplight_connection", Server).server_name = name

    # - life -

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Also again after stop(), on the same port."""
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.listener = socket.create_server((self.address, self.port or self.wanted_port), family=family, backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()
        return self

    def stop(self):
        """Nobody is accepted any more, and all connections end, without a word."""
        if self.listener is None:
            return
        listener, self.listener = self.listener, None
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in list(self.connections):
            connection.close()
        for connection in list(self.connections):
            connection.closed.wait(PATIENCE)

    def _accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            connection = Connection(self, client)
            with self.changed:
                self.connections.append(connection)
                self.changed.notify_all()
            threading.Thread(target=connection.run, daemon=True).start()

    # - scripts -

    def at(self, step, deed):
        """See the top of this file; answers with the server, so that it can be chained."""
        self.deeds[step] = deed
        return self

    def on_stanza(self, handler):
        self.handlers.append(handler)
        return self

    def note(self, event):
        self.events.append(f"{time.monotonic():.3f} {event}")

    # - waiting -

    def connection(self, number=1, seconds=PATIENCE):
        """The number-th that was accepted, from 1; waits for it."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.connections) >= number, seconds), \
                f"no connection {number} within {seconds:g} s; {self.events}"
            return self.connections[number - 1]

    def session(self, jid, seconds=PATIENCE):
        """The connection that is bound to this JID, bare or full; waits for it."""
        def found():
            return next((one for full, one in self.sessions.items() if full == jid or full.startswith(jid + "/")), None)
        with self.changed:
            assert self.changed.wait_for(lambda: found() is not None, seconds), \
                f"{jid} is not bound within {seconds:g} s; {self.events}"
            return found()

    # - what connections call -

    def bound(self, connection):
        with self.changed:
            self.sessions[connection.jid] = connection
            self.changed.notify_all()

    def gone(self, connection):
        with self.changed:
            if self.sessions.get(connection.jid) is connection:
                del self.sessions[connection.jid]
            self.changed.notify_all()

    def route(self, sender, stanza):
        """To the session it is for, or the answer that every server has."""
        to = stanza.get("to", "")
        receiver = next((one for full, one in list(self.sessions.items()) if to and (full == to or
                         full.partition("/")[0] == to)), None)
        if receiver is not None and "@" in to:
            stanza.set("from", sender.jid)
            return receiver.send(text_of(stanza))
        if stanza.tag != f"{{{CLIENT}}}iq" or stanza.get("type") not in ("get", "set"):
            return None
        payload = stanza[0].tag if len(stanza) else ""
        if payload == "{urn:xmpp:ping}ping":
            return sender.answer(stanza)
        if payload == "{jabber:iq:roster}query":
            return sender.answer(stanza, "<query xmlns='jabber:iq:roster'/>")
        return sender.refuse(stanza, "service-unavailable")


def text_of(element, parent=CLIENT):
    """An element as text, its default namespaces where they change."""
    namespace, _, name = element.tag[1:].rpartition("}") if element.tag.startswith("{") else ("", "", element.tag)
    words = [name] + ([f"xmlns={quoteattr(namespace)}"] if namespace != parent else [])
    for key, value in element.attrib.items():
        words.append(f"{key.replace('{http://www.w3.org/XML/1998/namespace}', 'xml:')}={quoteattr(value)}")
    inner = escape(element.text) + "".join(text_of(child, namespace) + escape(child.tail) for child in element)
    return f"<{' '.join(words)}>{inner}</{name}>" if inner else f"<{' '.join(words)}/>"


def escape(text):
    return (text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- recorded dialogues -----------------------------------------------------------------------------------------------

class Line:
    """One line of a recording: who said it on whose connection."""

    def __init__(self, side, account, text):
        self.side, self.account, self.text = side, account, text

    def __repr__(self):
        return f"{self.side} ({self.account}): {self.text[:200]}"


class Dialogue:
    r"""A recording of a real server, to play its part.

    A file has lines `C: …` (the client said it) and `S: …` (the server did), one line for each element, a line break
    inside written `\n`; `# --- connection NAME ---` says whose connection follows; other lines with `#` are remarks.

        Dialogue(file, {"tigase5.test": "example.test"}).play(server)

    `mapping` replaces texts of the recording, in what is expected and in what is said: domains, JIDs, node names.
    What a client says is compared as a tree: names, namespaces, attributes in any order, children, text; ids are not
    compared, but mapped: the answer has the id of what the client really said. Texts of SASL are not compared.

    play(server) lets the login be the server's own, if the recording has it or not, and begins with the first line
    behind it. With `order="any"` (for a client with a mind of its own) each stanza is answered as the first equal one
    in the recording that was not used yet, else as the last equal
    one; with `order="strict"` (for a client that follows a
    script) lines come one after another, and one that is not the next is a failure: the stream ends, `failure` says
    why.
    A connection's account is the local part of its JID. `left()` tells which lines of the clients did not come.
    """

    LOGIN = (f"{{{SASL}}}", f"{{{TLS}}}")

    def __init__(self, file, mapping=None, order="strict"):
        self.mapping, self.order, self.failure = dict(mapping or {}), order, None
        self.lines, self.used, self.ids = [], set(), {}
        self.next, self.lock = 0, threading.Lock()
        account = ""
        for text in Path(file).read_text(encoding="utf-8").splitlines():
            heading = re.fullmatch(r"# --- connection (\S+) ---", text)
            if heading:
                account = self.map(heading[1])
            elif text[:3] in ("C: ", "S: "):
                self.lines.append(Line(text[0], account, self.map(text[3:].replace(r"\n", "\n"))))
        self.server = None

    def map(self, text):
        for old, new in self.mapping.items():
            text = text.replace(old, new)
        return text

    def play(self, server):
        """From now on, for stanzas after the login."""
        self.server, server.dialogue = server, self
        self._skip_to_stanza()
        return self

    def left(self):
        """Lines of the clients that have not come."""
        return [line for index, line in enumerate(self.lines) if self.is_stanza(line, "C") and index not in self.used]

    @staticmethod
    def _parse(line):
        try:
            return element_of(line.text)
        except tree.ParseError:
            return None  # a header, an end, or what is no XML

    def is_stanza(self, line, side):
        """Of the talk after the login."""
        if line.side != side:
            return False
        element = self._parse(line)
        if element is None or element.tag.startswith(self.LOGIN) or element.tag.startswith(f"{{{STREAMS}}}"):
            return False
        payload = element[0].tag if len(element) else ""
        return not payload.startswith((f"{{{BIND}}}", f"{{{SESSION}}}"))

    def _skip_to_stanza(self):
        while self.next < len(self.lines) and not self.is_stanza(self.lines[self.next], "C"):
            self.next += 1

    def hears(self, connection, element):
        """What the client said; True when it was answered here."""
        payload = element[0].tag if len(element) else ""
        if not connection.jid or payload.startswith((f"{{{BIND}}}", f"{{{SESSION}}}")):
            return False
        with self.lock:
            index = self._find(connection.user, element)
            if index is None:
                return self._refuse(connection, element)
            self.used.add(index)
            self._say_what_follows(connection, index, element)
        with connection.changed:
            connection.stanzas.append(element)
            connection.changed.notify_all()
        return True

    def _find(self, account, element):
        if self.order == "strict":
            indices = [self.next] if self.next < len(self.lines) else []
        else:
            equal = [index for index in range(len(self.lines)) if self._matches(index, account, element)]
            return next((index for index in equal if index not in self.used), equal[-1] if equal else None)
        return next((index for index in indices if self._matches(index, account, element)), None)

    def _matches(self, index, account, element):
        line = self.lines[index]
        return line.account == account and self.is_stanza(line, "C") and same(self._parse(line), element)

    def _refuse(self, connection, element):
        if self.order == "any":
            return False
        expected = self.lines[self.next] if self.next < len(self.lines) else "nothing more"
        self.failure = f"expected {expected}\ncame     {text_of(element)}"
        connection.stream_error("policy-violation", "not in the dialogue")
        return True

    def _say_what_follows(self, connection, index, element):
        recorded = self._parse(self.lines[index]).get("id")
        if recorded:
            self.ids[recorded] = element.get("id", "")
        index += 1
        while index < len(self.lines) and not self.is_stanza(self.lines[index], "C"):
            line = self.lines[index]
            if self.is_stanza(line, "S"):
                self._say(connection, line)
            index += 1
        self.next = index

    def _say(self, connection, line):
        receiver = connection if connection.user == line.account else next(
            (one for one in list(self.server.sessions.values()) if one.user == line.account), None)
        if receiver is None:
            return
        said = self._parse(line)
        if said.get("id") in self.ids:
            said.set("id", self.ids[said.get("id")])
        receiver.send(text_of(said))


def same(expected, came):
    """Whether two trees are equal but for ids."""
    def attributes(element):
        return {key: value for key, value in element.attrib.items() if key != "id"}
    return (expected.tag == came.tag and attributes(expected) == attributes(came) and
            (expected.text or "").strip() == (came.text or "").strip() and len(expected) == len(came) and
            all(same_child(one, other) for one, other in zip(expected, came)))


def same_child(expected, came):
    """Ids of what is inside count: an item's is its device."""
    return same(expected, came) and expected.get("id") == came.get("id")
