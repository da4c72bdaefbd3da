"""The demo, the manual pages and the menu of parts, as a newcomer meets them."""

import os
import re
import signal
import subprocess
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
        self.assertEqual({page.name for page in pages}, {"lamplightd.8", "lamplight.1", "lamplight.conf.5"})
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


if __name__ == "__main__":
    main()
