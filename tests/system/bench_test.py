"""Benchmarks on rings and XMPP servers, tiny: they count completely. How fast is nobody's test."""

import json
import subprocess

from harness import SystemTest, main, program

DEVICES, CHANGES = 500, 2000


def figures_of(*arguments):
    """By scenario, of one round."""
    done = subprocess.run([program("lamplight-bench"), *arguments, "--json", "--rounds", "1"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        raise AssertionError(f"status {done.returncode}: {done.stderr}")
    return {line["scenario"]: line for line in map(json.loads, done.stdout.splitlines())}


def help_of(benchmark):
    return subprocess.run([program("lamplight-bench"), benchmark, "--help"], capture_output=True, text=True,
                          timeout=20, check=True).stdout


class RingBenchmark(SystemTest):

    def test_every_vote_and_every_change_of_a_round_is_counted_in_every_scenario(self):
        found = figures_of("ring", "--devices", str(DEVICES), "--changes", str(CHANGES), "--latency-changes", "20")
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
        said = help_of("ring")
        for word in ("latency", "asterisk", "lamplight", "joiner", "--rounds", "raw CPG", "none coalesced"):
            self.assertIn(word, said)

    def test_an_unknown_scenario_is_refused_before_anything_starts(self):
        done = subprocess.run([program("lamplight-bench"), "ring", "--only", "weather"], capture_output=True, text=True,
                              timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("weather", done.stderr)


class AisBenchmark(SystemTest):

    def test_every_event_and_every_last_vote_of_a_round_is_counted_in_every_scenario(self):
        found = figures_of("ais", "--devices", str(DEVICES), "--events", str(CHANGES), "--latency-events", "20")
        self.assertEqual(set(found), {"latency", "latency_retained", "flood", "flood_retained", "flood_apart",
                                      "converge", "converge_stranger"})
        for scenario in ("latency", "latency_retained"):
            self.assertEqual(found[scenario]["events"], 20)
            self.assertGreater(found[scenario]["frame_bytes"], 49)
            self.assertGreaterEqual(found[scenario]["p99_us"], found[scenario]["p50_us"])
        for scenario in ("flood", "flood_retained", "flood_apart"):
            self.assertEqual(found[scenario]["events"], CHANGES)
            self.assertGreater(found[scenario]["events_per_second"], 0)
            self.assertGreater(found[scenario]["giver_cpu_us"], 0)
            self.assertGreater(found[scenario]["seer_cpu_us"], 0)
        for scenario in ("converge", "converge_stranger"):
            self.assertEqual(found[scenario]["votes"], 5 * DEVICES)
            self.assertGreater(found[scenario]["seconds"], 0)
        self.assertGreaterEqual(found["converge_stranger"]["stranger_events"], 5 * DEVICES)
        self.assertEqual(found["converge_stranger"]["stranger_lost"], 0)

    def test_help_says_what_is_measured_and_what_is_wanted(self):
        said = help_of("ais")
        for word in ("latency", "flood", "converge", "retained", "stranger", "--rounds", "raw CPG", "wanted <= 1.5"):
            self.assertIn(word, said)

    def test_an_unknown_scenario_is_refused_before_anything_starts(self):
        done = subprocess.run([program("lamplight-bench"), "ais", "--only", "asterisk"], capture_output=True, text=True,
                              timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("asterisk", done.stderr)


class XmppBenchmark(SystemTest):

    def test_every_vote_and_every_change_of_a_round_is_counted_in_every_scenario_on_both_servers(self):
        found = figures_of("xmpp", "--devices", str(DEVICES), "--changes", str(CHANGES), "--latency-changes", "20")
        self.assertEqual(set(found), {f"{scenario}_{server}" for server in ("prosody", "ejabberd")
                                      for scenario in ("latency", "changes", "asterisk", "joiner")})
        for server in ("prosody", "ejabberd"):
            for scenario in ("changes", "asterisk"):
                figures = found[f"{scenario}_{server}"]
                self.assertEqual(figures["changes"], CHANGES)
                for name in ("changes_per_second", "bare_per_second", "giver_cpu_us", "server_cpu_us"):
                    self.assertGreater(figures[name], 0)
            latency, joiner = found[f"latency_{server}"], found[f"joiner_{server}"]
            self.assertEqual(latency["changes"], 20)
            self.assertGreaterEqual(latency["p99_us"], latency["p50_us"])
            self.assertEqual(joiner["votes"], 3 * DEVICES)
            self.assertGreater(joiner["seconds"], 0)
            self.assertAlmostEqual(joiner["bare_bytes"] / joiner["bytes"], 1, delta=0.2)

    def test_help_says_what_is_measured_and_what_is_wanted(self):
        said = help_of("xmpp")
        for word in ("latency", "changes", "asterisk", "joiner", "--rounds", "bare", "wanted <= 1.5", "none coalesced"):
            self.assertIn(word, said)

    def test_an_unknown_scenario_is_refused_before_anything_starts(self):
        done = subprocess.run([program("lamplight-bench"), "xmpp", "--only", "flood"], capture_output=True, text=True,
                              timeout=20)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("flood", done.stderr)


if __name__ == "__main__":
    main()
