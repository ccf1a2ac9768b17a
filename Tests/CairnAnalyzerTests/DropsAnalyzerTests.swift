import CairnAnalyzer
import CairnBytes
import CairnFlowLogs
import CairnTestSupport
import Testing

/// Counters of two clusters, put together minute by minute.
struct FlowScene {
    private var counts: [FlowCounterKey: FlowCounts] = [:]
    private var asks: [FlowAsk] = []
    private var gaps: [FlowGap] = []

    /// Bytes of a flow, a tenth as many packets.
    var bytesPerFlow: UInt64 = 0

    static let server = IPPrefix("203.0.113.9")!

    /// Connections of one minute; `rejected`, `unanswered` and `reset` of them go wrong in that way.
    mutating func connections(
        _ cluster: String, minute: Int64, _ count: Int, rejected: Int = 0, unanswered: Int = 0, reset: Int = 0,
        peer: IPPrefix = FlowScene.server, port: UInt16 = 443, role: PeerRole = .server, host: Int = 0,
        account: String = "",
        longPackets: (out: Int, back: Int) = (0, 0)
    ) {
        let place = FlowPlace(
            cluster: cluster, interface: "eni-\(cluster)-\(host)", subnet: "subnet-\(host % 3)", zone: "az\(host % 2)",
            account: account, vpc: account.isEmpty ? "" : "vpc-\(host % 2)")
        let opening: FlowDirection = role == .server ? .egress : .ingress
        func key(_ direction: FlowDirection) -> FlowCounterKey {
            FlowCounterKey(
                minute: minute, place: place, direction: direction, role: role, peer: peer, peerPort: port)
        }
        var opened = FlowCounts()
        opened.flows = UInt64(count)
        opened.tcpFlows = UInt64(count)
        opened.rejects = UInt64(rejected)
        opened.packets = opened.flows * bytesPerFlow / 10
        opened.bytes = opened.flows * bytesPerFlow
        opened.longPackets = UInt64(longPackets.out)
        counts[key(opening), default: FlowCounts()].add(opened)
        var answered = FlowCounts()
        answered.flows = UInt64(count - rejected - unanswered)
        answered.tcpFlows = answered.flows
        answered.resets = UInt64(reset)
        answered.longPackets = UInt64(longPackets.back)
        counts[key(opening == .egress ? .ingress : .egress), default: FlowCounts()].add(answered)
        for _ in 0..<unanswered {
            asks.append(
                FlowAsk(
                    connection: UInt64(asks.count), start: minute * 60, end: minute * 60 + 30, key: key(opening)))
        }
    }

    mutating func skip(_ cluster: String, minute: Int64, host: Int = 0) {
        let place = FlowPlace(cluster: cluster, interface: "eni-\(cluster)-\(host)")
        gaps.append(FlowGap(place: place, status: .skipData, start: minute * 60, end: minute * 60 + 60))
    }

    /// As many files as wanted, with the rows dealt out at random.
    func source(files: Int = 1, random: inout SeededRandom) -> MemoryFlowSource {
        var summaries = [FlowFileSummary](repeating: FlowFileSummary(), count: files)
        for (key, counts) in counts.shuffled(using: &random) {
            summaries[Int(random.next() % UInt64(files))].counters.append(FlowCounter(key: key, counts: counts))
        }
        for ask in asks.shuffled(using: &random) { summaries[Int(random.next() % UInt64(files))].asks.append(ask) }
        summaries[0].gaps = gaps
        return MemoryFlowSource(summaries)
    }

    func report(
        since: Int64? = nil, until: Int64? = nil, isPaired: Bool = true, policy: DropsPolicy = .standard
    ) throws -> DropsReport {
        var random = SeededRandom(seed: 1)
        return try DropsAnalyzer.report(
            on: source(random: &random),
            for: DropsRequest(
                source: isPaired ? "old" : nil, target: isPaired ? "new" : nil, since: since, until: until),
            policy: policy)
    }
}

