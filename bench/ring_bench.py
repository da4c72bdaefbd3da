"""`lamplight-bench ring`: daemons on a Corosync ring of two hosts, held against raw CPG in the same rounds.

    host 1: giver                        host 2: seer
    lamplightd + bench_generator.so ───▶ lamplightd + bench_generator.so | lamplight-bench cpg --role see
    lamplight-bench cpg --role give ───▶ lamplight-bench cpg --role see

Givers and seers share a Board (bench/board.hpp), a file in /tmp: when each change was given, which were seen.
"""

import argparse
import json
import math
import mmap
import os
import shutil
import signal
import statistics
import struct
import sys
import tempfile
import time
from array import array
from pathlib import Path

SCENARIOS = ["latency", "asterisk", "lamplight", "joiner"]
WANTED = {"latency": "ratio <= 1.3", "asterisk": "ratio >= 0.7, aim 0.8", "lamplight": "ratio >= 3, aim 5",
          "joiner_asterisk": "ratio <= 2 and seconds <= 3", "joiner_lamplight": "seconds <= 0.5"}
PER_SECOND = 100  # of the latency
WINDOW = 32768  # changes given and not seen
RAW_WINDOW = 1024  # raw messages sent and not come back: a little faster than all that Corosync takes
EVENT_BYTES, RAW_BYTES = 49, 150
BETWEEN_LAMPLIGHTS = 5  # times as many changes, so that they take about as long
STALLED = 20.0  # seconds without any change seen
NO_BUS = 69


class Failure(Exception):
    """A sentence for people."""


class Board:
    """See bench/board.hpp."""

    FIELDS = ["devices", "given", "seen", "giver_ready_ns", "seer_joined_ns", "first_given_ns", "last_seen_ns",
              "samples", "wants_samples"]
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

    def wait_seen(self, count, what):
        """Until so many changes are seen; a stall is a failure that says how many came."""
        last, since = -1, time.monotonic()
        while (seen := self.seen) < count:
            if seen != last:
                last, since = seen, time.monotonic()
            elif time.monotonic() - since > STALLED:
                raise Failure(f"{what}: {seen} of {count} changes came, then none for {STALLED:g} s")
            time.sleep(0.005)

    def wait_set(self, field, what):
        deadline = time.monotonic() + STALLED
        while getattr(self, field) == 0:
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not ready after {STALLED:g} s")
            time.sleep(0.002)


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

    def __init__(self):
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
                print(json.dumps({"benchmark": "ring", "scenario": scenario, **figures}))
            else:
                print(f"ring: {scenario}: "
                      + ", ".join(f"{name} {self.text(value)}" for name, value in figures.items())
                      + f" (wanted: {WANTED[scenario]})")

    @staticmethod
    def text(value):
        return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


