import CairnBytes
import CairnSeries

/// Reads samples for one connection: which series, from which windows and batches, in which order of arrival.
///
/// Windows stand for unbroken stretches of the log, so batches and windows in the order of the first event that each
/// stands for are the order in which the samples arrived, and of two values for one moment the first counts.
struct SampleReader {
    private let connection: Connection
    let store: SampleStore
    let index: SeriesIndex
    /// Series of which directories are kept; more while many series are read.
    private var directorySeriesMax = SampleStore.windowSeriesMax
    /// More series than this are read by a pass over all windows.
    private static let scannedMin = 2000

    /// Samples decoded before they are handed on: 32 MiB.
    private static let blockSamples = 2 << 20
    /// Series of which the number of samples is not known count as so many.
    private static let samplesGuessed = 1000

    init(_ connection: Connection, _ store: SampleStore) {
        self.connection = connection
        self.store = store
        index = SeriesIndex(connection)
    }

    /// The reader for so many series: many are read by a pass over all windows, which keeps their directories. Who made
    /// it trims the store at the end.
    func reading(_ seriesCount: Int) -> SampleReader {
        guard seriesCount > SampleReader.scannedMin else { return self }
        var scanning = self
        scanning.directorySeriesMax = SampleStore.scannedSeriesMax
        return scanning
    }

    /// A window with its directory, which is checked to be the one that was projected.
    func window(_ part: Part) throws -> SampleWindow {
        let window = try store.window(part.place, keeping: directorySeriesMax)
        guard window.seriesCount == part.layout.count else {
            throw ReadModelError(.damaged, "it has \(window.seriesCount) series, not \(part.layout.count)")
        }
        return window
    }

    /// A batch that is not sealed, or a window that nothing replaced.
    struct Part {
        var place: SamplePlace
        var isWindow: Bool
        var firstMs: Int64
        var lastMs: Int64
        var layout: SeriesLayout
    }

    /// Those that may have samples of the range, in order of arrival.
    func parts(in range: TimeRangeMs) throws -> [Part] {
        let rows = try connection.prepare(
            """
            SELECT covers_from AS place, position, 1, digest, bytes, first_ms, last_ms, layout
            FROM stored_sample_windows WHERE replaced_by IS NULL AND content = 'present'
              AND first_ms < ?2 AND last_ms >= ?1
            UNION ALL SELECT position, position, 0, digest, bytes, first_ms, last_ms, layout
            FROM stored_sample_batches WHERE window IS NULL AND content = 'present' AND first_ms < ?2 AND last_ms >= ?1
            ORDER BY 1, 2
            """)
        rows.bind(1, range.lowerBound)
        rows.bind(2, range.upperBound)
        var parts: [Part] = []
        while try rows.step() {
            parts.append(
                Part(
                    place: SamplePlace(
                        position: UInt64(clamping: rows.integer(1)), digest: rows.blob(3),
                        byteCount: Int(clamping: rows.integer(4))),
                    isWindow: rows.integer(2) == 1, firstMs: rows.integer(5), lastMs: rows.integer(6),
                    layout: try SeriesLayout(encoded: rows.blob(7))))
        }
        return parts
    }

    // MARK: Which series

    /// The series that match and have a sample in the range, sorted by key.
    func series(matching selector: SeriesSelector, in range: TimeRangeMs) throws -> [(number: Int64, key: SeriesKey)] {
        var missing = try index.numbers(matching: selector)
        guard !missing.isEmpty, !range.isEmpty else { return [] }
        var found: [SeriesSet] = []
        // First what takes no look inside.
        let parts = try parts(in: range)
        let outside = parts.filter { part in
            guard range.lowerBound <= part.firstMs, part.lastMs < range.upperBound else { return true }
            let here = missing.intersection(part.layout.set)
            if !here.isEmpty { found.append(here) }
            missing = missing.subtracting(here)
            return false
        }
        for part in outside where !missing.isDisjoint(with: part.layout.set) {
            let here = try self.series(missing.intersection(part.layout.set), of: part, in: range)
            if !here.isEmpty { found.append(here) }
            missing = missing.subtracting(here)
        }
        return try index.keys(of: SeriesSet.union(found))
    }

    /// Which of these series have a sample in the range, in a part that begins or ends outside of it.
    private func series(_ numbers: SeriesSet, of part: Part, in range: TimeRangeMs) throws -> SeriesSet {
        var found: [Int64] = []
        try forEachSamples(of: numbers, in: part, range) { number, samples in
            if !samples.isEmpty { found.append(number) }
        }
        return SeriesSet(found)
    }

    // MARK: Samples

    /// Calls `body` with every series of the list that has a sample in the range.
    /// - Parameter every: whether all values of a moment are given, and not the first alone.
    func forEachSeries(
        _ list: [(number: Int64, key: SeriesKey)], in range: TimeRangeMs, every: Bool = false,
        _ body: (Int64, SeriesKey, [Sample]) throws -> Void
    ) throws {
        let scanning = reading(list.count)
        if scanning.directorySeriesMax > directorySeriesMax {
            defer { store.trim() }
            return try scanning.forEachSeries(list, in: range, every: every, body)
        }
        let parts = try parts(in: range)
        var rest = list[...]
        while !rest.isEmpty {
            let block = try block(of: rest, parts)
            rest = rest.dropFirst(block.count)
            let numbers = SeriesSet(block.map(\.number))
            var pieces: [Int64: [ArraySlice<Sample>]] = [:]
            for part in parts where !part.layout.set.isDisjoint(with: numbers) {
                try forEachSamples(of: numbers, in: part, range) { pieces[$0, default: []].append($1) }
            }
            for (number, key) in block {
                guard let found = pieces.removeValue(forKey: number) else { continue }
                let samples = SampleMerger.merged(found)
                if !samples.isEmpty { try body(number, key, every ? samples : firstOfEachMoment(samples)) }
            }
        }
    }

