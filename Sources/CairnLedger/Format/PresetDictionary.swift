/// What zlib may refer back to before a frame has said anything: the members of an entry in their order, with the
/// commonest values. Every segment carries the dictionary it was written with, so this text may change.
enum PresetDictionary {
    // zlib finds what is near the end of the dictionary at the lowest cost: rare things first, the envelope last.
    static let standard: [UInt8] = Array(
        ([
            "aws.ecs.deployment-state-change.v0", "aws.ecs.hook-state-change.v0", "aws.ecs.task-state-change.v0",
            "aws.cloudwatch.alarm-state-change.v0", "velero.backup.v1", "k8s.event.v1", "application/octet-stream",
            "application/json", "evidence_digest", "policy_digest", "analyzer_version", "weights", "production",
            "cairn.violation.recorded.v1", "cairn.finding.opened.v1", "cairn.finding.revised.v1", "SUCCEEDED",
            "cairn.incident.opened.v1", "cairn.import.completed.v1", "cairn.samples.recorded.v1", "IN_PROGRESS",
            "cairn.flows.counted.v1", "cairn.gate.evaluated.v1", "cairn.hook.called.v1", "cairn.hook.answered.v1",
            "cairn.traffic.shifted.v1", "cairn.approval.requested.v1", "cairn.approval.granted.v1",
            "cairn.phase.started.v1", "cairn.phase.completed.v1", "cairn.migration.planned.v1",
            "cairn.deployment.planned.v1", "{\"attachments\":\"samples droppable ", "flow-counters droppable ",
            "private personal ", "\",\"causationid\":\"", "\",\"onbehalfof\":\"", "\",\"receivedsha256\":\"",
            "\",\"traceparent\":\"00-", "\"cluster\":\"", "\"phase\":\"", "\"reason\":\"", "\"hook\":\"",
            "{\"authid\":\"cairn\",\"authtype\":\"system\",\"data\":{\"",
            "{\"authid\":\"", "\",\"authtype\":\"local\",\"correlationid\":\"", "\",\"data\":{\"",
            "\"},\"id\":\"", "\",\"recordedtime\":\"2026-01-01T00:00:00.000000Z\",\"revision\":0",
            ",\"source\":\"/cairn/cli\",\"specversion\":\"1.0\",\"subject\":\"migration/",
            "\",\"time\":\"2026-01-01T00:00:00.000000Z\",\"type\":\"cairn.", ".v1\"}",
        ] as [String]).joined().utf8)
}
