internal import CairnBytes
package import CairnModel
package import CairnWeb

/// Says an event in words: what people read in a timeline or a replay. A pure function of the event, so that two exports
/// of one log agree; an unknown type is named and shown with its data rather than left out.
package struct EventDescription: Sendable, Hashable {
    package var kind: TimelineEntry.Kind
    package var severity: TimelineEntry.Severity
    package var action: String
    package var evidence: [String]
    package var marker: String?
    /// Who did it, where the event itself says so better than the account that recorded it.
    package var actor: String?

    package init(_ event: RecordedEvent) {
        var words = Words(event: event)
        words.describe()
        self = words.result
    }

    fileprivate init(kind: TimelineEntry.Kind, action: String) {
        self.kind = kind
        severity = .info
        self.action = action
        evidence = []
    }
}

/// The line of a timeline that an event becomes.
extension TimelineEntry {
    package init(_ event: RecordedEvent) {
        let words = EventDescription(event)
        // Something recorded more than a minute after it happened was told later, and the reader should know.
        let isLate = event.recordedTime.seconds - event.time.seconds > 60
        self.init(
            time: event.time, recordedTime: isLate ? event.recordedTime : nil, kind: words.kind,
            severity: words.severity, actor: words.actor ?? event.actorName, action: words.action,
            evidence: words.evidence.map { Evidence($0, position: nil) }, position: event.position,
            stream: event.subject.text, migration: event.subject.kind == "migration" ? event.subject.id : nil,
            deployment: event.subject.kind == "deployment" ? event.subject.id : nil, marker: words.marker)
    }
}

/// Works through one event; every kind of event is one short function.
private struct Words {
    let event: RecordedEvent
    var result: EventDescription

    init(event: RecordedEvent) {
        var event = event
        // Old versions and the names of others read as Cairn's own.
        if case .known(_, let data) = EventVocabulary.standard.read(type: event.type, data: event.data) {
            event.data = data
        }
        self.event = event
        result = EventDescription(kind: .other, action: event.type)
    }

    /// The type without its provenance and version: `phase.started`.
    var name: String {
        var parts = event.type.split(separator: ".").map(String.init)
        if let last = parts.last, last.hasPrefix("v"), Int(last.dropFirst()) != nil { parts.removeLast() }
        if parts.first == "cairn" || parts.first == "observed" { parts.removeFirst() }
        return parts.joined(separator: ".")
    }

    func text(_ key: String) -> String? {
        switch event.data[key] {
        case .string(let text)?: text.isEmpty ? nil : text
        case .number(let number)?: CanonicalJSON.text(of: number)
        case .bool(let flag)?: flag ? "yes" : "no"
        case .null?, nil: nil
        case let value?: CanonicalJSON.string(of: value)
        }
    }

    /// `label value`, if there is a value.
    func part(_ label: String, _ key: String, _ unit: String = "") -> String? {
        text(key).map { "\(label) \($0)\(unit)" }
    }

    /// `12 min after production traffic to 50 % on the target (entry 130), in shift-traffic approved by priya`.
    func preceding(_ change: JSONValue?) -> String? {
        guard let change, let what = change["what"]?.string, let position = change["position"]?.integer else {
            return nil
        }
        let minutes = (change["seconds_before"]?.integer ?? 0) / 60
        let approval = change["approved_by"]?.string.map { " approved by \($0)" } ?? ""
        let phase = change["phase"]?.string.map { ", in \($0)\(approval)" } ?? ""
        return "\(minutes) min after \(what) (entry \(position))\(phase)"
    }

    mutating func say(
        _ kind: TimelineEntry.Kind, _ severity: TimelineEntry.Severity, _ action: String, _ evidence: String?...
    ) {
        result.kind = kind
        result.severity = severity
        result.action = action
        result.evidence = evidence.compactMap { $0 }
    }

    /// `shift-traffic`, or `PRODUCTION_TRAFFIC_SHIFT, step 2`.
    var phase: String {
        let phase = text("phase") ?? "?"
        return text("step").map { "\(phase), step \($0)" } ?? phase
    }

    mutating func describe() {
        if let actor = text("actor") ?? text("approver") ?? text("requested_by") ?? text("person") {
            result.actor = actor
        }
        let family = name.split(separator: ".").first.map(String.init) ?? name
        switch family {
        case "migration", "deployment": run()
        case "phase": phaseChange()
        case "approval": approval()
        case "gate", "check": judgement()
        case "hook": hook()
        case "traffic", "bake": traffic()
        case "rollback": rollback()
        case "workload", "ttl", "freeze", "task", "alarm": operation()
        case "note", "event": annotation()
        case "violation": violation()
        case "finding": finding()
        case "analysis": say(.finding, .info, "analysed: \(AnalysisText.sentence(event.data))")
        case "incident": incident()
        case "import", "samples", "flows", "attachment", "key", "clock", "ledger", "playbook": ledgerKeeping()
        case "aws": aws()
        case "velero": velero()
        case "k8s": kubernetes()
        default: unknown()
        }
    }

