import CairnBytes
import CairnFlowLogs
import CairnTestSupport
import Foundation
import Testing

/// Groups texts, each a file of the named cluster.
func aggregate(
    _ files: [(cluster: String, text: String)], by columns: String, where condition: String? = nil, workers: Int = 2
) throws -> FlowAggregationResult {
    let query = try FlowQuery(by: columns, where: condition)
    let inputs = files.enumerated().map { index, file in
        FlowFileInput(name: "file\(index)", cluster: file.cluster) { take in
            let bytes = Array(file.text.utf8)
            for start in stride(from: 0, to: bytes.count, by: 1000) {
                try take(Array(bytes[start..<min(bytes.count, start + 1000)]))
            }
        }
    }
    return FlowAggregation.run(query, over: inputs, workers: workers)
}

func table(_ result: FlowAggregationResult, top: Int? = nil) -> [String] {
    result.rows.values(top: top).map { row in
        let sums = row.sums
        return (row.key + [sums.flows, sums.rejects, sums.synOnly, sums.packets, sums.bytes].map(String.init))
            .joined(separator: " ")
    }
}

@Suite("Aggregating flows") struct FlowAggregationTests {
    private let old = [
        v5Header, v5("10.0.0.1|40000", "203.0.113.9|443", flags: 2, packets: 3, at: 59, egress: true),
        v5("10.0.0.1|40001", "203.0.113.9|443", flags: 3, packets: 5, at: 60, egress: true),
        v5("203.0.113.9|443", "10.0.0.1|40001", flags: 19, packets: 4, at: 60, egress: false),
        v5("2001:db8::7|50000", "10.0.0.1|8080", flags: 2, packets: 1, at: 61, action: "REJECT", egress: false),
        "eni-1 subnet-1 az1 - - - - - - - 60 119 - NODATA - -",
    ].joined(separator: "\n")
    private let new = "\(v2Header)\n" + v2("10.1.0.1|40000", "203.0.113.9|443", packets: 2, bytes: 90, at: 60)

    private func both(_ columns: String, _ condition: String? = nil) throws -> [String] {
        table(try aggregate([("old", old), ("new", new)], by: columns, where: condition))
    }

