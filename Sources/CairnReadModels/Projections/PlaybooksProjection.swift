import CairnBytes
import CairnLedger
import CairnModel

/// The playbooks that the log registered: each version is one row for ever. Those that Cairn brings are part of the
/// program and not of the log.
final class PlaybooksProjection: Projection {
    static let name = "playbooks"
    static let version = 1

    static let tables = [
        Table(
            "playbooks", "one version of a playbook that came from a file",
            [
                Table.Column.text("playbook", "its name", "NOT NULL"),
                Table.Column.integer("version", "from 1; a changed playbook has a higher one", "NOT NULL"),
                Table.Column.text("title", "what people call it", "NOT NULL"),
                Table.Column.text("kind", "migration or deployment", "NOT NULL"),
                Table.Column.text("stages", "names of its stages in order, a JSON array", "NOT NULL"),
                Table.Column.text("digest", "SHA-256 of the definition's canonical JSON, in hexadecimal", "NOT NULL"),
                Table.Column.text("definition", "all of it, canonical JSON, what it extends joined in", "NOT NULL"),
                Table.Column.text("registered_by", "who brought it into the log", "NOT NULL"),
                Table.Column.origin,
            ], constraints: ["PRIMARY KEY (playbook, version)"])
    ]

    static let facts: Set<String>? = [PlaybookRegistration.eventName]

    private let insertion: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        insertion = try Insertion(
            "playbooks",
            ["playbook", "version", "title", "kind", "stages", "digest", "definition", "registered_by"],
            onConflict: "ON CONFLICT (playbook, version) DO NOTHING", on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        // The same reading that decides which rules a run is held to.
        guard let registration = PlaybookRegistration(fact.recorded) else { return }
        let playbook = registration.playbook
        try insertion.add(
            fact,
            [
                .text(playbook.id), .integer(Int64(playbook.version)), .text(playbook.title),
                .text(playbook.kind.rawValue),
                .text(CanonicalJSON.string(of: .array(playbook.stages.map { .string($0.name) }))),
                .text(registration.digest), .text(CanonicalJSON.string(of: playbook.definition)), fact.actor,
            ])
    }

    /// The playbooks that an event has to be read with, as `CairnRecorder` takes them from the log.
    static func known(for event: RecordedEvent, on connection: Connection) throws -> PlaybookLibrary {
        try PlaybookLibrary(for: event.type, data: event.data) { id in
            try connection.all(
                "SELECT definition, digest, position FROM stored_playbooks WHERE playbook = ? AND position < ?",
                [.text(id), .position(event.position)]
            ).compactMap { row in
                guard let text = row[0].text, let value = try? JSONParser.parse(text).value,
                    let playbook = try? Playbook(reading: value)
                else { return nil }
                return PlaybookRegistration(
                    playbook: playbook, digest: row[1].text ?? "",
                    position: row[2].integer.flatMap { UInt64(exactly: $0) } ?? 0)
            }
        }
    }
}
