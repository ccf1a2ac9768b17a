import CairnBytes
import CairnFlowLogs
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnTestSupport
import Foundation
import Testing

/// Flow logs on their way into the log and the read model, from files on the disk.
@Suite struct FlowLogsImportTests {
    private static let header =
        "interface-id subnet-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
        + "tcp-flags flow-direction"

    private static func ledger(_ folder: TemporaryFolder, _ name: String) throws -> Ledger {
        try Ledger.create(
            at: folder.file(name), origin: "test.example/ledger", keyFile: folder.file("\(name).key"),
            environment: .live(command: "test"))
    }

    private static func write(_ bytes: [UInt8], _ path: String) throws {
        let file = try RealDisk().open(path, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        defer { file.close() }
        try file.truncate(to: 0)
        try file.writeAll(bytes, at: 0)
    }

    private static func run(
        _ ledger: Ledger, _ folder: TemporaryFolder, _ paths: [String], cluster: String? = "eks", threads: Int = 2
    ) throws -> ImportSummary {
        try Importer(
            ledger: ledger, ledgerPath: folder.file("ledger"), disk: RealDisk(), clock: SystemClock(), threads: threads
        ).run(
            ImportRequest(
                format: .flowLogs, paths: paths, cluster: cluster, actor: Actor(id: "test@host", type: "local")))
    }

    /// Both directions of connections of which some are answered in another window, or never; in as many files as said,
    /// record by record at random.
    private static func files(_ count: Int, _ random: inout SeededRandom) -> [[UInt8]] {
        var lines: [String] = []
        for port in 0..<120 {
            let own = "10.0.0.\(1 + port % 3)"
            let place = "eni-\(port % 3) subnet-1"
            let start = 600 + Int.random(in: 0..<600, using: &random)
            let later = start + Int.random(in: 0...90, using: &random)
            let peer = "203.0.113.\(port % 5)"
            lines.append(
                "\(place) \(own) \(peer) \(40_000 + port) 443 6 3 180 \(start) \(start + 20) ACCEPT OK 2 egress")
            if Int.random(in: 0..<3, using: &random) > 0 {
                lines.append(
                    "\(place) \(peer) \(own) 443 \(40_000 + port) 6 2 120 \(later) \(later + 20) ACCEPT OK 18 ingress")
            }
        }
        var parts = [[String]](repeating: [header], count: count)
        for line in lines { parts[Int.random(in: 0..<count, using: &random)].append(line) }
        return parts.enumerated().map { index, part in
            let text = Array((part.joined(separator: "\n") + "\n").utf8)
            return index % 2 == 0 ? text : Deflate.compress(text, container: .gzip)
        }
    }

    private static let questions = [
        "SELECT * FROM flow_counters ORDER BY cluster, minute, interface, direction, peer, peer_port",
        "SELECT connection, start_s, end_s, minute, attempts FROM flow_residues ORDER BY 1, 2, 3, 4",
        "SELECT * FROM flow_answers", "SELECT * FROM flow_watermarks",
        "SELECT cluster, interface, subnet, first_s, last_s FROM flow_places ORDER BY 1, 2, 3",
    ]

    private static func permutations<Element>(_ list: [Element]) -> [[Element]] {
        guard let first = list.first else { return [[]] }
        return permutations(Array(list.dropFirst())).flatMap { rest in
            (0...rest.count).map { place in Array(rest[..<place]) + [first] + Array(rest[place...]) }
        }
    }

    @Test func foldersNameTheClustersWhereNothingElseDoes() throws {
        var random = SeededRandom(seed: 4)
        let folder = try TemporaryFolder()
        let places = [
            "in/eks/2026/03/10/a.log", "in/old/AWSLogs/123456789010/vpcflowlogs/eu-central-1/b.log",
            "in/AWSLogs/123456789010/vpcflowlogs/eu-central-1/c.log", "in/2026/d.log", "in/e.log",
        ]
        for (place, bytes) in zip(places, FlowLogsImportTests.files(places.count, &random)) {
            let path = folder.file(place)
            try FileManager.default.createDirectory(
                atPath: String(path[..<path.lastIndex(of: "/")!]), withIntermediateDirectories: true)
            try FlowLogsImportTests.write(bytes, path)
        }
        let ledger = try FlowLogsImportTests.ledger(folder, "ledger")
        let summary = try FlowLogsImportTests.run(ledger, folder, [folder.file("in")], cluster: nil)
        #expect(summary.clusters == ["eks", "old", "unassigned"])
        var told: [String: String] = [:]
        try ledger.forEach(from: 0) { event in
            guard event.type == "cairn.flows.counted.v1", let file = event.data["file"]?.string else { return }
            told[String(file.dropFirst(folder.file("in/").count))] = event.data["cluster"]?.string
        }
        #expect(
            told == [
                "eks/2026/03/10/a.log": "eks", "old/AWSLogs/123456789010/vpcflowlogs/eu-central-1/b.log": "old",
                "AWSLogs/123456789010/vpcflowlogs/eu-central-1/c.log": "unassigned", "2026/d.log": "unassigned",
                "e.log": "unassigned",
            ])
        // The same bytes with the same cluster, said in another way, are the same import.
        let again = try FlowLogsImportTests.run(ledger, folder, [folder.file("in/eks")], cluster: "eks")
        #expect(again.knownFiles == 1 && again.accepted == 0)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func anyOrderOfTheFilesGivesTheSameTables(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let folder = try TemporaryFolder()
        let paths = try FlowLogsImportTests.files(4, &random).enumerated().map { index, bytes in
            let path = folder.file("\(index).log\(index % 2 == 0 ? "" : ".gz")")
            try FlowLogsImportTests.write(bytes, path)
            return path
        }
        var expected: [QueryResult] = []
        for (number, order) in FlowLogsImportTests.permutations(paths).enumerated() {
            let ledger = try FlowLogsImportTests.ledger(folder, "ledger-\(number)")
            let model = try ReadModel.inMemory()
            // One by one: a late file finds tables that were already made.
            for path in order {
                #expect(try FlowLogsImportTests.run(ledger, folder, [path]).knownFiles == 0)
                try model.catchUp(from: ledger)
            }
            let found = try FlowLogsImportTests.questions.map { try model.query($0) }
            if expected.isEmpty { expected = found }
            #expect(found == expected, "seed \(seed), order \(order)")
        }
        let unanswered = try #require(expected[0].columns.firstIndex(of: "unanswered"))
        #expect(expected[0].rows.contains { $0[unanswered].integer ?? 0 > 0 })
    }

