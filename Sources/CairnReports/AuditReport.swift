package import CairnBytes
package import CairnLedger
package import CairnModel
package import CairnReadModels
package import CairnWeb

/// What auditors ask for: the population of changes with how it was made, and the pack of one change.
package struct AuditReport {
    /// Who asked, when, and what the answer rests on.
    package struct Provenance: Sendable, Hashable {
        package var person: String
        package var time: Timestamp
        package var origin: String
        /// The log had this many entries when the report was made.
        package var size: UInt64
        /// The signed checkpoint, if there is one.
        package var checkpoint: String?

        package init(person: String, time: Timestamp, ledger: Ledger) throws {
            self.person = person
            self.time = time
            origin = ledger.origin
            size = ledger.size
            checkpoint = try ledger.checkpoint().map { String(decoding: $0.bytes, as: UTF8.self) }
        }

        var facts: [LabelledText] {
            var facts = [
                LabelledText("made by", person), LabelledText("made at", time.description),
                LabelledText("ledger", origin),
                LabelledText("position range", size == 0 ? "empty" : "0 to \(size - 1)"),
            ]
            facts.append(LabelledText("checkpoint", checkpoint ?? "none was signed"))
            return facts
        }
    }

    private let readModel: ReadModel
    private let provenance: Provenance

    package init(readModel: ReadModel, provenance: Provenance) {
        self.readModel = readModel
        self.provenance = provenance
    }

    /// All changes of a stretch of time, with the query and the parameters that gave them.
    package func population(since: Timestamp?, until: Timestamp?) throws -> ReportDocument {
        guard let query = try SavedQueries.builtIn()["population"] else {
            throw QuestionError.unknown("saved query", "population")
        }
        let arguments: [String: SQLValue] = [
            "since": .optional(since?.description), "until": .optional(until?.description),
        ]
        let result = try readModel.query(query.sql, arguments)
        let table = Table(result, title: "Changes")
        let facts =
            [
                LabelledText("query", "population (queries/population.sql)"),
                LabelledText("since", since?.description ?? "the beginning"),
                LabelledText("until", until?.description ?? "now"),
                LabelledText("rows", String(result.rows.count)),
                LabelledText("complete", result.isTruncated ? "no: there are more rows than are shown" : "yes"),
            ] + provenance.facts
        return ReportDocument(title: "Population of changes", facts: facts, sections: [table])
    }

    /// Everything about one change: request, approval, tests, what was deployed, result, broken rules, findings.
    package func change(_ stream: StreamName) throws -> ReportDocument {
        let run: [String: SQLValue] = ["run": .text(stream.text)]
        let parts: [(title: String, sql: String)] = [
            ("Change", "SELECT * FROM runs WHERE run = :run"),
            (
                "Approvals",
                """
                SELECT phase, requested_by, requested_at, request_reason, decision, approver, decided_at, comment, emergency,
                  retroactive, four_eyes, requested_through, recorded_by, position, decision_position
                FROM approvals WHERE run = :run ORDER BY position
                """
            ),
            (
                "Gates",
                "SELECT phase, result, reasons, evaluated_by, occurred_at, position FROM gates WHERE run = :run ORDER BY position"
            ),
            (
                "Tests",
                "SELECT name, result, detail, occurred_at, position FROM checks WHERE run = :run ORDER BY position"
            ),
            (
                "Phases",
                """
                SELECT phase, step, attempt, status, started_at, ended_at, reason, position FROM phases
                WHERE run = :run ORDER BY position
                """
            ),
            ("Hooks", "SELECT * FROM hooks WHERE run = :run ORDER BY position"),
            ("Traffic", "SELECT * FROM traffic_shifts WHERE run = :run ORDER BY position"),
            (
                "Broken rules",
                "SELECT rule, event_id, explanation, occurred_at, position FROM violations WHERE stream = :run ORDER BY position"
            ),
            (
                "Analyses",
                """
                SELECT a.analyzer, a.start_at, a.end_at, a.judged, a.diverged, a.equivalent, a.undecided, a.standing,
                  a.recorded_by, a.position
                FROM analyses AS a JOIN runs AS r ON r.source_cluster = a.source_cluster
                  AND r.target_cluster = a.target_cluster
                WHERE r.run = :run ORDER BY a.position
                """
            ),
            (
                "Findings",
                """
                SELECT f.finding, f.kind, f.app, f.metric, f.peer, f.peer_port, f.start_at, f.end_at, f.status, f.reason,
                  f.position
                FROM findings AS f JOIN runs AS r ON r.source_cluster = f.source_cluster
                  AND r.target_cluster = f.target_cluster
                WHERE r.run = :run ORDER BY f.position
                """
            ),
            ("Notes", "SELECT * FROM notes WHERE stream = :run ORDER BY position"),
        ]
        var sections: [Table] = []
        for part in parts {
            let result = try readModel.query(part.sql, run)
            if part.title == "Change", result.rows.isEmpty { throw QuestionError.unknown("change", stream.text) }
            var table = Table(result, title: part.title)
            if result.rows.isEmpty { table.notes = ["None was recorded."] }
            sections.append(table)
        }
        let facts =
            [LabelledText("change", stream.text), LabelledText("proof of a line", "cairn prove POSITION")]
            + provenance.facts
        return ReportDocument(title: "Change \(stream.text)", facts: facts, sections: sections)
    }
}
