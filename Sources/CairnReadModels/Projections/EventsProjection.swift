import CairnBytes
import CairnLedger
import CairnModel

/// Every event, whatever its type: what the other tables are made from, for questions nobody foresaw.
final class EventsProjection: Projection {
    static let name = "events"
    static let version = 1
    static let facts: Set<String>? = nil

    static let tables = [
        Table(
            "events", "one event of the log",
            [
                Table.Column.integer("position", "place in the log, from 0", "PRIMARY KEY"),
                Table.Column.text("id", "with source the identity of the event", "NOT NULL"),
                Table.Column.text("source", "who said so", "NOT NULL"),
                Table.Column.text("type", "type with its version, such as cairn.phase.started.v1", "NOT NULL"),
                family(
                    "name", "the type without family and version, such as phase.started; a foreign type as it is",
                    [
                        ("cairn.", "substr(type, 7, length(type) - 9)"),
                        ("observed.", "substr(type, 10, length(type) - 12)"),
                    ], otherwise: "type"),
                family(
                    "family", "who says so: cairn (decided or produced), observed (told by others) or foreign",
                    [
                        ("cairn.", "'cairn'"), ("observed.", "'observed'"),
                    ], otherwise: "'foreign'"),
                Table.Column.text("stream", "stream it belongs to, such as migration/mig-7", "NOT NULL"),
                Table.Column.integer("revision", "place in the stream, from 0", "NOT NULL"),
                Table.Column.time("occurred", "when it happened", "NOT NULL"),
                Table.Column.text("occurred_text", "the producer's own text of that time, where it was another"),
                Table.Column.time("recorded", "when it was recorded", "NOT NULL"),
                Table.Column.text("actor", "who appended it, as far as Cairn could tell", "NOT NULL"),
                Table.Column.text("actor_type", "local (unverified), token or oidc", "NOT NULL"),
                Table.Column.text("on_behalf_of", "for whom, as the caller said; unchecked"),
                Table.Column.text("correlation_id", "what it belongs to, as the producer said"),
                Table.Column.text("causation_id", "what caused it, as the producer said"),
                Table.Column.text("traceparent", "W3C trace context"),
                Table.Column.text("received_sha256", "SHA-256 of the bytes received, in hexadecimal"),
                Table.Column.text("data", "the event's data, canonical JSON", "NOT NULL"),
                Table.Column.text("extensions", "attributes Cairn does not know, JSON"),
                Table.Column.text("attachments", "JSON list of {role, media_type, bytes, digest}"),
            ], indexes: ["stream, revision", "type, position", "occurred_us"])
    ]

    /// A column that SQLite computes from the type when it is read.
    private static func family(
        _ name: String, _ meaning: String, _ cases: [(prefix: String, value: String)], otherwise: String
    ) -> [Table.Column] {
        let whens = cases.map { one in
            "WHEN substr(type, 1, \(one.prefix.utf8.count)) = '\(one.prefix)' AND substr(type, -3, 2) = '.v'"
                + " THEN \(one.value)"
        }
        let expression = "CASE \(whens.joined(separator: " ")) ELSE \(otherwise) END"
        return [
            Table.Column(name: name, definition: "TEXT", meaning: meaning, expression: expression)
        ]
    }

    private let insert: Statement

    init(_ connection: Connection) throws(ReadModelError) {
        insert = try connection.statement(
            """
            INSERT INTO stored_events (position, id, source, type, stream, revision, occurred_us, occurred_text, recorded_us,
              actor, actor_type, on_behalf_of, correlation_id, causation_id, traceparent, received_sha256, data,
              extensions, attachments)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let event = fact.event
        try insert.run(over: fact.storage.bytes) { row in
            row.bind(1, Int64(clamping: event.position))
            row.bind(2, event.id)
            row.bind(3, event.source)
            row.bind(4, event.type)
            row.bind(5, event.subject)
            row.bind(6, Int64(clamping: event.revision))
            row.bind(7, event.time.microseconds)
            row.bind(8, event.timeText)
            row.bind(9, event.recordedTime.microseconds)
            row.bind(10, event.actorID)
            row.bind(11, event.actorType)
            row.bind(12, event.onBehalfOf)
            row.bind(13, event.correlationID)
            row.bind(14, event.causationID)
            row.bind(15, event.traceparent)
            row.bind(16, event.receivedDigest)
            row.bind(17, event.data)
            row.bind(18, event.extensions)
            if !event.attachments.isEmpty {
                insert.bind(
                    19, utf8: CanonicalJSON.bytes(of: .array(event.attachments.map(EventsProjection.json))))
            }
        }
    }

    private static func json(_ attachment: AttachmentReference) -> JSONValue {
        [
            "role": .string(attachment.role), "media_type": .string(attachment.mediaType),
            "bytes": .integer(attachment.byteCount), "digest": .string(Hex.string(attachment.digest)),
        ]
    }
}
