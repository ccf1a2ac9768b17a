internal import CairnBytes

/// What a playbook asks for before a stage begins or ends; and who may approve.
extension RuleCheck {
    mutating func check(_ requirement: Playbook.Requirement, of place: Int) {
        switch requirement {
        case .approval: checkApproved()
        case .gate:
            guard let gate = state.gates[phase] else {
                add(.gateNotPassed, "the gate of \(phase) was not evaluated")
                return
            }
            if gate.result != "pass" {
                let reasons = gate.reasons.isEmpty ? "" : ": " + gate.reasons.joined(separator: "; ")
                add(.gateNotPassed, "the gate of \(phase) says \(gate.result)\(reasons)")
            }
        case .checks: checkChecks(since: state.phases[place].startedAt)
        case .check(let name):
            if state.checks[name]?.result != "pass" {
                add(
                    .checkNotPassed,
                    "the check \(name) \(state.checks[name].map { "says \($0.result)" } ?? "is missing")")
            }
        case .ttlElapsed: checkTTLs()
        case .freeze:
            if state.freezes.isEmpty { add(.notFrozen, "\(phase) needs a freeze of the pipelines") }
        case .noFreeze:
            if let scope = state.freezes.keys.min() { add(.stillFrozen, "\(scope) is still frozen") }
        case .stackReady: checkStack()
        case .trafficOnTarget:
            let target = state.production?.target ?? 0
            if target != 100 {
                add(
                    .trafficNotShifted,
                    "\(CanonicalJSON.text(of: target)) percent of production traffic is on the target, not 100")
            }
        case .bake(let parameter):
            let minutes = state.number(ofParameter: parameter) ?? 0
            guard minutes > 0, let start = state.phases[place].startedAt else { return }
            if time < start.later(bySeconds: minutes * 60) {
                add(
                    .bakeNotElapsed,
                    "\(phase) lasts \(CanonicalJSON.text(of: minutes)) min from \(start)")
            }
        }
    }

    private mutating func checkApproved() {
        if data["emergency"]?.bool == true { return }
        guard let approval = state.approvals[phase] else {
            add(.unapproved, "\(phase) needs an approval, and none was asked for")
            return
        }
        switch approval.status {
        case .requested: add(.unapproved, "the approval of \(phase) is still open")
        case .rejected: add(.unapproved, "\(phase) was rejected by \(approval.approver ?? "somebody")")
        case .granted:
            if let expires = approval.expires, time > expires {
                add(.approvalExpired, "the approval of \(phase) held until \(expires)")
            }
        }
    }

    private mutating func checkChecks(since start: Timestamp?) {
        let own = state.checks.filter { start == nil || $0.value.time >= (start ?? $0.value.time) }
        if own.isEmpty { add(.checkNotPassed, "\(phase) has no check") }
        for (name, check) in own.sorted(by: { $0.key < $1.key }) where check.result != "pass" {
            add(.checkNotPassed, "the check \(name) says \(check.result)")
        }
    }

    private mutating func checkTTLs() {
        guard let last = state.ttlChanges.max(by: { $0.elapsedAt < $1.elapsedAt }) else {
            add(.ttlNotElapsed, "no record's TTL was lowered, so caches may hold the old answer for days")
            return
        }
        if time < last.elapsedAt {
            add(
                .ttlNotElapsed,
                "the earliest switch is \(last.elapsedAt): \(last.record) had a TTL of \(last.oldSeconds) s until "
                    + "\(last.time)")
        }
    }

    private mutating func checkStack() {
        if state.checks["stack-ready"]?.result == "pass" { return }
        let missing = state.applications.values.filter {
            $0.workloadClass != nil && $0.replicas != 0 && ($0.sizes[state.target ?? ""] ?? 0) < 1
        }.map(\.name).sorted()
        guard let first = missing.first else { return }
        add(
            .stackNotReady,
            "\(missing.count) of \(state.applications.count) applications do not run in the target: \(first)"
                + (missing.count > 1 ? ", ..." : ""))
    }

    mutating func checkApproval() {
        checkKnownStage()
        let approval = state.approvals[phase]
        let isRetroactive = data["retroactive"]?.bool == true
        let isEmergency = data["emergency"]?.bool == true
        let requesters = (approval?.requesters ?? []) + (state.emergencies[phase]?.requesters ?? [])
        if requesters.contains(where: { RuleCheck.isSamePerson($0, text("approver")) }) {
            add(.approverIsRequester, "\(text("approver")) asked for \(phase), and somebody else has to decide")
        }
        let isOpen = approval?.status == .requested
        if isRetroactive {
            if name == "approval.granted", state.emergencies[phase] == nil {
                add(.notRequested, "\(phase) had no emergency start to approve afterwards")
            }
        } else if !isOpen, !isEmergency {
            add(
                .notRequested,
                approval == nil ? "nobody asked for \(phase)" : "the request for \(phase) is decided already")
        }
        if isOpen, let expires = approval?.expires, time > expires {
            add(.approvalExpired, "the request for \(phase) held until \(expires)")
        }
    }

    /// Whether two names are one person: letters of either case and spaces do not count.
    static func isSamePerson(_ left: String, _ right: String) -> Bool {
        func plain(_ name: String) -> String {
            let bytes = name.utf8.filter { $0 > 0x20 }
            return String(decoding: bytes, as: UTF8.self).lowercased()
        }
        return plain(left) == plain(right)
    }

    mutating func checkFreezeEnd() {
        let scope = text("scope")
        if state.freezes[scope] == nil, provenance == .command {
            add(.notFrozen, "\(scope) is not frozen")
        }
        guard let active = state.activePhase, let stage = state.playbook?.stage(named: active.name),
            (stage.startRequirements + stage.completeRequirements).contains(.freeze),
            state.freezes.count <= 1
        else { return }
        add(.freezeNeeded, "\(active.name) runs, and needs the freeze")
    }
}
