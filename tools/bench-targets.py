#!/usr/bin/env python3
"""One table of what was aimed at, what was reached, and what other programs reach, from the figures in a folder:

    bench-targets.py DIR      log.json and index.json of `cairn bench -o json`, samples.json of bench-samples/measure.py,
                              flows.json of bench-flow-logs.py; what is not there is left out
"""

import json
import os
import sys


def load(folder, name):
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        return None
    with open(path) as file:
        return json.load(file)


class Targets:
    def __init__(self):
        self.rows = []

    def add(self, what, reached, unit, aim=None, least=True, peer="", ratio=None):
        """A row; `least` tells whether the aim is the least that is wanted, or the most."""
        verdict = "" if aim is None else "met" if (reached >= aim if least else reached <= aim) else "MISSED"
        digits = 3 if abs(reached) < 2 else 0 if abs(reached) >= 100 else 1
        aimed = "" if aim is None else f"{'>=' if least else '<='} {aim:g}"
        self.rows.append((what, f"{reached:,.{digits}f} {unit}", aimed, peer, "" if ratio is None else f"{ratio:.2f}",
                          verdict))

    def print(self):
        print("| what | reached | aimed at | beside it | ratio | |\n| --- | ---: | ---: | --- | ---: | --- |")
        for row in self.rows:
            print(f"| {' | '.join(row)} |")
        verdicts = [row[-1] for row in self.rows]
        print(f"\n{verdicts.count('met')} met, {verdicts.count('MISSED')} missed.")


def flows(targets, figures):
    times = {name: one["wall"] for name, one in figures["programs"].items()}
    best = min(figures["peers"], key=lambda name: times[name], default=None)
    for name, aim in (("cairn flows", 3), ("cairn import flow-logs", 1.5)):
        if best is None:
            targets.add(name, times[name], "s")
            continue
        others = ", ".join(f"{peer} {times[peer]:.2f} s" for peer in figures["peers"])
        targets.add(f"{name}, {times[name]:.2f} s: times as fast as the better peer", times[best] / times[name], "",
                    aim, peer=others)
        costs = {program: one["cpu"] for program, one in figures["programs"].items()}
        least = min(costs[peer] for peer in figures["peers"])
        targets.add(f"{name}: the same in processor seconds, {costs[name]:.2f}", least / costs[name], "",
                    peer=f"the better peer {least:.2f}")
    once, ten = figures["peak_kilobytes"]
    targets.add("largest memory of importing these files", once / 1000, "MB")
    targets.add("the same for ten times as many", ten / 1000, "MB", ratio=ten / once)


def samples(targets, figures):
    aims = {"tsbs": 0.30, "node": 0.42}
    for kind, one in figures.items():
        own, *others = one["programs"]
        count = one["samples"]
        sealed = own["data"] / count
        peers = ", ".join(f"{other['name']} {other['data'] / count:.3f} and {other['index'] / count:.3f} of index"
                          for other in others)
        best = min((other["data"] / count for other in others), default=None)
        what = f"{kind}, {count:,} samples of {one['series']:,} series"
        targets.add(f"{what}: sealed, directory and names included", sealed, "B/sample", aims.get(kind), False, peers,
                    sealed / best if best else None)
        if best:
            targets.add(f"{kind}: sealed, in times of the smallest peer", sealed / best, "", 1, False)
        for name, key in (("recorded", "folder_before"), ("sealed", "folder_sealed"),
                          ("without raw batches", "folder_dropped")):
            targets.add(f"{kind}: whole folder {name}", own[key] / count, "B/sample",
                        peer=f"read model of an empty ledger {own['empty_bytes'] / count:.2f}")
        beside = ", ".join(f"{other['name']} {count / other['scan_cpu'] / 1e6:.1f}" for other in others)
        # The others are servers that run already: of so few samples, starting takes most of the time of a process.
        scan_cpu = max(own["scan_cpu"] - own["start_cpu"], 1e-4)
        targets.add(f"{kind}: cold scan by `cairn query`, without starting it", count / scan_cpu / 1e6, "M/core-s", 50,
                    peer=beside, ratio=min(other["scan_cpu"] for other in others) / scan_cpu if others else None)
        targets.add(f"{kind}: the same, the whole process", count / own["scan_cpu"] / 1e6, "M/core-s", peer=beside)


# Name in the output of `cairn bench`, what is aimed at, whether that is the least.
LOG_AIMS = {
    "samples appended, synced": (2, True), "log before sealing": (2.5, False),
    "TSBS-shaped: seal": (20, True), "node-shaped: seal": (20, True), "kube-shaped: seal": (20, True),
    "TSBS-shaped: decode": (100, True), "node-shaped: decode": (100, True), "kube-shaped: decode": (100, True),
    "TSBS-shaped: cold scan": (50, True), "node-shaped: cold scan": (50, True), "kube-shaped: cold scan": (50, True),
    "cold scan by `cairn query`": (50, True), "open, and one series over all time": (1, False), "open, and one series over all time: memory": (150, False),
}


def log(targets, rows):
    for row in rows:
        if row["what"] in LOG_AIMS:
            targets.add(f"{row['what']}, {row['amount']}", row["measured"], row["unit"], *LOG_AIMS[row["what"]])


def index(targets, rows):
    for row in rows:
        if row["what"] == "read model":
            targets.add(f"index, {row['amount']}", row["measured"], row["unit"], 80, False)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    targets = Targets()
    for name, add in (("flows.json", flows), ("samples.json", samples), ("log.json", log), ("index.json", index)):
        figures = load(sys.argv[1], name)
        if figures:
            add(targets, figures)
    targets.print()


main()
