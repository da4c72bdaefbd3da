"""Real daemons for system tests: started in a folder of their own, asked through the real console, ended by their pid.

LAMPLIGHT_BIN names the folders (separated by `:`) that the programs are taken from. Nothing here sleeps: a test waits
for a condition with a deadline, by wait_until().
"""

import ctypes
import hashlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import traceback
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

BIN_FOLDERS = os.environ.get("LAMPLIGHT_BIN", "build/bin").split(":")
PATIENCE = 20.0  # seconds; only a test that fails waits so long
SANITIZER_COMPLAINT = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:")
HINTS = "[devstate_test]\nexten => foo,hint,Custom:abc\n"

# A container often has none; the default entity ID is made of it.
MACHINE_ID = Path("/etc/machine-id")
MACHINE_HAS_AN_ID = MACHINE_ID.exists() and MACHINE_ID.read_text().strip() != ""


def entity_id(name):
    """An EID for a node on a machine without an id."""
    return "02:" + ":".join(f"{byte:02x}" for byte in hashlib.sha256(name.encode()).digest()[:5])


def program(name):
    for folder in BIN_FOLDERS:
        if (Path(folder) / name).exists():
            return str((Path(folder) / name).resolve())
    raise FileNotFoundError(f"{name} is not in {BIN_FOLDERS}; set LAMPLIGHT_BIN")


def wait_until(condition, what, seconds=PATIENCE):
    """Asks again and again until `condition()` is true, and answers with what it said."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        select.select([], [], [], 0.02)


def die_with_parent():
    """A daemon does not outlive a test program that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Answer:
    def __init__(self, status, text, errors):
        self.status, self.text, self.errors = status, text, errors

    def __repr__(self):
        return f"status {self.status}\n{self.text}{self.errors}"


class Node:
    """A daemon with its files. `run` is shared by those who are to meet on the local bus."""

    def __init__(self, name, place, run):
        self.name, self.place, self.run = name, place, run
        self.conf = place / "lamplight.conf"
        self.state = place / "state"
        self.log_file = place / "terminal.log"
        self.process = None
        self.wrapper = []  # a command that the daemon is started by
        self.options = {}  # for Popen
        self.state.mkdir(parents=True)
        self.write("lamplight.conf", self.main_file())
        self.write("extensions.conf", HINTS)

    def main_file(self, more=""):
        """Line 6 on is `more`."""
        if not MACHINE_HAS_AN_ID and "entityid" not in more:
            more += f"[general](+)\nentityid = {entity_id(self.name)}\n"
        return (f"[general]\nname = {self.name}\nrun_dir = {self.run}\nstate_dir = {self.state}\n"
                f"log_dir = {self.place}\n{more}")

    def write(self, name, text):
        (self.place / name).write_text(text)

    def command_line(self, *arguments):
        return [*self.wrapper, program("lamplightd"), "-C", str(self.conf), *arguments]

    def launch(self):
        """Starts it and does not wait for anything."""
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(self.command_line("-f"), stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, preexec_fn=die_with_parent, **self.options)
        return self

    def start(self):
        self.launch()
        wait_until(self.answers, f"{self.name} answers on its console")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with status {self.process.returncode}:\n{self.log()}")
        return self.ask("core show version").status == 0

    def check(self):
        """lamplightd -t"""
        done = subprocess.run(self.command_line("-t"), capture_output=True, text=True, timeout=PATIENCE)
        return Answer(done.returncode, done.stdout, done.stderr)

    def ask(self, command, *options):
        done = subprocess.run([program("lamplight"), "-C", str(self.conf), *options, "-x", command],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)
        return Answer(done.returncode, done.stdout, done.stderr)

    def do(self, command):
        """As ask(), for a command that has to succeed."""
        answer = self.ask(command)
        if answer.status != 0:
            raise AssertionError(f"{self.name}: {command}: {answer}")
        return answer.text

    def data(self, command):
        answer = self.ask(command, "--json")
        if answer.status != 0:
            raise AssertionError(f"{self.name}: {command} --json: {answer}")
        return json.loads(answer.text)

    def set(self, state, device="Custom:abc"):
        return self.do(f"devstate change {device} {state}")

    def hint(self, extension="foo"):
        """The state of a hint as `core show hints` prints it, or None."""
        found = re.search(rf"{re.escape(extension)}@\S+\s*: .*State:(\S*)", self.ask("core show hints").text)
        return found.group(1) if found else None

    def until_hint(self, state, extension="foo", seconds=PATIENCE):
        try:
            wait_until(lambda: self.hint(extension) == state, f"{self.name} shows {extension} {state}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.ask('core show hints').text}{self.ask('device show').text}") from None

    def until_meets(self, *others):
        for other in others:
            wait_until(lambda: self.standing_of(other.name) == "present", f"{self.name} sees {other.name}")

    def standing_of(self, name):
        """How `node show` has a node: present, stale, gone, unheard; None when it is not there."""
        return next((node["standing"] for node in self.data("node show")["nodes"] if node["node"] == name), None)

    def votes(self, device="Custom:abc"):
        """State by node name, of every vote that counts."""
        for shown in self.data(f"device show like {device}")["devices"]:
            if shown["device"] == device:
                return {vote["node"]: vote["state"] for vote in shown["votes"] if vote["counts"]}
        return {}

    def signal(self, number):
        os.kill(self.process.pid, number)

    def ended(self, seconds=PATIENCE):
        """Waits for the process and answers with its exit status."""
        return self.process.wait(seconds)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE)

    def terminate(self):
        self.process.terminate()
        return self.ended()

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


