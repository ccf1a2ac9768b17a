import CairnBytes

/// Why bytes are no batch of samples, or a batch has no bytes.
package struct SampleBatchError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String

    package init(reason: String) { self.reason = reason }

    package var description: String { "cannot use a batch of samples: \(reason)" }
}

// FORMAT.md, section 7, has the bytes. Keys, times and values differ in statistics, so each has streams of its own.

extension SampleBatch {
    package static let mediaType = "application/vnd.cairn.samples.v2"

    static let magic: [UInt8] = Array("CRNS".utf8)
    static let version: UInt8 = 2
    /// Times or values before compression: samples without any regularity stay below.
    static let rawBytesMax = 128 << 20
    /// Lists of names that one batch uses.
    package static let namesMax = 16

    /// Where the names of the series come from.
    package enum Names: Sendable {
        /// In the batch itself: keys, ascending, each once.
        case inline([SeriesKey])
        /// In another attachment, which has so many.
        case reference(NamesReference, count: Int)

        var count: Int {
            switch self {
            case .inline(let keys): keys.count
            case .reference(_, let count): count
            }
        }
    }

    /// Samples of a series whose name is at a place in the lists of names, these taken one after the other.
    package struct Placed: Sendable {
        package var place: Int
        /// In order of time, without exact repeats; at least one.
        package var samples: [Sample]

        package init(place: Int, samples: [Sample]) {
            self.place = place
            self.samples = samples
        }
    }

    /// The batch with its names in it.
    /// - Throws: if the batch is over `samplesMax` or `seriesMax`: `split()` it first.
    package func encoded() throws(SampleBatchError) -> [UInt8] {
        try SampleBatch.encode(
            [.inline(series.map(\.key))],
            series.enumerated().map { Placed(place: $0.offset, samples: $0.element.samples) })
    }

    /// - Parameter series: ascending by place.
    package static func encode(_ names: [Names], _ series: [Placed]) throws(SampleBatchError) -> [UInt8] {
        let sampleCount = series.reduce(0) { $0 + $1.samples.count }
        guard sampleCount <= samplesMax, names.reduce(0, { $0 + $1.count }) <= seriesMax, names.count <= namesMax else {
            throw SampleBatchError(reason: "\(sampleCount) samples of \(series.count) series are too many for one")
        }
        var times = ByteWriter(capacity: series.count * 2)
        var values = ByteWriter(capacity: sampleCount * 2)
        var columns = [[UInt64]](repeating: [], count: 4)
        for index in columns.indices { columns[index].reserveCapacity(series.count) }
        var before: [Sample] = []
        var next = 0
        for one in series {
            columns[0].append(UInt64(one.place - next))
            columns[1].append(UInt64(one.samples.count - 1))
            columns[2].append(UInt64(TimeColumn.append(one.samples, before: before, to: &times)))
            columns[3].append(UInt64(ValueColumn.append(one.samples, to: &values)))
            next = one.place + 1
            before = one.samples
        }
        var body = ByteWriter(capacity: values.bytes.count / 2 + 256)
        append(names, to: &body)
        body.appendVarint(UInt64(series.count))
        for column in columns { NumberColumn.append(column, to: &body) }
        for section in [times.bytes, values.bytes] {
            guard section.count <= rawBytesMax else {
                throw SampleBatchError(reason: "\(section.count) bytes before compression are too many for one")
            }
            body.appendVarint(UInt64(section.count))
            body.appendCounted(smallest(section))
        }
        var output = ByteWriter(capacity: body.bytes.count + 16)
        output.append(magic)
        output.append(version)
        output.append(Checksum.masked(Checksum.crc32(body.bytes)))
        output.append(body.bytes)
        return output.bytes
    }

    private static func append(_ names: [Names], to output: inout ByteWriter) {
        output.appendVarint(UInt64(names.count))
        for list in names {
            output.appendVarint(UInt64(list.count))
            switch list {
            case .inline(let keys):
                output.append(UInt8(0))
                output.appendCounted(WindowKeys.encode(keys))
            case .reference(let reference, _):
                output.append(UInt8(1))
                output.append(reference.digest)
                output.appendVarint(UInt64(reference.byteCount))
            }
        }
    }

    /// Noise is smaller without matches, repetition with them; both read the same.
    private static func smallest(_ section: [UInt8]) -> [UInt8] {
        let matched = Deflate.compress(section, container: .raw)
        let unmatched = Deflate.compress(section, container: .raw, strategy: .huffmanOnly)
        return unmatched.count < matched.count ? unmatched : matched
    }
}

extension SampleBatch {
    /// Reads what `encode` wrote; any other bytes are refused, with bounded work and memory.
    /// - Parameter names: gives the keys of a list that is in another attachment.
    package init(
        encoded bytes: [UInt8],
        names: (NamesReference) throws -> [SeriesKey] = { _ in
            throw SampleBatchError(reason: "its names are elsewhere")
        }
    ) throws(SampleBatchError) {
        do {
            var input = try SampleBatch.body(bytes)
            let lists = try SampleBatch.readNames(&input)
            self.init(checked: try SampleBatch.readSeries(&input, lists, names))
        } catch let error as SampleBatchError {
            throw error
        } catch {
            throw SampleBatchError(reason: "\(error)")
        }
    }

