internal import CairnBytes

/// What the directory says of one series.
struct SeriesEntry {
    var timeSet: Int
    var model: ValueModel
    /// -1 if nothing is left to store.
    var group = -1
    var exceptionCount = 0
    var first: Double
    var last: Double
    var values: ValueSummary
}

/// One group of streams as stored: of values, or of times.
struct GroupEntry {
    var packing = Packing.tokens
    /// Length times two, plus one if deflated, as `StoredStream.header`.
    var digits: UInt64 = 0
    var tokens: UInt64 = 0
    var bits: UInt64 = 0
    var exceptions: UInt64 = 0
    var crc: UInt32 = 0
    /// In the window; not stored, since groups follow each other.
    var offset = 0

    var storedBytes: Int { Int(digits >> 1) + Int(tokens >> 1) + Int(bits >> 1) + Int(exceptions >> 1) }
}

/// The directory of a window: everything but keys and streams (FORMAT.md, section 5).
struct WindowDirectory {
    var timeSets: [TimeSet] = []
    /// By time set: its group, -1 if it is regular.
    var timeGroupOfSet: [Int] = []
    var series: [SeriesEntry] = []
    var valueGroups: [GroupEntry] = []
    var timeGroups: [GroupEntry] = []

    /// Prediction and scale of a model are one number: prediction * 40 + code of the scale.
    private static let scaleCodes: UInt64 = 40

    /// What is told with bits of its own because no number of the model stands for it.
    private enum Raw {
        static let first: UInt64 = 1
        static let last: UInt64 = 2
        static let minimum: UInt64 = 4
        static let maximum: UInt64 = 8
        static let sum: UInt64 = 16
        static let all: UInt64 = 31
    }

    func encoded() -> [UInt8] {
        var output = ByteWriter(capacity: 4096 + series.count * 8)
        appendTimeSets(to: &output)
        appendSeries(to: &output)
        for groups in [valueGroups, timeGroups] {
            NumberColumn.append(groups.map { UInt64($0.packing.rawValue) }, to: &output)
            NumberColumn.append(groups.map(\.digits), to: &output)
            NumberColumn.append(groups.map(\.tokens), to: &output)
            NumberColumn.append(groups.map(\.bits), to: &output)
            NumberColumn.append(groups.map(\.exceptions), to: &output)
            for group in groups { output.append(group.crc) }
        }
        return output.bytes
    }

    private func appendTimeSets(to output: inout ByteWriter) {
        NumberColumn.appendDifferences(timeSets.map { Int64($0.count) }, to: &output)
        NumberColumn.appendDifferences(timeSets.map(\.first), to: &output)
        NumberColumn.appendDifferences(timeSets.map(\.step), to: &output)
        NumberColumn.append(timeSets.map { UInt64($0.shape.rawValue) }, to: &output)
        let irregular = timeSets.indices.filter { timeSets[$0].shape != .regular }
        NumberColumn.appendSigned(irregular.map { timeSets[$0].last &- timeSets[$0].lastOnGrid }, to: &output)
        NumberColumn.appendSigned(
            irregular.map { Int64(bitPattern: timeSets[$0].gapMax) &- timeSets[$0].step }, to: &output)
        NumberColumn.appendDifferences(irregular.map { Int64(timeGroupOfSet[$0]) }, to: &output)
    }

    private func appendSeries(to output: inout ByteWriter) {
        NumberColumn.appendDifferences(series.map { Int64($0.timeSet) }, to: &output)
        NumberColumn.append(
            series.map { UInt64($0.model.prediction.rawValue) * Self.scaleCodes + UInt64($0.model.scale.code) },
            to: &output)
        NumberColumn.appendSigned(series.map(\.model.base), to: &output)
        let sloped = series.filter { $0.model.prediction == .line || $0.model.prediction == .trend }
        NumberColumn.appendSigned(sloped.map(\.model.slope), to: &output)
        let grouped = series.filter(\.model.isGrouped)
        NumberColumn.append(grouped.map { UInt64($0.group) }, to: &output)
        NumberColumn.append(grouped.map { $0.model.divisor - 1 }, to: &output)
        NumberColumn.append(grouped.map { UInt64($0.exceptionCount) }, to: &output)
        appendSummaries(to: &output)
    }

