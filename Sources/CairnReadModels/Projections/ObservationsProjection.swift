import CairnBytes
import CairnLedger
import CairnModel

/// What other systems said: alarms, tasks, services, backups, Kubernetes. Their own words are in `events.data`; these
/// tables have what people ask for.
final class ObservationsProjection: Projection {
    static let name = "observations"
    static let version = 1

    static let tables = [
        Table(
            "alarms", "one change of an alarm",
            [
                Table.Column.text("stream", "stream it was recorded in", "NOT NULL"),
                Table.Column.text("alarm", "its name"),
                Table.Column.text("state", "OK, ALARM or INSUFFICIENT_DATA"),
                Table.Column.text("previous", "state before"),
                Table.Column.text("reason", "why, in the words of the alarm"),
                Table.Column.origin,
            ], indexes: ["alarm, occurred_us"]),
        Table(
            "tasks", "one state of a task",
            [
                Table.Column.text("stream", "stream it was recorded in", "NOT NULL"),
                Table.Column.text("task", "its id or ARN"),
                Table.Column.text("state", "healthy, failed, or the last status ECS gives"),
                Table.Column.text("stage", "start or health, for a task that failed"),
                Table.Column.text("task_group", "group, such as service:checkout"),
                Table.Column.text("cluster", "cluster of the task"),
                Table.Column.text("reason", "why it failed or stopped"),
                Table.Column.origin,
            ], indexes: ["task, occurred_us"]),
        Table(
            "service_events", "one event of Amazon ECS about a service, a deployment or a hook",
            [
                Table.Column.text("stream", "stream it was recorded in", "NOT NULL"),
                Table.Column.text("detail_type", "the event's kind, such as ECS Hook State Change"),
                Table.Column.text("event_name", "such as SERVICE_DEPLOYMENT_COMPLETED"),
                Table.Column.text("event_type", "INFO, WARN or ERROR"),
                Table.Column.text("cluster", "cluster of the service, where the event says it"),
                Table.Column.text("service", "name of the service"),
                Table.Column.text("lifecycle_stage", "stage of a deployment that a hook belongs to"),
                Table.Column.text("hook", "id of the hook"),
                Table.Column.text("deployment", "id of the service deployment, where the event says it"),
                Table.Column.text("revision", "number of the service revision, where the event says it"),
                Table.Column.text("region", "region of the service, for an event about a deployment"),
                Table.Column.text("account", "account of the service, for an event about a deployment"),
                Table.Column.text("run", "deployment that it is about: its stream, or one made from the ids"),
                Table.Column.text("reason", "why, in the words of Amazon ECS"),
                Table.Column.text("resource", "first ARN of the event"),
                Table.Column.origin,
            ], indexes: ["service, occurred_us", "run"]),
        Table(
            "backups", "one state of a Velero backup or restore",
            [
                Table.Column.text("stream", "stream it was recorded in", "NOT NULL"),
                Table.Column.text("kind", "backup or restore", "NOT NULL"),
                Table.Column.text("cluster", "cluster it was read from"),
                Table.Column.text("namespace", "namespace of the object"),
                Table.Column.text("name", "name of the object"),
                Table.Column.text("backup", "for a restore: the backup it restores"),
                Table.Column.text("phase", "such as InProgress, PartiallyFailed, Completed"),
                Table.Column.integer("errors", "errors so far"),
                Table.Column.integer("warnings", "warnings so far: Completed alone proves little"),
                Table.Column.integer("items_done", "items backed up or restored"),
                Table.Column.integer("items_total", "items there are"),
                Table.Column.text("failure_reason", "why it failed"),
                Table.Column.time("started", "when it started"),
                Table.Column.time("completed", "when it ended"),
                Table.Column.origin,
            ], indexes: ["cluster, name"]),
        Table(
            "kubernetes_events", "one event of Kubernetes",
            [
                Table.Column.text("stream", "stream it was recorded in", "NOT NULL"),
                Table.Column.text("cluster", "cluster it was read from"),
                Table.Column.text("namespace", "namespace of the object it is about"),
                Table.Column.text("object_kind", "kind of that object"),
                Table.Column.text("object_name", "name of that object"),
                Table.Column.text("type", "Normal or Warning"),
                Table.Column.text("reason", "such as FailedScheduling"),
                Table.Column.text("message", "what it says"),
                Table.Column.integer("count", "how often it was seen"),
                Table.Column.time("first", "when it was seen first"),
                Table.Column.time("last", "when it was seen last"),
                Table.Column.text("reporter", "component that reports it"),
                Table.Column.origin,
            ], indexes: ["cluster, occurred_us", "object_name"]),
    ]

