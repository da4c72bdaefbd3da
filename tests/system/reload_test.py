"""Files that change under a running daemon: what is right takes effect, what is wrong changes nothing."""

import re
import signal

from harness import HINTS, SystemTest, main, wait_until

BAR = "[devstate_test]\nexten => foo,hint,Custom:abc\nexten => bar,hint,Custom:bar\n"
BROKEN_HINTS = "[devstate_test]\nexten => bar,hint,Custom:bar\n[unfinished\n"
RELOADS = {"core reload": "all", "dialplan reload": "extensions.conf"}


class Reload(SystemTest):
    def setUp(self):
        super().setUp()
        self.pbx1 = self.node("pbx1").start()
        self.pbx1.set("INUSE")

    def assertGoesOn(self):
        self.assertEqual(self.pbx1.hint("foo"), "InUse")
        self.assertIsNone(self.pbx1.hint("bar"))

    def test_takes_new_hints_and_keeps_states(self):
        for command in RELOADS:
            with self.subTest(command):
                self.pbx1.write("extensions.conf", BAR)
                self.pbx1.do(command)
                self.assertIsNotNone(self.pbx1.hint("bar"))
                self.assertEqual(self.pbx1.hint("foo"), "InUse")
                self.pbx1.write("extensions.conf", HINTS)
                self.pbx1.do(command)
                self.assertGoesOn()

    def test_by_sighup_takes_new_hints(self):
        self.pbx1.write("extensions.conf", BAR)
        self.pbx1.signal(signal.SIGHUP)
        wait_until(lambda: self.pbx1.hint("bar"), "the new hint is there")

    def test_of_wrong_hints_keeps_what_runs_and_says_where(self):
        self.pbx1.write("extensions.conf", BROKEN_HINTS)
        for command in RELOADS:
            with self.subTest(command):
                answer = self.pbx1.ask(command)
                self.assertNotEqual(answer.status, 0)
                self.assertRegex(answer.text + answer.errors, r"extensions\.conf:3: ")
                self.assertGoesOn()

    def test_by_sighup_of_wrong_hints_keeps_what_runs_and_says_where(self):
        self.pbx1.write("extensions.conf", BROKEN_HINTS)
        self.pbx1.signal(signal.SIGHUP)
        wait_until(lambda: re.search(r"extensions\.conf:3: ", self.pbx1.log()), "the log names file and line")
        self.assertGoesOn()

    def test_of_a_wrong_main_file_keeps_what_runs(self):
        self.pbx1.write("lamplight.conf", self.pbx1.main_file("entityid = nonsense\n"))
        answer = self.pbx1.ask("core reload")
        self.assertNotEqual(answer.status, 0)
        self.assertRegex(answer.text + answer.errors, r"lamplight\.conf:6: ")
        self.assertGoesOn()

    def test_of_the_logger_takes_new_channels(self):
        self.pbx1.write("logger.conf", "[logfiles]\nfull => notice,warning,error,debug\n")
        self.pbx1.do("logger reload")
        self.assertIn("full", self.pbx1.do("logger show channels"))
        self.pbx1.do("core set debug 1")
        self.pbx1.set("RINGING")
        full = self.pbx1.place / "full"
        wait_until(lambda: full.exists() and
                   re.search(r"DEBUG\[\d+\] \w+\.[ch]pp: Processing device state change for 'Custom:abc'",
                             full.read_text()), "the file has the debug line in its file form")

    def test_of_a_wrong_logger_file_keeps_the_channels(self):
        self.pbx1.write("logger.conf", "[logfiles]\nfull => notice,error\n")
        self.pbx1.do("logger reload")
        before = self.pbx1.do("logger show channels")
        self.pbx1.write("logger.conf", "[logfiles\nother => notice\n")
        answer = self.pbx1.ask("logger reload")
        self.assertNotEqual(answer.status, 0)
        self.assertRegex(answer.text + answer.errors, r"logger\.conf:1: ")
        self.assertEqual(self.pbx1.do("logger show channels"), before)

    def test_of_modules_keeps_the_bus(self):
        pbx2 = self.node("pbx2").start()
        self.pbx1.until_meets(pbx2)
        self.pbx1.do("module reload")
        self.pbx1.set("BUSY")
        pbx2.until_hint("Busy")

    def test_of_wrong_module_rules_keeps_the_bus(self):
        pbx2 = self.node("pbx2").start()
        self.pbx1.until_meets(pbx2)
        self.pbx1.write("modules.conf", "[modules]\nautoload = yes\n[broken\n")
        answer = self.pbx1.ask("core reload")
        self.assertNotEqual(answer.status, 0)
        self.assertRegex(answer.text + answer.errors, r"modules\.conf:3: ")
        self.pbx1.set("BUSY")
        pbx2.until_hint("Busy")


if __name__ == "__main__":
    main()
