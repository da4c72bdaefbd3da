"""Wrong files, full disks, sockets that are taken: each says what it is, and nothing is lost that was there."""

import os
import resource
import signal
import socket
import subprocess

from harness import PATIENCE, SystemTest, die_with_parent, main, program, wait_until

NOBODY = 65534
WRONG_CONFIGURATION = 78


class WrongConfiguration(SystemTest):
    def setUp(self):
        super().setUp()
        self.pbx1 = self.node("pbx1")

    def refused(self):
        """Starts it, and answers with what it printed before it ended with status 78."""
        self.pbx1.launch()
        self.assertEqual(self.pbx1.ended(), WRONG_CONFIGURATION, self.pbx1.log())
        return self.pbx1.log()

    def test_names_every_problem_with_file_and_line_and_starts_nothing(self):
        self.pbx1.write("lamplight.conf", self.pbx1.main_file("entityid = nonsense\nno_such_option = 1\n"))
        self.pbx1.write("extensions.conf", "[devstate_test]\nexten => foo,hint,Custom:abc\n[unfinished\n")
        self.pbx1.write("logger.conf", "[logfiles\n")
        said = self.refused()
        for place in ("lamplight.conf:6: ", "lamplight.conf:7: ", "extensions.conf:3: ", "logger.conf:1: "):
            self.assertIn(place, said)
        self.assertEqual(list(self.run_dir.iterdir()), [])
        self.assertEqual(list(self.pbx1.state.iterdir()), [])

    def test_is_named_alike_by_the_check(self):
        self.pbx1.write("lamplight.conf", self.pbx1.main_file("entityid = nonsense\n"))
        checked = self.pbx1.check()
        self.assertEqual(checked.status, WRONG_CONFIGURATION)
        self.assertIn("lamplight.conf:6: ", checked.text + checked.errors)

    def test_is_not_found_where_there_is_none(self):
        checked = self.pbx1.check()
        self.assertEqual(checked.status, 0, checked)

    def test_exec_is_refused_with_its_reason(self):
        self.pbx1.write("extensions.conf", "#exec /bin/echo\n")
        self.assertIn("extensions.conf:1: ", self.refused())

    def test_a_main_file_that_is_not_there_is_named(self):
        self.pbx1.conf.unlink()
        self.assertIn(str(self.pbx1.conf), self.refused())

    def test_a_folder_in_the_place_of_a_file_is_named(self):
        (self.pbx1.place / "extensions.conf").unlink()
        (self.pbx1.place / "extensions.conf").mkdir()
        self.assertIn("extensions.conf", self.refused())

    def test_a_file_that_may_not_be_read_is_named(self):
        if os.geteuid() == 0:
            for path in (self.place, self.run_dir, self.pbx1.place, self.pbx1.state):
                os.chown(path, NOBODY, NOBODY)
            self.pbx1.options = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        (self.pbx1.place / "extensions.conf").chmod(0)
        said = self.refused()
        self.assertRegex(said, r"extensions\.conf.*ermission denied")

    def test_an_unknown_argument_is_a_usage_error(self):
        done = subprocess.run([program("lamplightd"), "--nonsense"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertNotIn(done.returncode, (0, WRONG_CONFIGURATION))
        self.assertIn("--nonsense", done.stdout + done.stderr)


class Sockets(SystemTest):
    def test_one_in_use_by_a_living_daemon_is_left_to_it(self):
        pbx1 = self.node("pbx1").start()
        double = self.node("double")
        double.write("lamplight.conf", pbx1.main_file().replace(str(pbx1.state), str(double.state)))
        double.launch()
        self.assertEqual(double.ended(), 1)
        self.assertRegex(double.log(), r"pbx1\.ctl is in use by a living daemon")
        pbx1.set("INUSE")
        self.assertEqual(pbx1.hint(), "InUse")

    def test_one_left_by_a_dead_daemon_is_taken_over(self):
        pbx1 = self.node("pbx1").start()
        pbx1.kill()
        self.assertTrue((self.run_dir / "pbx1.ctl").exists())
        pbx1.start()
        self.assertEqual(pbx1.terminate(), 0)
        self.assertFalse((self.run_dir / "pbx1.ctl").exists(), "it tidies up after itself")

    def test_a_file_of_somebody_else_in_the_sockets_place_is_kept(self):
        (self.run_dir / "pbx1.ctl").write_text("mine")
        pbx1 = self.node("pbx1").launch()
        self.assertNotEqual(pbx1.ended(), 0)
        self.assertEqual((self.run_dir / "pbx1.ctl").read_text(), "mine")

    def test_a_console_without_a_daemon_says_so(self):
        answer = self.node("pbx1").ask("core show version")
        self.assertEqual(answer.status, 1)
        self.assertIn("pbx1.ctl", answer.text + answer.errors)

    def test_rubbish_on_the_sockets_disturbs_nobody(self):
        pbx1, pbx2 = self.pair()
        for name, kind in (("pbx1.ctl", socket.SOCK_STREAM), ("pbx1.ctl", socket.SOCK_SEQPACKET),
                           ("pbx1.bus", socket.SOCK_SEQPACKET)):
            with socket.socket(socket.AF_UNIX, kind) as rubbish:
                try:
                    rubbish.connect(str(self.run_dir / name))
                    rubbish.send(os.urandom(4096))
                except OSError:
                    continue  # refused, which is as good
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")


class Pipes(SystemTest):
    def test_a_reader_that_goes_away_ends_the_console_and_not_the_daemon(self):
        pbx1 = self.node("pbx1").start()
        for number in range(50):
            pbx1.set("INUSE", f"Custom:d{number}")
        read, write = os.pipe()
        os.close(read)
        console = subprocess.Popen([program("lamplight"), "-C", str(pbx1.conf), "-x", "device show"],
                                   stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE)
        os.close(write)
        _, errors = console.communicate(timeout=PATIENCE)
        self.assertNotIn(b"Sanitizer", errors)
        self.assertNotEqual(console.returncode, -signal.SIGABRT)
        self.assertEqual(pbx1.hint(), pbx1.hint())
        pbx1.set("BUSY")
        pbx1.until_hint("Busy")

    def test_a_terminal_that_goes_away_does_not_end_the_daemon(self):
        pbx1 = self.node("pbx1")
        read, write = os.pipe()
        pbx1.process = subprocess.Popen(pbx1.command_line("-f"), stdin=subprocess.DEVNULL, stdout=write, stderr=write,
                                        preexec_fn=die_with_parent)
        os.close(write)
        wait_until(pbx1.answers, "pbx1 answers")
        os.close(read)
        pbx1.do("core set debug 1")
        pbx1.set("INUSE")
        pbx1.until_hint("InUse")


class SmallDisk:
    """state_dir on a file system of its own with hardly any room; for whoever may mount one."""

    WORDS = r"(?i)full|no space"
    UNSHARE = ["unshare", "-m"] + ([] if os.geteuid() == 0 else ["-r"])

    @classmethod
    def can_be_had(cls):
        script = 'mount -t tmpfs none /mnt'
        return subprocess.run([*cls.UNSHARE, "sh", "-c", script], capture_output=True).returncode == 0

    def __init__(self, node):
        script = f'mount -t tmpfs -o size=256k none "{node.state}" && exec "$@"'
        node.wrapper = [*self.UNSHARE, "sh", "-c", script, "sh"]
        node.start()
        self.filler = f"/proc/{node.process.pid}/root{node.state}/filler"

    def fill(self):
        with open(self.filler, "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(512))
            except OSError:
                pass

    def make_room(self):
        os.unlink(self.filler)


class SmallFiles:
    """No file may grow any more: the nearest thing to a full disk for who may not mount one."""

    WORDS = r"(?i)full|no space|i/o error"

    def __init__(self, node):
        node.start()
        self.node = node
        self.limits = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)

    def fill(self):
        size = max(path.stat().st_size for path in self.node.state.iterdir() if path.name.endswith("-wal"))
        resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, (size, self.limits[1]))

    def make_room(self):
        resource.prlimit(self.node.process.pid, resource.RLIMIT_FSIZE, self.limits)


class FullDisk(SystemTest):
    def check(self, kind):
        pbx1 = self.node("pbx1")
        disk = kind(pbx1)
        pbx1.set("INUSE")
        disk.fill()

        def refused():
            answer = pbx1.ask("devstate change Custom:" + "x" * 60 + " BUSY")
            return answer if answer.status != 0 else None
        answer = wait_until(refused, "a change is not kept")
        self.assertRegex(answer.text + answer.errors, kind.WORDS)
        self.assertEqual(pbx1.hint(), "InUse", "what was there is there")
        disk.make_room()
        pbx1.set("RINGING")
        self.assertIn("'Custom:abc'  State: 'RINGING'", pbx1.do("devstate list"))

    def test_a_change_that_cannot_be_kept_says_so_and_the_rest_goes_on(self):
        self.check(SmallDisk if SmallDisk.can_be_had() else SmallFiles)

    def test_a_file_that_may_not_grow_is_as_bad(self):
        self.check(SmallFiles)


if __name__ == "__main__":
    main()
