package import CairnLedger
package import CairnModel
internal import CairnReadModels
internal import CairnSeries

/// Drops batches of samples that a sealed window stands for, and windows that a larger one stands for.
///
/// Nothing is dropped that a finding, gate, approval, incident or hold cites, nothing that a finding would be judged
/// without, and nothing before its window has been read and found to have every one of its samples.
package struct SampleRetention {
    package struct Outcome: Sendable, Hashable {
        package var batches = 0
        package var windows = 0
        /// Bytes of content that went.
        package var bytes = 0
        /// Batches and windows that are kept because they are evidence.
        package var kept = 0
        /// Windows that do not have what they stand for, in words; nothing behind them was dropped.
        package var problems: [String] = []

        package init() {}
    }

    /// Contents dropped by one change of the files.
    private static let removedAtOnce = 1000

    private let ledger: Ledger
    private let actor: Actor
    private let reader = SampleBatchReader()

    package init(ledger: Ledger, actor: Actor) {
        self.ledger = ledger
        self.actor = actor
    }

    package func run(reason: String, approvedBy: String) throws -> Outcome {
        try ledger.refresh()
        var outcome = Outcome()
        let history = try SampleHistory(ledger)
        let bounds = try EvidenceBounds(ledger)
        let live = history.liveWindows
        var removals: [Removal] = []
        for window in live {
            let covered = history.batches.filter { window.covers($0.position) && !history.isGone($0.attachment) }
            let smaller = history.windows.filter { other in
                other.position != window.position && !history.isGone(other.attachment)
                    && !live.contains { $0.position == other.position } && other.firstCovered >= window.firstCovered
                    && other.lastCovered <= window.lastCovered
            }
            if covered.isEmpty, smaller.isEmpty { continue }
            let isSafe = bounds.allow(history.batches.filter { window.covers($0.position) })
            let droppedBatches = covered.filter { isSafe && !bounds.cited.contains($0.position) }
            let droppedWindows = smaller.filter { !bounds.cited.contains($0.position) }
            outcome.kept += covered.count - droppedBatches.count + smaller.count - droppedWindows.count
            if droppedBatches.isEmpty, droppedWindows.isEmpty { continue }
            if let problem = try problem(of: window, droppedBatches, droppedWindows) {
                outcome.problems.append("the window of entry \(window.position): \(problem)")
                continue
            }
            for attachment in droppedBatches.map(\.attachment) + droppedWindows.map(\.attachment) {
                removals.append(
                    Removal(
                        digest: attachment.digest, kind: .dropped, reason: reason, approvedBy: approvedBy,
                        replacedBy: window.attachment.digest))
                outcome.bytes += attachment.byteCount
            }
            outcome.batches += droppedBatches.count
            outcome.windows += droppedWindows.count
        }
        var rest = removals[...]
        while !rest.isEmpty {
            try ledger.remove(Array(rest.prefix(SampleRetention.removedAtOnce)), actor: actor)
            rest = rest.dropFirst(SampleRetention.removedAtOnce)
        }
        return outcome
    }

    /// Why a window cannot stand for these, or nil: it is read as a whole, and every sample is looked up in it.
    private func problem(
        of window: SampleHistory.Window, _ batches: [SampleHistory.Batch], _ windows: [SampleHistory.Window]
    ) throws -> String? {
        do {
            let all = try series(window.attachment, isWindow: true)
            for batch in batches {
                if let missing = SampleRetention.missing(try series(batch.attachment, isWindow: false), in: all) {
                    return "it lacks a sample of \(missing) that entry \(batch.position) has"
                }
            }
            for smaller in windows {
                if let missing = SampleRetention.missing(try series(smaller.attachment, isWindow: true), in: all) {
                    return "it lacks a sample of \(missing) that entry \(smaller.position) has"
                }
            }
            return nil
        } catch { return "\(error)" }
    }

    private func series(_ attachment: AttachmentReference, isWindow: Bool) throws -> [SeriesSamples] {
        guard case .present(let bytes) = try ledger.content(of: attachment) else { return [] }
        return isWindow
            ? try SampleWindow(reading: bytes).allSeries() : try reader.batch(bytes, content: ledger.content).series
    }

    /// The first series of `part` with a sample that `all` does not have; both are sorted.
    private static func missing(_ part: [SeriesSamples], in all: [SeriesSamples]) -> SeriesKey? {
        var index = 0
        for one in part {
            while index < all.count, all[index].key < one.key { index += 1 }
            guard index < all.count, all[index].key == one.key else { return one.key }
            let samples = all[index].samples
            var place = 0
            for sample in one.samples {
                while place < samples.count, samples[place].timeMs < sample.timeMs { place += 1 }
                var other = place
                while other < samples.count, samples[other] != sample {
                    guard samples[other].timeMs == sample.timeMs else { return one.key }
                    other += 1
                }
                guard other < samples.count else { return one.key }
            }
        }
        return nil
    }
}
