import CairnBytes
import CairnFlowLogs
import CairnTestSupport
import Testing

/// Counts a text as one file.
func count(
    _ text: String, _ assignment: ClusterAssignment = .one("eks"), format: FlowLogFormat? = nil, batch: Int = 1 << 18
) throws -> FlowFileSummary {
    var reader = FlowLogReader(sink: FlowFileCounter(assignment, batchRecordsMax: batch), format: format)
    try reader.push(Array(text.utf8))
    try reader.finish()
    #expect(reader.rejects.isEmpty)
    return reader.sink.finish()
}

let v5Header =
    "interface-id subnet-id az-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
    + "tcp-flags flow-direction"

/// One record of the format `v5Header`.
func v5(
    _ source: String, _ destination: String, flags: Int, packets: Int = 5, at start: Int = 600, for seconds: Int = 10,
    action: String = "ACCEPT", egress: Bool, interface: String = "eni-1"
) -> String {
    let from = source.split(separator: "|")
    let to = destination.split(separator: "|")
    return "\(interface) subnet-1 az1 \(from[0]) \(to[0]) \(from[1]) \(to[1]) 6 \(packets) \(packets * 60) \(start) "
        + "\(start + seconds) \(action) OK \(flags) \(egress ? "egress" : "ingress")"
}

func v2(
    _ source: String, _ destination: String, packets: Int, bytes: Int, at start: Int = 600, action: String = "ACCEPT"
)
    -> String
{
    let from = source.split(separator: "|")
    let to = destination.split(separator: "|")
    return "2 1 eni-1 \(from[0]) \(to[0]) \(from[1]) \(to[1]) 6 \(packets) \(bytes) \(start) \(start + 10) \(action) OK"
}

@Suite("Counting flows") struct FlowFileCounterTests {
    private let own = "10.0.0.1|40000"
    private let peer = "203.0.113.9|443"

    private func all(_ source: MemoryFlowSource, _ cluster: String = "eks") -> [FlowCounter] {
        var counters: [FlowCounter] = []
        source.forEachFlowCounter(of: [cluster], in: 0..<Int64.max) { counters.append($0) }
        return counters.sorted { $0.key < $1.key }
    }

    @Test func aServerKeepsItsAddressAndPort() throws {
        let summary = try count(
            [
                v5Header, v5(own, peer, flags: 3, egress: true), v5(peer, own, flags: 19, packets: 4, egress: false),
                v5("10.0.0.1|40001", peer, flags: 3, egress: true),
            ].joined(separator: "\n"))
        let counters = summary.counters
        #expect(counters.count == 2)
        #expect(counters.map(\.key.direction) == [.ingress, .egress])
        #expect(counters.allSatisfy { $0.key.peer.description == "203.0.113.9" && $0.key.peerPort == 443 })
        #expect(counters.allSatisfy { $0.key.role == .server && $0.key.minute == 10 })
        #expect(counters.map(\.counts.flows) == [1, 2])
        #expect(counters.map(\.counts.packets) == [4, 10])
        #expect(counters[0].key.place.interface == "eni-1" && counters[0].key.place.zone == "az1")
        #expect(summary.asks.isEmpty)
    }

    @Test func clientsFoldToABlock() throws {
        let lines = (1...50).map {
            v5("198.51.100.\($0)|\(20_000 + $0)", "10.0.0.1|8080", flags: 3, egress: false)
        }
        let v6 = v5("2001:db8:1:2::5|5000", "fd00::1|8080", flags: 3, egress: false)
        let summary = try count(([v5Header] + lines + [v6]).joined(separator: "\n"))
        #expect(summary.counters.map(\.key.peer.description) == ["198.51.100.0/24", "2001:db8:1::/48"])
        #expect(summary.counters.allSatisfy { $0.key.role == .client && $0.key.peerPort == 8080 })
        #expect(summary.counters.map(\.counts.flows) == [50, 1])
    }

