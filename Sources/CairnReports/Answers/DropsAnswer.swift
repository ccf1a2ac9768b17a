internal import CairnAnalyzer
package import CairnBytes
internal import CairnRecorder
internal import CairnWeb

/// A look at dropped traffic, as it is asked for.
package struct DropsQuestion: Sendable, Hashable {
    /// By default the clusters of the ledger's one migration.
    package var source: String?
    package var target: String?
    /// How long a minute waits for an interface that is behind.
    package var watermarkMinutes = DropsQuestion.watermarkMinutesUsual
    package var range = AskedRange()

    /// Files from S3 are that late.
    package static let watermarkMinutesUsual = 12
    /// A day.
    package static let watermarkMinutesMax = 1440

    package init() {}

    /// - Parameter now: what relative times count from.
    package func answer(_ workspace: Workspace, now: Timestamp) throws -> Answered {
        guard (0...DropsQuestion.watermarkMinutesMax).contains(watermarkMinutes) else {
            throw QuestionError(
                .question,
                "cannot wait \(watermarkMinutes) minutes for late files: use 0 to \(DropsQuestion.watermarkMinutesMax)")
        }
        let (since, until) = try range.times(now: now)
        let pair = try ClusterPair.named(source: source, target: target, in: workspace.readModel)
        let request = DropsRequest(
            source: pair?.source, target: pair?.target, since: since?.minute, until: until?.minute)
        var policy = DropsPolicy.standard
        policy.watermarkMinutes = Int64(watermarkMinutes)
        let report = try DropsAnalyzer.report(on: workspace.readModel, for: request, policy: policy)
        guard !report.minutes.isEmpty else {
            throw QuestionError(
                .nothingThere, "cannot find flow counters of these clusters in this time",
                remedy: "import some: cairn import flow-logs PATH --cluster NAME")
        }
        let words = try FindingWords(workspace, now: now)
        let isFinding = report.findings.contains { $0.side != .both && words.counts($0.id) }
        return Answered(DropsAnswer.table(report, words), isFinding ? .finding : .fine)
    }
}

/// The drop findings as a table.
enum DropsAnswer {
    static func table(_ report: DropsReport, _ words: FindingWords) -> CairnWeb.Table {
        var columns = [
            "id", "cluster", "start", "end", "kind", "peer", "peer_port", "scope", "side", "excess", "baseline",
            "explained",
        ].map { Table.Column($0, decimals: ["excess", "baseline", "explained"].contains($0) ? 2 : nil) }
        let shown = Set(columns.map(\.name))
        let more = report.findings.first?.json.object?.names.filter { !shown.contains($0) } ?? []
        columns += (more + ["watermark", "note"]).map { Table.Column($0, isForMachines: true) }
        var table = Table(
            columns: columns,
            rows: report.findings.map { finding in
                var json = finding.json.object ?? JSONObject()
                json["watermark"] = finding.watermark?.json
                json["note"] = words.note(on: finding.id).map { .string($0) }
                return columns.map { Table.Cell(json[$0.name] ?? .null) }
            })
        table.notes = report.findings.map { finding in
            words.note(on: finding.id).map { "\(finding.sentence) (\($0))" } ?? finding.sentence
        }
        for scan in report.scans where scan.attempts > 0 {
            table.notes.append(
                "\(scan.attempts) refused or unanswered attempts of \(scan.blocks) strangers on \(scan.cluster): counted, "
                    + "no finding")
        }
        if report.unknownMinutes > 0 {
            table.notes.append(
                "\(report.unknownMinutes) of \(report.loggedMinutes) minutes of interfaces were not logged completely "
                    + "(SKIPDATA) and not judged")
        }
        for watermark in report.watermarks {
            table.notes.append(
                "\(watermark.cluster): judged up to \(watermark.settled), \(watermark.behindSeconds) s behind the newest "
                    + "record; what comes late is judged again")
        }
        if report.findings.isEmpty { table.notes.insert("nothing is dropped more than usual", at: 0) }
        return table
    }
}
