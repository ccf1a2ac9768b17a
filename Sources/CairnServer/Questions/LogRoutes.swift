import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnWeb
import HTTPTypes

/// The log itself: its events, what proves them, whether it is intact.
extension QuestionRoutes {
    private static let eventsMax: UInt64 = 1000
    private static let octets = "application/octet-stream"

    var log: [Route] { events + proofs + whole }

    private var events: [Route] {
        [
            get(
                "/v1/events", "Events in the order of the log; X-Cairn-Next says where what did not fit begins.",
                [
                    .query("from", "the first position", .integer),
                    .query("limit", "how many at most", .number(max: QuestionRoutes.eventsMax)),
                    .query("stream", "only of this stream"),
                ], types: [MediaTypes.json]
            ) { try events($0.call) },
            get("/v1/events/{position}", "One event.", types: [MediaTypes.json]) {
                .json(try workspace.ledger.event(at: position($0.call)).json)
            },
            get("/v1/version", "Which program this is, and which ledger.", types: [MediaTypes.json]) { _ in
                .json([
                    "version": .string(version), "origin": .string(workspace.ledger.origin),
                    "entries": .integer(workspace.ledger.size),
                ])
            },
        ]
    }

    private func events(_ call: Call) throws -> Answer {
        let from = try QuestionRoutes.number(call, "from") ?? 0
        let limit = try QuestionRoutes.number(call, "limit") ?? 100
        guard limit <= QuestionRoutes.eventsMax else {
            throw Problem.badRequest("cannot answer with more than \(QuestionRoutes.eventsMax) events at once")
        }
        let ledger = workspace.ledger
        var page = EventPage(limit: limit)
        do {
            if let name = call["stream"] {
                for position in try ledger.positions(of: QuestionRoutes.stream(name)) where position >= from {
                    try page.add(position) { try ledger.event(at: position) }
                }
            } else if from < ledger.size {
                try ledger.forEach(from: from, to: ledger.size) { event in try page.add(event.position) { event } }
            }
        } catch is EventPage.Full {}
        let answer = Answer(.ok, mediaType: MediaTypes.json, Array("[\(page.text)]\n".utf8))
        return page.next.map { answer.with("X-Cairn-Next", String($0)) } ?? answer
    }

    /// Events as they are answered, up to a number of them and of bytes.
    private struct EventPage {
        /// Ends the walk through the log.
        struct Full: Error {}

        var limit: UInt64
        var text = ""
        /// The position to ask from for what did not fit.
        var next: UInt64?
        private var count: UInt64 = 0

        init(limit: UInt64) { self.limit = limit }

        /// One event is always taken, however large.
        mutating func add(_ position: UInt64, _ read: () throws -> RecordedEvent) throws {
            guard count < limit, text.utf8.count < QuestionRoutes.answerBytesMax else {
                next = position
                throw Full()
            }
            text += (count == 0 ? "" : ",") + CanonicalJSON.string(of: try read().json)
            count += 1
        }
    }

    static func stream(_ text: String) throws -> StreamName {
        guard let stream = StreamName(text) else {
            throw Problem.badRequest(
                "cannot use the stream name \(text.prefix(200))",
                remedy: "it is kind/id, such as migration/harbor-eu-1")
        }
        return stream
    }

    private func position(_ call: Call) throws -> UInt64 {
        guard let position = UInt64(call.parameter("position")), position < workspace.ledger.size else {
            throw Problem.notFound(
                "the entry \(call.parameter("position").prefix(40)): the log has \(workspace.ledger.size), from 0")
        }
        return position
    }

    // MARK: - Proofs

