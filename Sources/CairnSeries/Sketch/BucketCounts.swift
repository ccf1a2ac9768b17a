internal import CairnBytes

/// Counts of neighbouring buckets. Beyond `LogBucketSketch.bucketsMax` of them the lowest ones are joined, so that memory
/// is bounded and the upper quantiles, which people ask for, stay exact; the outcome does not depend on the order.
package struct BucketCounts: Sendable, Hashable {
    private var firstKey = 0
    /// Neither the first nor the last is 0.
    private var counts: [UInt64] = []

    package var total: UInt64 { counts.reduce(0, saturatingSum) }
    package var isEmpty: Bool { counts.isEmpty }

    /// Buckets with a count, by growing key.
    package var ascending: [(key: Int, count: UInt64)] {
        counts.indices.compactMap { counts[$0] == 0 ? nil : (firstKey + $0, counts[$0]) }
    }

    package var descending: ReversedCollection<[(key: Int, count: UInt64)]> { ascending.reversed() }

    mutating func add(_ count: UInt64, at key: Int) {
        guard !counts.isEmpty else {
            firstKey = key
            counts = [count]
            return
        }
        let lastKey = firstKey + counts.count - 1
        // What lies too far below the highest bucket belongs to the lowest one that is kept.
        let lowest = max(lastKey, key) - LogBucketSketch.bucketsMax + 1
        if lowest > firstKey { join(below: lowest) }
        let key = max(key, lowest)
        if key < firstKey {
            counts.insert(contentsOf: repeatElement(0, count: firstKey - key), at: 0)
            firstKey = key
        } else if key >= firstKey + counts.count {
            counts.append(contentsOf: repeatElement(0, count: key - firstKey - counts.count + 1))
        }
        counts[key - firstKey] = saturatingSum(counts[key - firstKey], count)
    }

    private mutating func join(below lowest: Int) {
        let joined = min(lowest - firstKey, counts.count)
        let sum = counts[..<joined].reduce(0, saturatingSum)
        counts.removeFirst(joined)
        firstKey = lowest
        if counts.isEmpty { counts = [sum] } else { counts[0] = saturatingSum(counts[0], sum) }
    }

    mutating func merge(_ other: BucketCounts) {
        // From the top, so that joining happens once.
        for (key, count) in other.descending { add(count, at: key) }
    }

    /// Two neighbours become one, `times` times.
    mutating func halve(times: Int) {
        let before = ascending
        counts = []
        for (key, count) in before.reversed() {
            var key = key
            // ceil(k / 2), also below zero.
            for _ in 0..<times { key = (key + 1) >> 1 }
            add(count, at: key)
        }
    }

    // MARK: Bytes

    func write(to writer: inout ByteWriter) {
        let filled = ascending
        writer.appendVarint(UInt64(filled.count))
        var previous = 0
        for (key, count) in filled {
            writer.appendZigzag(Int64(key - previous))
            writer.appendVarint(count)
            previous = key
        }
    }

    /// Keys of finite doubles at the finest mapping are far inside of this.
    private static let keyMagnitudeMax = 1 << 30

    init() {}

    init(from reader: inout ByteReader) throws {
        let count = try reader.readCount(bytesEach: 2)
        guard count <= LogBucketSketch.bucketsMax else { throw SketchError.damaged("it has \(count) buckets") }
        var previous: Int?
        for _ in 0..<count {
            let step = try reader.readZigzag()
            let (key, overflow) = (previous ?? 0).addingReportingOverflow(Int(step))
            guard !overflow, key.magnitude <= BucketCounts.keyMagnitudeMax, previous.map({ key > $0 }) ?? true else {
                throw SketchError.damaged("its buckets are not in order")
            }
            let number = try reader.readVarint()
            guard number > 0, key - firstKey < LogBucketSketch.bucketsMax || previous == nil else {
                throw SketchError.damaged("bucket \(key) is empty or too far from the others")
            }
            add(number, at: key)
            previous = key
        }
    }
}