    private func appendSummaries(to output: inout ByteWriter) {
        let varying = series.filter { $0.model.prediction != .constant }
        var masks: [UInt64] = []
        var columns = [[UInt64]](repeating: [], count: 5)
        var raw: [UInt64] = []
        for entry in varying {
            let model = entry.model
            let count = timeSets[entry.timeSet].count
            var mask: UInt64 = 0
            /// The number of a value, or `instead` and the bits among `raw`.
            func number(_ value: Double, _ flag: UInt64, instead: Int64) -> Int64 {
                let isSumOfPatterns = flag == Raw.sum && model.scale.isPattern
                if !isSumOfPatterns, let number = model.number(of: value) { return number }
                mask |= flag
                raw.append(value.bitPattern)
                return instead
            }
            let first = number(entry.first, Raw.first, instead: model.base)
            let last = number(entry.last, Raw.last, instead: model.expectedLast(count))
            let least = min(first, last)
            let greatest = max(first, last)
            let minimum = number(entry.values.minimum, Raw.minimum, instead: least)
            let maximum = number(entry.values.maximum, Raw.maximum, instead: greatest)
            let expected = WindowDirectory.expectedSum(first, last, count: count)
            let sum = number(entry.values.sum, Raw.sum, instead: expected)
            masks.append(mask)
            columns[0].append(Zigzag.encode(first &- model.base))
            columns[1].append(Zigzag.encode(last &- model.expectedLast(count)))
            columns[2].append(Zigzag.encode(least &- minimum))
            columns[3].append(Zigzag.encode(maximum &- greatest))
            columns[4].append(Zigzag.encode(sum &- expected))
        }
        NumberColumn.append(masks, to: &output)
        for column in columns { NumberColumn.append(column, to: &output) }
        NumberColumn.append(varying.map { UInt64($0.values.resets) }, to: &output)
        NumberColumn.append(varying.map { UInt64($0.values.notNumbers) }, to: &output)
        NumberColumn.append(varying.map { UInt64($0.values.staleMarkers) }, to: &output)
        for bits in raw { output.append(bits) }
    }

    /// The sum if the values lay on a line from first to last.
    private static func expectedSum(_ first: Int64, _ last: Int64, count: Int) -> Int64 {
        ((first &+ last) &* Int64(count)) / 2
    }
}

extension ValueModel {
    /// The last number, as far as the model alone says.
    func expectedLast(_ count: Int) -> Int64 {
        prediction == .line ? base &+ slope &* Int64(count - 1) : base
    }
}

// MARK: - Reading

extension WindowDirectory {
    struct Counts {
        var series: Int
        var samples: Int
        var timeSets: Int
        var valueGroups: Int
        var timeGroups: Int
    }

    init(_ bytes: [UInt8], counts: Counts) throws {
        var input = ByteReader(bytes)
        try readTimeSets(counts, from: &input)
        try readSeries(counts, from: &input)
        valueGroups = try WindowDirectory.readGroups(counts.valueGroups, from: &input)
        timeGroups = try WindowDirectory.readGroups(counts.timeGroups, from: &input)
        guard input.isAtEnd else { throw PackedNumbersError(reason: "there are bytes after its last group") }
        let samples = series.reduce(0) { $0 + timeSets[$1.timeSet].count }
        guard samples == counts.samples else {
            throw PackedNumbersError(reason: "its series have \(samples) samples and not \(counts.samples)")
        }
    }

