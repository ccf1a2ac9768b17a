package import CairnBytes

/// A playbook that the log holds, from `cairn.playbook.registered.v1` on the stream `playbook/NAME`.
///
/// A playbook that Cairn does not bring becomes part of the log before a run can be of it, so that everybody who reads
/// the log later decides the same. A name and a version mean one definition for ever: a changed one is registered under
/// a higher version, for the runs that are planned from then on. A run keeps the playbook that it was planned with.
package struct PlaybookRegistration: Sendable, Hashable {
    package static let eventName = "playbook.registered"

    package var playbook: Playbook
    /// SHA-256 over the canonical JSON of the definition, in hexadecimal.
    package var digest: String
    package var position: UInt64

    package init(playbook: Playbook, digest: String, position: UInt64) {
        self.playbook = playbook
        self.digest = digest
        self.position = position
    }

    /// Nil for any other event, and for one that holds no playbook of its stream's name. What an outside producer says
    /// (`observed.`) registers nothing: rules are not given by those who are held to them.
    package init?(_ event: RecordedEvent) {
        guard EventType(event.type).family == .cairn,
            case .known(PlaybookRegistration.eventName, let data) = EventVocabulary.standard.read(
                type: event.type, data: event.data),
            let definition = data["definition"], let playbook = try? Playbook(reading: definition),
            PlaybookRegistration.stream(of: playbook.id) == event.subject
        else { return nil }
        self.playbook = playbook
        digest = data["digest"]?.string ?? ""
        position = event.position
    }

    /// Where the versions of a playbook are; nil for what cannot be the id of one.
    package static func stream(of id: String) -> StreamName? {
        Playbook.isID(id) ? StreamName("playbook/\(id)") : nil
    }

    /// What registers a playbook.
    package static func draft(_ playbook: Playbook, digest: String) -> EventDraft {
        EventDraft(
            name: eventName,
            data: [
                "playbook": .string(playbook.id), "version": .integer(playbook.version), "digest": .string(digest),
                "definition": playbook.definition,
            ])
    }

    /// Whether a playbook has to be registered: false if it is there already, or is one that Cairn brings.
    /// - Parameters:
    ///   - registered: the versions of its name that the log has.
    ///   - digest: SHA-256 over the canonical JSON of a definition, in hexadecimal.
    package static func isNeeded(
        for playbook: Playbook, registered: [PlaybookRegistration], digest: (JSONValue) -> String
    ) throws(Refusal) -> Bool {
        let id = playbook.id
        if let own = PlaybookLibrary.builtIn[id] {
            guard own.definition != playbook.definition else { return false }
            throw Refusal(
                rule: .playbookBuiltIn,
                explanation: "Cairn itself brings the playbook \(id) (SHA-256 \(digest(own.definition))), and this is "
                    + "another of that name (\(digest(playbook.definition))); give it an id of its own, and "
                    + "\"extends\": \"\(id)\" if it only adds to that one", field: "id")
        }
        if let same = registered.first(where: { $0.playbook.version == playbook.version }) {
            guard same.playbook.definition != playbook.definition else { return false }
            throw Refusal(
                rule: .playbookChanged,
                explanation: "version \(playbook.version) of the playbook \(id) is registered at position "
                    + "\(same.position) with the SHA-256 \(same.digest), and this is another "
                    + "(\(digest(playbook.definition))); raise its \"version\" to register it for new runs",
                field: "version")
        }
        if let newest = registered.max(by: { $0.playbook.version < $1.playbook.version }),
            newest.playbook.version > playbook.version
        {
            throw Refusal(
                rule: .playbookChanged,
                explanation: "the playbook \(id) is at version \(newest.playbook.version) (SHA-256 \(newest.digest)), "
                    + "and version \(playbook.version) (\(digest(playbook.definition))) was never registered; raise "
                    + "its \"version\" above that", field: "version")
        }
        return true
    }
}
