#!/usr/bin/env python3
"""Writes the demo data: a migration with its metrics, flow logs and events, ready for `cairn import`.

    tools/demo-data/generate.py --out data                 # the data beside this file
    tools/demo-data/generate.py --seed 3 --fault drops --out /tmp/three
    tools/demo-data/generate.py --check data                # is it what the seed gives?

The same seed gives the same bytes. `truth.json` says which faults were put in, where and when.
"""

import argparse
import gzip
import io
import json
import pathlib
import sys

import deployment
import events
import flowlogs
import kubernetes
import metrics
from scenario import CLUSTERS, DEFAULT_SEED, FAULTS, Scenario


def files(scenario):
    """Path below the output folder to bytes, uncompressed; a name that ends in .gz is compressed when written."""
    written = {
        "truth.json": json.dumps(scenario.truth(), indent=2) + "\n",
        "events.jsonl": events.generate(),
        "eventbridge.jsonl": deployment.eventbridge(scenario.noise("eventbridge")),
        "k8s-events.json": json.dumps(kubernetes.events(scenario), indent=1) + "\n",
    }
    for name, value in kubernetes.velero().items():
        is_yaml = name.endswith(".yaml")
        written[f"velero/{name}"] = (kubernetes.yaml(value) if is_yaml else json.dumps(value, indent=2)) + "\n"
    for name, text in metrics.generate(scenario).items():
        written[f"metrics/{name}.gz"] = text
    for cluster in CLUSTERS:
        for name, text in flowlogs.generate(scenario, cluster).items():
            written[f"flow-logs/{cluster}/{name}"] = text
    return {name: text.encode() for name, text in sorted(written.items())}


def compressed(data):
    # No name and no time in the header: the bytes depend on the data and zlib alone.
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
        stream.write(data)
    return buffer.getvalue()


def write(folder, content):
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(compressed(data) if name.endswith(".gz") else data)


def differences(folder, content):
    """Files that are missing, differ or should not be there. Compressed files are compared by what they hold, since
    another zlib may pack the same bytes differently."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    for name in sorted(found - set(content) - {"README.md"}):
        yield f"{name}: not written by this seed"
    for name, data in content.items():
        path = folder / name
        if name not in found:
            yield f"{name}: missing"
        elif (gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()) != data:
            yield f"{name}: differs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="default %(default)s")
    parser.add_argument("--fault", choices=FAULTS, default="all", help="which faults to inject (default %(default)s)")
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--out", type=pathlib.Path, metavar="DIR", help="write the data here")
    target.add_argument("--check", type=pathlib.Path, metavar="DIR", help="compare this folder with what would be written")
    arguments = parser.parse_args()
    content = files(Scenario(arguments.seed, arguments.fault))
    if arguments.out:
        write(arguments.out, content)
        return 0
    wrong = list(differences(arguments.check, content))
    print("\n".join(wrong) or f"{len(content)} files are what seed {arguments.seed} gives", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