class Terminal:
    """A program on a pty, as a person sits before it."""

    def __init__(self, *command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="vt100", HOME=os.environ.get("LAMPLIGHT_TEST_HOME", "/nonexistent"))
            os.execv(command[0], command)
        self.text = ""
        self.status = None

    def read(self, seconds=0.02):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return
        try:
            self.text += os.read(self.fd, 65536).decode(errors="replace")
        except OSError:  # the other side is gone
            pass

    def expect(self, pattern, seconds=PATIENCE):
        """Reads until the pattern is there, and forgets what came before and with it."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text, re.S)):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:g} s: {pattern!r}; on the screen:\n{self.text!r}")
            self.read()
        self.text = self.text[found.end():]
        return found

    def expect_prompt(self, name):
        """Waits until keys would be edited. The prompt shows a moment before the terminal stops editing by itself,
        which no finger notices."""
        self.expect(rf"{re.escape(name)}\*CLI> ")
        wait_until(lambda: not termios.tcgetattr(self.fd)[3] & termios.ICANON, "the console reads key by key")

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def ended(self):
        def gone():
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            return pid
        if self.status is None:
            wait_until(gone, "the program on the terminal ends")
        return self.status

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


class SystemTest(unittest.TestCase):
    """Gives each test a folder, ends what it started, and shows the logs when it failed."""

    longMessage = True

    def setUp(self):
        # Short: the path of a socket has at most 107 bytes.
        self.place = Path(tempfile.mkdtemp(prefix="lamplight-", dir="/tmp"))
        self.run_dir = self.place / "run"
        self.run_dir.mkdir(mode=0o750)
        self.nodes = []
        self.addCleanup(self.end_everything)

    def node(self, name, run=None):
        node = Node(name, self.place / name, run or self.run_dir)
        self.nodes.append(node)
        return node

    def pair(self):
        """pbx1 and pbx2, started, knowing each other."""
        pbx1, pbx2 = self.node("pbx1").start(), self.node("pbx2").start()
        pbx1.until_meets(pbx2)
        pbx2.until_meets(pbx1)
        return pbx1, pbx2

    def terminal(self, node):
        terminal = Terminal(program("lamplight"), "-C", str(node.conf), "-r")
        self.addCleanup(terminal.close)
        return terminal

    def end_everything(self):
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.process.terminate()
        try:
            for node in self.nodes:
                if node.process:
                    node.ended()
                    self.assertNotRegex(node.log(), SANITIZER_COMPLAINT)
        finally:
            for node in self.nodes:
                if node.process and node.process.poll() is None:
                    node.kill()

    def logs(self):
        return "".join(f"--- {node.name}\n{node.log()[-6000:]}\n" for node in self.nodes)


class Reporter(unittest.TextTestResult):
    """Prints a sentence a test, and the daemons' logs with a failure; keeps what the report needs."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test.id()] = "run"

    def stopTest(self, test):
        super().stopTest(test)
        if hasattr(test, "place"):
            shutil.rmtree(test.place, ignore_errors=True)

    def show(self, test, error):
        self.outcomes[test.id()] = "failed"
        print(f"FAILED {test.id()}")
        traceback.print_exception(*error)
        print(test.logs() if hasattr(test, "nodes") else "", flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.show(test, err)

    addError = addFailure

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcomes[test.id()] = "skipped"

    def write(self, file):
        """The cases in GoogleTest's form, for the count at the end of ./dev test."""
        suite = xml.Element("testsuite")
        for name, outcome in self.outcomes.items():
            case = xml.SubElement(suite, "testcase", name=name, status="notrun" if outcome == "skipped" else "run")
            if outcome == "failed":
                xml.SubElement(case, "failure")
        root = xml.Element("testsuites")
        root.append(suite)
        xml.ElementTree(root).write(file)


def main():
    report = os.environ.pop("GTEST_OUTPUT", "")
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=Reporter, verbosity=2)
    done = unittest.main(module="__main__", testRunner=runner, exit=False)
    if report.startswith("xml:"):
        done.result.write(report.removeprefix("xml:"))
    sys.exit(0 if done.result.wasSuccessful() else 1)
