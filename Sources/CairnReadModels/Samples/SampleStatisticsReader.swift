import CairnSeries

/// Reads what samples say per step of time without making rows of them: the directories of windows where these tell all
/// of it, else decoded values straight into sums.
///
/// Parts that follow each other in time are simply added. Where parts of a series overlap, which of two values counts is
/// a matter of arrival, so such series are read and merged like any others.
final class SampleStatisticsReader {
    /// One series with what it says.
    struct Series {
        var number: Int64
        var key: SeriesKey
        var statistics: SampleStatistics
    }

    private let reader: SampleReader
    private let range: TimeRangeMs
    private let stepMs: Int64?
    private var rest: ArraySlice<(number: Int64, key: SeriesKey)>
    /// By their first moment.
    private let parts: [SampleReader.Part]

    init(_ reader: SampleReader, _ selector: SeriesSelector, in range: TimeRangeMs, stepMs: Int64?) throws {
        let list = try reader.index.keys(of: reader.index.numbers(matching: selector))
        self.reader = reader.reading(list.count)
        self.range = range
        self.stepMs = stepMs
        rest = list[...]
        parts = range.isEmpty ? [] : try reader.parts(in: range).sorted { $0.firstMs < $1.firstMs }
    }

    deinit { reader.store.trim() }

    /// The next few series, sorted by key, those without numbers left out; nil at the end.
    func nextBlock() throws -> [Series]? {
        guard !rest.isEmpty else { return nil }
        let block = try reader.block(of: rest, parts)
        rest = rest.dropFirst(block.count)
        var series = block.map {
            Series(number: $0.number, key: $0.key, statistics: SampleStatistics(stepMs: stepMs))
        }
        var places: [Int64: Int] = [:]
        places.reserveCapacity(series.count)
        for (place, one) in series.enumerated() { places[one.number] = place }
        let numbers = SeriesSet(block.map(\.number))
        var merged = try overlapping(numbers, places)
        if try !addParts(numbers, places, except: merged, to: &series) {
            // Something is damaged: what is read below takes the batches behind it.
            for place in series.indices { series[place].statistics = SampleStatistics(stepMs: stepMs) }
            merged = Set(series.indices)
        }
        let list = merged.sorted().map { (number: series[$0].number, key: series[$0].key) }
        try reader.forEachSeries(list, in: range) { number, _, samples in
            guard let place = places[number] else { return }
            series[place].statistics.add(samples)
        }
        return series.filter { !$0.statistics.steps.isEmpty }
    }

    /// Places of the series of which two parts overlap, or cannot be told to follow each other.
    private func overlapping(_ numbers: SeriesSet, _ places: [Int64: Int]) throws -> Set<Int> {
        var lastMs = [Int64?](repeating: nil, count: places.count)
        var found: Set<Int> = []
        for part in parts {
            let here = numbers.intersection(part.layout.set)
            if here.isEmpty { continue }
            let times = try times(in: part)
            here.forEach { number in
                guard let place = places[number], let own = part.layout.place(of: number) else { return }
                guard let times = times(own), lastMs[place].map({ $0 < times.firstMs }) ?? true else {
                    found.insert(place)
                    return
                }
                lastMs[place] = times.lastMs
            }
        }
        return found
    }

    /// First and last moment by the place of a series in a part; nothing of what cannot be read.
    private func times(in part: SampleReader.Part) throws -> (Int) -> (firstMs: Int64, lastMs: Int64)? {
        guard part.isWindow else {
            guard let series = try? reader.store.batch(part.place) else { return { _ in nil } }
            return { place in
                guard place < series.count, let first = series[place].samples.first,
                    let last = series[place].samples.last
                else { return nil }
                return (first.timeMs, last.timeMs)
            }
        }
        guard !reader.store.isDamaged(part.place.position), let window = try? reader.window(part) else {
            return { _ in nil }
        }
        return { place in
            let times = window.times(of: place)
            return (times.firstMs, times.lastMs)
        }
    }

    /// Adds the parts one after the other. False if one of them cannot be read.
    private func addParts(
        _ numbers: SeriesSet, _ places: [Int64: Int], except merged: Set<Int>, to series: inout [Series]
    ) throws -> Bool {
        for part in parts where !part.layout.set.isDisjoint(with: numbers) {
            var wanted: [(own: Int, place: Int)] = []
            numbers.intersection(part.layout.set).forEach { number in
                guard let place = places[number], !merged.contains(place), let own = part.layout.place(of: number)
                else { return }
                wanted.append((own, place))
            }
            if wanted.isEmpty { continue }
            guard part.isWindow else {
                guard let batch = try? reader.store.batch(part.place) else { return false }
                for (own, place) in wanted {
                    series[place].statistics.add(CairnSeries.part(of: batch[own].samples, in: range))
                }
                continue
            }
            do { try add(reader.window(part), wanted, to: &series) } catch let error as SampleWindowError {
                reader.note(error, of: part)
                return false
            } catch let error as ReadModelError where error.code == .damaged {
                reader.note(error, of: part)
                return false
            }
        }
        return true
    }

    private func add(_ window: SampleWindow, _ wanted: [(own: Int, place: Int)], to series: inout [Series]) throws {
        var decoded: [Int] = []
        var places: [Int: Int] = [:]
        for (own, place) in wanted {
            let times = window.times(of: own)
            let isWhole =
                times.firstMs >= range.lowerBound && (times.lastMs < range.upperBound || range.upperBound == .max)
            if isWhole, times.isStrictlyAscending, series[place].statistics.add(window.summary(of: own)) { continue }
            decoded.append(own)
            places[own] = place
        }
        if decoded.isEmpty { return }
        try window.forEachSeries(decoded, in: range) { own, times, values in
            guard let place = places[own] else { return }
            series[place].statistics.add(times: times, values: values)
        }
    }
}
