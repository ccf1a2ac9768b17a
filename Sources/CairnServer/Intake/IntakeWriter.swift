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

    /// Where the series of a source are in the writers.
    private struct Mapping {
        var serial: Int
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

    /// Appends the samples of all readings in one step; they are on disk when this returns. If it throws, none of them is
    /// promised: whoever was refused sends again.
    mutating func write(_ readings: [SeriesTables.Reading]) throws {
        var problem: (any Error)?
        for reading in readings {
            // Also after a problem: names come once.
            learn(reading)
            do { if problem == nil { try add(reading) } } catch { problem = error }
        }
        do {
            if let problem { throw problem }
            let batches = try writers.compactMap { try $0.batch() }
            if !batches.isEmpty { try ledger.append(batches, actor: Journal.actor) }
        } catch {
            for writer in writers { writer.discard() }
            throw error
        }
        for writer in writers { writer.discard() }
        if seriesCount > IntakeWriter.seriesMax { renew() }
    }

    private mutating func learn(_ reading: SeriesTables.Reading) {
        let slot = reading.source.slot
        if mappings[slot]?.serial != reading.source.serial { mappings[slot] = Mapping(serial: reading.source.serial) }
        mappings[slot]?.keys += reading.newKeys
        mappings[slot]?.places += reading.newKeys.map { _ in (-1, -1) }
    }

    private mutating func add(_ reading: SeriesTables.Reading) throws {
        var mapping = mappings.removeValue(forKey: reading.source.slot) ?? Mapping(serial: reading.source.serial)
        defer { mappings[reading.source.slot] = mapping }
        for part in reading.received.parts {
            if mapping.places[part.series].writer < 0 { mapping.places[part.series] = place(mapping.keys[part.series]) }
            let (writer, series) = mapping.places[part.series]
            for sample in reading.received.samples[part.range] {
                try writers[writer].add(series, timeMs: sample.timeMs, value: sample.value)
            }
        }
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
        for slot in mappings.keys {
            for index in mappings[slot]?.places.indices ?? 0..<0 { mappings[slot]?.places[index] = (-1, -1) }
        }
    }
}
