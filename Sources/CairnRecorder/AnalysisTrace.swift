internal import CairnAnalyzer
internal import CairnBytes
internal import CairnModel

/// That an analysis was made, of what, up to when, and how it came out: `analysis.completed`. Without it nobody could
/// tell afterwards whether nothing was found or nobody looked.
///
/// A trace says what its analysis said and cites no evidence, so that retention may take what nothing was found in.
enum AnalysisTrace {
    static let name = "analysis.completed"
    /// A server looks every minute: what only goes on as before is recorded once in so much time of data.
    static let pacedSeconds: Int64 = 15 * 60

    /// What a second judgement compares.
    static let judgedKeys = ["analyzer_version", "policy_digest", "start", "end", "newest", "counts"]

    static func stream(_ judgement: Judgement) -> StreamName {
        var parts = [judgement.analyzer]
        if let pair = judgement.pair { parts += [pair.source, pair.target] }
        if let subject = judgement.subject { parts.append(subject) }
        return StreamName(
            kind: "analysis", foreignID: (parts.count == 1 ? parts + ["all"] : parts).joined(separator: "/"))
    }

    /// The data of the event, without evidence and what was made of the findings, which the recorder adds.
    static func data(_ judgement: Judgement) -> JSONObject {
        let behind = (judgement.newest.microseconds - judgement.end.microseconds) / Timestamp.microsecondsPerSecond
        var data: JSONObject = [
            "analyzer": .string(judgement.analyzer), "analyzer_version": .string(judgement.version),
            "policy_digest": .string(judgement.policyDigest), "end": .string(judgement.end.description),
            "newest": .string(judgement.newest.description), "behind_seconds": .integer(max(0, behind)),
            "counts": judgement.counts.json, "judged": judgement.judged,
        ]
        data["start"] = judgement.start.map { .string($0.description) }
        if let pair = judgement.pair {
            data["clusters"] = ["source": .string(pair.source), "target": .string(pair.target)]
        }
        return data
    }

    /// Whether an analysis is worth a trace after the one before.
    ///
    /// The same settings on the same evidence with the same outcome are the same analysis, whenever it is made. With
    /// more evidence, what is asked for by hand is recorded always; what is paced only when settings or the number of
    /// differences changed, when findings did, or when there is data of so much more time.
    static func isDue(_ data: JSONObject, after previous: JSONObject?, findingsChanged: Bool, paceSeconds: Int64)
        -> Bool
    {
        guard let previous, !findingsChanged, settings(previous) == settings(data) else { return true }
        if previous["evidence_digest"] == data["evidence_digest"], previous["counts"] == data["counts"] { return false }
        if previous["counts"]?["diverged"] != data["counts"]?["diverged"] { return true }
        guard let before = newest(previous), let now = newest(data) else { return true }
        return (now.seconds - before.seconds).magnitude >= paceSeconds.magnitude
    }

    private static func newest(_ data: JSONObject) -> Timestamp? { data["newest"]?.string.flatMap { Timestamp($0) } }

    /// What an analysis was asked, without the end of it, which follows the data.
    private static func settings(_ data: JSONObject) -> JSONObject {
        var judged = data["judged"]?.object ?? JSONObject()
        for key in ["until_ms", "at"] { judged[key] = nil }
        return [
            "version": data["analyzer_version"] ?? .null, "policy": data["policy_digest"] ?? .null,
            "judged": .object(judged),
        ]
    }
}
