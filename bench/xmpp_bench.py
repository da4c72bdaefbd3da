"""`lamplight-bench xmpp`: daemons with res_jabber.so on a Prosody and an ejabberd, held against bare clients of the same
server in the same rounds.

    Pair      pbx1: giver                        pbx2: seer
              lamplightd + bench_generator.so ──▶ lamplightd + bench_generator.so | lamplight-bench client --role see
              lamplight-bench client --role give ──▶ lamplight-bench client --role see
    Joiner    pbx1 … pbx3: givers                pbx4: joiner
              lamplightd + bench_generator.so ──▶ lamplightd + bench_generator.so
              lamplight-bench client --role send ──▶ lamplight-bench client --role take

Givers and seers share a Board (bench/board.hpp), a file in /tmp. Servers have no limits, and links no TLS.
"""

import json
import sys

from ring_rounds import (Bench, Failure, Processor, Results, cpu_figures, main, parse, percentile, until_counted)
from harness import wait_until
from xmpp_net import Ejabberd, Prosody, XmppNetwork

SCENARIOS = ["latency", "changes", "asterisk", "joiner"]
WANTED = {f"{scenario}_{kind.kind}": wanted for kind in (Prosody, Ejabberd)
          for scenario, wanted in {"latency": "ratio <= 1.2", "changes": "ratio >= 0.9", "asterisk": "ratio >= 0.9",
                                   "joiner": "ratio <= 1.5"}.items()}
PER_SECOND = 50  # of latencies
WINDOW = 32768  # changes given and not seen
BARE_WINDOW = 128  # publishes not answered: more make neither server faster
IQ_BYTES, IQ_WINDOW = 16 * 1024, 4  # bare IQs to a joiner, of each of who sends
SECRET = "secret"
BARE_NODE, RESOURCE = "bench", "bench"
JABBER_CONF = """\
[general]
autoregister = yes

[asterisk]
type = client
serverhost = {domain}
pubsub_node = {service}
username = {account}@{domain}/{resource}
secret = {secret}
distribute_events = yes
usetls = no
"""
WITHOUT_BUS = "[modules]\nautoload = yes\nnoload = res_jabber.so\n"
MODULE = "res_jabber.so"


class XmppBench(Bench):
    """Hosts, a server, daemons that meet there; SERVER is its kind."""

    SERVER = None
    PBXS = 2
    ACCOUNTS = ()

    def __init__(self, options, place, results):
        self.options, self.place, self.results = options, place, results
        place.mkdir()
        self.boards, self.processes, self.nodes = 0, [], []
        self.ring = XmppNetwork(place / "net", pbxs=self.PBXS)
        self.server = None

    def start(self):
        accounts = {name: SECRET for name in self.ACCOUNTS}
        self.server = self.SERVER(self.ring.servers[0], accounts=accounts, creators="everybody").start()

    def end(self):
        if self.server:
            self.server.end_everything()
        super().end()

    def name(self, scenario):
        return f"{scenario}_{self.SERVER.kind}"

    def jid(self, account):
        return f"{self.server.jid(account)}/{RESOURCE}"

    def lamplight(self, number, account, *buddies, **files):
        conf = JABBER_CONF.format(domain=self.server.domain, service=self.server.service, account=account,
                                  resource=RESOURCE, secret=SECRET)
        conf += "".join(f"buddy = {self.server.jid(buddy)}\n" for buddy in buddies)
        return self.daemon(number, jabber=conf, **files)

    def client(self, number, role, account, board, **more):
        """`lamplight-bench client` on that host."""
        return self.traffic(number, "client", role, board, jid=self.jid(account), secret=SECRET, **more)

    def fill(self, *nodes):
        """Each has a vote about every device."""
        for node in nodes:
            board = self.board()
            self.order(node, board, "fill")
            board.wait_set("giver_ready_ns", "a giver's votes")
        self.until_sent(*nodes)

    @staticmethod
    def until_sent(*nodes):
        for node in nodes:
            wait_until(lambda node=node: all(bus["waiting"] == 0 for bus in node.data("bus show")["buses"]),
                       f"{node.name} has sent its votes", 60)

    @staticmethod
    def until_followed(node):
        wait_until(lambda: any("as items" in bus["detail"] for bus in node.data("bus show")["buses"]),
                   f"{node.name} is followed")

    def server_process(self):
        return {"server": self.server.process.pid}


