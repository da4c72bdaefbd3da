"""A client's stream against a scripted server: each thing that a server, the network or a name server may do, and what
comes of it. In namespaces of its own, where the name server, /etc/hosts and all ports are the test's."""

import ctypes
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import PATIENCE, SANITIZER_COMPLAINT, SystemTest, die_with_parent, main, program, wait_until
from xmpp_server import CLOSE, RESET, SILENT, Certificates, Dialogue, Server, element_of, same

DOMAIN = "example.test"
SOURCE = Path(os.environ.get("LAMPLIGHT_SOURCE", Path(__file__).parents[2]))
INSIDE = "LAMPLIGHT_STREAM_TEST_INSIDE"
NEEDS = ("This needs network and mount namespaces: run as root (in a container with --privileged, or with "
         "CAP_SYS_ADMIN and CAP_NET_ADMIN), or allow user namespaces (sysctl user.max_user_namespaces and, where it "
         "exists, kernel.apparmor_restrict_unprivileged_userns)")


# --- namespaces, and a name server in them ----------------------------------------------------------------------------

def enter_namespaces():
    """This program begins again in namespaces of its own; root does it directly, everybody else in a user namespace."""
    if INSIDE in os.environ:
        return
    for way in ([], ["--map-root-user"]):
        words = ["unshare", *way, "--net", "--mount", "--propagation", "private", "--"]
        if subprocess.run([*words, "true"], capture_output=True).returncode == 0:
            os.execvpe("unshare", [*words, sys.executable, "-B", *sys.argv], {**os.environ, INSIDE: "1"})
    raise AssertionError(NEEDS)


def raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


class SystemFiles:
    """/etc/hosts and the like, ours in this mount namespace: write() replaces their contents."""

    def __init__(self, folder):
        self.folder = Path(folder)
        for name in ("hosts", "resolv.conf", "nsswitch.conf"):
            own, real = self.folder / name, Path("/etc") / name
            own.write_text("")
            if real.exists():
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.mount(bytes(own), bytes(real.resolve()), b"none", 4096, None) != 0:  # MS_BIND
                    raise AssertionError(f"{NEEDS}. {real}: {os.strerror(ctypes.get_errno())}")
        self.reset()

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def reset(self):
        self.write("hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self.write("resolv.conf", "nameserver 127.0.0.1\n")
        self.write("nsswitch.conf", "hosts: files dns\n")


class NameServer:
    """On 127.0.0.1, port 53. `records` has lists of (type, value) by name: A, AAAA, SRV (priority, weight, port,
    target).
    A name that is not there does not exist; `silent`: no answers at all."""

    TYPES = {"A": 1, "AAAA": 28, "SRV": 33}

    def __init__(self, records, silent=False):
        self.records, self.silent, self.asked = records, silent, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"end", ("127.0.0.1", 53))
        self.thread.join(PATIENCE)
        self.socket.close()

    def _serve(self):
        while True:
            question, sender = self.socket.recvfrom(4096)
            if question == b"end":
                return
            answer = self._answer(question)
            if not self.silent:
                self.socket.sendto(answer, sender)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        name, (kind, _) = ".".join(labels).lower(), struct.unpack_from("!HH", question, at + 1)
        self.asked.append((name, kind))
        found = self.records.get(name)
        answers = [self._record(*record) for record in found or () if self.TYPES[record[0]] == kind]
        flags = 0x8180 | (3 if found is None else 0)
        counts = struct.pack("!HHHHH", flags, 1, len(answers), 0, 0)
        return question[:2] + counts + question[12:at + 5] + b"".join(answers)

    def _record(self, kind, value):
        if kind == "SRV":
            priority, weight, port, target = value
            data = struct.pack("!HHH", priority, weight, port) + self._name(target)
        else:
            data = socket.inet_pton(socket.AF_INET if kind == "A" else socket.AF_INET6, value)
        return b"\xc0\x0c" + struct.pack("!HHIH", self.TYPES[kind], 1, 60, len(data)) + data

    @staticmethod
    def _name(text):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


class BlackHole:
    """An address whose connections are never made: its queue is full."""

    def __init__(self, address="127.0.0.1", port=0):
        self.listener = socket.socket()
        self.listener.bind((address, port))
        self.listener.listen(0)
        self.address = self.listener.getsockname()
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.address)
            self.fillers.append(filler)

    def close(self):
        for one in (self.listener, *self.fillers):
            one.close()


# --- the client -------------------------------------------------------------------------------------------------------

