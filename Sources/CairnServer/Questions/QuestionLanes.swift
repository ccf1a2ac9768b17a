import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import HTTPTypes
import Synchronization

/// How many questions of a kind are worked on at once. Whoever comes when a lane is full is told when to come back: a
/// queue of questions that take seconds holds threads that senders wait for.
final class QuestionLanes: Sendable {
    enum Lane: Sendable, Hashable, CaseIterable {
        /// Answered from indexes.
        case quick
        /// Reads samples, flow counters or the whole log.
        case slow
        /// Replays the log into tables in memory.
        case replay

        /// Together they leave threads of the pool for the quick ones. A replay takes the memory of its tables.
        var widthMax: Int {
            switch self {
            case .quick: .max
            case .slow: BlockingPool.threads / 2
            case .replay: 1
            }
        }
    }

    private let used = Mutex<[Lane: Int]>([:])

    /// - Throws: `Problem` with 429 if the lane is full.
    func run<Value>(in lane: Lane, _ body: () throws -> Value) throws -> Value {
        let isFree = used.withLock { used in
            guard used[lane, default: 0] < lane.widthMax else { return false }
            used[lane, default: 0] += 1
            return true
        }
        guard isFree else {
            throw Problem(
                .tooManyRequests, "busy", "cannot answer this now: others like it are being answered",
                remedy: "ask again in some seconds", retryAfterSeconds: Problem.retrySeconds)
        }
        defer { used.withLock { $0[lane, default: 1] -= 1 } }
        return try body()
    }
}

/// A log whose replay ends in time: one that somebody waits for holds a thread and grows in memory.
struct HurriedLog: EventSource {
    let ledger: Ledger
    let deadline: ContinuousClock.Instant

    /// Some millions of events.
    static let seconds = 30.0

    init(_ ledger: Ledger) {
        self.ledger = ledger
        deadline = .now.advanced(by: .seconds(HurriedLog.seconds))
    }

    var identity: [UInt8] { ledger.identity }
    var size: UInt64 { ledger.size }

    func refresh() throws { try ledger.refresh() }

    func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
        try ledger.forEach(from: position) { event in
            try check()
            try body(event)
        }
    }

    func forEachBatch(
        in positions: Range<UInt64>, occurredBy moment: Timestamp?, _ body: (EventBatch) throws -> Void
    ) throws {
        try ledger.forEachBatch(in: positions, occurredBy: moment) { batch in
            try check()
            try body(batch)
        }
    }

    // Contents are read long after the replay too, so their time is not counted.
    func content(of attachment: AttachmentReference) throws -> AttachmentContent {
        try ledger.content(of: attachment)
    }

    func content(of attachment: AttachmentReference, bytes range: Range<Int>) throws -> AttachmentContent {
        try ledger.content(of: attachment, bytes: range)
    }

    private func check() throws {
        guard ContinuousClock.now < deadline else {
            throw Problem(
                .unprocessableContent, "too-slow",
                "cannot replay the log in \(Int(HurriedLog.seconds)) s, which is the most that a server takes for it",
                remedy: "ask the command line, which takes the time it takes")
        }
    }
}
