"""The book's "Testing device state changes", word by word, on two real daemons."""

from harness import SystemTest, main, wait_until

SET_INUSE = "dialplan set global DEVICE_STATE(Custom:abc) INUSE"
SET_NOT_INUSE = "dialplan set global DEVICE_STATE(Custom:abc) NOT_INUSE"
CONSOLE_LINE = r"\[\w{3} [ \d]\d \d\d:\d\d:\d\d\] DEBUG\[\d+\]: \w+\.[ch]pp:\d+ \w+: "


class Walkthrough:
    """For a SystemTest whose pair() says which bus the two meet on."""

    def test_a_state_set_on_one_server_shows_in_the_hints_of_the_other(self):
        pbx1, pbx2 = self.pair()
        self.assertIn("-- Global variable 'DEVICE_STATE(Custom:abc)' set to 'INUSE'", pbx1.do(SET_INUSE))
        pbx2.until_hint("InUse")
        hints = pbx2.do("core show hints")
        self.assertRegex(hints, r"-= Registered Asterisk Dial Plan Hints =-")
        self.assertRegex(hints, r"foo@devstate_test *: Custom:abc +State:InUse +.*Watchers +0")
        self.assertEqual(pbx1.hint(), "InUse")

    def test_debug_shows_how_each_servers_state_becomes_the_aggregate(self):
        pbx1, pbx2 = self.pair()
        pbx1.do(SET_NOT_INUSE)
        pbx2.do(SET_NOT_INUSE)
        wait_until(lambda: pbx1.votes() == {"pbx1": "NOT_INUSE", "pbx2": "NOT_INUSE"}, "pbx1 has both votes")
        console = self.terminal(pbx1)
        console.expect_prompt("pbx1")
        console.send("core set debug 1\r")
        console.expect(r"Core debug was \S+ and is now 1")
        console.send(SET_INUSE + "\r")
        console.expect(CONSOLE_LINE + "Processing device state change for 'Custom:abc'")
        votes = {console.expect(CONSOLE_LINE + "Adding per-server state of '([^']*)' for 'Custom:abc'").group(1)
                 for _ in range(2)}
        self.assertEqual(votes, {"Not in use", "In use"})
        console.expect(CONSOLE_LINE + "Aggregate devstate result is 'In use' for 'Custom:abc'")
        console.expect(CONSOLE_LINE + "Aggregate state for device 'Custom:abc' has changed to 'In use'")

    def test_debug_says_when_the_aggregate_stays(self):
        pbx1, pbx2 = self.pair()
        pbx1.do(SET_INUSE)
        pbx2.until_hint("InUse")
        pbx2.do("core set debug 1")
        console = self.terminal(pbx2)
        console.expect_prompt("pbx2")
        console.send(SET_NOT_INUSE + "\r")
        console.expect(CONSOLE_LINE + "Aggregate state for device 'Custom:abc' has not changed from 'In use'")

    def test_a_set_that_does_not_decide_says_who_does(self):
        pbx1, pbx2 = self.pair()
        pbx1.do(SET_INUSE)
        pbx2.until_hint("InUse")
        self.assertRegex(pbx2.do(SET_NOT_INUSE), r"aggregate stays INUSE: pbx1 says so since \d\d:\d\d:\d\d")

    def test_both_servers_have_to_agree_that_nobody_speaks(self):
        pbx1, pbx2 = self.pair()
        pbx1.do(SET_INUSE)
        pbx2.do(SET_INUSE)
        pbx1.do(SET_NOT_INUSE)
        pbx2.until_hint("InUse")
        pbx2.do(SET_NOT_INUSE)
        pbx1.until_hint("Idle")
        pbx2.until_hint("Idle")


class TestingDeviceStateChanges(Walkthrough, SystemTest):
    def test_nonsense_is_refused_and_never_claimed_as_done(self):
        pbx1 = self.node("pbx1").start()
        for command in ("dialplan set global DEVICE_STATE(Custom:abc) NONSENSE",
                        "dialplan set global DEVICE_STATE(SIP/alice) INUSE",
                        "dialplan set global DEVICE_STATE(Custom:) INUSE",
                        "devstate change SIP/alice INUSE"):
            with self.subTest(command):
                answer = pbx1.ask(command)
                self.assertNotEqual(answer.status, 0)
                self.assertNotIn("-- Global variable", answer.text)
                self.assertTrue((answer.text + answer.errors).strip(), "it says why")
        self.assertNotIn("Name:", pbx1.do("devstate list"))


if __name__ == "__main__":
    main()