    static let needs = ECSDeployments.needs
    static let facts: Set<String>? = [
        "alarm.changed", "aws.cloudwatch.alarm-state-change.v0", "task.failed", "task.healthy",
        "aws.ecs.task-state-change.v0", "aws.ecs.deployment-state-change.v0", "aws.ecs.hook-state-change.v0",
        "aws.ecs.service-action.v0", "velero.backup.v1", "velero.restore.v1", "k8s.event.v1",
    ]

    private let alarm: Insertion
    private let task: Insertion
    private let service: Insertion
    private let backup: Insertion
    private let kubernetes: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        alarm = try Insertion("alarms", ["stream", "alarm", "state", "previous", "reason"], on: connection)
        task = try Insertion(
            "tasks", ["stream", "task", "state", "stage", "task_group", "cluster", "reason"], on: connection)
        service = try Insertion(
            "service_events",
            [
                "stream", "detail_type", "event_name", "event_type", "cluster", "service", "lifecycle_stage", "hook",
                "reason", "resource", "deployment", "revision", "region", "account",
            ], on: connection)
        backup = try Insertion(
            "backups",
            [
                "stream", "kind", "cluster", "namespace", "name", "backup", "phase", "errors", "warnings",
                "items_done", "items_total", "failure_reason", "started_us", "completed_us",
            ], on: connection)
        kubernetes = try Insertion(
            "kubernetes_events",
            [
                "stream", "cluster", "namespace", "object_kind", "object_name", "type", "reason", "message", "count",
                "first_us", "last_us", "reporter",
            ], on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let stream = SQLValue.text(fact.stream)
        switch fact.name {
        case "alarm.changed":
            try alarm.add(
                fact, [stream, fact.text("alarm"), fact.text("state"), fact.text("previous"), fact.text("reason")])
        case "aws.cloudwatch.alarm-state-change.v0":
            let detail = fact.data["detail"]
            try alarm.add(
                fact,
                [
                    stream, .optional(detail?["alarmName"]?.string), .optional(detail?["state"]?["value"]?.string),
                    .optional(detail?["previousState"]?["value"]?.string),
                    .optional(detail?["state"]?["reason"]?.string),
                ])
        case "task.failed", "task.healthy":
            try task.add(
                fact,
                [
                    stream, fact.text("task"), .text(fact.name == "task.failed" ? "failed" : "healthy"),
                    fact.text("stage"), .null, .null, fact.text("reason"),
                ])
        case "aws.ecs.task-state-change.v0": try addTask(fact)
        case "velero.backup.v1", "velero.restore.v1": try addBackup(fact)
        case "k8s.event.v1": try addKubernetesEvent(fact)
        default: try addServiceEvent(fact)
        }
    }

    private func addTask(_ fact: Fact) throws {
        let detail = fact.data["detail"]
        try task.add(
            fact,
            [
                .text(fact.stream), .optional(detail?["taskArn"]?.string), .optional(detail?["lastStatus"]?.string),
                .null, .optional(detail?["group"]?.string), .optional(lastSegment(detail?["clusterArn"]?.string)),
                .optional(detail?["stoppedReason"]?.string),
            ])
    }

