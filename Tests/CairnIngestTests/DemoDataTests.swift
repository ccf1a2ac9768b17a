import CairnBytes
import CairnIngest
import CairnModel
import Foundation
import Testing

/// The data of `tools/demo-data` goes through every importer without a reject.
@Suite struct DemoDataTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "tools/demo-data/data")

    private func read(_ name: String, _ format: ImportFormat, cluster: String? = nil) throws -> Collected {
        let bytes = Array(try Data(contentsOf: DemoDataTests.folder.appending(path: name)))
        let collected = try Collected(bytes, ImportOptions(format: format, cluster: cluster), file: name)
        #expect(collected.rejects.isEmpty, "\(name)")
        #expect(collected.summary.notes == 0, "\(name)")
        return collected
    }

    /// The generator's own tests, among them that it gives the shipped files byte for byte.
    @Test func theGeneratorKeepsItsPromises() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-B", "-m", "unittest", "discover", "-q", "-s", "."]
        process.currentDirectoryURL = DemoDataTests.folder.deletingLastPathComponent()
        let output = Pipe()
        process.standardError = output
        process.standardOutput = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        if process.terminationStatus == 127 {
            print("skipped: there is no python3")
            return
        }
        #expect(process.terminationStatus == 0, "\(text)")
    }

    @Test func eventsFitTheVocabulary() throws {
        let events = try read("events.jsonl", .events).events.map(\.event)
        #expect(events.count > 150)
        for event in events {
            let type = EventType(event.type)
            #expect(type.family == .observed)
            let schema = try #require(EventVocabulary.standard.schema(named: type.name), "\(event.type)")
            try schema.validate(event.data)
            #expect(schema.streamKinds.isEmpty || schema.streamKinds.contains(event.subject.kind))
            #expect(event.onBehalfOf != nil)
        }
        #expect(Set(events.map(\.subject.text)).count == 3)
    }

    @Test func eventBridgeTellsOfTheSameDeployment() throws {
        let events = try read("eventbridge.jsonl", .eventBridge).events.map(\.event)
        #expect(events.count == Set(events.map { "\($0.source) \($0.id)" }).count + 1)
        let types = Set(events.map(\.type))
        for type in [
            "aws.ecs.deployment-state-change.v0", "aws.ecs.hook-state-change.v0", "aws.ecs.service-action.v0",
            "aws.ecs.task-state-change.v0", "aws.cloudwatch.alarm-state-change.v0",
        ] {
            #expect(types.contains(type), "\(type)")
        }
    }

    @Test(arguments: [
        ("velero/harbor-sm-eu-1/backup-core.json", "harbor-sm-eu-1"),
        ("velero/harbor-sm-eu-1/backup-apps.yaml", "harbor-sm-eu-1"),
        ("velero/harbor-eks-eu-1/restore-core.yaml", "harbor-eks-eu-1"),
        ("velero/harbor-eks-eu-1/restore-apps.json", "harbor-eks-eu-1"),
    ])
    func veleroObjects(name: String, cluster: String) throws {
        let event = try #require(try read(name, .velero, cluster: cluster).events.first).event
        #expect(event.type == (name.contains("backup") ? "velero.backup.v1" : "velero.restore.v1"))
        #expect(event.data["status"]?["phase"] == "Completed")
    }

    @Test func kubernetesEvents() throws {
        let events = try read("k8s-events.json", .kubernetesEvents, cluster: "harbor-eks-eu-1").events
        #expect(events.count > 30)
        #expect(Set(events.map(\.event.id)).count == events.count)
    }

    @Test(arguments: ["harbor-sm-eu-1", "harbor-eks-eu-1"])
    func metricsOfThreeHours(cluster: String) throws {
        let collected = try read("metrics/\(cluster).prom.gz", .prometheus)
        #expect(collected.series.count > 100)
        for (name, samples) in collected.series {
            #expect(name.contains("cluster=\"\(cluster)\""))
            #expect(samples.count == 360, "\(name)")
        }
    }
}