    mutating func run() {
        let what = name.hasPrefix("migration") ? "migration" : "deployment"
        let kind: TimelineEntry.Kind = what == "migration" ? .plan : .deployment
        switch name {
        case "migration.planned":
            let count = event.data["applications"]?.array?.count ?? 0
            say(
                .plan, .info,
                "planned the migration of \(count) applications from \(text("source_cluster") ?? "?") to "
                    + "\(text("target_cluster") ?? "?")", part("playbook", "playbook"), text("title"))
        case "deployment.planned":
            say(
                .deployment, .info, "planned the deployment of \(text("service") ?? event.subject.id)",
                part("playbook", "playbook"), part("revision", "target_revision"))
        case "migration.completed", "deployment.completed":
            say(kind, .success, "\(what) completed")
            result.marker = "\(what.uppercased()) COMPLETED"
        case "migration.aborted", "deployment.failed":
            say(kind, .critical, "\(what) \(name.hasSuffix("failed") ? "failed" : "aborted")", text("reason"))
            result.marker = "\(what.uppercased()) \(name.hasSuffix("failed") ? "FAILED" : "ABORTED")"
        default: unknown()
        }
    }

    mutating func phaseChange() {
        switch name {
        case "phase.started": say(.phase, .info, "phase \(phase) started", text("reason"))
        case "phase.completed": say(.phase, .success, "phase \(phase) completed", text("reason"))
        case "phase.failed":
            say(.phase, .critical, "phase \(phase) failed", text("reason"))
            result.marker = "PHASE FAILED"
        case "phase.reverted": say(.phase, .warning, "phase \(phase) taken back", text("reason"))
        default: unknown()
        }
    }

    mutating func approval() {
        switch name {
        case "approval.requested":
            say(.approval, .info, "asked for approval of \(phase)", text("reason"), part("until", "expires"))
        case "approval.granted":
            let isEmergency = event.data["emergency"]?.bool == true
            say(
                .approval, isEmergency ? .warning : .success,
                "approved \(phase)\(isEmergency ? " as an emergency" : "")", text("comment"))
        case "approval.rejected": say(.approval, .warning, "rejected \(phase)", text("reason"))
        default: unknown()
        }
    }

    mutating func judgement() {
        let outcome = text("result") ?? "undecided"
        let severity: TimelineEntry.Severity = outcome == "pass" ? .success : outcome == "fail" ? .critical : .warning
        let reasons = event.data["reasons"]?.array?.compactMap(\.string) ?? []
        if name.hasPrefix("gate") {
            say(.gate, severity, "gate of \(phase): \(outcome)")
            result.evidence = reasons
        } else {
            say(.check, severity, "check \(text("name") ?? "?"): \(outcome)", text("detail"))
        }
    }

    mutating func hook() {
        let hook = text("hook") ?? "?"
        switch name {
        case "hook.called":
            say(
                .hook, .info, "called hook \(hook) at \(phase)", part("attempt", "attempt"),
                weights("production_traffic_weights"))
        case "hook.answered":
            let status = text("status") ?? "?"
            let severity: TimelineEntry.Severity =
                switch status {
                case "SUCCEEDED": .success
                case "IN_PROGRESS": .info
                default: .critical
                }
            say(
                .hook, severity, "hook \(hook) answered \(status) at \(phase)", part("attempt", "attempt"),
                part("call again after", "call_back_delay_seconds", " s"), part("details", "hook_details"))
        case "hook.timed_out":
            say(.hook, .critical, "hook \(hook) timed out at \(phase)", part("then", "action"))
        default: unknown()
        }
    }

    /// `source 90 %, target 10 %`
    func weights(_ key: String) -> String? {
        guard let object = event.data[key]?.object, !object.isEmpty else { return nil }
        return object.map { "\($0.name) \($0.value.double.map { CanonicalJSON.text(of: $0) } ?? "?") %" }
            .joined(separator: ", ")
    }

