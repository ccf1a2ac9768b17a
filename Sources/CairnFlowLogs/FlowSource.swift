/// Where the analyzer and the read models get flow counters from: memory in tests, SQLite in the product.
///
/// `unanswered` is final in what a source gives: the residues of all files it knows have cancelled each other.
package protocol FlowSource {
    /// Every cluster with a counter or a gap, sorted.
    func flowClusters() throws -> [String]
    /// From the first minute with a counter of these clusters to the minute after the last; nil if there is none.
    func flowMinutes(of clusters: [String]) throws -> Range<Int64>?
    /// Calls `body` for each counter of these clusters in these minutes, in any order. Two calls may tell of one key:
    /// their counts add up.
    func forEachFlowCounter(
        of clusters: [String], in minutes: Range<Int64>, _ body: (FlowCounter) throws -> Void) throws
    /// Windows without records, in any order.
    func flowGaps(of clusters: [String], in minutes: Range<Int64>) throws -> [FlowGap]
    /// How far the files of these clusters reach: from its `openMinute` on, what a source gives may still change.
    func flowWatermarks(of clusters: [String]) throws -> [FlowWatermark]
}

/// Counters of a set of files, held in memory. What it gives depends on the set alone, not on the order of `add`.
package struct MemoryFlowSource: FlowSource, Sendable {
    private var counts: [FlowCounterKey: FlowCounts] = [:]
    private var gaps: Set<FlowGap> = []
    private var asks: [FlowAsk] = []
    private var answers: [FlowAnswer] = []
    private var seen: [FlowSeen] = []
    private var unanswered: [FlowCounterKey: UInt64] = [:]

    package init() {}

    package init(_ summaries: [FlowFileSummary]) {
        for summary in summaries { take(summary) }
        settle()
    }

    package mutating func add(_ summary: FlowFileSummary) {
        take(summary)
        settle()
    }

    private mutating func take(_ summary: FlowFileSummary) {
        for counter in summary.counters { counts[counter.key, default: FlowCounts()].add(counter.counts) }
        gaps.formUnion(summary.gaps)
        asks += summary.asks
        answers += summary.answers
        seen += summary.seen.isEmpty ? FlowFileColumns(summary).seen : summary.seen
    }

    private mutating func settle() {
        unanswered = [:]
        for ask in FlowPairing.cancel(asks, by: answers) { unanswered[ask.key, default: 0] += 1 }
    }

    package func flowClusters() -> [String] {
        Set(counts.keys.map(\.place.cluster)).union(gaps.map(\.place.cluster)).sorted()
    }

    package func flowMinutes(of clusters: [String]) -> Range<Int64>? {
        var first = Int64.max
        var last = Int64.min
        for key in counts.keys where clusters.contains(key.place.cluster) {
            first = min(first, key.minute)
            last = max(last, key.minute)
        }
        return first <= last ? first..<last + 1 : nil
    }

    package func forEachFlowCounter(
        of clusters: [String], in minutes: Range<Int64>, _ body: (FlowCounter) throws -> Void
    ) rethrows {
        for (key, counts) in counts where minutes.contains(key.minute) && clusters.contains(key.place.cluster) {
            var counts = counts
            counts.unanswered = unanswered[key] ?? 0
            try body(FlowCounter(key: key, counts: counts))
        }
    }

    package func flowGaps(of clusters: [String], in minutes: Range<Int64>) -> [FlowGap] {
        gaps.filter {
            clusters.contains($0.place.cluster) && $0.start / 60 < minutes.upperBound
                && $0.end / 60 >= minutes.lowerBound
        }
    }

    package func flowWatermarks(of clusters: [String]) -> [FlowWatermark] {
        FlowWatermark.of(seen.filter { clusters.contains($0.place.cluster) })
    }
}
