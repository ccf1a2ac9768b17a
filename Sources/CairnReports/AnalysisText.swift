internal import CairnBytes
internal import CairnModel

/// Says a recorded analysis in words, from the data of its event alone.
enum AnalysisText {
    /// `divergence until 2026-03-10 11:00:00 UTC: 24 compared, none diverged, 4 undecided (3 too few samples, 1 low
    /// traffic)`.
    static func sentence(_ data: JSONValue) -> String {
        let analyzer = data["analyzer"]?.string ?? "an analysis"
        let end = data["end"]?.string.flatMap { Timestamp($0) }.map { " until \($0.dateText) \($0.timeText) UTC" } ?? ""
        let behind = data["behind_seconds"]?.integer ?? 0
        let lag = behind >= behindSecondsMin ? ", \(behind) s behind the newest data" : ""
        return "\(analyzer)\(end)\(lag): \(outcome(analyzer, data["counts"]))"
    }

    /// Less than this is how data comes.
    private static let behindSecondsMin: Int64 = 60

    private static let words: [String: (judged: String, deviates: String)] = [
        "divergence": ("compared", "diverged"), "drops": ("streams of flows", "with drops"),
        "anomalies": ("series", "with anomalies"), "silence": ("senders of data", "silent"),
    ]

    private static func outcome(_ analyzer: String, _ counts: JSONValue?) -> String {
        func count(_ key: String) -> Int64 { counts?[key]?.integer ?? 0 }
        let (judged, deviates) = words[analyzer] ?? ("judged", "deviate")
        guard count("judged") > 0 else { return "nothing to judge" }
        var parts = ["\(count("judged")) \(judged)"]
        parts.append("\(count("diverged") == 0 ? "none" : String(count("diverged"))) \(deviates)")
        if counts?["equivalent"] != nil { parts.append("\(count("equivalent")) equivalent") }
        if count("undecided") > 0 {
            let reasons = counts?["reasons"]?.object?.members.map { reason in
                "\(reason.value.integer ?? 0) \(reason.name.replacing("_", with: " "))"
            }
            parts.append("\(count("undecided")) undecided (\((reasons ?? []).joined(separator: ", ")))")
        }
        if count("unlogged_minutes") > 0 {
            parts.append("\(count("unlogged_minutes")) minutes of interfaces not logged")
        }
        return parts.joined(separator: ", ")
    }
}
