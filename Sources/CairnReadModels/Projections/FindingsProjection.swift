import CairnBytes
import CairnLedger
import CairnModel

/// What the analyzer found, the incidents that findings open, and the facts that broke a rule.
final class FindingsProjection: Projection {
    static let name = "findings"
    static let version = 3

    static let tables = [
        Table(
            "findings", "one finding, as its last revision says",
            [
                Table.Column.text("finding", "id: a hash of analyzer, scope, kind and first minute", "PRIMARY KEY"),
                Table.Column.text("status", "open or withdrawn", "NOT NULL"),
                Table.Column.text("analyzer", "which part of the analyzer found it"),
                Table.Column.text("analyzer_version", "its version"),
                Table.Column.text("policy_digest", "digest of the policy it judged by"),
                Table.Column.text("kind", "reject, unanswered, reset, asymmetric, diverged, ..."),
                Table.Column.text("source_cluster", "the old side"),
                Table.Column.text("target_cluster", "the new side"),
                Table.Column.text("cluster", "cluster that deviates"),
                Table.Column.text("side", "target-only, source-only, both or unpaired"),
                Table.Column.text("app", "application"),
                Table.Column.text("metric", "metric"),
                Table.Column.text("verdict", "DIVERGED, EQUIVALENT or UNDECIDED"),
                Table.Column.text("peer", "address or prefix on the other end"),
                Table.Column.integer("peer_port", "port of the service"),
                Table.Column.text("scope", "what it holds for, JSON"),
                Table.Column.time("start", "first minute"),
                Table.Column.time("end", "end of the last minute"),
                Table.Column.real("excess", "what there was too much of"),
                Table.Column.real("baseline", "what was usual"),
                Table.Column.real("effect", "size of the difference"),
                Table.Column.text("explained", "what explains it, if anything, JSON"),
                Table.Column.text("reason", "why, in words"),
                Table.Column.text("evidence", "JSON list of positions in the log"),
                Table.Column.text("evidence_digest", "digest of the evidence"),
                Table.Column.integer("revisions", "how often it was opened or revised", "NOT NULL"),
                Table.Column.text("acknowledged_by", "who has seen it"),
                Table.Column.time("acknowledged", "when"),
                Table.Column.text("muted_by", "who muted it"),
                Table.Column.time("muted", "when"),
                Table.Column.time("mute_expires", "until when it is muted"),
                Table.Column.text("false_by", "who marked it false"),
                Table.Column.time("false", "when"),
                Table.Column.time("false_expires", "until when it counts as false"),
                Table.Column.text(
                    "status_reason", "why it was withdrawn, acknowledged, muted, marked false or not any more"),
                Table.Column.time("withdrawn", "when it was withdrawn"),
                Table.Column.text("data", "all of the last revision, JSON"),
                Table.Column.integer("last_position", "place in the log of the last event about it"),
                Table.Column.origin,
            ], indexes: ["start_us", "kind, status"]),
        Table(
            "finding_evidence", "one event that a finding rests on",
            [
                Table.Column.text("finding", "id of the finding", "NOT NULL"),
                Table.Column.integer("evidence_position", "place in the log of the evidence", "NOT NULL"),
            ], constraints: ["PRIMARY KEY (finding, evidence_position)"], isWithoutRowID: true),
        Table(
            "incidents", "one incident",
            [
                Table.Column.text("incident", "its id", "PRIMARY KEY"),
                Table.Column.text("title", "what it is about"),
                Table.Column.text("severity", "as the policy says"),
                Table.Column.text("status", "open or closed", "NOT NULL"),
                Table.Column.text("opened_by", "who or what opened it"),
                Table.Column.time("opened", "when"),
                Table.Column.time("closed", "when"),
                Table.Column.text("closed_by", "who or what closed it"),
                Table.Column.text("reason", "why it was closed"),
                Table.Column.integer("last_position", "place in the log of the last event about it"),
                Table.Column.origin,
            ], indexes: ["opened_us"]),
        Table(
            "incident_findings", "one finding of an incident",
            [
                Table.Column.text("incident", "id of the incident", "NOT NULL"),
                Table.Column.text("finding", "id of the finding", "NOT NULL"),
                Table.Column.text("role", "opened or joined", "NOT NULL"),
                Table.Column.origin,
            ], constraints: ["PRIMARY KEY (incident, finding)"], indexes: ["finding"]),
        Table(
            "violations", "one fact that broke a rule",
            [
                Table.Column.text("stream", "stream of the fact", "NOT NULL"),
                Table.Column.text("rule", "rule that was broken"),
                Table.Column.integer("violating_position", "place in the log of the fact"),
                Table.Column.text("event_id", "id of the fact"),
                Table.Column.text("explanation", "what is wrong, in words"),
                Table.Column.origin,
            ], indexes: ["stream", "violating_position"]),
    ]

