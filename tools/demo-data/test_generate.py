"""The demo data keeps its promises: `python3 -m unittest discover tools/demo-data`."""

import collections
import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import generate  # noqa: E402
import metrics  # noqa: E402
from scenario import APPLICATIONS, CLUSTERS, SHIFTS, SOURCE, TARGET, Scenario, at, rfc3339  # noqa: E402

SEEDS = range(1, 3)
COMPRESSED_BYTES_MAX = 1_250_000


def flows(content, cluster):
    for name, data in content.items():
        if name.startswith(f"flow-logs/{cluster}/"):
            header, *lines = data.decode().splitlines()
            for line in lines:
                yield dict(zip(header.split(), line.split()))


def unanswered(content, cluster):
    """Address and port of each peer, to minutes, to attempts to connect that got no packet back."""
    answered, attempts = set(), []
    for flow in flows(content, cluster):
        if flow["action"] == "ACCEPT" and flow["flow-direction"] == "ingress":
            answered.add((flow["srcaddr"], flow["srcport"], flow["dstaddr"], flow["dstport"]))
        elif flow["action"] == "ACCEPT" and flow["tcp-flags"] == "2":
            attempts.append((flow["dstaddr"], flow["dstport"], flow["srcaddr"], flow["srcport"], int(flow["start"])))
    counts = collections.defaultdict(collections.Counter)
    for address, port, own_address, own_port, start in attempts:
        if (address, port, own_address, own_port) not in answered:
            counts[address, int(port)][start // 60] += 1
    return counts


class GeneratedData(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.content = generate.files(Scenario(generate.DEFAULT_SEED, "all"))
        cls.events = [json.loads(line) for line in cls.content["events.jsonl"].decode().splitlines()]

    def test_the_shipped_data_is_what_the_default_seed_gives(self):
        folder = pathlib.Path(__file__).parent / "data"
        self.assertEqual(list(generate.differences(folder, self.content)), [])
        size = sum(len(data if name.endswith(".gz") else generate.compressed(data)) for name, data in (
            (path.name, path.read_bytes()) for path in folder.rglob("*") if path.is_file()))
        self.assertLess(size, COMPRESSED_BYTES_MAX)

    def test_the_same_seed_gives_the_same_bytes(self):
        again = generate.files(Scenario(generate.DEFAULT_SEED, "all"))
        self.assertEqual(again, self.content)
        for data in list(again.values())[:3]:
            self.assertEqual(generate.compressed(data), generate.compressed(data))
            self.assertEqual(generate.compressed(data)[4:8], b"\0\0\0\0")

    def test_events_are_in_order_with_identities_of_their_own(self):
        times = [event["time"] for event in self.events]
        self.assertEqual(times, sorted(times))
        self.assertEqual(len({event["id"] for event in self.events}), len(self.events))
        for event in self.events:
            self.assertRegex(event["type"], r"^observed\.[a-z.]+\.v1$")

    def test_nobody_approves_what_they_asked_for_and_everything_is_approved_before_it_begins(self):
        asked, granted = {}, {}
        for event in self.events:
            phase = (event["subject"], event["data"].get("phase"))
            if event["type"] == "observed.approval.requested.v1":
                asked[phase] = event["data"]["requested_by"]
                self.assertLess(event["time"], event["data"]["expires"])
            elif event["type"] == "observed.approval.granted.v1":
                self.assertNotEqual(asked[phase], event["data"]["approver"])
                granted[phase] = event["time"]
            elif event["type"] == "observed.phase.started.v1" and event["subject"].startswith("migration/"):
                self.assertLess(granted[phase], event["time"])

    def test_weights_sum_to_100_and_wait_for_the_old_ttl(self):
        lowered = [(event["time"], event["data"]) for event in self.events if event["type"] == "observed.ttl.lowered.v1"]
        self.assertEqual(len(lowered), 2)
        for event in self.events:
            if event["type"] == "observed.traffic.shifted.v1":
                self.assertEqual(sum(event["data"]["weights"].values()), 100)
                for time, data in lowered:
                    moment = at(time[:19].replace("T", " "))
                    self.assertGreater(event["time"], rfc3339(moment + data["old_ttl_seconds"]))

    def test_capacity_stays_between_floor_and_cap(self):
        count = {app.name: {SOURCE: app.replicas, TARGET: 0} for app in APPLICATIONS}
        for event in self.events:
            if event["type"] != "observed.workload.scaled.v1":
                continue
            data = event["data"]
            pods = count[data["application"]]
            self.assertEqual(pods[data["cluster"]], data["from"])
            pods[data["cluster"]] = data["to"]
            self.assertGreaterEqual(sum(pods.values()), data["floor"], data)
            self.assertLessEqual(sum(pods.values()), data["cap"], data)
        for app in APPLICATIONS:
            self.assertEqual(count[app.name][TARGET], app.replicas)
            steps = metrics.scaling(app)
            self.assertTrue(all(at("2026-03-10 09:00") <= step[0] < at("2026-03-10 09:24") for step in steps
                                if step[0] < SHIFTS[0][0]), app.name)
            self.assertTrue(all(step[0] < at("2026-03-10 10:49") for step in steps), app.name)

    def test_the_drops_are_there_for_every_seed_and_nowhere_else(self):
        for seed in SEEDS:
            scenario = Scenario(seed, "drops")
            content = generate.files(scenario)
            first, last = scenario.drops.start // 60, scenario.drops.end // 60
            guilty = (scenario.drops.peer.address, scenario.drops.peer.port)
            counts = unanswered(content, TARGET)[guilty]
            inside = sum(count for minute, count in counts.items() if first <= minute <= last)
            self.assertGreater(inside, 3 * (last - first), f"seed {seed}")
            self.assertLess(sum(counts.values()) - inside, 12, f"seed {seed}")
            for cluster in CLUSTERS:
                for peer, counts in unanswered(content, cluster).items():
                    if cluster == SOURCE or peer != guilty:
                        self.assertLess(sum(counts.values()), 16, f"seed {seed} {peer}")

    def test_counters_never_fall_and_carry_milliseconds(self):
        last = {}
        for line in metrics.generate(Scenario(3, "divergence"))[f"{TARGET}.prom"].splitlines():
            if not line.startswith("http_requests_total{"):
                continue
            series, value, time = line.rsplit(" ", 2)
            self.assertRegex(time, r"^\d{13}$")
            self.assertGreaterEqual(int(value), last.get(series, 0))
            last[series] = int(value)
        self.assertGreater(len(last), 40)

    def test_the_divergence_begins_at_its_minute(self):
        for seed in SEEDS:
            scenario = Scenario(seed, "divergence")
            texts = {cluster: metrics.generate(scenario)[f"{cluster}.prom"] for cluster in CLUSTERS}
            fault = scenario.divergence
            for app in (app for app in APPLICATIONS if app.rate > 0):
                ratio = {}
                for cluster, text in texts.items():
                    pattern = rf'duration_seconds{{app="{app.name}",cluster="{cluster}",quantile="0.99"}} (\S+) (\d+)\d{{3}}'
                    samples = [(float(value), int(time)) for value, time in re.findall(pattern, text)]
                    after = [value for value, time in samples if time >= fault.start]
                    ratio[cluster] = sum(after) / len(after)
                expected = fault.latency_factor if app is fault.application else 1
                self.assertAlmostEqual(ratio[TARGET] / ratio[SOURCE], expected, delta=0.1 * expected, msg=f"{seed} {app.name}")

    def test_no_fault_means_no_truth_and_nothing_injected(self):
        truth = Scenario(generate.DEFAULT_SEED, "none").truth()
        self.assertIsNone(truth["drops"])
        self.assertIsNone(truth["divergence"])


if __name__ == "__main__":
    unittest.main()
