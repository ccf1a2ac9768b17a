package import CairnAnalyzer
internal import CairnBytes
package import CairnWeb

/// The verdicts on two clusters as a table.
package enum DivergenceAnswer {
    /// - Parameter findingsOnly: only what diverged.
    package static func table(_ report: DivergenceReport, _ words: FindingWords, findingsOnly: Bool) -> CairnWeb.Table {
        let shown = findingsOnly ? report.comparisons.filter { $0.verdict == .diverged } : report.comparisons
        let decimals = ["effect": 3, "effect_low": 3, "effect_high": 3, "margin": 3, "log_evidence": 1]
        var columns = [
            "app", "metric", "verdict", "since", "effect", "effect_low", "effect_high", "margin", "log_evidence",
            "reason", "time_to_decision_seconds",
        ].map { Table.Column($0, decimals: decimals[$0]) }
        let fixed = Set(columns.map(\.name))
        columns += (report.comparisons[0].json.object?.names ?? []).filter { !fixed.contains($0) }.map {
            Table.Column($0, isForMachines: true)
        }
        columns += ["finding", "note"].map { Table.Column($0, isForMachines: true) }
        var table = Table(columns: columns)
        for comparison in shown {
            var json = comparison.json.object ?? JSONObject()
            let finding = report.findings.first { $0.comparison == comparison }?.id
            json["finding"] = .optional(finding)
            json["note"] = .optional(finding.flatMap { words.note(on: $0) })
            table.rows.append(columns.map { Table.Cell(json[$0.name] ?? .null) })
        }
        let counts = Dictionary(grouping: report.comparisons, by: \.verdict).mapValues(\.count)
        table.notes = [
            DivergenceVerdict.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
                + "; effects are \(report.comparisons[0].unit == "share" ? "shares" : "logarithms of ratios") or as -o json says"
        ]
        for finding in report.findings {
            guard let note = words.note(on: finding.id) else { continue }
            table.notes.append("\(finding.comparison.app), \(finding.comparison.metric): \(note)")
        }
        let behind = report.comparisons.compactMap(\.behindSeconds).max() ?? 0
        if behind >= 120 {
            table.notes.append("the data of some comparisons is up to \(Int(behind)) s behind the newest")
        }
        if !report.leftOut.isEmpty { table.notes.append("\(report.leftOut.count) metrics were not comparable") }
        return table
    }

    /// What each metric is taken for.
    /// - Parameter said: metrics of which somebody said what they mean.
    package static func meanings(_ report: DivergenceReport, said: Set<String>) -> CairnWeb.Table {
        var table = Table(columns: [
            Table.Column("app"), Table.Column("metric"), Table.Column("meaning"), Table.Column("said_by"),
            Table.Column("is_compared"), Table.Column("series"),
        ])
        func source(_ metric: String) -> String { said.contains(metric) ? "you, or the plan" : "its name and labels" }
        for one in report.comparisons {
            table.rows.append([
                .text(one.app), .text(one.metric), .text(one.meaning), .text(source(one.metric)), .boolean(true),
                .integer(one.series.count),
            ])
        }
        for one in report.leftOut {
            table.rows.append([
                .text(one.app), .text(one.metric), .text(one.reason), .text(source(one.metric)), .boolean(false),
                .missing,
            ])
        }
        table.notes = [
            "`--meaning METRIC=MEANING`, or `meanings` in the gates of the plan, says otherwise; MEANING is one of "
                + DivergenceMeaning.vocabulary.joined(separator: ", ")
        ]
        return table
    }
}
