"""Seeded sets of samples as Prometheus text with timestamps, in order of time, as scrapes bring them.

    metric_sets.py SET FILE [--scale N] [--seed S]      SET: tsbs, node, kube

tsbs  ten integer random walks (steps from N(0, 1), held in 0-100, cut to whole numbers) a host, every 10 s for 4 hours:
      the shape of the cpu-only set of TSBS; --scale is the number of hosts
node  507 series a host, 900 scrapes 15 s apart: counters of which most stand still, byte counts, load, temperatures,
      64 % of the series constant, as a node exporter on a quiet machine gives; --scale is the number of hosts
kube  requests, errors and latency buckets of services on two clusters, 240 minutes; --scale is the number of services
"""

import argparse
import random
import sys

START_MS = 1_756_684_800_000


def labels(pairs):
    return "{" + ",".join(f'{name}="{value}"' for name, value in pairs) + "}"


def tsbs(hosts, rng):
    """(names of the series, milliseconds between scrapes, scrapes as lists of texts)"""
    fields = ["user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"]
    regions = ["us-east-1", "us-west-1", "eu-west-1", "eu-central-1", "ap-southeast-1"]
    names, state = [], []
    for host in range(hosts):
        region = rng.choice(regions)
        tags = [
            ("cluster", "old"), ("hostname", f"host_{host}"), ("region", region),
            ("datacenter", region + rng.choice("abc")), ("rack", rng.randrange(100)),
            ("os", rng.choice(["Ubuntu16.10", "Ubuntu16.04LTS", "Ubuntu15.10"])), ("arch", rng.choice(["x64", "x86"])),
            ("team", rng.choice(["SF", "NYC", "LON", "CHI"])), ("service", rng.randrange(20)),
            ("service_environment", rng.choice(["production", "staging", "test"]))]
        for field in fields:
            # The label as well, since a query over all names drops the name and wants different labels.
            names.append(f"cpu_usage_{field}{labels(tags + [('field', field)])}")
            state.append(rng.uniform(0, 100))

    def scrapes():
        for _ in range(1440):
            for index, value in enumerate(state):
                state[index] = min(100.0, max(0.0, value + rng.gauss(0, 1)))
            yield [str(int(value)) for value in state]

    return names, 10_000, scrapes()


def node(hosts, rng):
    names, kinds, state = [], [], []
    for host in range(hosts):
        for number in range(507):
            kind = "constant" if number % 100 < 64 else rng.choice(["counter", "seconds", "bytes", "gauge", "busy"])
            pairs = [("cluster", "old"), ("instance", f"node-{host}:9100"), ("device", f"device{number}")]
            names.append(f"node_metric_{number}_{kind}{labels(pairs)}")
            kinds.append(kind)
            state.append(float(rng.choice([0, 1, 4096, 65536, rng.randrange(1 << 34)])) if kind == "constant"
                         else float(rng.randrange(1 << 20)))

    def scrapes():
        for _ in range(900):
            for index, kind in enumerate(kinds):
                if kind == "counter" and rng.random() < 0.3:
                    state[index] += rng.randrange(1, 20)
                elif kind == "seconds":
                    state[index] = round(state[index] + rng.choice([0, 0.01, 0.01, 0.02, 0.15]), 2)
                elif kind == "bytes":
                    state[index] += rng.randrange(0, 9000)
                elif kind == "gauge":
                    state[index] = max(0.0, state[index] + 4096 * rng.randrange(-16, 17))
                elif kind == "busy" and rng.random() < 0.05:
                    state[index] = float(rng.randrange(64))
            yield [repr(value) if value % 1 else str(int(value)) for value in state]

    return names, 15_000, scrapes()


def kube(services, rng):
    names, rates, state = [], [], []
    for cluster in ("old", "new"):
        for service in range(services):
            own = [("cluster", cluster), ("app", f"service-{service}")]
            rate = rng.uniform(1, 400)
            for code, share in ((200, 0.985), (404, 0.01), (500, 0.005)):
                names.append("http_requests_total" + labels(own + [("code", code)]))
                rates.append(rate * 60 * share)
            for bound in ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"):
                names.append("http_request_duration_seconds_bucket" + labels(own + [("le", bound)]))
                rates.append(rate * 60 * min(1.0, 0.1 + rng.random() * 0.9 if bound != "+Inf" else 1.0))
    state = [0] * len(names)

    def scrapes():
        for _ in range(240):
            for index, rate in enumerate(rates):
                state[index] += max(0, int(rng.gauss(rate, rate ** 0.5)))
            yield [str(value) for value in state]

    return names, 60_000, scrapes()


SETS = {"tsbs": (tsbs, 50), "node": (node, 2), "kube": (kube, 100)}


def write(kind, path, scale=None, seed=7):
    """Writes the set; returns the numbers of series and samples."""
    make, usual = SETS[kind]
    names, step_ms, scrapes = make(scale or usual, random.Random(seed))
    samples = 0
    with open(path, "w") as file:
        for index, values in enumerate(scrapes):
            stamp = START_MS + index * step_ms
            file.writelines(f"{name} {value} {stamp}\n" for name, value in zip(names, values))
            samples += len(values)
    return len(names), samples


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("file")
    parser.add_argument("--scale", type=int)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    series, samples = write(options.set, options.file, options.scale, options.seed)
    print(f"{samples} samples of {series} series", file=sys.stderr)


if __name__ == "__main__":
    main()
