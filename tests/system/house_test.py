"""The demo, the manual pages and the menu of parts, as a newcomer meets them."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from harness import BIN_FOLDERS, PATIENCE, main, wait_until

SOURCE = Path(os.environ["LAMPLIGHT_SOURCE"])
BUILD = Path(os.environ["LAMPLIGHT_BUILD"])
DEMO_ENVIRONMENT = {**os.environ, "LAMPLIGHT_BIN": str(Path(BIN_FOLDERS[0]).resolve())}


class Demo(unittest.TestCase):
    def test_once_ends_with_success_when_the_second_server_saw_the_change(self):
        done = subprocess.run([SOURCE / "dev", "demo", "--once"], env=DEMO_ENVIRONMENT, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"pbx2\*CLI> core show hints[^>]*Custom:abc +State:InUse")

    def test_stays_up_until_ctrl_c_and_leaves_nothing_behind(self):
        demo = subprocess.Popen([SOURCE / "dev", "demo"], env=DEMO_ENVIRONMENT, stdout=subprocess.PIPE, text=True,
                                process_group=0)
        self.addCleanup(demo.stdout.close)
        self.addCleanup(demo.kill)
        said = ""
        while "at once" not in said:
            line = demo.stdout.readline()
            self.assertTrue(line, said)
            said += line
        folder = Path(re.search(r"-C (\S+)/pbx1/lamplight.conf", said).group(1))
        self.assertTrue(folder.exists())
        os.killpg(demo.pid, signal.SIGINT)
        self.assertEqual(demo.wait(PATIENCE), 130)
        self.assertFalse(folder.exists())
        wait_until(lambda: not self.alive_below(folder), "no daemon of the demo is left")

    @staticmethod
    def alive_below(folder):
        arguments = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                arguments.append(process.read_bytes())
            except OSError:  # ended meanwhile
                pass
        return any(str(folder).encode() in line for line in arguments)


class ManualPages(unittest.TestCase):
    def test_are_there_and_clean(self):
        pages = [*SOURCE.glob("docs/man/*.[158]"), *BUILD.glob("man/*.5")]
        self.assertEqual({page.name for page in pages},
                         {"lamplightd.8", "lamplight.1", "lamplight-evt.1", "lamplight.conf.5", "ais.conf.5",
                          "jabber.conf.5", "xmpp.conf.5"})
        for page in pages:
            with self.subTest(page.name):
                done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


class Parts(unittest.TestCase):
    def test_are_listed_under_asterisks_headings(self):
        done = subprocess.run([SOURCE / "dev", "menuselect", "--list"], capture_output=True, text=True,
                              env={**os.environ, "LAMPLIGHT_BUILD": str(BUILD)}, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        for heading in ("Resource Modules", "Utilities", "Test Modules"):
            self.assertRegex(done.stdout, rf"(?m)^{heading}$")
        self.assertRegex(done.stdout, r"\[\*\] bus_local ")

    def test_that_do_not_exist_are_refused(self):
        done = subprocess.run([SOURCE / "dev", "menuselect", "--disable", "nonsense"], capture_output=True, text=True,
                              env={**os.environ, "LAMPLIGHT_BUILD": str(BUILD)}, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nonsense", done.stderr)


class Counting(unittest.TestCase):
    """The last line of ./dev test."""

    def setUp(self):
        self.tree = Path(tempfile.mkdtemp(prefix="lamplight-count-", dir="/tmp"))
        self.addCleanup(shutil.rmtree, self.tree)
        (self.tree / "results").mkdir()

    def ran(self, **status_by_name):
        cases = "".join(f'<testcase name="{name}" status="{status}"/>' for name, status in status_by_name.items())
        (self.tree / "ctest.xml").write_text(f"<testsuite>{cases}</testsuite>")

    def reported(self, name, passed=0, failed=0, skipped=0):
        cases = "<testcase status='run'/>" * passed + "<testcase status='run'><failure/></testcase>" * failed
        cases += "<testcase status='notrun'/>" * skipped
        (self.tree / "results" / f"{name}.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")

    def count(self):
        done = subprocess.run([sys.executable, SOURCE / "scripts/count_results.py", self.tree], capture_output=True,
                              text=True)
        return done.stdout.splitlines()[-1], done.returncode

    def test_adds_up_cases_and_programs_without_a_report(self):
        self.ran(unit="run", replay="run")
        self.reported("unit", passed=7)
        self.assertEqual(self.count(), ("8 passed, 0 failed, 0 skipped", 0))

    def test_a_failed_case_fails_the_whole(self):
        self.ran(unit="fail")
        self.reported("unit", passed=3, failed=2, skipped=1)
        self.assertEqual(self.count(), ("3 passed, 2 failed, 1 skipped", 1))

    def test_a_program_that_crashed_is_a_failure_although_its_cases_passed(self):
        self.ran(unit="fail", other="fail")
        self.reported("unit", passed=3)
        self.assertEqual(self.count(), ("3 passed, 2 failed, 0 skipped", 1))

    def test_a_tree_that_was_not_built_is_a_failure(self):
        self.assertEqual(self.count(), ("0 passed, 1 failed, 0 skipped", 1))

    def test_a_program_that_did_not_run_is_skipped(self):
        self.ran(unit="disabled")
        self.assertEqual(self.count(), ("0 passed, 0 failed, 1 skipped", 0))


if __name__ == "__main__":
    main()
