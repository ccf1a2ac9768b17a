package import CairnAnalyzer
package import CairnBytes
internal import CairnRecorder
package import CairnWeb

/// The decision of a gate as a table.
package enum GateAnswer {
    package static func table(_ decision: GateDecision, phase: String) -> CairnWeb.Table {
        var rows: [[Table.Cell]] = decision.checks.map { check in
            [
                .text("check \(check.name)"), .text(check.verdict.outcome.rawValue),
                check.dataAgeSeconds.map { .seconds(Double($0)) } ?? .missing, .text(check.verdict.reason),
            ]
        }
        rows += decision.findings.map { finding, passes in
            [
                .text("finding \(finding.id)"), .text(passes == nil ? "counts" : "passes"), .missing,
                .text(passes.map { "\(finding.sentence): \($0)" } ?? finding.sentence),
            ]
        }
        var table = Table(
            title: "gate of \(phase): \(decision.outcome.rawValue)",
            columns: [
                Table.Column("what"), Table.Column("result"), Table.Column("data_age", title: "DATA AGE"),
                Table.Column("reason"),
            ], rows: rows)
        table.notes = decision.shortOf
        if let age = decision.dataAgeSeconds { table.notes.append("the data is \(age / 60) min behind") }
        table.notes.append(
            decision.policy.isDefault
                ? "by the default policy \(decision.policy.digest), since the plan has no gates; -o json shows it"
                : "by the plan's policy \(decision.policy.digest)")
        return table
    }
}

/// The catalogue of checks, and what they said.
package enum CheckAnswer {
    /// - Throws: `QuestionError` for a name that no check has.
    package static func names(_ name: String?) throws -> [String] {
        guard let name else { return CheckCatalog.all.map(\.name) }
        guard CheckCatalog.check(named: name) != nil else {
            throw QuestionError(
                .question, "cannot find the check \(name)", remedy: "`cairn check --list` lists them")
        }
        return [name]
    }

    /// What checks say of a migration or deployment as it was at a moment.
    package static func answer(
        _ names: [String], of run: String, _ workspace: Workspace, at moment: Timestamp
    ) throws -> Answered {
        let run = try StatusAnswer.stream(run, in: workspace)
        let evaluation = GateEvaluation(ledger: workspace.ledger, readModel: workspace.readModel)
        let facts = try evaluation.facts(of: try evaluation.gather(run: run, phase: "", at: moment))
        let results = names.map { facts.result(of: $0) }
        let outcome: Answered.Outcome =
            results.contains { $0.verdict.outcome == .fail }
            ? .finding : results.allSatisfy { $0.verdict.outcome == .undecided } ? .undecided : .fine
        return Answered(table(results), outcome)
    }

    package static func catalog(_ names: [String]) -> CairnWeb.Table {
        Table(
            columns: ["name", "proves", "needs", "failure_means", "remedy"].map { Table.Column($0) },
            rows: names.compactMap { CheckCatalog.check(named: $0) }.map {
                [.text($0.name), .text($0.proves), .text($0.needs), .text($0.failureMeans), .text($0.remedy)]
            })
    }

    private static func table(_ results: [CheckResult]) -> CairnWeb.Table {
        Table(
            columns: [
                Table.Column("name"), Table.Column("result"), Table.Column("reason"),
                Table.Column("data_age_seconds", title: "DATA AGE"), Table.Column("as_of", isForMachines: true),
                Table.Column("evidence", isForMachines: true), Table.Column("reason_code", isForMachines: true),
                Table.Column("remedy", isForMachines: true),
            ],
            rows: results.map { result in
                [
                    .text(result.name), .text(result.verdict.outcome.rawValue), .text(result.verdict.reason),
                    result.dataAgeSeconds.map { .seconds(Double($0)) } ?? .missing, .optional(result.verdict.asOf),
                    Table.Cell(result.json["evidence"] ?? .null), .text(result.verdict.code.rawValue),
                    .optional(result.remedy),
                ]
            })
    }
}
