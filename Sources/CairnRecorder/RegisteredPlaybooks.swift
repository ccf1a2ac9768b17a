internal import CairnBytes
package import CairnLedger
package import CairnModel

/// The playbooks of a log: those that Cairn brings and those that the log registered, each from its place on. Whoever
/// follows a run asks here, so that recording, judging again and looking back agree.
package struct RegisteredPlaybooks: Sendable {
    private let ledger: Ledger

    package init(_ ledger: Ledger) { self.ledger = ledger }

    /// The versions of a playbook in the order in which they were registered.
    /// - Parameter position: only those registered before it; nil for all.
    package func versions(of id: String, before position: UInt64? = nil) throws -> [PlaybookRegistration] {
        guard let stream = PlaybookRegistration.stream(of: id) else { return [] }
        var versions: [PlaybookRegistration] = []
        for place in try ledger.positions(of: stream) where position.map({ place < $0 }) ?? true {
            if let registration = PlaybookRegistration(try ledger.event(at: place)) { versions.append(registration) }
        }
        return versions
    }

    /// What Cairn brings, and one playbook of the log.
    /// - Parameter version: nil for the newest.
    package func known(
        naming id: String?, version: Int64? = nil, before position: UInt64? = nil
    ) throws -> PlaybookLibrary {
        try PlaybookLibrary(naming: id, version: version) { try versions(of: $0, before: position) }
    }

    /// The playbooks that an event has to be read with, at its place in the log; nil for the end.
    func known(for type: String, data: JSONValue, before position: UInt64?) throws -> PlaybookLibrary {
        try PlaybookLibrary(for: type, data: data) { try versions(of: $0, before: position) }
    }

    /// The state of a run.
    /// - Parameters:
    ///   - told: places of events of other streams that say more of it.
    ///   - isWanted: which of its events count; a plan has its playbook whenever that was registered.
    package func state(
        of stream: StreamName, told: [UInt64] = [], isWanted: (RecordedEvent) -> Bool = { _ in true }
    ) throws -> MigrationState {
        var state = MigrationState(stream: stream)
        try ledger.forEach(in: stream, from: 0) { event in
            guard isWanted(event) else { return }
            state.playbooks = try known(for: event.type, data: event.data, before: event.position)
            state.apply(event)
        }
        for position in told {
            let event = try ledger.event(at: position)
            if isWanted(event) { state.apply(event) }
        }
        return state
    }
}

/// Where a playbook is in the log.
package struct PlaybookReceipt: Sendable, Hashable {
    package var id: String
    package var version: Int
    /// SHA-256 over the canonical JSON of its definition, in hexadecimal.
    package var digest: String
    package var position: UInt64
    /// False if it was there before.
    package var isNew: Bool
    /// The highest version of its name.
    package var newestVersion: Int
}

/// Puts playbooks from files into the log.
package struct PlaybookRegistrar {
    static let source = "/cairn/playbooks"
    private static let attemptsMax = 10

    private let ledger: Ledger
    private let actor: Actor
    private let clock: any WallClock
    private let playbooks: RegisteredPlaybooks

    package init(ledger: Ledger, actor: Actor, clock: any WallClock) {
        self.ledger = ledger
        self.actor = actor
        self.clock = clock
        playbooks = RegisteredPlaybooks(ledger)
    }

    /// Registers a playbook unless the log has it.
    /// - Returns: where it is; nil for one that Cairn brings.
    /// - Throws: `Refusal` if its name and version mean something else, `PlaybookFileError`, or `LedgerError`.
    package func register(_ file: PlaybookFile, onBehalfOf: String? = nil) throws -> PlaybookReceipt? {
        var attempt = 0
        while true {
            attempt += 1
            let playbook = try read(file)
            guard let append = try append(playbook, onBehalfOf: onBehalfOf) else { return try known(playbook) }
            do {
                let receipts = try ledger.append([append], actor: actor)
                return receipts.first.map { PlaybookRegistrar.receipt(playbook, $0.position) }
            } catch let error as LedgerError
                where PlaybookRegistrar.isRace(error) && attempt < PlaybookRegistrar.attemptsMax
            {
                try ledger.refresh()
            }
        }
    }

    func read(_ file: PlaybookFile) throws -> Playbook {
        try file.playbook(extending: try playbooks.known(naming: file.parentID))
    }

    /// The event that registers a playbook; nil if the log has it.
    func append(_ playbook: Playbook, onBehalfOf: String?) throws -> Append? {
        let isNeeded = try PlaybookRegistration.isNeeded(
            for: playbook, registered: try playbooks.versions(of: playbook.id), digest: PlaybookRegistrar.digest)
        guard isNeeded, let stream = PlaybookRegistration.stream(of: playbook.id) else { return nil }
        let draft = PlaybookRegistration.draft(playbook, digest: PlaybookRegistrar.digest(playbook.definition))
        let event = ProposedEvent(
            id: "\(playbook.id)@\(playbook.version)", source: PlaybookRegistrar.source, type: draft.type,
            subject: stream, time: clock.now(), data: draft.data, onBehalfOf: onBehalfOf)
        let last = try ledger.lastRevision(of: stream)
        return Append(event, expected: last.map { .exactly($0) } ?? .none)
    }

    /// Whether somebody else registered a playbook of that name at the same time: then it is looked at again.
    static func isRace(_ error: LedgerError) -> Bool { error.code == .conflict || error.code == .identityConflict }

    static func digest(_ definition: JSONValue) -> String { Digests.sha256(CanonicalJSON.bytes(of: definition)) }

    static func receipt(_ playbook: Playbook, _ position: UInt64) -> PlaybookReceipt {
        PlaybookReceipt(
            id: playbook.id, version: playbook.version, digest: digest(playbook.definition), position: position,
            isNew: true, newestVersion: playbook.version)
    }

    private func known(_ playbook: Playbook) throws -> PlaybookReceipt? {
        let versions = try playbooks.versions(of: playbook.id)
        guard let own = versions.first(where: { $0.playbook.version == playbook.version }) else { return nil }
        var receipt = PlaybookRegistrar.receipt(playbook, own.position)
        receipt.isNew = false
        receipt.newestVersion = versions.map(\.playbook.version).max() ?? playbook.version
        return receipt
    }
}
