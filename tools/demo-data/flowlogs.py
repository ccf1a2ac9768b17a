"""VPC flow logs, version 5 text, in the layout and with the habits of delivery to S3.

Each connection is logged in both directions by the node that opens or serves it; windows are at most a minute; an
object holds the records of one flow log whose windows ended within five minutes. Around the traffic lies what every
VPC has: lone SYNs, resets, packets after the close, scans from the internet, silent interfaces.
"""

import hashlib
from datetime import datetime, timezone

from scenario import ACCOUNT, INGRESS_RATE, OBSERVED_FROM, OBSERVED_UNTIL, PEERS, REGION, SOURCE, TARGET, at

HEADER = ("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action"
          " log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id flow-direction"
          " traffic-path")
VPC = "vpc-0c4a6e19b7d2f3508"
FLOW_LOG = {SOURCE: "fl-0a61c2d7e8f904b35", TARGET: "fl-0f93b5a1c7d260e84"}
NETWORK = {SOURCE: "10.40", TARGET: "10.41"}
NODES_PER_CLUSTER = 9
BUCKET_SECONDS = 300
FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18
# Shares of connections: opened and never answered, reset by the peer, still talking after the close.
LONE_SYN, RESET, LATE_CLOSE = 0.003, 0.004, 0.001
LONG_LIVED = 0.03
SCANS_A_MINUTE = 0.35
# A burst of knocking from the internet at the target's new load balancer.
SCAN_BURST = (at("2026-03-10 10:02"), at("2026-03-10 10:07"), 9)


class Node:
    def __init__(self, noise, cluster, index):
        zone = index % 3
        self.interface = "eni-0" + noise.hex(16)
        self.instance = "i-0" + noise.hex(16)
        self.subnet = f"subnet-0{'a' if cluster == SOURCE else 'b'}{zone + 1}5e7d3c1b9f40826"
        self.zone = f"euw1-az{zone + 1}"
        block = 16 * zone + noise.randrange(0, 16)
        self.address = f"{NETWORK[cluster]}.{block}.{noise.randrange(10, 120)}"
        self.pods = [f"{NETWORK[cluster]}.{block}.{noise.randrange(128, 250)}" for _ in range(3)]


def generate(scenario, cluster):
    """Path below the cluster's folder to the text of the object."""
    noise = scenario.noise("flow-logs", cluster)
    nodes = [Node(noise, cluster, index) for index in range(NODES_PER_CLUSTER)]
    records = []
    for minute in range(OBSERVED_FROM, OBSERVED_UNTIL, 60):
        load = scenario.load(cluster, minute + 30)
        for peer in PEERS:
            for _ in range(noise.overdispersed(peer.rate * load, 0.03)):
                start = minute + noise.randrange(60)
                if is_dropped(scenario, cluster, peer, start):
                    refused_attempts(noise, records, nodes, peer, start)
                else:
                    egress(noise, records, noise.choice(nodes), peer, start)
        for _ in range(noise.overdispersed(INGRESS_RATE * load, 0.05)):
            ingress(noise, records, noise.choice(nodes), minute + noise.randrange(60))
        scans = SCANS_A_MINUTE
        if cluster == TARGET and SCAN_BURST[0] <= minute < SCAN_BURST[1]:
            scans += SCAN_BURST[2]
        for _ in range(noise.poisson(scans)):
            scan(noise, records, noise.choice(nodes), minute + noise.randrange(60))
        if noise.random() < 0.05:
            records.append(silent(noise.choice(nodes), minute))
    return objects(cluster, records)


def is_dropped(scenario, cluster, peer, second):
    drops = scenario.drops
    return drops is not None and cluster == TARGET and peer is drops.peer and drops.start <= second < drops.end


def refused_attempts(noise, records, nodes, peer, start):
    """What a silent firewall leaves in the log: SYNs that the kernel repeats, and clients that try again elsewhere."""
    for attempt in range(1 + (noise.random() < 0.7)):
        node = noise.choice(nodes)
        began = start + 9 * attempt + noise.randrange(4)
        packets = noise.choice([3, 4, 4, 5])
        # The kernel doubles its patience: 1, 2, 4, 8 seconds.
        records.append(flow(
            noise, node, peer.address, peer.port, packets, 60 * packets, began, began + 2 ** (packets - 1) - 1, SYN,
            path=peer.path))


