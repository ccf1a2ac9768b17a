import CairnLedger
import CairnModel

/// That analyses were made, of what, up to when, and how they came out.
final class AnalysesProjection: Projection {
    static let name = "analyses"
    static let version = 1

    static let tables = [
        Table(
            "analyses", "one analysis that was recorded, whether or not it found anything",
            [
                Table.Column.text("analysis", "its stream: analyzer and what it is about", "NOT NULL"),
                Table.Column.text("analyzer", "divergence, drops, anomalies or silence"),
                Table.Column.text("analyzer_version", "its version"),
                Table.Column.text("policy_digest", "digest of the policy it judged by"),
                Table.Column.text("source_cluster", "the old side, of an analysis of two clusters"),
                Table.Column.text("target_cluster", "the new side"),
                Table.Column.time("start", "the moment judged from"),
                Table.Column.time("end", "up to here there was data to judge"),
                Table.Column.time("newest", "newest moment of any of the data"),
                Table.Column.integer("behind_seconds", "how far the one is behind the other"),
                Table.Column.integer("judged", "comparisons, streams of flows, series or senders"),
                Table.Column.integer("diverged", "how many of them deviate"),
                Table.Column.integer("equivalent", "how many were shown to be equal; null where nothing is"),
                Table.Column.integer("undecided", "how many are neither"),
                Table.Column.text("counts", "all of these with the reasons, JSON"),
                Table.Column.integer("standing", "findings that stand afterwards"),
                Table.Column.integer("opened", "findings it opened"),
                Table.Column.integer("revised", "findings it revised"),
                Table.Column.integer("withdrawn", "findings it withdrew"),
                Table.Column.text("evidence_digest", "digest of all evidence it saw"),
                Table.Column.integer("basis_position", "it saw the log up to here, exclusive"),
                Table.Column.text("recorded_by", "who made it", "NOT NULL"),
                Table.Column.origin,
            ], indexes: ["source_cluster, target_cluster, analyzer", "analysis, position"])
    ]

    static let facts: Set<String>? = ["analysis.completed"]

    private let insertion: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        insertion = try Insertion(
            "analyses",
            [
                "analysis", "analyzer", "analyzer_version", "policy_digest", "source_cluster", "target_cluster",
                "start_us", "end_us", "newest_us", "behind_seconds", "judged", "diverged", "equivalent", "undecided",
                "counts", "standing", "opened", "revised", "withdrawn", "evidence_digest", "basis_position",
                "recorded_by",
            ], on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        // Only Cairn's own analysis judges: what somebody else tells of is none of it.
        guard !fact.isObserved else { return }
        func number(_ group: String, _ key: String) -> SQLValue { .optional(fact.data[group]?[key]?.integer) }
        try insertion.add(
            fact,
            [
                .text(fact.stream), fact.text("analyzer"), fact.text("analyzer_version"), fact.text("policy_digest"),
                .optional(fact.data["clusters"]?["source"]?.string),
                .optional(fact.data["clusters"]?["target"]?.string), fact.time("start"), fact.time("end"),
                fact.time("newest"), fact.integer("behind_seconds"), number("counts", "judged"),
                number("counts", "diverged"), number("counts", "equivalent"), number("counts", "undecided"),
                fact.json("counts"), number("findings", "standing"), number("findings", "opened"),
                number("findings", "revised"), number("findings", "withdrawn"), fact.text("evidence_digest"),
                fact.integer("basis_position"), fact.actor,
            ])
    }
}