class Pair(XmppBench):
    """Changes of one daemon, seen by another, or by a bare subscriber."""

    ACCOUNTS = ("giver", "seer", "bare_giver", "bare_seer", "listener")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.giver = None

    def start(self):
        super().start()
        self.giver = self.lamplight(1, "giver", "seer", "listener")
        self.giver.start()
        self.fill(self.giver)
        if "asterisk" in self.options.only:
            self.finish(self.listener(self.board()))

    def listener(self, board):
        """One that is no Lamplight and may hear what is published for Asterisks."""
        process = self.client(2, "see", "listener", board, service=self.server.service, node="device_state")
        board.wait_set("seer_joined_ns", "a listener", process)
        return process

    def round(self):
        only = self.options.only
        if "changes" in only or "latency" in only:
            self.lamplights()
        if "asterisk" in only:
            self.asterisk()

    # --- bare ---

    def bare(self, count, what, samples=False, node=BARE_NODE, **more):
        """Publishes of one bare client, seen by another: their board, and the CPU time of each."""
        board = self.board(samples=samples)
        place = {"service": self.server.service, "node": node}
        giver = self.client(1, "give", "bare_giver", board, messages=count, **place, **more)
        board.wait_set("giver_ready_ns", "a bare publisher", giver)
        used = Processor(**self.server_process())
        seer = self.client(2, "see", "bare_seer", board, **place)
        board.wait_set("seer_joined_ns", "a bare subscriber", seer)
        seer_used = Processor(seer=seer.pid)
        board.wait_seen(count, what)
        cost = {**seer_used.per(count), **used.per(count)}
        self.until_done(giver, what)
        self.finish(seer)
        if board.seen != count or board.given != count:
            raise Failure(f"{what}: {board.given} were given, {board.seen} seen")
        return board, {"giver": board.giver_cpu_ns / 1000 / count, **cost}

    # --- daemons ---

    def sustained(self, scenario, board, what, **pids):
        """Changes as fast as they go, after a vote for each device has been seen; and the bare pair's publishes."""
        count, already = self.options.changes, self.options.devices
        raw, raw_cost = self.bare(count, "bare publishes", window=BARE_WINDOW)
        used = Processor(giver=self.giver.process.pid, **pids, **self.server_process())
        self.order(self.giver, board, "give", changes=count, window=WINDOW)
        board.wait_seen(already + count, what)
        cost = used.per(count)
        rate, bare_rate = board.per_second(count), raw.per_second(count)
        self.order(self.giver, board, "idle")
        if board.seen != already + count or board.given != count:
            raise Failure(f"{what}: {board.given} changes were given, {board.seen - already} seen")
        more = self.echo(rate) if scenario == "asterisk" else {}
        self.results.add(self.name(scenario), changes=count, changes_per_second=rate, bare_per_second=bare_rate,
                         ratio=rate / bare_rate, **more, **cpu_figures("", cost), **cpu_figures("bare_", raw_cost))

    def echo(self, rate):
        """The same held against a pair whose publisher is subscribed, too: Asterisks hear themselves."""
        raw, cost = self.bare(self.options.changes, "bare publishes with an echo", window=BARE_WINDOW, node="echo",
                              hears_itself="true")
        echo_rate = raw.per_second(self.options.changes)
        return {"echo_per_second": echo_rate, "echo_ratio": rate / echo_rate, **cpu_figures("echo_", cost)}

    def lamplights(self):
        """A Lamplight joins and gets every vote; then changes as fast as they go, then 50 a second."""
        board = self.board()
        seer = self.lamplight(2, "seer", "giver", modules=WITHOUT_BUS)
        self.write_orders(seer, board, "see")
        seer.start()
        seer.do(f"module load {MODULE}")
        board.wait_seen(self.options.devices, "votes to a Lamplight that joins")
        self.until_followed(self.giver)
        self.until_sent(self.giver)
        if "changes" in self.options.only:
            self.sustained("changes", board, "changes between Lamplights", seer=seer.process.pid)
        if "latency" in self.options.only:
            self.latency(seer)
        seer.do("core stop now")
        seer.ended()

    def latency(self, seer):
        count = self.options.latency_changes
        raw, _ = self.bare(count, "bare publishes, 50 a second", samples=True, per_second=PER_SECOND)
        bare = raw.latencies_us()
        board = self.board(samples=True)
        self.order(seer, board, "see")
        self.order(self.giver, board, "give", changes=count, window=WINDOW, per_second=PER_SECOND)
        board.wait_seen(count, "changes, 50 a second")
        latencies = board.latencies_us()
        self.order(self.giver, board, "idle")
        self.results.add(self.name("latency"), changes=len(latencies), p50_us=percentile(latencies, 0.5),
                         p99_us=percentile(latencies, 0.99), bare_p50_us=percentile(bare, 0.5),
                         bare_p99_us=percentile(bare, 0.99), ratio=percentile(latencies, 0.5) / percentile(bare, 0.5))

    def asterisk(self):
        board = self.board()
        listener = self.listener(board)
        board.wait_seen(self.options.devices, "votes to a listener")
        self.until_sent(self.giver)
        self.sustained("asterisk", board, "changes to a listener", listener=listener.pid)
        self.finish(listener)


