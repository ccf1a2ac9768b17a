internal import CairnBytes

/// Reads the samples of a window and keeps what the next read may need again: the last times and a group of them.
struct WindowReader {
    private let window: SampleWindow
    private let scratch = ValueScratch()
    private var timesOf = -1
    private var times: [Int64] = []
    private var timeGroup = -1
    private var timesOfGroup: [Int: [Int64]] = [:]

    init(_ window: SampleWindow) { self.window = window }

    private func failure(_ error: any Error, _ part: SampleWindowError.Part, _ offset: Int, series: Int? = nil)
        -> any Error
    {
        switch error {
        case let error as PackedNumbersError:
            SampleWindowError(part, error.reason, offset: offset, series: series, window: window.name)
        case is ByteError, is InflateError:
            SampleWindowError(part, "\(error)", offset: offset, series: series, window: window.name)
        default: error
        }
    }

    // MARK: Times

    /// The times of a set.
    mutating func times(of set: Int) throws -> [Int64] {
        if set == timesOf { return times }
        let entry = window.directory.timeSets[set]
        if entry.shape == .regular {
            times = try unsafe WindowReader.written(entry, nil)
        } else {
            try readTimeGroup(window.directory.timeGroupOfSet[set])
            times = timesOfGroup[set] ?? []
        }
        timesOf = set
        return times
    }

    private static func written(_ set: TimeSet, _ residuals: UnsafePointer<Int64>?) throws -> [Int64] {
        var isValid = true
        let times = unsafe [Int64](unsafeUninitializedCapacity: set.count) { buffer, initialized in
            isValid = unsafe set.write(residuals, into: buffer.baseAddress!)
            initialized = set.count
        }
        guard isValid else { throw PackedNumbersError(reason: "its times are not those of the directory") }
        return times
    }

    private mutating func readTimeGroup(_ group: Int) throws {
        guard group != timeGroup else { return }
        let entry = window.directory.timeGroups[group]
        do {
            let stored = try window.source.read(entry.offset..<entry.offset + entry.storedBytes)
            let sets = window.timeMembers[group].map { window.directory.timeSets[Int($0)] }
            var numbers = try PackedNumbersReader(stored, entry, lengths: sets.map(\.storedCount))
            timesOfGroup = [:]
            timeGroup = -1
            for (member, set) in zip(window.timeMembers[group], sets) {
                let room = set.storedCount + PackedNumbersReader.roomToSpare
                let residuals = unsafe [Int64](unsafeUninitializedCapacity: room) { buffer, initialized in
                    unsafe buffer.initialize(repeating: 0)
                    unsafe numbers.read(set.storedCount, into: buffer.baseAddress!)
                    initialized = room
                }
                timesOfGroup[Int(member)] = try unsafe residuals.withUnsafeBufferPointer {
                    try unsafe WindowReader.written(set, $0.baseAddress!)
                }
            }
            timeGroup = group
        } catch { throw failure(error, .times(group: group), entry.offset) }
    }

    // MARK: Values

    /// Calls `body` with the samples of each series asked for, those of one group after each other.
    /// - Parameter wanted: numbers of series, ascending, each once.
    mutating func forEachSeries(
        _ wanted: [Int], in range: TimeRangeMs, onDamage: (SampleWindowError) throws -> Void,
        _ body: (Int, Span<Int64>, Span<Double>) throws -> Void
    ) throws {
        var byGroup: [Int: [Int]] = [:]
        var ungrouped: [Int] = []
        for series in wanted {
            let entry = window.directory.series[series]
            let set = window.directory.timeSets[entry.timeSet]
            guard set.first < range.upperBound || range.upperBound == .max, set.last >= range.lowerBound else {
                continue
            }
            if entry.group < 0 { ungrouped.append(series) } else { byGroup[entry.group, default: []].append(series) }
        }
        for series in ungrouped {
            let entry = window.directory.series[series]
            let count = window.directory.timeSets[entry.timeSet].count
            scratch.reserve(count)
            unsafe entry.model.write(
                UnsafePointer(scratch.residuals.baseAddress!), count: count, into: scratch.values.baseAddress!)
            try give(series, in: range, onDamage: onDamage, body)
        }
        for (group, series) in byGroup.sorted(by: { $0.key < $1.key }) {
            try forEachSeries(of: group, series, in: range, onDamage: onDamage, body)
        }
    }