class RingBench:
    """The ring, the daemon that gives, and one round of each scenario."""

    def __init__(self, options, place):
        self.options, self.place = options, place
        self.ring = Ring(place / "ring", 2, token_ms=3000)
        self.results = Results()
        self.boards = 0
        self.processes = []
        self.nodes = []
        self.giver = None

    # --- set-up and end ---

    def start(self):
        self.ring.start()
        self.giver = self.daemon(1)
        self.giver.start()
        board = self.board()
        self.order(self.giver, board, "fill")
        board.wait_set("giver_ready_ns", "the giver's votes")
        self.until_sent()

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        for node in self.nodes:
            if node.process and node.process.poll() is None:
                node.kill()
        self.ring.end_everything()

    def daemon(self, number, modules=""):
        host = self.ring[number]
        node = Node(host.name, self.place / f"{host.name}-{len(self.nodes)}", host.run_dir)
        node.wrapper = host.wrapper
        node.write("res_corosync.conf", "[general]\npublish_event = device_state\nsubscribe_event = device_state\n")
        if modules:
            node.write("modules.conf", f"[modules]\nautoload = yes\n{modules}")
        self.write_orders(node, None, "idle")
        self.nodes.append(node)
        return node

    # --- tools ---

    def board(self, samples=False):
        self.boards += 1
        return Board(self.place / f"board{self.boards}", self.options.devices, samples)

    @staticmethod
    def write_orders(node, board, role, **more):
        lines = "".join(f"{name} = {value}\n" for name, value in {"role": role, **more}.items())
        node.write("bench_generator.conf", f"[general]\n{lines}" + (f"board = {board.file}\n" if board else ""))

    def order(self, node, board, role, **more):
        """Tells the daemon's generator what to do from now on."""
        self.write_orders(node, board, role, **more)
        node.do("module reload bench_generator.so")

    def until_sent(self):
        """Nothing waits in the giver any more."""
        wait_until(lambda: all(bus["waiting"] == 0 for bus in self.giver.data("bus show")["buses"]),
                   "the giver has sent its votes")

    def traffic(self, number, role, group, board, *more):
        log = open(self.place / "traffic.log", "ab")
        process = self.ring[number].popen(program("lamplight-bench"), "cpg", "--role", role, "--group", group,
                                          "--board", str(board.file), *map(str, more), stdout=log, stderr=log)
        log.close()
        self.processes.append(process)
        return process

    def listener(self, group, board):
        """A raw seer, joined."""
        process = self.traffic(2, "see", group, board)
        board.wait_set("seer_joined_ns", f"a listener in the group {group}")
        return process

    @staticmethod
    def finish(*processes):
        for process in processes:
            process.terminate()
            process.wait()

    def corosyncs(self):
        return {f"corosync{host.number}": host.corosync.process.pid for host in self.ring.hosts}

    def say(self, text):
        if sys.stderr.isatty():
            print(text, file=sys.stderr, flush=True)

    # --- raw ---

    def raw_flood(self, count, size):
        """Messages a second from the first given to the last seen."""
        board = self.board()
        seer = self.listener("bench", board)
        used = Processor(**self.corosyncs())
        giver = self.traffic(1, "give", "bench", board, "--messages", count, "--bytes", size,
                             "--window", RAW_WINDOW)
        board.wait_seen(count, f"raw messages of {size} bytes")
        cost = used.per(count)
        rate = count / (board.last_seen_ns - board.first_given_ns) * 1e9
        giver.wait()
        self.finish(seer)
        return rate, cost

    def raw_latency(self):
        board = self.board(samples=True)
        seer = self.listener("bench", board)
        count = self.options.latency_changes
        giver = self.traffic(1, "give", "bench", board, "--messages", count, "--per-second", PER_SECOND,
                             "--bytes", RAW_BYTES)
        board.wait_seen(count, "raw messages, 100 a second")
        giver.wait()
        self.finish(seer)
        return board.latencies_us()

    def raw_join(self):
        """Seconds from the joiner's configuration change to the last of a message for each device."""
        board = self.board()
        giver = self.traffic(1, "give", "bench", board, "--messages", self.options.devices, "--window", RAW_WINDOW)
        board.wait_set("giver_ready_ns", "a raw giver")
        seer = self.listener("bench", board)
        board.wait_seen(self.options.devices, "raw messages to a joiner")
        giver.wait()
        self.finish(seer)
        return (board.last_seen_ns - board.seer_joined_ns) / 1e9

    # --- scenarios ---

    def sustained(self, board, count, what, **pids):
        """Changes a second after a vote for each device has been seen, and the CPU time of each."""
        already = self.options.devices
        used = Processor(giver=self.giver.process.pid, **pids, **self.corosyncs())
        self.order(self.giver, board, "give", changes=count, window=WINDOW)
        board.wait_seen(already + count, what)
        cost = used.per(count)
        rate = count / (board.last_seen_ns - board.first_given_ns) * 1e9
        self.order(self.giver, board, "idle")
        if board.seen != already + count or board.given != count:
            raise Failure(f"{what}: {board.given} changes were given, {board.seen - already} seen")
        return rate, cost

    def asterisk(self):
        """A listener joins and gets every vote; then changes as fast as they go."""
        board = self.board()
        devices = self.options.devices
        what = "votes to a listener in the group asterisk"
        seer = self.listener("asterisk", board)
        board.wait_seen(devices, what)
        seconds = (board.last_seen_ns - board.seer_joined_ns) / 1e9
        if board.devices_seen() != devices:
            raise Failure(f"{what}: of {board.devices_seen()} of {devices} devices")
        self.until_sent()
        if "joiner" in self.options.only:
            raw = self.raw_join()
            self.results.add("joiner_asterisk", seconds=seconds, raw_seconds=raw, ratio=seconds / raw,
                             votes=devices)
        if "asterisk" in self.options.only:
            raw, raw_cost = self.raw_flood(self.options.changes, EVENT_BYTES)
            rate, cost = self.sustained(board, self.options.changes, "changes to a listener", listener=seer.pid)
            self.add_sustained("asterisk", self.options.changes, rate, raw, cost, raw_cost)
        self.finish(seer)

    def add_sustained(self, scenario, count, rate, raw, cost, raw_cost):
        costs = {f"{name}_cpu_us": value for name, value in cost.items()}
        raw_costs = {f"raw_{name}_cpu_us": value for name, value in raw_cost.items()}
        self.results.add(scenario, changes=count, changes_per_second=rate, raw_per_second=raw, ratio=rate / raw,
                         **costs, **raw_costs)

    def lamplight(self):
        """A Lamplight joins and gets every vote; then changes as fast as they go, then 100 a second."""
        board = self.board()
        seer = self.daemon(2, "noload = res_corosync.so\n")
        self.write_orders(seer, board, "see")
        seer.start()
        start = time.monotonic_ns()
        seer.do("module load res_corosync.so")
        board.wait_seen(self.options.devices, "votes to a Lamplight that joins")
        if "joiner" in self.options.only:
            self.results.add("joiner_lamplight", seconds=(board.last_seen_ns - start) / 1e9,
                             votes=board.devices_seen())
        self.until_sent()
        if "lamplight" in self.options.only:
            raw, raw_cost = self.raw_flood(self.options.changes, RAW_BYTES)
            count = self.options.changes * BETWEEN_LAMPLIGHTS
            rate, cost = self.sustained(board, count, "changes between Lamplights", seer=seer.process.pid)
            self.add_sustained("lamplight", count, rate, raw, cost, raw_cost)
        if "latency" in self.options.only:
            self.latency(seer)
        seer.do("core stop now")
        seer.ended()

    def latency(self, seer):
        raw = self.raw_latency()
        board = self.board(samples=True)
        count = self.options.latency_changes
        self.order(seer, board, "see")
        self.order(self.giver, board, "give", changes=count, window=WINDOW, per_second=PER_SECOND)
        board.wait_seen(count, "changes, 100 a second")
        latencies = board.latencies_us()
        self.results.add("latency", changes=len(latencies), p50_us=percentile(latencies, 0.5), p99_us=percentile(latencies, 0.99),
                         raw_p50_us=percentile(raw, 0.5), raw_p99_us=percentile(raw, 0.99),
                         ratio=percentile(latencies, 0.5) / percentile(raw, 0.5))

    def run(self):
        only = self.options.only
        for number in range(self.options.rounds):
            self.say(f"round {number + 1} of {self.options.rounds}")
            if "asterisk" in only or "joiner" in only:
                self.asterisk()
            if only != ["asterisk"]:
                self.lamplight()


