import CairnBytes
import CairnSeries
import GRDB
import GRDBSQLite

/// The table-valued functions that read samples beside the other tables, though no table holds them.
///
///     SELECT ts, value FROM samples('http_requests_total', '{app="shop"}', '2026-03-10T08:00:00Z', NULL)
///     SELECT ts, maximum FROM sample_stats('http_requests_total', '{app="shop"}', NULL, NULL, '1h')
///
/// `metric` is the name, `matchers` a selector, and both may be null or left out. `t0` is included, `t1` is not; both
/// are RFC 3339 text or, as in columns that end in `_us`, microseconds since 1970.
enum SamplesFunction: String, CaseIterable {
    case samples
    case statistics = "sample_stats"

    /// The columns of `samples`, in the order in which SQLite numbers them. The hidden ones are the arguments.
    enum Column: Int32 {
        case series, name, cluster, app, labels, key, ts, tsMicroseconds, value, note, ordinal
    }

    /// The columns of `sample_stats`.
    enum StatisticsColumn: Int32 {
        case series, name, cluster, app, labels, key, ts, tsMicroseconds, samples, minimum, maximum, total, first
        case firstMicroseconds, last, lastMicroseconds
    }

    /// The hidden columns behind the others.
    enum Argument: Int32, CaseIterable {
        case metric, matchers, start, end, last
    }

    /// The number of the first hidden column.
    var firstArgument: Int32 {
        switch self {
        case .samples: Column.ordinal.rawValue + 1
        case .statistics: StatisticsColumn.lastMicroseconds.rawValue + 1
        }
    }

    var declaration: String {
        let common =
            "series INTEGER, name TEXT, cluster TEXT, app TEXT, labels TEXT, key TEXT, ts TEXT, ts_us INTEGER, "
        let arguments = "metric HIDDEN, matchers HIDDEN, t0 HIDDEN, t1 HIDDEN, "
        switch self {
        case .samples:
            return "CREATE TABLE f(\(common)value REAL, note TEXT, ordinal INTEGER, \(arguments)every HIDDEN)"
        case .statistics:
            return "CREATE TABLE f(\(common)samples INTEGER, minimum REAL, maximum REAL, total REAL, first REAL, "
                + "first_us INTEGER, last REAL, last_us INTEGER, \(arguments)step HIDDEN)"
        }
    }

    static func register(on database: Database, _ store: SampleStore) throws {
        guard let handle = unsafe database.sqliteConnection else { return }
        for function in SamplesFunction.allCases {
            let context = unsafe Unmanaged.passRetained(SamplesModule.Context(function, store)).toOpaque()
            // SQLite calls the destructor also when it refuses the module.
            let code = unsafe sqlite3_create_module_v2(
                handle, function.rawValue, SamplesModule.shared.pointer, context,
                { context in
                    guard let context = unsafe context else { return }
                    unsafe Unmanaged<SamplesModule.Context>.fromOpaque(context).release()
                })
            guard code == SQLITE_OK else {
                throw unsafe Connection.error(code, on: handle, while: "\(function.rawValue)()")
            }
        }
    }

    /// The arguments of one use.
    struct Arguments {
        private let function: SamplesFunction
        var selector = SeriesSelector()
        var range = TimeRangeMs.all
        /// Whether values that came after another for their moment are given too.
        var every = false
        /// Length of a step; nil for one step over everything.
        var stepMs: Int64?

        /// - Parameter values: of the arguments in `given`, in that order.
        init(_ function: SamplesFunction, _ values: [SQLValue], _ given: [Argument]) throws {
            self.function = function
            var start: Int64?
            var end: Int64?
            for (argument, value) in zip(given, values) where value != .null {
                switch argument {
                case .metric:
                    guard let text = value.text else { throw refused("metric", value, "is no text") }
                    if !text.isEmpty { selector = selector.and(LabelMatcher(SeriesKey.nameLabel, equals: text)) }
                case .matchers:
                    guard let text = value.text else { throw refused("matchers", value, "is no text") }
                    guard !text.isEmpty else { continue }
                    do { selector = selector.and(try SeriesSelector(parsing: text)) } catch {
                        throw ReadModelError(.query, "\(function.rawValue)(): matchers \(text.prefix(200)): \(error)")
                    }
                case .start: start = try milliseconds("t0", value)
                case .end: end = try milliseconds("t1", value)
                case .last:
                    if function == .statistics {
                        stepMs = try step(value)
                    } else if value.text == "every" {
                        every = true
                    } else {
                        throw refused("fifth argument", value, "is not 'every'")
                    }
                }
            }
            let lower = start ?? .min
            range = lower..<max(lower, end ?? .max)
        }

        /// A moment within a millisecond counts as the next whole one: both ends then mean "not before".
        private func milliseconds(_ name: String, _ value: SQLValue) throws -> Int64 {
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

        /// A number with a unit, or microseconds, of which a step has at least a thousand.
        private func step(_ value: SQLValue) throws -> Int64 {
            let wrong = refused("step", value, "is neither a length such as 30s, 5m, 1h or 1d nor microseconds")
            var milliseconds: Int64?
            switch value {
            case .integer(let microseconds): milliseconds = microseconds % 1000 == 0 ? microseconds / 1000 : nil
            case .text(let text):
                let unit: Int64? =
                    switch text.last {
                    case "s": 1000
                    case "m": 60_000
                    case "h": 3_600_000
                    case "d": 86_400_000
                    default: nil
                    }
                let number = text.utf8.dropLast().allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? Int64(text.dropLast()) : nil
                guard let unit, let number else { throw wrong }
                let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit)
                milliseconds = isTooLarge ? nil : product
            default: milliseconds = nil
            }
            guard let milliseconds, milliseconds > 0 else { throw wrong }
            return milliseconds
        }

        private func refused(_ name: String, _ value: SQLValue, _ reason: String) -> ReadModelError {
            ReadModelError(.query, "\(function.rawValue)(): \(name) \(reason): \(value.description.prefix(200))")
        }
    }
}
