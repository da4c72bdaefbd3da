"""The ring's benchmark, tiny: it counts completely. How fast is nobody's test."""

import json
import subprocess

from harness import SystemTest, main, program

DEVICES, CHANGES = 500, 2000


class RingBenchmark(SystemTest):

    def test_every_vote_and_every_change_of_a_round_is_counted_in_every_scenario(self):
        done = subprocess.run([program("lamplight-bench"), "ring", "--json", "--rounds", "1", "--devices", str(DEVICES),
                               "--changes", str(CHANGES), "--latency-changes", "20"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = {line["scenario"]: line for line in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(set(found), {"latency", "asterisk", "lamplight", "joiner_asterisk", "joiner_lamplight"})
        for scenario, changes in (("asterisk", CHANGES), ("lamplight", 5 * CHANGES)):
            self.assertEqual(found[scenario]["changes"], changes)
            self.assertGreater(found[scenario]["changes_per_second"], 0)
            self.assertGreater(found[scenario]["giver_cpu_us"], 0)
        for scenario in ("joiner_asterisk", "joiner_lamplight"):
            self.assertEqual(found[scenario]["votes"], DEVICES)
            self.assertGreater(found[scenario]["seconds"], 0)
        self.assertEqual(found["latency"]["changes"], 20)
        self.assertGreaterEqual(found["latency"]["p99_us"], found["latency"]["p50_us"])

    def test_help_says_what_is_measured_and_what_is_wanted(self):
        done = subprocess.run([program("lamplight-bench"), "ring", "--help"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 0)
        for word in ("latency", "asterisk", "lamplight", "joiner", "--rounds", "raw CPG", "none coalesced"):
            self.assertIn(word, done.stdout)

    def test_an_unknown_scenario_is_refused_before_anything_starts(self):
        done = subprocess.run([program("lamplight-bench"), "ring", "--only", "weather"], capture_output=True, text=True,
                              timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("weather", done.stderr)


if __name__ == "__main__":
    main()
