import CairnBytes
import CairnTestSupport
import CairnWeb
import Foundation
import Testing

@Suite struct PageTests {
    /// The history of the demo data, as one page would show it.
    static func demoDocument() throws -> TimelineDocument {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "tools/demo-data/data/events.jsonl")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        var document = SampleTimeline.document
        document.title = "Harbor EU 1: self-managed Kubernetes to Amazon EKS"
        document.scope = "migration/harbor-eu-1"
        document.phases = []
        document.trafficShares = []
        document.entries = []
        for (position, line) in lines.enumerated() {
            let event = try JSONParser.parse(String(line)).value
            let type = String(try #require(event["type"]?.string).dropFirst("observed.".count).dropLast(".v1".count))
            let time = try #require(event["time"]?.string.flatMap { Timestamp($0) })
            let data = event["data"] ?? .null
            let phase = data["phase"]?.string ?? ""
            let isMigration = event["subject"]?.string == "migration/harbor-eu-1"
            if isMigration, type == "phase.started" {
                document.phases.append(TimelinePhase(name: phase, start: time, end: nil, status: .running))
            } else if isMigration, type == "phase.completed" {
                document.phases[document.phases.count - 1].end = time
                document.phases[document.phases.count - 1].status = .completed
            } else if isMigration, let target = data["weights"]?["target"]?.double {
                document.trafficShares.append(
                    TrafficShare(time: time, sourcePercent: 100 - target, targetPercent: target))
            }
            let kinds: [String: TimelineEntry.Kind] = [
                "phase": .phase, "approval": .approval, "gate": .gate, "hook": .hook, "traffic": .traffic,
                "workload": .workload, "check": .check, "freeze": .freeze, "note": .note, "bake": .traffic,
                "migration": .plan, "deployment": .deployment,
            ]
            document.entries.append(
                TimelineEntry(
                    time: time, kind: kinds[String(type.prefix { $0 != "." })] ?? .other,
                    severity: type == "gate.evaluated" || type == "approval.granted" ? .success : .info,
                    actor: event["onbehalfof"]?.string ?? "-",
                    action: "\(type) \(phase) \(data["application"]?.string ?? "")",
                    evidence: [.init(data["detail"]?.string ?? data["text"]?.string ?? data["reason"]?.string ?? "")],
                    position: UInt64(position), stream: event["subject"]?.string))
        }
        document.from = document.entries.map(\.time).min() ?? .earliest
        document.until = document.entries.map(\.time).max() ?? .latest
        return document
    }

    @Test func aWholeMigrationStaysReadable() throws {
        let document = try PageTests.demoDocument()
        let html = TimelineRenderer.render(document, as: .html)
        if let path = ProcessInfo.processInfo.environment["CAIRN_TEST_PAGE"] {
            try html.write(toFile: path, atomically: true, encoding: .utf8)
        }
        // Scaling is most of the lines, and folds.
        let rows = html.components(separatedBy: "<tr role=\"row\"").count
        #expect(rows < document.entries.count)
        for entry in document.entries { #expect(html.contains("id=\"e\(entry.position ?? 0)\"")) }
        #expect(html.utf8.count < 400_000)
    }

    /// The promise of the style sheet: text has a contrast of at least 4.5 to 1 on every ground it stands on.
    @Test(arguments: [0, 1]) func coloursHaveContrast(theme: Int) throws {
        let html = TableRenderer.render(Table(columns: []), as: .html)
        let rule = html.components(separatedBy: ":root {")[theme + 1].prefix { $0 != "}" }
        var colours: [String: Double] = [:]
        for part in rule.split(separator: ";") {
            let words = part.split(separator: ":").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            guard words.count == 2, words[1].hasPrefix("#"), words[1].count == 4 || words[1].count == 7 else {
                continue
            }
            colours[words[0]] = try luminance(words[1])
        }
        let ground = try #require(colours["--ground"])
        let panel = try #require(colours["--panel"])
        for name in ["text", "faint", "link", "info", "success", "warning", "critical", "source", "target", "signal"] {
            let colour = try #require(colours["--\(name)"], "\(name)")
            #expect(contrast(colour, ground) >= 4.5, "\(name) on the ground: \(contrast(colour, ground))")
            #expect(contrast(colour, panel) >= 4.5, "\(name) on a panel: \(contrast(colour, panel))")
        }
        for name in ["info", "success", "warning", "critical"] {
            let own = try #require(colours["--\(name)-ground"])
            for text in ["--\(name)", "--text", "--link", "--faint"] {
                let value = contrast(try #require(colours[text]), own)
                #expect(value >= 4.5, "\(text) on \(name): \(value)")
            }
        }
        for area in ["source-area", "target-area"] {
            let value = contrast(try #require(colours["--text"]), try #require(colours["--\(area)"]))
            #expect(value >= 4.5, "\(area): \(value)")
        }
    }

    /// Relative luminance by WCAG 2.2.
    private func luminance(_ hex: String) throws -> Double {
        var digits = String(hex.dropFirst())
        if digits.count == 3 { digits = digits.map { "\($0)\($0)" }.joined() }
        let number = try #require(Int(digits, radix: 16))
        let parts = [16, 8, 0].map { shift in
            let value = Double((number >> shift) & 255) / 255
            return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }

    private func contrast(_ left: Double, _ right: Double) -> Double {
        (max(left, right) + 0.05) / (min(left, right) + 0.05)
    }
}
