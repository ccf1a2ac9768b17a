internal import CairnBytes

/// How values are distributed, as counts of buckets that grow by a constant factor: quantiles with a bounded relative
/// error, of one process or of many. Merging is the addition of whole numbers, so the sketch of a service is the same in
/// whatever order and grouping its pods arrive; percentiles of pods are never averaged.
package struct LogBucketSketch: Sendable, Hashable {
    /// One bucket a percent over the whole range of doubles is some 70,000; a millisecond to a minute is 551.
    package static let bucketsMax = 4096

    package private(set) var mapping: BucketMapping
    /// Counts of the buckets of values above 0, and of values below 0 by their magnitude.
    package private(set) var positive = BucketCounts()
    package private(set) var negative = BucketCounts()
    package private(set) var zeros: UInt64 = 0
    /// Values that are not numbers or not finite: counted, and part of no quantile.
    package private(set) var ignored: UInt64 = 0
    /// Infinite for an empty sketch.
    package private(set) var smallest = Double.infinity
    package private(set) var largest = -Double.infinity

    package init(_ mapping: BucketMapping) { self.mapping = mapping }

    /// How many values quantiles are about.
    package var count: UInt64 { saturatingSum(zeros, saturatingSum(positive.total, negative.total)) }

    package mutating func add(_ value: Double, count: UInt64 = 1) {
        guard count > 0 else { return }
        guard value.isFinite else { return ignored = saturatingSum(ignored, count) }
        smallest = min(smallest, value)
        largest = max(largest, value)
        if value == 0 {
            zeros = saturatingSum(zeros, count)
        } else if value > 0 {
            positive.add(count, at: mapping.key(value))
        } else {
            negative.add(count, at: mapping.key(-value))
        }
    }

    /// Adds another sketch. Of two native histograms the finer one is scaled down first: two neighbours become one, which
    /// loses no count. Throws where the buckets have nothing in common.
    package mutating func merge(_ other: LogBucketSketch) throws(SketchError) {
        var other = other
        if case .exponential(let own) = mapping.kind, case .exponential(let others) = other.mapping.kind {
            try scaleDown(to: min(own, others))
            try other.scaleDown(to: min(own, others))
        }
        guard mapping == other.mapping else { throw .differentMappings }
        positive.merge(other.positive)
        negative.merge(other.negative)
        zeros = saturatingSum(zeros, other.zeros)
        ignored = saturatingSum(ignored, other.ignored)
        smallest = min(smallest, other.smallest)
        largest = max(largest, other.largest)
    }

    /// A native histogram with fewer, wider buckets: bucket k of schema s is half of bucket ceil(k / 2) of schema s - 1.
    package mutating func scaleDown(to schema: Int) throws(SketchError) {
        guard case .exponential(let own) = mapping.kind else { throw .differentMappings }
        guard schema < own else { return }
        mapping = try BucketMapping(.exponential(schema: schema))
        positive.halve(times: own - schema)
        negative.halve(times: own - schema)
    }

    /// The value below which the share `rank` of all values lies, within `mapping.accuracy` of it; nil for an empty
    /// sketch and a rank outside 0 to 1.
    package func quantile(_ rank: Double) -> Double? {
        guard rank >= 0, rank <= 1, count > 0 else { return nil }
        let wanted = rank * Double(count - 1)
        var below = 0.0
        for (key, count) in negative.descending {
            below += Double(count)
            if below > wanted { return inside(-mapping.representative(key)) }
        }
        below += Double(zeros)
        if below > wanted { return 0 }
        for (key, count) in positive.ascending {
            below += Double(count)
            if below > wanted { return inside(mapping.representative(key)) }
        }
        return largest
    }

    /// How many values lie above a threshold, whole buckets only: a bucket that the threshold splits counts as below.
    package func count(above threshold: Double) -> UInt64 {
        guard threshold.isFinite else { return threshold < 0 ? count : 0 }
        if threshold >= 0 {
            let key = threshold == 0 ? Int.min : mapping.key(threshold)
            return positive.ascending.reduce(0) { $1.key > key ? $0 &+ $1.count : $0 }
        }
        let key = mapping.key(-threshold)
        return negative.ascending.reduce(zeros &+ positive.total) { $1.key < key ? $0 &+ $1.count : $0 }
    }

    /// The ends are known exactly.
    private func inside(_ value: Double) -> Double { min(largest, max(smallest, value)) }

    // MARK: Bytes

    private static let version: UInt8 = 1

    /// version, kind, accuracy or schema, zeros, ignored, smallest, largest, then both lists of buckets: count, first key,
    /// then gap and count of each.
    package var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(LogBucketSketch.version)
        switch mapping.kind {
        case .relativeAccuracy(let accuracy):
            writer.append(UInt8(0))
            writer.append(accuracy.bitPattern)
        case .exponential(let schema):
            writer.append(UInt8(1))
            writer.append(UInt64(bitPattern: Int64(schema)))
        }
        writer.appendVarint(zeros)
        writer.appendVarint(ignored)
        writer.append(smallest.bitPattern)
        writer.append(largest.bitPattern)
        positive.write(to: &writer)
        negative.write(to: &writer)
        return writer.bytes
    }

    /// Throws `SketchError` for anything that `bytes` did not write.
    package init(_ bytes: [UInt8]) throws {
        var reader = ByteReader(bytes)
        do {
            guard try reader.read(UInt8.self) == LogBucketSketch.version else {
                throw SketchError.damaged("its version is unknown")
            }
            let kind = try reader.read(UInt8.self)
            let parameter = try reader.read(UInt64.self)
            switch kind {
            case 0: mapping = try BucketMapping(.relativeAccuracy(Double(bitPattern: parameter)))
            case 1:
                mapping = try BucketMapping(.exponential(schema: Int(Int64(bitPattern: parameter))))
            default: throw SketchError.damaged("its kind of buckets is unknown")
            }
            zeros = try reader.readVarint()
            ignored = try reader.readVarint()
            smallest = Double(bitPattern: try reader.read(UInt64.self))
            largest = Double(bitPattern: try reader.read(UInt64.self))
            positive = try BucketCounts(from: &reader)
            negative = try BucketCounts(from: &reader)
        } catch let error as ByteError { throw SketchError.damaged("\(error)") }
        let isEmpty = zeros == 0 && positive.isEmpty && negative.isEmpty
        guard reader.isAtEnd,
            isEmpty ? smallest > largest : smallest.isFinite && largest.isFinite && smallest <= largest
        else { throw SketchError.damaged("it says two things about its ends") }
    }
}

func saturatingSum(_ one: UInt64, _ other: UInt64) -> UInt64 {
    let (sum, overflow) = one.addingReportingOverflow(other)
    return overflow ? .max : sum
}
