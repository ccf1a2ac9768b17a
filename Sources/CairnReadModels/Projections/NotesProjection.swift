import CairnLedger
import CairnModel

/// What people added and corrected. A correction changes no event: it stands beside what it corrects.
final class NotesProjection: Projection {
    static let name = "notes"
    static let version = 1

    static let tables = [
        Table(
            "notes", "one note of a person",
            [
                Table.Column.text("stream", "stream it was added to", "NOT NULL"),
                Table.Column.text("text", "what it says; null where it was redacted"),
                Table.Column.integer("about_position", "place in the log of the event it is about, if one"),
                Table.Column.text("author", "who wrote it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["stream, occurred_us"]),
        Table(
            "corrections", "one correction of an event",
            [
                Table.Column.text("stream", "stream of the correction", "NOT NULL"),
                Table.Column.integer("about_position", "place in the log of the event that is corrected"),
                Table.Column.text("field", "field that was wrong"),
                Table.Column.text("old_value", "what it says there, JSON"),
                Table.Column.text("new_value", "what is right, JSON"),
                Table.Column.text("reason", "why"),
                Table.Column.text("author", "who corrected it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["about_position"]),
        Table(
            "removals", "one piece of content that was taken out of the log",
            [
                Table.Column.text("digest", "digest by which the log cites it"),
                Table.Column.text("kind", "redacted or dropped", "NOT NULL"),
                Table.Column.text("replacement", "digest of what stands for it, if anything"),
                Table.Column.text("reason", "why"),
                Table.Column.text("approved_by", "who approved it"),
                Table.Column.origin,
            ], indexes: ["digest"]),
    ]

    static let facts: Set<String>? = ["note.added", "event.corrected", "attachment.redacted", "attachment.dropped"]

    private let note: Insertion
    private let correction: Insertion
    private let removal: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        note = try Insertion("notes", ["stream", "text", "about_position", "author"], on: connection)
        correction = try Insertion(
            "corrections", ["stream", "about_position", "field", "old_value", "new_value", "reason", "author"],
            on: connection)
        removal = try Insertion(
            "removals", ["digest", "kind", "replacement", "reason", "approved_by"], on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        switch fact.name {
        case "note.added":
            try note.add(fact, [.text(fact.stream), fact.text("text"), fact.integer("about"), fact.actor])
        case "event.corrected":
            try correction.add(
                fact,
                [
                    .text(fact.stream), fact.integer("about"), fact.text("field"), fact.json("from"), fact.json("to"),
                    fact.text("reason"), fact.actor,
                ])
        default:
            try removal.add(
                fact,
                [
                    fact.text("digest"), .text(fact.name == "attachment.redacted" ? "redacted" : "dropped"),
                    fact.text("replacement"), fact.text("reason"), fact.text("approved_by"),
                ])
        }
    }
}
