import CairnBytes
package import CairnSeries

// What kube-state-metrics and the blackbox exporter say, where a cluster's samples have it.
extension CheckFacts {
    /// How far back probes count, and the newest value of a gauge still says how things are.
    static let probeMinutes: Int64 = 30
    static let gaugeMinutes: Int64 = 10

    /// Fills in nodes, workloads and probes of the clusters in question from samples. What objects said stays: they
    /// say more.
    package mutating func note(_ samples: any SampleSource) throws {
        let now = now.milliseconds
        let gauges = (now - CheckFacts.gaugeMinutes * 60_000)..<(now + 1)
        try noteNodes(samples, gauges)
        try noteWorkloads(samples, gauges)
        try noteProbes(samples, (now - CheckFacts.probeMinutes * 60_000)..<(now + 1))
        probes.sort { ($0.time, $0.cluster, $0.request, $0.status) < ($1.time, $1.cluster, $1.request, $1.status) }
    }

    private static func selector(_ metric: String) -> SeriesSelector {
        SeriesSelector([LabelMatcher(SeriesKey.nameLabel, equals: metric)])
    }

    private func forEachGauge(
        _ metric: String, _ samples: any SampleSource, _ range: TimeRangeMs,
        _ body: (SeriesKey, String, Sample, Timestamp) -> Void
    ) throws {
        try samples.forEachSeries(matching: CheckFacts.selector(metric), in: range) { key, values in
            guard let cluster = key[SeriesKey.clusterLabel], cluster == source || isJudged(cluster),
                let last = values.last(where: { $0.value.isFinite }), let time = Timestamp(milliseconds: last.timeMs)
            else { return }
            body(key, cluster, last, time)
        }
    }

    private mutating func noteNodes(_ samples: any SampleSource, _ range: TimeRangeMs) throws {
        var found: [ObjectName: Node] = [:]
        try forEachGauge("kube_node_status_condition", samples, range) { key, cluster, last, time in
            guard last.value == 1, let node = key["node"], let condition = key["condition"],
                let status = key["status"]
            else { return }
            let name = ObjectName(cluster: cluster, namespace: "", name: node, kind: "Node")
            found[name, default: Node(time: time)].conditions[condition] =
                status.prefix(1).uppercased()
                + status.dropFirst()
        }
        for (name, node) in found where nodes[name] == nil { nodes[name] = node }
    }

    private mutating func noteWorkloads(_ samples: any SampleSource, _ range: TimeRangeMs) throws {
        var found: [ObjectName: Workload] = [:]
        func name(_ key: SeriesKey, _ cluster: String) -> ObjectName? {
            guard let name = key["deployment"] ?? key["app"] else { return nil }
            return ObjectName(cluster: cluster, namespace: key["namespace"] ?? "", name: name, kind: "Deployment")
        }
        try forEachGauge("kube_deployment_spec_replicas", samples, range) { key, cluster, last, time in
            guard let name = name(key, cluster) else { return }
            found[name, default: Workload(time: time)].desired = Int64(clamping: last.value)
        }
        for metric in ["kube_deployment_status_replicas_ready", "kube_deployment_status_replicas_available"] {
            try forEachGauge(metric, samples, range) { key, cluster, last, time in
                guard let name = name(key, cluster), var workload = found[name] else { return }
                workload.ready = max(workload.ready, Int64(clamping: last.value))
                found[name] = workload
            }
        }
        for (name, workload) in found where workloads[name] == nil { workloads[name] = workload }
    }

    /// `probe_success` alone, or `probe_http_status_code` and `probe_duration_seconds` of the same probe.
    private mutating func noteProbes(_ samples: any SampleSource, _ range: TimeRangeMs) throws {
        // By labels: the metrics of one probe differ in the name alone.
        var seconds: [[Label]: [Int64: Double]] = [:]
        func place(_ key: SeriesKey) -> (cluster: String, request: String)? {
            guard let cluster = key[SeriesKey.clusterLabel], cluster == source || isJudged(cluster) else { return nil }
            let request = key["request"] ?? key["path"] ?? key["app"] ?? key["target"] ?? key["instance"] ?? ""
            return (cluster, request)
        }
        try samples.forEachSeries(matching: CheckFacts.selector("probe_duration_seconds"), in: range) { key, values in
            for value in values where value.value.isFinite {
                seconds[key.labels, default: [:]][value.timeMs] = value.value
            }
        }
        for metric in ["probe_http_status_code", "probe_success"] {
            try samples.forEachSeries(matching: CheckFacts.selector(metric), in: range) { key, values in
                guard let place = place(key) else { return }
                let isCode = metric == "probe_http_status_code"
                for value in values where value.value.isFinite {
                    guard let time = Timestamp(milliseconds: value.timeMs) else { continue }
                    let status = isCode ? String(Int64(clamping: value.value)) : value.value > 0 ? "up" : "down"
                    probes.append(
                        ProbeAnswer(
                            cluster: place.cluster, request: place.request, status: status,
                            seconds: isCode ? seconds[key.labels]?[value.timeMs] : nil, time: time))
                }
            }
        }
    }
}

extension Int64 {
    /// The nearest whole number; a value that is none, or too large, becomes the nearest there is.
    fileprivate init(clamping value: Double) {
        self = value.isNaN ? 0 : value >= 9e18 ? .max : value <= -9e18 ? .min : Int64(value.rounded())
    }
}
