"""How tests hold asterisk_peer.py and ais_peer.py: a member of a CPG group on a ring's host, asked by JSON lines."""

import json
import select
import signal
import subprocess
import sys
from pathlib import Path

import evt_frames
from harness import PATIENCE, wait_until

FOLDER = Path(__file__).parent


class Peer:
    """A scripted Asterisk on `host`; the options are those of asterisk_peer.py's DEFAULTS.

    When the host's Corosync is not there yet, start() fails. end() and kill() look the same to the others (PROCDOWN),
    as with a real Asterisk; leave() does not.
    """

    program = "asterisk_peer.py"

    def __init__(self, host, **options):
        self.host = host
        self.options = {"eid": f"02:00:00:78:00:{host.number:02x}", "address": host.address, **options}
        self.eid = self.options["eid"]
        self.process = None

    def start(self):
        self.errors = self.host.place / "peers.log"
        with open(self.errors, "ab") as log:
            self.process = self.host.popen(sys.executable, "-B", str(FOLDER / self.program), json.dumps(self.options),
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        assert self.answer() == "ready"
        return self

    def ask(self, do, **arguments):
        """One command of asterisk_peer.py, done when this returns."""
        self.process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            raise AssertionError(f"the peer on {self.host.name} "
                                 f"{'does not answer' if not ready else 'ended'}:\n{self.errors.read_text()}")
        said = json.loads(line)
        if "error" in said:
            raise AssertionError(f"the peer on {self.host.name}: {said['error']}")
        return said["answer"]

    # --- what it does ---

    def set(self, device, state, **more):
        self.ask("set", device=device, state=state, **more)

    def fill(self, count, **more):
        self.ask("fill", count=count, **more)

    def mwi(self, mailbox, context, new, old):
        self.ask("mwi", mailbox=mailbox, context=context, new=new, old=old)

    def ping(self):
        self.ask("ping")

    def raw(self, data):
        """Any bytes into the group."""
        self.ask("raw", hex=data.hex())

    def flood(self, count, size, group="flood"):
        """Fills this host's Corosync from another group, and does not wait."""
        self.ask("flood", group=group, count=count, size=size)

    def stop_flood(self):
        self.ask("stop_flood")

    def leave(self):
        self.ask("leave")

    # --- what it believes ---

    def dump(self, *parts):
        """Everything it knows but the messages, or those parts; one part alone is answered as it is."""
        told = self.ask("dump", parts=list(parts) or None)
        return told[parts[0]] if len(parts) == 1 else told

    def votes(self, device="Custom:abc"):
        """State by EID."""
        return self.dump("votes").get(device, {})

    def until(self, condition, what, *parts, seconds=PATIENCE):
        """Waits until `condition(dump)` holds; answers with the dump. Name the parts when there are many votes."""
        last = {}

        def holds():
            last.update(self.ask("dump", parts=list(parts) or None))
            return condition(last)
        try:
            wait_until(holds, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\nthe peer on {self.host.name}: {str(last)[:4000]}") from None
        return last

    def until_votes(self, device, expected, seconds=PATIENCE):
        """`expected`: state by EID, all there are."""
        return self.until(lambda dump: dump["votes"].get(device, {}) == expected,
                          f"the peer on {self.host.name} has {expected} for {device}", "votes", seconds=seconds)

    def until_members(self, count):
        return self.until(lambda dump: len(dump["members"]) == count, f"{count} members", "members", "changes")

    # --- how it ends ---

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.forget()

    def end(self):
        """As `core stop now`: without a goodbye."""
        self.process.stdin.close()
        self.forget()

    def forget(self):
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process.stdin.close()

    def end_everything(self):
        if self.process and self.process.poll() is None:
            self.resume()
            self.kill()


class Tap(Peer):
    """A member that only records; also of another group."""

    def __init__(self, host, **options):
        super().__init__(host, kind="tap", **options)

    def messages(self):
        """(time, node, pid, bytes) of the last ones, in order."""
        return [(at, node, pid, bytes.fromhex(text)) for at, node, pid, text in self.dump("messages")]


class AisPeer(Peer):
    """An Asterisk 1.8 with res_ais, on event channels; the options are those of ais_peer.py's DEFAULTS."""

    program = "ais_peer.py"

    def open_channel(self, name="device_state"):
        self.ask("open_channel", name=name)
        self.until_open(name)

    def close_channel(self, name="device_state"):
        self.ask("close_channel", name=name)
        self.until(lambda dump: name not in dump["opens"], f"{name} is closed", "opens")

    def until_open(self, name="device_state"):
        return self.until(lambda dump: name in dump["opens"], f"{name} is open", "opens")

    def say(self, *records):
        """One frame of records of evt_frames.py."""
        self.raw(evt_frames.encode(*records))