    /// The first series of the list whose samples together are few enough to be held.
    func block(
        of list: ArraySlice<(number: Int64, key: SeriesKey)>, _ parts: [Part]
    ) throws -> ArraySlice<(number: Int64, key: SeriesKey)> {
        // A handful needs no count, and no directory for it.
        guard list.count > 16 else { return list }
        var room = SampleReader.blockSamples
        var count = 0
        let windows = parts.filter(\.isWindow).map { part in
            (part, try? window(part))
        }
        for (number, _) in list {
            for (part, window) in windows {
                guard let place = part.layout.place(of: number) else { continue }
                room -= window?.sampleCount(of: place) ?? SampleReader.samplesGuessed
            }
            count += 1
            if room <= 0 { break }
        }
        return list.prefix(count)
    }

    private func forEachSamples(
        of numbers: SeriesSet, in part: Part, _ range: TimeRangeMs, _ body: (Int64, ArraySlice<Sample>) throws -> Void
    ) throws {
        guard part.isWindow else { return try forEachSamples(of: numbers, inBatch: part, range, body) }
        var places: [Int] = []
        var numberAt: [Int: Int64] = [:]
        numbers.intersection(part.layout.set).forEach { number in
            guard let place = part.layout.place(of: number) else { return }
            places.append(place)
            numberAt[place] = number
        }
        if !store.isDamaged(part.place.position) {
            // Nothing is handed on before all of it is read: what is damaged is read again from the batches.
            var found: [(Int64, ArraySlice<Sample>)] = []
            do {
                let window = try window(part)
                try window.forEachSeries(places, in: range) { place, times, values in
                    guard let number = numberAt[place] else { return }
                    var samples: [Sample] = []
                    samples.reserveCapacity(times.count)
                    for index in 0..<times.count { samples.append(Sample(timeMs: times[index], value: values[index])) }
                    found.append((number, samples[...]))
                }
                for (number, samples) in found { try body(number, samples) }
                return
            } catch let error as SampleWindowError {
                note(error, of: part)
            } catch let error as ReadModelError where error.code == .damaged {
                note(error, of: part)
            }
        }
        try forEachSamples(of: numbers, behind: part, range, body)
    }

    func note(_ error: any Error, of part: Part) {
        store.noteDamaged(part.place.position)
        store.note(
            SampleStore.Problem(
                position: part.place.position, firstMs: part.firstMs, lastMs: part.lastMs,
                reason: "the sealed window cannot be read (\(error)); its samples come from the batches it stands for, "
                    + "as far as those are there"))
    }

    private func forEachSamples(
        of numbers: SeriesSet, inBatch part: Part, _ range: TimeRangeMs,
        _ body: (Int64, ArraySlice<Sample>) throws -> Void
    ) throws {
        let series: [SeriesSamples]
        do { series = try store.batch(part.place) } catch {
            // It could be read when it was projected.
            store.note(
                SampleStore.Problem(
                    position: part.place.position, firstMs: part.firstMs, lastMs: part.lastMs,
                    reason: "the batch cannot be read: \(error)"))
            return
        }
        try numbers.intersection(part.layout.set).forEach { number in
            guard let place = part.layout.place(of: number), place < series.count else { return }
            let samples = CairnSeries.part(of: series[place].samples, in: range)
            if !samples.isEmpty { try body(number, samples) }
        }
    }

    /// The same samples from the batches that a damaged window stands for. What neither has is a gap.
    private func forEachSamples(
        of numbers: SeriesSet, behind window: Part, _ range: TimeRangeMs,
        _ body: (Int64, ArraySlice<Sample>) throws -> Void
    ) throws {
        let rows = try connection.prepare(
            """
            SELECT position, digest, bytes, first_ms, last_ms, content FROM stored_sample_batches
            WHERE window = ?1 AND first_ms < ?3 AND last_ms >= ?2 ORDER BY position
            """)
        rows.bind(1, Int64(clamping: window.place.position))
        rows.bind(2, range.lowerBound)
        rows.bind(3, range.upperBound)
        let keys = try index.keys(of: numbers.intersection(window.layout.set))
        while try rows.step() {
            let place = SamplePlace(
                position: UInt64(clamping: rows.integer(0)), digest: rows.blob(1),
                byteCount: Int(clamping: rows.integer(2)))
            let series: [SeriesSamples]
            do {
                guard rows.text(5) == "present" else { throw ReadModelError(.damaged, rows.text(5)) }
                series = try store.batch(place)
            } catch {
                store.note(
                    SampleStore.Problem(
                        position: place.position, firstMs: rows.integer(3), lastMs: rows.integer(4),
                        reason: "a gap: neither the batch (\(error)) nor the window of entry "
                            + "\(window.place.position) that stands for it can be read"))
                continue
            }
            var index = 0
            for (number, key) in keys {
                while index < series.count, series[index].key < key { index += 1 }
                guard index < series.count, series[index].key == key else { continue }
                let samples = CairnSeries.part(of: series[index].samples, in: range)
                if !samples.isEmpty { try body(number, samples) }
            }
        }
    }
}

extension SampleWindow {
    fileprivate func sampleCount(of series: Int) -> Int { summary(of: series).count }
}
