import CairnBytes
import CairnSeries

/// The rows of one use of `samples`. A value and no object: SQLite asks three times a row, and what it asks for lies
/// in its own cursor then.
struct SamplesCursor {
    private struct Series {
        var number: Int64
        var key: SeriesKey
        var samples: [Sample]
        var place = 0
    }

    /// Rows sorted by time over many series have all of them in memory: 320 MB.
    private static let sortedSamplesMax = 20_000_000
    /// Series read at once where the order does not matter.
    private static let blockSeries = 64

    private let reader: SampleReader
    private let arguments: SamplesFunction.Arguments
    private var rest: ArraySlice<(number: Int64, key: SeriesKey)> = []
    private var loaded: [Series] = []
    /// Places in `loaded`, the one with the earliest sample first; nil if rows come series by series.
    private var heap: [Int]?
    private var current = 0
    /// Those of the current series, and the place of the row among them.
    private var samples: [Sample] = []
    private var place = 0
    /// Above 0 for a value that came after another of the same moment.
    private(set) var ordinal: Int64 = 0
    private(set) var row: Int64 = 0
    private(set) var isAtEnd = true

    init(_ reader: SampleReader, _ arguments: SamplesFunction.Arguments, isSorted: Bool) throws {
        self.reader = reader
        self.arguments = arguments
        guard !arguments.range.isEmpty else { return }
        let numbers = try reader.index.numbers(matching: arguments.selector)
        rest = try reader.index.keys(of: numbers)[...]
        if isSorted {
            try loadAll()
            heap = loaded.indices.sorted { isBefore($0, $1) }
            current = heap?.first ?? 0
            isAtEnd = loaded.isEmpty
        } else {
            try loadBlock()
        }
        enterSeries()
    }

    private mutating func loadAll() throws {
        var count = 0
        var loaded: [Series] = []
        try reader.forEachSeries(Array(rest), in: arguments.range, every: arguments.every) { number, key, samples in
            count += samples.count
            guard count <= SamplesCursor.sortedSamplesMax else {
                throw ReadModelError(
                    .query,
                    "samples(): over \(SamplesCursor.sortedSamplesMax) samples cannot be sorted by time at "
                        + "once; narrow the time or the matchers, or leave out ORDER BY")
            }
            loaded.append(Series(number: number, key: key, samples: samples))
        }
        self.loaded = loaded
        rest = []
    }

    /// The next series with samples; at the end if there are none.
    private mutating func loadBlock() throws {
        var loaded: [Series] = []
        current = 0
        while loaded.isEmpty, !rest.isEmpty {
            let block = rest.prefix(SamplesCursor.blockSeries)
            rest = rest.dropFirst(block.count)
            try reader.forEachSeries(Array(block), in: arguments.range, every: arguments.every) {
                number, key, samples in
                loaded.append(Series(number: number, key: key, samples: samples))
            }
        }
        self.loaded = loaded
        isAtEnd = loaded.isEmpty
    }

    private mutating func enterSeries() {
        guard !isAtEnd else { return }
        samples = loaded[current].samples
        place = loaded[current].place
    }

    var series: (number: Int64, key: SeriesKey) { (loaded[current].number, loaded[current].key) }
    var sample: Sample { samples[place] }

    mutating func advance() throws {
        guard !isAtEnd else { return }
        row += 1
        let next = place + 1
        let isLast = next == samples.count
        let isSameMoment = !isLast && samples[next].timeMs == samples[place].timeMs
        ordinal = isSameMoment ? ordinal + 1 : 0
        // Values of one moment of one series stay together, in every order of rows.
        if isSameMoment || !isLast && heap == nil {
            place = next
            return
        }
        if heap == nil {
            loaded[current].samples = []
            current += 1
            if current == loaded.count { try loadBlock() }
        } else {
            loaded[current].place = next
            sift(removingFirst: isLast)
        }
        enterSeries()
    }

    private mutating func sift(removingFirst: Bool) {
        guard var order = heap else { return }
        heap = nil
        if removingFirst {
            loaded[order[0]].samples = []
            order[0] = order[order.count - 1]
            order.removeLast()
        }
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2]
            where child < order.count && isBefore(order[child], order[least]) {
                least = child
            }
            if least == place { break }
            order.swapAt(place, least)
            place = least
        }
        isAtEnd = order.isEmpty
        current = order.first ?? 0
        heap = order
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (one, two) = (loaded[left], loaded[right])
        return (one.samples[one.place].timeMs, left) < (two.samples[two.place].timeMs, right)
    }
}

extension SamplesCursor {
    func value(of column: SamplesFunction.Column) -> SQLValue {
        switch column {
        case .series: return .integer(series.number)
        case .name, .cluster, .app, .labels, .key: return series.key.value(of: column)
        case .ts: return .optional(Timestamp(milliseconds: sample.timeMs).map(SamplesFunction.text))
        case .tsMicroseconds: return .optional(Timestamp(milliseconds: sample.timeMs)?.microseconds)
        case .value: return sample.value.isNaN ? .null : .real(sample.value)
        case .note: return sample.isStale ? .text("stale") : sample.value.isNaN ? .text("NaN") : .null
        case .ordinal: return .integer(ordinal)
        }
    }
}

extension SeriesKey {
    /// What the columns say that both functions have of a series.
    func value(of column: SamplesFunction.Column) -> SQLValue {
        switch column {
        case .name: return .text(name)
        case .cluster: return .optional(self[SeriesKey.clusterLabel])
        case .app: return .optional(self[SeriesCatalog.appLabel])
        case .labels:
            var object = JSONObject()
            for label in labels { object[label.name] = .string(label.value) }
            return .text(CanonicalJSON.string(of: .object(object)))
        case .key: return .text(description)
        default: return .null
        }
    }
}

extension SamplesFunction {
    /// Always with three digits, so that it sorts as text.
    static func text(_ time: Timestamp) -> String {
        let fraction = ((time.milliseconds % 1000) + 1000) % 1000
        let digits = String(1000 + fraction).dropFirst()
        let whole = time.description
        let seconds = whole.prefix { $0 != "." && $0 != "Z" }
        return "\(seconds).\(digits)Z"
    }
}
