"""A real Asterisk with res_xmpp on a host of xmpp_net.py: Debian's, from what scripts/asterisk_root.sh makes.

    @needs_asterisk                                                    # skips, and says why, where it is missing
    class Example(XmppTest):
        def test_a_call_is_seen(self):
            …
            asterisk = self.keep(RealAsterisk(net[2], prosody, "astvoip2", "secret", eid="02:00:00:78:00:02",
                                              buddies=["astvoip1@jabber.shifteight.org"],
                                              hints={"foo": "Custom:abc"})).start().until_connected()
            asterisk.set("Custom:abc", "INUSE")                        # by its console; rx() is any command
            asterisk.until_hint("foo", "InUse")                        # as `core show hints` has it
            call = asterisk.call(net[1], "echo")                       # sipp, on another host; PJSIP/phone is INUSE
            call.hangup()                                              # Idle again

It knows the contexts `default` (echo: answers and echoes) and `devstate_test` (the hints), and one phone, PJSIP/phone:
whoever calls from the network. A mailbox's counts: mwi("1000", 2, 5).
"""

import functools
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from harness import PATIENCE, wait_until
from ring import ENVIRONMENT

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "asterisk_root.sh"
# In namespaces of its own: the host's files and the test's folder below the root, at the paths they have outside.
ENTER = """set -e
root=$1 place=$2; shift 2
mount --bind /etc/hosts "$root/etc/hosts"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root$place"
mount --bind "$place" "$root$place"
mount --rbind /dev "$root/dev"
mount --rbind /proc "$root/proc"
exec chroot "$root" "$@"
"""
MODULES = ["res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb", "res_pjproject", "res_pjsip",
           "res_pjsip_pubsub", "res_pjsip_session", "res_pjsip_sdp_rtp", "res_pjsip_endpoint_identifier_ip",
           "res_rtp_asterisk",
           "chan_pjsip", "codec_ulaw", "bridge_simple", "format_pcm", "pbx_config", "app_echo", "app_verbose",
           "func_devstate", "func_global", "res_mwi_devstate", "app_voicemail", "res_xmpp"]
SIPP_CALL = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="a call that lasts until it is ended">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:phone@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=phone 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rtd="true"/>
  <send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:phone@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Contact: <sip:phone@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Length: 0

  ]]></send>
  <recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

  ]]></send>
