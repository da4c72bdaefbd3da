"""A ring for system tests: hosts in network namespaces, each with a Corosync of its own.

    Ring ──────────────── a holder's network namespace: the bridge
      └─ Host pbx1, pbx2 … a holder's network and mount namespace each: eth0, own /run, /dev/shm, /var/lib/corosync

A namespace lives as long as its holder, a process that waits for the end of its input: nothing is named, nothing shows
on the machine, and when the test program is killed the holders and Corosyncs go with it. /tmp is shared by all, so
consoles are asked from outside. Root does it directly, everybody else in a user namespace.
"""

import functools
import ipaddress
import os
import re
import select
import shutil
import signal
import subprocess
from pathlib import Path

from harness import PATIENCE, SystemTest, die_with_parent, wait_until
from peers import AisPeer, Peer, Tap
from server_process import ServerProcess

# Before a command inside: it ends with the test program also where entering the namespace has made it forget that.
DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"]
HOLD = "echo ready && exec cat"
# What Corosync and its clients keep by fixed paths, so that hosts do not share it.
PRIVATE_FOLDERS = ["/run", "/dev/shm", "/var/lib/corosync", "/var/log/corosync", "/etc/corosync"]
NEEDS = ("A ring needs network and mount namespaces: run as root (in a container with --privileged, or with "
         "CAP_SYS_ADMIN and CAP_NET_ADMIN), or allow user namespaces (sysctl user.max_user_namespaces and, where it "
         "exists, kernel.apparmor_restrict_unprivileged_userns). In a chroot it cannot be: entering a mount namespace "
         "leads out of it")
TOOLS = {"corosync": "corosync", "corosync-cmapctl": "corosync", "ip": "iproute2", "nsenter": "util-linux",
         "unshare": "util-linux", "setpriv": "util-linux"}
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"  # an ordinary user's path may be without them
ENVIRONMENT = {**os.environ, "PATH": SEARCH_PATH}
# The book's servers, and a third one.
BOOK_ADDRESSES = ["10.24.22.144", "10.24.22.242", "10.24.22.33"]


@functools.cache
def way_into_namespaces():
    """Arguments that unshare needs here, and those by which nsenter follows; fails with a sentence."""
    lacking = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool, path=SEARCH_PATH)})
    if lacking:
        raise AssertionError(f"A ring needs the packages {', '.join(lacking)}: apt-get install {' '.join(lacking)}")
    complaints = []
    for unshare, nsenter in (([], []), (["--map-root-user"], ["--user", "--preserve-credentials"])):
        tried = subprocess.run(["unshare", *unshare, "--net", "--mount", "--", "mount", "-t", "tmpfs", "none", "/run"],
                               env=ENVIRONMENT, capture_output=True, text=True)
        if tried.returncode == 0:
            return unshare, nsenter
        complaints.append(tried.stderr.strip())
    raise AssertionError(f"{NEEDS}. Said here: {'; '.join(complaints)}")


class Holder:
    """Keeps namespaces alive; what `setup`, a shell text, has done in them is done when this returns."""

    def __init__(self, command, setup):
        self.process = subprocess.Popen([*command, "sh", "-c", f"{setup} && {HOLD}"], env=ENVIRONMENT,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=die_with_parent)
        if select.select([self.process.stdout], [], [], PATIENCE)[0] and self.process.stdout.readline() == "ready\n":
            return
        self.process.kill()
        raise AssertionError(f"{NEEDS}. Said here: {self.process.communicate()[1].strip()}")

    @property
    def pid(self):
        return self.process.pid

    def end(self):
        self.process.kill()
        self.process.communicate()


