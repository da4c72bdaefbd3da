"""`lamplight-bench ring`: daemons on a Corosync ring of two hosts, held against raw CPG in the same rounds.

    host 1: giver                        host 2: seer
    lamplightd + bench_generator.so ───▶ lamplightd + bench_generator.so | lamplight-bench cpg --role see
    lamplight-bench cpg --role give ───▶ lamplight-bench cpg --role see

Givers and seers share a Board (bench/board.hpp), a file in /tmp: when each change was given, which were seen.
"""

import sys
import time

from ring_rounds import (PER_SECOND, RAW_WINDOW, Bench, Failure, Processor, Results, cpu_figures, main, parse,
                         percentile)
from harness import wait_until

SCENARIOS = ["latency", "asterisk", "lamplight", "joiner"]
WANTED = {"latency": "ratio <= 1.3", "asterisk": "ratio >= 0.7, aim 0.8", "lamplight": "ratio >= 3, aim 5",
          "joiner_asterisk": "ratio <= 2 and seconds <= 3", "joiner_lamplight": "seconds <= 0.5"}
WINDOW = 32768  # changes given and not seen
EVENT_BYTES, RAW_BYTES = 49, 150
BETWEEN_LAMPLIGHTS = 5  # times as many changes, so that they take about as long
BUS = "[general]\npublish_event = device_state\nsubscribe_event = device_state\n"


class RingBench(Bench):
    """The ring, the daemon that gives, and one round of each scenario."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.giver = None

    def start(self):
        super().start()
        self.giver = self.daemon(1, res_corosync=BUS)
        self.giver.start()
        board = self.board()
        self.order(self.giver, board, "fill")
        board.wait_set("giver_ready_ns", "the giver's votes")
        self.until_sent()

    def until_sent(self):
        """Nothing waits in the giver any more."""
        wait_until(lambda: all(bus["waiting"] == 0 for bus in self.giver.data("bus show")["buses"]),
                   "the giver has sent its votes")

    def raw_join(self):
        """Seconds from the joiner's configuration change to the last of a message for each device."""
        board = self.board()
        giver = self.traffic(1, "cpg", "give", board, group="bench", messages=self.options.devices, window=RAW_WINDOW)
        board.wait_set("giver_ready_ns", "a raw giver")
        seer = self.seer(2, "cpg", board, group="bench")
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
        rate = board.per_second(count)
        self.order(self.giver, board, "idle")
        if board.seen != already + count or board.given != count:
            raise Failure(f"{what}: {board.given} changes were given, {board.seen - already} seen")
        return rate, cost

    def asterisk(self):
        """A listener joins and gets every vote; then changes as fast as they go."""
        board = self.board()
        devices = self.options.devices
        what = "votes to a listener in the group asterisk"
        seer = self.seer(2, "cpg", board, group="asterisk")
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
        self.results.add(scenario, changes=count, changes_per_second=rate, raw_per_second=raw, ratio=rate / raw,
                         **cpu_figures("", cost), **cpu_figures("raw_", raw_cost))

    def lamplight(self):
        """A Lamplight joins and gets every vote; then changes as fast as they go, then 100 a second."""
        board = self.board()
        seer = self.daemon(2, res_corosync=BUS, modules="[modules]\nautoload = yes\nnoload = res_corosync.so\n")
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
        count = self.options.latency_changes
        raw = self.raw_latency(count, RAW_BYTES)
        board = self.board(samples=True)
        self.order(seer, board, "see")
        self.order(self.giver, board, "give", changes=count, window=WINDOW, per_second=PER_SECOND)
        board.wait_seen(count, "changes, 100 a second")
        latencies = board.latencies_us()
        self.results.add("latency", changes=len(latencies), p50_us=percentile(latencies, 0.5), p99_us=percentile(latencies, 0.99),
                         raw_p50_us=percentile(raw, 0.5), raw_p99_us=percentile(raw, 0.99),
                         ratio=percentile(latencies, 0.5) / percentile(raw, 0.5))

    def round(self):
        only = self.options.only
        if "asterisk" in only or "joiner" in only:
            self.asterisk()
        if only != ["asterisk"]:
            self.lamplight()


if __name__ == "__main__":
    OPTIONS = parse("ring", SCENARIOS, "devices", "changes", "latency-changes")
    sys.exit(main(OPTIONS, Results("ring", WANTED), "res_corosync.so", RingBench))