class Probe:
    """A stream_probe: options as stream_probe.cpp has them."""

    def __init__(self, **options):
        words = {"jid": f"alice@{DOMAIN}/x", "secret": "pencil", **options}
        self.events, self.changed, self.errors = [], threading.Condition(), tempfile.TemporaryFile()
        self.process = subprocess.Popen([program("stream_probe"), *(f"{key}={value}" for key, value in words.items())],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True,
                                        preexec_fn=die_with_parent)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            self.events.append({"event": "eof"})
            self.changed.notify_all()

    def do(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self

    def all(self, event):
        return [one for one in self.events if one["event"] == event]

    def until(self, event, number=1, seconds=PATIENCE):
        """The number-th event of that name."""
        def is_over():
            return self.all("eof") or (event == "bound" and len(self.all("end")) >= number)
        with self.changed:
            self.changed.wait_for(lambda: len(self.all(event)) >= number or is_over(), seconds)
            if len(self.all(event)) < number:
                raise AssertionError(f"no {event} number {number} within {seconds:g} s:\n{self.log()}")
            return self.all(event)[number - 1]

    def ask(self, command):
        """What `state` says; or waits until the command was obeyed."""
        if command == "state":
            count = len(self.all("now")) + 1
            return self.do("state").until("now", count)
        count = len(self.all("echo")) + 1
        return self.do(command).do("echo done").until("echo", count)

    def lines(self):
        return [one["text"] for one in self.all("line")]

    def end(self):
        """Its events after the orderly end of the program."""
        if self.process.poll() is None:
            try:
                self.do("end")
            except BrokenPipeError:
                pass
        status = self.process.wait(PATIENCE)
        self.errors.seek(0)
        complaints = self.errors.read().decode(errors="replace")
        assert status == 0 and not SANITIZER_COMPLAINT.search(complaints), \
            f"status {status}\n{complaints}\n{self.log()}"

    def log(self):
        return "\n".join(json.dumps(one)[:400] for one in self.events[-60:])


class StreamTest(SystemTest):
    """A test with a server and clients of its own."""

    files, certificates, folder = None, None, None

    def setUp(self):
        super().setUp()
        self.probes, self.servers = [], []
        self.files.reset()

    def server(self, certificate="right", deeds=(), domain=DOMAIN, **options):
        pair = self.pair(domain) if certificate == "right" else certificate
        server = Server(pair, {"alice": "pencil", "bob": "rubber"}, domain, **options)
        for step, deed in dict(deeds).items():
            server.at(step, deed)
        self.servers.append(server)
        return server.start()

    @classmethod
    def pair(cls, *names):
        """Made once a program for each set of names."""
        made = cls.folder.setdefault("pairs", {})
        if names not in made:
            made[names] = cls.certificates.issue(*names)
        return made[names]

    def probe(self, server=None, start=True, **options):
        if server is not None:
            options = {"host": server.address, "port": server.port, "ca": self.certificates.ca, **options}
        probe = Probe(**options)
        self.probes.append(probe)
        return probe.do("start") if start else probe

    def bound(self, server, **options):
        probe = self.probe(server, **options)
        probe.until("bound")
        return probe

    def end_of(self, server, **options):
        """How a stream to this server ended."""
        return self.probe(server, **options).until("end")

    def end_everything(self):
        try:
            for probe in self.probes:
                probe.end()
        finally:
            for probe in self.probes:
                if probe.process.poll() is None:
                    probe.process.kill()
            for server in self.servers:
                server.stop()
            super().end_everything()
            shutil.rmtree(self.place, ignore_errors=True)

    def logs(self):
        return "".join(f"--- probe\n{probe.log()}\n" for probe in self.probes) + "".join(
            "--- server\n" + "\n".join(server.events[-40:]) + "\n" for server in self.servers)


class AStream(StreamTest):
    def test_logs_in_by_starttls_and_scram(self):
        server = self.server()
        probe = self.bound(server)
        bound = probe.until("bound")
        self.assertEqual((bound["jid"], bound["mechanism"]), (f"alice@{DOMAIN}/x", "SCRAM-SHA-256"))
        now = probe.ask("state")
        self.assertEqual(now["tls"]["protocol"], "TLSv1.3")
        self.assertTrue(now["tls"]["verified"])
        self.assertGreater(now["tls"]["end"], time.time())
        self.assertEqual(now["peer"], f"127.0.0.1:{server.port}")
        self.assertEqual(server.connection().server_name, DOMAIN)
        self.assertEqual([one["state"] for one in probe.all("state")][:3],
                         ["Connecting", "Waiting to request TLS", "Requested TLS"])

    def test_logs_in_by_each_mechanism(self):
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"):
            with self.subTest(mechanism):
                probe = self.bound(self.server(mechanisms=[mechanism]))
                self.assertEqual(probe.until("bound")["mechanism"], mechanism)

    def test_logs_in_where_tls_is_required_first(self):
        self.bound(self.server(tls="required"))

    def test_logs_in_behind_tls_from_the_first_byte(self):
        server = self.server(tls="direct")
        self.bound(server, tls="direct")
        self.assertEqual((server.connection().alpn, server.connection().server_name), ("xmpp-client", DOMAIN))

    def test_logs_in_by_a_certificate_of_its_own(self):
        own = self.certificates.issue(client=f"alice@{DOMAIN}")
        server = self.server(mechanisms=["EXTERNAL", "PLAIN"], client_ca=self.certificates.ca)
        probe = self.bound(server, certificate=own.certificate, key=own.key)
        self.assertEqual(probe.until("bound")["mechanism"], "EXTERNAL")

    def test_logs_in_in_the_clear_when_told_so(self):
        server = self.server(None)
        probe = self.bound(server, tls="none")
        self.assertIsNone(server.connection().tls)
        self.assertNotIn("tls", probe.ask("state"))

    def test_logs_in_as_before_sasl(self):
        probe = self.bound(self.server(None, legacy=True, mechanisms=[]), tls="none", login="legacy")
        self.assertEqual(probe.until("bound")["mechanism"], "jabber:iq:auth")

    def test_comes_by_version_six_of_the_internet(self):
        server = self.server(address="::1")
        self.assertEqual(self.bound(server).ask("state")["peer"], f"[::1]:{server.port}")

    def test_comes_with_two_thousand_descriptors_open_in_the_process(self):
        with NameServer({DOMAIN: [("A", "127.0.0.1")]}):
            probe = self.bound(self.server(), host="", descriptors=2000)
            self.assertGreater(len(os.listdir(f"/proc/{probe.process.pid}/fd")), 2000)
            self.assertIn("tls", probe.ask("state"))

    def test_carries_stanzas_both_ways_in_order(self):
        server = self.server()
        probe = self.bound(server)
        alice = server.session(f"alice@{DOMAIN}")
        probe.do("flood 2000 100")
        alice.until(lambda stanza: stanza.get("id") == "1999", "the last message")
        self.assertEqual([stanza.get("id") for stanza in alice.stanzas], [str(i) for i in range(2000)])
        # Each went back to us, since we sent them to ourselves.
        probe.until("stanza", 2000)
        self.assertEqual([one["id"] for one in probe.all("stanza")], [str(i) for i in range(2000)])
        probe.until("drained")

    def test_says_white_space_to_keep_the_line_alive(self):
        server = self.server(None)
        probe = self.bound(server, tls="none")
        probe.do("keepalive").do("keepalive").ask("keepalive")
        wait_until(lambda: server.connection().raw.endswith(b">   "), "three spaces")

    def test_says_goodbye(self):
        server = self.server()
        probe = self.bound(server)
        probe.do("close").until("closed")
        self.assertTrue(server.connection().closed.wait(PATIENCE))
        self.assertTrue(server.connection().ended_by_client)
        self.assertEqual(probe.all("end"), [])
        self.assertEqual(probe.ask("state")["state"], "Disconnected")

    def test_says_goodbye_only_so_long(self):
        server = self.server()
        probe = self.bound(server)
        server.session(f"alice@{DOMAIN}").deaf()
        begin = probe.do("close").until("close")["time"]
        self.assertLess(probe.until("closed")["time"] - begin, 2.0)

    def test_shows_its_traffic_without_a_secret(self):
        for options, server in (({}, self.server(mechanisms=["PLAIN"])), ({}, self.server()),
                                ({"tls": "none", "login": "legacy"}, self.server(None, legacy=True, mechanisms=[])),
                                ({"register": "yes", "jid": f"carol@{DOMAIN}/x"}, self.server(registration="open"))):
            probe = self.bound(server, **options)
            said = "\n".join(one["xml"] for one in probe.all("traffic"))
            self.assertIn("***", said)
            for secret in ("pencil", "AGFsaWNlAHBlbmNpbA==", "r=", "biws"):
                self.assertNotIn(secret, said)
            self.assertIn("<stream:stream xmlns='jabber:client'", said)
            for way in ("in", "out"):
                self.assertTrue([one for one in probe.all("traffic") if one["way"] == way])


class ANameIsFound(StreamTest):
    def test_in_the_hosts_file(self):
        server = self.server()
        self.files.write("hosts", "127.0.0.1 localhost\n127.0.0.1 jabber.mysite.test\n")
        self.assertEqual(self.bound(server, host="jabber.mysite.test").ask("state")["peer"],
                         f"127.0.0.1:{server.port}")

    def test_in_the_hosts_file_before_the_name_server_as_nsswitch_says(self):
        server = self.server()
        self.files.write("hosts", f"127.0.0.2 {DOMAIN}\n")
        with NameServer({DOMAIN: [("A", "127.0.0.1")]}):
            self.assertEqual(self.end_of(server, host="")["kind"], "unreachable")
            self.files.write("nsswitch.conf", "hosts: dns files\n")
            self.bound(server, host="")

    def test_by_its_domain_when_no_host_is_given(self):
        with NameServer({DOMAIN: [("A", "127.0.0.1")]}):
            self.bound(self.server(), host="")

    def test_by_srv_with_its_port_and_the_domain_is_what_is_verified(self):
        server = self.server()
        with NameServer({f"_xmpp-client._tcp.{DOMAIN}": [("SRV", (10, 0, server.port, "host.other.test"))],
                         "host.other.test": [("A", "127.0.0.1")]}):
            self.bound(server, host="", port=1, srv="yes")
        self.assertEqual(server.connection().server_name, DOMAIN)

    def test_by_srv_for_tls_from_the_first_byte(self):
        server = self.server(tls="direct")
        with NameServer({f"_xmpps-client._tcp.{DOMAIN}": [("SRV", (10, 0, server.port, "host.other.test"))],
                         "host.other.test": [("A", "127.0.0.1")]}):
            self.bound(server, host="", port=1, srv="yes", tls="direct")

    def test_by_the_next_srv_record_when_the_better_one_is_dead_or_has_no_address(self):
        server = self.server()
        with NameServer({f"_xmpp-client._tcp.{DOMAIN}": [("SRV", (30, 0, server.port, "good.test")),
                                                        ("SRV", (20, 0, 1, "good.test")),
                                                        ("SRV", (10, 0, server.port, "absent.test"))],
                         "good.test": [("A", "127.0.0.1")]}) as names:
            self.bound(server, host="", srv="yes")
        self.assertIn(("absent.test", 1), names.asked)

    def test_by_the_domain_when_there_is_no_srv_record(self):
        with NameServer({DOMAIN: [("A", "127.0.0.1")]}):
            self.bound(self.server(), host="", srv="yes")

    def test_never_where_the_domain_says_that_there_is_no_service(self):
        with NameServer({f"_xmpp-client._tcp.{DOMAIN}": [("SRV", (0, 0, 0, "."))], DOMAIN: [("A", "127.0.0.1")]}):
            end = self.end_of(self.server(), host="", srv="yes")
        self.assertEqual(end["kind"], "not found")
        self.assertIn("no such XMPP service", end["text"])

    def test_never_when_it_does_not_exist(self):
        with NameServer({}):
            end = self.end_of(self.server(), host="nobody.test")
        self.assertEqual(end["kind"], "not found")
        self.assertIn("nobody.test", end["text"])

    def test_never_when_the_name_server_is_silent_and_soon_when_it_is_dead(self):
        end = self.end_of(self.server(), host="nobody.test")
        self.assertEqual(end["kind"], "not found")
        with NameServer({}, silent=True):
            probe = self.probe(self.server(), host="nobody.test", patience_ms=500)
            end = probe.until("end")
        self.assertEqual(end["kind"], "not found")
        self.assertIn("no answer in 0.5 s", end["text"])

    def test_at_the_family_that_works(self):
        both = {DOMAIN: [("AAAA", "::1"), ("A", "127.0.0.1")]}
        with NameServer(both):
            for address in ("127.0.0.1", "::1"):
                server = self.server(address=address)
                probe = self.bound(server, host=DOMAIN)
                self.assertIn(address, probe.ask("state")["peer"])

    def test_at_the_next_address_a_head_start_later_when_one_does_not_answer(self):
        hole = BlackHole("127.0.0.2")
        self.addCleanup(hole.close)
        server = self.server(address="127.0.0.3", port=hole.address[1])
        self.files.write("hosts", f"127.0.0.2 {DOMAIN}\n127.0.0.3 {DOMAIN}\n")
        probe = self.bound(server, host=DOMAIN)
        self.assertIn("127.0.0.3", probe.ask("state")["peer"])
        self.assertLess(probe.until("bound")["time"] - probe.until("start")["time"], 5.0)

    def test_but_nobody_answers_there(self):
        hole = BlackHole()
        self.addCleanup(hole.close)
        end = self.probe(host="127.0.0.1", port=hole.address[1], patience_ms=600).until("end")
        self.assertEqual((end["kind"], end["text"]),
                         ("unreachable", "cannot connect to 127.0.0.1: no answer in 0.6 s"))

    def test_but_nobody_listens_there(self):
        server = self.server()
        server.stop()
        end = self.end_of(server)
        self.assertEqual(end["kind"], "unreachable")
        self.assertIn("Connection refused", end["text"])


class ACertificate(StreamTest):
    def refused(self, certificate, **options):
        end = self.end_of(self.server(certificate), **options)
        self.assertEqual(end["kind"], "TLS failed")
        return end

    def test_that_expired_is_refused_with_its_day(self):
        end = self.refused(self.certificates.issue(DOMAIN, days=-3))
        self.assertRegex(end["text"], rf"the certificate of {DOMAIN} expired on 20\d\d-\d\d-\d\d: "
                         "certificate has expired")
        self.assertIn("renew", end["what_to_do"])

    def test_of_another_host_is_refused_with_its_names(self):
        end = self.refused(self.certificates.issue("other.test", "*.other.test"))
        self.assertIn("names found: other.test, *.other.test", end["text"])
        self.assertIn(DOMAIN, end["what_to_do"])

    def test_of_the_host_found_but_not_of_the_domain_is_refused(self):
        self.files.write("hosts", "127.0.0.1 host.other.test\n")
        self.refused(self.certificates.issue("host.other.test"), host="host.other.test")

    def test_of_an_authority_nobody_knows_is_refused(self):
        stranger = Certificates(self.place / "stranger", "Stranger").issue(DOMAIN)
        end = self.refused(stranger)
        self.assertIn("unknown issuer", end["text"])
        self.assertIn("tls_ca", end["what_to_do"])

    def test_of_a_private_authority_is_refused_by_the_systems(self):
        end = self.refused(self.pair(DOMAIN), ca="")
        self.assertIn("the system's authorities", end["text"])

    def test_signed_by_itself_is_refused_unless_it_is_named(self):
        own = self.certificates.self_signed(DOMAIN)
        self.assertIn("self-signed certificate", self.refused(own)["text"])
        self.bound(self.server(own), ca=own.certificate)

    def test_of_a_wildcard_counts(self):
        self.bound(self.server(self.pair("*.example.test"), domain="chat.example.test"),
                   jid="alice@chat.example.test/x")

    def test_is_not_looked_at_when_told_so_and_a_warning_says_that(self):
        for pair in (self.certificates.issue("other.test", days=-3), self.certificates.self_signed("x.test")):
            probe = self.bound(self.server(pair), verify="no")
            self.assertFalse(probe.ask("state")["tls"]["verified"])
            self.assertTrue([line for line in probe.lines() if "jabber.conf:14" in line and "not checked" in line])

    def test_file_that_cannot_be_read_is_named(self):
        for option, file in (("ca", "/nowhere/ca.pem"), ("certificate", "/nowhere/own.pem")):
            end = self.end_of(self.server(), **{option: file})
            self.assertEqual(end["kind"], "TLS failed")
            self.assertIn(file, end["text"])

    def test_key_that_is_another_ones_is_refused(self):
        one, other = self.certificates.issue(client="a@b"), self.certificates.issue(client="c@d")
        end = self.end_of(self.server(), certificate=one.certificate, key=other.key)
        self.assertIn("key values mismatch", end["text"])


class AServer(StreamTest):
    def test_that_offers_no_tls_gets_no_login(self):
        server = self.server(offers_starttls=False)
        self.assertEqual(self.end_of(server)["kind"], "TLS not offered")
        self.assertNotIn(b"mechanism", server.connection().raw)

    def test_that_speaks_no_tls_where_it_should(self):
        end = self.end_of(self.server(None, deeds={"accept": "<stream:stream>"}), tls="direct")
        self.assertEqual(end["kind"], "TLS failed")
        self.assertIn("no TLS is spoken on that port", end["what_to_do"])

    def test_whose_words_are_injected_behind_its_consent_to_tls_is_warned_about_and_they_are_dropped(self):
        for injected in (b"<message id='evil'/>", b"<message id='evil'><body>", b"<stream:features/><iq/>"):
            with self.subTest(injected):
                probe = self.bound(self.server(inject=injected))
                self.assertTrue([line for line in probe.lines() if "in the clear behind the server's consent" in line])
                probe.ask("echo x")
                self.assertEqual(probe.all("stanza"), [])
                self.assertNotIn("evil", json.dumps(probe.all("traffic")))

    def test_that_does_not_know_the_password_is_not_believed(self):
        for signature in ("wrong", "missing"):
            with self.subTest(signature):
                end = self.end_of(self.server(signature=signature, mechanisms=["SCRAM-SHA-256"]))
                self.assertEqual(end["kind"], "server not verified")

    def test_that_wants_our_processor_does_not_get_it(self):
        begin = time.monotonic()
        end = self.end_of(self.server(iterations=10**9, mechanisms=["SCRAM-SHA-1"]))
        self.assertLess(time.monotonic() - begin, 10)
        self.assertNotEqual(end["kind"], "lost")
        self.assertRegex(end["text"], "iterations")

    def test_that_refuses_the_password(self):
        self.assertEqual(self.end_of(self.server(), secret="wrong")["kind"], "not authorized")

    def test_that_registers_accounts_makes_one(self):
        server = self.server(registration="open")
        probe = self.bound(server, jid=f"carol@{DOMAIN}/x", register="yes")
        self.assertTrue(probe.until("bound")["registered"])
        self.assertEqual(server.accounts["carol"], "pencil")

    @staticmethod
    def at_the_second(deed):
        """For a step: the first one goes as ever."""
        count = []
        return lambda connection: count.append(1) or (False if len(count) == 1 else deed(connection))

    ENDS = {"the connection": lambda connection: connection.close(),
            "the stream": lambda connection: connection.send("</stream:stream>")}

    def test_that_ends_it_instead_of_answering_a_login_from_before_sasl_refuses_the_password(self):
        for what, deed in self.ENDS.items():
            with self.subTest(what):
                server = self.server(None, legacy=True, mechanisms=[], deeds={"legacy": self.at_the_second(deed)})
                end = self.end_of(server, tls="none", login="legacy")
                self.assertEqual(end["kind"], "not authorized")
                self.assertIn("usesasl = yes", end["what_to_do"])

    def test_that_ends_it_when_the_account_is_made_wants_another_stream(self):
        for what, deed in self.ENDS.items():
            with self.subTest(what):
                server = self.server(registration="open", deeds={"auth": self.at_the_second(deed)})
                probe = self.probe(server, jid=f"carol@{DOMAIN}/x", register="yes")
                self.assertEqual(probe.until("end")["kind"], "registered")
                server.deeds.clear()
                self.bound(server, jid=f"carol@{DOMAIN}/x")

    def test_that_ends_its_stream_while_we_log_in_is_quoted_with_the_step(self):
        end = self.end_of(self.server(deeds={"bind": "</stream:stream>"}))
        self.assertEqual((end["kind"], end["text"]),
                         ("ended by the server", "the server closed the stream in state `Authenticating`"))

    STEPS = ["accept", "header", "features", "starttls", "handshake", "header-tls", "features-tls", "auth", "response",
             "header-auth", "features-auth", "bind"]

    def test_that_closes_in_the_middle_is_lost(self):
        for step in self.STEPS:
            for deed in (CLOSE, RESET):
                with self.subTest(step, deed=deed):
                    kind = self.end_of(self.server(deeds={step: deed}))["kind"]
                    # Reset as soon as it is there, a connection may never have come to be.
                    self.assertIn(kind, ("lost", "unreachable") if step == "accept" else ("lost",))

    def test_that_falls_silent_is_waited_for_only_so_long(self):
        for step in self.STEPS[1:]:
            with self.subTest(step):
                end = self.end_of(self.server(deeds={step: SILENT}), patience_ms=400)
                self.assertEqual(end["kind"], "lost")
                self.assertRegex(end["text"], r"did not finish the (login|TLS handshake) within 0.4 s")

    def test_that_falls_silent_in_the_handshake_is_told_so(self):
        end = self.end_of(self.server(deeds={"handshake": SILENT}), patience_ms=400)
        self.assertIn("did not finish the TLS handshake", end["text"])

    def test_that_is_lost_later(self):
        server = self.server()
        probe = self.bound(server)
        server.session(f"alice@{DOMAIN}").reset()
        self.assertEqual(probe.until("end")["kind"], "lost")
        self.assertEqual(probe.ask("state")["state"], "Disconnected")

    def test_that_ends_its_stream(self):
        server = self.server()
        probe = self.bound(server)
        server.session(f"alice@{DOMAIN}").send("</stream:stream>")
        self.assertEqual(probe.until("end")["kind"], "ended by the server")
        self.assertTrue(server.connection().closed.wait(PATIENCE))
        self.assertTrue(server.connection().ended_by_client)

    def test_that_says_why_it_ends_the_stream(self):
        server = self.server()
        probe = self.bound(server)
        server.session(f"alice@{DOMAIN}").stream_error("system-shutdown", "Back at five")
        end = probe.until("end")
        self.assertEqual((end["kind"], end["text"]),
                         ("ended by the server", "the server ended the stream: system-shutdown (Back at five)"))

    def test_that_says_so_before_the_login(self):
        server = self.server(deeds={"features": lambda connection: connection.stream_error("host-unknown")})
        end = self.end_of(server)
        self.assertEqual(end["kind"], "ended by the server")
        self.assertIn("host-unknown", end["text"])

    def test_that_gives_our_resource_to_another(self):
        server = self.server()
        first = self.bound(server)
        self.bound(server)
        self.assertEqual(first.until("end")["kind"], "conflict")

    BAD = {"200,000 nested elements": (b"<a>" * 200_000, "policy-violation"),
           "an attribute of a megabyte": (b"<a b='" + b"x" * 1_000_000 + b"'/>", "policy-violation"),
           "a text of a megabyte": (b"<a>" + b"x" * 1_000_000 + b"</a>", "policy-violation"),
           "1,000 attributes": (b"<a " + b" ".join(b"b%d=''" % i for i in range(1000)) + b"/>", "policy-violation"),
           "a tag without an end": (b"<a" * 1_000_000, None),
           "an entity": (b"<a>&lol;</a>", None),
           "a comment": (b"<!-- hello -->", "restricted-xml"),
           "an instruction": (b"<?php x?>", "restricted-xml"),
           "no XML": (b"<a></b>", "not-well-formed"),
           "no UTF-8": (b"<a>\xff\xfe</a>", "not-well-formed")}

    def test_whose_stream_is_none_is_refused_before_the_login_and_after_it(self):
        for what, (said, condition) in self.BAD.items():
            for when in ("features", "bound") if condition != "policy-violation" else ("features",):
                with self.subTest(what, when=when):
                    server = self.server(None)
                    server.at(when, said)
                    end = self.end_of(server, tls="none")
                    self.assertEqual(end["kind"], "bad XML")
                    self.assertTrue(server.connection().closed.wait(PATIENCE))
                    if condition:
                        self.assertEqual(server.connection().errors, [condition])

    def test_whose_stanzas_are_too_much_is_heard_on_behind_them_once_we_are_logged_in(self):
        server = self.server(None)
        probe = self.bound(server, tls="none")
        alice = server.session(f"alice@{DOMAIN}")
        for number, what in enumerate(("an attribute of a megabyte", "a text of a megabyte", "1,000 attributes",
                                       "200,000 nested elements"), 1):
            with self.subTest(what):
                alice.send(self.BAD[what][0])
                if "nested" in what:
                    alice.send(b"</a>" * 200_000)
                alice.send(f"<message id='m{number}'/>")
                self.assertEqual(probe.until("stanza", number)["id"], f"m{number}")
                self.assertEqual(len([line for line in probe.lines() if "was passed over" in line]), number)
        self.assertEqual(probe.all("end"), [])

    def test_with_a_document_type_is_refused(self):
        dtd = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY lol 'lol'>]><stream:stream>"
        server = self.server(None, deeds={"header": dtd})
        self.assertEqual(self.end_of(server, tls="none")["kind"], "bad XML")
        self.assertTrue(server.connection().closed.wait(PATIENCE))
        self.assertEqual(server.connection().errors, ["restricted-xml"])

    def test_that_takes_nothing_is_lost_at_the_bound(self):
        server = self.server()
        probe = self.bound(server)
        server.session(f"alice@{DOMAIN}").deaf()
        probe.do("flood 600 100000")
        flood = probe.until("flood")
        self.assertLess(flood["most_unsent"], 4.5 * 1024 * 1024)
        end = probe.until("end")
        self.assertEqual(end["kind"], "lost")
        self.assertIn("4 MiB are unsent", end["text"])

    def test_that_is_slow_gets_everything_in_the_end(self):
        server = self.server()
        probe = self.bound(server)
        alice = server.session(f"alice@{DOMAIN}")
        server.on_stanza(lambda *_: True)
        alice.deaf()
        probe.do("flood 30 100000").until("flood")
        alice.hear_again()
        alice.until(lambda stanza: stanza.get("id") == "29", "the last message")
        probe.until("drained")
        self.assertEqual(probe.ask("state")["unsent"], 0)

    def test_that_floods_leaves_others_their_turn(self):
        server = self.server()
        probe = self.bound(server)
        alice = server.session(f"alice@{DOMAIN}")
        alice.send("<message id='m'/>" * 20_000)
        probe.until("stanza")
        probe.ask("echo still here")
        probe.until("stanza", 20_000)


