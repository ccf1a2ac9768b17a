import CairnBytes
import CairnSeries

/// The rows of one use of `sample_stats`, series by series.
struct StatisticsCursor {
    private let reader: SampleStatisticsReader
    private var loaded: [SampleStatisticsReader.Series] = []
    private var current = 0
    private var place = 0
    private(set) var row: Int64 = 0

    init(_ reader: SampleReader, _ arguments: SamplesFunction.Arguments) throws {
        self.reader = try SampleStatisticsReader(
            reader, arguments.selector, in: arguments.range, stepMs: arguments.stepMs)
        try load()
    }

    /// The next series that have a row; none at the end.
    private mutating func load() throws {
        (loaded, current, place) = ([], 0, 0)
        while loaded.isEmpty, let next = try reader.nextBlock() { loaded = next }
    }

    var isAtEnd: Bool { loaded.isEmpty }

    mutating func advance() throws {
        guard !isAtEnd else { return }
        row += 1
        place += 1
        guard place == loaded[current].statistics.steps.count else { return }
        place = 0
        current += 1
        if current == loaded.count { try load() }
    }

    func value(of column: SamplesFunction.StatisticsColumn) -> SQLValue {
        let step = loaded[current].statistics.steps[place]
        switch column {
        case .series: return .integer(loaded[current].number)
        case .name: return loaded[current].key.value(of: .name)
        case .cluster: return loaded[current].key.value(of: .cluster)
        case .app: return loaded[current].key.value(of: .app)
        case .labels: return loaded[current].key.value(of: .labels)
        case .key: return loaded[current].key.value(of: .key)
        case .ts: return .optional(Timestamp(milliseconds: step.startMs).map(SamplesFunction.text))
        case .tsMicroseconds: return microseconds(step.startMs)
        case .samples: return .integer(Int64(step.count))
        case .minimum: return .real(step.minimum)
        case .maximum: return .real(step.maximum)
        case .total: return step.sum.isNaN ? .null : .real(step.sum)
        case .first: return .real(step.first.value)
        case .firstMicroseconds: return microseconds(step.first.timeMs)
        case .last: return .real(step.last.value)
        case .lastMicroseconds: return microseconds(step.last.timeMs)
        }
    }

    private func microseconds(_ timeMs: Int64) -> SQLValue {
        .optional(Timestamp(milliseconds: timeMs)?.microseconds)
    }
}