    /// The log depends neither on how many threads read nor on which was faster.
    @Test func threadsDoNotShowInTheLog() throws {
        var random = SeededRandom(seed: 9)
        let folder = try TemporaryFolder()
        for (index, bytes) in FlowLogsImportTests.files(40, &random).enumerated() {
            try FlowLogsImportTests.write(
                bytes, folder.file("logs-\(10 + index).log\(index % 2 == 0 ? "" : ".gz")"))
        }
        let names = try RealDisk().list(folder.file("")).filter { $0.hasPrefix("logs-") }.map { folder.file($0) }
        var logs: [[String]] = []
        for threads in [1, 2, 7] {
            let ledger = try FlowLogsImportTests.ledger(folder, "ledger-\(threads)")
            let summary = try FlowLogsImportTests.run(ledger, folder, names.shuffled(using: &random), threads: threads)
            #expect(summary.files == 40 && summary.knownFiles == 0 && summary.failures.isEmpty)
            var events: [String] = []
            try ledger.forEach(from: 0) { events.append("\($0.id) \(CanonicalJSON.string(of: $0.data))") }
            logs.append(events)
            // Again, it costs a read and adds nothing.
            let size = ledger.size
            #expect(try FlowLogsImportTests.run(ledger, folder, names, threads: threads).knownFiles == 40)
            #expect(ledger.size == size)
        }
        #expect(logs[0].count == 40)
        #expect(logs.allSatisfy { $0 == logs[0] })
    }

    /// Bad lines and damaged files are named; the rest goes on, and the same bytes under two names count once.
    @Test func faultsOfOneFileAreItsOwn() throws {
        var random = SeededRandom(seed: 10)
        let folder = try TemporaryFolder()
        let files = FlowLogsImportTests.files(2, &random)
        try FlowLogsImportTests.write(files[0], folder.file("a.log"))
        try FlowLogsImportTests.write(files[0], folder.file("b.log"))
        try FlowLogsImportTests.write(files[0] + Array("no record\n".utf8), folder.file("c.log"))
        try FlowLogsImportTests.write(Array(files[1].dropLast(9)), folder.file("d.log.gz"))
        try FlowLogsImportTests.write(Array("PAR1".utf8), folder.file("e.parquet"))
        // A stream of its own for each half: gzip files may be put one after the other.
        let half = files[0].count / 2
        let members =
            Deflate.compress(Array(files[0][..<half]), container: .gzip)
            + Deflate.compress(Array(files[0][half...]), container: .gzip)
        try FlowLogsImportTests.write(members, folder.file("f.log.gz"))
        let ledger = try FlowLogsImportTests.ledger(folder, "ledger")
        let names = ["a.log", "b.log", "c.log", "d.log.gz", "e.parquet", "f.log.gz"].map { folder.file($0) }
        let summary = try FlowLogsImportTests.run(ledger, folder, names)
        #expect(summary.files == 6 && summary.knownFiles == 1)
        #expect(summary.rejected >= 1)
        #expect(summary.firstRejects.contains { $0.contains("c.log") })
        #expect(summary.failures.count == 2)
        #expect(summary.failures.contains { $0.contains("d.log.gz") })
        #expect(summary.failures.contains { $0.contains("Parquet") })
        #expect(ledger.size == 3)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        let records = try model.query("SELECT file, records FROM flow_files ORDER BY file").rows.map { $0[1].integer }
        #expect(Set(records).count == 1)
    }
}