    private var proofs: [Route] {
        let note = QuestionRoutes.format.with(default: "table")
        let types = [MediaTypes.text] + QuestionRoutes.tableTypes.dropLast()
        return [
            get(
                "/v1/proofs/{position}", "The proof that an entry is in the log; by default as c2sp.org/tlog-proof.",
                [note], types: types
            ) { asked in
                let position = try position(asked.call)
                let proof = try workspace.ledger.prove(position)
                guard (asked.call["format"] ?? "table") != "table" else {
                    return Answer(.ok, mediaType: MediaTypes.text, proof.bytes)
                }
                return try QuestionRoutes.answer(LogAnswers.table(proof, of: position), asked.call)
            },
            get(
                "/v1/stream-proofs/{stream...}", "All events of a stream, with the proof that none is left out.",
                lane: .slow, types: [MediaTypes.json]
            ) { asked in
                let stream = try QuestionRoutes.stream(asked.call.parameter("stream"))
                guard try workspace.ledger.lastRevision(of: stream) != nil else {
                    throw Problem.notFound("the stream \(stream) in this ledger")
                }
                // What has to be said of streams before a proof is said by whoever has the key and a command.
                return .json(try workspace.ledger.proveStream(stream, isCommitting: false).json)
            },
            get(
                "/v1/checkpoint", "The signed head of the log; by default as the signed note itself.", [note],
                types: types
            ) { asked in
                guard let checkpoint = try workspace.ledger.checkpoint() else {
                    throw Problem.notFound(
                        "a checkpoint: none was ever signed for this ledger",
                        remedy: "start the server with the signing key: cairn serve --key FILE")
                }
                guard (asked.call["format"] ?? "table") != "table" else {
                    return Answer(.ok, mediaType: MediaTypes.text, checkpoint.bytes)
                }
                return try QuestionRoutes.answer(LogAnswers.table(checkpoint, export: nil), asked.call)
            },
            get("/v1/keys", "Which key signs which sizes of the log.", [QuestionRoutes.format]) { asked in
                // Where the private half lies is nobody's business who asks from elsewhere.
                try QuestionRoutes.answer(LogAnswers.keys(workspace.ledger, here: nil, file: nil), asked.call)
            },
            get(
                "/v1/tlog/{path...}",
                "The signed log as c2sp.org/tlog-tiles: checkpoint, vkey, tile/LEVEL/N and tile/entries/N.",
                types: [QuestionRoutes.octets]
            ) { asked in
                let path = asked.call.parameter("path")
                let ledger = workspace.ledger
                let bytes: [UInt8]? =
                    switch path {
                    case "checkpoint": try ledger.checkpoint()?.bytes
                    case "vkey": Array(try ledger.keyHistory().ranges.map { "\($0.key)\n" }.joined().utf8)
                    default: try Tile(path: path).flatMap { try ledger.content(of: $0) }
                    }
                guard let bytes else { throw Problem.notFound("\(path.prefix(100)) of the signed log") }
                return Answer(.ok, mediaType: QuestionRoutes.octets, bytes)
            },
        ]
    }

    // MARK: - What reads the whole log

    private static let longRetrySeconds = 5

    private var whole: [Route] {
        [
            long(
                "/v1/verify", "Whether everything is intact: files, chain, tree, signatures.",
                [
                    .query("vkey", "the verifier key that the caller trusts").long,
                    .query("against", "a checkpoint that was kept, as its text").long,
                ]
            ) { call in
                let key = try call["vkey"].map { try LogAnswers.verifierKey($0) }
                let kept = try call.all("against").map { try LogAnswers.checkpoint($0, from: "given as against") }
                let path = workspace.path
                return {
                    try LogAnswers.verify(
                        at: path, environment: .live(command: "cairn serve"), vkey: key, against: kept)
                }
            },
            long("/v1/rejudge", "Every finding, gate and violation computed again from its evidence.") { _ in
                let ledger = workspace.ledger
                return { try LogAnswers.rejudged(ledger) }
            },
            long("/v1/stats", "Sizes and ratios of the ledger.") { _ in
                let workspace = workspace
                return {
                    try workspace.readModel.catchUp(from: workspace.ledger)
                    return try StatsAnswer.answer(workspace, disk: RealDisk())
                }
            },
        ]
    }

    /// - Parameter prepare: reads the call, and gives what is then done on a thread of its own.
    private func long(
        _ path: String, _ summary: String, _ parameters: [Route.Parameter] = [],
        _ prepare: @escaping @Sendable (Call) throws -> @Sendable () throws -> Answered
    ) -> Route {
        var route = get(path, summary, parameters + [QuestionRoutes.format]) { _ in Answer() }
        route.mayTakeLong = true
        route.handle = { call in
            _ = try QuestionRoutes.tableFormat(call)
            let work = try prepare(call)
            let place = try await room.place(for: call)
            defer { withExtendedLifetime(place) {} }
            let key = call.query.map { "\($0.name.utf8.count) \($0.name)=\($0.value)" }.joined(separator: "&")
            switch try await long.result(of: "\(path)?\(key)", now: call.now, work) {
            case .done(let answered): return try QuestionRoutes.answer(answered, call)
            case .running(let since):
                return Answer.json(
                    [
                        "state": "running", "since": .string(since.description),
                        "detail": "ask the same again: the answer is kept until then",
                    ], .accepted
                ).with("Retry-After", String(QuestionRoutes.longRetrySeconds))
            case .busy:
                throw Problem(
                    .tooManyRequests, "busy", "cannot answer this now: another question reads the whole log",
                    remedy: "ask again when it is done", retryAfterSeconds: QuestionRoutes.longRetrySeconds)
            }
        }
        return route
    }
}
