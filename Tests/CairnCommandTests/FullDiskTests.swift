import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// A real file system of 16 MiB that fills up, and has room again later.
@Suite struct FullDiskTests {
    /// A tmpfs of its own, unmounted when the test is done.
    private final class SmallDisk {
        let folder: TemporaryFolder
        let path: String

        /// Nil where this process may not mount, or the system has no tmpfs.
        init?() throws {
            folder = try TemporaryFolder("cairn-small-disk")
            path = folder.file("disk")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            guard FileManager.default.isExecutableFile(atPath: "/bin/mount") else { return nil }
            let mounted = try Program(path: "/bin/mount").run(["-t", "tmpfs", "-o", "size=16m", "cairn-test", path])
            guard mounted.status == 0 else { return nil }
        }

        deinit { _ = try? Program(path: "/bin/umount").run(["-l", path]) }

        /// Takes space until there is none.
        func fill(_ name: String, leaving bytes: Int) throws {
            let free = try #require(
                try FileManager.default.attributesOfFileSystem(forPath: path)[.systemFreeSize] as? Int)
            let file = "\(path)/\(name)"
            _ = FileManager.default.createFile(atPath: file, contents: Data(count: max(0, free - bytes)))
        }

        func free(_ name: String) throws { try FileManager.default.removeItem(atPath: "\(path)/\(name)") }
    }

    private func smallDisk() throws -> SmallDisk? {
        let disk = try SmallDisk()
        if disk == nil { print("skipped: no tmpfs (mounting one needs root on Linux)") }
        return disk
    }

    /// Lines of about 100 KB that hardly compress.
    private func lines(_ count: Int, prefix: String, _ random: inout SeededRandom) -> String {
        (0..<count).map { number in
            let filler = Base64.string(random.bytes(count: 75_000))
            return
                #"{"type":"test.bulk.v1","stream":"bulk/a","id":"\#(prefix)-\#(number)","data":{"filler":"\#(filler)"}}"#
        }.joined(separator: "\n") + "\n"
    }

    private func expectFull(_ result: Program.Result, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(result.status == 74, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.contains("cannot"), "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.errors.contains("space"), "\(result.errors)", sourceLocation: sourceLocation)
    }

    @Test func recordingStopsAndGoesOn() throws {
        guard let disk = try smallDisk() else { return }
        var random = SeededRandom(seed: 16)
        let ledger = try ScratchLedger(at: "\(disk.path)/ledger")
        try disk.fill("ballast", leaving: 12 << 20)
        // More than there is room for: about 20 MB.
        let result = try ledger.run(["record", "-"], input: lines(200, prefix: "first", &random))
        expectFull(result)
        let answers = try result.output.split(separator: "\n").map { try JSONParser.parse(String($0)).value }
        let positions = answers.compactMap { $0["position"]?.integer }
        #expect(positions == Array(0..<Int64(positions.count)))
        #expect(positions.count > 20, "only \(positions.count) events fitted")
        #expect(positions.count < 200)
        try ledger.expectIntact("while full", mayBeTorn: true)
        // Whatever is tried while it is full is refused and breaks nothing.
        for attempt in 0..<3 {
            expectFull(try ledger.run(["record", "-"], input: lines(1, prefix: "full-\(attempt)", &random)))
        }
        try ledger.expectIntact("after being refused", mayBeTorn: true)

        try disk.free("ballast")
        let after = try ledger.run(["record", "-"], input: lines(10, prefix: "second", &random))
        #expect(after.status == 0, "\(after.errors)")
        let more = try after.output.split(separator: "\n").map { try JSONParser.parse(String($0)).value }
        #expect(more.compactMap { $0["position"]?.integer }.first == Int64(positions.count))
        try ledger.expectIntact("after there was room again")
        let events = try ledger.events()
        #expect(events.count == positions.count + 10)
        for (index, event) in events.prefix(positions.count).enumerated() {
            #expect(event["id"]?.string == "first-\(index)")
            #expect(event["data"]?["filler"]?.string?.utf8.count == 100_000)
        }
    }

    @Test func importingStopsAndGoesOn() throws {
        guard let disk = try smallDisk() else { return }
        let ledger = try ScratchLedger(at: "\(disk.path)/ledger")
        let data = "\(ScratchLedger.top)/tools/demo-data/data"
        try disk.fill("ballast", leaving: 16 << 10)
        expectFull(try ledger.run(["import", "prometheus", "\(data)/metrics"]))
        expectFull(
            try ledger.run([
                "import", "flow-logs", "\(data)/flow-logs/harbor-sm-eu-1", "--cluster", "harbor-sm-eu-1",
            ]))
        let again = try ledger.run(["import", "events", "\(data)/events.jsonl"])
        #expect(again.status == 74 || again.status == 0, "\(again.errors)")
        try ledger.expectIntact("while full", mayBeTorn: true)

        try disk.free("ballast")
        try ledger.succeed(["import", "prometheus", "\(data)/metrics"])
        try ledger.succeed(["import", "events", "\(data)/events.jsonl"])
        for cluster in ["harbor-sm-eu-1", "harbor-eks-eu-1"] {
            try ledger.succeed(["import", "flow-logs", "\(data)/flow-logs/\(cluster)", "--cluster", cluster])
        }
        try ledger.expectIntact("after there was room again")
        let samples = try ledger.rows(["query", "SELECT count(*) AS n FROM series"])
        #expect((samples.first?["n"]?.integer ?? 0) > 100)
        let drops = try ledger.rows(["drops"], statuses: [1])
        #expect(drops.first?["peer"]?.string == "203.0.113.88")
    }

    /// The read model lies on the same disk: questions are answered, if need be from memory, and the log is not touched.
    @Test func askingOnAFullDisk() throws {
        guard let disk = try smallDisk() else { return }
        let ledger = try ScratchLedger(at: "\(disk.path)/ledger")
        try ledger.succeed(["import", "events", "\(ScratchLedger.top)/tools/demo-data/data/events.jsonl"])
        try disk.fill("ballast", leaving: 0)
        let status = try ledger.run(["status", "-o", "json"])
        #expect(status.status == 0 || status.status == 74, "\(status.errors)")
        if status.status == 0 { #expect(status.output.contains("harbor-eu-1")) }
        let replay = try ledger.run(["replay", "-o", "json"])
        #expect(replay.status == 0, "\(replay.errors)")
        try disk.free("ballast")
        #expect(try ledger.succeed(["status", "-o", "json"]).contains("harbor-eu-1"))
        try ledger.expectIntact()
    }
}