    @Test func groupsByAnything() throws {
        #expect(try both("cluster") == ["new 1 0 0 2 90", "old 4 1 2 13 780"])
        #expect(
            try both("cluster,minute") == ["new 1 1 0 0 2 90", "old 0 1 0 1 3 180", "old 1 3 1 1 10 600"])
        #expect(
            try both("dstaddr dstport")
                == [
                    "10.0.0.1 8080 1 1 1 1 60", "10.0.0.1 40001 1 0 0 4 240", "203.0.113.9 443 3 0 1 10 570",
                ])
        #expect(try both("srcaddr", "srcport = 50000") == ["2001:db8::7 1 1 1 1 60"])
        // A field that one of the files lacks is missing there.
        #expect(try both("subnet_id,tcp-flags").first == "- - 1 0 0 2 90")
        #expect(try both("log-status") == ["NODATA 1 0 0 0 0", "OK 5 1 2 15 870"])
        #expect(try both("version") == ["- 4 1 2 13 780", "2 1 0 0 2 90"])
    }

    @Test func topHasTheMostFlows() throws {
        let result = try aggregate([("old", old), ("new", new)], by: "dstport")
        #expect(table(result, top: 2) == ["443 3 0 1 10 570", "8080 1 1 1 1 60"])
        #expect(table(result, top: 0).isEmpty)
    }

    @Test(arguments: [
        ("action = REJECT", 1), ("action != REJECT", 4), ("action = ACCEPT and dstport in (443, 8443)", 3),
        ("not (dstport = 443 or dstport = 8080)", 1), ("dstport not in (443,8080)", 1), ("dstaddr = 203.0.113.0/24", 3),
        ("srcaddr in (10.0.0.0/8, 2001:db8::/32)", 4), ("bytes >= 240 AND minute = 1", 2), ("start < 60", 1),
        ("start >= 1970-01-01T00:01:00Z", 4), ("subnet-id = -", 1), ("subnet-id != -", 4), ("tcp-flags < 3", 2),
        ("cluster = 'old'", 4), ("cluster = \"new\" or cluster = none", 1), ("flow-direction = egress", 2),
        ("action=REJECT or action=ACCEPT and minute=0", 2), ("packets <> 5", 4), ("dstport == 8080", 1),
        ("protocol = 6", 5), ("version <= 2", 1),
    ]) func conditions(_ pair: (String, UInt64)) throws {
        let result = try aggregate([("old", old), ("new", new)], by: "protocol", where: pair.0)
        #expect(result.rows.values().reduce(0) { $0 + $1.sums.flows } == pair.1, "\(pair.0)")
    }

    @Test(arguments: [
        "", "action", "action =", "action = REJECT and", "planet = 1", "dstport = https", "srcaddr = 10.0.0.0/40",
        "action < REJECT", "(action = REJECT", "action = REJECT)", "dstport in ()", "dstport in (1", "action = 'REJECT",
        "not", "dstport not 5", "a=b=c", "minute ! 5", String(repeating: "(", count: 1000),
        String(repeating: "not ", count: 1000),
    ]) func badConditions(_ text: String) throws {
        #expect(throws: FlowQueryError.self) { try FlowFilter(text) }
    }

    @Test func badColumns() throws {
        for text in ["", "planet", "action,action", "srcaddr,src_addr"] {
            #expect(throws: FlowQueryError.self, "\(text)") { try FlowQuery(by: text) }
        }
    }

    @Test func badLinesAndFilesAreSetAside() throws {
        let packed = Deflate.compress(Array(old.utf8), container: .gzip)
        let query = try FlowQuery(by: "action")
        let inputs = [
            FlowFileInput(name: "bad-lines", cluster: "a") { take in
                try take(Array((v2Header + "\nnonsense\n" + v2Line).utf8))
            },
            FlowFileInput(name: "cut", cluster: "a") { take in try take(Array(packed[..<(packed.count - 9)])) },
            FlowFileInput(name: "unreadable", cluster: "a") { _ in throw CancellationError() },
        ]
        let result = FlowAggregation.run(query, over: inputs, workers: 3)
        #expect(result.rejects.map(\.file).first == "bad-lines")
        #expect(result.rejects.first?.reject.line == 2)
        #expect(result.failures.map(\.file) == ["cut", "unreadable"])
        #expect(table(result).contains { $0.hasPrefix("ACCEPT") })
    }

    private func randomFiles(seed: UInt64) -> [(cluster: String, text: String)] {
        var random = SeededRandom(seed: seed)
        func pick<T>(_ values: [T]) -> T { values[Int(random.next() % UInt64(values.count))] }
        return (0..<6).map { file in
            var lines = [v5Header]
            for _ in 0..<200 {
                let own = "10.0.0.\(1 + random.next() % 4)|\(pick([40_000, 40_001, 40_002]))"
                let peer = "203.0.113.\(1 + random.next() % 5)|\(pick([443, 8443]))"
                let isEgress = random.next() % 2 == 0
                lines.append(
                    v5(
                        isEgress ? own : peer, isEgress ? peer : own, flags: pick([2, 3, 18, 19]),
                        packets: Int(random.next() % 50), at: Int(random.next() % 300),
                        action: pick(["ACCEPT", "ACCEPT", "REJECT"]), egress: isEgress))
            }
            return (pick(["eks", "self-managed"]), lines.joined(separator: "\n"))
        }
    }

    @Test func workersDoNotMatter() throws {
        let files = randomFiles(seed: 3)
        let expected = table(try aggregate(files, by: "cluster,minute,srcaddr,dstport", workers: 1))
        for workers in [2, 3, 16] {
            #expect(
                table(try aggregate(files, by: "cluster,minute,srcaddr,dstport", workers: workers)) == expected)
        }
    }

    /// The same rows from Python's csv and gzip modules, which share no line with this code.
    @Test(arguments: [7, 8] as [UInt64]) func pythonAgrees(seed: UInt64) throws {
        let script = """
            import collections, csv, gzip, ipaddress, sys
            sums = collections.defaultdict(lambda: [0] * 5)
            for argument in sys.argv[1:]:
                cluster, path = argument.split("=", 1)
                with gzip.open(path, "rt", newline="") as text:
                    for row in csv.DictReader(text, delimiter=" "):
                        if row["log-status"] != "OK" or row["action"] == "ACCEPT" and row["dstport"] == "443":
                            continue
                        key = (cluster, int(row["start"]) // 60, ipaddress.ip_address(row["dstaddr"]), int(row["dstport"]))
                        sum = sums[key]
                        sum[0] += 1
                        sum[1] += row["action"] == "REJECT"
                        sum[2] += row["tcp-flags"] == "2"
                        sum[3] += int(row["packets"])
                        sum[4] += int(row["bytes"])
            for key in sorted(sums):
                print(*key, *sums[key])
            """
        let folder = try TemporaryFolder()
        let files = randomFiles(seed: seed)
        var arguments = ["-c", script]
        for (index, file) in files.enumerated() {
            let path = folder.file("\(index).gz")
            try Data(Deflate.compress(Array(file.text.utf8), container: .gzip)).write(to: URL(filePath: path))
            arguments.append("\(file.cluster)=\(path)")
        }
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = ["python3"] + arguments
        let pipe = Pipe()
        python.standardOutput = pipe
        do {
            try python.run()
        } catch {
            print("skipped: no python3")
            return
        }
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        python.waitUntilExit()
        if python.terminationStatus == 127 {
            print("skipped: no python3")
            return
        }
        let result = try aggregate(
            files, by: "cluster,minute,dstaddr,dstport", where: "not (action = ACCEPT and dstport = 443)")
        #expect(table(result) == output.split(separator: "\n").map(String.init), "seed \(seed)")
        #expect(result.rows.count > 50)
    }
}
