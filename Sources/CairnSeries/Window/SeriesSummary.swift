/// What a window knows of a series without reading its samples.
///
/// A number here is any value but NaN (stale markers are NaN).
package struct SeriesSummary: Sendable, Hashable {
    package var count: Int
    package var first: Sample
    package var last: Sample
    /// The least number; NaN if there is none. Of 0 and -0 the one that came first.
    package var minimum: Double
    /// The greatest number; NaN if there is none.
    package var maximum: Double
    /// The exact sum of the numbers, rounded once: see `ExactSum`.
    package var sum: Double
    /// How often a number was below the number before it: restarts, if the series is a counter.
    package var resets: Int
    /// Values that are no numbers, stale markers among them.
    package var notNumbers: Int
    package var staleMarkers: Int
    /// The longest time from one sample to the next; 0 for a single sample. Times of a wild range may be further apart
    /// than an `Int64` says.
    package var gapMaxMs: UInt64

    package init(
        count: Int, first: Sample, last: Sample, minimum: Double, maximum: Double, sum: Double, resets: Int,
        notNumbers: Int, staleMarkers: Int, gapMaxMs: UInt64
    ) {
        self.count = count
        self.first = first
        self.last = last
        self.minimum = minimum
        self.maximum = maximum
        self.sum = sum
        self.resets = resets
        self.notNumbers = notNumbers
        self.staleMarkers = staleMarkers
        self.gapMaxMs = gapMaxMs
    }

    package var numbers: Int { count - notNumbers }

    package static func == (left: SeriesSummary, right: SeriesSummary) -> Bool {
        left.count == right.count && left.first == right.first && left.last == right.last
            && left.minimum.bitPattern == right.minimum.bitPattern
            && left.maximum.bitPattern == right.maximum.bitPattern
            && left.sum.bitPattern == right.sum.bitPattern && left.resets == right.resets
            && left.notNumbers == right.notNumbers && left.staleMarkers == right.staleMarkers
            && left.gapMaxMs == right.gapMaxMs
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        hasher.combine(first)
        hasher.combine(last)
        hasher.combine(sum.bitPattern)
    }
}

/// The part of a summary that depends on values alone.
struct ValueSummary: Equatable {
    var minimum = Double.nan
    var maximum = Double.nan
    var sum = 0.0
    var resets = 0
    var notNumbers = 0
    var staleMarkers = 0

    init() {}

    init(_ values: UnsafeBufferPointer<Double>) {
        var low = Double.infinity
        var high = -Double.infinity
        var previous = -Double.infinity
        var exact = ExactSum()
        for index in 0..<values.count {
            let value = unsafe values[index]
            guard value == value else {
                notNumbers += 1
                if value.bitPattern == Sample.staleMarkerBits { staleMarkers += 1 }
                continue
            }
            exact.add(value)
            if value < low { low = value }
            if value > high { high = value }
            if value < previous { resets += 1 }
            previous = value
        }
        guard notNumbers < values.count else { return }
        minimum = low
        maximum = high
        sum = exact.value
    }

    /// The summary of `count` times the same value.
    init(repeating value: Double, count: Int) {
        guard value.isNaN else {
            minimum = value
            maximum = value
            // A product is rounded once, as the exact sum is. Adding -0 to 0 gives 0.
            sum = value == 0 ? 0 : value * Double(count)
            return
        }
        notNumbers = count
        staleMarkers = value.bitPattern == Sample.staleMarkerBits ? count : 0
    }

    static func == (left: ValueSummary, right: ValueSummary) -> Bool {
        left.minimum.bitPattern == right.minimum.bitPattern && left.maximum.bitPattern == right.maximum.bitPattern
            && left.sum.bitPattern == right.sum.bitPattern && left.resets == right.resets
            && left.notNumbers == right.notNumbers && left.staleMarkers == right.staleMarkers
    }
}
