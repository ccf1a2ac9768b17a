import CairnBytes
import CairnSeries
import GRDB
import GRDBSQLite

/// The table-valued function `samples(metric, matchers, t0, t1)`: samples as rows, beside the other tables, though no
/// table holds them.
///
///     SELECT ts, value FROM samples('http_requests_total', '{app="shop"}', '2026-03-10T08:00:00Z', NULL)
///
/// `metric` is the name, `matchers` a selector, and both may be null or left out. `t0` is included, `t1` is not; both
/// are RFC 3339 text or, as in columns that end in `_us`, microseconds since 1970. A fifth argument, `'every'`, also
/// gives the values that lost against an earlier one for their moment.
enum SamplesFunction {
    static let name = "samples"

    /// In the order in which SQLite numbers them. The hidden ones are the arguments.
    enum Column: Int32, CaseIterable {
        case series, name, cluster, app, labels, key, ts, tsMicroseconds, value, note, ordinal
        case metric, matchers, start, end, every

        static let arguments: [Column] = [.metric, .matchers, .start, .end, .every]
    }

    static let declaration = """
        CREATE TABLE samples(series INTEGER, name TEXT, cluster TEXT, app TEXT, labels TEXT, key TEXT, ts TEXT,
          ts_us INTEGER, value REAL, note TEXT, ordinal INTEGER,
          metric HIDDEN, matchers HIDDEN, t0 HIDDEN, t1 HIDDEN, every HIDDEN)
        """

    /// How it is used, for `queries/README.md`.
    static let page = """
        One row: one sample. The samples lie in the log and in no table, so this function is there in `cairn query` and in \
        saved queries, and not in other SQLite tools, which have `sample_rollups`.

            SELECT ts, value FROM samples('http_requests_total', '{app="shop"}', '2026-03-10T08:00:00Z', NULL)

        `metric` is the name, `matchers` a selector as in PromQL; either may be null. `t0` is included and `t1` is not; both \
        are RFC 3339 text or microseconds since 1970, and null means open. Of different values told for one moment the \
        first to arrive counts; a fifth argument, `'every'`, gives the others too. `ORDER BY ts` costs no sort.
        """

    /// What the columns say, for `queries/README.md`.
    static let meanings: [(name: String, meaning: String)] = [
        ("series", "number of the series, see `series`"), ("name", "metric name"), ("cluster", "its label cluster"),
        ("app", "its label app"), ("labels", "all its labels, JSON object"),
        ("key", "name and labels as PromQL writes them"),
        ("ts", "the moment, RFC 3339 in UTC with milliseconds; sorts as text"),
        ("ts_us", "the moment, microseconds since 1970, to compare with the columns that end in `_us`"),
        ("value", "the value; null for NaN, which SQLite does not have"),
        ("note", "`stale` where the series ended, `NaN` for any other that is no number, else null"),
        ("ordinal", "0; with the fifth argument above 0 for a value that came after another for the same moment"),
    ]

    static func register(on database: Database, _ store: SampleStore) throws {
        guard let handle = unsafe database.sqliteConnection else { return }
        let context = unsafe Unmanaged.passRetained(store).toOpaque()
        // SQLite calls the destructor also when it refuses the module.
        let code = unsafe sqlite3_create_module_v2(
            handle, name, SamplesModule.shared.pointer, context,
            { context in
                guard let context = unsafe context else { return }
                unsafe Unmanaged<SampleStore>.fromOpaque(context).release()
            })
        guard code == SQLITE_OK else { throw unsafe Connection.error(code, on: handle, while: "samples()") }
    }

    /// The arguments of one use.
    struct Arguments {
        var selector = SeriesSelector()
        var range = TimeRangeMs.all
        var every = false

        /// - Parameter values: of the columns in `columns`, in that order.
        init(_ values: [SQLValue], _ columns: [Column]) throws {
            var start: Int64?
            var end: Int64?
            for (column, value) in zip(columns, values) where value != .null {
                switch column {
                case .metric:
                    guard let text = value.text else { throw Arguments.refused("metric", value, "is no text") }
                    if !text.isEmpty { selector = selector.and(LabelMatcher(SeriesKey.nameLabel, equals: text)) }
                case .matchers:
                    guard let text = value.text else { throw Arguments.refused("matchers", value, "is no text") }
                    guard !text.isEmpty else { continue }
                    do { selector = selector.and(try SeriesSelector(parsing: text)) } catch {
                        throw ReadModelError(.query, "samples(): matchers \(text.prefix(200)): \(error)")
                    }
                case .start: start = try Arguments.milliseconds("t0", value)
                case .end: end = try Arguments.milliseconds("t1", value)
                case .every:
                    guard value.text == "every" else {
                        throw Arguments.refused("fifth argument", value, "is not 'every'")
                    }
                    every = true
                default: continue
                }
            }
            let lower = start ?? .min
            range = lower..<max(lower, end ?? .max)
        }

        /// A moment within a millisecond counts as the next whole one: both ends then mean "not before".
        private static func milliseconds(_ name: String, _ value: SQLValue) throws -> Int64 {
            let microseconds: Int64
            switch value {
            case .integer(let number): microseconds = number
            case .text(let text):
                guard let time = Timestamp(text) else {
                    throw refused(name, value, "is no time such as 2026-03-10T08:00:00Z")
                }
                microseconds = time.microseconds
            default: throw refused(name, value, "is neither a time as text nor microseconds since 1970")
            }
            let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1000)
            return remainder > 0 ? quotient + 1 : quotient
        }

        private static func refused(_ name: String, _ value: SQLValue, _ reason: String) -> ReadModelError {
            ReadModelError(.query, "samples(): \(name) \(reason): \(value.description.prefix(200))")
        }
    }
}

/// The rows of one use of the function. A value and no object: SQLite asks three times a row, and what it asks for lies
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
