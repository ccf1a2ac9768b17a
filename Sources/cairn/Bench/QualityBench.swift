import CairnLedger
import CairnReports
import CairnWeb

/// `cairn bench --quality-data`: what the analyzer reaches on public data sets, beside what was aimed at and what others
/// reach.
enum QualityBench {
    private static let fileBytesMax: UInt64 = 64 << 20

    static func run(_ folder: String) throws -> Table {
        let disk = RealDisk()
        let data = QualityData(
            read: { name in
                let path = "\(folder)/\(name)"
                guard (try? disk.kind(of: path)) == .file else { return nil }
                let handle = try disk.open(path, .read)
                defer { handle.close() }
                return try handle.readAll(limit: fileBytesMax)
            },
            list: { name in
                let path = "\(folder)/\(name)"
                guard (try? disk.kind(of: path)) == .folder else { return [] }
                return try disk.list(path).sorted()
            })
        var rows: [QualityData.Row] = []
        for (name, part) in [
            ("NAB", NABQuality(data: data).rows), ("PetShop", PetShopQuality(data: data).rows),
            ("Kontrast", KontrastQuality(data: data).rows),
        ] as [(String, () throws -> [QualityData.Row])] {
            Terminal.progress(name)
            rows += try part()
        }
        Terminal.endProgress()
        let columns = [
            Table.Column("what"), Table.Column("target"), Table.Column("reached", decimals: 3), Table.Column("unit"),
            Table.Column("baseline"), Table.Column("note"),
        ]
        return Table(
            columns: columns,
            rows: rows.map { row in
                [
                    .text(row.what), .text(row.target), .optional(row.reached), .text(row.unit), .text(row.baseline),
                    .text(row.note),
                ]
            })
    }
}
