internal import CairnAnalyzer
internal import CairnBytes
internal import CairnFlowLogs
internal import CairnLedger
internal import CairnModel
internal import CairnReadModels
internal import CairnSeries
internal import Crypto

/// The evidence in a part of the log, read from its attachments alone: what a second judgement works on. Batches of
/// samples that retention dropped are read from the sealed window that stands for them, wherever it is in the log.
struct EvidenceLog {
    /// An entry that carries evidence.
    struct Entry {
        var position: UInt64
        var isFlows: Bool
        var clusters: Set<String>
        var first: Timestamp
        var last: Timestamp
        var digests: [[UInt8]]
    }

    private(set) var flows: MemoryFlowSource
    private(set) var samples = MemorySampleSource()
    private(set) var entries: [Entry] = []
    /// Evidence that is not what was recorded, or is gone, in words.
    private(set) var problems: [String] = []
    /// Retention took some of it, or sealed it together with what came later: no fault, where nothing cites it.
    private(set) var isThinned = false
    /// Something is not what was recorded.
    private(set) var isDamaged = false

    /// Reads entries before `end`.
    init(_ ledger: Ledger, before end: UInt64) throws {
        var reading = Reading(ledger: ledger, end: end, windows: try SampleHistory(ledger).windows)
        try ledger.forEach(from: 0, to: end) { event in
            guard let entry = Entry(event) else { return }
            reading.entries.append(entry)
            for attachment in event.attachments {
                switch attachment.role {
                case "flow-counters": reading.readFlows(attachment, of: event)
                case SampleHistory.batchRole: reading.readBatch(attachment, of: event)
                default: continue
                }
            }
        }
        flows = MemoryFlowSource(reading.summaries)
        samples = reading.samples
        entries = reading.entries
        problems = reading.problems
        (isThinned, isDamaged) = (reading.isThinned, reading.isDamaged)
    }

    private struct Reading {
        let ledger: Ledger
        let end: UInt64
        let windows: [SampleHistory.Window]
        let reader = SampleBatchReader()
        var summaries: [FlowFileSummary] = []
        var samples = MemorySampleSource()
        var entries: [Entry] = []
        var problems: [String] = []
        var isThinned = false
        var isDamaged = false
        /// Windows whose samples are in already: they have those of all batches that they cover.
        var used: [SampleHistory.Window] = []

        mutating func readFlows(_ attachment: AttachmentReference, of event: RecordedEvent) {
            do {
                switch try ledger.content(of: attachment) {
                case .present(let bytes): summaries.append(try FlowFileSummary(encoded: bytes))
                case .gone: noteGone(attachment, of: event)
                }
            } catch { noteDamage(error, of: event) }
        }

        private mutating func noteGone(_ attachment: AttachmentReference, of event: RecordedEvent) {
            isThinned = true
            problems.append("the \(attachment.role) of entry \(event.position) were dropped")
        }

        private mutating func noteDamage(_ error: any Error, of event: RecordedEvent) {
            isDamaged = true
            problems.append("entry \(event.position): \(error)")
        }

        mutating func readBatch(_ attachment: AttachmentReference, of event: RecordedEvent) {
            if used.contains(where: { $0.covers(event.position) }) { return }
            var isGone = false
            do {
                switch try ledger.content(of: attachment) {
                case .present(let bytes):
                    samples.add(try reader.batch(bytes, content: ledger.content))
                    return
                case .gone: isGone = true
                }
            } catch {
                // Damage is told even where a window has the same samples: somebody may have caused it.
                noteDamage(error, of: event)
            }
            for window in windows where window.covers(event.position) {
                guard case .present(let bytes)? = try? ledger.content(of: window.attachment),
                    let all = try? SampleWindow(reading: bytes).allSeries()
                else { continue }
                // What is there already comes once more, and in the same order: that changes nothing.
                for series in all { samples.add(series.samples, to: series.key) }
                used.append(window)
                if window.lastCovered >= end { isThinned = true }
                return
            }
            if isGone { noteGone(attachment, of: event) }
        }
    }
}

