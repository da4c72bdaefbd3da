"""What the benchmarks on Corosync rings share: boards, raw CPG traffic, figures of rounds, start and end.

A benchmark is one or several Benches, each with a ring of its own; `lamplight-bench` starts its script with the programs'
folder in LAMPLIGHT_BIN.
"""

import argparse
import json
import math
import mmap
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import time
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "system"))
from harness import Node, program  # noqa: E402: where it is was said just now
from ring import Ring  # noqa: E402

PER_SECOND = 100  # of latencies
RAW_WINDOW = 1024  # raw messages sent and not come back: a little faster than all that Corosync takes
STALLED = 20.0  # seconds without anything seen
NO_BUS = 69


class Failure(Exception):
    """A sentence for people."""


class Board:
    """See bench/board.hpp."""

    FIELDS = ["devices", "given", "seen", "giver_ready_ns", "seer_joined_ns", "first_given_ns", "last_seen_ns",
              "samples", "wants_samples", "giver_cpu_ns", "events", "last_event_ns", "lost", "bytes"]
    HEAD, SLOT, SAMPLES = 128, 24, 65536

    def __init__(self, file, devices, samples=False):
        self.file = file
        with open(file, "w+b") as board:
            board.truncate(self.HEAD + self.SLOT * devices + 4 * self.SAMPLES)
            self.memory = mmap.mmap(board.fileno(), 0)
        self.set("devices", devices)
        self.set("wants_samples", int(samples))

    def set(self, field, value):
        struct.pack_into("=q", self.memory, 8 * self.FIELDS.index(field), value)

    def __getattr__(self, field):
        if field not in self.FIELDS:
            raise AttributeError(field)
        return struct.unpack_from("=q", self.memory, 8 * self.FIELDS.index(field))[0]

    def devices_seen(self):
        """How many devices were seen at least once."""
        slots = struct.iter_unpack("=qIIII", self.memory[self.HEAD:self.HEAD + self.SLOT * self.devices])
        return sum(1 for slot in slots if slot[2] > 0)

    def latencies_us(self):
        start = self.HEAD + self.SLOT * self.devices
        samples = array("I")
        samples.frombytes(self.memory[start:start + 4 * min(self.samples, self.SAMPLES)])
        return sorted(sample / 1000 for sample in samples)

    def per_second(self, count):
        """From the first given to the last seen."""
        return count / (self.last_seen_ns - self.first_given_ns) * 1e9

    def wait_seen(self, count, what, field="seen"):
        until_counted(lambda: getattr(self, field), count, what)

    def wait_set(self, field, what, process=None):
        deadline = time.monotonic() + STALLED
        while getattr(self, field) == 0:
            if process and process.poll() is not None:
                raise Failure(f"{what}: ended with status {process.returncode}; see traffic.log (--keep-logs)")
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not ready after {STALLED:g} s")
            time.sleep(0.002)


def until_counted(count_now, count, what):
    """Until so many came; a stall is a failure that says how many did."""
    last, since = -1, time.monotonic()
    while (now := count_now()) < count:
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since > STALLED:
            raise Failure(f"{what}: {now} of {count} came, then none for {STALLED:g} s")
        time.sleep(0.005)


def percentile(ordered, part):
    return ordered[min(len(ordered) - 1, math.ceil(part * len(ordered)) - 1)]


class Processor:
    """CPU time of processes between two moments, in microseconds."""

    def __init__(self, **pids):
        self.pids = pids
        self.before = {name: self.now(pid) for name, pid in pids.items()}

    @staticmethod
    def now(pid):
        return time.clock_gettime_ns((~pid << 3) | 2)  # clock_getcpuclockid(3)

    def per(self, count):
        return {name: (self.now(pid) - self.before[name]) / 1000 / count for name, pid in self.pids.items()}


class Results:
    """Figures of every round by scenario; printed as medians."""

    def __init__(self, benchmark, wanted):
        self.benchmark, self.wanted = benchmark, wanted
        self.rounds = {}

    def add(self, scenario, **figures):
        for name, value in figures.items():
            self.rounds.setdefault(scenario, {}).setdefault(name, []).append(value)

    def medians(self):
        """Of every figure; of ratios their range too."""
        return {scenario: {name: statistics.median(values) for name, values in figures.items()} | self.range_of(figures)
                for scenario, figures in self.rounds.items()}

    @staticmethod
    def range_of(figures):
        ratios = figures.get("ratio")
        return {"ratio_lowest": min(ratios), "ratio_highest": max(ratios)} if ratios else {}

    def show(self, as_json):
        for scenario, figures in self.medians().items():
            if as_json:
                print(json.dumps({"benchmark": self.benchmark, "scenario": scenario, **figures}))
            else:
                print(f"{self.benchmark}: {scenario}: "
                      + ", ".join(f"{name} {self.text(value)}" for name, value in figures.items())
                      + (f" (wanted: {self.wanted[scenario]})" if scenario in self.wanted else ""))

    @staticmethod
    def text(value):
        return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def cpu_figures(prefix, cost):
    return {f"{prefix}{name}_cpu_us": value for name, value in cost.items()}


