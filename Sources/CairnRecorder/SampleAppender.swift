internal import CairnBytes
internal import CairnIngest
internal import CairnLedger
internal import CairnModel
internal import CairnSeries

/// Appends samples: those of one cluster that came together become one attachment and one event.
struct SampleAppender {
    /// Samples of series that say no cluster belong to this one, and are shown so.
    static let unassigned = "unassigned"
    /// Samples held before an event is made of them: enough that one event in a thousand samples is nothing.
    private static let samplesHeldMax = 1_000_000

    private let ledger: Ledger
    private let clock: any WallClock
    private let request: ImportRequest
    private let importName: String
    private var held: [String: [SeriesSamples]] = [:]
    private var heldCount = 0
    private var number = 0
    /// Hashes of the series that came. Two of one hash count as one, which only makes the limit a little larger.
    private var seriesSeen: Set<Int> = []
    private(set) var accepted = 0
    /// Samples of series beyond the limit.
    private(set) var rejected = 0

    /// Different series in one file. Four times what a fleet of 1,600 applications emits: more is a label with an
    /// identifier in it, which would make every later question slow.
    static let seriesMax = 4_000_000
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
            guard seriesSeen.count < SampleAppender.seriesMax || seriesSeen.contains(hash) else {
                rejected += series.samples.count
                continue
            }
            seriesSeen.insert(hash)
            let cluster = series.key[SeriesKey.clusterLabel] ?? SampleAppender.unassigned
            held[cluster, default: []].append(series)
        }
        heldCount += rows.count
        if heldCount >= SampleAppender.samplesHeldMax { try flush() }
    }

    mutating func finish() throws { try flush() }

    private mutating func flush() throws {
        var batch: [Append] = []
        for (cluster, series) in held.sorted(by: { $0.key < $1.key }) {
            let all = SampleBatch(series)
            for part in all.split() {
                for (part, bytes) in try SampleAppender.encoded(part) {
                    batch.append(Append(event(part, bytes, cluster: cluster)))
                    accepted += part.sampleCount
                }
            }
        }
        held = [:]
        heldCount = 0
        if !batch.isEmpty { _ = try ledger.append(batch, actor: request.actor) }
    }

    /// A batch with its bytes; in parts where it has so many long texts that it is over the limits of one.
    private static func encoded(_ batch: SampleBatch) throws -> [(SampleBatch, [UInt8])] {
        let bytes: [UInt8]?
        do { bytes = try batch.encoded() } catch {
            guard batch.sampleCount > 1 else { throw error }
            bytes = nil
        }
        if let bytes, bytes.count <= batchBytesMax { return [(batch, bytes)] }
        var parts: [(SampleBatch, [UInt8])] = []
        for part in batch.split(samplesMax: (batch.sampleCount + 1) / 2) { parts += try encoded(part) }
        return parts
    }

    private mutating func event(_ batch: SampleBatch, _ bytes: [UInt8], cluster: String) -> ProposedEvent {
        let range = batch.timeRangeMs ?? 0...0
        let first = Timestamp(milliseconds: range.lowerBound) ?? .earliest
        let last = Timestamp(milliseconds: range.upperBound) ?? .latest
        defer { number += 1 }
        return ProposedEvent(
            id: "\(importName)/samples/\(number)", source: Importer.source, type: "cairn.samples.recorded.v1",
            subject: StreamName(kind: "samples", foreignID: cluster), time: last,
            data: [
                "cluster": .string(cluster), "series": .integer(batch.series.count),
                "samples": .integer(batch.sampleCount), "first": .string(first.description),
                "last": .string(last.description), "import": .string(importName),
            ], onBehalfOf: request.onBehalfOf,
            attachments: [
                ProposedAttachment(
                    role: "samples", mediaType: SampleBatch.mediaType, content: bytes,
                    retention: .droppable)
            ])
    }
}
