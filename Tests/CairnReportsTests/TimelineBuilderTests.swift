import CairnBytes
import CairnModel
import CairnReports
import CairnWeb
import Testing

/// What a timeline says of runs that fail, go back, or end after the stretch of time that it shows.
@Suite struct TimelineBuilderTests {
    private static let deployment = "deployment/shop/orders/E1"

    private struct History {
        var events: [RecordedEvent] = []
        static let start = Timestamp("2026-03-10T10:00:00Z") ?? .earliest

        mutating func add(_ type: String, _ stream: String, minute: Int64, _ data: JSONValue = [:]) throws {
            let position = UInt64(events.count)
            let time = History.start.adding(seconds: minute * 60)
            events.append(
                RecordedEvent(
                    position: position, id: "e\(position)", source: "/test", type: type,
                    subject: try #require(StreamName(stream)), revision: position, time: time, recordedTime: time,
                    data: data, actor: Actor(id: "alice", type: "local")))
        }

        func document(_ scope: TimelineScope = TimelineScope()) -> TimelineDocument {
            var builder = TimelineBuilder(scope: scope, ledger: nil)
            for event in events { builder.add(event) }
            return builder.document()
        }
    }

    private static let unjudged =
        "Nothing was judged, as far as the log tells: it has neither an analysis nor a gate's decision."

    /// A gate that looked and found nothing is another thing than nobody having looked.
    @Test func thatNothingWasFoundIsSaidOnlyAfterAJudgement() throws {
        var history = try TimelineBuilderTests.rolledBack()
        #expect(history.document().summary.whatHappened.hasSuffix(TimelineBuilderTests.unjudged))
        try history.add(
            "cairn.gate.evaluated.v1", "migration/m1", minute: 1, ["phase": "build", "result": "pass", "reasons": []])
        #expect(history.document().summary.whatHappened.hasSuffix("No finding stands in this stretch of time."))
    }

    private static func analysis(from: Int64, to: Int64, diverged: Int) -> JSONValue {
        func time(_ minute: Int64) -> JSONValue { .string(History.start.adding(seconds: minute * 60).description) }
        return [
            "analyzer": "divergence", "clusters": ["source": "old", "target": "new"], "start": time(from),
            "end": time(to), "behind_seconds": 300,
            "counts": [
                "judged": 24, "diverged": .integer(diverged), "equivalent": 20, "undecided": 4,
                "reasons": ["low_traffic": 1, "too_few_samples": 3],
            ],
        ]
    }

    /// An analysis that found nothing is a judgement, of its stretch of time and clusters.
    @Test func anAnalysisThatFoundNothingIsTold() throws {
        var history = try TimelineBuilderTests.rolledBack()
        let stream = "analysis/divergence/old/new"
        try history.add(
            "cairn.analysis.completed.v1", stream, minute: 5, TimelineBuilderTests.analysis(from: 0, to: 5, diverged: 1)
        )
        try history.add(
            "cairn.analysis.completed.v1", stream, minute: 9, TimelineBuilderTests.analysis(from: 0, to: 9, diverged: 0)
        )
        let judged =
            "divergence until 2026-03-10 10:09:00 UTC, 300 s behind the newest data: 24 compared, none diverged, "
            + "20 equivalent, 4 undecided (1 low traffic, 3 too few samples)"
        let summary = history.document().summary
        #expect(summary.whatHappened.hasSuffix("No finding stands in this stretch of time."))
        #expect(summary.more == [LabelledText("Judged", judged)])
        #expect(history.document().entries.allSatisfy { $0.stream != stream }, "thousands are no lines")
        // Neither what was before it, nor other clusters, nor what somebody else says.
        let before = history.document(TimelineScope(until: History.start.adding(seconds: -60))).summary
        #expect(before.whatHappened == TimelineBuilderTests.unjudged)
        try history.add(
            "cairn.migration.planned.v1", "migration/m1", minute: 0, ["source_cluster": "a", "target_cluster": "b"])
        #expect(history.document(TimelineScope(migration: "m1")).summary.more.isEmpty)
        var told = try TimelineBuilderTests.rolledBack()
        try told.add(
            "observed.analysis.completed.v1", stream, minute: 9,
            TimelineBuilderTests.analysis(from: 0, to: 9, diverged: 0))
        #expect(told.document().summary.whatHappened.hasSuffix(TimelineBuilderTests.unjudged))
    }