    private mutating func readTimeSets(_ counts: Counts, from input: inout ByteReader) throws {
        let total = counts.timeSets
        let lengths = try NumberColumn.readDifferences(total, from: &input)
        let firsts = try NumberColumn.readDifferences(total, from: &input)
        let steps = try NumberColumn.readDifferences(total, from: &input)
        let shapes = try NumberColumn.read(total, from: &input)
        let irregular = shapes.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }
        let lasts = try NumberColumn.readSigned(irregular, from: &input)
        let gaps = try NumberColumn.readSigned(irregular, from: &input)
        let groups = try NumberColumn.readDifferences(irregular, from: &input)
        var place = 0
        var timesLeft = counts.samples
        for index in 0..<total {
            guard let shape = TimeSet.Shape(rawValue: UInt8(clamping: shapes[index])) else {
                throw PackedNumbersError(reason: "times of shape \(shapes[index]) are unknown")
            }
            // Each set is that of a series, so together they have no more times than there are samples.
            guard lengths[index] > 0, lengths[index] <= timesLeft else {
                throw PackedNumbersError(reason: "\(lengths[index]) times are none or too many")
            }
            timesLeft -= Int(lengths[index])
            var set = TimeSet(
                count: Int(lengths[index]), first: firsts[index], last: 0, step: steps[index], shape: shape, gapMax: 0)
            var group = -1
            if shape == .regular {
                let (span, isTooLong) = UInt64(set.count - 1).multipliedReportingOverflow(
                    by: UInt64(bitPattern: set.step))
                guard !isTooLong, span <= UInt64(bitPattern: Int64.max &- set.first) else {
                    throw PackedNumbersError(reason: "a step of \(set.step) ms leaves the range of times")
                }
                set.last = set.lastOnGrid
                set.gapMax = set.count > 1 ? UInt64(bitPattern: set.step) : 0
            } else {
                set.last = set.lastOnGrid &+ lasts[place]
                set.gapMax = UInt64(bitPattern: set.step &+ gaps[place])
                group = Int(groups[place])
                guard group >= 0, group < counts.timeGroups, set.last >= set.first else {
                    throw PackedNumbersError(reason: "a set of times has no place")
                }
                place += 1
            }
            timeSets.append(set)
            timeGroupOfSet.append(group)
        }
    }

    private mutating func readSeries(_ counts: Counts, from input: inout ByteReader) throws {
        let total = counts.series
        let sets = try NumberColumn.readDifferences(total, from: &input)
        let models = try NumberColumn.read(total, from: &input)
        let bases = try NumberColumn.readSigned(total, from: &input)
        series.reserveCapacity(total)
        for index in 0..<total {
            guard timeSets.indices.contains(Int(sets[index])) else {
                throw PackedNumbersError(reason: "series \(index) has no times")
            }
            guard
                let prediction = ValueModel.Prediction(rawValue: UInt8(clamping: models[index] / Self.scaleCodes)),
                let scale = NumberScale(code: models[index] % Self.scaleCodes)
            else { throw PackedNumbersError(reason: "series \(index) has the unknown model \(models[index])") }
            let model = ValueModel(prediction: prediction, scale: scale, base: bases[index])
            guard model.storedCount(timeSets[Int(sets[index])].count) >= 0 else {
                throw PackedNumbersError(reason: "series \(index) has too few samples for its model")
            }
            series.append(
                SeriesEntry(timeSet: Int(sets[index]), model: model, first: 0, last: 0, values: ValueSummary()))
        }
        let sloped = series.indices.filter {
            series[$0].model.prediction == .line || series[$0].model.prediction == .trend
        }
        let slopes = try NumberColumn.readSigned(sloped.count, from: &input)
        for (index, slope) in zip(sloped, slopes) { series[index].model.slope = slope }
        let grouped = series.indices.filter { series[$0].model.isGrouped }
        let groups = try NumberColumn.read(grouped.count, from: &input)
        let divisors = try NumberColumn.read(grouped.count, from: &input)
        let exceptions = try NumberColumn.read(grouped.count, from: &input)
        for (place, index) in grouped.enumerated() {
            guard groups[place] < UInt64(counts.valueGroups), divisors[place] < UInt64(Int64.max),
                exceptions[place] <= UInt64(timeSets[series[index].timeSet].count)
            else { throw PackedNumbersError(reason: "series \(index) has no place in a group") }
            series[index].group = Int(groups[place])
            series[index].model.divisor = divisors[place] + 1
            series[index].exceptionCount = Int(exceptions[place])
        }
        try readSummaries(from: &input)
    }

    private mutating func readSummaries(from input: inout ByteReader) throws {
        let varying = series.indices.filter { series[$0].model.prediction != .constant }
        let masks = try NumberColumn.read(varying.count, from: &input)
        var columns: [[Int64]] = []
        for _ in 0..<5 { columns.append(try NumberColumn.readSigned(varying.count, from: &input)) }
        let resets = try NumberColumn.read(varying.count, from: &input)
        let notNumbers = try NumberColumn.read(varying.count, from: &input)
        let staleMarkers = try NumberColumn.read(varying.count, from: &input)
        for (place, index) in varying.enumerated() {
            var entry = series[index]
            let count = timeSets[entry.timeSet].count
            let mask = masks[place]
            guard mask <= Raw.all, resets[place] < UInt64(count), notNumbers[place] <= UInt64(count),
                staleMarkers[place] <= notNumbers[place]
            else { throw PackedNumbersError(reason: "series \(index) has a summary that cannot be") }
            func value(_ number: Int64, _ flag: UInt64) throws -> Double {
                mask & flag == 0 ? entry.model.value(of: number) : Double(bitPattern: try input.read())
            }
            let first = entry.model.base &+ columns[0][place]
            let last = entry.model.expectedLast(count) &+ columns[1][place]
            entry.first = try value(first, Raw.first)
            entry.last = try value(last, Raw.last)
            entry.values.minimum = try value(min(first, last) &- columns[2][place], Raw.minimum)
            entry.values.maximum = try value(max(first, last) &+ columns[3][place], Raw.maximum)
            let expected = WindowDirectory.expectedSum(first, last, count: count)
            entry.values.sum = try value(expected &+ columns[4][place], Raw.sum)
            entry.values.resets = Int(resets[place])
            entry.values.notNumbers = Int(notNumbers[place])
            entry.values.staleMarkers = Int(staleMarkers[place])
            series[index] = entry
        }
        for index in series.indices where series[index].model.prediction == .constant {
            let value = series[index].model.value(of: series[index].model.base)
            series[index].first = value
            series[index].last = value
            series[index].values = ValueSummary(repeating: value, count: timeSets[series[index].timeSet].count)
        }
    }

    private static func readGroups(_ count: Int, from input: inout ByteReader) throws -> [GroupEntry] {
        let packings = try NumberColumn.read(count, from: &input)
        var columns: [[UInt64]] = []
        for _ in 0..<4 { columns.append(try NumberColumn.read(count, from: &input)) }
        return try (0..<count).map { index in
            guard let packing = Packing(rawValue: UInt8(clamping: packings[index])),
                columns.allSatisfy({ $0[index] >> 1 <= UInt64(SampleWindow.bytesMax) })
            else { throw PackedNumbersError(reason: "group \(index) has an unknown packing or impossible lengths") }
            return GroupEntry(
                packing: packing, digits: columns[0][index], tokens: columns[1][index], bits: columns[2][index],
                exceptions: columns[3][index], crc: try input.read())
        }
    }
}
