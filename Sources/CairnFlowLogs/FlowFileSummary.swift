/// Totals over one file, for the log entry that says what was imported.
package struct FlowTotals: Hashable, Sendable {
    /// Lines that were read as records, of any status.
    package var records: UInt64 = 0
    /// Records with action ACCEPT and REJECT.
    package var acceptedRecords: UInt64 = 0
    package var rejectedRecords: UInt64 = 0
    package var noData: UInt64 = 0
    package var skipData: UInt64 = 0
    /// Records that cannot be counted because they lack an address or a time.
    package var incomplete: UInt64 = 0
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Seconds since 1970 of the earliest start and the latest end, if there is a record with times.
    package var first: Int64?
    package var last: Int64?

    package init() {}
}

/// What one flow-log file adds to the counters: its own sums, and the connection attempts and answers whose other half
/// may lie in another file. A pure function of the file, the format, and the cluster or cluster map.
package struct FlowFileSummary: Hashable, Sendable {
    package var totals = FlowTotals()
    /// Every place that occurs and when, sorted by place; may be empty in a summary that no file made.
    package var seen: [FlowSeen] = []
    /// Sorted by key, each key once. `unanswered` is zero here: only all files together can tell.
    package var counters: [FlowCounter] = []
    /// Sorted.
    package var gaps: [FlowGap] = []
    package var asks: [FlowAsk] = []
    package var answers: [FlowAnswer] = []

    package init() {}

    /// Every place that occurs, sorted.
    package var places: [FlowPlace] { Set(counters.map(\.key.place)).union(gaps.map(\.place)).sorted() }
}
