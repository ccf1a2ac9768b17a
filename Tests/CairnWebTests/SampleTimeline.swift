import CairnBytes
import CairnTestSupport
import CairnWeb

/// An incident in a migration, as a reader meets one: two findings, a rollback that was not needed, a correction.
enum SampleTimeline {
    static func time(_ text: String) -> Timestamp {
        guard let time = Timestamp("2026-03-10T\(text)Z") else { return Timestamp(microseconds: 0) }
        return time
    }

    static func day(_ text: String) -> Timestamp {
        guard let time = Timestamp(text) else { return Timestamp(microseconds: 0) }
        return time
    }

    static var document: TimelineDocument {
        TimelineDocument(
            title: "Connections to the fraud-scoring partner dropped after the traffic shift",
            scope: "incident/7f3a", from: day("2026-02-16T10:00:00Z"), until: time("11:00:00"),
            generated: day("2026-03-11T08:15:00Z"),
            ledger: .init(
                origin: "cairn.harbor.example/eu-1", size: 412, rootHash: "q1Vw4tV0m6m1zC7Jt3q1h9T3m8cZbJmZs1nCkq7oT0I="
            ),
            clusters: .init(source: "harbor-sm-eu-1", target: "harbor-eks-eu-1"),
            summary: TimelineSummary(
                whatHappened: "142 connections from the new cluster to 203.0.113.88:9443 were never answered.",
                when: "09:52 to 10:07 UTC on 2026-03-10, 15 minutes",
                cause:
                    "Only the new node subnets: no packet came back, nothing of ours rejected them. A firewall between.",
                impact:
                    "Fraud checks were queued and retried; 0 checkouts lost. search answered 2.1 times slower at P99.",
                status: "closed",
                more: [LabelledText("Found after", "3 minutes at one look a minute")]),
            phases: [
                TimelinePhase(
                    name: "precheck", start: day("2026-02-16T13:00:00Z"), end: day("2026-02-20T15:00:00Z"),
                    status: .completed),
                TimelinePhase(
                    name: "build", start: day("2026-03-02T09:00:00Z"),
                    end: day("2026-03-06T15:30:00Z"),
                    status: .completed),
                TimelinePhase(name: "snapshot", start: time("08:31:00"), end: time("08:59:00"), status: .completed),
                TimelinePhase(
                    name: "move-workloads", start: time("09:00:00"), end: time("09:26:00"), status: .completed),
                TimelinePhase(name: "shift-traffic", start: time("09:29:00"), end: nil, status: .running),
                TimelinePhase(
                    name: "resume-pipelines", start: time("10:53:00"), end: time("10:58:00"), status: .planned),
                TimelinePhase(
                    name: "harbor-services/storefront/k7Qm2Zs9VtXw4LbN8RcYd: PRODUCTION_TRAFFIC_SHIFT 1",
                    start: time("10:42:00"), end: time("10:52:00"), status: .failed),
                TimelinePhase(
                    name: "harbor-services/storefront/k7Qm2Zs9VtXw4LbN8RcYd: BAKE_TIME", start: time("10:52:00"),
                    end: time("10:57:00"), status: .reverted),
            ],
            trafficShares: [
                TrafficShare(time: time("09:30:00"), sourcePercent: 90, targetPercent: 10),
                TrafficShare(time: time("09:40:00"), sourcePercent: 50, targetPercent: 50),
                TrafficShare(time: time("10:40:00"), sourcePercent: 0, targetPercent: 100),
            ],
            findings: [drops, slow], entries: entries)
    }

    private static var drops: TimelineFinding {
        TimelineFinding(
            id: "9c41f02d77ab", kind: "unanswered",
            title: "harbor-eks-eu-1: connections to 203.0.113.88:9443 unanswered",
            severity: .critical, status: "acknowledged", start: time("09:52:00"), end: time("10:07:00"),
            explanation:
                "SYN packets left the new node subnets and nothing came back, while the old cluster's connections "
                + "to the same peer went on. No security group or network ACL of ours rejected anything.",
            facts: [
                LabelledText("peer", "203.0.113.88:9443"), LabelledText("side", "target-only"),
                LabelledText("excess", "142 connections"), LabelledText("baseline", "0.4 per minute"),
                LabelledText("subnets", "subnet-0b15e7d3c1b9f40826, subnet-0b25e7d3c1b9f40826"),
            ], evidencePositions: [304, 301, 302, 305, 308], charts: [dropChart])
    }

