import CairnAnalyzer
import CairnBytes
import CairnFlowLogs
import CairnTestSupport
import Testing

@Suite("Drops: causes, watermarks, seasons") struct DropsCauseTests {
    /// Four hours of both clusters; the new one loses its connections for a quarter of an hour.
    private func scene(
        role: PeerRole = .server, both: Bool = false, isReject: Bool = false, last: Int64 = 1240,
        fault: Range<Int64> = 1100..<1115
    ) -> FlowScene {
        var scene = FlowScene()
        let peer = role == .server ? FlowScene.server : IPPrefix("198.51.100.0/24")!
        for minute in Int64(1000)..<last {
            for cluster in ["old", "new"] {
                let lost = (both || cluster == "new") && fault.contains(minute) ? 6 : 0
                scene.connections(
                    cluster, minute: minute, 6, rejected: isReject ? lost : 0, unanswered: isReject ? 0 : lost,
                    peer: peer, role: role)
            }
        }
        return scene
    }

    @Test func aThirdPartysSilentDropIsNamedAsSuch() throws {
        let finding = try #require(try scene().report().findings.first)
        #expect(finding.cause == .thirdPartySilentDrop && finding.cause.owner == .thirdParty)
        #expect(finding.sentence.contains("not our security group"))
        #expect(finding.json["owner"]?.string == "third-party")
    }

    @Test func ourOwnRulesAreNamedAsSuch() throws {
        let finding = try #require(try scene(isReject: true).report().findings.first)
        #expect(finding.cause == .ownRule && finding.cause.owner == .us)
        #expect(finding.sentence.contains("no third party"))
    }

    @Test func whatBothSeeIsNobodysRule() throws {
        let finding = try #require(try scene(both: true).report().findings.first)
        #expect(finding.cause == .peerSilent && finding.cause.owner == .environment && finding.side == .both)
    }

    @Test func clientsThatWeDoNotAnswerAreOurs() throws {
        let finding = try #require(try scene(role: .client).report().findings.first)
        #expect(finding.cause == .ownServiceSilent && finding.cause.owner == .us)
    }