    private func addServiceEvent(_ fact: Fact) throws {
        let detail = fact.data["detail"]
        let resource = fact.data["resources"]?[0]?.string
        let arn = detail?["serviceArn"]?.string ?? resource
        // arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/SERVICE, with /DEPLOYMENT behind it for a service deployment.
        let path = arn.map { $0.split(separator: "/").map(String.init) } ?? []
        let notice = ECSNotice(fact.recorded)
        let cluster =
            notice?.place.cluster ?? lastSegment(detail?["clusterArn"]?.string) ?? (path.count >= 3 ? path[1] : nil)
        let service = notice?.place.service ?? (path.count >= 3 ? path[2] : path.count == 2 ? path[1] : nil)
        try self.service.add(
            fact,
            [
                .text(fact.stream), .optional(fact.data["detail-type"]?.string),
                .optional(detail?["eventName"]?.string), .optional(detail?["eventType"]?.string),
                .optional(cluster), .optional(service), .optional(detail?["lifecycleStage"]?.string),
                .optional(detail?["hookId"]?.string), .optional(detail?["reason"]?.string), .optional(resource),
                .optional(notice?.deployment), .optional(notice?.revision), .optional(notice?.place.region),
                .optional(notice?.place.account),
            ])
    }

    private func addBackup(_ fact: Fact) throws {
        let status = fact.data["status"]
        let progress = status?["progress"]
        let isBackup = fact.name == "velero.backup.v1"
        try backup.add(
            fact,
            [
                .text(fact.stream), .text(isBackup ? "backup" : "restore"), .optional(cluster(fact)),
                .optional(fact.data["metadata"]?["namespace"]?.string),
                .optional(fact.data["metadata"]?["name"]?.string),
                .optional(fact.data["spec"]?["backupName"]?.string), .optional(status?["phase"]?.string),
                .optional(status?["errors"]?.integer), .optional(status?["warnings"]?.integer),
                .optional(progress?[isBackup ? "itemsBackedUp" : "itemsRestored"]?.integer),
                .optional(progress?["totalItems"]?.integer), .optional(status?["failureReason"]?.string),
                time(status?["startTimestamp"]), time(status?["completionTimestamp"]),
            ])
    }

    /// Both APIs: core/v1 and events.k8s.io/v1 name the same things differently.
    private func addKubernetesEvent(_ fact: Fact) throws {
        let data = fact.data
        let object = data["involvedObject"] ?? data["regarding"]
        let count = data["series"]?["count"]?.integer ?? data["count"]?.integer ?? data["deprecatedCount"]?.integer
        let first = [time(data["firstTimestamp"]), time(data["deprecatedFirstTimestamp"]), time(data["eventTime"])]
        let last = [
            time(data["series"]?["lastObservedTime"]), time(data["lastTimestamp"]),
            time(data["deprecatedLastTimestamp"]), time(data["eventTime"]),
        ]
        try kubernetes.add(
            fact,
            [
                .text(fact.stream), .optional(cluster(fact)),
                .optional(object?["namespace"]?.string ?? data["metadata"]?["namespace"]?.string),
                .optional(object?["kind"]?.string), .optional(object?["name"]?.string), fact.text("type"),
                fact.text("reason"), .optional(data["message"]?.string ?? data["note"]?.string), .optional(count),
                first.first { $0 != .null } ?? .null, last.first { $0 != .null } ?? .null,
                .optional(
                    data["reportingController"]?.string ?? data["reportingComponent"]?.string
                        ?? data["source"]?["component"]?.string),
            ])
    }

    /// The first part of the stream's id: `k8s/CLUSTER/NAMESPACE/NAME`, `velero/CLUSTER/NAME`.
    private func cluster(_ fact: Fact) -> String? {
        let id = fact.streamID
        return id.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(id[..<$0]) } ?? id
    }

    private func lastSegment(_ arn: String?) -> String? {
        arn.flatMap { $0.split(separator: "/").last.map(String.init) }
    }

    private func time(_ value: JSONNode?) -> SQLValue { .optional(value?.timestamp?.microseconds) }
}
