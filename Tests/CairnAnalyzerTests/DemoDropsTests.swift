import CairnAnalyzer
import CairnBytes
import CairnFlowLogs
import Foundation
import Testing

/// The flow logs of `tools/demo-data`: exactly the fault that its `truth.json` names is found, and nothing else.
/// `CAIRN_DEMO_DATA` takes further folders of that shape, with colons between: other seeds, other faults.
@Suite("Drops in the demo data") struct DemoDropsTests {
    static var folders: [URL] {
        let own = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "tools/demo-data/data")
        let others = ProcessInfo.processInfo.environment["CAIRN_DEMO_DATA"]?.split(separator: ":") ?? []
        return [own] + others.map { URL(filePath: String($0)) }
    }

    private func source(_ folder: URL, _ clusters: [String]) throws -> MemoryFlowSource {
        var summaries: [FlowFileSummary] = []
        for cluster in clusters {
            let files = FileManager.default.enumerator(
                at: folder.appending(path: "flow-logs/\(cluster)"), includingPropertiesForKeys: nil)
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

    @Test(arguments: folders) func theFaultAndNothingElse(folder: URL) throws {
        let truth = try JSONParser.parse(Array(try Data(contentsOf: folder.appending(path: "truth.json")))).value
        let clusters = try ["source", "target"].map { try #require(truth["clusters"]?[$0]?.string) }
        let report = try DropsAnalyzer.report(
            on: try source(folder, clusters), for: DropsRequest(source: clusters[0], target: clusters[1]))
        let name = folder.lastPathComponent
        guard let fault = truth["drops"], !fault.isNull else {
            #expect(report.findings.isEmpty, "\(name): \(report.findings.map(\.sentence))")
            return
        }
        #expect(report.findings.count == 1, "\(name): \(report.findings.map(\.sentence))")
        let finding = try #require(report.findings.first, "\(name)")
        #expect(finding.cluster == clusters[1])
        #expect(finding.kind == .unanswered)
        #expect(finding.side == .targetOnly)
        #expect(finding.peer.description == fault["peer"]?.string)
        #expect(Int64(finding.peerPort) == fault["peer_port"]?.integer)
        let start = try #require(fault["start"]?.string.flatMap { Timestamp($0) })
        let end = try #require(fault["end"]?.string.flatMap { Timestamp($0) })
        #expect((finding.startMinute - start.minute).magnitude <= 3, "\(name): \(finding.sentence)")
        #expect((finding.endMinute - end.minute).magnitude <= 3, "\(name): \(finding.sentence)")
    }
}
