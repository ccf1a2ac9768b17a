internal import CairnBytes
internal import CairnWeb

/// Rows of the table of findings as pages show them.
enum FindingRows {
    static func line(_ row: AnswerRow) -> MigrationDocument.Finding? {
        guard let id = row.text("finding"), let start = row.time("start_us") ?? row.time("occurred_us") else {
            return nil
        }
        let data = row.text("data").flatMap { try? JSONParser.parse($0).value } ?? .null
        return MigrationDocument.Finding(
            id: id, kind: row.text("kind") ?? "finding", title: FindingText.headline(data),
            isOpen: row.text("status") == "open", note: note(row), counts: !row.flag("silenced"), start: start,
            end: row.time("end_us"), position: row.position("last_position") ?? row.position("position"))
    }

    static func note(_ row: AnswerRow) -> String? {
        let reason = row.text("status_reason").map { ": \($0)" } ?? ""
        if row.flag("silenced") {
            if let person = row.text("false_by") { return "marked false by \(person)\(reason)" }
            if let person = row.text("muted_by") { return "muted by \(person)\(reason)" }
        }
        return row.text("acknowledged_by").map { "acknowledged by \($0)\(reason)" }
    }
}
