import CairnBytes

extension Check {
    static let ttlElapsed = Check(
        "dns-ttl-elapsed",
        proves: "every cache that keeps to TTLs has forgotten the records as they were before they were lowered",
        needs: "ttl.lowered events of the run, for every record on the path, the parent's NS among them",
        failureMeans: "clients go to the old address for as long as the old TTL says, hours or days after the switch",
        remedy: "wait until the moment named; then still watch the old side until its traffic is gone"
    ) { facts in
        guard !facts.ttlChanges.isEmpty else { return .needs("a ttl.lowered event for every record that will change") }
        let waits = facts.ttlChanges.map { ($0, $0.time.adding(seconds: min($0.oldSeconds, 1 << 32))) }
        let open = waits.filter { $0.1 > facts.now }.sorted { $0.1 > $1.1 }
        let last = waits.map(\.1).max()
        return .of(
            problems: open.map { change, until in
                (
                    "\(change.record) had a TTL of \(change.oldSeconds) s until \(change.time): wait until \(until)",
                    change.position
                )
            },
            otherwise: "the old TTLs of \(facts.ttlChanges.count) records ran out at \(last?.description ?? "?")",
            evidence: facts.ttlChanges.map(\.position), asOf: facts.now)
    }

    static let veleroResult = Check(
        "velero-result",
        proves: "the last run of every Velero backup and restore completed without errors, and its warnings were read",
        needs:
            "Backup and Restore objects (import velero); a recorded check velero-warnings-reviewed where there are any",
        failureMeans: "objects or volumes are missing in the new cluster, whatever the phase says",
        remedy: "velero restore describe NAME --details and velero restore logs NAME; repair, restore again"
    ) { facts in
        let runs = facts.velero.filter { $0.key.cluster == facts.source || facts.isJudged($0.key.cluster) }
            .sorted { $0.key < $1.key }
        guard !runs.isEmpty else { return .needs("Backup and Restore objects of Velero") }
        var problems: [(String, UInt64?)] = []
        var open: [(text: String, position: UInt64)] = []
        let bad: Set<String> = ["Failed", "PartiallyFailed", "FailedValidation", "FinalizingPartiallyFailed"]
        for (name, run) in runs {
            let text = "\(name.kind) \(name.name) of \(name.cluster)"
            let counts = "\(run.errors) errors, \(run.warnings) warnings"
            if bad.contains(run.phase) || run.errors > 0 {
                problems.append(
                    ("\(text) is \(run.phase): \(counts)\(run.failure.map { "; \($0)" } ?? "")", run.position))
            } else if run.phase != "Completed" {
                open.append(("\(text) is \(run.phase)", run.position))
            } else if run.warnings > 0, !facts.isReviewed(run) {
                open.append(("\(text) has \(run.warnings) warnings nobody has reviewed", run.position))
            }
        }
        if problems.isEmpty, let first = open.first {
            let more = open.count > 1 ? "; and \(open.count - 1) more" : ""
            return CheckVerdict(
                .undecided,
                "\(first.text)\(more); needs a check.completed named velero-warnings-reviewed for warnings",
                code: .notEnded, evidence: open.map(\.position), asOf: runs.map(\.value.time).max())
        }
        return .of(
            problems: problems, otherwise: "\(runs.count) backups and restores completed, warnings reviewed",
            evidence: runs.map(\.value.position), asOf: runs.map(\.value.time).max())
    }

    static let alarmAtStart = Check(
        "alarm-at-start",
        proves: "no alarm was firing when the stage began, or is now if it has not begun",
        needs: "alarm.changed or CloudWatch Alarm State Change events",
        failureMeans: "Amazon ECS ignores an alarm that fires already for the whole deployment: it protects nothing",
        remedy: "get the alarm back to OK before starting, or start without relying on it"
    ) { facts in
        let moment = min(facts.startedAt ?? facts.now, facts.now)
        var states: [String: CheckFacts.AlarmChange] = [:]
        // By the time it happened; of one moment, the later in the log.
        for change in facts.alarms where change.time <= moment {
            if let known = states[change.alarm], known.time > change.time { continue }
            states[change.alarm] = change
        }
        guard !states.isEmpty else { return .needs("the state of an alarm at \(moment): alarm events from before it") }
        let changes = states.values.sorted { $0.alarm < $1.alarm }
        return .of(
            problems: changes.filter { $0.state == "ALARM" }.map {
                ("\($0.alarm) was in ALARM since \($0.time) when the stage began at \(moment)", $0.position)
            }, otherwise: "\(changes.count) alarms were quiet at \(moment)", evidence: changes.map(\.position),
            asOf: moment)
    }

    static let listenerWeights = Check(
        "listener-weights",
        proves: "the listener forwards in the shares that the last traffic shift set",
        needs: "a traffic.shifted event, and a listener rule: CloudTrail's ModifyRule or an aws.elbv2.rule event; the "
            + "plan's gates.target_groups names which side a target group is",
        failureMeans: "somebody or something changed the weights: production may go to an empty target group",
        remedy: "aws elbv2 describe-rules; set the weights again before the next step"
    ) { facts in
        guard let shift = facts.shift else { return .needs("a traffic.shifted event of the run") }
        let known = Set(facts.targetGroups.values)
        let rules = facts.forwards.filter { rule in
            known.isEmpty ? rule.value.weights.count > 1 : !known.isDisjoint(with: rule.value.weights.keys)
        }.sorted { $0.key < $1.key }
        let total = shift.weights.values.reduce(0, +)
        guard !rules.isEmpty, total > 0 else {
            return .needs("a listener rule with its weights: CloudTrail's ModifyRule, or an aws.elbv2.rule event")
        }
        var problems: [(String, UInt64?)] = []
        for (name, rule) in rules {
            let sum = rule.weights.values.reduce(0, +)
            guard sum > 0 else {
                problems.append(("\(name) forwards to nobody: all weights are 0", rule.position))
                continue
            }
            let wanted = shift.weights.mapValues { $0 / total * 100 }
            let found: [(name: String, wanted: Double, percent: Double)]
            if known.isEmpty {
                // Without names, the larger share is the larger share.
                found = zip(wanted.sorted { $0.value < $1.value }, rule.weights.values.sorted())
                    .map { ($0.key, $0.value, $1 / sum * 100) }
            } else {
                found = facts.targetGroups.sorted { $0.key < $1.key }.map { side, group in
                    (side, wanted[side] ?? 0, (rule.weights[group] ?? 0) / sum * 100)
                }
            }
            // Whole weights of 0 to 999 cannot say every percentage.
            for share in found where (share.wanted - share.percent).magnitude > 0.1 {
                problems.append(
                    (
                        "\(name) sends \(CanonicalJSON.text(of: (share.percent * 10).rounded() / 10)) % to the "
                            + "\(share.name), \(CanonicalJSON.text(of: share.wanted)) % were set",
                        rule.position
                    ))
            }
        }
        return .of(
            problems: problems, otherwise: "\(rules.count) listener rules forward as set at \(shift.time)",
            evidence: [shift.position] + rules.map(\.value.position), asOf: rules.map(\.value.time).max())
    }
}

extension CheckFacts {
    /// Somebody looked at the result after the run ended, and recorded a Velero check that passed.
    fileprivate func isReviewed(_ run: VeleroRun) -> Bool {
        recordedChecks.contains { name, check in
            name.hasPrefix("velero") && check.outcome == .pass && check.time >= run.time
        }
    }
}
