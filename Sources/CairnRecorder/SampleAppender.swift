internal import CairnBytes
internal import CairnIngest
internal import CairnLedger
internal import CairnModel
internal import CairnReadModels
internal import CairnSeries

/// Appends samples: those of one cluster that came together become one attachment and one event.
struct SampleAppender {
    /// Samples of series that say no cluster belong to this one, and are shown so.
    static let unassigned = "unassigned"
    /// Samples held before an event is made of them: enough that one event in a thousand samples is nothing.
    private static let samplesHeldMax = 1_000_000
    /// Names and labels held before that: each sample may be of another series with 16 KiB of them.
    private static let keyBytesHeldMax = 256 << 20

    private let ledger: Ledger
    private let clock: any WallClock
    private let request: ImportRequest
    private let importName: String
    private var held: [String: [SeriesSamples]] = [:]
    private var names: [String: SampleNames] = [:]
    private var heldCount = 0
    private var number = 0
    private var heldKeyBytes = 0
    /// Hashes of the series that came. Two of one hash count as one, which only makes the limit a little larger.
    private var seriesSeen: Set<Int> = []
    private(set) var accepted = 0
    /// Samples of series beyond the limit.
    private(set) var rejected = 0

    /// What one attachment of the log can have, less some room.
    private static let batchBytesMax = 60 << 20

    init(ledger: Ledger, clock: any WallClock, request: ImportRequest, importName: String) {
        self.ledger = ledger
        self.clock = clock
        self.request = request
        self.importName = importName
    }

    mutating func append(_ rows: SampleRows) throws {
        for series in rows.series where !series.samples.isEmpty {
            let hash = series.key.hashValue
            guard seriesSeen.count < request.seriesMax || seriesSeen.contains(hash) else {
                rejected += series.samples.count
                continue
            }
            seriesSeen.insert(hash)
            let cluster = series.key[SeriesKey.clusterLabel] ?? SampleAppender.unassigned
            held[cluster, default: []].append(series)
        }
        heldCount += rows.count
        heldKeyBytes += rows.keyBytes
        if heldCount >= SampleAppender.samplesHeldMax || heldKeyBytes >= SampleAppender.keyBytesHeldMax {
            try flush()
            heldKeyBytes = 0
        }
    }

    mutating func finish() throws { try flush() }

    private mutating func flush() throws {
        var batch: [Append] = []
        for (cluster, series) in held.sorted(by: { $0.key < $1.key }) {
            for part in SampleBatch(series).split() {
                for (part, bytes) in try encoded(part, cluster: cluster) {
                    batch.append(
                        Append(
                            SampleWriter.event(
                                bytes, id: "\(importName)/samples/\(number)", source: Importer.source, cluster: cluster,
                                series: part.series.count, samples: part.sampleCount,
                                timesMs: part.timeRangeMs ?? 0...0, importName: importName,
                                onBehalfOf: request.onBehalfOf)))
                    number += 1
                    accepted += part.sampleCount
                }
            }
        }
        held = [:]
        heldCount = 0
        if batch.isEmpty { return }
        do { try ledger.append(batch, actor: request.actor) } catch let error as LedgerError
            where error.code == .identityConflict
        {
            for one in batch { try appendUnlessThere(one) }
        }
    }

    /// An import that was interrupted tells its samples again, and may cite other names for them than the first time.
    private func appendUnlessThere(_ one: Append) throws {
        do { try ledger.append([one], actor: request.actor) } catch let error as LedgerError
            where error.code == .identityConflict
        {
            guard try isThere(one.event) else { throw error }
        }
    }

    private func isThere(_ event: ProposedEvent) throws -> Bool {
        let reader = SampleBatchReader()
        let sent = try reader.batch(event.attachments[0].content, content: ledger.content)
        var isThere = false
        try ledger.forEach(in: event.subject) { stored in
            guard stored.id == event.id, stored.source == event.source, let attachment = stored.attachments.first,
                case .present(let bytes) = try ledger.content(of: attachment)
            else { return }
            isThere = try reader.batch(bytes, content: ledger.content) == sent
        }
        return isThere
    }

    /// A batch with its bytes; in parts where it has so many long texts that it is over the limits of one.
    private mutating func encoded(_ batch: SampleBatch, cluster: String) throws -> [(SampleBatch, [UInt8])] {
        let bytes: [UInt8]?
        do { bytes = try encodedWhole(batch, cluster: cluster) } catch let error as SampleBatchError {
            guard batch.sampleCount > 1 else { throw error }
            bytes = nil
        }
        if let bytes, bytes.count <= SampleAppender.batchBytesMax { return [(batch, bytes)] }
        var parts: [(SampleBatch, [UInt8])] = []
        for part in batch.split(samplesMax: (batch.sampleCount + 1) / 2) {
            parts += try encoded(part, cluster: cluster)
        }
        return parts
    }

    private mutating func encodedWhole(_ batch: SampleBatch, cluster: String) throws -> [UInt8] {
        if SampleNames.areInline(series: batch.series.count, samples: batch.sampleCount) { return try batch.encoded() }
        var known = names[cluster]
        if known?.isFull ?? true {
            known = SampleNames(ledger: ledger, actor: request.actor, cluster: cluster, clock: clock)
            names[cluster] = known
        }
        guard let known else { return try batch.encoded() }
        let numbers = batch.series.map { known.number(of: $0.key) }
        let samples = Dictionary(uniqueKeysWithValues: zip(numbers, batch.series.map(\.samples)))
        return try known.encode(numbers) { samples[$0] ?? [] }
    }
}
