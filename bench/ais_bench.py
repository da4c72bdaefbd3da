"""`lamplight-bench ais`: event channels and daemons with res_ais.so on Corosync rings, held against raw CPG in the same
rounds.

    Channel     host 1                                host 2
                lamplight-bench evt --role give ────▶ lamplight-bench evt --role see     a channel, without daemons
                lamplight-bench cpg --role give ────▶ lamplight-bench cpg --role see     raw messages
    Converge    five hosts: lamplightd + res_ais.so + bench_generator.so (role crowd), each gives and each sees

Givers and seers share a Board (bench/board.hpp), daemons a Crowd (bench/crowd.hpp): files in /tmp.
"""

import mmap
import struct
import sys
import time

from ring_rounds import (RAW_WINDOW, Bench, Failure, Processor, Results, cpu_figures, main, parse, percentile,
                         until_counted)
from harness import wait_until

SCENARIOS = ["latency", "flood", "converge"]
WANTED = {"latency": "ratio <= 1.5", "latency_retained": "ratio <= 1.5", "converge": "seconds <= 2"}
# How events are published. res_ais retains them for 60 s and sends each in a frame of its own.
LATENCIES = {"": {}, "_retained": {"retention": 60}}
FLOODS = {**LATENCIES, "_apart": {"retention": 60, "way": "apart"}}
CHANNEL = "device_state"
BUS = f"[{CHANNEL}]\ntype = event_channel\npublish_event = device_state\nsubscribe_event = device_state\n"


class Channel(Bench):
    """Events through a channel of two processes, one on each host."""

    def round(self):
        if "latency" in self.options.only:
            self.latency()
        if "flood" in self.options.only:
            self.flood_of_events()

    def latency(self):
        count = self.options.latency_events
        found = {way: self.latencies("evt", count, "events, 100 a second", channel=CHANNEL, events=count,
                                     **how) for way, how in LATENCIES.items()}
        size = found[""][1]
        raw = self.raw_latency(count, size)
        for way, (latencies, _) in found.items():
            self.results.add(f"latency{way}", events=len(latencies), frame_bytes=size,
                             p50_us=percentile(latencies, 0.5), p99_us=percentile(latencies, 0.99),
                             raw_p50_us=percentile(raw, 0.5), raw_p99_us=percentile(raw, 0.99),
                             ratio=percentile(latencies, 0.5) / percentile(raw, 0.5))

    def flood_of_events(self):
        count = self.options.events
        found = {way: self.flood("evt", count, "events through a channel", channel=CHANNEL, events=count, **how)
                 for way, how in FLOODS.items()}
        size = found[""][0].bytes
        raw, raw_cost = self.raw_flood(count, size)
        for way, (board, cost) in found.items():
            rate = board.per_second(count)
            self.results.add(f"flood{way}", events=board.seen, events_per_second=rate, raw_per_second=raw,
                             ratio=rate / raw, **cpu_figures("", cost), **cpu_figures("raw_", raw_cost))


class Crowd:
    """See bench/crowd.hpp."""

    HEAD, PART, MOST = 64, 128, 8
    FIELDS = ["eid", "given", "first_given_ns", "last_given_ns", *(f"seen{part}" for part in range(MOST)),
              "all_seen_ns", "aggregates", "done"]

    def __init__(self, file, parts, devices, number):
        self.file, self.parts, self.devices = file, range(parts), devices
        with open(file, "w+b") as crowd:
            crowd.truncate(self.HEAD + self.PART * parts)
            self.memory = mmap.mmap(crowd.fileno(), 0)
        struct.pack_into("=QQQ", self.memory, 0, parts, devices, number)

    def go(self):
        struct.pack_into("=Q", self.memory, 24, 1)

    def of(self, part, field):
        return struct.unpack_from("=Q", self.memory, self.HEAD + self.PART * part + 8 * self.FIELDS.index(field))[0]

    def all(self, field):
        return [self.of(part, field) for part in self.parts]

    def last_votes(self):
        """How many last votes are held by others than who gave them."""
        return sum(self.of(seer, f"seen{giver}") for seer in self.parts for giver in self.parts if seer != giver)

    def all_last_votes(self):
        return self.devices * len(self.parts) * (len(self.parts) - 1)

    def seconds(self):
        """From the last change given anywhere to the last engine that holds everybody's last votes."""
        return (max(self.all("all_seen_ns")) - max(self.all("last_given_ns"))) / 1e9


