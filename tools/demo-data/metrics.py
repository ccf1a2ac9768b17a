"""Prometheus text with millisecond timestamps, one sample each half minute and series, one file per cluster.

Counts are overdispersed, latencies autocorrelated, both follow the time of day, and what moves both clusters at once
(the audience, the database) is shared: only what differs between the clusters says anything about the migration.
"""

import math

from noise import Drift
from scenario import (APPLICATIONS, CLUSTERS, OBSERVED_FROM, OBSERVED_UNTIL, SHIFTS, SOURCE, TARGET, Scenario, at)

STEP_SECONDS = 30
# Dirichlet-multinomial: variance of a status share beyond the binomial.
SHARE_CORRELATION = 0.0003
# A busy database slows everything in both clusters for some minutes: nobody's fault in the migration.
SHARED_SLOWDOWN = (at("2026-03-10 10:08"), at("2026-03-10 10:13"), 1.25)
QUANTILES = (("0.5", "p50"), ("0.99", "p99"))
TOPICS = {"billing-events": "billing.events", "push-sender": "push.outbox", "thumbnailer": "thumbnail.jobs"}
HELP = {
    "http_requests_total": ("counter", "Requests answered, by status code."),
    "http_request_duration_seconds": ("gauge", "Quantiles of the time to answer since the last scrape."),
    "kafka_consumergroup_lag_sum": ("gauge", "Messages that the consumer group has not read."),
    "kube_deployment_spec_replicas": ("gauge", "Pods wanted."),
    "kube_deployment_status_replicas_ready": ("gauge", "Pods ready."),
}


def sample_times():
    # Scrapes do not fall on the full minute.
    return range(OBSERVED_FROM + 7, OBSERVED_UNTIL, STEP_SECONDS)


def generate(scenario):
    """File name to text."""
    series = {cluster: {} for cluster in CLUSTERS}
    for application in APPLICATIONS:
        if application.rate > 0:
            requests(scenario, application, series)
            latencies(scenario, application, series)
        if application.name in TOPICS:
            lag(scenario, application, series)
        pods(scenario, application, series)
    return {f"{cluster}.prom": text(cluster, series[cluster]) for cluster in CLUSTERS}


def requests(scenario, application, series):
    shared = scenario.noise("requests", application.name)
    demand = Drift(shared, 0.9, 0.05)
    odds = {code: Drift(shared, 0.8, 0.15 if code.startswith("5") else 0.03 * (1 - share)) for code, share in application.codes}
    own = {cluster: scenario.noise("requests", application.name, cluster) for cluster in CLUSTERS}
    codes = ["200"] + [code for code, _ in application.codes]
    totals = {cluster: {code: own[cluster].randrange(10_000, 4_000_000) for code in codes} for cluster in CLUSTERS}
    lines = {cluster: {code: [] for code in codes} for cluster in CLUSTERS}
    divergence = scenario.divergence
    for second in sample_times():
        level = math.exp(demand.next())
        drifts = {code: math.exp(drift.next()) for code, drift in odds.items()}
        for cluster in CLUSTERS:
            noise = own[cluster]
            mean = application.rate * STEP_SECONDS * level * Scenario.load(cluster, second - STEP_SECONDS / 2)
            served = noise.overdispersed(mean, 0.002)
            means = [share * drifts[code] for code, share in application.codes]
            if divergence and cluster == TARGET and application is divergence.application \
                    and second >= divergence.start:
                means[-1] += divergence.error_share
            means.insert(0, max(0.0, 1 - sum(means)))
            rest, left = served, 1.0
            for code, share in reversed(list(zip(codes, noise.shares(means, SHARE_CORRELATION)))):
                count = noise.binomial(rest, share / left) if left > 0 else 0
                rest, left = rest - count, left - share
                totals[cluster][code] += count
                lines[cluster][code].append((second, totals[cluster][code]))
    for cluster in CLUSTERS:
        for code in codes:
            add(series, cluster, "http_requests_total", {"app": application.name, "code": code}, lines[cluster][code])


