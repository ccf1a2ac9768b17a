import CairnBytes

extension Check {
    static let nodeHealth = Check(
        "node-health",
        proves: "every node of the new cluster is Ready and under no pressure",
        needs: "Node objects (import k8s-objects) or the metric kube_node_status_condition",
        failureMeans: "pods may not start there, or are about to be evicted",
        remedy: "kubectl describe node NAME; replace the node, or wait until it is Ready"
    ) { facts in
        let nodes = facts.nodes.filter { facts.isJudged($0.key.cluster) }.sorted { $0.key < $1.key }
        guard !nodes.isEmpty else {
            return .needs("Node objects of \(facts.targetText), or kube_node_status_condition")
        }
        var problems: [(String, UInt64?)] = []
        for (name, node) in nodes {
            let ready = node.conditions["Ready"] ?? "not told"
            if ready != "True" { problems.append(("node \(name) is not Ready (\(ready))", node.position)) }
            for condition in ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"]
            where node.conditions[condition] == "True" {
                problems.append(("node \(name) has \(condition)", node.position))
            }
        }
        return .of(
            problems: problems, otherwise: "\(nodes.count) of \(nodes.count) nodes are Ready",
            evidence: nodes.compactMap(\.value.position), asOf: facts.seen(nodes.map { ($0.key, $0.value.time) }))
    }

    static let podHealth = Check(
        "pod-health",
        proves: "every workload of the new cluster has the pods it wants, ready, and none crashes",
        needs: "Deployment, StatefulSet, DaemonSet and Pod objects (import k8s-objects) or kube_deployment_... metrics",
        failureMeans: "the application runs with less capacity than planned, or not at all",
        remedy: "kubectl describe pod and kubectl logs --previous of the pods named; do not shift more traffic"
    ) { facts in
        let workloads = facts.workloads.filter { facts.isJudged($0.key.cluster) }.sorted { $0.key < $1.key }
        let pods = facts.recentPods.filter { facts.isJudged($0.key.cluster) }
        guard !workloads.isEmpty || !pods.isEmpty else {
            return .needs("workloads or pods of \(facts.targetText), as objects or as kube_deployment metrics")
        }
        var problems: [(String, UInt64?)] = []
        for (name, workload) in workloads where workload.ready < workload.desired {
            problems.append(("\(name) has \(workload.ready) of \(workload.desired) pods ready", workload.position))
        }
        for (name, pod) in pods {
            if let waiting = pod.waiting, waiting != "ContainerCreating", waiting != "PodInitializing" {
                problems.append(("pod \(name) waits: \(waiting), \(pod.restarts) restarts", pod.position))
            } else if pod.phase == "Failed" || pod.phase == "Unknown" {
                problems.append(("pod \(name) is \(pod.phase)", pod.position))
            } else if pod.phase != "Succeeded", !pod.isReady, workloads.isEmpty {
                problems.append(("pod \(name) is \(pod.phase) and not ready", pod.position))
            }
        }
        return .of(
            problems: problems,
            otherwise: "\(workloads.count) workloads and \(pods.count) pods are as they should be",
            evidence: workloads.compactMap(\.value.position) + pods.map(\.value.position),
            asOf: facts.seen(workloads.map { ($0.key, $0.value.time) } + pods.map { ($0.key, $0.value.time) }))
    }

    static let podStateComparison = Check(
        "pod-state-comparison",
        proves: "what runs in the old cluster runs in the new one too: every workload, ready, with the same images",
        needs: "workloads of both clusters, as objects (with images) or as kube_deployment metrics",
        failureMeans: "a workload was not moved, runs another version, or is less ready than it is in the old cluster",
        remedy: "restore or deploy what is missing; compare the images before any traffic moves"
    ) { facts in
        guard let pair = facts.pair else { return .needs("a migration with two clusters") }
        let known = facts.workloads.sorted { $0.key < $1.key }
        let old = known.filter { $0.key.cluster == pair.source }
        let new = known.filter { $0.key.cluster == pair.target }
        guard !old.isEmpty, !new.isEmpty else {
            return .needs("workloads of \(old.isEmpty ? pair.source : pair.target)")
        }
        var problems: [(String, UInt64?)] = []
        for (name, workload) in old {
            var counterpart = name
            counterpart.cluster = pair.target
            guard let other = facts.workloads[counterpart] else {
                // A workload that is scaled down to nothing runs nowhere, and need not be moved.
                if workload.desired > 0 { problems.append(("\(name) is missing in \(pair.target)", workload.position)) }
                continue
            }
            if workload.desired > 0, other.desired == 0 {
                problems.append(("\(name) has no pods in \(pair.target)", other.position))
            } else if workload.ready >= workload.desired, other.ready < other.desired {
                problems.append(
                    (
                        "\(name) has \(other.ready) of \(other.desired) pods ready in \(pair.target), all in \(pair.source)",
                        other.position
                    ))
            }
            if !workload.images.isEmpty, !other.images.isEmpty, workload.images != other.images {
                let images = other.images.filter { !workload.images.contains($0) }
                problems.append(
                    ("\(name) runs \(images.first ?? "other images") in \(pair.target) only", other.position))
            }
        }
        return .of(
            problems: problems, otherwise: "\(old.count) workloads are in the same state in both clusters",
            evidence: (old + new).compactMap(\.value.position),
            asOf: facts.seen((old + new).map { ($0.key, $0.value.time) }))
    }
}

extension CheckFacts {
    var targetText: String { target ?? "a cluster" }

    /// Pods as the last reading of their cluster had them. One that was not told of for longer may be gone: a rollout
    /// replaces pods by others with other names.
    var recentPods: [(key: ObjectName, value: Pod)] {
        pods.filter { name, pod in
            pod.time >= (objectsSeen[name.cluster] ?? pod.time).adding(seconds: -60 * CheckFacts.gaugeMinutes)
        }.sorted { $0.key < $1.key }
    }

    /// The newest moment of what was looked at; of the cluster that is further behind.
    func seen(_ objects: [(name: ObjectName, time: Timestamp)]) -> Timestamp? {
        var newest: [String: Timestamp] = [:]
        for (name, time) in objects {
            let time = max(time, objectsSeen[name.cluster] ?? time)
            newest[name.cluster] = max(newest[name.cluster] ?? time, time)
        }
        return newest.values.min()
    }
}
