import CairnBytes
import CairnSeries

/// Gives series their numbers, and keeps the tables by which they are found again: one number per label with its value
/// (a *pair*), the pairs of each series, and per pair the series that have it.
///
/// A million series have few distinct pairs, so a series is a short list of small numbers instead of its text, and the
/// lists per pair are runs. `SeriesIndex` reads what this writes.
final class SeriesCatalog {
    /// The label under which the metric's name is a pair.
    static let nameLabel = SeriesKey.nameLabel
    static let appLabel = "app"

    static let tables = [
        Table(
            "label_pairs", "one label with one value that some series has; the metric's name is the label __name__",
            [
                Table.Column.integer("pair", "number of the pair in this file", "PRIMARY KEY"),
                Table.Column.text("label", "name of the label", "NOT NULL"),
                Table.Column.text("value", "its value", "NOT NULL"),
                Table.Column.text("member", "both as a member of a JSON object, where that takes escapes; else null"),
            ], lookups: [Table.Lookup(columns: "label, value", condition: "")]),
        Table(
            "label_series", "a part of the list of series that have a pair",
            [
                Table.Column.integer("pair", "number of the pair, see label_pairs", "NOT NULL"),
                Table.Column.integer("first", "the first series of the part", "NOT NULL"),
                Table.Column.blob("runs", "numbers of series as runs, for Cairn itself", "NOT NULL"),
            ], constraints: ["PRIMARY KEY (pair, first)"], isWithoutRowID: true),
        Table(
            "series", "one time series",
            [
                Table.Column.integer("series", "number of the series in this file", "PRIMARY KEY"),
                Table.Column.computed("name", "metric name", "TEXT", SeriesCatalog.value("name_pair")),
                Table.Column.computed("cluster", "value of the label cluster", "TEXT", value("cluster_pair")),
                Table.Column.computed("app", "value of the label app", "TEXT", value("app_pair")),
                Table.Column.computed("labels", "all labels, JSON object", "TEXT", labelsExpression),
                Table.Column.computed("key", "name and labels as PromQL writes them", "TEXT", keyExpression),
                Table.Column.integer("position", "place in the log of the event that brought it first", "NOT NULL"),
                Table.Column.integer("name_pair", "the name's number, see label_pairs"),
                Table.Column.integer("cluster_pair", "the number of its label cluster"),
                Table.Column.integer("app_pair", "the number of its label app"),
                Table.Column.text("pairs", "the numbers of its labels, JSON array", "NOT NULL"),
                Table.Column.integer("hash", "32 bits of a hash of pairs, by which Cairn finds it", "NOT NULL"),
            ], lookups: [Table.Lookup(columns: "hash", condition: "")]),
    ]

    private static func value(_ column: String) -> String {
        "coalesce((SELECT value FROM label_pairs WHERE pair = stored_series.\(column)), "
            + (column == "name_pair" ? "'')" : "NULL)")
    }

    /// `pairs` keeps the order of the labels, and so do these.
    private static let labelsExpression =
        "(SELECT '{' || coalesce(group_concat(coalesce(l.member, '\"' || l.label || '\":\"' || l.value || '\"'), ','), '')"
        + " || '}' FROM json_each(stored_series.pairs) AS e CROSS JOIN label_pairs AS l ON l.pair = e.value)"
    private static let keyExpression =
        "coalesce((SELECT value FROM label_pairs WHERE pair = stored_series.name_pair), CASE pairs WHEN '[]' THEN '{}'"
        + " ELSE '' END) || coalesce((SELECT '{' || group_concat(l.label || '=\"' || replace(replace(replace(l.value,"
        + " '\\', '\\\\'), '\"', '\\\"'), char(10), '\\n') || '\"', ',') || '}' FROM json_each(stored_series.pairs) AS e"
        + " CROSS JOIN label_pairs AS l ON l.pair = e.value), '')"

    private let findSeries: Statement
    private let insertSeries: Statement
    private let findPair: Statement
    private let insertPair: Statement
    private let lastPart: Statement
    private let putPart: Statement
    private let connection: Connection

