internal import CairnBytes
internal import CairnLedger
internal import CairnModel

/// What was judged, so that it can be judged again: sealing and dropping must leave every recorded finding the samples
/// that it rested on, and no others.
///
/// A finding rests on all samples of its clusters that the log had up to its basis, and that are no later than the end
/// of what was judged. A window that stands for batches on both sides of a basis would bring samples into a second
/// judgement that nobody had at the first; unless they are later than that end, or of other clusters.
struct EvidenceBounds {
    fileprivate struct Judgement: Hashable {
        var basis: UInt64
        var untilMs: Int64
        var clusters: Set<String>
    }

    fileprivate var judgements: Set<Judgement> = []
    /// Entries that a finding, gate, approval, incident or hold names.
    private(set) var cited: Set<UInt64> = []

    /// Streams whose events may cite evidence.
    private static let families = ["finding.", "gate.", "approval.", "incident.", "hold."]

    init(_ ledger: Ledger) throws {
        // What found nothing cites nothing; the last analysis of each kind can be made again all the same.
        var analyses: [StreamName: JSONValue] = [:]
        try ledger.forEach(from: 0) { event in
            let type = EventType(event.type)
            let name = type.name
            if type.family == .cairn, name == AnalysisTrace.name, event.data["judged"]?["until_ms"] != nil {
                analyses[event.subject] = event.data
            }
            guard EvidenceBounds.families.contains(where: name.hasPrefix) else { return }
            let judges: Set<String> = ["finding.opened", "finding.revised", "gate.evaluated"]
            self.note(event.data, isJudgement: judges.contains(name))
        }
        for data in analyses.values { note(data, isJudgement: true) }
    }

    private mutating func note(_ data: JSONValue, isJudgement: Bool) {
        for key in ["evidence", "positions"] {
            for position in data[key]?.array ?? [] {
                if let position = position.integer.flatMap({ UInt64(exactly: $0) }) { cited.insert(position) }
            }
        }
        guard isJudgement, let basis = data["basis_position"]?.integer.flatMap({ UInt64(exactly: $0) }),
            let judged = data["judged"], judged["since_minute"] == nil
        else { return }
        let names = [data["clusters"]?["source"]?.string, data["clusters"]?["target"]?.string].compactMap { $0 }
        judgements.insert(
            Judgement(basis: basis, untilMs: judged["until_ms"]?.integer ?? .max, clusters: Set(names)))
    }

    /// Whether one window may stand for these batches.
    func allow(_ batches: [SampleHistory.Batch]) -> Bool {
        var stretch = Stretch(self)
        return stretch.add(batches)
    }

    /// Batches that are to become one window, looked at one after the other.
    struct Stretch {
        private let judgements: [Judgement]
        /// Per judgement: whether a batch is there that it rested on, and one that it must not see.
        private var hasBasis: [Bool]
        private var hasLater: [Bool]

        init(_ bounds: EvidenceBounds) {
            judgements = Array(bounds.judgements)
            hasBasis = [Bool](repeating: false, count: judgements.count)
            hasLater = hasBasis
        }

        /// Adds batches, if one window may still stand for all; otherwise nothing changes.
        mutating func add(_ batches: [SampleHistory.Batch]) -> Bool {
            var next = self
            for batch in batches {
                for (index, judgement) in judgements.enumerated() {
                    guard judgement.clusters.isEmpty || judgement.clusters.contains(batch.cluster) else { continue }
                    if batch.position < judgement.basis {
                        next.hasBasis[index] = true
                    } else if batch.first.milliseconds < judgement.untilMs {
                        next.hasLater[index] = true
                    }
                    if next.hasBasis[index], next.hasLater[index] { return false }
                }
            }
            self = next
            return true
        }
    }
}