@Suite("Drops") struct DropsAnalyzerTests {
    /// Four quiet hours of both clusters with one peer; `change` may spoil minutes.
    private func scene(
        perMinute: Int = 6,
        _ change: (_ cluster: String, _ minute: Int64) -> (rejected: Int, unanswered: Int, reset: Int)
    ) -> FlowScene {
        var random = SeededRandom(seed: 99)
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            for cluster in ["old", "new"] {
                let (rejected, unanswered, reset) = change(cluster, minute)
                // One attempt in a hundred gets no answer for no reason that matters.
                let stray = unanswered == 0 && rejected == 0 && random.next() % 100 < UInt64(perMinute) ? 1 : 0
                scene.connections(
                    cluster, minute: minute, perMinute, rejected: rejected, unanswered: unanswered + stray,
                    reset: reset,
                    host: Int(minute % 4))
            }
        }
        return scene
    }

    @Test func quietDataHasNoFinding() throws {
        #expect(try scene { _, _ in (0, 0, 0) }.report().findings.isEmpty)
        #expect(try FlowScene().report().findings.isEmpty)
    }

    @Test(arguments: [DropKind.reject, .unanswered, .reset]) func eachKindIsFoundInItsMinutes(kind: DropKind) throws {
        let scene = scene { cluster, minute in
            guard cluster == "new", (1100..<1115).contains(minute) else { return (0, 0, 0) }
            return (kind == .reject ? 6 : 0, kind == .unanswered ? 6 : 0, kind == .reset ? 6 : 0)
        }
        let findings = try scene.report().findings
        #expect(findings.count == 1)
        let finding = try #require(findings.first)
        #expect(finding.kind == kind && finding.side == .targetOnly && finding.cluster == "new")
        #expect(finding.startMinute == 1100 && finding.endMinute == 1115)
        #expect(finding.peer == FlowScene.server && finding.peerPort == 443 && finding.peerRole == .server)
        #expect(finding.evidence.events == 90 && finding.evidence.connections == 90)
        #expect(abs(finding.excess + finding.baseline - 90) < 1e-9 && finding.baseline < 2)
        #expect(finding.scope["direction"] == (kind == .reset ? "ingress" : "egress"))
        #expect(finding.start.description == "1970-01-01T18:20:00Z")
        #expect(finding.evidence.signal.map(\.minute) == Array(1070..<1145))
    }

    @Test func sidesAreTold() throws {
        func sides(_ clusters: Set<String>, isPaired: Bool = true) throws -> [DropSide] {
            try scene { cluster, minute in
                clusters.contains(cluster) && (1100..<1115).contains(minute) ? (0, 6, 0) : (0, 0, 0)
            }.report(isPaired: isPaired).findings.map(\.side)
        }
        #expect(try sides(["new"]) == [.targetOnly])
        #expect(try sides(["old"]) == [.sourceOnly])
        #expect(try sides(["old", "new"]) == [.both])
        #expect(try sides(["old"], isPaired: false) == [.unpaired])
        #expect(try sides(["old", "new"], isPaired: false) == [.unpaired, .unpaired])
    }

    @Test func aDrainedClusterIsNoControl() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            scene.connections("new", minute: minute, 6, unanswered: (1100..<1115).contains(minute) ? 6 : 0)
            if minute < 1050 { scene.connections("old", minute: minute, 6) }
        }
        #expect(try scene.report().findings.map(\.side) == [.unpaired])
    }

    @Test func whatBothSeeIsBothEvenWithLittleTraffic() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            let isDown = (1100..<1115).contains(minute)
            scene.connections("old", minute: minute, 10, unanswered: isDown ? 10 : 0)
            if minute % 6 == 0 { scene.connections("new", minute: minute, 1, unanswered: isDown ? 1 : 0) }
        }
        let findings = try scene.report().findings
        #expect(findings.map(\.side) == [.both])
        #expect(findings.first?.cluster == "old")
    }

    @Test func aPartOfTheTrafficIsEnough() throws {
        let findings = try scene { cluster, minute in
            cluster == "new" && (1100..<1140).contains(minute) ? (0, Int(minute % 3) + 1, 0) : (0, 0, 0)
        }.report().findings
        #expect(findings.map(\.side) == [.targetOnly])
        #expect(findings.first?.startMinute == 1100 && findings.first?.endMinute == 1140)
    }

    @Test func twoDropsAreTwoFindings() throws {
        let findings = try scene { cluster, minute in
            cluster == "new" && ((1060..<1070).contains(minute) || (1120..<1130).contains(minute))
                ? (0, 6, 0) : (0, 0, 0)
        }.report().findings
        #expect(findings.map(\.startMinute) == [1060, 1120])
        #expect(findings.map(\.endMinute) == [1070, 1130])
        #expect(Set(findings.map(\.id)).count == 2)
    }

    @Test func moreTrafficIsNotMoreDrops() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            let factor = (1100..<1130).contains(minute) ? 10 : 1
            scene.connections("new", minute: minute, 50 * factor, rejected: factor, unanswered: factor)
            scene.connections("old", minute: minute, 50, rejected: 1, unanswered: 1)
        }
        #expect(try scene.report().findings.isEmpty)
    }

    @Test func scansAreCountedAndAreNoFinding() throws {
        var scene = scene { _, _ in (0, 0, 0) }
        for minute in Int64(1100)..<1115 {
            for block in 0..<20 {
                let peer = try #require(IPPrefix("198.51.\(block).0/24"))
                scene.connections("new", minute: minute, 5, rejected: 5, peer: peer, port: 22, role: .client)
                scene.connections("new", minute: minute, 5, unanswered: 5, peer: peer, port: 8080, role: .client)
            }
        }
        let report = try scene.report()
        #expect(report.findings.isEmpty)
        #expect(report.scans.map(\.cluster) == ["new"])
        #expect(report.scans.first?.attempts == 20 * 15 * 10)
    }

    @Test func aPartnerThatWeRefuseIsAFindingAndAScannerBesideItIsNot() throws {
        let partner = try #require(IPPrefix("198.51.100.0/24"))
        for isRefused in [true, false] {
            var scene = FlowScene()
            for minute in Int64(1000)..<1240 {
                let isTime = (1100..<1115).contains(minute)
                scene.connections(
                    "new", minute: minute, 6 + (isTime && !isRefused ? 6 : 0), rejected: isTime ? 6 : 0, peer: partner,
                    port: 8080, role: .client)
                scene.connections("old", minute: minute, 6, peer: partner, port: 8080, role: .client)
            }
            let findings = try scene.report().findings
            #expect(findings.map(\.kind) == (isRefused ? [.reject] : []))
            #expect(findings.allSatisfy { $0.scope["direction"] == "ingress" && $0.peerRole == .client })
        }
    }

    @Test func aFewEventsAreAnAnecdote() throws {
        let scene = scene(perMinute: 1) { cluster, minute in
            cluster == "new" && (1100..<1103).contains(minute) ? (0, 1, 0) : (0, 0, 0)
        }
        #expect(try scene.report().findings.isEmpty)
    }

    @Test func lostRecordsAreUnknown() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            let isLost = (1100..<1110).contains(minute)
            scene.connections("new", minute: minute, 6, unanswered: isLost ? 6 : 0)
            scene.connections("old", minute: minute, 6)
            if isLost { scene.skip("new", minute: minute) }
        }
        let report = try scene.report()
        #expect(report.findings.isEmpty)
        #expect(report.unknownMinutes == 13)
    }

    @Test func onlyTheWindowIsJudged() throws {
        let scene = scene { cluster, minute in
            cluster == "new" && ((1060..<1070).contains(minute) || (1120..<1130).contains(minute))
                ? (6, 0, 0) : (0, 0, 0)
        }
        #expect(try scene.report(since: 1100).findings.map(\.startMinute) == [1120])
        #expect(try scene.report(until: 1100).findings.map(\.startMinute) == [1060])
        #expect(try scene.report(since: 1080, until: 1110).findings.isEmpty)
        #expect(try scene.report(since: 1065, until: 1110).findings.map(\.startMinute) == [1065])
    }

    /// The newest attempts may be answered in a file that has not come yet.
    @Test func theNewestMinutesWaitForTheirAnswers() throws {
        let scene = scene { cluster, minute in cluster == "new" && minute >= 1238 ? (0, 6, 0) : (0, 0, 0) }
        #expect(try scene.report().findings.isEmpty)
    }

    @Test func whatWasAlwaysSoInBothIsNoDrop() throws {
        let flaky = try scene { _, _ in (0, 2, 0) }.report().findings
        #expect(flaky.isEmpty)
        let onlyTarget = try scene { cluster, _ in cluster == "new" ? (0, 2, 0) : (0, 0, 0) }.report().findings
        #expect(onlyTarget.map(\.side) == [.targetOnly])
    }

    @Test func thePlaceThatHoldsTheExcessIsNamed() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            for host in 0..<6 {
                let isDown = host == 4 && (1100..<1115).contains(minute)
                scene.connections("new", minute: minute, 5, rejected: isDown ? 5 : 0, host: host)
                scene.connections("old", minute: minute, 5, host: host)
            }
        }
        let finding = try #require(try scene.report().findings.first)
        #expect(
            finding.scope == ["direction": "egress", "zone": "az0", "subnet": "subnet-1", "interface": "eni-new-4"])
        #expect(finding.explained == 1)
        #expect(finding.evidence.events == 75 && finding.evidence.connections == 450)
    }

    @Test func lossOnTheWayBackIsAsymmetric() throws {
        var random = SeededRandom(seed: 4)
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            for cluster in ["old", "new"] {
                let out = 400 + Int(random.next() % 200)
                let isLossy = cluster == "new" && (1100..<1130).contains(minute)
                let back = out * (isLossy ? 30 : 95 + Int(random.next() % 10)) / 100
                scene.connections(cluster, minute: minute, 6, longPackets: (out, back))
            }
        }
        let findings = try scene.report().findings
        #expect(findings.map(\.kind) == [.asymmetric])
        #expect(findings.map(\.side) == [.targetOnly])
        #expect(findings.first?.startMinute == 1100 && findings.first?.endMinute == 1130)
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func orderAndFilesDoNotMatter(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let scene = scene { cluster, minute in
            cluster == "new" && (1100..<1115).contains(minute) ? (1, 3, 0) : (0, 0, 0)
        }
        let request = DropsRequest(source: "old", target: "new")
        let expected = try DropsAnalyzer.report(on: scene.source(random: &random), for: request)
        #expect(expected.findings.count == 2)
        for files in [1, 3, 20] {
            let source = scene.source(files: files, random: &random)
            #expect(try DropsAnalyzer.report(on: source, for: request) == expected, "seed \(seed)")
        }
    }

    /// Two equal clusters whose strays come in bursts: 30 peers, 8 hours, no finding.
    @Test(arguments: [31, 32, 33, 34] as [UInt64]) func burstsOfStraysAreNoDrop(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func chance() -> Double { Double(random.next() >> 11) / 9_007_199_254_740_992 }
        var scene = FlowScene()
        for peer in 0..<30 {
            let server = try #require(IPPrefix("203.0.113.\(peer)"))
            var weather = 0.0
            for minute in Int64(1000)..<1480 {
                weather = 0.8 * weather + 0.2 * chance()
                for cluster in ["old", "new"] {
                    let count = Int(chance() * Double(1 + peer))
                    let rate = 0.02 * weather * 2
                    let strays = (0..<count).count { _ in chance() < rate }
                    let resets = (0..<count - strays).count { _ in chance() < 0.01 }
                    scene.connections(cluster, minute: minute, count, unanswered: strays, reset: resets, peer: server)
                }
            }
        }
        let findings = try scene.report().findings
        #expect(findings.isEmpty, "seed \(seed): \(findings.map(\.sentence))")
    }

    @Test func theJSONFormHasItsKeys() throws {
        let finding = try #require(
            try scene { cluster, minute in
                cluster == "new" && (1100..<1115).contains(minute) ? (0, 6, 0) : (0, 0, 0)
            }.report().findings.first)
        let text = CanonicalJSON.string(of: finding.json)
        try Golden.expect(text + "\n\(finding.sentence)\n", matches: "drops-finding.json", in: #filePath)
        #expect(DropsPolicy.standard.digest.count == 8)
        var other = DropsPolicy()
        other.watermarkMinutes = DropsPolicy.cloudWatchLogsMinutes
        #expect(other.digest != DropsPolicy.standard.digest)
    }
}
