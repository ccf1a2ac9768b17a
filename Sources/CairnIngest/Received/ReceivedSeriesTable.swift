internal import CairnBytes
package import CairnSeries

/// The series that a sender names, by the bytes that named them, for as long as the caller keeps the table: a series that
/// came before costs a hash of its labels and no text.
///
/// Full, it starts anew with the next request, and `generation` says so: numbers mean series of their generation only.
package struct ReceivedSeriesTable: Sendable {
    /// Some 300 bytes each.
    package static let seriesMax = 500_000
    /// Names and labels as they came; the keys made of them take about as much again.
    package static let bytesMax = 128 << 20

    /// Clusters that the series of a table may name: each is a stream of events, and an event a batch. Migrations have two
    /// clusters each, and a sender with a label that changes with every sample would have thousands.
    package static let clustersMax = 100

    package let added: AddedLabels
    package private(set) var generation = 0
    private let seriesMax: Int
    private let bytesMax: Int
    private let seed: UInt64
    private var spellings: ByteNumbers
    private var seriesOfSpelling: [Int] = []
    /// Texts of remote write 2.0, and series as lists of their numbers.
    private var symbols: ByteNumbers
    private var symbolLists: ByteNumbers
    private var seriesOfSymbolList: [Int] = []
    private var keys: [SeriesKey] = []
    private var numbers: [SeriesKey: Int] = [:]
    private var clusters: Set<String> = []

    /// - Parameters:
    ///   - added: labels given to every series.
    ///   - seed: what senders cannot know.
    package init(
        adding added: AddedLabels = AddedLabels(), seed: UInt64, seriesMax: Int = ReceivedSeriesTable.seriesMax,
        bytesMax: Int = ReceivedSeriesTable.bytesMax
    ) {
        self.added = added
        self.seed = seed
        self.seriesMax = seriesMax
        self.bytesMax = bytesMax
        spellings = ByteNumbers(seed: seed)
        symbols = ByteNumbers(seed: seed)
        symbolLists = ByteNumbers(seed: seed)
    }

    package var count: Int { keys.count }

    package subscript(number: Int) -> SeriesKey { keys[number] }

    /// Called once before each request is read. Within a request numbers stay, so it may go over the limits by what one
    /// body brings.
    mutating func beginRequest() {
        guard
            keys.count >= seriesMax || seriesOfSpelling.count >= 2 * seriesMax
                || seriesOfSymbolList.count >= 2 * seriesMax || symbols.count >= 4 * seriesMax
                || spellings.byteCount + symbols.byteCount + symbolLists.byteCount >= bytesMax
        else { return }
        let next = generation + 1
        self = ReceivedSeriesTable(adding: added, seed: seed, seriesMax: seriesMax, bytesMax: bytesMax)
        generation = next
    }

    // MARK: Labels as remote write 1.0 spells them

    /// The series of labels given as the fields of `TimeSeries.labels`, one after the other.
    @inline(__always)
    mutating func series(spelled bytes: Span<UInt8>, _ range: Range<Int>) throws(SeriesKeyError) -> Int {
        let hash = spellings.hash(bytes, range)
        if let known = spellings.find(bytes, range, hash: hash) { return seriesOfSpelling[known] }
        return try add(spelled: bytes, range, hash: hash)
    }

    private mutating func add(
        spelled bytes: Span<UInt8>, _ range: Range<Int>, hash: UInt64
    ) throws(SeriesKeyError) -> Int {
        let number = try number(of: try LabelSpelling.labels(bytes, range))
        _ = spellings.add(bytes, range, hash: hash)
        seriesOfSpelling.append(number)
        return number
    }

    // MARK: Labels as remote write 2.0 spells them

    mutating func symbol(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
        let hash = symbols.hash(bytes, range)
        return UInt32(symbols.find(bytes, range, hash: hash) ?? symbols.add(bytes, range, hash: hash))
    }

    /// - Parameter list: numbers of `symbol`, name and value in turn, four bytes each.
    mutating func series(ofSymbols list: [UInt8]) throws(SeriesKeyError) -> Int {
        let hash = symbolLists.hash(list.span, list.indices)
        if let known = symbolLists.find(list.span, list.indices, hash: hash) { return seriesOfSymbolList[known] }
        var labels: [Label] = []
        var texts: [String] = []
        for start in stride(from: 0, to: list.count, by: 4) {
            let symbol = (0..<4).reduce(0) { $0 | Int(list[start + $1]) << (8 * $1) }
            guard let text = symbols.text(of: symbol) else {
                throw SeriesKeyError(reason: "a name or label is not UTF-8")
            }
            texts.append(text)
            if texts.count == 2 {
                labels.append(Label(texts[0], texts[1]))
                texts = []
            }
        }
        let number = try number(of: labels)
        _ = symbolLists.add(list.span, list.indices, hash: hash)
        seriesOfSymbolList.append(number)
        return number
    }

    /// The number of a series in this generation. `__name__` is among the labels.
    private mutating func number(of labels: [Label]) throws(SeriesKeyError) -> Int {
        var metric = ""
        var others: [Label] = []
        for label in labels {
            guard !label.name.isEmpty else { throw SeriesKeyError(reason: "a label has no name") }
            if label.name == SeriesKey.nameLabel, metric.isEmpty {
                metric = label.value
            } else {
                others.append(label)
            }
        }
        guard !metric.isEmpty else { throw SeriesKeyError(reason: "the metric has no name") }
        guard !others.contains(where: { $0.name == SeriesKey.nameLabel }) else {
            throw SeriesKeyError(reason: "the metric has two names")
        }
        let key = try added.key(metric, others)
        if let known = numbers[key] { return known }
        if let cluster = key[SeriesKey.clusterLabel], !clusters.contains(cluster) {
            guard clusters.count < ReceivedSeriesTable.clustersMax else {
                throw SeriesKeyError(
                    reason: "its label cluster is another beside \(ReceivedSeriesTable.clustersMax) of this sender")
            }
            clusters.insert(cluster)
        }
        keys.append(key)
        numbers[key] = keys.count - 1
        return keys.count - 1
    }
}
