import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnRecorder
import CairnSeries

/// Gives the samples of many requests to one writer for each cluster. Belongs to one thread.
struct IntakeWriter {
    /// Samples of series that say no cluster belong to this one, and are shown so.
    private static let unassigned = "unassigned"
    /// With so many series the writers begin anew: names that went away would stay for ever.
    private static let seriesMax = 1_000_000

    /// Where the series of a table are in the writers.
    private struct Mapping {
        var generation: Int
        var keys: [SeriesKey] = []
        /// Of each key: which writer, and its number there; -1 until it is looked up.
        var places: [(writer: Int, series: Int)] = []
    }

    private let ledger: Ledger
    private let clock: any WallClock
    private let run: String
    private var writers: [SampleWriter] = []
    private var numbers: [String: Int] = [:]
    private var mappings: [Int: Mapping] = [:]
    private var seriesCount = 0
    private var renewals = 0

    init(ledger: Ledger, clock: any WallClock, run: String) {
        self.ledger = ledger
        self.clock = clock
        self.run = run
    }

    /// - Parameter newKeys: names of the series of this table and generation that no request brought before.
    mutating func add(_ received: ReceivedSamples, table: Int, generation: Int, newKeys: [SeriesKey]) throws {
        var mapping = mappings.removeValue(forKey: table) ?? Mapping(generation: generation)
        if mapping.generation != generation { mapping = Mapping(generation: generation) }
        defer { mappings[table] = mapping }
        mapping.keys += newKeys
        mapping.places += newKeys.map { _ in (-1, -1) }
        for part in received.parts {
            if mapping.places[part.series].writer < 0 { mapping.places[part.series] = place(mapping.keys[part.series]) }
            let (writer, series) = mapping.places[part.series]
            for sample in received.samples[part.range] {
                try writers[writer].add(series, timeMs: sample.timeMs, value: sample.value)
            }
        }
    }

    mutating func commit() throws {
        for writer in writers { try writer.commit() }
        if seriesCount > IntakeWriter.seriesMax { renew() }
    }

    mutating func discard() {
        for writer in writers { writer.discard() }
    }

    private mutating func place(_ key: SeriesKey) -> (writer: Int, series: Int) {
        let cluster = key[SeriesKey.clusterLabel] ?? IntakeWriter.unassigned
        let writer: Int
        if let known = numbers[cluster] {
            writer = known
        } else {
            writer = writers.count
            numbers[cluster] = writer
            writers.append(
                SampleWriter(
                    ledger: ledger, actor: Journal.actor, cluster: cluster, name: "\(run)/\(renewals)/\(cluster)",
                    clock: clock))
        }
        seriesCount += 1
        return (writer, writers[writer].series(key))
    }

    private mutating func renew() {
        writers = []
        numbers = [:]
        seriesCount = 0
        renewals += 1
        for table in mappings.keys {
            for index in mappings[table]?.places.indices ?? 0..<0 { mappings[table]?.places[index] = (-1, -1) }
        }
    }
}