    @Test func resetsAreOfWhoeverSendsThem() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            scene.connections("new", minute: minute, 6, reset: (1100..<1115).contains(minute) ? 6 : 0)
        }
        #expect(try scene.report().findings.map(\.cause) == [.peerResets])
    }

    @Test func everyCauseHasWordsOfItsOwn() {
        #expect(Set(DropCause.allCases.map(\.explanation)).count == DropCause.allCases.count)
    }

    /// Too little traffic beside it says neither "it as well" nor "it alone".
    @Test func aNearlyDrainedClusterIsNoControl() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            scene.connections("new", minute: minute, 6, unanswered: (1100..<1115).contains(minute) ? 6 : 0)
            scene.connections("old", minute: minute, minute < 1090 || minute == 1107 ? 1 : 0)
        }
        let finding = try #require(try scene.report().findings.first)
        #expect(finding.evidence.controlConnections == 1 && finding.side == .unpaired)
    }

    @Test func theRiseIsMeasuredAgainstTheOtherCluster() throws {
        let alone = try #require(try scene().report().findings.first?.evidence.rise)
        #expect(alone.low > 5 && alone.low < alone.times && alone.times < alone.high)
        let both = try #require(try scene(both: true).report().findings.first?.evidence.rise)
        #expect(both.low < 1 && both.high > 1)
    }

    /// A drop that goes on is told up to the newest minute, and that it goes on.
    @Test func whatGoesOnIsOpen() throws {
        let finding = try #require(try scene(last: 1115, fault: 1100..<1200).report().findings.first)
        #expect(finding.isOpen && finding.endMinute == 1115)
        let watermark = try #require(finding.watermark)
        #expect(watermark.settledMinute < 1115 && watermark.behindSeconds > 0)
        #expect(try scene().report().findings.map(\.isOpen) == [false])
    }

    /// Answers that come late take a finding back, and attempts that come late make one.
    @Test func lateFilesAreJudgedAgain() throws {
        let complete = scene(fault: 0..<0)
        let lossy = scene()
        #expect(try lossy.report().findings.count == 1)
        #expect(try complete.report().findings.isEmpty)
        // An interface that is behind the others holds judgement up.
        var late = scene(last: 1112, fault: 1100..<1112)
        for minute in Int64(1000)..<1098 { late.connections("new", minute: minute, 6, host: 1) }
        let waiting = try late.report()
        #expect(waiting.watermarks.first { $0.cluster == "new" }?.settledMinute == 1099)
        #expect(waiting.findings.isEmpty)
        for minute in Int64(1098)..<1112 { late.connections("new", minute: minute, 6, host: 1) }
        #expect(try late.report().findings.count == 1)
    }

    /// A job that opens doomed connections at the same minute of every day is what is usual there, once it was seen
    /// some times; the same at another minute is not.
    @Test func jobsByTheClockAreUsual() throws {
        func findings(lastJob: Int64) throws -> [Int64] {
            var scene = FlowScene()
            for day in Int64(0)..<8 {
                let job = day * 1440 + (day == 7 ? lastJob : 300)
                for minute in stride(from: day * 1440, to: (day + 1) * 1440, by: 5) {
                    let isJob = minute == job
                    scene.connections("new", minute: minute, isJob ? 60 : 20, unanswered: isJob ? 40 : 0)
                }
            }
            return try scene.report(since: 7 * 1440, isPaired: false).findings.map(\.startMinute)
        }
        #expect(try findings(lastJob: 300).isEmpty)
        #expect(try findings(lastJob: 600) == [7 * 1440 + 600])
    }

    /// Five partners are refused on one of our interfaces: five findings, one cause, one incident.
    @Test func whatDropsHaveInCommonIsNamed() throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            for partner in 0..<5 {
                let peer = try #require(IPPrefix("203.0.\(partner).9"))
                for host in 0..<6 {
                    let isDown = host == 4 && (1100..<1115).contains(minute)
                    scene.connections("new", minute: minute, 3, rejected: isDown ? 3 : 0, peer: peer, host: host)
                    scene.connections("old", minute: minute, 3, peer: peer, host: host)
                }
            }
        }
        let findings = try scene.report().findings
        #expect(findings.count == 5)
        #expect(findings.allSatisfy { $0.root?.words == "interface eni-new-4 signal reject" })
        #expect(findings.allSatisfy { ($0.root?.explained ?? 0) > 0.99 })
        #expect(Set(findings.map(\.incidentCause)) == ["new interface eni-new-4 signal reject"])
        #expect(findings.first?.attribution.contains { $0.values == ["eni-new-4"] } == true)
    }

    /// One of two accounts is refused everywhere: the account is named, and so is a VPC where it is only one of its.
    @Test(arguments: zip([[0, 1], [1]], ["account 222", "vpc vpc-1"])) func accountsAndNetworksAreNamed(
        networks: [Int], cause: String
    ) throws {
        var scene = FlowScene()
        for minute in Int64(1000)..<1240 {
            for partner in 0..<3 {
                let peer = try #require(IPPrefix("203.0.\(partner).9"))
                for (account, hosts) in [("111", [0, 2, 4]), ("222", [6, 7, 8, 9])] {
                    for host in hosts {
                        let isDown =
                            account == "222" && networks.contains(host % 2) && (1100..<1115).contains(minute)
                        scene.connections(
                            "new", minute: minute, 3, rejected: isDown ? 3 : 0, peer: peer, host: host,
                            account: account)
                        scene.connections("old", minute: minute, 3, peer: peer, host: host, account: account)
                    }
                }
            }
        }
        let findings = try scene.report().findings
        #expect(findings.count == 3)
        #expect(findings.allSatisfy { $0.root?.words.contains(cause) == true }, "\(findings.map { $0.root?.words })")
        let dimension = cause.split(separator: " ")[0]
        #expect(findings.allSatisfy { $0.scope[String(dimension)] == cause.split(separator: " ")[1].description })
    }

    @Test func evidenceIsKeptOverTime() throws {
        let finding = try #require(try scene().report().findings.first)
        let points = finding.evidence.signal
        let during = try #require(points.last { $0.minute == 1114 })
        #expect(during.events == 6 && during.expected > 0 && during.expected < 1)
        #expect(during.nats > finding.evidence.threshold)
        #expect(points.first?.nats == 0)
        let chart = finding.evidenceSeries
        #expect(chart.threshold == finding.evidence.threshold)
        #expect(chart.points.first { $0.time.minute == 1105 }?.observed == 6)
        #expect((chart.points.first { $0.time.minute == 1105 }?.logEvidence ?? 0) > finding.evidence.threshold)
        #expect(finding.evidence.foundAt < 1103)
    }
}
