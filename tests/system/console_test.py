"""The console as a person uses it, on a terminal, and as a script does."""

import json
import os
import re
import subprocess

from harness import SystemTest, main, wait_until

SHOW_COMMANDS = ["core show hints", "core show hint foo", "core show settings", "core show version", "core show uptime",
                 "devstate list", "device show", "device show like Custom", "node show", "bus show", "module show",
                 "module show like local", "logger show channels"]
TAB = "\t"


class Script(SystemTest):
    def test_every_show_command_answers_as_data(self):
        pbx1, pbx2 = self.pair()
        pbx2.set("INUSE")
        pbx1.set("BUSY")
        for command in SHOW_COMMANDS:
            with self.subTest(command):
                self.assertIsInstance(pbx1.data(command), (dict, list))

    def test_no_show_command_is_forgotten(self):
        pbx1 = self.node("pbx1").start()
        commands = [command["command"] for command in pbx1.data("help")]
        for command in commands:
            if re.search(r"\bshow\b|\blist\b", command):
                with self.subTest(command):
                    answer = pbx1.ask(command, "--json")
                    self.assertTrue(answer.status != 0 or isinstance(json.loads(answer.text), (dict, list)), answer)

    def test_a_wrong_command_gets_asterisks_answer_and_the_nearest_match(self):
        pbx1 = self.node("pbx1").start()
        answer = pbx1.ask("core show hinst")
        self.assertEqual(answer.status, 1)
        self.assertIn("No such command 'core show hinst' (type 'core show help core show hinst' for other possible "
                      "commands)", answer.text + answer.errors)
        self.assertIn("core show hints", (answer.text + answer.errors).replace("core show hinst", ""))

    def test_help_names_every_command_and_explains_one(self):
        pbx1 = self.node("pbx1").start()
        commands = pbx1.do("help")
        for command in ("core show hints", "dialplan set global", "devstate change", "node show", "core stop now"):
            self.assertIn(command, commands)
        self.assertIn("Usage: core show hints", pbx1.do("help core show hints"))

    def test_words_may_be_in_either_order_and_shortened(self):
        pbx1 = self.node("pbx1").start()
        self.assertEqual(pbx1.do("core show hints"), pbx1.do("show hints"))
        self.assertEqual(pbx1.do("core show hints"), pbx1.do("core sh hints"))

    def test_the_only_daemon_of_a_folder_needs_no_name(self):
        pbx1 = self.node("pbx1").start()
        self.assertIn("pbx1", pbx1.do("core show settings"))

    def test_who_changed_something_is_in_the_log(self):
        pbx1 = self.node("pbx1").start()
        pbx1.set("INUSE")
        user = os.environ.get("USER") or subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
        wait_until(lambda: re.search(rf"{user}.*Custom:abc|Custom:abc.*{user}", pbx1.log()), "the log names the asker")


class Person(SystemTest):
    def setUp(self):
        super().setUp()
        home = self.place / "home"
        home.mkdir()
        os.environ["LAMPLIGHT_TEST_HOME"] = str(home)
        self.pbx1 = self.node("pbx1").start()

    def prompt(self):
        console = self.terminal(self.pbx1)
        console.expect_prompt("pbx1")
        return console

    def test_types_a_command_and_reads_its_answer(self):
        console = self.prompt()
        console.send("core show hints\r")
        console.expect(r"-= Registered Asterisk Dial Plan Hints =-")
        console.expect(r"foo@devstate_test")
        console.expect_prompt("pbx1")

    def test_completes_commands_devices_and_hints(self):
        self.pbx1.set("INUSE")
        console = self.prompt()
        console.send(f"devstate ch{TAB}Custom:a{TAB} RINGING\r")
        console.expect(r"Changing abc to RINGING")
        console.expect_prompt("pbx1")
        console.send(f"core show hint f{TAB}\r")
        console.expect(r"1 hint matching extension foo")

    def test_sees_the_choices_when_there_are_several(self):
        console = self.prompt()
        console.send("core show h" + TAB)
        console.expect(r"help +hint +hints")

    def test_gets_help_by_a_question_mark(self):
        console = self.prompt()
        console.send("core show ?")
        console.expect(r"hints")

    def test_finds_the_last_command_in_the_history(self):
        console = self.prompt()
        console.send("core show uptime\r")
        console.expect(r"System uptime")
        console.expect_prompt("pbx1")
        console.send("\x1b[A\r")
        console.expect(r"System uptime")

    def test_finds_the_history_of_an_earlier_session(self):
        console = self.prompt()
        console.send("core show uptime\r")
        console.expect(r"System uptime")
        console.expect_prompt("pbx1")
        console.send("quit\r")
        self.assertEqual(console.ended(), 0)
        console = self.prompt()
        console.send("\x1b[A\x1b[A\r")
        console.expect(r"System uptime")

    def test_sees_what_is_logged_while_typing(self):
        console = self.prompt()
        self.pbx1.do("core set debug 1")
        console.send("core show")
        self.pbx1.set("RINGING")
        console.expect(r"DEBUG\[\d+\]: \w+\.[ch]pp:\d+ \w+: Aggregate state for device 'Custom:abc' has changed to "
                       r"'Ringing'")
        console.send(" hints\r")
        console.expect(r"State:Ringing")

    def test_is_told_when_the_daemon_ends(self):
        console = self.prompt()
        self.pbx1.kill()
        console.expect(r"(?i)disconnected|connection|lost|ended|gone")
        self.assertNotEqual(console.ended(), 0)

    def test_leaves_by_ctrl_d_and_the_daemon_stays(self):
        console = self.prompt()
        console.send("\x04")
        self.assertEqual(console.ended(), 0)
        self.assertEqual(self.pbx1.ask("core show version").status, 0)


if __name__ == "__main__":
    main()
