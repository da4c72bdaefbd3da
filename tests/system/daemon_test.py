"""lamplightd itself: its ways to start, to start again and to end, its folders, its plugins."""

import os
import re
import signal
import stat
import subprocess

from harness import PATIENCE, SystemTest, main, program, wait_until

RUNNING, BAD_DATA, UNAVAILABLE, CANNOT_CREATE, WRONG_CONFIGURATION = 1, 65, 69, 73, 78


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


class Background(SystemTest):
    def setUp(self):
        super().setUp()
        self.pbx1 = self.node("pbx1")
        self.pid = None
        self.addCleanup(self.end)

    def end(self):
        if self.pid and is_alive(self.pid):
            os.kill(self.pid, signal.SIGKILL)

    def start(self):
        """Starts it without -f: the program ends with the status of the start. Its output is no pipe to wait on."""
        with open(self.pbx1.log_file, "ab") as log:
            return subprocess.run([program("lamplightd"), "-C", "lamplight.conf"], cwd=self.pbx1.place,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=PATIENCE).returncode

    def process(self):
        return int(re.search(r"Process: *(\d+)", self.pbx1.do("core show settings")).group(1))

    def test_is_there_when_the_program_ends_with_success(self):
        self.assertEqual(self.start(), 0)
        self.pid = self.process()
        self.assertEqual(os.readlink(f"/proc/{self.pid}/cwd"), "/", "it holds no folder busy")
        self.pbx1.set("INUSE")
        self.assertEqual(self.pbx1.hint(), "InUse")
        self.pbx1.do("core stop now")
        wait_until(lambda: not is_alive(self.pid), "the daemon ends")
        self.assertFalse((self.run_dir / "pbx1.ctl").exists())

    def test_tells_the_terminal_what_is_wrong_and_fails(self):
        self.pbx1.write("extensions.conf", "#exec /bin/echo\n")
        self.assertEqual(self.start(), WRONG_CONFIGURATION)
        self.assertIn("extensions.conf:1: ", self.pbx1.log())

    def test_fails_when_one_of_this_name_runs(self):
        self.assertEqual(self.start(), 0)
        self.pid = self.process()
        self.assertEqual(self.start(), RUNNING)
        self.assertIn(f"process {self.pid}", self.pbx1.log())

    def test_starts_again_as_the_same_process(self):
        self.assertEqual(self.start(), 0)
        self.pid = self.process()
        before = self.pbx1.do("core show settings")
        self.pbx1.set("BUSY")
        self.pbx1.do("core restart now")

        def again():
            settings = self.pbx1.ask("core show settings")
            return settings.status == 0 and incarnation(settings.text) > incarnation(before)
        wait_until(again, "a later incarnation answers")
        self.assertEqual(self.process(), self.pid)
        self.assertEqual(self.pbx1.hint(), "Busy")


def incarnation(settings):
    return int(re.search(r"Incarnation: *(\d+)", settings).group(1))


