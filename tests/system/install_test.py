"""What `cmake --install` puts into an empty folder runs there, and is complete."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import harness
from harness import PATIENCE, SystemTest, main

BUILD = os.environ["LAMPLIGHT_BUILD"]
FILES = ["lamplight.conf", "extensions.conf", "logger.conf", "modules.conf", "asterisk.conf",
         "res_corosync.conf", "ais.conf"]


class Installation(SystemTest):
    @classmethod
    def setUpClass(cls):
        cls.destination = Path(tempfile.mkdtemp(prefix="lamplight-install-", dir="/tmp"))
        cls.addClassCleanup(shutil.rmtree, cls.destination)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": str(cls.destination)})
        cls.root = cls.destination / "usr"
        bins = harness.BIN_FOLDERS
        harness.BIN_FOLDERS = [str(cls.root / "sbin"), str(cls.root / "bin")]
        cls.addClassCleanup(setattr, harness, "BIN_FOLDERS", bins)

    def test_has_everything_in_its_place(self):
        for path in ("sbin/lamplightd", "bin/lamplight", "lib/lamplight/liblamplight_core.so",
                     "lib/lamplight/modules/bus_local.so", "lib/systemd/system/lamplightd.service",
                     "lib/sysusers.d/lamplight.conf", "share/bash-completion/completions/lamplight",
                     "share/man/man8/lamplightd.8", "share/man/man1/lamplight.1", "share/man/man5/lamplight.conf.5",
                     "share/man/man5/ais.conf.5", "share/man/man5/jabber.conf.5", "share/man/man5/xmpp.conf.5",
                     "share/lamplight/configs/jabber.conf.sample", "share/lamplight/configs/xmpp.conf.sample",
                     "share/doc/lamplight/LICENSE", *(f"share/lamplight/configs/{name}.sample" for name in FILES)):
            with self.subTest(path):
                self.assertTrue((self.root / path).is_file())

    def test_its_own_libraries_are_found_inside_it(self):
        library = self.root / "lib/lamplight"
        modules = list((library / "modules").glob("*.so"))
        self.assertTrue(modules)
        for file in (*modules, *library.glob("*.so")):
            with self.subTest(file.name):
                needed = subprocess.run(["ldd", file], check=True, capture_output=True, text=True).stdout
                self.assertNotIn("not found", needed)
                for line in needed.splitlines():
                    if "liblamplight_" in line:
                        self.assertEqual(Path(line.split("=>")[1].split()[0]).resolve().parent, library.resolve())

    def test_touches_nothing_outside_its_prefix(self):
        self.assertEqual([path.name for path in self.destination.iterdir()], ["usr"])

    def test_programs_say_their_version(self):
        for name in ("lamplightd", "lamplight"):
            done = subprocess.run([harness.program(name), "-V"], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")

    def test_samples_pass_the_check(self):
        for name in FILES:
            shutil.copy(self.root / "share/lamplight/configs" / f"{name}.sample", self.place / name)
        if not harness.MACHINE_HAS_AN_ID:
            with open(self.place / "lamplight.conf", "a") as sample:
                sample.write(f"\n[general](+)\nentityid = {harness.entity_id('sample')}\n")
        done = subprocess.run([harness.program("lamplightd"), "-C", str(self.place / "lamplight.conf"), "-t"],
                              capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_unit_starts_the_installed_program(self):
        self.assertIn("ExecStart=/usr/sbin/lamplightd ",
                      (self.root / "lib/systemd/system/lamplightd.service").read_text())

    def test_daemons_share_a_state(self):
        pbx1, pbx2 = self.pair()
        self.assertIn(str(self.root), os.readlink(f"/proc/{pbx1.process.pid}/exe"))
        pbx1.set("INUSE")
        pbx2.until_hint("InUse")


if __name__ == "__main__":
    main()