    private static var dropChart: Chart {
        var random = SeededRandom(seed: 11)
        func points(_ value: (Int) -> Double?) -> [Chart.Point] {
            (0..<90).map { Chart.Point(time("09:30:00").adding(seconds: Int64($0) * 60), value($0)) }
        }
        let target = points {
            $0 == 60
                ? nil
                : Double(
                    (22..<37).contains($0)
                        ? 7 + Int.random(in: 0..<6, using: &random) : Int.random(in: 0..<2, using: &random))
        }
        let source = points { $0 == 60 ? nil : Double(Int.random(in: 0..<2, using: &random)) }
        return Chart(
            title: "Unanswered connections to 203.0.113.88:9443",
            explanation: "The new cluster rises to about ten a minute for 15 minutes; the old one stays near zero.",
            axis: "connections per minute", unit: .plain,
            series: [
                .init(name: "harbor-sm-eu-1", role: .source, points: source),
                .init(name: "harbor-eks-eu-1", role: .target, points: target),
            ],
            band: .init(
                name: "expected",
                points: (0..<90).map { .init(time("09:30:00").adding(seconds: Int64($0) * 60), low: 0, high: 2.5) }),
            windows: [.init(start: time("09:52:00"), end: time("10:07:00"), label: "finding 1")],
            marks: [.init(time("09:30:00"), "10%"), .init(time("09:40:00"), "50%"), .init(time("10:40:00"), "100%")],
            levels: [.init(4, "decided at 4")])
    }

    private static var slow: TimelineFinding {
        var random = SeededRandom(seed: 12)
        func points(_ factor: Double) -> [Chart.Point] {
            (0..<90).map { minute in
                let noise = 1 + Double(Int.random(in: -80..<80, using: &random)) / 1000
                return Chart.Point(
                    time("09:30:00").adding(seconds: Int64(minute) * 60), 0.44 * noise * (minute >= 27 ? factor : 1))
            }
        }
        return TimelineFinding(
            id: "b20e6611c9d4", kind: "latency",
            title: "search: P99 latency in harbor-eks-eu-1 2.1 times that of the source",
            severity: .warning, status: "open", start: time("09:57:00"), end: nil,
            facts: [LabelledText("effect", "2.11 (1.84 to 2.40)"), LabelledText("margin", "1.15")],
            evidencePositions: [310],
            charts: [
                Chart(
                    title: "P99 latency of search", axis: "time to answer", unit: .seconds,
                    series: [
                        .init(name: "harbor-sm-eu-1", role: .source, points: points(1)),
                        .init(name: "harbor-eks-eu-1", role: .target, points: points(2.1)),
                    ],
                    windows: [
                        .init(start: time("09:57:00"), end: time("10:59:00"), label: "finding 2", severity: .warning)
                    ])
            ])
    }

    private static var entries: [TimelineEntry] {
        let migration = "migration/harbor-eu-1"
        func entry(
            _ clock: String, _ kind: TimelineEntry.Kind, _ actor: String, _ action: String, _ position: UInt64?,
            _ severity: TimelineEntry.Severity = .info, evidence: [TimelineEntry.Evidence] = [], marker: String? = nil
        ) -> TimelineEntry {
            TimelineEntry(
                time: time(clock), kind: kind, severity: severity, actor: actor, action: action, evidence: evidence,
                position: position, stream: migration, migration: migration, marker: marker)
        }
        var entries = [
            TimelineEntry(
                time: day("2026-02-16T10:00:00Z"), kind: .plan, actor: "ines.duarte", action: "Planned the migration",
                evidence: ["16 applications"], position: 0, stream: migration, migration: migration),
            entry(
                "09:28:00", .gate, "harbor-conductor", "Gate shift-traffic passed", 201, .success,
                evidence: ["16 of 16 ready"]),
            entry("09:29:00", .phase, "ines.duarte", "Started shift-traffic", 202),
            entry("09:30:00", .traffic, "ines.duarte", "Shifted traffic to 90/10", 203),
            entry("09:40:00", .traffic, "ines.duarte", "Shifted traffic to 50/50", 210),
            entry(
                "09:52:00", .finding, "cairn", "Connections to 203.0.113.88:9443 unanswered", 305, .critical,
                evidence: [.init("flow log of 09:50", position: 301), .init("flow log of 09:55", position: 304)],
                marker: "OUTAGE BEGINS"),
            entry(
                "10:07:00", .finding, "cairn", "Connections to 203.0.113.88:9443 answered again", 330, .success,
                marker: "OUTAGE ENDS"),
            entry(
                "10:31:00", .note, "owen.hughes",
                "A partner on-call says they rolled back a firewall change. <script>alert('x')</script> & \"more\"", 340
            ),
            entry(
                "10:35:00", .correction, "tomas.kral", "Corrected the start from 09:55:00 to 09:52:00", 341,
                evidence: [.init("", position: 305)]),
            entry("10:36:00", .violation, "cairn", "Weights did not sum to 100", nil, .warning),
        ]
        for step in 0..<7 {
            entries.append(
                entry(
                    "09:0\(step):30", .workload, "harbor-conductor",
                    "Scaled app-\(step) in harbor-eks-eu-1 from 1 to 5",
                    UInt64(120 + step)))
        }
        entries[4].recordedTime = time("10:20:00")
        return entries
    }
}
