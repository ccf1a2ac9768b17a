import CairnAnalyzer
import CairnBytes
import CairnFlowLogs
import Foundation
import Testing

/// Real-sized flow logs with labels, where `CAIRN_TEST_DATA` says they are.
@Suite("Drops on labelled flow logs") struct DropsDataTests {
    private struct Label {
        var cluster: String
        var kind: String
        var start: Int64
        var end: Int64
        var peer: String?
        var port: Int?
    }

    private func labels(_ value: JSONValue?) -> [Label] {
        (value?.array ?? []).map { label in
            Label(
                cluster: label["cluster"]?.string ?? "", kind: label["kind"]?.string ?? "",
                start: label["start"]?.integer ?? 0, end: label["end"]?.integer ?? 0,
                peer: label["partner"]?["ip"]?.string, port: label["partner"]?["port"]?.integer.map(Int.init))
        }
    }

    private func source(_ folder: URL) throws -> MemoryFlowSource {
        var summaries: [FlowFileSummary] = []
        for cluster in ["self-managed", "eks"] {
            let files = FileManager.default.enumerator(
                at: folder.appending(path: cluster), includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "gz" else { continue }
                var reader = FlowLogReader(sink: FlowFileCounter(.one(cluster)))
                try reader.push(Array(try Data(contentsOf: file)))
                try reader.finish()
                #expect(reader.rejects.isEmpty)
                summaries.append(reader.sink.finish())
            }
        }
        return MemoryFlowSource(summaries)
    }

    @Test(arguments: ["v2", "v5"]) func everyFaultAndNothingElse(version: String) throws {
        guard let data = ProcessInfo.processInfo.environment["CAIRN_TEST_DATA"] else {
            print("skipped: no data")
            return
        }
        let folder = URL(filePath: data).appending(path: "flowlogs/\(version)")
        let truth = try JSONParser.parse(Array(try Data(contentsOf: folder.appending(path: "labels.json")))).value
        let report = try DropsAnalyzer.report(
            on: try source(folder), for: DropsRequest(source: "self-managed", target: "eks"))
        for finding in report.findings { print(version, CanonicalJSON.string(of: finding.json)) }
        print(version, report.scans, report.unknownMinutes)
        var unexplained = report.findings
        func take(_ label: Label, _ kinds: [DropKind]) -> [DropFinding] {
            let matches = unexplained.filter { finding in
                finding.peer.description == label.peer && Int(finding.peerPort) == label.port
                    && kinds.contains(finding.kind) && finding.startMinute * 60 < label.end
                    && finding.endMinute * 60 > label.start
            }
            unexplained.removeAll { matches.contains($0) }
            return matches
        }
        for fault in labels(truth["faults"]) {
            let kinds: [DropKind] = fault.kind.hasPrefix("silent") ? [.unanswered, .asymmetric] : [.reject]
            let found = take(fault, kinds)
            #expect(found.count == 1, "\(fault)")
            #expect(found.first?.side == (fault.cluster == "eks" ? .targetOnly : .sourceOnly), "\(fault)")
            #expect(abs((found.first?.startMinute ?? 0) * 60 - fault.start) <= 300, "\(fault)")
            #expect(abs((found.first?.endMinute ?? 0) * 60 - fault.end) <= 300, "\(fault)")
        }
        for negative in labels(truth["negatives"]) where negative.kind == "region" {
            #expect(take(negative, [.unanswered]).map(\.side) == [.both], "\(negative)")
        }
        #expect(unexplained.isEmpty, "\(unexplained.map(\.sentence))")
    }
}