    mutating func traffic() {
        switch name {
        case "traffic.shifted":
            say(
                .traffic, .info, "shifted \(text("kind") ?? "production") traffic: \(weights("weights") ?? "?")",
                part("step", "step"))
            if text("kind") != "test" { result.marker = "TRAFFIC SHIFTED" }
        case "bake.started":
            say(.deployment, .info, "bake time of \(text("minutes") ?? "?") minutes started", part("step", "step"))
        case "bake.completed": say(.deployment, .success, "bake time completed", part("step", "step"))
        default: unknown()
        }
    }

    mutating func rollback() {
        switch name {
        case "rollback.started":
            say(.rollback, .critical, "rollback started", text("reason"), part("finding", "finding"))
            result.marker = "ROLLBACK BEGINS"
        case "rollback.completed":
            say(.rollback, .success, "rollback completed")
            result.marker = "ROLLBACK ENDS"
        case "rollback.failed":
            say(.rollback, .critical, "rollback failed", text("reason"))
            result.marker = "ROLLBACK FAILED"
        default: unknown()
        }
    }

    mutating func operation() {
        switch name {
        case "workload.scaled":
            say(
                .workload, .info,
                "scaled \(text("application") ?? "?") in \(text("cluster") ?? "?") from \(text("from") ?? "?") to "
                    + "\(text("to") ?? "?")")
        case "ttl.lowered":
            say(
                .check, .info,
                "lowered the TTL of \(text("record") ?? "?") from \(text("old_ttl_seconds") ?? "?") s to "
                    + "\(text("new_ttl_seconds") ?? "?") s", part("zone", "zone"))
        case "freeze.started": say(.freeze, .info, "froze changes: \(text("scope") ?? "?")", text("reason"))
        case "freeze.ended": say(.freeze, .success, "changes allowed again: \(text("scope") ?? "?")")
        case "task.failed":
            say(.platform, .warning, "task \(text("task") ?? "?") failed", part("at", "stage"), text("reason"))
        case "task.healthy": say(.platform, .success, "task \(text("task") ?? "?") is healthy")
        case "alarm.changed":
            let state = text("state") ?? "?"
            say(
                .alarm, state == "ALARM" ? .critical : state == "OK" ? .success : .warning,
                "alarm \(text("alarm") ?? "?") is \(state)", part("before", "previous"))
        default: unknown()
        }
    }

    mutating func annotation() {
        switch name {
        case "note.added":
            say(.note, .info, text("text") ?? "a note whose text was removed", part("about entry", "about"))
        case "event.corrected":
            say(
                .correction, .warning,
                "corrected \(text("field") ?? "?") of entry \(text("about") ?? "?") from \(text("from") ?? "?") to "
                    + "\(text("to") ?? "?")", text("reason"))
        default: unknown()
        }
    }

    mutating func violation() {
        say(
            .violation, .warning, "broke the rule \(text("rule") ?? "?")", text("explanation"),
            part("event", "event_id"))
    }

    mutating func finding() {
        let id = text("finding") ?? event.subject.id
        switch name {
        case "finding.opened", "finding.revised":
            let verb = name.hasSuffix("opened") ? "found" : "revised"
            say(.finding, .critical, "\(verb): \(FindingText.headline(event.data))", "finding \(id)")
            if name.hasSuffix("opened") { result.marker = "FINDING" }
        case "finding.withdrawn": say(.finding, .success, "finding \(id) withdrawn", text("reason"))
        case "finding.acknowledged": say(.finding, .info, "finding \(id) acknowledged", text("reason"))
        case "finding.muted": say(.finding, .info, "finding \(id) muted", text("reason"), part("until", "expires"))
        case "finding.marked_false":
            say(.finding, .info, "finding \(id) marked false", text("reason"), part("until", "expires"))
        case "finding.unmuted": say(.finding, .info, "finding \(id) counts again", text("reason"))
        default: unknown()
        }
    }

    mutating func incident() {
        switch name {
        case "incident.opened":
            say(
                .incident, text("severity") == "warning" ? .warning : .critical,
                "incident opened: \(text("title") ?? event.subject.id)", part("severity", "severity"),
                part("impact", "impact"), part("suspected cause", "suspected_cause"),
                preceding(event.data["preceded_by"]))
            result.marker = "INCIDENT BEGINS"
        case "incident.joined":
            say(.incident, .warning, "finding \(text("finding") ?? "?") joined incident \(text("incident") ?? "?")")
        case "incident.closed":
            say(.incident, .success, "incident closed", text("reason"))
            result.marker = "INCIDENT ENDS"
        default: unknown()
        }
    }

