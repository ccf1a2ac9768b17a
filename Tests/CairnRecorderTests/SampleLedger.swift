import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport

/// A ledger with samples on a disk in memory.
struct SampleLedger {
    static let folder = "/data/ledger"
    static let actor = Actor(id: "tester@sim", type: "local")

    var disk: FaultDisk
    var environment: LedgerEnvironment
    var options = LedgerOptions()

    init(seed: UInt64, faults: [Int: FaultDisk.Fault] = [:]) throws {
        let empty = FaultDisk()
        try empty.createFolder("/data")
        try empty.syncFolder("/")
        // The folder is there for good, and calls are counted from here.
        disk = empty.afterProcessDeath(seed: 1, faults: faults)
        environment = SampleLedger.environment(disk, seed: seed)
        options.sealAttachmentBytes = 20_000
    }

    static func environment(_ disk: FaultDisk, seed: UInt64) -> LedgerEnvironment {
        LedgerEnvironment(
            disk: disk, clock: SimulatedClock(start: Timestamp(microseconds: 1_773_200_000_000_000)),
            random: SimulatedRandomSource(seed: seed), command: "sample test", processID: 1)
    }

    func create() throws -> Ledger {
        try Ledger.create(
            at: Self.folder, origin: "samples.example/log", keyFile: nil, environment: environment, options: options)
    }

    func open() throws -> Ledger {
        try Ledger.open(at: Self.folder, access: .readWrite, environment: environment, options: options)
    }

    /// The event of a batch, as an import makes it.
    static func event(_ batch: SampleBatch, id: String, cluster: String) throws -> ProposedEvent {
        let range = batch.timeRangeMs ?? 0...0
        let first = Timestamp(milliseconds: range.lowerBound) ?? .earliest
        let last = Timestamp(milliseconds: range.upperBound) ?? .latest
        return ProposedEvent(
            id: id, source: "/cairn/import", type: "cairn.samples.recorded.v1",
            subject: StreamName(kind: "samples", foreignID: cluster), time: last,
            data: [
                "cluster": .string(cluster), "series": .integer(batch.series.count),
                "samples": .integer(batch.sampleCount), "first": .string(first.description),
                "last": .string(last.description), "import": "test",
            ],
            attachments: [
                ProposedAttachment(
                    role: "samples", mediaType: SampleBatch.mediaType, content: try batch.encoded(),
                    retention: .droppable)
            ])
    }

    static func append(_ batch: SampleBatch, to ledger: Ledger, id: String, cluster: String = "old") throws {
        _ = try ledger.append([Append(event(batch, id: id, cluster: cluster))], actor: actor)
    }

    /// Digests of everything that is sealed: what a window is made of decides its bytes.
    static func windowContents(_ ledger: Ledger) throws -> [[UInt8]] {
        var contents: [[UInt8]] = []
        try ledger.forEach(from: 0) { event in
            for attachment in event.attachments where attachment.role == "sample-window" {
                if case .present(let bytes) = try ledger.content(of: attachment) { contents.append(bytes) }
            }
        }
        return contents
    }
}

/// Random batches: few series and moments, so that samples are told again, late, and differently.
struct ToldSamples {
    private var told: [SampleBatch] = []

    mutating func next(using random: inout SeededRandom) throws -> SampleBatch {
        if let again = told.randomElement(using: &random), Int.random(in: 0..<7, using: &random) == 0 { return again }
        var parts: [SeriesSamples] = []
        let start = Int64.random(in: 0..<30, using: &random) * 60_000 + 1_773_129_600_000
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let key = try SeriesKey(
                name: ["a_total", "b_seconds"].randomElement(using: &random)!,
                labels: [
                    Label("cluster", "old"), Label("pod", "pod-\(Int.random(in: 0..<6, using: &random))"),
                ])
            let samples = (0..<Int.random(in: 1...20, using: &random)).map { index in
                let choice = Int.random(in: 0..<40, using: &random)
                let value =
                    choice == 0
                    ? Double(bitPattern: Sample.staleMarkerBits)
                    : choice == 1 ? Double(bitPattern: random.next()) : Double(choice) / 4
                return Sample(timeMs: start + Int64(index) * 15_000, value: value)
            }
            parts.append(SeriesSamples(key: key, samples: samples))
        }
        let batch = SampleBatch(parts)
        told.append(batch)
        return batch
    }
}
