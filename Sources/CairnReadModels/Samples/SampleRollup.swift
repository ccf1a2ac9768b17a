import CairnSeries

/// Samples in buckets of time, per metric, cluster and application: few rows for charts over long times, which any
/// SQLite tool can read.
///
/// Instances are put together, as they are before clusters are compared. The bucket is the shortest that keeps the rows
/// of one batch or window below a limit; values that are no finite numbers are left out.
struct SampleRollup {
    /// Numbers of the pairs that say name, cluster and application; 0 for none.
    struct Group: Hashable, Comparable {
        var name: Int64
        var cluster: Int64
        var app: Int64

        static func < (left: Group, right: Group) -> Bool {
            (left.name, left.cluster, left.app) < (right.name, right.cluster, right.app)
        }
    }

    struct Row {
        var group: Group
        /// Start of the bucket, minutes since 1970.
        var minute: Int64
        var values: Values
    }

    struct Values {
        var count: Int64 = 0
        var minimum = 0.0
        var maximum = 0.0
        var sum = 0.0

        mutating func add(_ value: Double) {
            minimum = count == 0 ? value : min(minimum, value)
            maximum = count == 0 ? value : max(maximum, value)
            sum += value
            count += 1
        }

        mutating func add(_ other: Values) {
            guard count > 0 else {
                self = other
                return
            }
            minimum = min(minimum, other.minimum)
            maximum = max(maximum, other.maximum)
            sum += other.sum
            count += other.count
        }
    }

    private struct Key: Hashable {
        var group: Group
        var minute: Int64
    }

    /// Lengths of buckets in minutes.
    private static let lengths: [Int64] = [1, 5, 15, 60, 360, 1440, 10_080]
    /// Buckets held before they become longer: samples of decades have as many minutes as there are samples.
    private static let heldMax = 500_000

    /// Rows for one batch that is not sealed: its rows go when it is.
    static let openRowsMax = 20_000
    /// Sealed samples per row, and rows that even a small window may have.
    private static let samplesPerRow = 1000
    private static let rowsMin = 2000

    /// Rows for a window: a hundredth part of what the samples take.
    static func rowsMax(ofSamples count: Int) -> Int { max(rowsMin, count / samplesPerRow) }

    private var held: [Key: Values] = [:]
    private var length = 0
    private var current = Key(group: Group(name: 0, cluster: 0, app: 0), minute: .min)
    private var values = Values()

    mutating func begin(_ group: Group) {
        keep()
        current = Key(group: group, minute: .min)
    }

    mutating func add(_ timeMs: Int64, _ value: Double) {
        guard value.isFinite else { return }
        let minute = SampleRollup.bucket(CounterMath.floorToStep(timeMs, 60_000) / 60_000, length)
        if minute != current.minute {
            keep()
            current.minute = minute
        }
        values.add(value)
    }

    private mutating func keep() {
        guard values.count > 0 else { return }
        held[current, default: Values()].add(values)
        values = Values()
        if held.count > SampleRollup.heldMax { lengthen() }
    }

    private static func bucket(_ minute: Int64, _ length: Int) -> Int64 {
        CounterMath.floorToStep(minute, lengths[length])
    }

    private mutating func lengthen() {
        guard length + 1 < SampleRollup.lengths.count else { return }
        length += 1
        var longer: [Key: Values] = [:]
        // In order, since sums of doubles depend on it and the same log must give the same rows.
        for row in sorted() {
            let key = Key(group: row.group, minute: SampleRollup.bucket(row.minute, length))
            longer[key, default: Values()].add(row.values)
        }
        held = longer
    }

    private func sorted() -> [Row] {
        held.map { Row(group: $0.key.group, minute: $0.key.minute, values: $0.value) }
            .sorted { ($0.group, $0.minute) < ($1.group, $1.minute) }
    }

    /// The rows, in order; none if even the longest buckets are more than the limit, since what thousands of
    /// applications have in one week is no chart.
    mutating func finish(rowsMax: Int) -> (rows: [Row], minutes: Int64) {
        keep()
        while held.count > rowsMax, length + 1 < SampleRollup.lengths.count { lengthen() }
        return (held.count > rowsMax ? [] : sorted(), SampleRollup.lengths[length])
    }
}