def latencies(scenario, application, series):
    shared = scenario.noise("latency", application.name)
    common = Drift(shared, 0.9, 0.05)
    own = {cluster: scenario.noise("latency", application.name, cluster) for cluster in CLUSTERS}
    # Newer hardware: the clusters differ a little, always, and within every sensible margin.
    offset = {SOURCE: 0.0, TARGET: -0.03 + 0.04 * shared.random()}
    drifts = {(cluster, quantile): Drift(own[cluster], 0.5, 0.015 if quantile == "0.5" else 0.04)
              for cluster in CLUSTERS for quantile, _ in QUANTILES}
    lines = {key: [] for key in drifts}
    divergence = scenario.divergence
    for second in sample_times():
        moved = common.next()
        start, end, factor = SHARED_SLOWDOWN
        if start <= second < end:
            moved += math.log(factor)
        for (cluster, quantile), drift in drifts.items():
            value = math.log(getattr(application, dict(QUANTILES)[quantile])) + moved + offset[cluster] + drift.next()
            if divergence and cluster == TARGET and application is divergence.application \
                    and second >= divergence.start:
                value += math.log(divergence.latency_factor) * (1 if quantile == "0.99" else 0.35)
            lines[cluster, quantile].append((second, f"{math.exp(value):.4g}"))
    for (cluster, quantile), samples in lines.items():
        labels = {"app": application.name, "quantile": quantile}
        add(series, cluster, "http_request_duration_seconds", labels, samples)


def lag(scenario, application, series):
    """One consumer group spans both clusters, so both exporters see the same lag, a little after one another."""
    noise = scenario.noise("lag", application.name)
    drift = Drift(noise, 0.7, 0.35)
    values = [(second, noise.poisson(40 * math.exp(drift.next()))) for second in sample_times()]
    labels = {"app": application.name, "consumergroup": application.name, "topic": TOPICS[application.name]}
    for cluster in CLUSTERS:
        add(series, cluster, "kafka_consumergroup_lag_sum", labels, values)


def pods(scenario, application, series):
    for cluster in CLUSTERS:
        wanted, ready = [], []
        for second in sample_times():
            wanted.append((second, replicas(application, cluster, second)))
            # A new pod needs most of a minute to become ready.
            ready.append((second, min(replicas(application, cluster, second),
                                      max(replicas(application, cluster, second - 45), 0))))
        add(series, cluster, "kube_deployment_spec_replicas", {"app": application.name}, wanted)
        add(series, cluster, "kube_deployment_status_replicas_ready", {"app": application.name}, ready)


def replicas(application, cluster, second):
    """Pods wanted at a moment, by the scaling steps that the events tell."""
    count = initial_replicas(application, cluster)
    for moment, step_cluster, _, after in scaling(application):
        if step_cluster == cluster and second >= moment:
            count = after
    return count


def initial_replicas(application, cluster):
    if cluster == SOURCE:
        return application.replicas
    # Every HTTP application has one pod in the target since the tests of the build phase.
    return 1 if application.kind == "stateless" else 0


def scaling(application):
    """(moment, cluster, from, to) in order: half and half before the shift, all to the target after it.

    Kafka pairs and stateful applications move one by one, so that there is never more than one too many; everything
    else grows first in the target, and at most by half of what it needs.
    """
    steps = []
    index = APPLICATIONS.index(application)
    count = {cluster: initial_replicas(application, cluster) for cluster in CLUSTERS}

    def scale(moment, cluster, to):
        if count[cluster] != to:
            steps.append((moment, cluster, count[cluster], to))
            count[cluster] = to

    half = application.replicas // 2
    begin = at("2026-03-10 09:01") + 35 * index
    finish = SHIFTS[-1][0] + 120 + 10 * index
    if application.kind == "stateless":
        scale(begin, TARGET, application.replicas - half)
        scale(begin + 120, SOURCE, half)
        scale(finish, TARGET, application.replicas)
        scale(finish + 180, SOURCE, 1)
        return steps
    for target in range(1, application.replicas + 1):
        moment = begin + 150 * (target - 1) if target <= application.replicas - half \
            else finish + 70 * (target - application.replicas + half)
        scale(moment, TARGET, target)
        scale(moment + 45, SOURCE, application.replicas - target)
    return steps


def add(series, cluster, name, labels, samples):
    series[cluster].setdefault(name, []).append((labels, samples))


def text(cluster, metrics):
    lines = []
    for name, entries in metrics.items():
        kind, meaning = HELP[name]
        lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
        for labels, samples in entries:
            written = ",".join(f'{key}="{value}"' for key, value in sorted({**labels, "cluster": cluster}.items()))
            lines += [f"{name}{{{written}}} {value} {second * 1000 + 250}" for second, value in samples]
    return "\n".join(lines) + "\n"
