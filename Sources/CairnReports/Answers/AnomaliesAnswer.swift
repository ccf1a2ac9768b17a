package import CairnAnalyzer
internal import CairnBytes
package import CairnSeries
package import CairnWeb

/// Anomalies of series as a table.
package enum AnomaliesAnswer {
    package static func table(_ reports: [AnomalyReport]) -> CairnWeb.Table {
        var table = Table(columns: [
            Table.Column("series"), Table.Column("start"), Table.Column("end"), Table.Column("score", decimals: 3),
            Table.Column("value", decimals: 4), Table.Column("expected", decimals: 4), Table.Column("direction"),
            Table.Column("samples"), Table.Column("second_opinion"), Table.Column("peak", isForMachines: true),
            Table.Column("is_rate", isForMachines: true),
            Table.Column("spectral_residual_share", isForMachines: true),
            Table.Column("subspace_share", isForMachines: true),
        ])
        for report in reports {
            for event in report.events {
                table.rows.append([
                    .text(report.key.description), .optional(Timestamp(milliseconds: event.startMs)),
                    .optional(event.endMs.flatMap { Timestamp(milliseconds: $0) }), .number(event.score),
                    .number(event.value), .optional(event.expected), .text(event.isAbove ? "above" : "below"),
                    .integer(event.samples),
                    .optional(event.secondOpinion.map { $0.agrees ? "agrees" : "does not agree" }),
                    .optional(Timestamp(milliseconds: event.peakMs)), .boolean(report.isCounter),
                    .optional(event.secondOpinion?.spectralResidualShare),
                    .optional(event.secondOpinion?.subspaceShare),
                ])
            }
        }
        let judged = reports.count { $0.undecided == nil }
        table.notes = ["\(table.rows.count) anomalies in \(judged) of \(reports.count) series judged"]
        return table
    }

    /// What a change at one moment did to each series.
    package static func table(_ changes: [(key: SeriesKey, change: BeforeAfter)]) -> CairnWeb.Table {
        let columns = [
            Table.Column("series"), Table.Column("verdict"), Table.Column("effect", decimals: 4),
            Table.Column("effect_low", decimals: 4), Table.Column("effect_high", decimals: 4),
            Table.Column("deviations", decimals: 1), Table.Column("chance", decimals: 4),
            Table.Column("window_minutes"), Table.Column("reason"),
        ]
        let rows: [[Table.Cell]] = changes.map { key, found in
            guard found.verdict != .undecided else {
                return [.text(key.description), .text(found.verdict.rawValue)]
                    + Array(repeating: .missing, count: columns.count - 3) + [.text(found.reason)]
            }
            return [
                .text(key.description), .text(found.verdict.rawValue), .number(found.effect), .number(found.effectLow),
                .number(found.effectHigh), .number(found.deviations), .number(found.chance),
                .integer(found.windowMinutes), .text(found.reason),
            ]
        }
        return Table(columns: columns, rows: rows)
    }
}
