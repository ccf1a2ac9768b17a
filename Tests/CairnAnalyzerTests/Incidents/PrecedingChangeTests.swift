import CairnAnalyzer
import CairnBytes
import CairnModel
import Testing

struct PrecedingChangeTests {
    private static let start = Timestamp("2026-03-10T09:00:00Z")!

    private static func history() -> ChangeHistory {
        var history = ChangeHistory()
        let events: [(Int64, String, JSONValue)] = [
            (0, "migration.planned", ["source_cluster": "old", "target_cluster": "new"]),
            (10, "approval.granted", ["phase": "shift-traffic", "approver": "priya"]),
            (20, "phase.started", ["phase": "shift-traffic"]),
            (25, "hook.called", ["hook": "smoke", "phase": "shift-traffic"]),
            (30, "traffic.shifted", ["kind": "production", "weights": ["source": 90, "target": 10]]),
            (40, "traffic.shifted", ["kind": "production", "weights": ["source": 50, "target": 50]]),
        ]
        for (index, event) in events.enumerated() {
            history.note(
                RecordedEvent(
                    position: UInt64(index), id: "\(index)", source: "/s", type: "observed.\(event.1).v1",
                    subject: StreamName("migration/m")!, revision: UInt64(index),
                    time: start.adding(seconds: event.0 * 60), recordedTime: start, data: event.2,
                    actor: Actor(id: "a", type: "local")))
        }
        return history
    }

    private static func change(_ minute: Int64, _ cluster: String = "new") -> PrecedingChange? {
        history().change(before: start.adding(seconds: minute * 60), clusters: [cluster])
    }

    @Test func theLastChangeBeforeIsNamedWithItsPhaseHookAndApproval() throws {
        let change = try #require(PrecedingChangeTests.change(52))
        #expect(change.what == "production traffic to 50 % on the target")
        #expect(change.position == 5)
        #expect(change.phase == "shift-traffic")
        #expect(change.approvedBy == "priya")
        #expect(change.hook == "smoke")
        let json = change.json(before: PrecedingChangeTests.start.adding(seconds: 52 * 60))
        #expect(json["seconds_before"]?.integer == 720)
        #expect(PrecedingChangeTests.change(35)?.position == 4)
    }

    @Test func whatIsLongAgoOrElsewhereIsNoSuspect() {
        #expect(PrecedingChangeTests.change(40 + 181) == nil)
        #expect(PrecedingChangeTests.change(52, "another") == nil)
        #expect(PrecedingChangeTests.change(15) == nil, "an approval alone changes nothing")
    }

    @Test func severityAndImpact() {
        #expect(IncidentBrief.severity(["analyzer": "silence"]) == "warning")
        #expect(IncidentBrief.severity(["analyzer": "drops", "side": "target-only"]) == "critical")
        #expect(IncidentBrief.severity(["analyzer": "drops", "side": "source-only"]) == "warning")
        #expect(
            IncidentBrief.impact([
                "excess": 106.4, "cluster": "new", "start": "2026-03-10T09:52:00Z", "end": "2026-03-10T10:07:00Z",
            ]) == "106 connections of new more than usual in 15 min")
        #expect(IncidentBrief.impact([:]) == nil)
    }
}