    @Test func anAttemptWithoutAnAnswerIsUnanswered() throws {
        let alone = try count("\(v5Header)\n\(v5(own, peer, flags: 2, packets: 3, egress: true))")
        #expect(alone.asks.count == 1)
        #expect(all(MemoryFlowSource([alone])).map(\.counts.unanswered) == [1])
        #expect(alone.counters[0].counts.synOnly == 1)
        // An established connection has more flags than SYN, a reset is an answer, and a refused answer is one too.
        let established = try count("\(v5Header)\n\(v5(own, peer, flags: 3, egress: true))")
        #expect(established.asks.isEmpty)
        for flags in [18, 4, 0] {
            for action in ["ACCEPT", "REJECT"] {
                let answer = v5(peer, own, flags: flags, action: action, egress: false)
                let both = try count("\(v5Header)\n\(v5(own, peer, flags: 2, egress: true))\n\(answer)")
                #expect(both.asks.isEmpty && both.answers.isEmpty)
            }
        }
        let late = v5(peer, own, flags: 18, at: 600 + 10 + 121, egress: false)
        let tooLate = try count("\(v5Header)\n\(v5(own, peer, flags: 2, egress: true))\n\(late)")
        #expect(tooLate.asks.count == 1)
    }

    @Test func withoutFlagsAnAttemptIsSmallAndAlone() throws {
        let attempt = try count(v2(own, peer, packets: 3, bytes: 180))
        #expect(all(MemoryFlowSource([attempt])).map(\.counts.unanswered) == [1])
        for line in [v2(own, peer, packets: 8, bytes: 480), v2(own, peer, packets: 3, bytes: 400)] {
            #expect(try count(line).asks.isEmpty)
        }
        #expect(try count(v2(peer, own, packets: 3, bytes: 180)).asks.isEmpty)
        let answered = try count(v2(own, peer, packets: 3, bytes: 180) + "\n" + v2(peer, own, packets: 1, bytes: 40))
        #expect(answered.asks.isEmpty)
    }

    @Test func rejectsAfterTheCloseAreCountedApart() throws {
        let text = [
            v5Header, v5(own, peer, flags: 3, egress: true), v5(peer, own, flags: 19, egress: false),
            v5(peer, own, flags: 1, packets: 1, at: 610, action: "REJECT", egress: false),
            v5(peer, "10.0.0.1|40002", flags: 18, packets: 1, at: 610, action: "REJECT", egress: false),
        ]
        let counts = try count(text.joined(separator: "\n")).counters[0].counts
        #expect(counts.rejects == 2 && counts.lateRejects == 1)
        let v2Text = [
            v2(own, peer, packets: 20, bytes: 2000), v2(peer, own, packets: 20, bytes: 2000),
            v2(peer, own, packets: 1, bytes: 40, at: 610, action: "REJECT"),
            v2(peer, "10.0.0.1|40002", packets: 1, bytes: 40, at: 610, action: "REJECT"),
        ]
        let v2Counts = try count(v2Text.joined(separator: "\n")).counters[0].counts
        #expect(v2Counts.rejects == 2 && v2Counts.lateRejects == 1)
    }

    @Test func ownAddressBetweenPrivateOnes() throws {
        // The interface's own address is the one that occurs in all its records.
        let lines = (1...5).flatMap { index in
            [
                v2("10.0.0.7|\(40_000 + index)", "10.9.0.\(index)|443", packets: 20, bytes: 2000),
                v2("10.9.0.\(index)|443", "10.0.0.7|\(40_000 + index)", packets: 20, bytes: 2000),
            ]
        }
        let counters = try count(lines.joined(separator: "\n")).counters
        #expect(counters.count == 10)
        #expect(counters.allSatisfy { $0.key.peer.description.hasPrefix("10.9.0.") && $0.key.role == .server })
    }

    @Test func packetAddressesWin() throws {
        let header = v5Header + " pkt-srcaddr pkt-dstaddr"
        let line = v5("10.0.0.1|40000", "10.0.0.250|443", flags: 2, egress: true) + " 10.0.3.3 203.0.113.9"
        #expect(try count("\(header)\n\(line)").counters[0].key.peer.description == "203.0.113.9")
    }

    @Test func gapsAndTotals() throws {
        let summary = try count([v2Line, doubled, noData, skipData].joined(separator: "\n"))
        #expect(summary.totals.records == 4)
        #expect(summary.totals.acceptedRecords == 1 && summary.totals.rejectedRecords == 1)
        #expect(summary.totals.noData == 1 && summary.totals.skipData == 1 && summary.totals.incomplete == 0)
        #expect(summary.totals.first == 1_431_280_876 && summary.totals.last == 1_431_280_934)
        #expect(summary.gaps.map(\.place.interface) == ["eni-3", "eni-4"])
        #expect(summary.gaps.map(\.status) == [.noData, .skipData])
    }

