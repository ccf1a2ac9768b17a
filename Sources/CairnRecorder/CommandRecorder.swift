package import CairnBytes
package import CairnLedger
package import CairnModel

/// Records what somebody asks for: a command of Cairn's vocabulary goes through `decide`, anything else is a fact.
package struct CommandRecorder {
    /// What one `record` command says.
    package struct Request: Sendable {
        package var type: String
        package var stream: StreamName
        package var data: JSONValue
        /// Nil: the append is decided on the state at that moment, and tried again if the stream moved meanwhile.
        package var expected: ExpectedRevision?
        package var time: Timestamp
        /// Whether the producer named the time; else it is the moment of the call, which says nothing about identity.
        package var isTimeGiven: Bool
        /// Nil: a new one is made.
        package var id: String?
        package var onBehalfOf: String?
        /// The playbook of a plan: registered with it, if the log does not have it. A plan that names none is of this.
        package var playbook: PlaybookFile?

        package init(
            type: String, stream: StreamName, data: JSONValue, expected: ExpectedRevision? = nil, time: Timestamp,
            isTimeGiven: Bool = true, id: String? = nil, onBehalfOf: String? = nil, playbook: PlaybookFile? = nil
        ) {
            self.type = type
            self.stream = stream
            self.data = data
            self.expected = expected
            self.time = time
            self.isTimeGiven = isTimeGiven
            self.id = id
            self.onBehalfOf = onBehalfOf
            self.playbook = playbook
        }
    }

    static let source = "/cairn/cli"
    /// How often a decision is made anew because the stream moved: more than this is a fight, not a race.
    private static let attemptsMax = 10

    private let ledger: Ledger
    private let actor: Actor
    private let clock: any WallClock
    private let random: any RandomSource
    private let playbooks: RegisteredPlaybooks
    private let registrar: PlaybookRegistrar
    private let onRegistration: (PlaybookReceipt) -> Void

    /// - Parameter onRegistration: told of a playbook that a request brought into the log.
    package init(
        ledger: Ledger, actor: Actor, clock: any WallClock, random: any RandomSource,
        onRegistration: @escaping (PlaybookReceipt) -> Void = { _ in }
    ) {
        self.ledger = ledger
        self.actor = actor
        self.clock = clock
        self.random = random
        self.onRegistration = onRegistration
        playbooks = RegisteredPlaybooks(ledger)
        registrar = PlaybookRegistrar(ledger: ledger, actor: actor, clock: clock)
    }

    /// - Returns: where the event is, first, and then what follows from it.
    /// - Throws: `Refusal` with the rule's name, or `LedgerError`.
    package func record(_ request: Request) throws -> [Receipt] {
        let type = EventType(request.type)
        let isKnown = EventVocabulary.standard.schema(named: type.name) != nil
        let isCommand = type.family == .cairn || (type.family == .foreign && isKnown)
        if isCommand, PlaybookLibrary.isPlan(type.name) { return try recordCommand(request) }
        // Any other event takes no playbook; the run it belongs to has its own.
        if let file = request.playbook, let receipt = try registrar.register(file, onBehalfOf: request.onBehalfOf) {
            onRegistration(receipt)
        }
        if isCommand { return try recordCommand(request) }
        let id = request.id ?? newID()
        if request.id != nil, let again = try known(id, request, isCommand: false) { return again }
        var facts = FactAppender(ledger: ledger, actor: actor, clock: clock)
        let event = ProposedEvent(
            id: id, source: CommandRecorder.source, type: request.type, subject: request.stream,
            time: request.time, data: request.data, onBehalfOf: request.onBehalfOf)
        if let expected = request.expected {
            try facts.append(event, expected: expected)
        } else if let error = try facts.append([event])[0] {
            throw error
        }
        guard let position = try ledger.position(ofSource: event.source, id: event.id) else { return [] }
        let recorded = try ledger.event(at: position)
        return [Receipt(position: position, revision: recorded.revision, isDuplicate: facts.duplicates > 0)]
    }

    private func recordCommand(_ given: Request) throws -> [Receipt] {
        let id = given.id ?? newID()
        var given = given
        if let schema = EventVocabulary.standard.schema(named: EventType(given.type).name) {
            given.data = schema.inOwnNames(given.data)
        }
        var attempt = 0
        while true {
            attempt += 1
            var (request, playbook) = try planned(given)
            if given.id != nil, let again = try known(id, request, isCommand: true) { return again }
            let registration = try playbook.flatMap { try registrar.append($0, onBehalfOf: request.onBehalfOf) }
            var state = try playbooks.state(of: request.stream)
            state.playbooks = try playbooks.known(
                for: "cairn.\(EventType(request.type).name).v1", data: request.data, before: nil)
            if request.stream.kind == "finding" {
                var finding = FindingState()
                try ledger.forEach(in: request.stream, from: 0) { finding.apply($0) }
                let refusal = finding.refusal(
                    of: EventType(request.type).name, request.data, at: request.time)
                if let refusal { throw refusal }
            }
            let now = clock.now()
            if !request.isTimeGiven, let last = state.lastEventAt, last <= now {
                // Somebody was faster while this one waited for the log.
                request.time = max(request.time, last)
            }
            let drafts = try Decider.decide(
                state: state, type: request.type, data: request.data, at: request.time, now: now,
                actor: request.onBehalfOf ?? actor.id, expected: request.expected ?? .any)
            let last = try ledger.lastRevision(of: request.stream)
            let expected: ExpectedRevision = last.map { .exactly($0) } ?? .none
            let batch = drafts.enumerated().map { index, draft in
                Append(
                    ProposedEvent(
                        id: index == 0 ? id : "\(id)/\(index)", source: CommandRecorder.source, type: draft.type,
                        subject: request.stream, time: request.time, data: draft.data,
                        onBehalfOf: request.onBehalfOf, causationID: index == 0 ? nil : id),
                    expected: index == 0 ? expected : .any)
            }
            do {
                // In one batch: a plan is never in the log before its playbook is, and a refused one leaves nothing.
                let receipts = try ledger.append([registration].compactMap { $0 } + batch, actor: actor)
                guard registration != nil, let playbook, let first = receipts.first else { return receipts }
                onRegistration(PlaybookRegistrar.receipt(playbook, first.position))
                return Array(receipts.dropFirst())
            } catch let error as LedgerError
                where CommandRecorder.isRace(error, registers: registration != nil) && request.expected == nil
                && attempt < CommandRecorder.attemptsMax
            {
                try ledger.refresh()
            }
        }
    }

    private static func isRace(_ error: LedgerError, registers: Bool) -> Bool {
        error.code == .conflict || (registers && PlaybookRegistrar.isRace(error))
    }

    /// A plan with the playbook that it was given as a file; any other command as it is.
    private func planned(_ request: Request) throws -> (Request, Playbook?) {
        guard let file = request.playbook, PlaybookLibrary.isPlan(EventType(request.type).name),
            var data = request.data.object
        else { return (request, nil) }
        let playbook = try registrar.read(file)
        if let name = data["playbook"], !name.isNull, name != .string(playbook.id) {
            throw Refusal(
                rule: .invalidData,
                explanation: "the plan is of the playbook \(CanonicalJSON.string(of: name)), and \(file.path) holds "
                    + playbook.id, field: "playbook")
        }
        if let carried = data["playbook_definition"], !carried.isNull, carried != playbook.definition {
            throw Refusal(
                rule: .invalidData, explanation: "the plan carries another playbook than \(file.path) holds",
                field: "playbook_definition")
        }
        data["playbook"] = .string(playbook.id)
        if PlaybookLibrary.builtIn[playbook.id] == nil { data["playbook_definition"] = playbook.definition }
        var request = request
        request.data = .object(data)
        return (request, playbook)
    }

    /// The same again under the same id: what it did then, without deciding or judging it a second time. A command is
    /// the same if all that was given is in what was recorded, a fact if it is equal.
    private func known(_ id: String, _ request: Request, isCommand: Bool) throws -> [Receipt]? {
        guard let position = try ledger.position(ofSource: CommandRecorder.source, id: id) else { return nil }
        let event = try ledger.event(at: position)
        let isSameType =
            isCommand ? EventType(event.type).name == EventType(request.type).name : event.type == request.type
        let isSameData =
            isCommand ? CommandRecorder.contains(event.data, request.data) : event.data == request.data
        let isSameTime = !request.isTimeGiven || event.time == request.time
        guard event.subject == request.stream, isSameType, isSameData, isSameTime else {
            throw LedgerError(
                .identityConflict, "cannot record \(id): it is at position \(position) with other content",
                remedy: "use another id")
        }
        return [Receipt(position: position, revision: event.revision, isDuplicate: true)]
    }

    /// Whether all that was given is in what was recorded; `decide` adds what follows from the state.
    private static func contains(_ recorded: JSONValue, _ given: JSONValue) -> Bool {
        guard let given = given.object, let recorded = recorded.object else { return recorded == given }
        return given.allSatisfy { recorded[$0.name] == $0.value }
    }

    /// 128 random bits: nobody else makes the same.
    private func newID() -> String { Hex.string(random.bytes(count: 16)) }
}
