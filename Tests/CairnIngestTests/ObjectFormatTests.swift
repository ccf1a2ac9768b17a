import CairnBytes
import CairnIngest
import CairnModel
import CairnTestSupport
import Testing

@Suite struct ObjectFormatTests {
    @Test(arguments: [1, 11, 4096]) func veleroYAML(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("velero.yaml"), ImportOptions(format: .velero, cluster: "blue"), pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "velero-yaml.txt", in: #filePath)
        #expect(!collected.golden.contains("hunter2"))
        #expect(!collected.golden.contains("aHVudGVyMg"))
    }

    @Test(arguments: [1, 11, 4096]) func veleroJSON(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("velero.json"), ImportOptions(format: .velero), pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "velero-json.txt", in: #filePath)
    }

    @Test(arguments: [1, 11, 4096]) func kubernetesEvents(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("k8s-events.json"), ImportOptions(format: .kubernetesEvents, cluster: "green"),
            pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "k8s-events.txt", in: #filePath)
    }

    @Test(arguments: [1, 4096]) func kubernetesObjects(pieceBytes: Int) throws {
        let list = """
            {"kind": "List", "items": [
              {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "u1", "resourceVersion": "7",
                "creationTimestamp": "2026-03-01T00:00:00Z"},
               "status": {"conditions": [
                 {"type": "Ready", "status": "True", "lastHeartbeatTime": "2026-03-02T00:00:00Z"},
                 {"type": "DiskPressure", "status": "False", "lastTransitionTime": "2026-03-01T00:00:00Z"}]}},
              {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "bill", "namespace": "shop",
                "creationTimestamp": "2026-03-01T00:00:00Z"}, "spec": {"suspend": true}},
              {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"p": "aHVudGVyMg=="}}]}
            """
        let collected = try Collected(
            list, ImportOptions(format: .kubernetesObjects, cluster: "green"), pieceBytes: pieceBytes)
        let events = collected.events.map(\.event)
        #expect(events.map(\.type) == ["k8s.object.v1", "k8s.object.v1"])
        #expect(events.map(\.subject.text) == ["k8s/green/default/n1", "k8s/green/shop/bill"])
        #expect(events.map(\.time.description) == ["2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"])
        #expect(events.first?.id == "u1@7")
        #expect(collected.rejects.count == 1, "a Secret stays out")
        #expect(!collected.golden.contains("aHVudGVyMg"))
    }

