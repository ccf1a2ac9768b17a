import CairnBytes
import CairnModel
import Testing

struct FindingStateTests {
    private static let start = Timestamp("2026-03-10T10:00:00Z")!
    private static let later = start.adding(seconds: 60)

    private static func state(_ events: [(String, JSONValue)]) -> FindingState {
        var state = FindingState()
        for (index, event) in events.enumerated() {
            state.apply(
                RecordedEvent(
                    position: UInt64(index), id: "\(index)", source: "/s", type: event.0,
                    subject: StreamName("finding/f")!, revision: UInt64(index),
                    time: start.adding(seconds: Int64(index)), recordedTime: start, data: event.1,
                    actor: Actor(id: "ana@host", type: "local")))
        }
        return state
    }

    private static let opened: (String, JSONValue) = ("cairn.finding.opened.v1", ["finding": "f", "kind": "reset"])

    @Test func aMuteHoldsUntilItExpires() {
        let state = FindingStateTests.state([
            FindingStateTests.opened,
            ("cairn.finding.muted.v1", ["reason": "known", "expires": "2026-03-10T11:00:00Z"]),
        ])
        let until = Timestamp("2026-03-10T11:00:00Z")!
        #expect(state.silencing(at: until.adding(seconds: -1))?.reason == "known")
        let said = FindingStateTests.start.adding(seconds: 1)
        #expect(state.note(at: said) == "muted by ana@host until 2026-03-10T11:00:00Z: known")
        #expect(state.silencing(at: FindingStateTests.start) == nil, "nobody had said it yet")
        #expect(state.note(at: FindingStateTests.start) == nil)
        #expect(state.silencing(at: until) == nil)
        #expect(state.note(at: until) == nil)
        #expect(state.isOpen)
    }

    @Test func anAcknowledgedFindingStillCounts() {
        let state = FindingStateTests.state([
            FindingStateTests.opened, ("cairn.finding.acknowledged.v1", ["reason": "on it", "person": "bo"]),
        ])
        #expect(state.silencing(at: FindingStateTests.later) == nil)
        #expect(state.note(at: FindingStateTests.later) == "acknowledged by bo: on it")
    }

    @Test func takenBackItCountsAgain() {
        let state = FindingStateTests.state([
            FindingStateTests.opened, ("cairn.finding.muted.v1", ["reason": "a"]),
            ("cairn.finding.marked_false.v1", ["reason": "b"]), ("cairn.finding.unmuted.v1", ["reason": "c"]),
        ])
        #expect(state.silencing(at: FindingStateTests.later) == nil)
    }

    @Test func onlyCairnFinds() {
        let state = FindingStateTests.state([("observed.finding.opened.v1", ["finding": "f"])])
        #expect(!state.isOpen && state.data == nil)
    }

    @Test func whatMayNotBeSaid() {
        func rule(_ events: [(String, JSONValue)], _ name: String, _ data: JSONValue) -> Rule? {
            FindingStateTests.state(events).refusal(of: name, data, at: FindingStateTests.later)?.rule
        }
        let open = [FindingStateTests.opened]
        let muted = open + [("cairn.finding.muted.v1", ["reason": "a"])]
        let withdrawn = open + [("cairn.finding.withdrawn.v1", ["reason": "gone"])]
        let reason: JSONValue = ["reason": "known"]
        #expect(rule([], "finding.muted", reason) == .findingUnknown)
        #expect(rule(open, "finding.muted", reason) == nil)
        #expect(rule(open, "finding.muted", [:]) == .invalidData)
        #expect(rule(open, "finding.muted", ["reason": "x", "expires": "2026-03-10T09:00:00Z"]) == .invalidData)
        #expect(rule(open, "finding.unmuted", reason) == .notMuted)
        #expect(rule(muted, "finding.unmuted", reason) == nil)
        #expect(rule(withdrawn, "finding.marked_false", reason) == .findingWithdrawn)
        #expect(rule(open, "finding.withdrawn", reason) == nil, "none of people's words")
    }
}
