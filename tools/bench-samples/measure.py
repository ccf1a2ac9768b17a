"""Samples in Cairn, VictoriaMetrics and Prometheus: the same text into all three, bytes and processor seconds beside each
other.

    measure.py --cairn PROGRAM --work DIR [--peers DIR] [--set NAME[:SCALE]]... [--json FILE]

--json writes the figures into a file as well. --peers is a folder with `victoria-metrics`, `prometheus` and `promtool`; what is missing there is left out and said so.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time

import metric_sets
import peers

# One question, answered from each place where Cairn keeps samples; the first decodes all of them and is the cold scan.
SCANS = {
    "scan": "SELECT max(maximum) AS largest FROM sample_stats('', '', '{start}', '{end}', '1h')",
    "directory": "SELECT max(maximum) AS largest FROM sample_stats('', '', '{start}', '{end}')",
    "rows": "SELECT max(value) AS largest FROM samples('', '', '{start}', '{end}')",
    "start": "SELECT 1",
}
RUNS = 5


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rfc3339(milliseconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds // 1000))


class Cairn:
    """One ledger of its own."""

    name = "Cairn"

    def __init__(self, program, folder):
        self.program = program
        self.environment = dict(os.environ, CAIRN_LEDGER=os.path.join(folder, "ledger"),
                                CAIRN_KEY=os.path.join(folder, "key"))
        self.run("init", "--origin", "bench.cairn.example/samples")
        # Tables and indexes have a page each before anything is in them.
        self.empty_bytes = self.folder_bytes()

    def run(self, *arguments):
        """Output of a command as JSON, and its processor seconds."""
        before = children_cpu()
        done = subprocess.run([self.program, *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"cairn {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        cost = children_cpu() - before
        return (json.loads(done.stdout) if "json" in arguments else done.stdout), cost

    def folder_bytes(self):
        """Of the whole folder, with a read model that is up to date and has no write-ahead log left."""
        self.run("status")
        return peers.folder_bytes(self.environment["CAIRN_LEDGER"])


def measure_cairn(program, text, folder, samples, moment_ms, range_ms):
    cairn = Cairn(program, folder)
    _, load = cairn.run("import", "prometheus", text)
    before, = cairn.run("stats", "-o", "json")[0]
    folder_before = cairn.folder_bytes()
    rows, seal = cairn.run("seal", "-o", "json")
    sealed, = rows
    folder_sealed = cairn.folder_bytes()
    dropped, = cairn.run("seal", "--drop-raw", "--reason", "bench", "--approved-by", "bench", "-o", "json")[0]
    folder_dropped = cairn.folder_bytes()
    costs, largest = {}, set()
    for name, query in SCANS.items():
        query = query.format(start=rfc3339(moment_ms - range_ms - 1000), end=rfc3339(moment_ms + 1000))
        taken = []
        for _ in range(RUNS):
            rows, cost = cairn.run("query", query, "-o", "json")
            taken.append(cost)
        costs[f"{name}_cpu"] = min(taken)
        largest.update(row["largest"] for row in rows if "largest" in row)
    if len(largest) != 1:
        sys.exit(f"Cairn's own answers differ: {largest}")
    if dropped["samples"] != samples:
        sys.exit(f"Cairn has {dropped['samples']} samples of {samples}")
    return {"name": "Cairn", "version": "", "data": sealed["sealed_bytes"], "index": None,
            "log_before": before["segment_bytes"] + before["attachment_bytes"],
            "folder_before": folder_before, "folder_sealed": folder_sealed, "folder_dropped": folder_dropped,
            "empty_bytes": cairn.empty_bytes, "largest": largest.pop(), "load_cpu": load, "seal_cpu": seal, **costs}


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def report(kind, series, samples, results):
    print(f"\n#### {kind}: {samples:,} samples of {series:,} series\n")
    print("| program | data, B/sample | index, B/sample | load, core-s | samples/core-s scanned by one query, whole process |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for one in results:
        index = None if one["index"] is None else one["index"] / samples
        print(f"| {one['name']} {one['version']} | {number(one['data'] / samples)} | {number(index)} | "
              f"{number(one['load_cpu'], 2)} | {samples / max(one['scan_cpu'], 1e-3):,.0f} |")
    own = next(one for one in results if one["name"] == "Cairn")
    print(f"\nCairn's scan is a whole process that decodes every sample, the others' a question to a running server. Without "
          f"the {own['start_cpu'] * 1000:.0f} ms of starting, {samples / max(own['scan_cpu'] - own['start_cpu'], 1e-4):,.0f} "
          f"samples/core-s; as rows of `samples()` {samples / own['rows_cpu']:,.0f}; from the directories of the windows "
          f"{samples / own['directory_cpu']:,.0f}.")
    print(f"\nCairn's data holds its directory and the names of the series. Log before sealing "
          f"{own['log_before'] / samples:.2f} B/sample; the whole ledger folder with its read model "
          f"{own['folder_before'] / samples:.2f} before sealing, {own['folder_sealed'] / samples:.2f} sealed, "
          f"{own['folder_dropped'] / samples:.2f} after the raw batches were dropped, of which "
          f"{own['empty_bytes'] / samples:.2f} is the read model of an empty ledger; sealing took "
          f"{own['seal_cpu']:.2f} core-s.")
    if len({f"{one['largest']:.10g}" for one in results}) != 1:
        sys.exit(f"the largest values differ: {[(one['name'], one['largest']) for one in results]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cairn", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--peers")
    parser.add_argument("--set", action="append", dest="sets")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json")
    options = parser.parse_args()
    figures = {}
    for wanted in options.sets or ["tsbs:50", "node:2", "kube:100"]:
        kind, _, scale = wanted.partition(":")
        folder = os.path.join(options.work, f"samples-{kind}")
        os.makedirs(folder)
        text = os.path.join(folder, "samples.prom")
        series, samples = metric_sets.write(kind, text, int(scale) if scale else None, options.seed)
        with open(text) as file:
            first_ms = int(file.readline().rsplit(" ", 1)[1])
            file.seek(0, os.SEEK_END)
            file.seek(file.tell() - 4096)
            last_ms = int(file.read().rstrip().rsplit(" ", 1)[1])
        moment_ms, range_ms = last_ms + 1000, last_ms - first_ms + 2000
        results = [measure_cairn(options.cairn, text, folder, samples, moment_ms, range_ms)]
        if options.peers:
            programs = {name: os.path.join(options.peers, name) for name in ("victoria-metrics", "prometheus", "promtool")}
            if os.path.exists(programs["victoria-metrics"]):
                results.append(
                    peers.victoria_metrics(programs["victoria-metrics"], text, folder, moment_ms, range_ms))
            if os.path.exists(programs["prometheus"]) and os.path.exists(programs["promtool"]):
                results.append(peers.prometheus(
                    programs["prometheus"], programs["promtool"], text, folder, moment_ms, range_ms))
        report(kind, series, samples, results)
        figures[kind] = {"series": series, "samples": samples, "programs": results}
        shutil.rmtree(folder)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