extension EvidenceLog.Entry {
    /// Nil for an event that carries no evidence of its own; a sealed window says what its batches said.
    init?(_ event: RecordedEvent) {
        let type = EventType(event.type)
        guard type.family == .cairn, type.name == "flows.counted" || type.name == "samples.recorded" else { return nil }
        var clusters = Set(event.data["clusters"]?.array?.compactMap(\.string) ?? [])
        if let cluster = event.data["cluster"]?.string { clusters.insert(cluster) }
        self.init(
            position: event.position, isFlows: type.name == "flows.counted", clusters: clusters,
            first: event.data["first"]?.string.flatMap { Timestamp($0) } ?? event.time,
            last: event.data["last"]?.string.flatMap { Timestamp($0) } ?? event.time,
            digests: event.attachments.filter { $0.role == "flow-counters" || $0.role == "samples" }.map(\.digest))
    }
}

extension [EvidenceLog.Entry] {
    /// The newest moment that each sender's data tells of.
    var watermarks: [DataSender: Timestamp] {
        var newest: [DataSender: Timestamp] = [:]
        for entry in self {
            for cluster in entry.clusters {
                let sender = DataSender(cluster: cluster, kind: entry.isFlows ? .flowLogs : .samples)
                newest[sender] = Swift.max(newest[sender] ?? entry.last, entry.last)
            }
        }
        return newest
    }
}

/// Which entries findings rest on: the index of the evidence, without its content.
struct EvidenceIndex {
    /// How far before a finding its evidence begins: the context that its signal shows.
    private static let contextSeconds: Int64 = 30 * 60

    private(set) var entries: [EvidenceLog.Entry] = []
    private let basis: UInt64
    /// By position of a batch that was dropped: the window that stands for it.
    private var windows: [UInt64: UInt64] = [:]

    /// - Parameter basis: entries from here on are not looked at.
    init(_ ledger: Ledger, before basis: UInt64) throws {
        self.basis = basis
        let history = try SampleHistory(ledger)
        let live = history.liveWindows
        for batch in history.batches where history.isGone(batch.attachment) {
            windows[batch.position] = live.first { $0.covers(batch.position) }?.position
        }
        try ledger.forEach(from: 0, to: basis) { event in
            if let entry = EvidenceLog.Entry(event) { self.entries.append(entry) }
        }
    }

    var clusters: Set<String> { Set(entries.flatMap(\.clusters)) }

    /// The newest moment of any evidence of this kind.
    func newest(isFlows: Bool) -> Timestamp {
        entries.filter { $0.isFlows == isFlows }.map(\.last).max() ?? .earliest
    }

    /// What an analysis of clusters saw.
    /// - Parameter isFlows: nil for samples and flow logs.
    func seen(of clusters: Set<String>, isFlows: Bool?) -> FindingEvidence {
        var hash = SHA256()
        for entry in entries(of: clusters, isFlows: isFlows) {
            for digest in entry.digests { hash.update(data: digest) }
        }
        return FindingEvidence(digest: Hex.string(hash.finalize()), basisPosition: basis)
    }

    private func entries(of clusters: Set<String>, isFlows: Bool?) -> [EvidenceLog.Entry] {
        entries.filter { (isFlows ?? $0.isFlows) == $0.isFlows && !$0.clusters.isDisjoint(with: clusters) }
    }

    func evidence(
        for finding: FindingDraft, clusters: Set<String>, isFlows: Bool
    ) -> FindingEvidence {
        let from = finding.start.adding(seconds: -EvidenceIndex.contextSeconds)
        let until = finding.end?.adding(seconds: EvidenceIndex.contextSeconds) ?? .latest
        var evidence = seen(of: clusters, isFlows: isFlows)
        var known: Set<UInt64> = []
        for entry in entries(of: clusters, isFlows: isFlows) where entry.first <= until && entry.last >= from {
            // What is cited is kept, so it has to be there.
            let position = windows[entry.position] ?? entry.position
            if known.insert(position).inserted { evidence.positions.append(position) }
        }
        return evidence
    }
}
