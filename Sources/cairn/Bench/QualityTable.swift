import CairnSim
import CairnWeb

/// The one table of all quality benches: each target beside what was reached.
enum QualityTable {
    static func make(_ results: [QualityResult]) -> Table {
        let columns = [
            Table.Column("what"), Table.Column("amount"), Table.Column("target"), Table.Column("reached", decimals: 3),
            Table.Column("unit"), Table.Column("met"), Table.Column("baseline"), Table.Column("note"),
        ]
        let rows: [[Table.Cell]] = results.map { result in
            [
                .text(result.name), .text(result.amount), .text(result.target), .optional(result.measured),
                .text(result.unit), .text(result.isReached.map { $0 ? "met" : "missed" } ?? ""),
                .text(result.baseline), .text(result.note),
            ]
        }
        let missed = results.filter { $0.isReached == false }
        var table = Table(columns: columns, rows: rows)
        table.notes = ["\(results.count { $0.isReached == true }) targets met, \(missed.count) missed"]
        return table
    }
}
