import CairnBytes

// The bytes of a batch, version 1. Integers are little-endian, "varint" is LEB128, "zigzag" a signed varint.
//
//     +------+---------+--------------+----------------+------------------------------------------+
//     | CRNS | version | raw length   | CRC-32 of raw  | three sections, each a varint length and |
//     | 4    | 1 = 0x01| 4            | 4              | its raw deflate stream                   |
//     +------+---------+--------------+----------------+------------------------------------------+
//
// raw = keys, times and values one after the other:
//
//     keys    varint symbols, each a varint length and UTF-8, sorted; varint series; per series, sorted by key:
//             symbol of the name, varint labels, per label symbol of name and of value; varint samples;
//             a byte for the encoding of the times and one for that of the values
//     times   per series, by encoding: 0 the same as the series before; 1 regular: zigzag first, varint step;
//             2 irregular: zigzag first, then per sample the zigzag change of the step
//     values  per series, by encoding: 0 constant: 8 bytes; 1 and 2 decimal: a byte exponent e, varint exceptions,
//             each a varint distance from the exception before and 8 bytes, then zigzag differences (1) or
//             differences of differences (2) of the integers v, where the value is v / 10^e;
//             3 bits: XOR with the value before, the highest bytes of all samples first (eight planes)
//
// Keys, times and values differ in statistics, so each section has a deflate stream of its own.

/// Why bytes are no batch of samples, or a batch has no bytes.
package struct SampleBatchError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String

    package var description: String { "cannot use a batch of samples: \(reason)" }
}

extension SampleBatch {
    package static let mediaType = "application/vnd.cairn.samples.v1"

    static let magic: [UInt8] = Array("CRNS".utf8)
    static let version: UInt8 = 1
    /// Keys with the longest texts and samples without any regularity both stay below.
    static let rawBytesMax = 128 << 20

    /// - Throws: if the batch is over `samplesMax` or `seriesMax`: `split()` it first.
    package func encoded() throws(SampleBatchError) -> [UInt8] {
        guard sampleCount <= SampleBatch.samplesMax, series.count <= SampleBatch.seriesMax else {
            throw SampleBatchError(reason: "\(sampleCount) samples of \(series.count) series are too many for one")
        }
        var times = ByteWriter(capacity: series.count * 2)
        var values = ByteWriter(capacity: sampleCount * 2)
        var encodings: [(UInt8, UInt8)] = []
        var before: [Sample] = []
        for one in series {
            let timeEncoding = TimeColumn.append(one.samples, before: before, to: &times)
            let valueEncoding = ValueColumn.append(one.samples, to: &values)
            encodings.append((timeEncoding, valueEncoding))
            before = one.samples
        }
        let sections = [encodedKeys(encodings), times.bytes, values.bytes]
        let rawLength = sections.reduce(0) { $0 + $1.count }
        guard rawLength <= SampleBatch.rawBytesMax else {
            throw SampleBatchError(reason: "\(rawLength) bytes before compression are too many for one")
        }
        var output = ByteWriter(capacity: rawLength / 2 + 64)
        output.append(SampleBatch.magic)
        output.append(SampleBatch.version)
        output.append(UInt32(rawLength))
        var crc: UInt32 = 0
        for section in sections { crc = Checksum.crc32(section[...], continuing: crc) }
        output.append(crc)
        for section in sections { output.appendCounted(SampleBatch.smallest(section)) }
        return output.bytes
    }

    /// Noise is smaller without matches, repetition with them; both read the same.
    private static func smallest(_ section: [UInt8]) -> [UInt8] {
        let matched = Deflate.compress(section, container: .raw)
        let unmatched = Deflate.compress(section, container: .raw, strategy: .huffmanOnly)
        return unmatched.count < matched.count ? unmatched : matched
    }

    private func encodedKeys(_ encodings: [(UInt8, UInt8)]) -> [UInt8] {
        // Symbols are bytes, not strings, which compare by Unicode equivalence.
        var symbols: Set<[UInt8]> = []
        for one in series {
            symbols.insert(Array(one.key.name.utf8))
            for label in one.key.labels {
                symbols.insert(Array(label.name.utf8))
                symbols.insert(Array(label.value.utf8))
            }
        }
        let sorted = symbols.sorted { $0.lexicographicallyPrecedes($1) }
        var number: [[UInt8]: UInt64] = [:]
        for (index, symbol) in sorted.enumerated() { number[symbol] = UInt64(index) }
        var keys = ByteWriter(capacity: series.count * 16)
        keys.appendVarint(UInt64(sorted.count))
        for symbol in sorted { keys.appendCounted(symbol) }
        keys.appendVarint(UInt64(series.count))
        for (one, encoding) in zip(series, encodings) {
            keys.appendVarint(number[Array(one.key.name.utf8), default: 0])
            keys.appendVarint(UInt64(one.key.labels.count))
            for label in one.key.labels {
                keys.appendVarint(number[Array(label.name.utf8), default: 0])
                keys.appendVarint(number[Array(label.value.utf8), default: 0])
            }
            keys.appendVarint(UInt64(one.samples.count))
            keys.append(encoding.0)
            keys.append(encoding.1)
        }
        return keys.bytes
    }
}

