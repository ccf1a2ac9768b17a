package import CairnAnalyzer
internal import CairnBytes
package import CairnWeb

/// The drop findings as a table.
package enum DropsAnswer {
    package static func table(_ report: DropsReport, _ words: FindingWords) -> CairnWeb.Table {
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