    private static func rolledBack() throws -> History {
        var history = History()
        let step: JSONValue = ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2]
        try history.add("cairn.phase.started.v1", deployment, minute: 0, step)
        try history.add("cairn.rollback.started.v1", deployment, minute: 5, ["reason": "hook judge failed"])
        return history
    }

    @Test func aRollbackEndsWhatRunsAndIsTold() throws {
        var history = try TimelineBuilderTests.rolledBack()
        var document = history.document()
        #expect(document.phases.map(\.status) == [.failed])
        #expect(document.phases[0].end == History.start.adding(seconds: 300))
        #expect(
            document.summary.whatHappened
                == "\(TimelineBuilderTests.deployment) began to roll back at 2026-03-10 10:05:00 UTC: hook judge failed. "
                + TimelineBuilderTests.unjudged)
        #expect(document.summary.status == "a rollback runs")
        try history.add("cairn.rollback.completed.v1", TimelineBuilderTests.deployment, minute: 9)
        try history.add(
            "cairn.deployment.failed.v1", TimelineBuilderTests.deployment, minute: 10, ["reason": "rolled back"])
        document = history.document()
        #expect(document.phases.map(\.status) == [.failed])
        #expect(
            document.summary.whatHappened.hasPrefix(
                "\(TimelineBuilderTests.deployment) was rolled back at 2026-03-10 10:09:00 UTC: hook judge failed"))
        #expect(document.summary.status == "nothing open")
        // Before it and after it there is nothing to tell of it.
        for scope in [
            TimelineScope(until: History.start.adding(seconds: 60)),
            TimelineScope(since: History.start.adding(seconds: 900)),
        ] {
            #expect(history.document(scope).summary.whatHappened == TimelineBuilderTests.unjudged)
        }
    }

    @Test func failedRunsAreToldAndCounted() throws {
        var history = History()
        for index in 0..<7 {
            let run = "deployment/shop/orders/E\(index)"
            try history.add("observed.phase.started.v1", run, minute: 0, ["phase": "SCALE_UP"])
            try history.add("observed.deployment.failed.v1", run, minute: 1, ["reason": "no tasks"])
        }
        try history.add("cairn.phase.started.v1", "migration/m1", minute: 0, ["phase": "build"])
        try history.add("cairn.migration.aborted.v1", "migration/m1", minute: 3, ["reason": "no budget"])
        let all = history.document()
        #expect(all.phases.map(\.status) == Array(repeating: .failed, count: 8))
        #expect(all.summary.whatHappened.contains("orders/E0 failed at 2026-03-10 10:01:00 UTC: no tasks; "))
        #expect(all.summary.whatHappened.contains("; 3 more runs failed or went back. "))
        let one = history.document(TimelineScope(since: History.start.adding(seconds: 120)))
        #expect(
            one.summary.whatHappened
                == "migration/m1 was aborted at 2026-03-10 10:03:00 UTC: no budget. " + TimelineBuilderTests.unjudged
        )
    }

    /// The log knows how a phase ended, also where the stretch of time is cut off before.
    @Test func aPhaseThatEndsAfterTheStretchHasItsEnd() throws {
        var history = History()
        try history.add("cairn.phase.started.v1", "migration/m1", minute: 0, ["phase": "build"])
        try history.add("cairn.phase.completed.v1", "migration/m1", minute: 10, ["phase": "build"])
        try history.add("cairn.phase.started.v1", "migration/m1", minute: 20, ["phase": "snapshot"])
        let cut = history.document(TimelineScope(until: History.start.adding(seconds: 300)))
        #expect(
            cut.phases == [
                TimelinePhase(
                    name: "build", start: History.start, end: History.start.adding(seconds: 600), status: .completed)
            ])
        // It ran already when the stretch began; what was over before, and what began later, is not in it.
        let middle = TimelineScope(
            since: History.start.adding(seconds: 300), until: History.start.adding(seconds: 900))
        #expect(history.document(middle).phases.map(\.name) == ["build"])
        let late = history.document(TimelineScope(since: History.start.adding(seconds: 1000)))
        #expect(late.phases.map(\.name) == ["snapshot"] && late.phases.map(\.status) == [.running])
    }

    private static func finding(_ id: String, start: Int64, end: Int64?) -> JSONValue {
        var data: JSONObject = [
            "finding": .string(id), "analyzer": "drops", "analyzer_version": 1, "kind": "unanswered", "scope": [:],
            "clusters": ["source": "old", "target": "new"], "evidence": [],
            "start": .string(History.start.adding(seconds: start * 60).description),
        ]
        if let end { data["end"] = .string(History.start.adding(seconds: end * 60).description) }
        return .object(data)
    }

    @Test func theHeadlineSaysWhatIsStillOpen() throws {
        var history = History()
        try history.add(
            "cairn.finding.opened.v1", "finding/a", minute: 30, TimelineBuilderTests.finding("a", start: 2, end: 7))
        #expect(
            history.document().summary.when == "2026-03-10 from 10:02:00 UTC to 2026-03-10 10:07:00 UTC")
        try history.add(
            "cairn.finding.opened.v1", "finding/b", minute: 30, TimelineBuilderTests.finding("b", start: 5, end: nil))
        #expect(history.document().summary.when == "2026-03-10 from 10:02:00 UTC, still open")
        try history.add(
            "cairn.incident.opened.v1", "incident/i", minute: 30,
            ["incident": "i", "title": "t", "severity": "critical", "finding": "b"])
        try history.add("cairn.incident.closed.v1", "incident/i", minute: 40, ["incident": "i"])
        #expect(
            history.document().summary.when == "2026-03-10 from 10:02:00 UTC to 2026-03-10 10:40:00 UTC")
    }
}