class ItsOwner(StreamTest):
    """May let go of it at any time, also from within a call, and hears nothing after that."""

    def events_after(self, probe, mark):
        probe.ask("echo x")
        names = [one["event"] for one in probe.events]
        return [name for name in names[names.index(mark) + 1:] if name not in ("echo", "closed", "now")]

    def test_drops_or_closes_it_from_within_each_call(self):
        for event in ("state", "bound", "stanza", "line", "traffic", "drained", "end"):
            for deed, mark in (("drop", "drop"), ("close", "close")):
                with self.subTest(event, deed=deed):
                    server = self.server(inject=b"<x/>")
                    server.at("bound", lambda connection: connection.send("<message id='m'/>"))
                    probe = self.probe(server, start=False)
                    probe.do("start").do(f"on {event} {deed}")
                    if event in ("drained", "end"):
                        probe.until("bound")
                        probe.do("send <presence/>")
                    if event == "end":
                        server.session(f"alice@{DOMAIN}").close()
                    probe.until(mark)
                    if deed == "close":
                        probe.until("closed")
                    self.assertTrue(server.connection().closed.wait(PATIENCE) if event != "state" else True)
                    self.assertEqual(self.events_after(probe, mark), [])

    def test_closes_it_while_it_looks_for_a_name(self):
        with NameServer({}, silent=True) as names:
            for deed, mark in (("close", "closed"), ("drop", "drop")):
                probe = self.probe(host="nobody.test", port=1)
                wait_until(lambda: names.asked, "a question")
                probe.do(deed).until(mark)
                self.assertEqual(self.events_after(probe, deed), [])
                names.asked.clear()

    def test_closes_it_while_it_connects(self):
        hole = BlackHole()
        self.addCleanup(hole.close)
        probe = self.probe(host="127.0.0.1", port=hole.address[1])
        probe.until("state")
        probe.do("close").until("closed")
        self.assertEqual(probe.all("end"), [])

    def test_closes_it_at_each_step(self):
        for step in AServer.STEPS:
            with self.subTest(step):
                server = self.server(deeds={step: SILENT})
                probe = self.probe(server)
                wait_until(lambda: [one for one in server.events if one.endswith(f" {step}")], step)
                probe.do("close").until("closed")
                self.assertEqual(self.events_after(probe, "close"), [])

    def test_makes_the_next_one_when_this_one_has_ended(self):
        server = self.server()
        probe = self.bound(server)
        for number in range(2, 5):
            server.session(f"alice@{DOMAIN}").close()
            probe.until("end", number - 1)
            probe.do("start").until("bound", number)


