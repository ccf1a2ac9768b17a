#!/usr/bin/env python3
"""Compares the table flow_counters of a ledger with DuckDB's aggregation of the same flow logs, key by key.

    compare_flow_counters.py FOLDER READ_MODEL

FOLDER holds a folder of gzip flow logs with a header line for each cluster, imported with `cairn import flow-logs
FOLDER/CLUSTER --cluster CLUSTER`; READ_MODEL is the ledger's read-model.sqlite. Both know cluster, minute, interface,
direction, protocol and action's counts; Cairn folds clients to blocks and drops the ephemeral port, so peers are
compared where both have them whole: servers by their address and port. Needs the Python package duckdb.
"""

import sqlite3
import sys

import duckdb

RECORDS = """
select regexp_extract(filename, '([^/]+)/[^/]+$', 1) as cluster, cast("start" as bigint) // 60 as minute,
  "interface-id" as interface, "flow-direction" as direction, cast(protocol as bigint) as protocol, srcaddr, dstaddr,
  srcport, dstport, action, "tcp-flags" as flags, cast(packets as hugeint) as packets, cast(bytes as hugeint) as bytes
from read_csv('%s/*/*.log.gz', delim=' ', header=true, nullstr='-', compression='gzip', filename=true)
where "log-status" = 'OK'
"""

SUMS = """count(*) as flows, count(*) filter (action = 'REJECT') as rejects,
  count(*) filter (protocol = 6 and cast(flags as bigint) & 4 = 4) as resets, sum(packets) as packets,
  sum(bytes) as bytes"""

QUESTIONS = {
    "cluster, minute, interface, direction, protocol": (
        f"select cluster, minute, interface, direction, protocol, {SUMS} from records group by all",
        "select cluster, minute, interface, direction, protocol, sum(flows), sum(rejects), sum(resets), sum(packets),"
        " sum(bytes) from flow_counters group by 1, 2, 3, 4, 5",
    ),
    "cluster, minute, interface, direction, server, port": (
        f"""select cluster, minute, interface, direction, case direction when 'egress' then dstaddr else srcaddr end,
  case direction when 'egress' then dstport else srcport end, {SUMS} from records
where exists (select 1 from servers where servers.peer = case direction when 'egress' then dstaddr else srcaddr end
  and servers.peer_port = case direction when 'egress' then dstport else srcport end)
group by all""",
        "select cluster, minute, interface, direction, peer, peer_port, sum(flows), sum(rejects), sum(resets),"
        " sum(packets), sum(bytes) from flow_counters where peer_role = 'server' group by 1, 2, 3, 4, 5, 6",
    ),
}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder, model = sys.argv[1:]
    cairn = sqlite3.connect(f"file:{model}?mode=ro", uri=True)
    peer = duckdb.connect()
    peer.execute(f"create table records as {RECORDS % folder}")
    servers = cairn.execute("select distinct peer, peer_port from flow_counters where peer_role = 'server'").fetchall()
    peer.execute("create table servers (peer varchar, peer_port bigint)")
    if servers:
        peer.executemany("insert into servers values (?, ?)", servers)
    different = 0
    for name, (theirs, ours) in QUESTIONS.items():
        expected = {tuple(row[:-5]): tuple(int(value) for value in row[-5:]) for row in peer.execute(theirs).fetchall()}
        found = {tuple(row[:-5]): tuple(int(value) for value in row[-5:]) for row in cairn.execute(ours).fetchall()}
        wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
        print(f"{name}: {len(found)} keys of Cairn, {len(expected)} of DuckDB, {len(wrong)} differ")
        for key in wrong[:5]:
            print(f"  {key}: {found.get(key)} and {expected.get(key)}")
        different += len(wrong)
    sys.exit(1 if different else 0)


main()
