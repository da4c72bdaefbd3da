"""A long outage of the XMPP server: its own program, since it takes its time."""

import time

from harness import main, wait_until
from xmpp_faults_test import FaultTest


class TwoMinutes(FaultTest):
    def test_a_server_that_is_killed_for_two_minutes_loses_nothing_and_is_not_hammered(self):
        pbx1, pbx2 = self.pair()

        def outage(change):
            self.server.kill()
            died = time.monotonic()
            self.until_disconnected(pbx1, pbx2)
            change()
            wait_until(lambda: time.monotonic() - died > 120, "two minutes have passed", 130)
            self.assertEqual(pbx1.standing_of("pbx2"), "gone")
            self.assertEqual(pbx1.votes(), {"pbx1": "RINGING"})
            self.server.start()
        self.change_on_both_while(pbx1, pbx2, outage)
        for node in (pbx1, pbx2):
            with self.subTest(f"{node.name} came back by itself"):
                self.assertEqual(self.state(node)["connects"], 2)


if __name__ == "__main__":
    main()
