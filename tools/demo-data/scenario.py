"""The story all files tell: the names, the clock of the migration, how traffic moves, and the two injected faults.

Harbor, the streaming platform of an invented company, moves its cluster in eu-west-1 from self-managed Kubernetes to
Amazon EKS. Everything that only sounds real is invented; addresses are those reserved for documentation (RFC 5737) and
benchmarks (RFC 2544).
"""

import math
from dataclasses import dataclass
from datetime import datetime, timezone

from noise import Noise

MIGRATION = "harbor-eu-1"
SOURCE = "harbor-sm-eu-1"
TARGET = "harbor-eks-eu-1"
CLUSTERS = (SOURCE, TARGET)
TENANT = "harbor"
REGION = "eu-west-1"
ACCOUNT = "111122223333"
FAULTS = ("all", "drops", "divergence", "none")
DEFAULT_SEED = 7


def at(text):
    """Seconds since 1970 of `2026-03-10 08:00` or `2026-03-10 08:00:30`, UTC."""
    if len(text) == 16:
        text += ":00"
    return int(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc).timestamp())


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# Metrics and flow logs cover these three hours.
OBSERVED_FROM = at("2026-03-10 08:00")
OBSERVED_UNTIL = at("2026-03-10 11:00")
# (moment, percent of production traffic that the name servers give to the target from then on)
SHIFTS = ((at("2026-03-10 09:30"), 10), (at("2026-03-10 09:40"), 50), (at("2026-03-10 10:40"), 100))
# Resolvers follow within the lowered TTL of a minute; a few cache longer than they should.
RESOLVER_SECONDS = 50
STUBBORN_SHARE, STUBBORN_SECONDS = 0.02, 540
# Synthetic load that keeps the target warm, as a share of the platform's traffic.
SYNTHETIC_SHARE = 0.06


@dataclass(frozen=True)
class Application:
    name: str
    kind: str
    replicas: int
    # Requests per second of the whole platform at the reference hour; 0 for what serves no HTTP.
    rate: float
    # Shares of status codes besides 200.
    codes: tuple = ()
    # Seconds: median and 99th percentile.
    p50: float = 0
    p99: float = 0


# Some mixes look odd and are the applications' own business: half of `device-config` is 404, `heartbeat` is all 204.
APPLICATIONS = (
    Application("account", "stateless", 4, 12, (("204", 0.05), ("404", 0.02), ("503", 0.0010)), 0.042, 0.31),
    Application("artwork", "stateless", 10, 130, (("304", 0.31), ("404", 0.04), ("503", 0.0004)), 0.009, 0.085),
    Application("catalog", "stateless", 8, 64, (("304", 0.08), ("404", 0.03), ("503", 0.0006)), 0.024, 0.19),
    Application("device-config", "stateless", 4, 18, (("404", 0.52), ("503", 0.0008)), 0.006, 0.048),
    Application("entitlements", "stateless", 6, 46, (("403", 0.03), ("404", 0.02), ("503", 0.0007)), 0.018, 0.12),
    Application("heartbeat", "stateless", 8, 210, (("204", 0.985), ("503", 0.0003)), 0.003, 0.022),
    Application("home-feed", "stateless", 12, 88, (("304", 0.12), ("404", 0.005), ("503", 0.0008)), 0.071, 0.46),
    Application("playback", "stateless", 14, 140, (("204", 0.11), ("404", 0.006), ("503", 0.0005)), 0.033, 0.21),
    Application("profile", "stateless", 5, 26, (("204", 0.14), ("404", 0.03), ("503", 0.0009)), 0.021, 0.17),
    Application("recommendations", "stateless", 8, 34, (("204", 0.22), ("503", 0.0012)), 0.095, 0.62),
    Application("search", "stateless", 8, 38, (("204", 0.06), ("404", 0.09), ("503", 0.0010)), 0.058, 0.44),
    Application("watchlist", "stateless", 4, 20, (("204", 0.25), ("404", 0.02), ("503", 0.0008)), 0.026, 0.2),
    Application("billing-events", "kafka-pair", 4, 0),
    Application("push-sender", "kafka-pair", 6, 0),
    Application("thumbnailer", "headless", 3, 0),
    Application("session-store", "stateful", 3, 0),
)


@dataclass(frozen=True)
class Peer:
    """Something the cluster opens connections to."""

    name: str
    address: str
    port: int
    # Connections a minute of the whole platform.
    rate: float
    # The traffic-path field of version 5: 1 in the VPC, 3 through a virtual private gateway.
    path: int
    is_partner: bool


