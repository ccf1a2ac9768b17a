package import CairnBytes

/// What an event of another vocabulary says in Cairn's own words.
package struct Fact: Sendable, Hashable {
    /// `hook.called`, without family and version.
    package var name: String
    package var data: JSONValue
    /// The run that it is about, as far as the event itself says; nil if it does not.
    package var run: StreamName?
    /// The cluster, service and revision it names: a run that has the same is meant, whatever the stream is called.
    package var cluster: String?
    package var service: String?
    package var revision: String?

    package init(
        name: String, data: JSONValue, run: StreamName? = nil, cluster: String? = nil, service: String? = nil,
        revision: String? = nil
    ) {
        self.name = name
        self.data = data
        self.run = run
        self.cluster = cluster
        self.service = service
        self.revision = revision
    }
}

/// Reads foreign events: one interpretation for the state, the projections and the timeline.
package enum Facts {
    /// The facts in an event; none for a type or a detail that says nothing about a run. Never fails.
    package static func interpret(_ event: RecordedEvent) -> [Fact] {
        let type = EventType(event.type)
        guard type.family == .foreign else { return [] }
        let detail = event.data["detail"] ?? .null
        switch type.name {
        case "aws.ecs.hook-state-change", "aws.ecs.deployment-state-change": return notice(event)
        case "aws.ecs.service-action": return serviceAction(event, detail)
        case "aws.ecs.task-state-change": return task(detail)
        case "aws.cloudwatch.alarm-state-change", "aws.cloudwatch.cloudwatch-alarm-state-change":
            return alarm(event.data)
        case "velero.backup": return velero("backup", event)
        case "velero.restore": return velero("restore", event)
        default: return []
        }
    }

    // MARK: Amazon ECS

    /// What a notice says by itself. What it says together with others, `ECSTelling` reads.
    private static func notice(_ event: RecordedEvent) -> [Fact] {
        guard let notice = ECSNotice(event) else { return [] }
        let fact: (String, JSONValue)
        switch notice.meaning {
        case .started, .other: return []
        case .rollingBack: fact = ("rollback.started", ["reason": .string(notice.reason ?? "")])
        case .completed: fact = ("deployment.completed", [:])
        case .failed: fact = ("deployment.failed", ["reason": .string(notice.reason ?? "")])
        case .hook(let hook): fact = hookFact(hook)
        }
        let place = notice.place
        let id = notice.deployment ?? notice.revision.map { "ecs-svc/\($0)" }
        return [
            Fact(
                name: fact.0, data: fact.1,
                run: id.map { StreamName(kind: "deployment", foreignID: "\(place.cluster)/\(place.service)/\($0)") },
                cluster: place.cluster, service: place.service, revision: notice.revision)
        ]
    }

    private static func hookFact(_ hook: ECSNotice.Hook) -> (String, JSONValue) {
        var data: JSONObject = ["hook": .string(hook.id), "phase": .string(hook.stage)]
        switch hook.state {
        case .awaiting, .inProgress:
            data["attempt"] = 1
            data["execution_id"] = .string(hook.id)
            return ("hook.called", .object(data))
        case .succeeded, .failed:
            data["attempt"] = 1
            data["status"] = hook.state == .succeeded ? "SUCCEEDED" : "FAILED"
            return ("hook.answered", .object(data))
        case .timedOut: return ("hook.timed_out", .object(data))
        }
    }

    private static func serviceAction(_ event: RecordedEvent, _ detail: JSONValue) -> [Fact] {
        guard let service = ECSResource(event.data["resources"]?[0]), service.kind == "service" else { return [] }
        let reason = JSONValue.string(detail["reason"]?.string ?? detail["eventName"]?.string ?? "")
        let fact: (String, JSONValue)
        switch detail["eventName"]?.string {
        case "SERVICE_STEADY_STATE":
            fact = ("check.completed", ["name": "service-steady-state", "result": "pass"])
        case "SERVICE_TASK_START_IMPAIRED":
            fact = ("check.completed", ["name": "service-task-start", "result": "fail", "detail": reason])
        case "SERVICE_TASK_PLACEMENT_FAILURE":
            // No task came to be, so the event stands for it.
            fact = ("task.failed", ["task": .string("placement/\(event.id)"), "stage": "start", "reason": reason])
        case "SERVICE_DEPLOYMENT_FAILED": fact = ("deployment.failed", ["reason": reason])
        default: return []
        }
        return [runFact(fact, service, deployment: nil)]
    }

    private static func task(_ detail: JSONValue) -> [Fact] {
        guard let task = ECSResource(detail["taskArn"]), task.kind == "task",
            let group = detail["group"]?.string, group.hasPrefix("service:")
        else { return [] }
        let id = task.rest.split(separator: "/").last.map(String.init) ?? task.rest
        let cluster = ECSResource(detail["clusterArn"])?.rest ?? task.cluster
        let service = ECSResource(kind: "service", rest: "\(cluster)/\(group.dropFirst("service:".utf8.count))")
        let fact: (String, JSONValue)
        switch detail["lastStatus"]?.string {
        case "RUNNING":
            // Without a health check of the container, running is as healthy as it gets.
            guard (detail["healthStatus"]?.string ?? "HEALTHY") == "HEALTHY", detail["desiredStatus"] == "RUNNING"
            else { return [] }
            fact = ("task.healthy", ["task": .string(id)])
        case "STOPPED":
            guard let stage = failure(detail) else { return [] }
            fact = (
                "task.failed",
                [
                    "task": .string(id), "stage": .string(stage),
                    "reason": .string(detail["stoppedReason"]?.string ?? detail["stopCode"]?.string ?? ""),
                ]
            )
        default: return []
        }
        return [runFact(fact, service, deployment: detail["startedBy"]?.string)]
    }

    /// Whether a task stopped because something is wrong with it, and when: nil for one that was asked to stop.
    private static func failure(_ detail: JSONValue) -> String? {
        let reason = detail["stoppedReason"]?.string ?? ""
        if contains(reason, "health check") { return "health" }
        switch detail["stopCode"]?.string {
        case "TaskFailedToStart": return "start"
        case "EssentialContainerExited": return detail["startedAt"]?.string == nil ? "start" : "health"
        default: return nil
        }
    }

    /// A fact about a service's deployment that AWS names `ecs-svc/NUMBER`, where the number is the revision's.
    private static func runFact(_ fact: (String, JSONValue), _ service: ECSResource, deployment: String?) -> Fact {
        let revision = deployment.flatMap { $0.hasPrefix("ecs-svc/") ? String($0.dropFirst(8)) : nil }
        let run = deployment.map {
            StreamName(kind: "deployment", foreignID: "\(service.cluster)/\(service.service)/\($0)")
        }
        return Fact(
            name: fact.0, data: fact.1, run: run, cluster: service.cluster, service: service.service,
            revision: revision)
    }

    // MARK: Amazon CloudWatch

    /// In the three shapes in which alarms come: of EventBridge, of a Lambda action, and in a message of SNS.
    private static func alarm(_ event: JSONValue) -> [Fact] {
        let detail = event["detail"] ?? event["alarmData"] ?? .null
        let name = detail["alarmName"] ?? event["AlarmName"]
        let state = detail["state"]?["value"] ?? event["NewStateValue"]
        guard let name = name?.string, let state = state?.string else { return [] }
        var data: JSONObject = ["alarm": .string(name), "state": .string(state)]
        let previous = detail["previousState"]?["value"] ?? event["OldStateValue"]
        if let previous = previous?.string { data["previous"] = .string(previous) }
        return [Fact(name: "alarm.changed", data: .object(data))]
    }

    // MARK: Velero

    /// A backup or restore that is over is a check. "Completed" is not proof: errors make it a failure, and warnings
    /// (objects that were there already are skipped with one) leave it open until somebody has looked.
    private static func velero(_ kind: String, _ event: RecordedEvent) -> [Fact] {
        let status = event.data["status"] ?? .null
        guard let phase = status["phase"]?.string, let result = veleroResult(phase, status) else { return [] }
        let name = event.data["metadata"]?["name"]?.string ?? event.subject.id
        let errors = status["errors"]?.integer ?? 0
        let warnings = status["warnings"]?.integer ?? 0
        var detail = "\(phase), \(errors) errors, \(warnings) warnings"
        if let reason = status["failureReason"]?.string { detail += ": \(reason)" }
        return [
            Fact(
                name: "check.completed",
                data: [
                    "name": .string("velero-\(kind)/\(name)"), "result": .string(result), "detail": .string(detail),
                ],
                cluster: event.subject.kind == "velero"
                    ? event.subject.id.split(separator: "/").first.map(String.init) : nil)
        ]
    }

    /// Nil while it runs.
    private static func veleroResult(_ phase: String, _ status: JSONValue) -> String? {
        switch phase {
        case "Completed":
            if (status["errors"]?.double ?? 0) > 0 { return "fail" }
            return (status["warnings"]?.double ?? 0) > 0 ? "undecided" : "pass"
        case "PartiallyFailed", "Failed", "FailedValidation", "FinalizingPartiallyFailed",
            "WaitingForPluginOperationsPartiallyFailed":
            return "fail"
        default: return nil
        }
    }

    private static func contains(_ text: String, _ part: String) -> Bool {
        let text = Array(text.lowercased().utf8)
        let part = Array(part.utf8)
        guard text.count >= part.count else { return false }
        return (0...text.count - part.count).contains { text[$0..<$0 + part.count].elementsEqual(part) }
    }
}
