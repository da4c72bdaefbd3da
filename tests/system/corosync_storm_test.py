"""One bad night on a ring: daemons and Corosyncs are killed, stopped and cut off in a random order while states change.

The order follows from a seed, which LAMPLIGHT_SEED may give; a failure prints it.
"""

import os
import random
import signal

from corosync_test import CorosyncTest
from harness import main, wait_until

SEED = int(os.environ.get("LAMPLIGHT_SEED", "7"))
ROUNDS = 14
STATES = ("NOT_INUSE", "INUSE", "BUSY", "RINGING", "ONHOLD")


class Storm(CorosyncTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.said = {}  # (node, device) -> the state that the console has answered for
        self.paused = []

    def change(self, count):
        """States of some devices on every node that answers."""
        for _ in range(count):
            for node in self.nodes:
                device, state = f"Custom:d{self.random.randrange(12)}", self.random.choice(STATES)
                if node.process not in self.paused and node.ask(f"devstate change {device} {state}").status == 0:
                    self.said[node.name, device] = state
                elif node.process not in self.paused:
                    self.said.pop((node.name, device), None)  # it may have been taken, or not

    def kill_daemon(self, node):
        node.kill()
        node.launch()

    def kill_corosync(self, node):
        corosync = self.hosts_of[node.name].corosync
        corosync.kill()
        self.change(1)
        corosync.launch()

    def kill_both(self, node):
        corosync = self.hosts_of[node.name].corosync
        corosync.kill()
        node.kill()
        node.launch()
        self.change(1)
        corosync.launch()

    def stop_corosync_for_longer_than_the_token(self, node):
        stopped = self.hosts_of[node.name]
        others = [host for host in self.storm_ring.hosts if host is not stopped]
        stopped.corosync.pause()
        wait_until(lambda: all((seen := host.corosync.members()) and stopped.number not in seen for host in others),
                   f"the others have given up {node.name}")
        self.change(1)
        stopped.corosync.resume()

    def stop_daemon(self, node):
        node.signal(signal.SIGSTOP)
        self.paused.append(node.process)
        self.change(2)
        self.paused.clear()
        node.signal(signal.SIGCONT)

    def cut_off(self, node):
        host = self.hosts_of[node.name]
        self.storm_ring.cut(host)
        self.change(2)
        self.storm_ring.heal(host)

    def test_is_followed_by_everybody_knowing_the_same(self):
        self.storm_ring = self.ring(3).start()
        self.hosts_of = {host.name: host for host in self.storm_ring.hosts}
        for host in self.storm_ring.hosts:
            self.lamplight_on(host).start()
        faults = (self.kill_daemon, self.kill_corosync, self.kill_both, self.stop_daemon, self.cut_off,
                  self.stop_corosync_for_longer_than_the_token)
        story = []
        for _ in range(ROUNDS):
            fault, node = self.random.choice(faults), self.random.choice(self.nodes)
            story.append(f"{fault.__name__} {node.name}")
            fault(node)
            self.change(1)
            for daemon in self.nodes:
                wait_until(daemon.answers, f"{daemon.name} answers (seed {SEED}: {story})")
        self.storm_ring.wait_until_whole()
        for node in self.nodes:
            node.until_meets(*(other for other in self.nodes if other is not node))
        self.assertGreater(len(self.said), 20, "most changes were answered")
        for (name, device), state in self.said.items():
            for node in self.nodes:
                wait_until(lambda node=node, device=device, name=name, state=state:
                           node.votes(device).get(name) == state,
                           f"{node.name} has {name}'s {state} of {device} (seed {SEED}: {story})")
        for number in range(12):
            views = [node.votes(f"Custom:d{number}") for node in self.nodes]
            self.assertEqual(views[0], views[1])
            self.assertEqual(views[0], views[2])


if __name__ == "__main__":
    main()