</scenario>
"""


@functools.cache
def asterisk_root():
    """(folder, None), or (None, why there is none)."""
    asked = subprocess.run(["bash", str(SCRIPT), "--where"], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return (Path(asked.stdout.strip()), None) if asked.returncode == 0 else (None, asked.stderr.strip())


def needs_asterisk(test):
    """For a test or a class of them."""
    root, why = asterisk_root()
    return test if root else unittest.skip(f"no real Asterisk: {why}")(test)


class RealAsterisk:
    """`options` go into the client's section of xmpp.conf, `general` above it; `modules` beside those here."""

    def __init__(self, host, server, name, password=None, eid="02:00:00:78:00:02", resource="astvoip", buddies=(),
                 hints=None, options="", general="", modules=(), mailboxes=("1000",)):
        self.host, self.server, self.name, self.eid = host, server, name, eid
        self.root, why = asterisk_root()
        assert self.root, why
        self.password = password if password is not None else server.accounts[name]
        self.jid, self.buddies = f"{name}@{server.domain}/{resource}", list(buddies)
        self.hints = {"foo": "Custom:abc"} if hints is None else hints
        self.options, self.general, self.modules, self.mailboxes = options, general, [*MODULES, *modules], mailboxes
        self.place = host.place / "asterisk"
        for folder in ("etc", "run", "lib", "log", "spool", "keys"):
            (self.place / folder).mkdir(parents=True)
        self.process, self.calls = None, []

    # --- its files; a test may change them before the start ---

    def write(self, name, text):
        (self.place / "etc" / name).write_text(text)

    def write_configuration(self):
        place = self.place
        self.write("asterisk.conf", f"""[directories]
astetcdir => {place}/etc
astrundir => {place}/run
astlogdir => {place}/log
astspooldir => {place}/spool
astdbdir => {place}/lib
astcachedir => {place}/lib
astkeydir => {place}/keys
[options]
entityid = {self.eid}
verbose = 3
nocolor = yes
""")
        modules = "".join(f"load = {name}.so\n" for name in self.modules)
        self.write("modules.conf", f"[modules]\nautoload = no\n{modules}")
        self.write("logger.conf", "[general]\n[logfiles]\nmessages = notice,warning,error,verbose\n")
        self.write("xmpp.conf", self.xmpp_conf())
        hints = "".join(f"exten => {extension},hint,{device}\n" for extension, device in self.hints.items())
        self.write("extensions.conf", "[default]\nexten => echo,1,Answer()\n same => n,Echo()\n"
                                      f"[devstate_test]\n{hints}")
        self.write("pjsip.conf", f"""[udp]
type = transport
protocol = udp
bind = {self.host.address}:5060
[phone]
type = endpoint
context = default
disallow = all
allow = ulaw
[phone]
type = identify
endpoint = phone
match = 10.24.22.0/24
""")
        boxes = "".join(f"{mailbox} => 1,{mailbox}\n" for mailbox in self.mailboxes)
        self.write("voicemail.conf", f"[general]\nformat = ulaw\n[default]\n{boxes}")

    def xmpp_conf(self):
        tls = "no" if self.server.tls == "off" else "yes"
        return f"""[general]
{self.general}
[asterisk]
type = client
serverhost = {self.server.domain}
pubsub_node = {self.server.service}
username = {self.jid}
secret = {self.password}
distribute_events = yes
status = available
usetls = {tls}
usesasl = yes
{"".join(f"buddy = {buddy}{chr(10)}" for buddy in self.buddies)}{self.options}
"""

    # --- how it lives ---

    def inside(self):
        return [*self.host.wrapper, "unshare", "--mount", "--propagation", "private", "--", "sh", "-c", ENTER, "sh",
                str(self.root), str(self.place)]

    def launch(self):
        if not (self.place / "etc/asterisk.conf").exists():
            self.write_configuration()
        with open(self.place / "terminal.log", "ab") as log:
            self.process = subprocess.Popen([*self.inside(), "/usr/sbin/asterisk", "-f", "-C",
                                             f"{self.place}/etc/asterisk.conf"], env=ENVIRONMENT, stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        return self

    def start(self):
        self.launch()
        wait_until(self.booted, f"the Asterisk on {self.host.name} is fully booted")
        return self

    def booted(self):
        assert self.running(), f"the Asterisk on {self.host.name} ended with {self.process.returncode}:\n{self.log()}"
        return "fully booted" in self.rx("core waitfullybooted")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """`core stop now`"""
        self.rx("core stop now")
        return self.process.wait(PATIENCE)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def end_everything(self):
        for call in self.calls:
            call.end()
        if self.running():
            self.kill()

    def log(self):
        files = (self.place / "terminal.log", self.place / "log/messages")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    # --- the console ---

    def rx(self, command):
        """What the console says to a command; also when there is nobody to say it."""
        done = subprocess.run([*self.inside(), "/usr/sbin/asterisk", "-C", f"{self.place}/etc/asterisk.conf",
                               "-rx", command], env=ENVIRONMENT, capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL)
        return done.stdout + done.stderr

    def set(self, device, state):
        self.rx(f"devstate change {device} {state}")

    def hint(self, extension):
        """The state of a hint as `core show hints` prints it, or None."""
        found = re.search(rf"{re.escape(extension)}@\S+\s*: .*State:(\S*)", self.rx("core show hints"))
        return found.group(1) if found else None

    def until(self, condition, what, seconds=PATIENCE):
        try:
            wait_until(condition, f"the Asterisk on {self.host.name} {what}", seconds)
        except AssertionError as error:
            ended = "" if self.running() else f"\nit has ended with {self.process.returncode}"
            raise AssertionError(f"{error}{ended}\n{self.rx('core show hints')}{self.log()[-4000:]}") from None

    def until_hint(self, extension, state, seconds=PATIENCE):
        self.until(lambda: self.hint(extension) == state, f"shows {extension} {state}", seconds)

    def until_connected(self, seconds=PATIENCE):
        self.until(lambda: re.search(r"- Connected", self.rx("xmpp show connections")), "is connected", seconds)
        return self

    # --- message counts ---

    def mwi(self, mailbox, new, old):
        """As if so many messages were in the mailbox."""
        for folder, count in (("INBOX", new), ("Old", old)):
            box = self.place / "spool/voicemail/default" / mailbox / folder
            shutil.rmtree(box, ignore_errors=True)
            box.mkdir(parents=True)
            for number in range(count):
                (box / f"msg{number:04}.txt").write_text("[message]\n")
        self.rx("voicemail reload")  # only then it looks

    # --- calls ---

    def call(self, host, extension="echo"):
        """sipp on `host` calls; returns when the call is answered."""
        self.calls.append(Call(host, self, extension, len(self.calls) + 1))
        return self.calls[-1]


class Call:
    """A call by sipp; its Asterisk ends it, since sipp would not on a word from outside."""

    def __init__(self, host, asterisk, extension, number):
        self.asterisk = asterisk
        self.place = asterisk.place / f"call{number}"
        self.place.mkdir()
        (self.place / "call.xml").write_text(SIPP_CALL)
        before = self.channels_up()
        with open(self.place / "sipp.log", "ab") as log:
            self.process = host.popen(
                "env", "-C", str(self.place), "sipp", f"{asterisk.host.address}:5060", "-sf", "call.xml",
                "-s", extension, "-i", host.address, "-m", "1", "-l", "1", "-r", "1", "-nostdin", "-trace_err",
                stdout=log, stderr=subprocess.STDOUT)
        self.channel = wait_until(lambda: self.is_running() and self.channels_up() - before,
                                  f"the call to {extension} is answered").pop()

    def channels_up(self):
        return set(re.findall(r"^(PJSIP/\S+) .* Up ", self.asterisk.rx("core show channels concise").replace("!", " "),
                              re.M))

    def is_running(self):
        assert self.process.poll() is None, f"sipp ended:\n{self.log()}"
        return True

    def log(self):
        return "".join(file.read_text(errors="replace") for file in sorted(self.place.glob("*.log")))

    def hangup(self):
        """Returns when both sides have ended it."""
        self.asterisk.rx(f"channel request hangup {self.channel}")
        assert self.process.wait(PATIENCE) == 0, self.log()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