class Joiner(XmppBench):
    """A Lamplight that was there before logs in where three others have votes."""

    PBXS = 4
    GIVERS = ("giver1", "giver2", "giver3")
    BARE_GIVERS = ("bare_giver1", "bare_giver2", "bare_giver3")
    ACCOUNTS = (*GIVERS, "joiner", *BARE_GIVERS, "bare_joiner")

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.givers = []

    def start(self):
        super().start()
        for number, account in enumerate(self.GIVERS, 1):
            others = [other for other in (*self.GIVERS, "joiner") if other != account]
            self.givers.append(self.lamplight(number, account, *others))
            self.givers[-1].start()
        for giver in self.givers:
            giver.until_meets(*(other for other in self.givers if other is not giver))
            self.until_followed(giver)
        self.fill(*self.givers)
        self.join()  # rosters and subscriptions are made

    def received(self):
        """Bytes that came to the joiner's host."""
        shown = self.ring[self.PBXS].do("ip", "-j", "-s", "link", "show", "eth0")
        return json.loads(shown)[0]["stats64"]["rx"]["bytes"]

    def join(self):
        """Seconds from its start, before it logs in, to the last vote; how many bytes came; CPU time of each vote."""
        board = self.board()
        joiner = self.lamplight(self.PBXS, "joiner", *self.GIVERS)
        self.write_orders(joiner, board, "votes")
        votes = self.options.devices * len(self.GIVERS)
        before = self.received()
        used = Processor(giver=self.givers[0].process.pid, **self.server_process())
        joiner.launch()
        until_counted(lambda: board.events, votes, "votes to a joiner")
        cost = {"joiner": Processor.now(joiner.process.pid) / 1000 / votes, **used.per(votes)}
        size = self.received() - before
        if board.events != votes:
            raise Failure(f"{votes} votes were to come, {board.events} were applied")
        wait_until(lambda: sum(self.of_joiner(joiner)) == votes, "every node's votes count")
        joiner.do("core stop now")
        joiner.ended()
        for giver in self.givers:
            wait_until(lambda giver=giver: giver.standing_of(joiner.name) == "gone", "the joiner has left")
        return (board.last_event_ns - board.seer_joined_ns) / 1e9, size, cost

    def of_joiner(self, joiner):
        """How many votes it holds of each of them, of some devices all."""
        checked = {0, self.options.devices // 2, self.options.devices - 1}
        for number in checked:
            if len(joiner.votes(f"SIP/{number:06}")) != len(self.GIVERS):
                return [0]
        return [self.options.devices] * len(self.GIVERS)

    def bare(self, size):
        """Seconds from a login to the last of so many bytes in IQs of three senders; how many came; CPU time as of votes."""
        each = -(-size // (len(self.GIVERS) * IQ_BYTES))
        count = each * len(self.GIVERS)
        text = size // count - 200  # around it: addresses, names, and what TCP has of its own
        senders = []
        for number, account in enumerate(self.BARE_GIVERS, 1):
            ready = self.board()
            senders.append(self.client(number, "send", account, ready, peers=self.jid("bare_joiner"), messages=each,
                                       bytes=text, window=IQ_WINDOW))
            ready.wait_set("giver_ready_ns", "a bare sender", senders[-1])
        board = self.board()
        before = self.received()
        votes = self.options.devices * len(self.GIVERS)
        used = Processor(**self.server_process())
        joiner = self.client(self.PBXS, "take", "bare_joiner", board, peers=",".join(map(self.jid, self.BARE_GIVERS)))
        until_counted(lambda: board.events, count, "bare IQs to a joiner")
        cost = {"joiner": Processor.now(joiner.pid) / 1000 / votes, **used.per(votes)}
        for sender in senders:
            self.until_done(sender, "bare IQs to a joiner")
        came = self.received() - before
        self.finish(joiner)
        return (board.last_event_ns - board.seer_joined_ns) / 1e9, came, cost

    def round(self):
        seconds, size, cost = self.join()
        bare, came, bare_cost = self.bare(size)
        self.results.add(self.name("joiner"), votes=self.options.devices * len(self.GIVERS), seconds=seconds,
                         bare_seconds=bare, ratio=seconds / bare, bytes=size, bare_bytes=came, **cpu_figures("", cost),
                         **cpu_figures("bare_", bare_cost))


def on(server, kind):
    """That kind of Bench on that kind of server."""
    return type(f"{server.__name__}{kind.__name__}", (kind,), {"SERVER": server})


if __name__ == "__main__":
    OPTIONS = parse("xmpp", SCENARIOS, "devices", "changes", "latency-changes")
    KINDS = [*([Pair] if {"latency", "changes", "asterisk"} & set(OPTIONS.only) else []),
             *([Joiner] if "joiner" in OPTIONS.only else [])]
    sys.exit(main(OPTIONS, Results("xmpp", WANTED), MODULE,
                  *(on(server, kind) for server in (Prosody, Ejabberd) for kind in KINDS)))
