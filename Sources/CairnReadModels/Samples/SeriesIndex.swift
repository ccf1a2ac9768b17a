import CairnBytes
import CairnSeries

/// Finds series by their labels, from the tables that `SeriesCatalog` writes.
///
/// Every matcher becomes a set of series: the list of one pair, of all pairs whose value matches, or the complement.
/// Sets are runs, so joining them does not depend on how many series there are.
struct SeriesIndex {
    private let connection: Connection
    /// Up to so many candidates are compared one by one instead of looking at every value of a label.
    private static let candidatesComparedMax: Int64 = 512

    init(_ connection: Connection) { self.connection = connection }

    /// The numbers of the series for which all matchers hold.
    func numbers(matching selector: SeriesSelector) throws -> SeriesSet {
        var found = SeriesSet(
            through: try connection.first("SELECT max(series) FROM stored_series")?[0].integer ?? 0)
        // Those that ask for one value are the cheapest and leave the fewest.
        let ordered = selector.matchers.filter(\.isLookup) + selector.matchers.filter { !$0.isLookup }
        for (index, matcher) in ordered.enumerated() {
            if found.isEmpty { return found }
            if index > 0, !matcher.isLookup, found.count <= SeriesIndex.candidatesComparedMax {
                let rest = SeriesSelector(Array(ordered[index...]))
                return SeriesSet(try keys(of: found).filter { rest.matches($0.key) }.map(\.number))
            }
            let (set, isComplement) = try series(for: matcher)
            found = isComplement ? found.subtracting(set) : found.intersection(set)
        }
        return found
    }

    /// The series for which a matcher holds, or those for which it does not.
    private func series(for matcher: LabelMatcher) throws -> (set: SeriesSet, isComplement: Bool) {
        let isNegative = matcher.comparison == .notEqual || matcher.comparison == .matchesNot
        switch matcher.comparison {
        case .equal, .notEqual:
            // The empty text is that of a label that is not there.
            if matcher.value.isEmpty { return (try series(withLabel: matcher.label) { _ in true }, !isNegative) }
            return (try series(with: Label(matcher.label, matcher.value)), isNegative)
        case .matches, .matchesNot:
            if let values = matcher.plainValues, !values.contains("") {
                let sets = try values.map { try series(with: Label(matcher.label, $0)) }
                return (SeriesSet.union(sets), isNegative)
            }
            // Where the empty text passes too, only the values that fail need to be known.
            let isEmptyEnough = matcher.matches("")
            let set = try series(withLabel: matcher.label, prefix: isEmptyEnough || isNegative ? "" : matcher.prefix) {
                matcher.matches($0) != isEmptyEnough
            }
            return (set, isEmptyEnough)
        }
    }

    private func series(with label: Label) throws -> SeriesSet {
        guard let pair = try pair(label) else { return SeriesSet() }
        return try series(ofPair: pair)
    }

    private func series(ofPair pair: Int64) throws -> SeriesSet {
        let parts = try connection.statement("SELECT runs FROM label_series WHERE pair = ? ORDER BY first")
        parts.bind(1, pair)
        defer { parts.reset() }
        var set = SeriesSet()
        while try parts.step() { try set.append(encoded: parts.blob(0)) }
        return set
    }

    private func series(
        withLabel label: String, prefix: String = "", where isWanted: (String) -> Bool
    ) throws -> SeriesSet {
        var sets: [SeriesSet] = []
        try forEachValue(of: label, prefix: prefix) { pair, value in
            if isWanted(value) { sets.append(try series(ofPair: pair)) }
        }
        return SeriesSet.union(sets)
    }

    /// Every value that a label has somewhere, sorted.
    func values(of label: String) throws -> [String] {
        var values: [String] = []
        try forEachValue(of: label, prefix: "") { values.append($1) }
        return values
    }

