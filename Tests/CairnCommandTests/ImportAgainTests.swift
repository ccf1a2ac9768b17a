import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Importing: nothing twice, nothing lost, every field as it came.
@Suite struct ImportAgainTests {
    static let data = "\(ScratchLedger.top)/tools/demo-data/data"

    @Test func theSameFilesAddNothing() throws {
        let copy = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let before = try copy.eventCount()
        let folder = "\(ScratchLedger.top)/tools/demo-data"
        for arguments in [
            ["events", "data/events.jsonl"], ["eventbridge", "data/eventbridge.jsonl"],
            ["velero", "data/velero/harbor-sm-eu-1", "--cluster", "harbor-sm-eu-1"],
            ["k8s-events", "data/k8s-events.json", "--cluster", "harbor-eks-eu-1"], ["prometheus", "data/metrics"],
            ["flow-logs", "data/flow-logs/harbor-eks-eu-1", "--cluster", "harbor-eks-eu-1"],
        ] {
            let summary = try #require(try copy.rows(["import"] + arguments, in: folder).first)
            #expect(summary["known_files"] == summary["files"], "\(arguments)")
            #expect(summary["accepted"]?.integer == 0, "\(arguments)")
            #expect(try copy.eventCount() == before, "\(arguments) added events")
        }
        try copy.succeed(["import", "events", "data/events.jsonl", "--analyze"], in: folder)
        #expect(try copy.eventCount() == before, "judging the same evidence again added events")
        try copy.expectIntact()
    }

    /// The same records in another file, compressed, and half of them in a file of their own.
    @Test func theSameRecordsInOtherFilesAddNoRecord() throws {
        let ledger = try ScratchLedger()
        try ledger.succeed(["import", "events", "\(ImportAgainTests.data)/events.jsonl"])
        let before = try observed(ledger)
        let text = try String(contentsOfFile: "\(ImportAgainTests.data)/events.jsonl", encoding: .utf8)
        let lines = text.split(separator: "\n")
        let half = ledger.folder.file("half.jsonl")
        try (lines.prefix(lines.count / 2).joined(separator: "\n") + "\n").write(
            toFile: half, atomically: true, encoding: .utf8)
        let summary = try #require(try ledger.rows(["import", "events", half]).first)
        #expect(summary["accepted"]?.integer == 0)
        #expect(summary["duplicates"]?.integer == Int64(lines.count / 2))
        #expect(try observed(ledger) == before)
        try ledger.expectIntact()
    }

    private func observed(_ ledger: ScratchLedger) throws -> [String] {
        try ledger.events().filter { $0["type"]?.string?.hasPrefix("observed.") == true }.compactMap {
            $0["id"]?.string
        }
    }

    /// `replay -o json` has the data of every record exactly as the file had it.
    @Test func replayGivesBackEveryField() throws {
        let events = try DemoLedger.shipped().ledger.events()
        var left: [JSONValue: Int] = [:]
        for event in events { left[event["data"] ?? .null, default: 0] += 1 }
        var missing: [JSONValue] = []
        let cloudEvents = try lines("events.jsonl")
        let byID = Dictionary(events.map { ($0["id"]?.string ?? "", $0) }) { first, _ in first }
        for line in cloudEvents {
            let id = try #require(line["id"]?.string)
            let event = try #require(byID[id], "\(id) is not in the log")
            for (name, key) in [
                ("data", "data"), ("type", "type"), ("source", "source"), ("subject", "stream"),
                ("onbehalfof", "on_behalf_of"), ("correlationid", "correlation_id"), ("traceparent", "traceparent"),
            ] where line[name] != nil {
                #expect(event[key] == line[name], "\(id): \(name)")
            }
            #expect(event["time"] == line["time"] || event["time_text"] == line["time"], "\(id): time")
            for (name, value) in line.object.map({ $0.map { ($0.name, $0.value) } }) ?? []
            where !ImportAgainTests.known.contains(name) {
                #expect(event["extensions"]?[name] == value, "\(id): the extension \(name)")
            }
        }
        // Foreign records are kept whole: every object of the files is the data of an event.
        var objects = try lines("eventbridge.jsonl") + kubernetesEvents()
        objects += try veleroObjects()
        #expect(objects.count == 34 + 45 + 4)
        for object in objects where left[object] == nil { missing.append(object) }
        #expect(
            missing.isEmpty,
            "\(missing.count) of \(objects.count) objects, such as \(String(describing: missing.first))")
    }

    private static let known: Set<String> = [
        "id", "specversion", "source", "type", "subject", "time", "data", "onbehalfof", "correlationid", "causationid",
        "traceparent",
    ]

    private func lines(_ file: String) throws -> [JSONValue] {
        try String(contentsOfFile: "\(ImportAgainTests.data)/\(file)", encoding: .utf8).split(separator: "\n").map {
            try JSONParser.parse(String($0)).value
        }
    }

    private func kubernetesEvents() throws -> [JSONValue] {
        let text = try String(contentsOfFile: "\(ImportAgainTests.data)/k8s-events.json", encoding: .utf8)
        return try #require(try JSONParser.parse(text).value["items"]?.array)
    }

    /// The objects as the generator made them, before two of them became YAML.
    private func veleroObjects() throws -> [JSONValue] {
        let script = """
            import json, sys
            sys.path.insert(0, sys.argv[1])
            import kubernetes
            print(json.dumps(list(kubernetes.velero().values())))
            """
        let made = try Program(path: "/usr/bin/env").run(
            ["python3", "-c", script, "\(ScratchLedger.top)/tools/demo-data"])
        return try #require(try JSONParser.parse(made.output).value.array)
    }

    /// A record that cannot be used is named, counted and set aside; the rest goes on.
    @Test func badRecordsAreSetAside() throws {
        let ledger = try ScratchLedger()
        let file = ledger.folder.file("mixed.jsonl")
        let good =
            #"{"specversion":"1.0","id":"ID","source":"/test","type":"test.thing.v1","subject":"thing/a","time":"2026-03-10T10:00:00Z","data":{"n":1}}"#
        let lines = [
            good.replacing("ID", with: "1"), "not json", good.replacing("ID", with: "2"), "{\"id\":",
            good.replacing("ID", with: "3"),
        ]
        try lines.joined(separator: "\n").write(toFile: file, atomically: true, encoding: .utf8)
        let result = try ledger.run(["import", "events", file, "-o", "json"])
        #expect(result.status == 0, "\(result.errors)")
        let summary = try #require(try JSONParser.parse(result.output).value[0])
        #expect(summary["accepted"]?.integer == 3)
        #expect(summary["rejected"]?.integer == 2)
        #expect(result.errors.contains("\(file):2"), "\(result.errors)")
        #expect(result.errors.contains("starts at line 4"), "\(result.errors)")
        let rejects = try FileManager.default.contentsOfDirectory(atPath: "\(ledger.path)/rejects")
        #expect(rejects.count == 1)
        let kept = try String(contentsOfFile: "\(ledger.path)/rejects/\(rejects[0])", encoding: .utf8)
        #expect(kept.split(separator: "\n").count == 2)
        #expect(kept.contains("not json"))
        let strict = try ledger.run(["import", "events", file, "--strict", "--label", "again=1"])
        #expect(strict.status == 65)
        try ledger.expectIntact()
    }
}