    @Test func huge() throws {
        let line = "2 1 eni-1 10.0.0.1 203.0.113.9 1 443 6 9223372036854775807 9223372036854775807 1 2 ACCEPT OK"
        let summary = try count([line, line, line].joined(separator: "\n"))
        #expect(summary.counters[0].counts.bytes == .max)
    }

    /// Records of many connections, with attempts and answers that lie apart.
    private func randomLines(_ random: inout SeededRandom) -> [String] {
        (0..<300).map { _ in
            let own = "10.0.0.\(1 + random.next() % 3)|\(40_000 + random.next() % 40)"
            let peer = "203.0.113.\(1 + random.next() % 3)|443"
            let start = Int(600 + random.next() % 900)
            let action = random.next() % 5 == 0 ? "REJECT" : "ACCEPT"
            return random.next() % 2 == 0
                ? v5(own, peer, flags: [2, 3, 0, 2][Int(random.next() % 4)], at: start, action: action, egress: true)
                : v5(
                    peer, own, flags: [18, 19, 1, 4][Int(random.next() % 4)], at: start, action: action, egress: false)
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func orderDoesNotMatter(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let lines = randomLines(&random)
            var summaries: [FlowFileSummary] = []
            var start = 0
            while start < lines.count {
                let end = min(lines.count, start + 1 + Int(random.next() % 90))
                let inFile = Array(lines[start..<end])
                let summary = try count(([v5Header] + inFile).joined(separator: "\n"))
                // The lines of a file may come in any order, and in batches of any size, too.
                let shuffled = ([v5Header] + inFile.shuffled(using: &random)).joined(separator: "\n")
                #expect(try count(shuffled) == summary, "seed \(seed)")
                let batched = try count(shuffled, batch: 1 + Int(random.next() % 20))
                #expect(batched.asks == summary.asks, "seed \(seed)")
                #expect(batched.counters.map(\.counts.flows) == summary.counters.map(\.counts.flows), "seed \(seed)")
                summaries.append(summary)
                start = end
            }
            let expected = all(MemoryFlowSource(summaries))
            var oneByOne = MemoryFlowSource()
            for summary in summaries.shuffled(using: &random) { oneByOne.add(summary) }
            #expect(all(oneByOne) == expected, "seed \(seed)")
        }
    }

    /// One attempt a connection, answered in its own window, in the next or not at all.
    @Test(arguments: [21, 22] as [UInt64]) func pairingAcrossFilesFindsWhatPairingWithinOneFinds(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var lines: [String] = []
        var unanswered = 0
        for port in 0..<400 {
            let own = "10.0.0.\(1 + port % 3)|\(40_000 + port)"
            let start = 600 + Int(random.next() % 900)
            let isAnswered = random.next() % 3 > 0
            unanswered += isAnswered ? 0 : 1
            let isInNext = random.next() % 2 == 0
            lines.append(v5(own, peer, flags: isAnswered && !isInNext ? 3 : 2, at: start, for: 20, egress: true))
            guard isAnswered else { continue }
            lines.append(v5(peer, own, flags: 18, at: isInNext ? start + 60 : start, for: 20, egress: false))
            if isInNext { lines.append(v5(own, peer, flags: 1, at: start + 60, for: 20, egress: true)) }
        }
        lines.shuffle(using: &random)
        for pieces in [1, 2, 7, 50] {
            let summaries = try (0..<pieces).map { piece in
                let part = lines.enumerated().filter { $0.offset % pieces == piece }.map(\.element)
                return try count(([v5Header] + part).joined(separator: "\n"))
            }
            let found = all(MemoryFlowSource(summaries)).reduce(0) { $0 + Int($1.counts.unanswered) }
            #expect(found == unanswered, "seed \(seed), \(pieces) files")
        }
    }

    private var versionedLines: String {
        [
            v5Header + " reject-reason", v5(own, peer, flags: 3, egress: true) + " -",
            v5(peer, own, flags: 19, packets: 4, egress: false) + " -",
            v5("10.0.0.1|40001", peer, flags: 2, packets: 3, at: 665, for: 5, egress: true) + " -",
            v5(
                "198.51.100.7|5000", "10.0.0.2|8080", flags: 2, packets: 2, at: 700, action: "REJECT", egress: false,
                interface: "eni-2") + " BPA",
            "eni-2 subnet-1 az1 2001:db8:1::5 fd00::1 5000 8080 6 12 9000 700 710 ACCEPT OK 3 ingress -",
            v5(peer, "10.0.0.1|40002", flags: 18, packets: 1, egress: false) + " -",
            "eni-3 subnet-2 az2 - - - - - - - 600 660 - NODATA - - -",
        ].joined(separator: "\n")
    }

    /// What the first version wrote for these lines is what this version counts.
    @Test func theFirstVersionStaysReadable() throws {
        let hex = """
            017801636765646460905ee3cbb88193b1879b993935bb9835352f53d790a3b834292fb544d79039b1ca90012e6e8443dc18 \
            266e04546fc4c0c4c0ec14e0c85cc1000329c6c7feff67606880f1390b194e83040c1818181976f0322ac0245845809a4100 \
            e83046462626361060047298763382e004f909f220590626a020d0ed40160240c58042acaccc4c3c6b98d6306d61ac58e106 \
            52c1c3c804f46405e3b903253f6a72dc9e6de2e26262643bfe6b6b73fbab960d9c2200677c3519
            """
        let read = try FlowFileSummary(encoded: try #require(Hex.bytes(hex.filter { $0 != " " })))
        var counted = try count(versionedLines)
        // That version does not say when a place was seen: a counter shows its minute, a gap its window.
        #expect(read.seen.map(\.last) == [719, 719, 660])
        counted.seen = read.seen
        #expect(read == counted)
    }

    /// Places had neither account nor VPC.
    @Test func theSecondVersionStaysReadable() throws {
        let hex = """
            02780105c1b14ac3501406e0ff3f273726d1319b8b2f1030f101820edd045f21853b94ca5d6e0aa1385cb52042873e8643 \
            87088a4317c141179d9d3b38f804450af5fbf60c091c2ecfd9a79cefabdab137d68d8a32f193a1b36d516a332dd1a773aa1d \
            7b63dda8a8123f193adb16a536d3129b2c573bf6c6ba517192f8c9d0d9b6a8b49956e8d34e3b848fcfc7edae0eb85f5f7f6f \
            77f57108b3105edec211a29522c64a1963514b8c452db19e5d9c1a81201711508502302248152121022a0100105048635 \
            40eb894a53cb17b1830cbe20814f669c7afd776737539f8c10d914118bfff3ddfdefdce00e4ff76653e7e
            """
        let read = try FlowFileSummary(encoded: try #require(Hex.bytes(hex.filter { $0 != " " })))
        #expect(read == (try count(versionedLines)))
        #expect(read.places.allSatisfy { $0.account.isEmpty && $0.vpc.isEmpty })
    }

    @Test func accountAndNetworkAreKept() throws {
        let lines = [
            v5Header + " account-id vpc-id", v5(own, peer, flags: 2, egress: true) + " 111122223333 vpc-1",
            v5(own, peer, flags: 2, egress: true) + " 444455556666 -",
        ]
        let summary = try count(lines.joined(separator: "\n"))
        #expect(summary.places.map(\.account) == ["111122223333", "444455556666"])
        #expect(summary.places.map(\.vpc) == ["vpc-1", ""])
        #expect(try FlowFileSummary(encoded: summary.encoded()) == summary)
        // The format that AWS writes by default has the account.
        #expect(try count(v2(own, peer, packets: 1, bytes: 60)).places.map(\.account) == ["1"])
    }

    @Test(arguments: [5, 6] as [UInt64]) func storedFormGivesBackTheSummary(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let lines = [v5Header] + randomLines(&random)
        var summary = try count(lines.joined(separator: "\n"))
        let other = try count([v2Line, noData, skipData].joined(separator: "\n"))
        summary.gaps = other.gaps
        summary.seen += other.seen.filter { seen in other.gaps.contains { $0.place == seen.place } }
        summary.seen.sort { $0.place < $1.place }
        let bytes = summary.encoded()
        #expect(try FlowFileSummary(encoded: bytes) == summary)
        #expect(try FlowFileSummary(encoded: FlowFileSummary().encoded()) == FlowFileSummary())
        #expect(throws: FlowSummaryError.unknownVersion(9)) { try FlowFileSummary(encoded: [9] + bytes.dropFirst()) }
        // Well-packed nonsense must end in an error or a summary, never in a crash or in memory for forged counts.
        let raw = try Inflate.decompress(Array(bytes.dropFirst()), limit: 1 << 20)
        for _ in 0..<300 {
            var forged = raw
            for _ in 0..<1 + random.next() % 4 {
                forged[Int(random.next() % UInt64(raw.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? FlowFileSummary(encoded: [FlowFileColumns.version] + Deflate.compress(forged))
        }
        for _ in 0..<300 {
            var damaged = bytes
            damaged[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 << (random.next() % 8))
            // The bits that pad a deflate stream to whole bytes mean nothing; any other flip is noticed.
            if let read = try? FlowFileSummary(encoded: damaged) { #expect(read == summary, "seed \(seed)") }
            let cut = Array(bytes[..<Int(random.next() % UInt64(bytes.count))])
            #expect(throws: FlowSummaryError.self, "seed \(seed)") { try FlowFileSummary(encoded: cut) }
        }
    }
}

@Suite("Cluster map") struct ClusterMapTests {
    private let lines = """
        # which subnet belongs to whom
        kind,value,cluster,from,to
        subnet,subnet-1,old,,1970-01-01T00:20:00Z
        subnet, subnet-1, new, 1970-01-01T00:20:00Z
        interface,eni-9,special
        prefix,10.0.0.0/8,wide
        prefix,10.7.0.0/16,narrow
        """

    private func cluster(_ line: String, _ map: ClusterMap) throws -> String? {
        try count("\(v5Header)\n\(line)", .map(map)).counters.first?.key.place.cluster
    }

    @Test func theMostSpecificValidRuleDecides() throws {
        let map = try ClusterMap(Array(lines.utf8))
        let json = try ClusterMap(
            Array(
                #"""
                {"rules": [
                    {"prefix": "10.0.0.0/8", "cluster": "wide"}, {"interface": "eni-9", "cluster": "special"},
                    {"subnet": "subnet-1", "cluster": "old", "to": "1970-01-01T00:20:00Z"},
                    {"subnet": "subnet-1", "cluster": "new", "from": "1970-01-01T00:20:00Z"},
                    {"prefix": "10.7.0.0/16", "cluster": "narrow"}
                ]}
                """#.utf8))
        for map in [map, json] {
            let peer = "203.0.113.9|443"
            #expect(try cluster(v5("10.0.0.1|4000", peer, flags: 3, at: 1199, egress: true), map) == "old")
            #expect(try cluster(v5("10.0.0.1|4000", peer, flags: 3, at: 1200, egress: true), map) == "new")
            let special = v5("10.0.0.1|4000", peer, flags: 3, egress: true, interface: "eni-9")
            #expect(try cluster(special, map) == "special")
            func other(_ own: String) -> String {
                v5(own, peer, flags: 3, egress: true).replacing("subnet-1", with: "subnet-2")
            }
            #expect(try cluster(other("10.7.1.1|4000"), map) == "narrow")
            #expect(try cluster(other("10.8.1.1|4000"), map) == "wide")
            #expect(try cluster(other("192.168.1.1|4000"), map) == FlowPlace.unassignedCluster)
        }
    }

    @Test(arguments: [
        ("subnet,subnet-1", 1), ("\nplanet,x,eks", 2), ("subnet,,eks", 1), ("subnet,x,", 1),
        ("subnet,x,eks,yesterday", 1),
        ("prefix,10.0.0.0/99,eks", 1), (#"{"a":1}"#, 1), (#"[{"subnet":"x","cluster":"a"},{"cluster":"a"}]"#, 2),
        (#"[{"subnet":"x","vpc":"y","cluster":"a"}]"#, 1), ("[", 1),
    ]) func badMaps(_ input: (String, Int)) throws {
        let error = #expect(throws: ClusterMap.MapError.self) { try ClusterMap(Array(input.0.utf8)) }
        #expect(error?.place == input.1)
    }
}
