internal import CairnBytes
package import CairnModel
internal import Dispatch
internal import Synchronization

/// An event on its way into the log, and where it is expected to go.
package struct Append: Sendable {
    package var event: ProposedEvent
    package var expected: ExpectedRevision

    package init(_ event: ProposedEvent, expected: ExpectedRevision = .any) {
        self.event = event
        self.expected = expected
    }
}

/// Where an event is in the log.
package struct Receipt: Sendable, Hashable {
    package var position: UInt64
    package var revision: UInt64
    /// True if the event was there before, and nothing was written.
    package var isDuplicate: Bool

    package init(position: UInt64, revision: UInt64, isDuplicate: Bool) {
        self.position = position
        self.revision = revision
        self.isDuplicate = isDuplicate
    }
}

/// Appends of one caller that wait for a commit.
final class AppendRequest: Sendable {
    let events: [PreparedEvent]
    let expected: [ExpectedRevision]
    private let outcome = Mutex<Result<[Receipt], any Error>?>(nil)
    private let whenDone: @Sendable (Result<[Receipt], any Error>) -> Void
    /// Makes the caller, who waits, run the next commit; nil for one that waits without a thread.
    let lead: (@Sendable () -> Void)?

    init(
        events: [PreparedEvent], expected: [ExpectedRevision], lead: (@Sendable () -> Void)?,
        whenDone: @escaping @Sendable (Result<[Receipt], any Error>) -> Void
    ) {
        self.events = events
        self.expected = expected
        self.lead = lead
        self.whenDone = whenDone
    }

    var result: Result<[Receipt], any Error>? { outcome.withLock { $0 } }

    func finish(_ result: Result<[Receipt], any Error>) {
        outcome.withLock { $0 = result }
        whenDone(result)
    }
}

/// Who waits for a commit, and whether a thread is running one.
struct AppendQueue: Sendable {
    var waiting: [AppendRequest] = []
    var isLed = false
}

extension Ledger {
    /// Most events in one batch: what one frame index and one commit hold in memory.
    package static let batchEventsMax = 100_000

    static let systemActor = Actor(id: "cairn", type: "system")
    private static let threads = DispatchQueue(label: "cairn.ledger", attributes: .concurrent)

    /// Appends a batch, all or nothing, and returns when it is on disk. Blocks the thread.
    ///
    /// Threads that append at once share one commit: the first runs it, and what arrives meanwhile goes into the next.
    @discardableResult
    package func append(_ batch: [Append], actor: Actor) throws -> [Receipt] {
        if batch.isEmpty { return [] }
        let (events, expected) = try prepare(batch, actor: actor)
        let signal = DispatchSemaphore(value: 0)
        let request = AppendRequest(
            events: events, expected: expected, lead: { signal.signal() }, whenDone: { _ in signal.signal() })
        if enqueue(request) {
            leadCommits(until: request)
        } else {
            signal.wait()
            // Woken with no result: this thread is to run the next commit, with its own request in it.
            if request.result == nil { leadCommits(until: request) }
        }
        guard let result = request.result else { preconditionFailure("a commit ended without a result") }
        return try result.get()
    }

    /// The same for a caller that must not block its thread.
    @discardableResult
    package func append(_ batch: [Append], actor: Actor) async throws -> [Receipt] {
        if batch.isEmpty { return [] }
        let (events, expected) = try prepare(batch, actor: actor)
        return try await withCheckedThrowingContinuation { continuation in
            let request = AppendRequest(
                events: events, expected: expected, lead: nil, whenDone: { continuation.resume(with: $0) })
            if enqueue(request) { Ledger.threads.async { self.leadCommits(until: request) } }
        }
    }

    func prepare(
        _ batch: [Append], actor: Actor
    ) throws -> (events: [PreparedEvent], expected: [ExpectedRevision]) {
        guard access == .readWrite else {
            throw LedgerError(.readOnly, "cannot append to \(path): it was opened for reading")
        }
        guard batch.count <= Ledger.batchEventsMax else {
            throw LedgerError(
                .tooLarge, "cannot append \(batch.count) events at once: a batch has at most \(Ledger.batchEventsMax)")
        }
        return (try events(of: batch, actor: actor), batch.map(\.expected))
    }

    /// So many events are prepared at a time by one core.
    private static let eventsPerPart = 128

    private func events(of batch: [Append], actor: Actor) throws -> [PreparedEvent] {
        let privateFields = options.privateFields
        @Sendable func prepare(_ range: Range<Int>, _ random: any RandomSource) throws -> [PreparedEvent] {
            try batch[range].map {
                try PreparedEvent($0.event, actor: actor, privateFields: privateFields, random: random)
            }
        }
        guard batch.count > Ledger.eventsPerPart else { return try prepare(0..<batch.count, environment.random) }
        let parts = Parallel.parts(batch.count, size: Ledger.eventsPerPart)
            .map { ($0, PartRandom(drawnFrom: environment.random)) }
        return try Parallel.map(parts.count) { index in Result { try prepare(parts[index].0, parts[index].1) } }
            .flatMap { try $0.get() }
    }

    /// - Returns: true if the caller must run the commit.
    private func enqueue(_ request: AppendRequest) -> Bool {
        queue.withLock { queue in
            queue.waiting.append(request)
            defer { queue.isLed = true }
            return !queue.isLed
        }
    }

    /// Runs commits until the request is done, then lets another waiting thread go on.
    private func leadCommits(until request: AppendRequest) {
        while request.result == nil {
            let requests = queue.withLock { queue in
                // Bounded, so that one commit fits in memory and in the index of a segment.
                var taken = 0
                var events = 0
                while taken < queue.waiting.count,
                    events == 0
                        || events + queue.waiting[taken].events.count
                            <= Ledger.batchEventsMax
                {
                    events += queue.waiting[taken].events.count
                    taken += 1
                }
                let requests = Array(queue.waiting.prefix(taken))
                queue.waiting.removeFirst(taken)
                return requests
            }
            precondition(!requests.isEmpty, "a thread leads commits for a request that is not waiting")
            commit(requests)
        }
        let next = queue.withLock { queue -> AppendRequest? in
            queue.isLed = !queue.waiting.isEmpty
            return queue.waiting.first
        }
        guard let next else { return }
        if let lead = next.lead { lead() } else { Ledger.threads.async { self.leadCommits(until: next) } }
    }
}

/// Salts for one part of a batch: parts are prepared side by side, and a seed still gives the same ledger.
private final class PartRandom: RandomSource {
    private let seed: [UInt8]
    private let drawn = Atomic<UInt64>(0)

    init(drawnFrom random: any RandomSource) { seed = random.bytes(count: 32) }

    func bytes(count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            var block = seed
            block.appendLittleEndian(drawn.add(1, ordering: .relaxed).newValue)
            bytes += TreeHasher.sha256(block).bytes
        }
        return Array(bytes.prefix(count))
    }
}