    /// The lists of names that a batch uses from other attachments.
    package static func references(in bytes: [UInt8]) throws(SampleBatchError) -> [NamesReference] {
        do {
            var input = try body(bytes)
            return try readNames(&input).compactMap { list in
                if case .elsewhere(let reference, _) = list { reference } else { nil }
            }
        } catch let error as SampleBatchError {
            throw error
        } catch {
            throw SampleBatchError(reason: "\(error)")
        }
    }

    private enum StoredNames {
        case here([UInt8], count: Int)
        case elsewhere(NamesReference, count: Int)
    }

    private static func body(_ bytes: [UInt8]) throws -> ByteReader {
        var input = ByteReader(bytes)
        guard try input.read(count: magic.count) == magic else {
            throw SampleBatchError(reason: "it does not begin with CRNS")
        }
        let version = try input.read(UInt8.self)
        guard version == SampleBatch.version else {
            throw SampleBatchError(reason: "version \(version) is unknown; another Cairn may read it")
        }
        let crc = try input.read(UInt32.self)
        guard Checksum.masked(Checksum.crc32(bytes[(bytes.count - input.remaining)...])) == crc else {
            throw SampleBatchError(reason: "its checksum does not match")
        }
        return input
    }

    private static func readNames(_ input: inout ByteReader) throws -> [StoredNames] {
        let lists = try input.readCount()
        guard lists <= namesMax else { throw SampleBatchError(reason: "\(lists) lists of names are too many") }
        var room = UInt64(seriesMax)
        return try (0..<lists).map { _ in
            let count = try input.readVarint()
            guard count <= room else { throw SampleBatchError(reason: "over \(seriesMax) names are too many") }
            room -= count
            switch try input.read(UInt8.self) {
            case 0: return .here(try input.readCounted(), count: Int(count))
            case 1:
                let digest = try input.read(count: 32)
                let byteCount = try input.readVarint()
                return .elsewhere(
                    NamesReference(digest: digest, byteCount: Int(clamping: byteCount)), count: Int(count))
            case let kind: throw SampleBatchError(reason: "names of kind \(kind) are unknown")
            }
        }
    }

    private static func readSeries(
        _ input: inout ByteReader, _ lists: [StoredNames], _ names: (NamesReference) throws -> [SeriesKey]
    ) throws -> [SeriesSamples] {
        var keys: [SeriesKey] = []
        for list in lists {
            let found: [SeriesKey]
            let count: Int
            switch list {
            case .here(let bytes, let expected):
                found = try SeriesNames.decode(keys: bytes, count: expected)
                count = expected
            case .elsewhere(let reference, let expected):
                found = try names(reference)
                count = expected
            }
            guard found.count == count else {
                throw SampleBatchError(reason: "its list of names has \(found.count) series and not \(count)")
            }
            keys = keys.isEmpty ? found : keys + found
        }
        let count = Int(clamping: try input.readVarint())
        guard count <= seriesMax, count <= keys.count else {
            throw SampleBatchError(reason: "\(count) series are more than it has names for")
        }
        var columns: [[UInt64]] = []
        for _ in 0..<4 { columns.append(try NumberColumn.read(count, from: &input)) }
        var times = ByteReader(try section(&input))
        var values = ByteReader(try section(&input))
        guard input.isAtEnd else { throw SampleBatchError(reason: "there are bytes after its values") }
        var series: [SeriesSamples] = []
        series.reserveCapacity(count)
        var samplesLeft = UInt64(samplesMax)
        var place: UInt64 = 0
        var moments: [Int64] = []
        for index in 0..<count {
            let (next, isOver) = place.addingReportingOverflow(columns[0][index])
            guard !isOver, next < UInt64(keys.count) else { throw SampleBatchError(reason: "a series has no name") }
            let key = keys[Int(next)]
            place = next + 1
            guard columns[1][index] < samplesLeft else {
                throw SampleBatchError(reason: "it has over \(samplesMax) samples")
            }
            let samples = Int(columns[1][index]) + 1
            samplesLeft -= UInt64(samples)
            try TimeColumn.read(samples, encoding: UInt8(clamping: columns[2][index]), into: &moments, from: &times)
            let numbers = try ValueColumn.read(samples, encoding: UInt8(clamping: columns[3][index]), from: &values)
            series.append(
                SeriesSamples(key: key, samples: zip(moments, numbers).map { Sample(timeMs: $0, value: $1) }))
        }
        guard times.isAtEnd, values.isAtEnd else {
            throw SampleBatchError(reason: "there are bytes after its last series")
        }
        if lists.count > 1 { series.sort { $0.key < $1.key } }
        for index in series.indices.dropFirst() where !(series[index - 1].key < series[index].key) {
            throw SampleBatchError(reason: "series \(series[index].key) is not in its place")
        }
        return series
    }

    private static func section(_ input: inout ByteReader) throws -> [UInt8] {
        let length = try input.readVarint()
        guard length <= UInt64(rawBytesMax) else {
            throw SampleBatchError(reason: "\(length) bytes are over the limit of \(rawBytesMax)")
        }
        let bytes = try Inflate.decompress(try input.readCounted(), container: .raw, limit: Int(length))
        guard bytes.count == Int(length) else { throw SampleBatchError(reason: "its length is not what it says") }
        return bytes
    }
}