extension SampleBatch {
    /// Reads what `encoded()` wrote; any other bytes are refused, with bounded work and memory.
    package init(encoded bytes: [UInt8]) throws(SampleBatchError) {
        do {
            let sections = try SampleBatch.inflatedSections(bytes)
            self.init(checked: try SampleBatch.decoded(sections))
        } catch let error as SampleBatchError {
            throw error
        } catch {
            throw SampleBatchError(reason: "\(error)")
        }
    }

    private static func inflatedSections(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var reader = ByteReader(bytes)
        guard try reader.read(count: magic.count) == magic else {
            throw SampleBatchError(reason: "it does not begin with CRNS")
        }
        let version = try reader.read(UInt8.self)
        guard version == SampleBatch.version else {
            throw SampleBatchError(reason: "version \(version) is unknown; a newer Cairn may read it")
        }
        let rawLength = Int(try reader.read(UInt32.self))
        guard rawLength <= rawBytesMax else {
            throw SampleBatchError(reason: "\(rawLength) bytes are over the limit of \(rawBytesMax)")
        }
        let crc = try reader.read(UInt32.self)
        var room = rawLength
        var found: UInt32 = 0
        var sections: [[UInt8]] = []
        for _ in 0..<3 {
            let section = try Inflate.decompress(try reader.readCounted(), container: .raw, limit: room)
            room -= section.count
            found = Checksum.crc32(section[...], continuing: found)
            sections.append(section)
        }
        guard room == 0, reader.isAtEnd else { throw SampleBatchError(reason: "its length is not what it says") }
        guard found == crc else { throw SampleBatchError(reason: "its checksum does not match") }
        return sections
    }

    private static func decoded(_ sections: [[UInt8]]) throws -> [SeriesSamples] {
        var keys = ByteReader(sections[0])
        var times = ByteReader(sections[1])
        var values = ByteReader(sections[2])
        var symbols: [String] = []
        for _ in 0..<(try keys.readCount()) { symbols.append(try keys.readString()) }
        func symbol() throws -> String {
            let number = try keys.readVarint()
            guard number < UInt64(symbols.count) else { throw SampleBatchError(reason: "a symbol is not there") }
            return symbols[Int(number)]
        }
        var series: [SeriesSamples] = []
        var samplesLeft = samplesMax
        let count = try keys.readCount(bytesEach: 5)
        guard count <= seriesMax else { throw SampleBatchError(reason: "\(count) series are too many") }
        var moments: [Int64] = []
        for _ in 0..<count {
            let name = try symbol()
            var labels: [Label] = []
            for _ in 0..<(try keys.readCount(bytesEach: 2)) {
                guard labels.count < SeriesKey.labelsMax else { throw SampleBatchError(reason: "too many labels") }
                labels.append(Label(try symbol(), try symbol()))
            }
            let key = try SeriesKey(name: name, labels: labels)
            guard key.name == name, key.labels == labels, series.last.map({ $0.key < key }) ?? true else {
                throw SampleBatchError(reason: "series \(key) is not in its place")
            }
            let samples = try keys.readVarint()
            guard samples > 0, samples <= UInt64(samplesLeft) else {
                throw SampleBatchError(reason: "\(samples) samples of \(key) are none or too many")
            }
            samplesLeft -= Int(samples)
            let timeEncoding = try keys.read(UInt8.self)
            let valueEncoding = try keys.read(UInt8.self)
            try TimeColumn.read(Int(samples), encoding: timeEncoding, into: &moments, from: &times)
            let numbers = try ValueColumn.read(Int(samples), encoding: valueEncoding, from: &values)
            series.append(
                SeriesSamples(key: key, samples: zip(moments, numbers).map { Sample(timeMs: $0, value: $1) }))
        }
        guard keys.isAtEnd, times.isAtEnd, values.isAtEnd else {
            throw SampleBatchError(reason: "there are bytes after its last series")
        }
        return series
    }
}