    @Test func theSameObjectInJSONAndYAMLIsTheSameEvent() throws {
        let json =
            #"{"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"name":"a","#
            + #""creationTimestamp":"2026-03-03T01:00:00Z"},"status":{"warnings":3}}"#
        let yaml =
            "apiVersion: velero.io/v1\nkind: Backup\nmetadata:\n  name: a\n"
            + "  creationTimestamp: 2026-03-03T01:00:00Z\nstatus:\n  warnings: 3\n"
        let options = ImportOptions(format: .velero)
        let first = try #require(Collected(json, options).events.first?.event)
        let second = try #require(Collected(yaml, options).events.first?.event)
        let list = try #require(
            Collected("{\"kind\": \"List\", \"items\": [\n\(json)\n]}", options).events.first?.event)
        #expect(first == second)
        #expect(first == list)
    }

    /// A list that is longer than a record may be gives its objects all the same.
    @Test(arguments: ["BackupList", "List"], [1, 100, 1 << 16]) func longListsAreTakenApart(
        kind: String, pieceBytes: Int
    ) throws {
        var options = ImportOptions(format: .velero)
        options.limits.recordBytesMax = 500
        let own = kind == "List" ? #""apiVersion":"velero.io/v1","kind":"Backup","# : ""
        let items = (0..<20).map { number in
            let padding = number == 7 ? String(repeating: "x", count: 600) : ""
            return "{\(own)\n \"metadata\":{\"name\":\"b-\(number)\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\","
                + "\"items\":[1],\"x\":\"\(padding)\"}}"
        }
        let list =
            "{\"kind\":\"\(kind)\",\"apiVersion\":\"velero.io/v1\",\"items\": [\(items.joined(separator: ",\n"))],\n"
            + "\"metadata\":{\"resourceVersion\":\"5\"}}"
        let alone =
            #"{"apiVersion":"velero.io/v1","kind":"Restore","metadata":{"name":"last","#
            + #""creationTimestamp":"2026-01-01T00:00:00Z"}}"#
        for text in [list + alone, "[\(list),\(alone)]"] {
            let collected = try Collected(text, options, pieceBytes: pieceBytes)
            let names = collected.events.compactMap { $0.event.data["metadata"]?["name"]?.string }
            #expect(names == (0..<20).filter { $0 != 7 }.map { "b-\($0)" } + ["last"])
            #expect(collected.rejects.count == 1, "\(collected.rejects)")
            #expect(collected.events.last?.event.type == "velero.restore.v1")
            #expect(collected.events.first?.event.type == "velero.backup.v1")
        }
    }

    @Test func secretsAreDroppedWhereverTheyHide() throws {
        let secret = #"{"apiVersion":"v1","kind":"Secret","data":{"key":"aHVudGVyMg=="}}"#
        let inText = CanonicalJSON.string(of: ["manifest": .string(secret)])
        for data in [secret, "[\(secret)]", inText] {
            let event =
                #"{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-01-01T00:00:00Z","data":"# + data
                + "}"
            let collected = try Collected(event, ImportOptions(format: .events))
            #expect(collected.events.count == 1)
            #expect(collected.events.first?.notes.isEmpty == false)
            #expect(!collected.golden.contains("aHVudGVyMg"))
        }
    }

    /// A letter of the kind may be written as an escape, in JSON and in YAML.
    @Test(arguments: [
        (#"{"kind":"List","items":[{"kind":"\u0053ecret","data":{"key":"aHVudGVyMg=="}}]}"#, ImportFormat.velero),
        (
            #"{"apiVersion":"v1","kind":"Event","message":"{\"kind\":\"\\u0053ecret\",\"data\":"#
                + #"{\"k\":\"aHVudGVyMg==\"}}"}"#, .kubernetesEvents
        ),
        ("kind: \"\\x53ecret\"\ndata:\n  key: aHVudGVyMg==\n", .kubernetesEvents),
    ])
    func secretsWithEscapesAreDropped(text: String, format: ImportFormat) throws {
        var options = ImportOptions(format: format)
        options.defaultTime = Timestamp("2026-01-01T00:00:00Z")
        let collected = try Collected(text, options)
        #expect(collected.events.count + collected.rejects.count == 1)
        #expect(!collected.golden.contains("aHVudGVyMg"))
    }

    /// Where the items of a list are not found in its bytes, no item gets those of the others.
    @Test func anItemOfAListKeepsItsOwnBytes() throws {
        let list =
            #"{"kind":"List","\u0069tems":[{"kind":"Secret","data":{"key":"aHVudGVyMg=="}},"#
            + #"{"apiVersion":"v1","kind":"Event","count":9007199254740993,"metadata":{"uid":"u","resourceVersion":"1"},"#
            + #""lastTimestamp":"2026-01-01T00:00:00Z"}]}"#
        let watched =
            #"{"type":"ADDED","\u006fbject":{"apiVersion":"v1","kind":"Event","count":9007199254740993,"#
            + #""lastTimestamp":"2026-01-01T00:00:00Z"},"other":{"kind":"Secret","data":{"key":"aHVudGVyMg=="}}}"#
        for text in [list, watched] {
            let collected = try Collected(text, ImportOptions(format: .kubernetesEvents))
            #expect(collected.events.count == 1)
            #expect(!collected.golden.contains("aHVudGVyMg"), "\(collected.golden)")
        }
    }

    /// What cannot be read and may hold a Secret is not repeated among the rejects, wherever it was cut.
    @Test func brokenSecretsAreNotRepeated() throws {
        let secret = #"{"apiVersion":"v1","data":{"key":"aHVudGVyMg=="},"kind":"Secret"}"#
        let yaml = "apiVersion: v1\ndata:\n  key: aHVudGVyMg==\n  key: x\n"
        for cut in 1..<secret.utf8.count {
            let broken = try Collected(String(secret.prefix(cut)), ImportOptions(format: .velero))
            #expect(broken.rejects.count == 1)
            #expect(!broken.golden.contains("aHVudGVyMg=="))
        }
        let broken = try Collected(yaml, ImportOptions(format: .kubernetesEvents))
        #expect(broken.rejects.count == 1)
        #expect(!broken.golden.contains("aHVudGVyMg"))
    }

    /// The last version of a pod, and that it is gone, are two events, though the pod is the same in both.
    @Test func deletedObjectsAreKept() throws {
        let pod =
            #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"cart-1","namespace":"shop","uid":"u-1","#
            + #""resourceVersion":"7","creationTimestamp":"2026-01-01T00:00:00Z"},"status":{"phase":"Running"}}"#
        let text = ["MODIFIED", "DELETED"].map { "{\"type\":\"\($0)\",\"object\":\(pod)}" }.joined(separator: "\n")
        var options = ImportOptions(format: .kubernetesObjects)
        options.cluster = "eks"
        let events = try Collected(text, options).events.map(\.event)
        #expect(events.map(\.type) == ["k8s.object.v1", "k8s.object-deleted.v1"])
        #expect(events.map(\.id) == ["u-1@7", "u-1@7/deleted"])
        #expect(events[0].data == events[1].data && events[0].subject == events[1].subject)
    }
}
