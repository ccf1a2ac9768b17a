import CairnBytes
package import CairnModel

// How events become facts. Every value may be missing or of another type: then the fact says less, and never fails.
extension CheckFacts {
    /// The types that say something to a check; names without version, as `EventType` has them.
    package static let eventNames: Set<String> = [
        "k8s.object", "k8s.object-deleted", "velero.backup", "velero.restore", "ttl.lowered", "alarm.changed",
        "traffic.shifted",
        "check.completed", "import.completed", "probe.answered", "aws.cloudwatch.alarm-state-change",
        "aws.cloudwatch.cloudwatch-alarm-state-change", "aws.elbv2.rule",
        "aws.elasticloadbalancing.aws-api-call-via-cloudtrail",
    ]

    /// Takes in one event, in the order of the log. What is told of a run counts if it is of `run`.
    package mutating func note(_ event: RecordedEvent, run: StreamName?) {
        let type = EventType(event.type)
        let isOwn = run == nil || event.subject == run
        switch type.name {
        case "k8s.object", "k8s.object-deleted": noteObject(event, isDeleted: type.name == "k8s.object-deleted")
        case "velero.backup", "velero.restore": noteVelero(event)
        case "import.completed":
            guard event.data["format"]?.string == "k8s-objects", let cluster = event.data["cluster"]?.string else {
                return
            }
            see(cluster, event.recordedTime)
        case "ttl.lowered" where isOwn: noteTTL(event)
        case "check.completed" where isOwn: noteCheck(event)
        case "traffic.shifted" where isOwn:
            guard event.data["kind"]?.string == "production", let weights = event.data["weights"]?.object else {
                return
            }
            shift = Shift(weights: CheckFacts.numbers(weights), time: event.time, position: event.position)
        case "alarm.changed" where isOwn, "aws.cloudwatch.alarm-state-change",
            "aws.cloudwatch.cloudwatch-alarm-state-change":
            noteAlarm(event)
        case "probe.answered": noteProbes(event)
        case "aws.elbv2.rule", "aws.elasticloadbalancing.aws-api-call-via-cloudtrail": noteForward(event)
        default: return
        }
    }

    private mutating func see(_ cluster: String, _ time: Timestamp) {
        objectsSeen[cluster] = max(objectsSeen[cluster] ?? time, time)
    }

    private static func numbers(_ object: JSONObject) -> [String: Double] {
        var numbers: [String: Double] = [:]
        for member in object { numbers[member.name] = member.value.double }
        return numbers
    }

    // MARK: Kubernetes

    /// The stream of an object is `k8s/CLUSTER/NAMESPACE/NAME`.
    private static func objectName(_ event: RecordedEvent) -> ObjectName {
        let metadata = event.data["metadata"]
        return ObjectName(
            cluster: event.subject.id.split(separator: "/").first.map(String.init) ?? "",
            namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? event.subject.id,
            kind: event.data["kind"]?.string ?? "")
    }

    private mutating func noteObject(_ event: RecordedEvent, isDeleted: Bool) {
        let name = CheckFacts.objectName(event)
        see(name.cluster, event.recordedTime)
        let isGone = isDeleted || event.data["metadata"]?["deletionTimestamp"]?.string != nil
        switch name.kind {
        case "Node": nodes[name] = isGone ? nil : Node(event)
        case "Deployment", "StatefulSet", "DaemonSet": workloads[name] = isGone ? nil : Workload(event, name.kind)
        case "Pod": pods[name] = isGone ? nil : Pod(event)
        case "CronJob":
            cronJobs[name] =
                isGone
                ? nil
                : CronJob(isSuspended: event.data["spec"]?["suspend"]?.bool ?? false, position: event.position)
        case "TargetGroupBinding":
            bindings[name] = nil
            guard !isGone, let group = event.data["spec"]?["targetGroupARN"]?.string else { return }
            bindings[name] = TargetGroupBinding(targetGroup: group, position: event.position)
        default: return
        }
    }

    private mutating func noteVelero(_ event: RecordedEvent) {
        let status = event.data["status"]
        velero[CheckFacts.objectName(event)] = VeleroRun(
            backup: event.data["spec"]?["backupName"]?.string, phase: status?["phase"]?.string ?? "New",
            errors: status?["errors"]?.integer ?? 0, warnings: status?["warnings"]?.integer ?? 0,
            failure: status?["failureReason"]?.string, position: event.position, time: event.time)
    }

    // MARK: Runs

    private mutating func noteTTL(_ event: RecordedEvent) {
        guard let old = event.data["old_ttl_seconds"]?.integer, let new = event.data["new_ttl_seconds"]?.integer else {
            return
        }
        ttlChanges.append(
            TTLChange(
                record: event.data["record"]?.string ?? "a record", oldSeconds: max(0, old), newSeconds: max(0, new),
                time: event.time, position: event.position))
    }