class Converge(Bench):
    """All devices change on all nodes at once, until all engines hold the same."""

    HOSTS = 5

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.crowds = 0

    def start(self):
        super().start()
        for host in self.ring.hosts:
            self.daemon(host.number, ais=BUS).start()
        for node in self.nodes:
            node.until_meets(*(other for other in self.nodes if other is not node))

    def round(self):
        used = self.processor()
        crowd = self.crowd("last votes")
        cost = self.cost(used)
        raw = self.raw_seconds()
        self.results.add("converge", nodes=self.HOSTS, votes=self.all_votes(), seconds=crowd.seconds(),
                         giving_seconds=self.giving(crowd), raw_seconds=raw, **cost)
        self.with_stranger()

    def processor(self):
        return Processor(**{f"daemon{part}": node.process.pid for part, node in enumerate(self.nodes)},
                         **self.corosyncs())

    def cost(self, used):
        """Per vote given anywhere, of one daemon and of one Corosync: everyone has something to do with each."""
        cost = used.per(self.all_votes())
        return {f"{kind}_cpu_us": sum(value for name, value in cost.items() if name.startswith(kind)) / self.HOSTS
                for kind in ("daemon", "corosync")}

    def all_votes(self):
        return self.HOSTS * self.options.devices

    @staticmethod
    def giving(crowd):
        return (max(crowd.all("last_given_ns")) - min(crowd.all("first_given_ns"))) / 1e9

    def crowd(self, what):
        """Everybody changes everything; comes back when all engines have been compared."""
        self.crowds += 1
        crowd = Crowd(self.file("crowd"), self.HOSTS, self.options.devices, self.crowds)
        for part, node in enumerate(self.nodes):
            self.order(node, crowd, "crowd", number=part)
        if 0 in crowd.all("eid"):
            raise Failure("not every daemon is ready to give")
        crowd.go()
        until_counted(crowd.last_votes, crowd.all_last_votes(), what)
        until_counted(lambda: sum(crowd.all("done")), self.HOSTS, "engines that have been compared")
        self.compare(crowd)
        return crowd

    def compare(self, crowd):
        """Aggregates of all devices by their hashes; and of some every vote, as the console shows it."""
        if len(set(crowd.all("aggregates"))) != 1:
            raise Failure("aggregates are not the same on all nodes")
        for number in {0, self.options.devices // 2, self.options.devices - 1}:
            device = f"SIP/{number:06}"
            votes = [node.votes(device) for node in self.nodes]
            if any(len(held) != self.HOSTS or held != votes[0] for held in votes):
                raise Failure(f"{device}: nodes do not hold the same votes: {votes}")

    def raw_seconds(self):
        """As many raw messages of one event each as there are votes, from the first given to the last seen."""
        count = self.all_votes()
        board, _ = self.flood("cpg", count, "raw messages", group="bench", messages=count, window=RAW_WINDOW)
        return (board.last_seen_ns - board.first_given_ns) / 1e9

    def with_stranger(self):
        """The same while somebody who is no Lamplight has the channel open, so that events are published too."""
        board = self.board()
        seer = self.seer(1, "evt", board, channel=CHANNEL)
        board.wait_seen(self.all_votes(), "events of votes for a stranger", "events")
        before = self.quiet(board)
        dropped, used = self.dropped(), self.processor()
        crowd = self.crowd("last votes, with a stranger")
        events = self.quiet(board) - before
        self.results.add("converge_stranger", nodes=self.HOSTS, votes=self.all_votes(), seconds=crowd.seconds(),
                         stranger_events=events, stranger_lost=board.lost,
                         stranger_seconds=(board.last_event_ns - max(crowd.all("last_given_ns"))) / 1e9,
                         **self.cost(used), daemons_dropped=self.dropped() - dropped)
        self.finish(seer)

    def dropped(self):
        """Events that daemons did not read in time: they ask for them again, and need none of Lamplights."""
        return sum(node.data("ais show counters")["service"]["dropped"] for node in self.nodes)

    @staticmethod
    def quiet(board):
        """How many events came, after a while without one."""
        wait_until(lambda: time.monotonic_ns() - board.last_event_ns > 1e9, "the stranger has heard everything", 120)
        return board.events


if __name__ == "__main__":
    OPTIONS = parse("ais", SCENARIOS, "devices", "events", "latency-events")
    KINDS = [*([Channel] if {"latency", "flood"} & set(OPTIONS.only) else []),
             *([Converge] if "converge" in OPTIONS.only else [])]
    sys.exit(main(OPTIONS, Results("ais", WANTED), "res_ais.so", *KINDS))
