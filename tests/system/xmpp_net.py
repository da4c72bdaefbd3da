"""Hosts in network namespaces with real XMPP servers, for system tests.

    XmppNetwork ─────────────── a holder's network namespace: the bridge
      ├─ XmppHost jabber1 …     one for each server: eth0, own /etc/hosts; a Prosody or an Ejabberd runs there
      └─ XmppHost pbx1, pbx2 …  one for each PBX: there lamplightds, Asterisks (xmpp_asterisk.py) and peers
                                (xmpp_peer.py) run

Inside all of them the servers' names are known, and no name server is. /tmp is shared by all.

    class Example(XmppTest):
        def test_two_servers_share_a_state(self):
            net = self.network(pbxs=2)                       # jabber.shifteight.org and pubsub.jabber.shifteight.org
            prosody = self.prosody(net.servers[0], accounts={"astvoip1": "secret", "astvoip2": "secret"},
                                   tls="off", admins=["astvoip1", "astvoip2"]).start()
            pbx1 = self.node_on(net[1])                      # a lamplightd, not yet started; write its jabber.conf
            …
            net.cut(net[1]); net.heal(net[1])                # as if its cable were pulled, and put back
            prosody.kill(); prosody.start()                  # or stop(), restart()
            prosody.change_password("astvoip1", "another")   # and add_account, remove_account, as an administrator does

Prosody and Ejabberd have one interface, see Server. They start in a second or two, and are ended by their own pid;
nothing of them stays, no epmd either.
"""

import http.client
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from harness import PATIENCE, SystemTest, wait_until
from ring import BOOK_ADDRESSES, DIES_WITH_PARENT, ENVIRONMENT, Holder, Host, run_inside, way_into_namespaces
from server_process import ServerProcess
from xmpp_server import Certificates

START_AND_STOP = 90.0  # seconds; an Erlang on a busy machine is in no hurry
DOMAIN = "jabber.shifteight.org"
SERVER_ADDRESSES = ["10.24.22.10", "10.24.22.11", "10.24.22.12"]
# Connects inside, and hands the socket out.
CONNECT = """
import socket, sys
kind = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
link = socket.socket(kind, socket.SOCK_STREAM)
link.settimeout(float(sys.argv[3]))
link.connect((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=0), [b"x"], [link.fileno()])
"""