    private mutating func forEachSeries(
        of group: Int, _ wanted: [Int], in range: TimeRangeMs, onDamage: (SampleWindowError) throws -> Void,
        _ body: (Int, Span<Int64>, Span<Double>) throws -> Void
    ) throws {
        let entry = window.directory.valueGroups[group]
        var decoder: ValueGroupDecoder
        do {
            let stored = try window.source.read(entry.offset..<entry.offset + entry.storedBytes)
            let members = window.members[group].map { member in
                let series = window.directory.series[Int(member)]
                return GroupMember(
                    model: series.model, count: window.directory.timeSets[series.timeSet].count,
                    exceptionCount: series.exceptionCount)
            }
            decoder = try ValueGroupDecoder(stored, entry, members: members)
        } catch {
            let failure = failure(error, .values(group: group), entry.offset)
            guard let damage = failure as? SampleWindowError else { throw failure }
            try onDamage(damage)
            return
        }
        var left = wanted[...]
        for member in window.members[group] {
            guard let next = left.first else { break }
            do {
                guard Int(member) == next else {
                    try decoder.skipNext()
                    continue
                }
                try decoder.readNext(scratch)
            } catch {
                // Exceptions are told one after the other, so those of later series are lost too.
                let failure = failure(error, .values(group: group), entry.offset, series: Int(member))
                guard let damage = failure as? SampleWindowError else { throw failure }
                try onDamage(damage)
                return
            }
            left = left.dropFirst()
            try give(next, in: range, onDamage: onDamage, body)
        }
    }

    /// Hands the values in `scratch` on, with their times.
    private mutating func give(
        _ series: Int, in range: TimeRangeMs, onDamage: (SampleWindowError) throws -> Void,
        _ body: (Int, Span<Int64>, Span<Double>) throws -> Void
    ) throws {
        let set = window.directory.series[series].timeSet
        do { _ = try times(of: set) } catch var damage as SampleWindowError {
            damage.series = series
            try onDamage(damage)
            return
        }
        let bounds = window.directory.timeSets[set]
        var start = 0
        var end = bounds.count
        if bounds.first < range.lowerBound { start = WindowReader.firstIndex(in: times, notBefore: range.lowerBound) }
        // A range has no end beyond the last moment there is, so one that ends there includes it.
        if bounds.last >= range.upperBound, range.upperBound < .max {
            end = WindowReader.firstIndex(in: times, notBefore: range.upperBound)
        }
        guard start < end else { return }
        let values = unsafe UnsafeBufferPointer(rebasing: scratch.values[start..<end])
        try unsafe body(series, times.span.extracting(start..<end), values.span)
    }

    private static func firstIndex(in times: [Int64], notBefore time: Int64) -> Int {
        var low = 0
        var high = times.count
        while low < high {
            let middle = (low + high) / 2
            if times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension SampleWindow {
    /// Calls `body` once for each series that has samples in the range, with these: times in milliseconds since 1970,
    /// ascending, and as many values. Series of one group come together, in no order that means anything.
    ///
    /// - Parameters:
    ///   - series: their numbers; nil for all.
    ///   - onDamage: told of each group that cannot be read; if it does not throw, the other groups are read.
    package func forEachSeries(
        _ series: [Int]? = nil, in range: TimeRangeMs = .all,
        onDamage: (SampleWindowError) throws -> Void = { throw $0 },
        _ body: (Int, Span<Int64>, Span<Double>) throws -> Void
    ) throws {
        var wanted = Array(0..<seriesCount)
        if let series {
            let isAscending = zip(series, series.dropFirst()).allSatisfy { $0 < $1 }
            wanted = (isAscending ? series : Set(series).sorted()).filter { wanted.indices.contains($0) }
        }
        var reader = WindowReader(self)
        try reader.forEachSeries(wanted, in: range, onDamage: onDamage, body)
    }

    /// The samples of one series in the range, in order of time.
    package func samples(of series: Int, in range: TimeRangeMs = .all) throws -> [Sample] {
        var found: [Sample] = []
        try forEachSeries([series], in: range) { _, times, values in
            found.reserveCapacity(times.count)
            for index in 0..<times.count { found.append(Sample(timeMs: times[index], value: values[index])) }
        }
        return found
    }

    package func forEachSample(
        of series: Int, in range: TimeRangeMs = .all, _ body: (Sample) throws -> Void
    ) throws {
        try forEachSeries([series], in: range) { _, times, values in
            for index in 0..<times.count { try body(Sample(timeMs: times[index], value: values[index])) }
        }
    }

    /// Seals samples. Series may come in any order and more than once: they are sorted, brought into order of time and
    /// freed of exact repeats, as `SampleBatch` does it.
    package static func encode(_ series: [SeriesSamples]) throws(SampleWindowError) -> [UInt8] {
        var encoder = SampleWindowEncoder()
        for one in SampleBatch(series).series {
            let times = one.samples.map(\.timeMs)
            let values = one.samples.map(\.value)
            try encoder.add(one.key, times: times.span, values: values.span)
        }
        return try encoder.finish()
    }
}
