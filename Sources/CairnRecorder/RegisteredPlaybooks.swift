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

    /// What Cairn brings, and one playbook of the log. The log is asked for no more than is named, so this costs the
    /// same however much it holds.
    /// - Parameter version: nil for the newest.
    package func library(
        naming id: String?, version: Int64? = nil, before position: UInt64? = nil
    ) throws -> PlaybookLibrary {
        var library = PlaybookLibrary.builtIn
        guard let id, library[id] == nil else { return library }
        for registration in try versions(of: id, before: position)
        where version.map({ $0 == registration.playbook.version }) ?? true {
            library.add(registration)
        }
        return library
    }

    /// The playbooks that a plan could mean. One that carries its playbook is compared with the same version of the log.
    func library(forPlan data: JSONValue, before position: UInt64? = nil) throws -> PlaybookLibrary {
        let carried = data["playbook_definition"]?.object.map { $0["version"]?.integer ?? 1 }
        return try library(
            naming: data["playbook"]?.string, version: carried ?? data["playbook_version"]?.integer, before: position)
    }

    /// The playbooks that an event has to be read with: those that a plan could mean at its place in the log.
    package func library(for event: RecordedEvent, before position: UInt64?) throws -> PlaybookLibrary {
        let type = EventType(event.type)
        guard type.family != .foreign, RegisteredPlaybooks.isPlan(type.name) else { return .builtIn }
        return try library(forPlan: event.data, before: position)
    }

    static func isPlan(_ name: String) -> Bool { name == "migration.planned" || name == "deployment.planned" }

    /// The state of a run.
    /// - Parameter isWanted: which of its events count; a plan has its playbook whenever that was registered.
    package func state(
        of stream: StreamName, isWanted: (RecordedEvent) -> Bool = { _ in true }
    ) throws -> MigrationState {
        var state = MigrationState(stream: stream)
        try ledger.forEach(in: stream, from: 0) { event in
            guard isWanted(event) else { return }
            state.playbooks = try library(for: event, before: event.position)
            state.apply(event)
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
        try file.playbook(extending: try playbooks.library(naming: file.parentID))
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