def parse():
    parser = argparse.ArgumentParser(prog="lamplight-bench ring")
    parser.add_argument("--programs", required=True)
    for name in ("rounds", "devices", "changes", "latency-changes"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--only", action="append", choices=SCENARIOS)
    parser.add_argument("--keep-logs", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.only = options.only or SCENARIOS
    return options


def module_of_the_bus(programs):
    return Path(programs).parent / "lib/lamplight/modules/res_corosync.so"


def main(options):
    if not module_of_the_bus(options.programs).exists():
        print(f"lamplight-bench: there is no {module_of_the_bus(options.programs)}: build the Corosync bus",
              file=sys.stderr)
        return NO_BUS
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # what was started is ended below
    place = Path(tempfile.mkdtemp(prefix="lamplight-bench-", dir="/tmp"))
    bench = None
    try:
        bench = RingBench(options, place)
        bench.start()
        bench.run()
        bench.results.show(options.json)
        return 0
    except (Failure, AssertionError) as error:
        print(f"lamplight-bench: {error}", file=sys.stderr)
        return 1
    finally:
        if bench:
            bench.end()
        if options.keep_logs:
            print(f"Logs are in {place}", file=sys.stderr)
        else:
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    OPTIONS = parse()
    os.environ["LAMPLIGHT_BIN"] = OPTIONS.programs
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "system"))
    from harness import Node, program, wait_until
    from ring import Ring
    sys.exit(main(OPTIONS))
