import CairnBytes
import CairnLedger
import CairnModel
import CairnReports
import Hummingbird
import NIOCore
import Synchronization

/// Server-sent events: each event of the log as it comes, with its position as the id, so that a browser that lost the
/// connection goes on where it was.
struct FollowRoute: Sendable {
    /// Often enough that proxies and people see that the connection lives.
    private static let heartbeatSeconds = 15
    /// What is read before it is written: a follower far behind holds little in memory.
    private static let bytesAtOnce = 1 << 20
    /// Events looked at for it: one stream's may be few among many, and others wait for the thread.
    private static let eventsAtOnce: UInt64 = 10_000
    /// Of one token: a browser has a stream for each page that is open, and those of pages that it left are seen to be gone
    /// at the next heartbeat.
    private static let followersOfCallerMax = 200
    /// A token that ends ends its streams, at the latest with the first event after so long.
    private static let checkIntervalMicroseconds: UInt64 = 1_000_000

    let ledger: Ledger
    let feed: LiveFeed
    let pool: BlockingPool
    let gatekeeper: Gatekeeper
    let clock: any WallClock
    private let followers = Followers()

    init(ledger: Ledger, feed: LiveFeed, pool: BlockingPool, gatekeeper: Gatekeeper, clock: any WallClock) {
        self.ledger = ledger
        self.feed = feed
        self.pool = pool
        self.gatekeeper = gatekeeper
        self.clock = clock
    }

    /// How many streams each caller has.
    private final class Followers: Sendable {
        private let counts = Mutex<[String: Int]>([:])

        func count(of caller: String) -> Int { counts.withLock { $0[caller] ?? 0 } }

        func add(_ number: Int, to caller: String) {
            counts.withLock { counts in
                let count = (counts[caller] ?? 0) + number
                counts[caller] = count == 0 ? nil : count
            }
        }
    }

    /// One stream that goes on.
    private struct Stream {
        var next: UInt64
        var stream: String?
        var call: Call
        var checkedMicroseconds: UInt64
    }

    private var described: Route {
        Route(
            method: .get, path: "/v1/follow", access: .scope(.read), summary: "New events as they come.",
            parameters: [
                .query("from", "the first position; by default the next one that comes", .integer),
                .query("stream", "only of this stream"),
            ], answerTypes: [MediaTypes.eventStream]
        ) { _ in Answer() }
    }

    var route: Route {
        var route = described
        route.handle = { call in
            let asked = try QuestionRoutes.number(call, "from")
            // After the last position that can be there is none.
            let after = call.header("Last-Event-ID").flatMap { UInt64($0) }.map { $0 == .max ? $0 : $0 + 1 }
            let stream = try call["stream"].map { try QuestionRoutes.stream($0).text }
            let caller = call.principal?.tokenID ?? call.actor.id
            guard feed.count < LiveFeed.listenersMax,
                followers.count(of: caller) < FollowRoute.followersOfCallerMax
            else {
                throw Problem(
                    .tooManyRequests, "busy", "cannot take more followers now",
                    remedy: "end some, or ask /v1/events for what is new", retryAfterSeconds: Problem.retrySeconds)
            }
            let start = Stream(
                next: after ?? asked ?? ledger.size, stream: stream, call: call,
                checkedMicroseconds: clock.monotonicMicroseconds())
            // A listener is one when somebody reads: what asks with HEAD never does.
            return Answer(stream: MediaTypes.eventStream) { writer in
                let (id, sizes) = try feed.listen()
                followers.add(1, to: caller)
                defer {
                    feed.leave(id)
                    followers.add(-1, to: caller)
                }
                try await send(start, sizes, to: &writer)
            }
        }
        return route
    }

    private enum Turn: Sendable {
        case grown
        case quiet
        case ended
    }

    private func send(
        _ start: Stream, _ sizes: AsyncStream<UInt64>, to writer: inout any ResponseBodyWriter
    ) async throws {
        var stream = start
        // A comment at once: the caller sees that it is connected.
        try await writer.write(ByteBuffer(string: ": following from \(stream.next)\n\n"))
        try await catchUp(&stream, &writer)
        for await turn in FollowRoute.turns(sizes) {
            if turn == .ended { break }
            guard try await isStillAllowed(&stream, at: turn) else { return }
            // A heartbeat may have taken the place of news that nobody had come to.
            try await catchUp(&stream, &writer)
            if turn == .quiet { try await writer.write(ByteBuffer(string: ": quiet\n\n")) }
        }
        // The server stops: what was acknowledged until now is told, and nothing more.
        try await catchUp(&stream, &writer)
    }

    /// The token may have been revoked or have ended, and the session too.
    private func isStillAllowed(_ stream: inout Stream, at turn: Turn) async throws -> Bool {
        let now = clock.monotonicMicroseconds()
        guard turn == .quiet || now - stream.checkedMicroseconds >= FollowRoute.checkIntervalMicroseconds else {
            return true
        }
        stream.checkedMicroseconds = now
        let call = stream.call
        var caller: String?
        do {
            _ = try await gatekeeper.admit(
                described, headers: call.headers, remote: call.remote, at: clock.now(), caller: &caller)
            return true
        } catch let problem as Problem
            where problem.status == .tooManyRequests || problem.status == .serviceUnavailable
        {
            // Nobody said that the token ended: limits and an identity provider that is away pass.
            return true
        } catch is Problem {
            return false
        }
    }

    /// News, or the word that there is none.
    private static func turns(_ sizes: AsyncStream<UInt64>) -> AsyncStream<Turn> {
        AsyncStream(bufferingPolicy: .bufferingNewest(2)) { continuation in
            let news = Task {
                for await _ in sizes { continuation.yield(.grown) }
                continuation.yield(.ended)
                continuation.finish()
            }
            let heart = Task {
                while !Task.isCancelled {
                    try await Task.sleep(for: .seconds(heartbeatSeconds))
                    continuation.yield(.quiet)
                }
            }
            continuation.onTermination = { _ in
                news.cancel()
                heart.cancel()
            }
        }
    }

    /// Ends a walk through the log when enough was read.
    private struct Enough: Error {}

    private func catchUp(_ following: inout Stream, _ writer: inout any ResponseBodyWriter) async throws {
        while following.next < ledger.size {
            let (first, stream) = (following.next, following.stream)
            let (text, next) = try await pool.run {
                var text = ""
                var next = first
                let end = first + min(ledger.size - first, FollowRoute.eventsAtOnce)
                do {
                    try ledger.forEach(from: first, to: end) { event in
                        next = event.position + 1
                        guard stream == nil || event.subject.text == stream else { return }
                        text +=
                            "id: \(event.position)\nevent: \(event.type)\ndata: \(CanonicalJSON.string(of: event.json))\n\n"
                        if text.utf8.count >= FollowRoute.bytesAtOnce { throw Enough() }
                    }
                } catch is Enough {}
                return (text, next)
            }
            guard try await isStillAllowed(&following, at: .grown) else { return }
            if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
            following.next = next
        }
    }
}
