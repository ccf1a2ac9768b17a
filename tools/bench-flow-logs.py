"""Makes flow logs from a seed, and measures `cairn flows` and `cairn import flow-logs` beside DuckDB on them.

    bench-flow-logs.py --records N --out DIR [--seed S]
    bench-flow-logs.py --measure DIR --cairn PROGRAM --work DIR
"""

import argparse
import gzip
import os
import random
import resource
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


def run(arguments, environment=None):
    """Wall and processor seconds of one whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
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


def measure(folder, cairn, work):
    """Prints a Markdown table; the runs of the programs alternate, so that a slow minute hits all of them."""
    key, ledger = os.path.join(work, "key"), os.path.join(work, "flow-ledger")
    flows = [cairn, "flows", folder, "--by", "cluster,minute,dstaddr,dstport", "-o", "csv"]
    commands = {"cairn flows": flows}
    try:
        import duckdb
        rows = os.path.join(work, "duckdb.csv")
        commands[f"DuckDB {duckdb.__version__}"] = [sys.executable, "-c", DUCKDB % (folder, rows)]
    except ImportError:
        pass
    times = {name: [] for name in commands}
    times["cairn import flow-logs"] = []
    for number in range(RUNS):
        for name, command in commands.items():
            times[name].append(run(command))
        place = f"{ledger}-{number}"
        subprocess.run([cairn, "init", "--ledger", place, "--key", key + str(number)], check=True,
                       stdout=subprocess.DEVNULL)
        total = [0.0, 0.0]
        for cluster in ("self-managed", "eks"):
            wall, cpu = run([cairn, "import", "flow-logs", os.path.join(folder, cluster), "--cluster", cluster,
                             "--ledger", place, "--key", key + str(number)])
            total = [total[0] + wall, total[1] + cpu]
        wall, cpu = run([cairn, "query", "SELECT count(*) FROM flow_counters", "--ledger", place])
        times["cairn import flow-logs"].append((total[0] + wall, total[1] + cpu))
    peer = next((name for name in times if name.startswith("DuckDB")), None)
    base = statistics.median(wall for wall, _ in times[peer]) if peer else None
    print("| program | wall s, median | processor s | times as fast as DuckDB |\n| --- | ---: | ---: | ---: |")
    for name, values in times.items():
        wall = statistics.median(value[0] for value in values)
        cpu = statistics.median(value[1] for value in values)
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {base / wall:.2f} |" if base else
              f"| {name} | {wall:.2f} | {cpu:.2f} | - |")
    if peer:
        compare(flows, os.path.join(work, "duckdb.csv"))


def compare(flows, path):
    """The rows of both programs, which must be the same."""
    ours = subprocess.run(flows, capture_output=True, text=True, check=True).stdout.splitlines()
    with open(path) as file:
        theirs = file.read().splitlines()
    same = sorted(ours[1:]) == sorted(theirs[1:])
    print(f"\nRows: {len(ours) - 1} and {len(theirs) - 1}, {'the same' if same else 'NOT the same'}.")
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
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.cairn, options.work)
    else:
        make(options.records, options.out, options.seed)


main()
