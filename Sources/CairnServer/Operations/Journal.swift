import CairnBytes
import CairnLedger
import CairnModel
import Synchronization

/// What the server itself has to tell the log: refusals, privileged calls, what receivers set aside or shed.
///
/// Refusals and rejects are counted by who, where and why, and written once in a while: a flood of them is some events,
/// not a flood of events.
final class Journal: Sendable {
    private struct Denial: Hashable {
        var method: String
        var route: String
        var reason: String
        var principal: String?
        var remote: String
    }

    private struct Sender: Hashable {
        var receiver: String
        var principal: String?
    }

    private struct Span {
        var count = 0
        var first: Timestamp
        var last: Timestamp
        var examples: [String] = []
    }

    private struct State {
        var denials: [Denial: Span] = [:]
        var rejects: [Sender: Span] = [:]
        var sheds: [Sender: Span] = [:]
        var written = 0
    }

    static let source = "/cairn/serve"
    /// Different refusals kept apart until they are written; the rest is counted under one name.
    private static let keysMax = 1000
    private static let examplesMax = 10
    private static let exampleBytesMax = 500

    private let ledger: Ledger
    private let clock: any WallClock
    /// No two runs of a server have the same, so that events of one never meet those of another.
    private let run: String
    private let state: Mutex<State>

    init(ledger: Ledger, clock: any WallClock, run: String) {
        self.ledger = ledger
        self.clock = clock
        self.run = run
        state = Mutex(State())
    }

    func denied(method: String, route: String, reason: String, principal: String?, remote: String) {
        let now = clock.now()
        state.withLock { state in
            var key = Denial(method: method, route: route, reason: reason, principal: principal, remote: remote)
            if state.denials[key] == nil, state.denials.count >= Journal.keysMax {
                key = Denial(method: method, route: route, reason: reason, principal: nil, remote: "many")
            }
            Journal.add(1, to: &state.denials[key], at: now)
        }
    }

    func rejected(receiver: String, principal: Principal?, count: Int, examples: [String]) {
        guard count > 0 else { return }
        let now = clock.now()
        state.withLock { state in
            let key = Sender(receiver: receiver, principal: principal?.name)
            Journal.add(count, to: &state.rejects[key], at: now)
            let room = Journal.examplesMax - (state.rejects[key]?.examples.count ?? 0)
            let more = examples.prefix(max(0, room)).map { String($0.prefix(Journal.exampleBytesMax)) }
            state.rejects[key]?.examples += more
        }
    }

    func shed(receiver: String, count: Int, reason: String) {
        let now = clock.now()
        state.withLock { state in
            let key = Sender(receiver: receiver, principal: nil)
            Journal.add(count, to: &state.sheds[key], at: now)
            state.sheds[key]?.examples = [reason]
        }
    }

    private static func add(_ count: Int, to span: inout Span?, at now: Timestamp) {
        var grown = span ?? Span(first: now, last: now)
        grown.count += count
        grown.last = max(grown.last, now)
        span = grown
    }

    /// A privileged call that leaves no event of its own. Blocks until it is on disk.
    func used(method: String, route: String, scope: AccessScope, principal: Principal) throws {
        let number = state.withLock { state in
            state.written += 1
            return state.written
        }
        try append(
            [
                event(
                    "access.used", "access/used", number,
                    [
                        "method": .string(method), "route": .string(route), "scope": .string(scope.description),
                        "principal": .string(principal.name),
                    ])
            ], actor: principal.actor)
    }

    /// Writes what was counted since the last time. Blocks until it is on disk; what cannot be written is kept.
    func flush() throws {
        let taken = state.withLock { state in
            let taken = state
            state.denials = [:]
            state.rejects = [:]
            state.sheds = [:]
            state.written += taken.denials.count + taken.rejects.count + taken.sheds.count
            return taken
        }
        var events: [ProposedEvent] = []
        for (key, span) in taken.denials {
            var data: JSONObject = [
                "method": .string(key.method), "route": .string(key.route), "reason": .string(key.reason),
                "remote": .string(key.remote), "count": .integer(span.count),
                "first": .string(span.first.description), "last": .string(span.last.description),
            ]
            data["principal"] = key.principal.map { .string($0) }
            events.append(event("access.denied", "access/denied", taken.written + events.count + 1, data))
        }
        for (key, span) in taken.rejects {
            var data: JSONObject = [
                "receiver": .string(key.receiver), "count": .integer(span.count),
                "examples": .array(span.examples.map { .string($0) }),
                "first": .string(span.first.description), "last": .string(span.last.description),
            ]
            data["principal"] = key.principal.map { .string($0) }
            events.append(
                event("intake.rejected", "intake/\(key.receiver)", taken.written + events.count + 1, data))
        }
        for (key, span) in taken.sheds {
            events.append(
                event(
                    "intake.shed", "intake/\(key.receiver)", taken.written + events.count + 1,
                    [
                        "receiver": .string(key.receiver), "count": .integer(span.count),
                        "reason": .string(span.examples.first ?? ""),
                    ]))
        }
        do { try append(events, actor: Journal.actor) } catch {
            restore(taken)
            throw error
        }
    }

    static let actor = Actor(id: "cairn-serve", type: "system")

    private func restore(_ taken: State) {
        state.withLock { state in
            state.denials.merge(taken.denials) { Journal.joined($0, $1) }
            state.rejects.merge(taken.rejects) { Journal.joined($0, $1) }
            state.sheds.merge(taken.sheds) { Journal.joined($0, $1) }
        }
    }

    private static func joined(_ left: Span, _ right: Span) -> Span {
        Span(
            count: left.count + right.count, first: min(left.first, right.first), last: max(left.last, right.last),
            examples: Array((left.examples + right.examples).prefix(examplesMax)))
    }

    private func event(_ name: String, _ stream: String, _ number: Int, _ data: JSONObject) -> ProposedEvent {
        let parts = stream.split(separator: "/", maxSplits: 1).map(String.init)
        return ProposedEvent(
            id: "\(run)/journal/\(number)", source: Journal.source, type: "cairn.\(name).v1",
            subject: StreamName(kind: parts[0], foreignID: parts[1]), time: clock.now(), data: .object(data))
    }

    private func append(_ events: [ProposedEvent], actor: Actor) throws {
        if !events.isEmpty { try ledger.append(events.map { Append($0) }, actor: actor) }
    }
}
