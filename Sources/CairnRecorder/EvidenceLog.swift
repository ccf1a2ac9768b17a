internal import CairnBytes
internal import CairnFlowLogs
internal import CairnLedger
internal import CairnModel
internal import CairnSeries
internal import Crypto

/// The evidence in a part of the log, read from its attachments alone: what a second judgement works on.
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

    /// Reads entries before `end`.
    init(_ ledger: Ledger, before end: UInt64) throws {
        var summaries: [FlowFileSummary] = []
        var samples = MemorySampleSource()
        var entries: [Entry] = []
        var problems: [String] = []
        try ledger.forEach(from: 0, to: end) { event in
            guard let entry = Entry(event) else { return }
            entries.append(entry)
            for attachment in event.attachments {
                let bytes: [UInt8]
                do {
                    switch try ledger.content(of: attachment) {
                    case .present(let content): bytes = content
                    case .gone:
                        problems.append("the \(attachment.role) of entry \(event.position) were dropped")
                        continue
                    }
                } catch {
                    problems.append("entry \(event.position): \(error)")
                    continue
                }
                do {
                    switch attachment.role {
                    case "flow-counters": summaries.append(try FlowFileSummary(encoded: bytes))
                    case "samples": samples.add(try SampleBatch(encoded: bytes))
                    default: continue
                    }
                } catch { problems.append("entry \(event.position): \(error)") }
            }
        }
        flows = MemoryFlowSource(summaries)
        self.samples = samples
        self.entries = entries
        self.problems = problems
    }
}

extension EvidenceLog.Entry {
    /// Nil for an event that carries no evidence.
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

/// Which entries findings rest on: the index of the evidence, without its content.
struct EvidenceIndex {
    /// How far before a finding its evidence begins: the context that its signal shows.
    private static let contextSeconds: Int64 = 30 * 60

    private var entries: [EvidenceLog.Entry] = []
    private let basis: UInt64

    init(_ ledger: Ledger) throws {
        basis = ledger.size
        try ledger.forEach(from: 0, to: basis) { event in
            if let entry = EvidenceLog.Entry(event) { self.entries.append(entry) }
        }
    }

    /// The newest moment of any evidence of this kind.
    func newest(isFlows: Bool) -> Timestamp {
        entries.filter { $0.isFlows == isFlows }.map(\.last).max() ?? .earliest
    }

    func evidence(
        for finding: FindingDraft, clusters: Set<String>, isFlows: Bool
    ) -> FindingEvidence {
        let from = finding.start.adding(seconds: -EvidenceIndex.contextSeconds)
        let until = finding.end?.adding(seconds: EvidenceIndex.contextSeconds) ?? .latest
        var hash = SHA256()
        var positions: [UInt64] = []
        for entry in entries where entry.isFlows == isFlows && !entry.clusters.isDisjoint(with: clusters) {
            for digest in entry.digests { hash.update(data: digest) }
            if entry.first <= until, entry.last >= from { positions.append(entry.position) }
        }
        return FindingEvidence(
            positions: positions, digest: Hex.string(hash.finalize()), basisPosition: basis)
    }
}
