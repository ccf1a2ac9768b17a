/// Which columns of a CSV file are what, as indexes into its header.
struct CSVColumns {
    var time: Int
    var values: [Int]
    var labels: [Int]

    private static let timeNames = ["timestamp", "time", "ts", "datetime", "date"]

    static func find(in header: [String], options: CSVOptions) throws(CSVRows.Problem) -> CSVColumns {
        func index(_ name: String, _ option: String) throws(CSVRows.Problem) -> Int {
            guard let index = header.firstIndex(of: name) else {
                throw CSVRows.Problem(
                    reason: "the header has no column \(name.prefix(60)): it has \(list(header))",
                    remedy: "name the right one with \(option)")
            }
            return index
        }
        let time: Int
        if let name = options.timeColumn {
            time = try index(name, "--time-column")
        } else {
            let lower = header.map { $0.lowercased() }
            guard let found = timeNames.lazy.compactMap({ lower.firstIndex(of: $0) }).first else {
                throw CSVRows.Problem(
                    reason: "no column is named like a time: the header has \(list(header))",
                    remedy: "name it with --time-column")
            }
            time = found
        }
        var values: [Int] = []
        for name in options.valueColumns.isEmpty ? ["value"] : options.valueColumns {
            values.append(try index(name, "--value-column"))
        }
        var labels: [Int] = []
        for name in options.labelColumns ?? [] { labels.append(try index(name, "--label-column")) }
        return CSVColumns(time: time, values: values, labels: labels)
    }

    private static func list(_ header: [String]) -> String {
        header.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", ")
    }
}
