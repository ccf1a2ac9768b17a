import CairnBytes
import CairnLedger
import CairnModel
import CairnReports
import Hummingbird
import NIOCore

/// Server-sent events: each event of the log as it comes, with its position as the id, so that a browser that lost the
/// connection goes on where it was.
struct FollowRoute: Sendable {
    /// Often enough that proxies and people see that the connection lives.
    private static let heartbeatSeconds = 15
    /// Events read at once, so that a follower far behind holds little in memory.
    private static let eventsAtOnce: UInt64 = 100

    let ledger: Ledger
    let feed: LiveFeed
    let pool: BlockingPool

    var route: Route {
        Route(
            method: .get, path: "/v1/follow", access: .scope(.read), summary: "New events as they come.",
            parameters: [
                .query("from", "the first position; by default the next one that comes", .integer),
                .query("stream", "only of this stream"),
            ], answerTypes: [MediaTypes.eventStream]
        ) { call in
            let last = call.header("Last-Event-ID").flatMap { UInt64($0) }
            let asked = try QuestionRoutes.number(call, "from")
            let start = last.map { $0 &+ 1 } ?? asked ?? ledger.size
            let name = call["stream"]
            if let name, StreamName(name) == nil {
                throw Problem.badRequest("cannot use the stream name \(name.prefix(200)): it is kind/id")
            }
            let (id, sizes) = try feed.listen()
            return Answer(stream: MediaTypes.eventStream) { writer in
                defer { feed.leave(id) }
                try await send(from: start, stream: name, sizes, to: &writer)
            }
        }
    }

    private enum Turn: Sendable {
        case grown
        case quiet
        case ended
    }

    private func send(
        from start: UInt64, stream: String?, _ sizes: AsyncStream<UInt64>, to writer: inout any ResponseBodyWriter
    ) async throws {
        var next = start
        // A comment at once: the caller sees that it is connected.
        try await writer.write(ByteBuffer(string: ": following from \(next)\n\n"))
        let turns = FollowRoute.turns(sizes)
        next = try await catchUp(from: next, stream, &writer)
        for await turn in turns {
            switch turn {
            case .grown: next = try await catchUp(from: next, stream, &writer)
            case .quiet: try await writer.write(ByteBuffer(string: ": quiet\n\n"))
            case .ended: return
            }
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

    private func catchUp(
        from start: UInt64, _ stream: String?, _ writer: inout any ResponseBodyWriter
    ) async throws -> UInt64 {
        var next = start
        while next < ledger.size {
            let first = next
            let end = min(ledger.size, first + FollowRoute.eventsAtOnce)
            let text = try await pool.run {
                var text = ""
                try ledger.forEach(from: first, to: end) { event in
                    guard stream == nil || event.subject.text == stream else { return }
                    text +=
                        "id: \(event.position)\nevent: \(event.type)\ndata: \(CanonicalJSON.string(of: event.json))\n\n"
                }
                return text
            }
            if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
            next = end
        }
        return next
    }
}