def run_inside(prefix, *command):
    """For what has to succeed; answers with what it printed."""
    done = subprocess.run([*prefix, *command], env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Corosync(ServerProcess):
    """The corosync process of one host. It is ready when it answers its clients; the ring may be whole later. Its
    stop() says goodbye to the ring."""

    def __init__(self, host):
        super().__init__(host, host.place / "corosync.log")
        self.conf = host.place / "corosync.conf"

    def command(self):
        return ["corosync", "-f", "-c", str(self.conf)]

    def is_ready(self):
        return self.members()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def members(self):
        """Node ids of the ring as this one has it; none while it does not answer."""
        asked = subprocess.run([*self.host.wrapper, "corosync-cmapctl", "runtime.members."], env=ENVIRONMENT,
                               capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
        return {int(node) for node in re.findall(r"members\.(\d+)\.status \(str\) = joined", asked.stdout)}

    def __str__(self):
        return f"the corosync of {self.host.name}"


class Host:
    """One server: namespaces, an address, a Corosync. `wrapper` goes before a command that is to run there."""

    def __init__(self, ring, number, address):
        self.number, self.name, self.address = number, f"pbx{number}", address
        self.node_id = ring.transport.node_id(self)
        self.place = ring.place / self.name
        self.run_dir = self.place / "run"  # lamplightd's: by it hosts do not meet on the local bus
        self.run_dir.mkdir(parents=True)
        self.run_dir.chmod(0o750)
        self.port = f"port{number}"
        unshare, nsenter = way_into_namespaces()
        folders = [folder for folder in PRIVATE_FOLDERS if Path(folder).is_dir()]
        self.holder = Holder([*ring.prefix, "unshare", "--net", "--mount", "--propagation", "private", "--"],
                             " && ".join(f"mount -t tmpfs -o size=512m none {folder}" for folder in folders))
        self.wrapper = ["nsenter", "--target", str(self.holder.pid), *nsenter, "--net", "--mount", "--",
                        *DIES_WITH_PARENT]
        self.plug_into(ring)
        self.corosync = Corosync(self)

    def plug_into(self, ring):
        ring.do("ip", "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        ring.do("ip", "link", "set", self.port, "master", "bridge", "up")
        self.do("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self.do("ip", "link", "set", "eth0", "up")
        self.do("ip", "link", "set", "lo", "up")
        self.do("ip", "route", "add", "224.0.0.0/4", "dev", "eth0")

    def do(self, *command):
        """Runs a command there that has to succeed, and answers with what it printed."""
        return run_inside(self.wrapper, *command)

    def popen(self, *command, **options):
        """Starts a command there; its pid is the command's own. Whoever starts it ends it."""
        options = {"stdin": subprocess.DEVNULL, "env": ENVIRONMENT, **options}
        return subprocess.Popen([*self.wrapper, *command], preexec_fn=die_with_parent, **options)

    def end(self):
        self.corosync.end_everything()
        self.holder.end()


class Knet:
    """Corosync 3's own transport: to each other host, in the clear or encrypted. Node ids from 1, names pbx1 … ."""

    ENCRYPTED = "    crypto_cipher: aes256\n    crypto_hash: sha256\n    keyfile: {}\n"

    def __init__(self, key=None):
        """With `key`, a file of corosync-keygen(8), nobody without it is heard."""
        self.key = key

    def node_id(self, host):
        return host.number

    def totem(self, _host):
        crypto = self.ENCRYPTED.format(self.key) if self.key else "    crypto_cipher: none\n    crypto_hash: none\n"
        return f"    transport: knet\n{crypto}"

    def node(self, host):
        return f"        nodeid: {host.number}\n        name: {host.name}\n        ring0_addr: {host.address}\n"


class Udp:
    """As the book has it: multicast, an interface's block, no encryption. Corosync makes node ids of addresses."""

    def node_id(self, host):
        return int(ipaddress.IPv4Address(host.address))

    def totem(self, host):
        return (f"    transport: udp\n    interface {{\n        ringnumber: 0\n        bindnetaddr: {host.address}\n"
                "        mcastaddr: 226.94.1.1\n        mcastport: 5405\n    }\n")

    def node(self, host):
        return f"        ring0_addr: {host.address}\n"


def make_key(place):
    """A file of corosync-keygen(8) in this folder."""
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["corosync-keygen", "-k", str(place / "authkey")], env=ENVIRONMENT, check=True,
                   capture_output=True, timeout=PATIENCE)
    return place / "authkey"


class Ring:
    """`count` hosts on one bridge, numbers and (without others) last bytes of addresses 1 … count.

    `token_ms` is the time after which a silent host is given up (and a busy machine must never need that long);
    `more` is put at the end of corosync.conf.
    """

    def __init__(self, place, count, token_ms=1000, more="", transport=None, addresses=None):
        self.place = place
        self.place.mkdir(parents=True, exist_ok=True)
        self.transport = transport or Knet()
        unshare, nsenter = way_into_namespaces()
        self.holder = Holder(["unshare", *unshare, "--net", "--"],
                             "ip link add bridge type bridge mcast_snooping 0 && ip link set bridge up")
        self.prefix = ["nsenter", "--target", str(self.holder.pid), *nsenter, "--net", "--"]
        self.hosts = []
        try:
            for number in range(1, count + 1):
                self.hosts.append(Host(self, number, addresses[number - 1] if addresses else f"10.78.0.{number}"))
            for host in self.hosts:
                host.corosync.conf.write_text(self.configuration(host, token_ms, more))
        except BaseException:
            self.end_everything()
            raise

    def configuration(self, host, token_ms, more):
        """corosync.conf of this host."""
        nodes = "".join(f"    node {{\n{self.transport.node(other)}    }}\n" for other in self.hosts)
        return f"""totem {{
    version: 2
    cluster_name: lamplight-test
{self.transport.totem(host)}    token: {token_ms}
    token_coefficient: 0
}}
nodelist {{
{nodes}}}
logging {{
    to_stderr: yes
    to_logfile: no
    to_syslog: no
    timestamp: hires
}}
system {{
    sched_rr: no
    move_to_root_cgroup: no
    allow_knet_handle_fallback: yes
}}
{more}"""

    def __getitem__(self, number):
        """By number, from 1."""
        return self.hosts[number - 1]

    def do(self, *command):
        """Runs a command where the bridge is."""
        return run_inside(self.prefix, *command)

    def start(self):
        for host in self.hosts:
            host.corosync.launch()
        self.wait_until_whole()
        return self

    def wait_until_whole(self, *hosts):
        """All of these hosts (of all, when none is named) see each other and nobody else."""
        hosts = hosts or self.hosts
        expected = {host.node_id for host in hosts}
        wait_until(lambda: all(host.corosync.ready() == expected for host in hosts),
                   f"a ring of {sorted(expected)}")

    def cut(self, host):
        """As if its cable were pulled."""
        self.do("ip", "link", "set", host.port, "down")

    def heal(self, host):
        self.do("ip", "link", "set", host.port, "up")

    def end_everything(self):
        for host in self.hosts:
            host.end()
        self.holder.end()

    def logs(self):
        return "".join(f"--- corosync of {host.name}\n{host.corosync.log()[-3000:]}\n" for host in self.hosts)


class RingTest(SystemTest):
    """A SystemTest whose daemons live on a ring's hosts; they end before the ring does."""

    def setUp(self):
        self.rings, self.peers = [], []
        super().setUp()

    def ring(self, count, **options):
        """A ring with nothing started on it; see Ring."""
        ring = Ring(self.place / f"ring{len(self.rings) + 1}", count, **options)
        self.rings.append(ring)
        return ring

    def node_on(self, host, name=None):
        """A lamplightd of this name (the host's, without one) that will run on that host."""
        node = self.node(name or host.name, host.run_dir)
        node.wrapper = host.wrapper
        return node

    def asterisk(self, host, **options):
        """A scripted Asterisk there; options as asterisk_peer.py has them."""
        self.peers.append(Peer(host, **options))
        return self.peers[-1].start()

    def res_ais(self, host, **options):
        """A scripted Asterisk 1.8 with res_ais there; options as ais_peer.py has them."""
        peer = AisPeer(host, **options)
        self.peers.append(peer)
        peer.start()
        for name in peer.options.get("channels", ["device_state"]):
            peer.until_open(name)
        return peer

    def tap(self, host, **options):
        """A member there that only records; `group` is another than `asterisk`."""
        self.peers.append(Tap(host, **options))
        return self.peers[-1].start()

    def end_everything(self):
        try:
            super().end_everything()
        finally:
            for what in (*self.peers, *self.rings):
                what.end_everything()

    def logs(self):
        return super().logs() + "".join(ring.logs() for ring in self.rings)