    private func forEachValue(
        of label: String, prefix: String, _ body: (Int64, String) throws -> Void
    ) throws {
        let pairs = try connection.prepare(
            """
            SELECT pair, value FROM label_pairs WHERE label = ?1 AND value >= ?2 AND (?3 IS NULL OR value < ?3)
            ORDER BY value
            """)
        pairs.bind(1, label)
        pairs.bind(2, prefix)
        // Nothing that begins with the prefix sorts behind the prefix and the greatest character.
        pairs.bind(3, prefix.isEmpty ? nil : prefix + "\u{10FFFF}")
        while try pairs.step() { try body(pairs.integer(0), pairs.text(1)) }
    }

    /// The keys of series, sorted by key.
    func keys(of numbers: SeriesSet) throws -> [(number: Int64, key: SeriesKey)] {
        let rows = try connection.statement("SELECT name_pair, pairs FROM stored_series WHERE series = ?")
        let texts = try connection.statement("SELECT label, value FROM label_pairs WHERE pair = ?")
        var labels: [Int64: Label] = [:]
        func label(_ pair: Int64) throws -> Label {
            if let known = labels[pair] { return known }
            texts.bind(1, pair)
            defer { texts.reset() }
            guard try texts.step() else {
                throw ReadModelError(.damaged, "cannot find pair \(pair) of a series; rebuild the read model")
            }
            let label = Label(texts.text(0), texts.text(1))
            labels[pair] = label
            return label
        }
        var keys: [(number: Int64, key: SeriesKey)] = []
        try numbers.forEach { number in
            rows.bind(1, number)
            defer { rows.reset() }
            guard try rows.step() else { return }
            let name = rows.isNull(0) ? "" : try label(rows.integer(0)).value
            let found = try SeriesCatalog.pairs(in: rows.utf8(1)).map(label)
            keys.append((number, SeriesKey(name: name, storedLabels: found)))
        }
        return keys.sorted { $0.key < $1.key }
    }

    /// The number of one series.
    func number(of key: SeriesKey) throws -> Int64? {
        let name: Int64? = key.name.isEmpty ? nil : try pair(Label(SeriesKey.nameLabel, key.name))
        guard key.name.isEmpty || name != nil else { return nil }
        var pairs: [Int64] = []
        for label in key.labels {
            guard let pair = try pair(label) else { return nil }
            pairs.append(pair)
        }
        let text = SeriesCatalog.text(of: pairs)
        let rows = try connection.statement("SELECT series, name_pair, pairs FROM stored_series WHERE hash = ?")
        rows.bind(1, SeriesCatalog.hash(name: name ?? 0, text))
        defer { rows.reset() }
        while try rows.step() {
            if rows.integer(1) == name ?? 0, rows.utf8(2) == text { return rows.integer(0) }
        }
        return nil
    }

    private func pair(_ label: Label) throws -> Int64? {
        let statement = try connection.statement("SELECT pair FROM label_pairs WHERE label = ?1 AND value = ?2")
        statement.bind(1, label.name)
        statement.bind(2, label.value)
        defer { statement.reset() }
        return try statement.step() ? statement.integer(0) : nil
    }
}

extension LabelMatcher {
    /// True if one pair answers it.
    fileprivate var isLookup: Bool { comparison == .equal && !value.isEmpty }

    /// What every value that matches begins with, as far as a glance at the expression tells.
    fileprivate var prefix: String {
        let scalars = value.unicodeScalars
        guard !scalars.contains("|") else { return "" }
        var prefix = scalars.prefix { !LabelMatcher.special.contains($0) }
        // What is repeated may be absent.
        if prefix.endIndex < scalars.endIndex, ["*", "?", "{"].contains(scalars[prefix.endIndex]) {
            prefix = prefix.dropLast()
        }
        return String(prefix)
    }

    /// The values of an expression that is nothing but values: `a|b|c`.
    fileprivate var plainValues: [String]? {
        guard !value.unicodeScalars.contains(where: LabelMatcher.special.contains) else { return nil }
        let values = value.unicodeScalars.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
        return values.count <= LabelMatcher.plainValuesMax ? values : nil
    }

    private static let special: Set<Unicode.Scalar> = [
        "\\", ".", "+", "*", "?", "(", ")", "[", "]", "{", "}", "^", "$",
    ]
    /// More are found by one pass over all values.
    private static let plainValuesMax = 1000
}