    private mutating func noteCheck(_ event: RecordedEvent) {
        guard let name = event.data["name"]?.string else { return }
        let outcome = event.data["result"]?.string.flatMap { CheckOutcome(rawValue: $0) } ?? .undecided
        recordedChecks[name] = RecordedCheck(
            outcome: outcome, detail: event.data["detail"]?.string, time: event.time, position: event.position)
    }

    private mutating func noteAlarm(_ event: RecordedEvent) {
        let detail = event.data["detail"]
        let alarm = event.data["alarm"]?.string ?? detail?["alarmName"]?.string
        let state = event.data["state"]?.string ?? detail?["state"]?["value"]?.string
        guard let alarm, let state else { return }
        alarms.append(AlarmChange(alarm: alarm, state: state, time: event.time, position: event.position))
    }

    /// One answer, or many in `answers`.
    private mutating func noteProbes(_ event: RecordedEvent) {
        guard let cluster = event.data["cluster"]?.string else { return }
        for answer in event.data["answers"]?.array ?? [event.data] {
            guard let request = answer["request"]?.string,
                let status = answer["status"]?.string ?? answer["status"]?.integer.map(String.init)
            else { continue }
            let seconds = answer["latency_seconds"]?.double.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
            probes.append(
                ProbeAnswer(
                    cluster: cluster, request: request, status: status, seconds: seconds, time: event.time,
                    position: event.position))
        }
    }

    // MARK: Load balancers

    /// A rule as DescribeRules gives it, or a ModifyRule that CloudTrail saw: the same members, spelled differently.
    private mutating func noteForward(_ event: RecordedEvent) {
        let detail = event.data["detail"]
        if let name = detail?["eventName"]?.string, name != "ModifyRule" && name != "CreateRule" { return }
        guard detail?["errorCode"]?.string == nil else { return }
        let rule = detail?["requestParameters"] ?? event.data
        func member(_ value: JSONValue?, _ name: String) -> JSONValue? {
            value?[name] ?? value?[name.prefix(1).lowercased() + name.dropFirst()]
        }
        let arn = member(rule, "RuleArn")?.string ?? event.subject.text
        for action in member(rule, "Actions")?.array ?? [] where member(action, "Type")?.string == "forward" {
            var weights: [String: Double] = [:]
            for group in member(member(action, "ForwardConfig"), "TargetGroups")?.array ?? [] {
                guard let name = member(group, "TargetGroupArn")?.string else { continue }
                weights[name] = member(group, "Weight")?.double ?? 1
            }
            if weights.isEmpty, let only = member(action, "TargetGroupArn")?.string { weights[only] = 1 }
            guard !weights.isEmpty else { continue }
            forwards[arn] = ForwardWeights(weights: weights, time: event.time, position: event.position)
        }
    }
}

extension CheckFacts.Node {
    fileprivate init(_ event: RecordedEvent) {
        self.init(position: event.position, time: event.recordedTime)
        for condition in event.data["status"]?["conditions"]?.array ?? [] {
            guard let type = condition["type"]?.string, let status = condition["status"]?.string else { continue }
            conditions[type] = status
        }
    }
}

extension CheckFacts.Workload {
    fileprivate init(_ event: RecordedEvent, _ kind: String) {
        self.init(position: event.position, time: event.recordedTime)
        let status = event.data["status"]
        if kind == "DaemonSet" {
            desired = status?["desiredNumberScheduled"]?.integer ?? 0
            ready = status?["numberReady"]?.integer ?? 0
        } else {
            // Kubernetes starts one where the number is left out.
            desired = event.data["spec"]?["replicas"]?.integer ?? 1
            ready = status?["readyReplicas"]?.integer ?? 0
        }
        let containers = event.data["spec"]?["template"]?["spec"]?["containers"]?.array ?? []
        images = containers.compactMap { $0["image"]?.string }.sorted()
    }
}

extension CheckFacts.Pod {
    fileprivate init(_ event: RecordedEvent) {
        let metadata = event.data["metadata"]
        let status = event.data["status"]
        let labels = metadata?["labels"]
        let containers = status?["containerStatuses"]?.array ?? []
        let conditions = status?["conditions"]?.array ?? []
        self.init(
            app: labels?["app"]?.string ?? labels?["app.kubernetes.io/name"]?.string ?? metadata?["name"]?.string ?? "",
            phase: status?["phase"]?.string ?? "Unknown",
            isReady: conditions.contains { $0["type"]?.string == "Ready" && $0["status"]?.string == "True" },
            waiting: containers.compactMap { $0["state"]?["waiting"]?["reason"]?.string }.first,
            restarts: containers.compactMap { $0["restartCount"]?.integer }.reduce(0) {
                $0.addingReportingOverflow($1).partialValue
            },
            position: event.position, time: event.recordedTime)
    }
}