class Bench:
    """A ring and what is started on it; a subclass says what a round is."""

    HOSTS = 2
    GENERATOR = "bench_generator.conf"

    def __init__(self, options, place, results):
        self.options, self.place, self.results = options, place, results
        place.mkdir()
        self.ring = Ring(place / "ring", self.HOSTS, token_ms=3000)
        self.boards = 0
        self.processes = []
        self.nodes = []

    # --- what a subclass says ---

    def start(self):
        self.ring.start()

    def round(self):
        raise NotImplementedError

    # --- end ---

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.kill()
        self.ring.end_everything()

    # --- tools ---

    def file(self, name):
        self.boards += 1
        return self.place / f"{name}{self.boards}"

    def board(self, samples=False):
        return Board(self.file("board"), self.options.devices, samples)

    def daemon(self, number, **files):
        """A lamplightd for this host with these files, and a generator that does nothing yet."""
        host = self.ring[number]
        node = Node(host.name, self.place / f"{host.name}-{len(self.nodes)}", host.run_dir)
        node.wrapper = host.wrapper
        for name, text in files.items():
            node.write(f"{name}.conf", text)
        self.write_orders(node, None, "idle")
        self.nodes.append(node)
        return node

    def write_orders(self, node, board, role, **more):
        lines = "".join(f"{name} = {value}\n" for name, value in {"role": role, **more}.items())
        node.write(self.GENERATOR, f"[general]\n{lines}" + (f"board = {board.file}\n" if board else ""))

    def order(self, node, board, role, **more):
        """Tells the daemon's generator what to do from now on."""
        self.write_orders(node, board, role, **more)
        node.do("module reload bench_generator.so")

    def traffic(self, number, kind, role, board, **more):
        """`lamplight-bench cpg` or `evt` on that host."""
        arguments = [word for name, value in more.items() for word in (f"--{name.replace('_', '-')}", str(value))]
        log = open(self.place / "traffic.log", "ab")
        process = self.ring[number].popen(program("lamplight-bench"), kind, "--role", role, "--board", str(board.file),
                                          *arguments, stdout=log, stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def seer(self, number, kind, board, **more):
        """One that is joined."""
        process = self.traffic(number, kind, "see", board, **more)
        board.wait_set("seer_joined_ns", f"lamplight-bench {kind} on host {number}", process)
        return process

    @staticmethod
    def finish(*processes):
        for process in processes:
            process.terminate()
            process.wait()

    @staticmethod
    def until_done(giver, what):
        if giver.wait() != 0:
            raise Failure(f"{what}: the giver ended with status {giver.returncode}; see traffic.log (--keep-logs)")

    def corosyncs(self):
        return {f"corosync{host.number}": host.corosync.process.pid for host in self.ring.hosts}

    # --- raw, and what is given and seen as it is ---

    def flood(self, kind, count, what, **more):
        """Rate and CPU time of `count` given on host 1 as fast as they go and seen on the last."""
        board = self.board()
        place = {name: more[name] for name in ("group", "channel") if name in more}
        seer = self.seer(self.HOSTS, kind, board, **place)
        used = Processor(seer=seer.pid, **self.corosyncs())
        giver = self.traffic(1, kind, "give", board, **more)
        board.wait_seen(count, what)
        cost = used.per(count)
        self.until_done(giver, what)
        cost = {"giver": board.giver_cpu_ns / 1000 / count, **cost}
        self.finish(seer)
        if board.seen != count or board.given != count or board.lost != 0:
            raise Failure(f"{what}: {board.given} were given, {board.seen} seen, {board.lost} times some were lost")
        return board, cost

    def latencies(self, kind, count, what, **more):
        """Sorted, of `count` given 100 a second; and how many bytes went over the ring for each."""
        board = self.board(samples=True)
        place = {name: more[name] for name in ("group", "channel") if name in more}
        seer = self.seer(self.HOSTS, kind, board, **place)
        giver = self.traffic(1, kind, "give", board, per_second=PER_SECOND, **more)
        board.wait_seen(count, what)
        self.until_done(giver, what)
        self.finish(seer)
        return board.latencies_us(), board.bytes

    def raw_flood(self, count, size):
        """Messages a second from the first given to the last seen, and the CPU time of each."""
        board, cost = self.flood("cpg", count, f"raw messages of {size} bytes", group="bench", messages=count,
                                 bytes=size, window=RAW_WINDOW)
        return board.per_second(count), cost

    def raw_latency(self, count, size):
        return self.latencies("cpg", count, "raw messages, 100 a second", group="bench", messages=count, bytes=size)[0]


def parse(name, scenarios, *numbers):
    """The options that lamplight-bench hands over; it has checked them."""
    parser = argparse.ArgumentParser(prog=f"lamplight-bench {name}")
    for number in ("rounds", *numbers):
        parser.add_argument(f"--{number}", type=int, required=True)
    parser.add_argument("--only", action="append", choices=scenarios)
    parser.add_argument("--keep-logs", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.only = options.only or scenarios
    return options


def say(text):
    if sys.stderr.isatty():
        print(text, file=sys.stderr, flush=True)


def run_rounds(options, place, results, kind):
    bench = None
    try:
        bench = kind(options, place / kind.__name__.lower(), results)
        bench.start()
        for number in range(options.rounds):
            say(f"{kind.__name__.lower()}: round {number + 1} of {options.rounds}")
            bench.round()
    finally:
        if bench:
            bench.end()


def main(options, results, module, *kinds):
    """Every kind of Bench with all its rounds, on daemons that have this module. Gives the exit status."""
    file = Path(program("lamplight-bench")).parent.parent / "lib/lamplight/modules" / module
    if not file.exists():
        print(f"lamplight-bench: there is no {file}: build that module", file=sys.stderr)
        return NO_BUS
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # what was started is ended below
    place = Path(tempfile.mkdtemp(prefix="lamplight-bench-", dir="/tmp"))
    try:
        for kind in kinds:
            run_rounds(options, place, results, kind)
        results.show(options.json)
        return 0
    except (Failure, AssertionError) as error:
        print(f"lamplight-bench: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep_logs:
            print(f"Logs are in {place}", file=sys.stderr)
        else:
            shutil.rmtree(place, ignore_errors=True)
