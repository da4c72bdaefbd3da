"""Who does not answer over XMPP delays nobody else: real daemons that are stopped, a real Prosody that hangs."""

import signal
import time

from harness import main, wait_until
from xmpp_faults_test import FaultTest, TwoServersTest
from xmpp_test import ACCOUNTS, JABBER_CONF

STATES = ("RINGING", "BUSY", "ONHOLD", "INUSE")


class SilenceTest(FaultTest):
    def change_for(self, seconds, pbx1, pbx2, within):
        """Changes of pbx1, one after the other, each of which is to reach pbx2 within that time."""
        began, number = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            state = STATES[number % len(STATES)]
            pbx1.set(state)
            self.until_equal(pbx2, votes={"pbx1": state}, seconds=within)
            number += 1


class Joiner(SilenceTest):
    AT_ONCE = 1.0  # seconds

    def jabber_conf(self, number):
        others = [other for other in (1, 2, 3) if other != number]
        return JABBER_CONF.format(number=number, other=others[0]) + f"buddy = server{others[1]}@jabber.shifteight.org\n"

    def test_one_that_is_stopped_while_it_is_told_ten_thousand_states_delays_no_change(self):
        self.net_of(3)
        pbx1 = self.with_states(10_000)
        pbx2, pbx3 = self.lamplight_on(2).start(), self.lamplight_on(3)
        self.until_together(pbx1, pbx2)
        wait_until(lambda: self.known(pbx2) > 10_000, "pbx2 has all", 60)
        pbx3.start()
        wait_until(lambda: pbx1.standing_of("pbx3") == "present", "pbx3 is being told")
        pbx3.signal(signal.SIGSTOP)
        self.change_for(25, pbx1, pbx2, self.AT_ONCE)
        self.assertEqual(pbx2.standing_of("pbx1"), "present")
        pbx3.signal(signal.SIGCONT)
        wait_until(lambda: self.known(pbx3) > 10_000, "pbx3 has all, too", 60)
        self.until_equal(pbx3, votes=pbx1.votes(), seconds=20)


class HungServer(SilenceTest, TwoServersTest):
    """Without nodes of their own, as Prosody is when nobody has set it up for PubSub: each change is one IQ."""

    def server_on(self, host, **options):
        return self.prosody(host, accounts=ACCOUNTS, creators="nobody", **options)

    def test_a_server_that_hangs_delays_a_change_by_two_seconds_at_most(self):
        self.net = self.network(pbxs=2, servers=("jabber.shifteight.org", "other.test"))
        servers = [self.server_on(host).start() for host in self.net.servers]
        nodes = pbx1, pbx2 = [self.lamplight_on(number).start() for number in (1, 2)]
        pbx1.until_meets(pbx2)
        pbx2.until_meets(pbx1)
        self.until_both(*nodes)
        wait_until(lambda: "each by itself" in self.bus(pbx1)["detail"], "there are no nodes")
        wait_until(lambda: self.both_roads(*nodes), "both roads are there")
        for server in servers:
            with self.subTest(f"{server} hangs"):
                server.process.send_signal(signal.SIGSTOP)
                self.change_for(14, pbx1, pbx2, 2.0)
                self.assertEqual(pbx2.standing_of("pbx1"), "present")
                server.process.send_signal(signal.SIGCONT)
                self.until_both(*nodes)
                wait_until(lambda: self.both_roads(*nodes), "both roads are there again", 40)

    def test_a_server_that_hangs_while_it_is_asked_about_the_other_is_not_missed_for_long(self):
        """The accounts of the second server are of a process only when it says so on the first."""
        self.net = self.network(pbxs=2, servers=("jabber.shifteight.org", "other.test"))
        first, second = [self.server_on(host).start() for host in self.net.servers]
        second.process.send_signal(signal.SIGSTOP)
        nodes = pbx1, pbx2 = [self.lamplight_on(number).start() for number in (1, 2)]
        pbx1.until_meets(pbx2)
        pbx2.until_meets(pbx1)
        first.process.send_signal(signal.SIGSTOP)
        second.process.send_signal(signal.SIGCONT)
        self.until_connected(*nodes, name="second")
        pbx1.set("RINGING")
        with self.subTest("when the first is known to be silent, the second is enough"):
            self.until_equal(pbx2, votes={"pbx1": "RINGING"}, seconds=20)
        with self.subTest("when it is back, either is"):
            first.process.send_signal(signal.SIGCONT)
            wait_until(lambda: self.both_roads(*nodes), "both roads are there", 60)
            second.process.send_signal(signal.SIGSTOP)
            self.change_for(14, pbx1, pbx2, 2.0)
        for node in nodes:
            self.assertNotIn("has a process number that is another's", node.log())

    def both_roads(self, *nodes):
        """Each talks with the other on both servers."""
        return all(self.talks_with(client["buddies"])
                   for node in nodes for client in node.data("xmpp show buddies")["clients"])

    def talks_with(self, buddies):
        return any(resource["talks"] for buddy in buddies for resource in buddy["resources"])


if __name__ == "__main__":
    main()