    mutating func ledgerKeeping() {
        switch name {
        case "import.completed":
            say(
                .imported, .info, "imported \(text("accepted") ?? "?") records of \(text("format") ?? "?")",
                part("rejected", "rejected"), part("cluster", "cluster"))
        case "samples.recorded":
            say(
                .imported, .info, "recorded \(text("samples") ?? "?") samples of \(text("series") ?? "?") series",
                part("cluster", "cluster"))
        case "series.named":
            say(.imported, .info, "named \(text("series") ?? "?") series", part("cluster", "cluster"))
        case "samples.sealed":
            say(
                .ledger, .info, "sealed \(text("samples") ?? "?") samples of \(text("series") ?? "?") series",
                part("bytes", "bytes"))
        case "samples.conflicted":
            say(
                .ledger, .warning, "\(text("conflicts") ?? "?") samples disagree with one that came before them",
                part("series", "series"))
        case "flows.counted":
            say(
                .imported, .info, "counted \(text("records") ?? "?") flow records", text("file"),
                part("cluster", "cluster"),
                part("skipped windows", "skip_data"))
        case "playbook.registered":
            say(
                .plan, .info, "registered the playbook \(text("playbook") ?? "?"), version \(text("version") ?? "?")",
                part("SHA-256", "digest"))
        case "attachment.redacted", "attachment.dropped":
            say(
                .ledger, .warning, "\(name.hasSuffix("redacted") ? "redacted" : "dropped") content", text("reason"),
                part("approved by", "approved_by"))
        case "key.rotated": say(.ledger, .warning, "the signing key was changed", text("reason"))
        case "clock.stepped_back": say(.ledger, .warning, "the clock stepped back by \(text("by_seconds") ?? "?") s")
        case "ledger.continued":
            say(.ledger, .warning, "this log continues another one", part("checkpoint", "checkpoint"))
        default: unknown()
        }
    }

    mutating func aws() {
        let detail = event.data["detail"] ?? event.data["alarmData"] ?? .null
        let kind = event.data["detail-type"]?.string ?? name
        let eventName = detail["eventName"]?.string
        let severity: TimelineEntry.Severity =
            switch detail["eventType"]?.string {
            case "ERROR"?: .critical
            case "WARN"?: .warning
            default: .info
            }
        if let state = detail["state"]?["value"]?.string {
            say(
                .alarm, state == "ALARM" ? .critical : .info, "alarm \(detail["alarmName"]?.string ?? "?") is \(state)",
                detail["state"]?["reason"]?.string)
        } else if let status = detail["lastStatus"]?.string {
            let task = detail["taskArn"]?.string?.split(separator: "/").last.map(String.init) ?? "?"
            say(
                .platform, detail["stoppedReason"] == nil ? .info : .warning, "task \(task) is \(status)",
                detail["stoppedReason"]?.string)
        } else {
            let place = ECSNotice(event)?.place
            say(
                kind.contains("Hook") ? .hook : .deployment, severity, "\(kind): \(eventName ?? "?")",
                place.map { "service \($0.service) in \($0.cluster)" }, detail["lifecycleStage"]?.string,
                detail["hookId"]?.string.map { "hook \($0)" }, detail["reason"]?.string)
        }
        result.actor = event.data["source"]?.string ?? "aws"
    }

    mutating func velero() {
        let kind = event.data["kind"]?.string ?? "object"
        let status = event.data["status"]
        let phase = status?["phase"]?.string ?? "New"
        let errors = status?["errors"]?.integer ?? 0
        let isBad = errors > 0 || phase.contains("Fail")
        say(
            .platform, isBad ? .critical : phase == "Completed" ? .success : .info,
            "Velero \(kind) \(event.data["metadata"]?["name"]?.string ?? "?") is \(phase)",
            status?["warnings"]?.integer.map { "\($0) warnings" }, errors > 0 ? "\(errors) errors" : nil)
        result.actor = "velero"
    }

    mutating func kubernetes() {
        let object = event.data["involvedObject"] ?? event.data["regarding"] ?? .null
        let isWarning = event.data["type"]?.string == "Warning"
        say(
            .platform, isWarning ? .warning : .info,
            "\(event.data["reason"]?.string ?? "?"): \(object["kind"]?.string ?? "?") "
                + "\(object["namespace"]?.string ?? "")/\(object["name"]?.string ?? "?")",
            event.data["message"]?.string ?? event.data["note"]?.string,
            event.data["count"]?.integer.map { "\($0) times" })
        result.actor =
            event.data["source"]?["component"]?.string ?? event.data["reportingController"]?.string ?? "kubernetes"
    }

    mutating func unknown() {
        let data = CanonicalJSON.string(of: event.data)
        let limit = 300
        say(.other, .info, event.type, data.count > limit ? data.prefix(limit) + "…" : data)
    }
}