    static let facts: Set<String>? = [
        "finding.opened", "finding.revised", "finding.withdrawn", "finding.acknowledged", "finding.muted",
        "finding.marked_false", "finding.unmuted", "incident.opened", "incident.joined", "incident.closed",
        "violation.recorded",
    ]

    static let needs: [any (Projection & SendableMetatype).Type] = [EventsProjection.self]

    private let connection: Connection
    private let locate: Statement
    /// True while the table of events has no index yet: finding one event reads all of them.
    private let isPuttingOff: Bool

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        let index = EventsProjection.tables[0].indexName(0)
        isPuttingOff = try connection.first("SELECT 1 FROM sqlite_schema WHERE name = ?", [.text(index)]) == nil
        locate = try connection.statement(FindingsProjection.locate)
    }

    /// A violation is appended together with its fact, whose position nobody knows before; so it names the identity
    /// instead. Looked for in its stream, from the violation backwards.
    private static let locate = """
        UPDATE stored_violations AS v SET violating_position = (
          SELECT e.position FROM stored_events AS own JOIN stored_events AS e
            ON e.stream = own.stream AND e.revision <= own.revision
          WHERE own.position = v.position AND e.id = v.event_id AND e.source = CASE
            json_type(own.data, '$.event_source') WHEN 'text' THEN json_extract(own.data, '$.event_source') END
          ORDER BY e.revision DESC LIMIT 1)
        WHERE violating_position IS NULL AND event_id IS NOT NULL AND rowid >= coalesce(?, last_insert_rowid())
        """

    func finish() throws {
        if isPuttingOff { try locate.run([0]) }
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        switch fact.name {
        case "incident.opened", "incident.joined", "incident.closed": try applyIncident(fact)
        case "violation.recorded":
            try connection.run(
                """
                INSERT INTO stored_violations (position, occurred_us, recorded_us, stream, rule, violating_position, event_id,
                  explanation)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                fact.origin + [
                    .text(fact.stream), fact.text("rule"), fact.integer("position"), fact.text("event_id"),
                    fact.text("explanation"),
                ])
            if !isPuttingOff { try locate.run([nil]) }
        default: try applyFinding(fact)
        }
    }

    private func applyFinding(_ fact: Fact) throws {
        let id = fact.data["finding"]?.string ?? fact.streamID
        try connection.run(
            """
            INSERT INTO stored_findings (position, occurred_us, recorded_us, finding, status, revisions)
            VALUES (?, ?, ?, ?, 'open', 0) ON CONFLICT (finding) DO NOTHING
            """, fact.origin + [.text(id)])
        try connection.run(
            "UPDATE stored_findings SET last_position = ?2 WHERE finding = ?1", [.text(id), fact.position])
        let person = fact.data["person"] == nil ? fact.actor : fact.text("person")
        switch fact.name {
        case "finding.withdrawn":
            try connection.run(
                "UPDATE stored_findings SET status = 'withdrawn', withdrawn_us = ?2, status_reason = ?3 WHERE finding = ?1",
                [.text(id), fact.occurred, fact.text("reason")])
        case "finding.acknowledged":
            try connection.run(
                """
                UPDATE stored_findings SET acknowledged_by = ?2, acknowledged_us = ?3, status_reason = ?4 WHERE finding = ?1
                """, [.text(id), person, fact.occurred, fact.text("reason")])
        case "finding.muted":
            try connection.run(
                """
                UPDATE stored_findings SET muted_by = ?2, muted_us = ?3, mute_expires_us = ?4, status_reason = ?5
                WHERE finding = ?1
                """, [.text(id), person, fact.occurred, fact.time("expires"), fact.text("reason")])
        case "finding.marked_false":
            try connection.run(
                """
                UPDATE stored_findings SET false_by = ?2, false_us = ?3, false_expires_us = ?4, status_reason = ?5
                WHERE finding = ?1
                """, [.text(id), person, fact.occurred, fact.time("expires"), fact.text("reason")])
        case "finding.unmuted":
            try connection.run(
                """
                UPDATE stored_findings SET muted_by = NULL, muted_us = NULL, mute_expires_us = NULL, false_by = NULL,
                  false_us = NULL, false_expires_us = NULL, status_reason = ?2 WHERE finding = ?1
                """, [.text(id), fact.text("reason")])
        default: try revise(fact, id)
        }
    }

    private func revise(_ fact: Fact, _ id: String) throws {
        let clusters = fact.data["clusters"]
        try connection.run(
            """
            UPDATE stored_findings SET status = 'open', revisions = revisions + 1, analyzer = ?2, analyzer_version = ?3,
              policy_digest = ?4, kind = ?5, source_cluster = ?6, target_cluster = ?7, cluster = ?8, side = ?9,
              app = ?10, metric = ?11, verdict = ?12, peer = ?13, peer_port = ?14, scope = ?15, start_us = ?16,
              end_us = ?17, excess = ?18, baseline = ?19, effect = ?20, explained = ?21, reason = ?22, evidence = ?23,
              evidence_digest = ?24, data = ?25
            WHERE finding = ?1
            """,
            [
                .text(id), fact.text("analyzer"), version(fact), fact.text("policy_digest"), fact.text("kind"),
                .optional(clusters?["source"]?.string), .optional(clusters?["target"]?.string), fact.text("cluster"),
                fact.text("side"), fact.text("app"), fact.text("metric"), fact.text("verdict"), fact.text("peer"),
                fact.integer("peer_port"), fact.json("scope"), fact.time("start"), fact.time("end"),
                fact.real("excess"), fact.real("baseline"), fact.real("effect"), fact.json("explained"),
                fact.text("reason"), fact.json("evidence"), fact.text("evidence_digest"),
                .text(fact.data.text),
            ])
        try connection.run("DELETE FROM finding_evidence WHERE finding = ?", [.text(id)])
        for position in fact.data["evidence"]?.array ?? [] {
            guard let position = position.integer else { continue }
            try connection.run(
                "INSERT OR IGNORE INTO finding_evidence (finding, evidence_position) VALUES (?, ?)",
                [.text(id), .integer(position)])
        }
    }

    private func version(_ fact: Fact) -> SQLValue {
        fact.data["analyzer_version"]?.string.map { .text($0) } ?? fact.json("analyzer_version")
    }

    private func applyIncident(_ fact: Fact) throws {
        let id = fact.data["incident"]?.string ?? fact.streamID
        try connection.run(
            """
            INSERT INTO stored_incidents (position, occurred_us, recorded_us, incident, status)
            VALUES (?, ?, ?, ?, 'open') ON CONFLICT (incident) DO NOTHING
            """, fact.origin + [.text(id)])
        try connection.run(
            "UPDATE stored_incidents SET last_position = ?2 WHERE incident = ?1", [.text(id), fact.position])
        switch fact.name {
        case "incident.opened":
            try connection.run(
                """
                UPDATE stored_incidents SET title = ?2, severity = ?3, opened_by = ?4, opened_us = ?5 WHERE incident = ?1
                """, [.text(id), fact.text("title"), fact.text("severity"), fact.actor, fact.occurred])
        case "incident.closed":
            try connection.run(
                """
                UPDATE stored_incidents SET status = 'closed', closed_us = ?2, closed_by = ?3, reason = ?4 WHERE incident = ?1
                """, [.text(id), fact.occurred, fact.actor, fact.text("reason")])
            return
        default: break
        }
        guard let finding = fact.data["finding"]?.string else { return }
        try connection.run(
            """
            INSERT INTO stored_incident_findings (position, occurred_us, recorded_us, incident, finding, role)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (incident, finding) DO NOTHING
            """,
            fact.origin + [.text(id), .text(finding), fact.name == "incident.opened" ? "opened" : "joined"])
    }
}
