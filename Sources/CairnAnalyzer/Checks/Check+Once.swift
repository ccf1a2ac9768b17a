import CairnBytes

extension Check {
    static let cronJobOnce = Check(
        "cron-job-once",
        proves: "every CronJob is active in exactly one of the two clusters",
        needs: "CronJob objects of both clusters (import k8s-objects)",
        failureMeans: "a job runs twice (double mails, double bookings), or never",
        remedy: "kubectl patch cronjob NAME -p '{\"spec\":{\"suspend\":true}}' in one cluster, false in the other"
    ) { facts in
        guard let pair = facts.pair else { return .needs("a migration with two clusters") }
        let jobs = facts.cronJobs.filter { $0.key.cluster == pair.source || $0.key.cluster == pair.target }
        for cluster in [pair.source, pair.target] where facts.objectsSeen[cluster] == nil {
            return .needs("CronJob objects of \(cluster)")
        }
        guard !jobs.isEmpty else { return .needs("CronJob objects of \(pair.source) and \(pair.target)") }
        let byName = Dictionary(grouping: jobs) { $0.key.description }
        var problems: [(String, UInt64?)] = []
        for (name, copies) in byName.sorted(by: { $0.key < $1.key }) {
            let active = copies.filter { !$0.value.isSuspended }
            if active.count > 1 {
                problems.append(("\(name) is active in both clusters", active[0].value.position))
            } else if active.isEmpty {
                problems.append(("\(name) is active in no cluster", copies[0].value.position))
            }
        }
        return .of(
            problems: problems, otherwise: "\(byName.count) CronJobs are active in exactly one cluster",
            evidence: jobs.map(\.value.position),
            asOf: [pair.source, pair.target].compactMap { facts.objectsSeen[$0] }.min())
    }

    static let targetGroupOnce = Check(
        "target-group-once",
        proves: "no target group is bound by both clusters",
        needs: "TargetGroupBinding objects of both clusters (import k8s-objects)",
        failureMeans: "two controllers register and deregister each other's pods: traffic flaps between the clusters",
        remedy: "delete the binding that Velero restored, or exclude targetgroupbindings.elbv2.k8s.aws from the restore"
    ) { facts in
        guard let pair = facts.pair else { return .needs("a migration with two clusters") }
        for cluster in [pair.source, pair.target] where facts.objectsSeen[cluster] == nil {
            return .needs("TargetGroupBinding objects of \(cluster)")
        }
        let bindings = facts.bindings.filter { $0.key.cluster == pair.source || $0.key.cluster == pair.target }
        let byGroup = Dictionary(grouping: bindings) { $0.value.targetGroup }
        var problems: [(String, UInt64?)] = []
        for (group, copies) in byGroup.sorted(by: { $0.key < $1.key }) {
            let clusters = Set(copies.map(\.key.cluster)).sorted()
            guard clusters.count > 1 else { continue }
            problems.append(
                ("\(group) is bound in \(clusters.joined(separator: " and "))", copies.map(\.value.position).max()))
        }
        return .of(
            problems: problems, otherwise: "\(byGroup.count) target groups are bound in one cluster each",
            evidence: bindings.map(\.value.position),
            asOf: [pair.source, pair.target].compactMap { facts.objectsSeen[$0] }.min())
    }
}