    /// The next numbers; nil until they are asked for.
    private var nextSeries: Int64?
    private var nextPair: Int64?
    /// Pairs met before. Bounded: values of some labels are as many as the series.
    private var pairs: [Label: Int64] = [:]
    private static let pairsKeptMax = 1 << 20
    /// Series that came since the last flush, per pair.
    private var added: [Int64: SeriesSet] = [:]
    /// The last list that was numbered: scrapes of the same targets bring the same series again.
    private var lastKeys: [SeriesKey] = []
    private var lastNumbers: [Int64] = []

    init(_ connection: Connection) throws(ReadModelError) {
        self.connection = connection
        findSeries = try connection.statement("SELECT series, name_pair, pairs FROM stored_series WHERE hash = ?")
        insertSeries = try connection.statement(
            """
            INSERT INTO stored_series (series, position, name_pair, cluster_pair, app_pair, pairs, hash)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """)
        findPair = try connection.statement("SELECT pair FROM label_pairs WHERE label = ? AND value = ?")
        insertPair = try connection.statement(
            "INSERT INTO label_pairs (pair, label, value, member) VALUES (?, ?, ?, ?)")
        lastPart = try connection.statement(
            "SELECT first, runs FROM label_series WHERE pair = ? ORDER BY first DESC LIMIT 1")
        putPart = try connection.statement("INSERT OR REPLACE INTO label_series (pair, first, runs) VALUES (?, ?, ?)")
    }

    /// Forgets what it knows of the tables: another process may be next to give numbers.
    func forget() {
        nextSeries = nil
        nextPair = nil
        pairs.removeAll(keepingCapacity: true)
        (lastKeys, lastNumbers) = ([], [])
    }

    /// The numbers of series, given to those that had none. `flush` must follow before the transaction ends.
    func numbers(of keys: [SeriesKey], position: UInt64) throws -> [Int64] {
        if keys == lastKeys { return lastNumbers }
        var numbers: [Int64] = []
        numbers.reserveCapacity(keys.count)
        for key in keys { numbers.append(try number(of: key, position: position)) }
        (lastKeys, lastNumbers) = (keys, numbers)
        return numbers
    }

    private func number(of key: SeriesKey, position: UInt64) throws -> Int64 {
        let name: Int64? = key.name.isEmpty ? nil : try pair(Label(SeriesCatalog.nameLabel, key.name))
        var labels: [Int64] = []
        labels.reserveCapacity(key.labels.count)
        var cluster: Int64?
        var app: Int64?
        for label in key.labels {
            let pair = try pair(label)
            labels.append(pair)
            if label.name == SeriesKey.clusterLabel { cluster = pair }
            if label.name == SeriesCatalog.appLabel { app = pair }
        }
        let text = SeriesCatalog.text(of: labels)
        let hash = SeriesCatalog.hash(name: name ?? 0, text)
        findSeries.bind(1, hash)
        defer { findSeries.reset() }
        while try findSeries.step() {
            // An absent name is null, which reads as 0, which no pair is.
            if findSeries.integer(1) == name ?? 0, findSeries.isText(2, text) { return findSeries.integer(0) }
        }
        let number = try nextSeries ?? after(connection.first("SELECT max(series) FROM stored_series"))
        nextSeries = number + 1
        insertSeries.bind(1, number)
        insertSeries.bind(2, Int64(clamping: position))
        insertSeries.bind(3, SQLValue.optional(name))
        insertSeries.bind(4, SQLValue.optional(cluster))
        insertSeries.bind(5, SQLValue.optional(app))
        insertSeries.bind(6, utf8: text)
        insertSeries.bind(7, hash)
        _ = try insertSeries.step()
        insertSeries.reset()
        for pair in labels { added[pair, default: SeriesSet()].append(number) }
        if let name { added[name, default: SeriesSet()].append(number) }
        return number
    }

