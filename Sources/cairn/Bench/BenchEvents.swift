import CairnBytes
import CairnModel

/// Events for measurements: the demo's mix of types and sizes, without its meaning, the same for the same number.
struct BenchEvents {
    private static let streams = 1600

    /// - Returns: about 600 bytes of canonical JSON an event, as in the demo's ledger.
    static func event(_ number: Int) -> ProposedEvent {
        let application = "app-\(number % streams)"
        let time = Timestamp(seconds: 1_772_000_000 + Int64(number)) ?? .earliest
        let stream = StreamName(kind: "migration", foreignID: "bench-\(number % streams)")
        switch number % 4 {
        case 0:
            return ProposedEvent(
                id: "b-\(number)", source: "/cairn/bench", type: "observed.workload.scaled.v1", subject: stream,
                time: time,
                data: [
                    "application": .string(application), "cluster": "eks", "from": .integer(number % 7),
                    "to": .integer(number % 7 + 1),
                ])
        case 1:
            return ProposedEvent(
                id: "b-\(number)", source: "/cairn/bench", type: "observed.check.completed.v1", subject: stream,
                time: time,
                data: [
                    "name": .string("health of \(application)"), "result": "pass",
                    "detail": .string("\(number % 97) of \(number % 97) pods ready, P99 \(number % 311) ms"),
                ])
        case 2:
            return ProposedEvent(
                id: "b-\(number)", source: "/cairn/bench", type: "k8s.event.v1", subject: stream, time: time,
                data: [
                    "kind": "Event", "reason": "Scheduled", "type": "Normal",
                    "metadata": ["name": .string("\(application).\(number)"), "namespace": "shop"],
                    "involvedObject": [
                        "kind": "Pod", "name": .string("\(application)-\(number)"), "namespace": "shop",
                    ],
                    "message": .string(
                        "Successfully assigned shop/\(application)-\(number) to ip-10-0-\(number % 255)-7"),
                ])
        default:
            return ProposedEvent(
                id: "b-\(number)", source: "/cairn/bench", type: "observed.phase.started.v1", subject: stream,
                time: time,
                data: ["phase": "move-workloads", "reason": .string("wave \(number % 40)")])
        }
    }
}

/// One line of the table: what was measured, beside its baseline of the same run.
struct BenchResult {
    var name: String
    var amount: String
    var measured: Double
    var unit: String
    var baselineName: String
    var baseline: Double
    /// How the two compare, and the ratio aimed at.
    var ratio: Double
    var target: String
    var note: String
}

/// The value at a share of sorted values.
func percentile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}
