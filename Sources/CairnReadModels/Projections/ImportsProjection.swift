import CairnBytes
import CairnLedger
import CairnModel

/// What was imported, from which files.
final class ImportsProjection: Projection {
    static let name = "imports"
    static let version = 2

    static let tables = [
        Table(
            "imports", "one import",
            [
                Table.Column.text("import", "its identity: a SHA-256 over what was imported, and how", "PRIMARY KEY"),
                Table.Column.text(
                    "format", "events, eventbridge, flow-logs, prometheus, csv, velero, k8s-events, k8s-objects"),
                Table.Column.text("cluster", "cluster it was imported for, if one was named"),
                Table.Column.text("labels", "labels given, JSON"),
                Table.Column.text("options", "options given, JSON"),
                Table.Column.integer("accepted", "records taken"),
                Table.Column.integer("rejected", "records set aside"),
                Table.Column.integer("skipped_duplicates", "records that were there already"),
                Table.Column.text("imported_by", "who imported it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["occurred_us"]),
        Table(
            "import_files", "one file of an import",
            [
                Table.Column.text("import", "identity of the import", "NOT NULL"),
                Table.Column.text("name", "path as it was given"),
                Table.Column.integer("bytes", "its size"),
                Table.Column.text("sha256", "digest of its bytes, in hexadecimal"),
                Table.Column.integer("accepted", "records taken"),
                Table.Column.integer("rejected", "records set aside"),
                Table.Column.origin,
            ], indexes: ["import", "sha256"]),
    ]

    static let facts: Set<String>? = ["import.completed", "flows.counted"]

    private let file: Insertion
    private let whole: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        whole = try Insertion(
            "imports",
            [
                "import", "format", "cluster", "labels", "options", "accepted", "rejected", "skipped_duplicates",
                "imported_by",
            ], onConflict: "ON CONFLICT (import) DO NOTHING", on: connection)
        file = try Insertion(
            "import_files", ["import", "name", "bytes", "sha256", "accepted", "rejected"], on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        let id = fact.data["import"]?.string ?? fact.streamID
        if fact.name == "flows.counted" { return try addFlowLog(fact, id) }
        try whole.add(
            fact,
            [
                .text(id), fact.text("format"), fact.text("cluster"), fact.json("labels"), fact.json("options"),
                fact.integer("accepted"), fact.integer("rejected"), fact.integer("skipped_duplicates"), fact.actor,
            ])
        for entry in fact.data["files"]?.array ?? [] {
            try file.add(
                fact,
                [
                    .text(id), .optional(entry["name"]?.string), .optional(entry["bytes"]?.integer),
                    .optional(entry["sha256"]?.string), .optional(entry["accepted"]?.integer),
                    .optional(entry["rejected"]?.integer),
                ])
        }
    }

    /// Every file of flow logs is an import of its own.
    private func addFlowLog(_ fact: Fact, _ id: String) throws {
        let counts = [fact.integer("records"), fact.integer("unreadable_lines")]
        try whole.add(
            fact,
            [.text(id), .text("flow-logs"), fact.text("cluster"), .null, .null] + counts + [.integer(0), fact.actor])
        try file.add(fact, [.text(id), fact.text("file"), fact.integer("bytes"), fact.text("sha256")] + counts)
    }
}