class XmppHost(Host):
    """One machine: `wrapper` goes before a command that is to run there; do() and popen() as a ring's host has them."""

    def __init__(self, network, name, address):
        self.name, self.address = name, address
        self.place = network.place / name
        self.run_dir = self.place / "run"
        self.run_dir.mkdir(parents=True)
        self.run_dir.chmod(0o750)
        self.hosts_file = self.place / "hosts"
        self.port = f"to-{name}"
        self.server = None
        self.resolv_file().write_text("options attempts:1 timeout:1\n")
        self.hosts_file.write_text(network.hosts_text)
        unshare, nsenter = way_into_namespaces()
        self.holder = Holder([*network.prefix, "unshare", "--net", "--mount", "--propagation", "private", "--"],
                             f"mount --bind {self.hosts_file} /etc/hosts"
                             " && { [ ! -e /etc/resolv.conf ] ||"
                             f" mount --bind {self.resolv_file()} /etc/resolv.conf; }}"
                             " && ip link set lo up && mount -t tmpfs none /run")
        self.wrapper = ["nsenter", "--target", str(self.holder.pid), *nsenter, "--net", "--mount", "--",
                        *DIES_WITH_PARENT]
        self.plug_into(network)

    def resolv_file(self):
        return self.place / "resolv.conf"

    def plug_into(self, ring):
        super().plug_into(ring)
        number = self.address.rpartition(".")[2]
        self.do("ip", "address", "add", f"fd24:22::{number}/64", "dev", "eth0", "nodad")

    @property
    def address6(self):
        return f"fd24:22::{self.address.rpartition('.')[2]}"

    def connect(self, address, port=5222, seconds=PATIENCE):
        """A TCP connection made there, as a socket of this program; OSError when it does not come about."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with ours, theirs:
            done = subprocess.run([*self.wrapper, sys.executable, "-S", "-E", "-c", CONNECT, address, str(port),
                                   str(seconds)], env=ENVIRONMENT, stdin=theirs, capture_output=True, text=True)
            if done.returncode != 0:
                raise OSError(f"{self.name} to {address}:{port}: {done.stderr.strip().splitlines()[-1:]}")
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
        link = socket.socket(fileno=descriptors[0])
        link.setblocking(True)
        return link

    def end(self):
        self.holder.end()


class XmppNetwork:
    """Hosts on one bridge: `servers` (host names, the first is the seed's) and `pbxs`. net[1] is the first PBX host.

    `names` are further names by address, for a host file.
    """

    def __init__(self, place, pbxs=2, servers=(DOMAIN,), names=(), ipv6=False):
        self.place = place
        self.place.mkdir(parents=True, exist_ok=True)
        unshare, nsenter = way_into_namespaces()
        self.holder = Holder(["unshare", *unshare, "--net", "--mount", "--propagation", "private", "--"],
                             "ip link add bridge type bridge mcast_snooping 0 && ip link set bridge up")
        self.prefix = ["nsenter", "--target", str(self.holder.pid), *nsenter, "--net", "--mount", "--"]
        self.servers, self.pbxs = [], []
        self.hosts_text = self._names(servers, names, ipv6)
        try:
            for number, (domain, address) in enumerate(zip(servers, SERVER_ADDRESSES), 1):
                self.servers.append(XmppHost(self, f"jabber{number}", address))
                self.servers[-1].domain = domain
            for number in range(1, pbxs + 1):
                address = BOOK_ADDRESSES[number - 1] if number <= 3 else f"10.24.22.{150 + number}"
                self.pbxs.append(XmppHost(self, f"pbx{number}", address))
        except BaseException:
            self.end_everything()
            raise

    @staticmethod
    def _names(servers, names, ipv6):
        lines = ["127.0.0.1 localhost", "::1 localhost"]
        for domain, address in zip(servers, SERVER_ADDRESSES):
            lines.append(f"{address} {domain} pubsub.{domain}")
            if ipv6:
                lines.append(f"fd24:22::{address.rpartition('.')[2]} {domain} pubsub.{domain}")
        return "\n".join([*lines, *(f"{address} {name}" for address, name in names), ""])

    @property
    def hosts(self):
        return [*self.servers, *self.pbxs]

    def __getitem__(self, number):
        """A PBX host by number, from 1."""
        return self.pbxs[number - 1]

    def do(self, *command):
        """Runs a command where the bridge is."""
        return run_inside(self.prefix, *command)

    def cut(self, host):
        """As if its cable were pulled."""
        self.do("ip", "link", "set", host.port, "down")

    def heal(self, host):
        self.do("ip", "link", "set", host.port, "up")

    def end_everything(self):
        for host in self.hosts:
            host.end()
        self.holder.end()


class Server(ServerProcess):
    """What Prosody and Ejabberd have in common. A kill() loses what ejabberd took in the last seconds, see
    until_written(). Options, all of them by name:

    accounts       {name: password}, there at the first start
    tls            "off", "offered" or "required" (STARTTLS); `direct_tls` adds port 5223
    names, days    of the certificate: host names (the domain's and its service's, without any), days until it ends
                   (< 0: it has ended that long ago). `authority` is a Certificates, else one is made. `ca`, the file to
                   trust, is there afterwards
    plain          whether SASL PLAIN is taken; on a clear link too
    legacy         jabber:iq:auth (XEP-0078); Prosody only
    registration   XEP-0077: anybody may make an account
    admins         names of accounts that are administrators of the server and its service
    creators       who may create PubSub nodes: "default", "admins", "everybody", "nobody". Prosody knows administrators
                   only: with "everybody" the accounts given here are the administrators of its service
    autocreate     nodes come with the first publish or subscribe; Prosody only
    publishers     events name the publisher; Prosody only (ejabberd: an option of each node)
    limits         "off", or "debian": what the package's configuration has
    more           Prosody: text at the end of the domain's part; `more_global`, `more_service`. ejabberd: a dict of
                   options that take the place of those here
    """

    patience = START_AND_STOP

    def __init__(self, host, domain=None, accounts=None, tls="off", direct_tls=False, names=None, days=30,
                 authority=None, plain=True, legacy=False, registration=False, admins=(), creators="default",
                 autocreate=False, publishers=False, limits="off", more="", more_global="", more_service=""):
        place = host.place / self.kind
        super().__init__(host, place / "server.log", place / "terminal.log")
        self.place, self.started_at = place, 0
        self.wrapper = ["env", "-C", str(place)]
        self.place.mkdir()
        self.domain = domain or getattr(host, "domain", DOMAIN)
        self.service = f"pubsub.{self.domain}"
        self.accounts = dict(accounts or {})
        self.tls, self.direct_tls, self.plain, self.legacy = tls, direct_tls, plain, legacy
        self.registration, self.admins, self.creators = registration, list(admins), creators
        self.autocreate, self.publishers, self.limits = autocreate, publishers, limits
        self.more, self.more_global, self.more_service = more, more_global, more_service
        self.names, self.authority = list(names or [self.domain, self.service]), authority
        if tls != "off" or direct_tls:
            self.certify(days=days)
        host.server = self

    # --- certificates ---

    def certify(self, days=30, names=None):
        """A new certificate; it is used from the next start on."""
        self.authority = self.authority or Certificates(self.place / "authority")
        pair = self.authority.issue(*(names or self.names), days=days)
        shutil.copy(pair.certificate, self.place / "server.crt")
        shutil.copy(pair.key, self.place / "server.key")

    @property
    def ca(self):
        return self.authority.ca

    # --- how it lives ---

    def prepare(self):
        self.write_configuration()
        self.started_at = len(self.log())

    def popen_options(self):
        return {"env": {**ENVIRONMENT, **self.environment()}}

    def until_written(self, word):
        """Waits until what holds this word, a node's name for example, would be there again after a kill()."""

    # --- what it says ---

    def explain(self):
        return self.log() + self.terminal()

    def log_of_this_start(self):
        return self.log()[self.started_at:]

    def terminal(self):
        file = self.output_file
        return file.read_text(errors="replace") if file.exists() else ""

    def jid(self, name):
        return f"{name}@{self.domain}"

    def __str__(self):
        return f"{self.kind} on {self.host.name}"


class Prosody(Server):
    """Prosody 0.12 with Debian's modules."""

    kind = "prosody"
    MODULES = ["disco", "roster", "saslauth", "blocklist", "carbons", "dialback", "pep", "private", "smacks", "vcard4",
               "vcard_legacy", "ping", "time", "uptime", "version", "admin_adhoc", "admin_shell", "posix"]

    @property
    def config_file(self):
        return self.place / "prosody.cfg.lua"

    def command(self):
        return ["prosody", "-F", "--config", str(self.config_file)]

    def environment(self):
        return {}

    def write_configuration(self):
        for folder in ("data", "certs"):
            (self.place / folder).mkdir(exist_ok=True)
        self.config_file.write_text(self.configuration())
        for name, password in self.accounts.items():
            if not self._account_file(name).exists():
                self._write_account(name, password)

    def modules(self):
        wanted = {"tls": self.tls != "off", "limits": self.limits == "debian", "register": self.registration,
                  "legacyauth": self.legacy}
        return self.MODULES + [name for name, is_wanted in wanted.items() if is_wanted]

    def configuration(self):
        limits = 'limits = { c2s = { rate = "10kb/s" } }' if self.limits == "debian" else ""
        return f"""-- Clear links are allowed unless TLS is required; it runs as whoever the test is.
run_as_root = true
pidfile = "{self.place}/prosody.pid"
data_path = "{self.place}/data"
admin_socket = "{self.place}/admin.sock"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = "{self.log_file}" }} }}
modules_enabled = {lua(self.modules())}
modules_disabled = {{ "s2s" }}
authentication = "internal_hashed"
admins = {lua(map(self.jid, self.admins))}
allow_registration = {lua(self.registration)}
c2s_require_encryption = {lua(self.tls == "required")}
allow_unencrypted_plain_auth = {lua(self.plain)}
{"" if self.plain else 'disable_sasl_mechanisms = { "PLAIN", "OAUTHBEARER" }; insecure_sasl_mechanisms = {}'}
{self._direct_tls() if self.direct_tls else ''}
{limits}
{self.more_global}
VirtualHost "{self.domain}"
{self._certificate()}
{self.more}
Component "{self.service}" "pubsub"
{self._certificate()}
admins = {lua(map(self.jid, self.service_admins()))}
autocreate_on_publish = {lua(self.autocreate)}
autocreate_on_subscribe = {lua(self.autocreate)}
expose_publisher = {lua(self.publishers)}
{self.more_service}
"""

    def _direct_tls(self):
        """The domain's certificate is not the port's by itself."""
        return f"c2s_direct_tls_ports = {{ 5223 }}\nc2s_direct_tls_{self._certificate()}"

    def _certificate(self):
        if not (self.place / "server.crt").exists():
            return ""
        return f'ssl = {{ certificate = "{self.place}/server.crt"; key = "{self.place}/server.key" }}'

    def service_admins(self):
        return {"default": self.admins, "admins": self.admins, "everybody": list(self.accounts),
                "nobody": []}[self.creators]

    def is_ready(self):
        return "Activated service 'c2s'" in self.log_of_this_start() and (self.place / "admin.sock").exists()

    # --- accounts: by the administrator's shell where it runs, so that it closes the streams it has to ---

    def _account_file(self, name):
        return self.place / "data" / encode_name(self.domain) / "accounts" / f"{encode_name(name)}.dat"

    def _write_account(self, name, password):
        file = self._account_file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"return {{ password = {lua(password)} }};\n")

    def add_account(self, name, password):
        self._write_account(name, password)
        self.accounts[name] = password

    def remove_account(self, name):
        del self.accounts[name]
        if self.running():
            self.shell("user", "delete", self.jid(name))
        else:
            self._account_file(name).unlink()

    def change_password(self, name, password):
        self.accounts[name] = password
        if self.running():
            self.shell("user", "password", self.jid(name), password)
        else:
            self._write_account(name, password)

    def shell(self, *words):
        """A command of `prosodyctl shell` that has to succeed."""
        said = self.host.do("prosodyctl", "--config", str(self.config_file), "shell", *words)
        assert "OK:" in said, f"prosodyctl shell {' '.join(words)}: {said}"
        return said

    def has_account(self, name):
        return self._account_file(name).exists()