def egress(noise, records, node, peer, start):
    port, pod = noise.randrange(32_768, 61_000), noise.choice(node.pods)
    common = {"own_port": port, "pod": pod}
    chance = noise.random()
    if chance < LONE_SYN:
        records.append(flow(noise, node, peer.address, peer.port, 1, 60, start, start, SYN, path=peer.path, **common))
        return
    if chance < LONE_SYN + LONG_LIVED:
        long_lived(noise, records, node, peer, start, common)
        return
    packets = 4 + min(60, int(noise.expovariate(1 / 5)))
    size = packets * noise.randrange(90, 900)
    answered = max(3, packets + noise.randrange(-2, 4))
    end = start + min(40, int(noise.expovariate(1 / 6)))
    is_reset = chance > 1 - RESET
    records.append(flow(
        noise, node, peer.address, peer.port, packets, size, start, end, SYN | FIN, path=peer.path, **common))
    records.append(flow(
        noise, node, peer.address, peer.port, answered, answered * noise.randrange(60, 1300), start, end,
        SYN_ACK | (RST if is_reset else FIN), is_reverse=True, **common))
    if noise.random() < LATE_CLOSE:
        records.append(flow(
            noise, node, peer.address, peer.port, 1, 40, end + 70, end + 70, FIN, is_reverse=True, action="REJECT",
            **common))


def long_lived(noise, records, node, peer, start, common):
    """A connection kept open: one pair of records per window, flags only where it begins and ends."""
    windows = noise.randrange(2, 6)
    for window in range(windows):
        began = start if window == 0 else start + 60 * window - noise.randrange(1, 4)
        end = start + 60 * window + 50 + noise.randrange(6)
        if end >= OBSERVED_UNTIL:
            return
        first, last = window == 0, window == windows - 1
        packets = noise.randrange(6, 60)
        records.append(flow(
            noise, node, peer.address, peer.port, packets, packets * 210, began, end,
            (SYN if first else 0) | (FIN if last else 0), path=peer.path, **common))
        records.append(flow(
            noise, node, peer.address, peer.port, packets + 1, packets * 340, began, end,
            (SYN_ACK if first else 0) | (FIN if last else 0), is_reverse=True, **common))


def ingress(noise, records, node, start):
    client = f"198.18.{noise.randrange(0, 24)}.{noise.randrange(1, 255)}"
    port, pod = noise.randrange(20_000, 65_000), noise.choice(node.pods)
    packets = 5 + min(80, int(noise.expovariate(1 / 12)))
    end = start + min(45, int(noise.expovariate(1 / 8)))
    common = {"own_port": 8443, "pod": pod}
    records.append(flow(
        noise, node, client, port, packets, packets * 140, start, end, SYN | FIN, is_reverse=True, **common))
    records.append(flow(
        noise, node, client, port, packets + 2, packets * 870, start, end, SYN_ACK | FIN, path=8, **common))


def scan(noise, records, node, start):
    stranger = f"198.19.{noise.randrange(0, 256)}.{noise.randrange(1, 255)}"
    records.append(flow(
        noise, node, stranger, noise.randrange(1024, 65_535), 1, 40, start, start, SYN, is_reverse=True,
        own_port=noise.choice([22, 23, 445, 2375, 3389, 5900, 6443, 8080, 10250]), pod=node.address, action="REJECT"))


def flow(noise, node, peer, peer_port, packets, size, start, end, flags, *, own_port=None, pod=None, path=None,
         is_reverse=False, action="ACCEPT"):
    """One record as a tuple (interface, start, end, line): from the node to the peer, or the reverse."""
    own_port = own_port or noise.randrange(32_768, 61_000)
    pod = pod or noise.choice(node.pods)
    if is_reverse:
        ends = f"{peer} {node.address} {peer_port} {own_port}"
        inner, direction = f"{peer} {pod}", "ingress -"
    else:
        ends = f"{node.address} {peer} {own_port} {peer_port}"
        inner, direction = f"{pod} {peer}", f"egress {path}"
    line = (f"5 {ACCOUNT} {node.interface} {ends} 6 {packets} {size} {start} {end} {action} OK {VPC} {node.subnet}"
            f" {node.instance} {flags} IPv4 {inner} {REGION} {node.zone} {direction}")
    return node.interface, start, end, line


def silent(node, minute):
    line = (f"5 {ACCOUNT} {node.interface} - - - - - - - {minute} {minute + 59} - NODATA {VPC} {node.subnet}"
            f" {node.instance} - - - - {REGION} {node.zone} - -")
    return node.interface, minute, minute + 59, line


def objects(cluster, records):
    buckets = {}
    for record in records:
        if record[2] < OBSERVED_UNTIL:
            buckets.setdefault(record[2] // BUCKET_SECONDS * BUCKET_SECONDS, []).append(record)
    files = {}
    for bucket, members in sorted(buckets.items()):
        text = "\n".join([HEADER] + [member[3] for member in sorted(members)]) + "\n"
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        time = datetime.fromtimestamp(bucket, timezone.utc)
        folder = f"AWSLogs/{ACCOUNT}/vpcflowlogs/{REGION}/{time:%Y/%m/%d}"
        files[f"{folder}/{ACCOUNT}_vpcflowlogs_{REGION}_{FLOW_LOG[cluster]}_{time:%Y%m%dT%H%M}Z_{digest}.log.gz"] = text
    return files
