"""Servers that die, come back, come late, or have a double."""

import re
import signal

from harness import SystemTest, main, wait_until


class CustomStates(SystemTest):
    def test_survive_a_restart(self):
        pbx1 = self.node("pbx1").start()
        pbx1.set("BUSY")
        self.assertEqual(pbx1.terminate(), 0)
        pbx1.start()
        pbx1.until_hint("Busy")

    def test_that_were_answered_survive_sigkill(self):
        pbx1 = self.node("pbx1").start()
        for number in range(40):
            pbx1.set("RINGING" if number % 2 else "INUSE", f"Custom:d{number}")
        pbx1.kill()
        pbx1.start()
        states = pbx1.do("devstate list")
        for number in range(40):
            self.assertIn(f"'Custom:d{number}'  State: '{'RINGING' if number % 2 else 'INUSE'}'", states)

    def test_come_back_to_the_others_after_sigkill(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("ONHOLD")
        pbx2.until_hint("Hold")
        pbx1.kill()
        pbx1.start()
        pbx2.until_hint("Hold")

    def test_that_are_deleted_stay_deleted(self):
        pbx1 = self.node("pbx1").start()
        pbx1.set("INUSE")
        pbx1.do("devstate delete Custom:abc")
        pbx1.kill()
        pbx1.start()
        self.assertNotIn("Custom:abc", pbx1.do("devstate list"))


class Departures:
    """For a SystemTest whose pair() says which bus the two meet on."""

    def test_a_killed_servers_lamps_go_out_at_once(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.kill()
        pbx2.until_hint("Unavailable", seconds=5)
        self.assertEqual(pbx2.standing_of("pbx1"), "gone")

    def test_a_stopped_servers_lamps_go_out_at_once(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.do("core stop now")
        self.assertEqual(pbx1.ended(), 0)
        pbx2.until_hint("Unavailable", seconds=5)

    def test_a_restarting_servers_lamps_stay(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        self.assertEqual(pbx1.terminate(), 0)
        # It has said that it comes back: its vote is held, and marked.
        self.assertEqual(pbx2.hint(), "InUse")
        wait_until(lambda: pbx2.standing_of("pbx1") == "stale", "pbx2 shows that pbx1 is away")
        pbx1.start()
        pbx1.until_meets(pbx2)
        pbx2.until_hint("InUse")
        pbx1.set("RINGING")
        pbx2.until_hint("Ringing")


class ServersThatGo(Departures, SystemTest):
    def test_another_servers_vote_stays_when_one_dies(self):
        pbx1, pbx2 = self.pair()
        pbx3 = self.node("pbx3").start()
        pbx1.set("INUSE")
        pbx2.set("RINGING")
        pbx3.until_hint("InUse&Ringing")
        pbx1.kill()
        pbx3.until_hint("Ringing", seconds=5)

    def test_a_node_that_died_can_be_explained(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.kill()
        wait_until(lambda: re.search(r"pbx1 .*gone .*local failed", pbx2.do("node show")), "node show says it failed")
        self.assertIn("not counting", pbx2.do("device show like Custom:abc"))


class ServersThatCome(SystemTest):
    def test_a_late_joiner_sees_every_servers_view_of_every_device(self):
        pbx1, pbx2 = self.pair()
        for number in range(30):
            pbx1.set("INUSE", f"Custom:one{number}")
            pbx2.set("BUSY", f"Custom:two{number}")
        pbx3 = self.node("pbx3").start()

        expected = {f"Custom:one{number}": [("pbx1", "INUSE")] for number in range(30)}
        expected |= {f"Custom:two{number}": [("pbx2", "BUSY")] for number in range(30)}

        def views():
            return {shown["device"]: [(vote["node"], vote["state"]) for vote in shown["votes"] if vote["counts"]]
                    for shown in pbx3.data("device show like Custom")["devices"]}
        wait_until(lambda: {device: votes for device, votes in views().items() if votes} == expected,
                   "pbx3 has all sixty votes")

    def test_many_servers_see_one_change(self):
        nodes = [self.node(f"pbx{number}").start() for number in range(1, 6)]
        nodes[0].set("INUSE")
        for node in nodes[1:]:
            node.until_hint("InUse")

    def test_two_servers_with_one_entity_id_are_both_named(self):
        pbx1, pbx2 = self.node("pbx1"), self.node("pbx2")
        for node in (pbx1, pbx2):
            node.write("lamplight.conf", node.main_file("entityid = 02:00:00:00:00:01\n"))
        pbx1.start()
        pbx2.start()
        wait_until(lambda: re.search(r"02:00:00:00:00:01", pbx1.log() + pbx2.log()) and
                   re.search(r"duplicate|two|both|twice", pbx1.log() + pbx2.log(), re.I) and
                   "pbx2" in pbx1.log() + pbx2.log(),
                   "a line names the EID and both servers")
        for node in (pbx1, pbx2):
            self.assertIsNone(node.process.poll(), f"{node.name} goes on")

    def test_a_server_may_be_stopped_by_hand_with_ctrl_c(self):
        pbx1 = self.node("pbx1").start()
        pbx1.signal(signal.SIGINT)
        self.assertEqual(pbx1.ended(), 0)


if __name__ == "__main__":
    main()