def lua(value):
    """A value as Lua has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value)
    return "{ " + ", ".join(lua(one) for one in value) + " }"


def encode_name(name):
    """As Prosody names its files."""
    return "".join(letter if letter.isascii() and letter.isalnum() else f"%{ord(letter):02x}" for letter in name)


class Ejabberd(Server):
    """ejabberd 23.01 as Debian has it, without distribution: no epmd, and administered through a socket of its own."""

    kind = "ejabberd"
    MODULES = ["mod_adhoc", "mod_admin_extra", "mod_announce", "mod_blocking", "mod_caps", "mod_carboncopy",
               "mod_client_state", "mod_configure", "mod_disco", "mod_http_api", "mod_last", "mod_offline", "mod_ping",
               "mod_privacy", "mod_private", "mod_push", "mod_stream_mgmt", "mod_vcard", "mod_version"]
    LIBRARIES = "/usr/lib/*/ejabberd-*/ebin"

    @property
    def config_file(self):
        return self.place / "ejabberd.yml"

    @property
    def socket_file(self):
        return self.place / "admin.sock"

    def command(self):
        return ["erl", "-noinput", "+K", "true", "+S", "2:2", "-mnesia", "dir", f'"{self.place}/spool"',
                "-s", "ejabberd"]

    def environment(self):
        folders = sorted(Path("/").glob(self.LIBRARIES.lstrip("/")))
        assert folders, "ejabberd is not installed: apt-get install ejabberd"
        return {"EJABBERD_CONFIG_PATH": str(self.config_file), "EJABBERD_LOG_PATH": str(self.log_file),
                "EJABBERD_PID_PATH": str(self.place / "ejabberd.pid"), "HOME": str(self.place),
                "ERL_CRASH_DUMP": "/dev/null", "ERL_LIBS": str(folders[0].parent.parent)}

    def write_configuration(self):
        (self.place / "spool").mkdir(exist_ok=True)
        self.socket_file.unlink(missing_ok=True)
        self.config_file.write_text(json.dumps(self.configuration(), indent=1) + "\n")  # JSON is YAML

    def configuration(self):
        creators = {"default": "local", "admins": "admin", "everybody": "all", "nobody": None}[self.creators]
        shaper = [{"none": "admin"}, {"normal": "all"}] if self.limits == "debian" else "none"
        settings = {
            "loglevel": "info", "log_rotate_count": 0, "hosts": [self.domain], "listen": self._listeners(),
            "auth_method": "internal", "auth_password_format": "scram",
            "disable_sasl_mechanisms": ["digest-md5", "X-OAUTH2"] + ([] if self.plain else ["PLAIN"]),
            "registration_timeout": "infinity",
            "acl": {"admin": {"user": [self.jid(name) for name in self.admins]}, "local": {"user_regexp": ""}},
            "access_rules": {"local": {"allow": "local"}, "c2s": {"deny": "blocked", "allow": "all"},
                             "announce": {"allow": "admin"}, "configure": {"allow": "admin"},
                             "creators": {"allow": creators} if creators else {"deny": "all"}},
            "api_permissions": {"the tests": {"from": ["mod_http_api"], "who": "all", "what": "*"}},
            "shaper": {"normal": {"rate": 3000, "burst_size": 20000}, "fast": 200000},
            "shaper_rules": {"max_user_sessions": 10, "max_user_offline_messages": 100,
                             "c2s_shaper": shaper},
            "modules": self._modules()}
        if (self.place / "server.crt").exists():
            joined = self.place / "server.pem"
            joined.write_text((self.place / "server.crt").read_text() + (self.place / "server.key").read_text())
            settings["certfiles"] = [str(joined)]
        return {**settings, **(self.more or {})}

    def _listeners(self):
        client = {"module": "ejabberd_c2s", "ip": "::", "max_stanza_size": 262144, "access": "c2s",
                  "shaper": "c2s_shaper"}
        administration = {"port": f"unix:{self.socket_file}", "module": "ejabberd_http",
                          "request_handlers": {"/api": "mod_http_api"}}
        starttls = {**client, "port": 5222, "starttls": self.tls != "off", "starttls_required": self.tls == "required"}
        return [starttls, administration] + ([{**client, "port": 5223, "tls": True}] if self.direct_tls else [])

    def _modules(self):
        modules = {name: {} for name in self.MODULES}
        modules["mod_roster"] = {"versioning": True}
        modules["mod_pubsub"] = {"access_createnode": "creators", "plugins": ["flat", "pep"]}
        if self.limits == "debian":
            modules["mod_fail2ban"] = {}
            modules["mod_pres_counter"] = {"count": 5, "interval": 60}
        if self.registration:
            modules["mod_register"] = {"ip_access": "all", "access": "all"}
        return modules

    def is_ready(self):
        """Also makes the accounts that are not there."""
        listeners = 3 if self.direct_tls else 2
        if self.log_of_this_start().count("Start accepting") < listeners or not self.socket_file.exists():
            return False
        there = self.ask("registered_users", host=self.domain)
        for name, password in self.accounts.items():
            if name not in there:
                self.ask("register", user=name, host=self.domain, password=password)
        return True

    def until_written(self, word):
        def is_written():
            files = [file for file in (self.place / "spool").iterdir() if file.is_file()]
            return any(word.encode() in file.read_bytes() for file in files)
        wait_until(is_written, f"{self} has {word} on disk")

    # --- accounts ---

    def add_account(self, name, password):
        self.accounts[name] = password
        self.ask("register", user=name, host=self.domain, password=password)

    def remove_account(self, name):
        del self.accounts[name]
        self.ask("unregister", user=name, host=self.domain)

    def change_password(self, name, password):
        self.accounts[name] = password
        self.ask("change_password", user=name, host=self.domain, newpass=password)

    def has_account(self, name):
        return name in self.ask("registered_users", host=self.domain)

    def ask(self, command, **arguments):
        """A command of ejabberdctl(8), which has to succeed; answers with what it said."""
        link = UnixConnection(self.socket_file)
        try:
            link.request("POST", f"/api/{command}", json.dumps(arguments), {"Content-Type": "application/json"})
            answer = link.getresponse()
            text = answer.read().decode()
        finally:
            link.close()
        assert answer.status == 200, f"{command} {arguments}: {answer.status} {text}"
        return json.loads(text)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class XmppTest(SystemTest):
    """A SystemTest whose daemons live on an XmppNetwork's hosts; they end first, then peers, servers and hosts."""

    def setUp(self):
        self.networks, self.servers, self.peers = [], [], []
        super().setUp()

    def network(self, **options):
        """See XmppNetwork."""
        self.networks.append(XmppNetwork(self.place / f"net{len(self.networks) + 1}", **options))
        return self.networks[-1]

    def prosody(self, host, **options):
        """A Prosody there, not yet started."""
        self.servers.append(Prosody(host, **options))
        return self.servers[-1]

    def ejabberd(self, host, **options):
        self.servers.append(Ejabberd(host, **options))
        return self.servers[-1]

    def node_on(self, host, name=None):
        """A lamplightd of this name (the host's, without one) that will run on that host."""
        node = self.node(name or host.name, host.run_dir)
        node.wrapper = host.wrapper
        return node

    def keep(self, peer):
        """Whatever has end_everything() ends with the test."""
        self.peers.append(peer)
        return peer

    def end_everything(self):
        try:
            super().end_everything()
        finally:
            for what in (*self.peers, *self.servers, *self.networks):
                what.end_everything()

    def logs(self):
        return super().logs() + "".join(f"--- {server}\n{server.log()[-3000:]}\n" for server in self.servers)