class ADialogue(StreamTest):
    """Recorded with a real server is played as it was."""

    TEXT = ("# a remark\n# --- connection alice ---\n"
            "C: <?xml version='1.0'?><stream:stream xmlns='jabber:client' to='old.test' version='1.0'>\n"
            "C: <iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\n"
            "S: <iq type='result' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>\n"
            "C: <iq type='get' to='pubsub.old.test' id='c1'><query xmlns='jabber:iq:version'/></iq>\n"
            "S: <iq type='result' from='pubsub.old.test' id='c1'><query xmlns='jabber:iq:version'/></iq>\n"
            "S: <message from='pubsub.old.test' id='news'/>\n"
            "C: <iq type='get' to='old.test' id='c2'><ping xmlns='urn:xmpp:ping'/></iq>\n"
            "S: <iq type='result' from='old.test' id='c2'/>\n")
    VERSION = "<iq id='{}' to='pubsub.example.test' type='get'><query xmlns='jabber:iq:version'/></iq>"
    PING = "<iq id='{}' to='example.test' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"

    def dialogue(self, server, order):
        file = self.place / "dialogue.txt"
        file.write_text(self.TEXT)
        return Dialogue(file, {"old.test": DOMAIN}, order).play(server)

    def test_in_its_order(self):
        server = self.server()
        dialogue = self.dialogue(server, "strict")
        probe = self.bound(server)
        probe.do("send " + self.VERSION.format("one")).do("send " + self.PING.format("two"))
        probe.until("stanza", 3)
        self.assertEqual([one["id"] for one in probe.all("stanza")], ["one", "news", "two"])
        self.assertEqual((dialogue.left(), dialogue.failure), ([], None))

    def test_and_who_leaves_it_is_told(self):
        server = self.server()
        dialogue = self.dialogue(server, "strict")
        probe = self.bound(server)
        probe.do("send " + self.PING.format("two"))
        self.assertEqual(probe.until("end")["kind"], "ended by the server")
        self.assertIn("jabber:iq:version", dialogue.failure)

    def test_in_any_order_when_wanted(self):
        server = self.server()
        dialogue = self.dialogue(server, "any")
        probe = self.bound(server)
        probe.do("send " + self.PING.format("two")).do("send " + self.PING.format("three"))
        probe.until("stanza", 2)
        self.assertEqual([one["id"] for one in probe.all("stanza")], ["two", "three"])
        self.assertEqual(len(dialogue.left()), 1)

    def test_of_tigase_is_played_to_several_clients(self):
        files = sorted((SOURCE / "tests/data/xmpp/dialogues").glob("tigase-*/*.txt"))
        self.assertEqual(len(files), 6)
        for file in files:
            with self.subTest(f"{file.parent.name}/{file.name}"):
                self.play(file)

    def play(self, file):
        server = self.server()
        old = {"tigase-5.1.5": "tigase5.test", "tigase-8.1.2": "tigase8.test"}[file.parent.name]
        dialogue = Dialogue(file, {old: DOMAIN}).play(server)
        accounts = sorted({line.account for line in dialogue.lines})
        server.accounts.update({account: "pencil" for account in accounts})
        probes = {account: self.bound(server, jid=f"{account}@{DOMAIN}/x") for account in accounts}
        while dialogue.left():
            line, count = dialogue.left()[0], len(dialogue.used)
            probes[line.account].do("send " + line.text.replace("\n", "&#10;"))
            wait_until(lambda: len(dialogue.used) > count or dialogue.failure, repr(line))
            self.assertIsNone(dialogue.failure)
        for account, probe in probes.items():
            said = [line for line in dialogue.lines if line.account == account and dialogue.is_stanza(line, "S")]
            self.assertTrue(said)
            probe.until("stanza", len(said))

    def test_is_compared_as_a_tree(self):
        one = element_of("<iq id='1' to='a'><x xmlns='y' b='1' c='2'>text</x></iq>")
        self.assertTrue(same(one, element_of('<iq to="a" id="2"><x c="2" b="1" xmlns="y">text</x></iq>')))
        for other in ("<iq to='b'><x xmlns='y' b='1' c='2'>text</x></iq>",
                      "<iq to='a'><x xmlns='y' b='1'>text</x></iq>",
                      "<iq to='a'><x xmlns='z' b='1' c='2'>text</x></iq>", "<iq to='a'/>",
                      "<iq to='a'><x xmlns='y' b='1' c='2'>other</x></iq>"):
            self.assertFalse(same(one, element_of(other)))


def run():
    enter_namespaces()
    raise_loopback()
    with tempfile.TemporaryDirectory(prefix="lamplight-stream-") as folder:
        StreamTest.files = SystemFiles(folder)
        StreamTest.certificates = Certificates(Path(folder) / "ca")
        StreamTest.folder = {}
        main()


if __name__ == "__main__":
    run()
