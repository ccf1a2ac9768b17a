"""Makes flow logs from a seed, and measures `cairn flows` and `cairn import flow-logs` beside DuckDB and chdb on them.

    bench-flow-logs.py --records N --out DIR [--seed S]
    bench-flow-logs.py --measure DIR --cairn PROGRAM --work DIR [--flows-only] [--json FILE]

--json writes the figures into a file as well. Every program writes all rows into a file of its own, and the rows must be the same. The peers are those that are
installed for this python3.
"""

import argparse
import gzip
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import time

HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id flow-direction "
    "traffic-path"
)
START = 1_756_684_800
FILES_PER_CLUSTER = 36
RUNS = 3


def make(records, folder, seed):
    """Two clusters, five-minute objects, both directions of every connection, some refused and some unanswered."""
    rng = random.Random(seed)
    partners = [(f"203.0.{rng.randrange(256)}.{rng.randrange(1, 255)}", rng.choice([443, 5432, 6379, 8443, 9092]))
                for _ in range(400)]
    per_file = records // (2 * FILES_PER_CLUSTER)
    for number, cluster in enumerate(["self-managed", "eks"]):
        os.makedirs(os.path.join(folder, cluster), exist_ok=True)
        hosts = [(f"10.{20 + number}.{rng.randrange(256)}.{rng.randrange(1, 255)}", f"eni-{rng.getrandbits(68):017x}",
                  f"subnet-{number}{rng.randrange(6):016x}") for _ in range(60)]
        for index in range(FILES_PER_CLUSTER):
            lines = [HEADER]
            begin = START + index * 300
            while len(lines) <= per_file:
                host, interface, subnet = rng.choice(hosts)
                peer, port = rng.choice(partners)
                ephemeral = rng.randrange(32768, 61000)
                start = begin + rng.randrange(280)
                end = start + rng.randrange(1, 20)
                packets = rng.randrange(2, 40)
                size = packets * rng.randrange(60, 1400)
                kind = rng.random()
                flags, action = (2, "ACCEPT") if kind < 0.01 else (2, "REJECT") if kind < 0.02 else (3, "ACCEPT")
                tail = f"vpc-0a1b2c3d {subnet} i-{number:017x} {{}} IPv4 {{}} {{}} us-east-1 use1-az{index % 3 + 1}"
                lines.append(
                    f"5 123456789010 {interface} {host} {peer} {ephemeral} {port} 6 {packets} {size} {start} {end} "
                    f"{action} OK " + tail.format(flags, host, peer) + " egress 8")
                if kind >= 0.02:
                    lines.append(
                        f"5 123456789010 {interface} {peer} {host} {port} {ephemeral} 6 {packets} {size} {start} {end} "
                        f"ACCEPT OK " + tail.format(19, peer, host) + " ingress -")
            path = os.path.join(folder, cluster, f"{index:04}.log.gz")
            with open(path, "wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream:
                stream.write(("\n".join(lines) + "\n").encode())


def run(arguments, output=os.devnull):
    """Wall and processor seconds of one whole process, whose standard output goes into a file."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(output, "wb") as stream:
        start = time.monotonic()
        done = subprocess.run(arguments, stdout=stream, stderr=subprocess.PIPE)
        wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(f"cannot measure {arguments}: {done.stderr.decode()}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


DUCKDB = """
import duckdb, sys
duckdb.sql('''
copy (select regexp_extract(filename, '([^/]+)/[^/]+$', 1) as cluster, cast("start" as bigint) // 60 as minute, dstaddr,
  dstport, count(*) as flows, count(*) filter (action = 'REJECT') as rejects,
  count(*) filter ("tcp-flags" = 2) as syn_only, sum(packets) as packets, sum(bytes) as bytes
from read_csv('%s/*/*.log.gz', delim=' ', header=true, nullstr='-', compression='gzip', filename=true)
group by all) to '%s' (header, delimiter ',')
''')
"""

# The columns are named and typed, so that ClickHouse does not look for them in every file.
CHDB = """
import chdb
chdb.query('''
select splitByChar('/', _path)[-2] as cluster, intDiv(start, 60) as minute, dstaddr, dstport, count() as flows,
  countIf(action = 'REJECT') as rejects, countIf("tcp-flags" = 2) as syn_only, sum(packets) as packets,
  sum(bytes) as bytes
from file('%s/*/*.log.gz', 'CustomSeparatedWithNames', '%s', 'gzip')
group by all
into outfile '%s' truncate format CSVWithNames
settings format_custom_field_delimiter = ' ', format_custom_escaping_rule = 'CSV',
  format_csv_null_representation = '-', output_format_csv_crlf_end_of_line = 0
''')
"""
NUMBERS = {"srcport": "Int32", "dstport": "Int32", "packets": "Int64", "bytes": "Int64", "start": "Int64",
           "end": "Int64", "tcp-flags": "Int32"}


def columns_of_chdb():
    return ", ".join(f"`{name}` Nullable({NUMBERS.get(name, 'String')})" for name in HEADER.split())


def peers(folder, work):
    """The other programs that are installed: their command, and the file their rows go to."""
    found = {}
    try:
        import duckdb
        rows = os.path.join(work, "duckdb.csv")
        found[f"DuckDB {duckdb.__version__}"] = ([sys.executable, "-c", DUCKDB % (folder, rows)], rows)
    except ImportError:
        pass
    try:
        import chdb
        rows = os.path.join(work, "chdb.csv")
        script = CHDB % (os.path.abspath(folder), columns_of_chdb(), rows)
        found[f"chdb {chdb.__version__}"] = ([sys.executable, "-c", script], rows)
    except ImportError:
        pass
    return found


def measure_import(folder, cairn, work, number):
    """Wall and processor seconds of importing both clusters, named by their folders, which leaves the tables up to
    date."""
    place, key = os.path.join(work, f"flow-ledger-{number}"), os.path.join(work, f"key{number}")
    subprocess.run([cairn, "init", "--ledger", place, "--key", key], check=True, stdout=subprocess.DEVNULL)
    taken = run([cairn, "import", "flow-logs", folder, "--ledger", place, "--key", key])
    with sqlite3.connect(os.path.join(place, "read-model.sqlite")) as tables:
        counted, = tables.execute("SELECT sum(flows) FROM flow_counters").fetchone()
    imported = sum(line.startswith(b"5 ") for cluster in os.listdir(folder)
                   for name in os.listdir(os.path.join(folder, cluster))
                   for line in gzip.open(os.path.join(folder, cluster, name))) if number == 0 else counted
    if counted != imported:
        sys.exit(f"the tables count {counted} of {imported} records")
    return taken


# In a process of its own: the largest resident set of a child begins with that of the process that starts it.
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_kilobytes(folder, cairn, work):
    """Largest resident sets of importing the files, and of importing ten times as many: the same once more each time,
    told apart by the time in their gzip headers."""
    large = os.path.join(work, "ten-times")
    for cluster in os.listdir(folder):
        os.makedirs(os.path.join(large, cluster))
        for name in os.listdir(os.path.join(folder, cluster)):
            with open(os.path.join(folder, cluster, name), "rb") as file:
                content = file.read()
            for number in range(10):
                with open(os.path.join(large, cluster, f"{number}-{name}"), "wb") as file:
                    file.write(content[:4] + number.to_bytes(4, "little") + content[8:])
    peaks = []
    for name, files in (("once", folder), ("ten", large)):
        place, key = os.path.join(work, f"peak-{name}"), os.path.join(work, f"key-peak-{name}")
        subprocess.run([cairn, "init", "--ledger", place, "--key", key], check=True, stdout=subprocess.DEVNULL)
        command = [cairn, "import", "flow-logs", files, "--ledger", place, "--key", key]
        done = subprocess.run([sys.executable, "-c", PEAK, *command], check=True, stdout=subprocess.PIPE)
        peaks.append(int(done.stdout))
    return peaks


def measure(folder, cairn, work, imports=True, figures=None):
    """Prints a Markdown table; the runs of the programs alternate, so that a slow minute hits all of them."""
    ours = os.path.join(work, "cairn.csv")
    flows = [cairn, "flows", folder, "--by", "cluster,minute,dstaddr,dstport", "-o", "csv"]
    others = peers(folder, work)
    times = {name: [] for name in ["cairn flows", *others, *(["cairn import flow-logs"] if imports else [])]}
    for number in range(RUNS):
        times["cairn flows"].append(run(flows, ours))
        for name, (command, _) in others.items():
            times[name].append(run(command))
        if imports:
            times["cairn import flow-logs"].append(measure_import(folder, cairn, work, number))
    wall = {name: statistics.median(value[0] for value in values) for name, values in times.items()}
    best = min((wall[name] for name in others), default=None)
    print("| program | wall s, median | processor s | times as fast as the better peer |")
    print("| --- | ---: | ---: | ---: |")
    for name, values in times.items():
        cpu = statistics.median(value[1] for value in values)
        print(f"| {name} | {wall[name]:.2f} | {cpu:.2f} | {f'{best / wall[name]:.2f}' if best else '-'} |")
    print()
    for name, (_, rows) in others.items():
        compare(name, ours, rows)
    found = {"programs": {name: {"wall": wall[name], "cpu": statistics.median(value[1] for value in values)}
                          for name, values in times.items()}, "peers": list(others)}
    if imports:
        found["peak_kilobytes"] = peak_kilobytes(folder, cairn, work)
        print("\nLargest resident set of importing these, and ten times as many files: "
              + ", ".join(f"{peak / 1000:.0f} MB" for peak in found["peak_kilobytes"]) + ".")
    if figures:
        with open(figures, "w") as file:
            json.dump(found, file, indent=1)


def rows_of(path):
    """The rows of a file, sorted, without quotes."""
    with open(path) as file:
        return sorted(file.read().replace('"', "").splitlines()[1:])


def compare(name, ours, theirs):
    """The rows of both programs, which must be the same."""
    mine, others = rows_of(ours), rows_of(theirs)
    same = mine == others
    print(f"Rows of Cairn and {name}: {len(mine)} and {len(others)}, {'the same' if same else 'NOT the same'}.")
    if not same:
        sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out")
    parser.add_argument("--measure")
    parser.add_argument("--cairn")
    parser.add_argument("--work")
    parser.add_argument("--flows-only", action="store_true")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.cairn, options.work, imports=not options.flows_only,
                figures=options.json)
    else:
        make(options.records, options.out, options.seed)


main()