class Restart(SystemTest):
    def test_keeps_the_lamps_on_the_others(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        before = incarnation(pbx1.do("core show settings"))
        pbx1.do("core restart gracefully")

        def again():
            self.assertEqual(pbx2.hint(), "InUse")
            settings = pbx1.ask("core show settings")
            return settings.status == 0 and incarnation(settings.text) > before
        wait_until(again, "pbx1 is back")
        pbx1.until_meets(pbx2)
        self.assertEqual(pbx2.hint(), "InUse")
        pbx1.set("RINGING")
        pbx2.until_hint("Ringing")
        self.assertIsNone(pbx1.process.poll(), "the same process goes on")

    def test_is_refused_with_files_that_could_not_start(self):
        pbx1 = self.node("pbx1").start()
        pbx1.write("extensions.conf", "#exec /bin/echo\n")
        answer = pbx1.ask("core restart now")
        self.assertNotEqual(answer.status, 0)
        self.assertIn("extensions.conf:1: ", answer.text + answer.errors)
        self.assertTrue(pbx1.answers())


class Folders(SystemTest):
    def test_run_dir_is_made_for_the_daemon_and_its_group_only(self):
        run = self.place / "new"
        pbx1 = self.node("pbx1", run).start()
        self.assertEqual(stat.S_IMODE(run.stat().st_mode), 0o750)
        self.assertEqual(pbx1.terminate(), 0)

    def test_a_tree_is_not_made(self):
        pbx1 = self.node("pbx1", self.place / "no" / "run").launch()
        self.assertEqual(pbx1.ended(), CANNOT_CREATE)
        self.assertIn("run_dir", pbx1.log())
        self.assertFalse((self.place / "no").exists())

    def test_a_damaged_store_is_left_as_it_is(self):
        pbx1 = self.node("pbx1")
        store = pbx1.state / "pbx1.db"
        store.write_bytes(b"no database at all" * 500)
        pbx1.launch()
        self.assertEqual(pbx1.ended(), BAD_DATA)
        self.assertIn(str(store), pbx1.log())
        self.assertEqual(store.read_bytes(), b"no database at all" * 500)
        self.assertFalse((self.run_dir / "pbx1.ctl").exists(), "nothing stale is left")

    def test_log_files_are_opened_again_after_rotation(self):
        pbx1 = self.node("pbx1")
        pbx1.write("logger.conf", "[logfiles]\nfull => notice\n")
        pbx1.start()
        full = pbx1.place / "full"
        wait_until(full.exists, "the log is there")
        full.rename(pbx1.place / "full.1")
        pbx1.signal(signal.SIGUSR1)
        wait_until(full.exists, "it is there again")


class Plugins(SystemTest):
    def test_a_required_one_that_is_missing_keeps_the_daemon_from_starting(self):
        pbx1 = self.node("pbx1")
        pbx1.write("modules.conf", "[modules]\nrequire = res_nothing.so\n")
        pbx1.launch()
        self.assertEqual(pbx1.ended(), UNAVAILABLE)
        self.assertIn("res_nothing.so", pbx1.log())
        self.assertFalse((self.run_dir / "pbx1.ctl").exists(), "nothing stale is left")

    def test_one_is_unloaded_and_loaded_again(self):
        pbx1, pbx2 = self.pair()
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")
        pbx1.do("module unload bus_local.so")
        pbx2.until_hint("Unavailable", seconds=5)
        pbx1.do("module load bus_local.so")
        pbx2.until_hint("InUse")

    def test_one_that_is_excluded_stays_out(self):
        pbx1 = self.node("pbx1")
        pbx1.write("modules.conf", "[modules]\nnoload = bus_local.so\n")
        pbx1.start()
        self.assertFalse((self.run_dir / "pbx1.bus").exists())

    def test_one_that_does_not_exist_is_said_so(self):
        pbx1 = self.node("pbx1").start()
        answer = pbx1.ask("module load res_nothing.so")
        self.assertNotEqual(answer.status, 0)
        self.assertIn("res_nothing.so", answer.text + answer.errors)


class Arguments(SystemTest):
    def ask(self, *arguments):
        return subprocess.run([program("lamplightd"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE)

    def test_version_and_help_are_answered(self):
        self.assertRegex(self.ask("-V").stdout, r"^Lamplight \d+\.\d+\.\d+\n$")
        self.assertEqual(self.ask("--help").returncode, 0)

    def test_a_check_starts_and_makes_nothing(self):
        pbx1 = self.node("pbx1", self.place / "never")
        self.assertEqual(self.ask("-C", str(pbx1.conf), "-t").returncode, 0)
        self.assertFalse((self.place / "never").exists())
        self.assertEqual(list(pbx1.state.iterdir()), [])

    def test_debug_and_verbose_count(self):
        pbx1 = self.node("pbx1")
        with open(pbx1.log_file, "ab") as log:
            pbx1.process = subprocess.Popen(pbx1.command_line("-f", "-vvv", "-d"), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        wait_until(pbx1.answers, "pbx1 answers")
        self.assertIn("was 1 and is now", pbx1.do("core set debug 2"))
        self.assertIn("was 3 and is now", pbx1.do("core set verbose 1"))


if __name__ == "__main__":
    main()