PEERS = (
    Peer("payments acquirer", "192.0.2.41", 8443, 9, 3, True),
    Peer("identity broker", "192.0.2.77", 443, 8, 3, True),
    Peer("advertising exchange", "198.51.100.23", 443, 8, 3, True),
    Peer("licence server", "198.51.100.150", 8443, 7, 3, True),
    Peer("fraud scoring", "203.0.113.88", 9443, 7, 3, True),
    Peer("orders database", "10.40.200.12", 5432, 4, 1, False),
    Peer("message broker", "10.40.201.31", 9092, 3, 1, False),
    Peer("session cache", "10.40.202.8", 6379, 3, 1, False),
)
INGRESS_RATE = 7

DROP_CAUSES = (
    "the partner pushed a firewall rule set whose allow list had lost the new node subnets",
    "the partner's firewall put the new node subnets into its unknown zone, whose default is a silent drop",
    "the partner's intrusion prevention took the new node subnets for a scan and shunned them",
)
DIVERGENCE_CAUSES = (
    "the application's connection pool is sized per node, and the new nodes are twice as large",
    "the new cluster's pods ran into the CPU limit that the old cluster never enforced",
    "the application resolved its backend through a search path that the new cluster tries five times",
)


@dataclass(frozen=True)
class Drops:
    peer: Peer
    start: int
    end: int
    cause: str


@dataclass(frozen=True)
class Divergence:
    application: Application
    start: int
    latency_factor: float
    error_share: float
    cause: str


class Scenario:
    def __init__(self, seed, fault):
        self.seed = seed
        self.fault = fault
        noise = Noise.of(seed, "faults")
        # Both clusters carry half of the traffic from 09:40 to 10:40: the faults lie well inside.
        start = at("2026-03-10 09:52") + 60 * noise.randrange(0, 18)
        drops = Drops(
            noise.choice([peer for peer in PEERS if peer.is_partner]), start, start + 60 * noise.randrange(14, 23),
            noise.choice(DROP_CAUSES))
        divergence = Divergence(
            noise.choice([app for app in APPLICATIONS if app.rate >= 20]),
            at("2026-03-10 09:48") + 60 * noise.randrange(0, 20), 1.8 + 0.5 * noise.random(),
            0.012 + 0.012 * noise.random(), noise.choice(DIVERGENCE_CAUSES))
        self.drops = drops if fault in ("all", "drops") else None
        self.divergence = divergence if fault in ("all", "divergence") else None

    def noise(self, *names):
        return Noise.of(self.seed, *names)

    @staticmethod
    def target_share(second):
        """The share of production traffic that reaches the target, from 0 to 1."""
        share = 0.0
        for moment, percent in SHIFTS:
            if second < moment:
                break
            waited = second - moment
            moved = 1 - (1 - STUBBORN_SHARE) * math.exp(-waited / RESOLVER_SECONDS) \
                - STUBBORN_SHARE * math.exp(-waited / STUBBORN_SECONDS)
            share += (percent / 100 - share) * moved
        return share

    @staticmethod
    def load(cluster, second):
        """A cluster's load as a share of the platform's at the reference hour: a morning that grows, and the shift."""
        day = 1 + 0.16 * math.sin(2 * math.pi * (second - at("2026-03-10 08:30")) / 21_600)
        share = Scenario.target_share(second)
        return day * (1 - share) if cluster == SOURCE else day * share + SYNTHETIC_SHARE

    def truth(self):
        drops, divergence = self.drops, self.divergence
        return {
            "seed": self.seed,
            "fault": self.fault,
            "migration": f"migration/{MIGRATION}",
            "clusters": {"source": SOURCE, "target": TARGET},
            "observed": {"from": rfc3339(OBSERVED_FROM), "until": rfc3339(OBSERVED_UNTIL)},
            "traffic_shifts": [{"time": rfc3339(time), "target_percent": percent} for time, percent in SHIFTS],
            "drops": drops and {
                "cluster": TARGET, "side": "target-only", "kind": "unanswered", "partner": drops.peer.name,
                "peer": drops.peer.address, "peer_port": drops.peer.port, "start": rfc3339(drops.start),
                "end": rfc3339(drops.end), "cause": drops.cause,
            },
            "divergence": divergence and {
                "cluster": TARGET, "app": divergence.application.name, "start": rfc3339(divergence.start),
                "end": rfc3339(OBSERVED_UNTIL), "p99_factor": round(divergence.latency_factor, 3),
                "extra_error_share": round(divergence.error_share, 4), "code": "503",
                "metrics": ["http_requests_total", "http_request_duration_seconds"], "cause": divergence.cause,
            },
        }
