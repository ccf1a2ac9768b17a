internal import CairnBytes

/// Seals samples into the bytes of a window, series by series. Memory beyond what is sealed already is that of the
/// groups still open: their residuals, and their values for the check that every bit comes back.
package struct SampleWindowEncoder {
    /// A group that has this many numbers is closed: one reads back in less than a millisecond.
    private static let groupNumbersMax = 98_304
    private static let groupSeriesMax = 256
    /// From here on a group ends where the metric name changes, so that one metric needs few groups.
    private static let groupNumbersWanted = 49_152
    /// Open groups with fewer numbers join others of their kind at the end, where a code table of their own would cost
    /// more than a code that fits.
    private static let mergeNumbersMax = 16_384
    /// What a group costs beside its numbers: three code tables and a row of the directory.
    private static let groupCostBits = 1200.0

    private var keys: [SeriesKey] = []
    private var directory = WindowDirectory()
    private var times = TimeSetBuilder()
    private var open: [Int: OpenGroup] = [:]
    private var body: [UInt8] = []
    private var sampleCount = 0
    private var labelCount = 0
    private let analyzer = ValueAnalyzer()

    package init() {}

    package var seriesCount: Int { keys.count }

    /// Adds a series.
    /// - Parameters:
    ///   - key: after the key of the series before.
    ///   - times: milliseconds since 1970, none before the one before it.
    ///   - values: as many as times, at least one.
    package mutating func add(
        _ key: SeriesKey, times: Span<Int64>, values: Span<Double>
    ) throws(SampleWindowError) {
        try unsafe times.withUnsafeBufferPointer { times throws(SampleWindowError) in
            try unsafe values.withUnsafeBufferPointer { values throws(SampleWindowError) in
                try unsafe add(key, times: times, values: values)
            }
        }
    }

    private mutating func add(
        _ key: SeriesKey, times: UnsafeBufferPointer<Int64>, values: UnsafeBufferPointer<Double>
    ) throws(SampleWindowError) {
        try unsafe check(key, times: times, values: values)
        let set = unsafe self.times.add(times)
        unsafe analyzer.analyze(values)
        let model = analyzer.model
        let summary =
            model.prediction == .constant
            ? unsafe ValueSummary(repeating: values[0], count: values.count) : unsafe ValueSummary(values)
        let number = keys.count
        keys.append(key)
        sampleCount += values.count
        labelCount += key.labels.count
        directory.series.append(
            unsafe SeriesEntry(
                timeSet: set, model: model, exceptionCount: analyzer.exceptions.count, first: values[0],
                last: values[values.count - 1], values: summary))
        guard model.isGrouped else { return }
        let kind = OpenGroup.kind(of: analyzer.histogram)
        if let group = open[kind], let last = group.members.last,
            group.numbers.count + analyzer.residuals.count > SampleWindowEncoder.groupNumbersMax
                || group.members.count >= SampleWindowEncoder.groupSeriesMax
                || group.numbers.count >= SampleWindowEncoder.groupNumbersWanted
                    && !isSameText(keys[last.series].name, key.name)
        {
            open[kind] = nil
            try close(group)
        }
        let group = open[kind] ?? OpenGroup(kind: kind)
        open[kind] = group
        unsafe group.append(number, analyzer, values)
    }

    private func check(
        _ key: SeriesKey, times: UnsafeBufferPointer<Int64>, values: UnsafeBufferPointer<Double>
    ) throws(SampleWindowError) {
        let number = keys.count
        guard times.count == values.count, !times.isEmpty else {
            throw SampleWindowError(
                .input, "\(key) has \(times.count) times and \(values.count) values", series: number)
        }
        guard keys.last.map({ $0 < key }) ?? true else {
            throw SampleWindowError(.input, "\(key) comes after a series it belongs before", series: number)
        }
        guard sampleCount + times.count <= SampleWindow.samplesMax, number < SampleWindow.seriesMax,
            labelCount + key.labels.count <= WindowKeys.labelsMax
        else {
            throw SampleWindowError(
                .input,
                "over \(SampleWindow.samplesMax) samples, \(SampleWindow.seriesMax) series or "
                    + "\(WindowKeys.labelsMax) labels", series: number)
        }
        for index in 1..<times.count where unsafe times[index] < times[index - 1] {
            throw SampleWindowError(.input, "the times of \(key) go back at sample \(index)", series: number)
        }
    }

    /// The bytes of the window. Everything is read back and compared before they are returned.
    package mutating func finish() throws(SampleWindowError) -> [UInt8] {
        try closeOpenGroups()
        closeTimes()
        let encodedKeys = WindowKeys.encode(keys)
        let encodedDirectory = directory.encoded()
        var header = WindowHeader()
        header.counts = WindowDirectory.Counts(
            series: keys.count, samples: sampleCount, timeSets: directory.timeSets.count,
            valueGroups: directory.valueGroups.count, timeGroups: directory.timeGroups.count)
        header.first = directory.timeSets.map(\.first).min() ?? 0
        header.last = directory.timeSets.map(\.last).max() ?? 0
        header.directoryBytes = encodedDirectory.count
        header.directoryCRC = Checksum.masked(Checksum.crc32(encodedDirectory))
        header.keyBytes = encodedKeys.count
        header.keyCRC = Checksum.masked(Checksum.crc32(encodedKeys))
        header.totalBytes = WindowHeader.length + encodedDirectory.count + encodedKeys.count + body.count
        guard header.totalBytes <= SampleWindow.bytesMax else {
            throw SampleWindowError(.input, "\(header.totalBytes) bytes are too many for one window")
        }
        var bytes = header.encoded()
        bytes.reserveCapacity(header.totalBytes)
        bytes.append(contentsOf: encodedDirectory)
        bytes.append(contentsOf: encodedKeys)
        bytes.append(contentsOf: body)
        try verify(bytes)
        return bytes
    }

    // MARK: Groups

    private mutating func closeOpenGroups() throws(SampleWindowError) {
        var rest = open.values.sorted { $0.kind < $1.kind }
        open = [:]
        // Neighbours in kind join while that is smaller.
        var index = 0
        while index + 1 < rest.count {
            let left = rest[index]
            let right = rest[index + 1]
            let small = min(left.numbers.count, right.numbers.count)
            if small < SampleWindowEncoder.mergeNumbersMax {
                let merged = left.merged(with: right)
                if merged.histogram.bits < left.histogram.bits + right.histogram.bits
                    + SampleWindowEncoder.groupCostBits
                {
                    rest.replaceSubrange(index...index + 1, with: [merged])
                    index = max(0, index - 1)
                    continue
                }
            }
            index += 1
        }
        for group in rest { try close(group) }
    }

    private mutating func close(_ group: OpenGroup) throws(SampleWindowError) {
        let number = directory.valueGroups.count
        let packing = Packing.choose(count: group.numbers.count, below: group.histogram.below)
        let packed = PackedNumbers(
            group.numbers, lengths: group.members.map(\.numbers.count), packing: packing)
        for member in group.members { directory.series[member.series].group = number }
        let entry = append(packed, exceptions: StoredStream(group.members.flatMap(\.exceptions)))
        directory.valueGroups.append(entry)
        try verify(group, entry, number)
    }

    private mutating func append(_ packed: PackedNumbers, exceptions: StoredStream) -> GroupEntry {
        var entry = GroupEntry(
            packing: packed.packing, digits: packed.digits.header, tokens: packed.tokens.header,
            bits: packed.bits.header, exceptions: exceptions.header)
        entry.offset = body.count
        for stream in [packed.digits, packed.tokens, packed.bits, exceptions] { body.append(contentsOf: stream.bytes) }
        entry.crc = Checksum.masked(Checksum.crc32(body[entry.offset...]))
        return entry
    }

    private mutating func closeTimes() {
        var numbers: [UInt64] = []
        var lengths: [Int] = []
        directory.timeGroupOfSet = []
        for set in times.sets.indices {
            let residuals = times.residuals(of: set)
            let isRegular = times.sets[set].shape == .regular
            if !lengths.isEmpty, !isRegular, numbers.count + residuals.count > SampleWindowEncoder.groupNumbersMax {
                closeTimeGroup(&numbers, &lengths)
            }
            directory.timeGroupOfSet.append(isRegular ? -1 : directory.timeGroups.count)
            guard !isRegular else { continue }
            numbers.append(contentsOf: residuals)
            lengths.append(residuals.count)
        }
        if !lengths.isEmpty { closeTimeGroup(&numbers, &lengths) }
        directory.timeSets = times.sets
    }

    private mutating func closeTimeGroup(_ numbers: inout [UInt64], _ lengths: inout [Int]) {
        var histogram = TokenHistogram()
        unsafe numbers.withUnsafeBufferPointer { unsafe histogram.add($0) }
        let packing = Packing.choose(count: numbers.count, below: histogram.below)
        let packed = PackedNumbers(numbers, lengths: lengths, packing: packing)
        directory.timeGroups.append(append(packed, exceptions: StoredStream()))
        numbers.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    // MARK: Checking what was written

    private func verify(_ group: OpenGroup, _ entry: GroupEntry, _ number: Int) throws(SampleWindowError) {
        do {
            let members = group.members.map { member in
                GroupMember(
                    model: directory.series[member.series].model, count: member.values.count,
                    exceptionCount: directory.series[member.series].exceptionCount)
            }
            var decoder = try ValueGroupDecoder(Array(body[entry.offset...]), entry, members: members)
            let scratch = ValueScratch()
            for member in group.members {
                try decoder.readNext(scratch)
                let isSame = unsafe group.values.withUnsafeBufferPointer { expected in
                    (0..<member.values.count).allSatisfy {
                        unsafe scratch.values[$0].bitPattern == expected[member.values.lowerBound + $0].bitPattern
                    }
                }
                guard isSame else { throw PackedNumbersError(reason: "a value changed") }
            }
            guard decoder.isAtEnd else { throw PackedNumbersError(reason: "there is more than was written") }
        } catch {
            throw SampleWindowError(.values(group: number), "it does not read back as written: \(error)")
        }
    }

    private func verify(_ bytes: [UInt8]) throws(SampleWindowError) {
        do {
            let window = try SampleWindow(reading: bytes)
            guard try window.keys() == keys else { throw PackedNumbersError(reason: "a key changed") }
            for index in keys.indices {
                let written = directory.series[index]
                let read = window.directory.series[index]
                guard read.values == written.values, read.first.bitPattern == written.first.bitPattern,
                    read.last.bitPattern == written.last.bitPattern, read.model == written.model,
                    read.group == written.group, read.timeSet == written.timeSet
                else { throw PackedNumbersError(reason: "the summary of series \(index) changed") }
            }
            guard window.directory.timeSets == directory.timeSets else {
                throw PackedNumbersError(reason: "the bounds of times changed")
            }
            var reader = WindowReader(window)
            for set in directory.timeSets.indices {
                guard let expected = times.irregularTimes(of: set) else { continue }
                guard try reader.times(of: set) == expected else { throw PackedNumbersError(reason: "a time changed") }
            }
        } catch {
            throw SampleWindowError(.directory, "it does not read back as written: \(error)")
        }
    }
}