    /// What a series' samples are put together by in rollups.
    func group(of key: SeriesKey) throws -> SampleRollup.Group {
        func number(_ label: String, _ value: String?) throws -> Int64 {
            guard let value, !value.isEmpty else { return 0 }
            return try pair(Label(label, value))
        }
        return SampleRollup.Group(
            name: try number(SeriesCatalog.nameLabel, key.name),
            cluster: try number(SeriesKey.clusterLabel, key[SeriesKey.clusterLabel]),
            app: try number(SeriesCatalog.appLabel, key[SeriesCatalog.appLabel]))
    }

    private func pair(_ label: Label) throws -> Int64 {
        if let known = pairs[label] { return known }
        findPair.bind(1, label.name)
        findPair.bind(2, label.value)
        defer { findPair.reset() }
        let number: Int64
        if try findPair.step() {
            number = findPair.integer(0)
        } else {
            number = try nextPair ?? after(connection.first("SELECT max(pair) FROM label_pairs"))
            nextPair = number + 1
            insertPair.bind(1, number)
            insertPair.bind(2, label.name)
            insertPair.bind(3, label.value)
            insertPair.bind(4, SeriesCatalog.member(label))
            _ = try insertPair.step()
            insertPair.reset()
        }
        if pairs.count >= SeriesCatalog.pairsKeptMax { pairs.removeAll(keepingCapacity: true) }
        pairs[label] = number
        return number
    }

    private func after(_ largest: [SQLValue]?) -> Int64 { (largest?[0].integer ?? 0) + 1 }

    /// SQLite's own function that quotes JSON may not be used in a view where schemas are not trusted, as here.
    private static func member(_ label: Label) -> String? {
        let name = CanonicalJSON.string(of: .string(label.name))
        let value = CanonicalJSON.string(of: .string(label.value))
        let plain = label.name.utf8.count + label.value.utf8.count + 4
        return name.utf8.count + value.utf8.count == plain ? nil : "\(name):\(value)"
    }

    /// Writes the lists of the series that were added.
    func flush() throws {
        // In order, so that the rows lie in order.
        for (pair, new) in added.sorted(by: { $0.key < $1.key }) { try add(new, to: pair) }
        added.removeAll(keepingCapacity: true)
    }

    private func add(_ new: SeriesSet, to pair: Int64) throws {
        var part = SeriesSet()
        lastPart.bind(1, pair)
        if try lastPart.step() { try part.append(encoded: lastPart.blob(1)) }
        lastPart.reset()
        for run in new.runs {
            part.append(run)
            guard part.encoded.count > SeriesSet.chunkBytesMax, let last = part.removeLast() else { continue }
            try put(part, of: pair)
            part = SeriesSet()
            part.append(last)
        }
        try put(part, of: pair)
    }

    private func put(_ part: SeriesSet, of pair: Int64) throws {
        guard let first = part.runs.first?.first else { return }
        putPart.bind(1, pair)
        putPart.bind(2, first)
        putPart.bind(3, SQLValue.blob(part.encoded))
        _ = try putPart.step()
        putPart.reset()
    }

    /// A JSON array of integers.
    static func text(of pairs: [Int64]) -> [UInt8] {
        var text: [UInt8] = [UInt8(ascii: "[")]
        for (index, pair) in pairs.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            text += Array(String(pair).utf8)
        }
        text.append(UInt8(ascii: "]"))
        return text
    }

    /// The integers of such an array.
    static func pairs(in text: [UInt8]) -> [Int64] {
        var pairs: [Int64] = []
        var number: Int64?
        for byte in text {
            if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                number = (number ?? 0) &* 10 &+ Int64(byte - UInt8(ascii: "0"))
            } else if let complete = number {
                pairs.append(complete)
                number = nil
            }
        }
        return pairs
    }

    /// 32 bits, which SQLite stores in four bytes; of a million series a hundred share theirs with another. The same in
    /// every build, unlike Swift's own hashes.
    static func hash(name: Int64, _ text: [UInt8]) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(bitPattern: name) &* 0x9E37_79B9_7F4A_7C15
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        hash ^= hash >> 29
        hash &*= 0xBF58_476D_1CE4_E5B9
        return Int64(Int32(truncatingIfNeeded: hash >> 17))
    }
}
