import CairnBytes
import CairnTestSupport
import Testing

@Suite struct BytesTests {
    @Test(arguments: 0..<50 as Range<UInt64>)
    func deflateAndInflateAreInverse(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let count = Int.random(in: 0...200_000, using: &random)
        let content = (0..<count).map { _ in UInt8.random(in: 0...9, using: &random) }
        for container in [DeflateContainer.zlib, .gzip, .raw] {
            let stored = Deflate.compress(content, container: container)
            #expect(try Inflate.decompress(stored, container: container, limit: count) == content, "seed \(seed)")
            if count > 0 {
                #expect(throws: InflateError.tooLarge(limit: count - 1)) {
                    try Inflate.decompress(stored, container: container, limit: count - 1)
                }
            }
            #expect(throws: InflateError.self) {
                try Inflate.decompress(Array(stored.dropLast()), container: container, limit: count)
            }
        }
        let dictionary = Array(content.prefix(1000))
        if !dictionary.isEmpty {
            let stored = Deflate.compress(content, dictionary: dictionary)
            #expect(try Inflate.decompress(stored, dictionary: dictionary, limit: count) == content)
            #expect(throws: InflateError.self) { try Inflate.decompress(stored, limit: count) }
        }
    }

    @Test func gzipMembersFollowEachOther() throws {
        let stored = Deflate.compress([1, 2], container: .gzip) + Deflate.compress([3], container: .gzip)
        #expect(try Inflate.decompress(stored, container: .gzip, limit: 10) == [1, 2, 3])
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func writerAndReaderAreInverse(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let number = random.next() >> (random.next() & 63)
        let signed = Int64(bitPattern: random.next()) >> Int64(random.next() & 63)
        var writer = ByteWriter()
        writer.appendVarint(number)
        writer.appendZigzag(signed)
        writer.append(UInt32(truncatingIfNeeded: number))
        writer.appendCounted("grüße")
        var reader = ByteReader(writer.bytes)
        #expect(try reader.readVarint() == number)
        #expect(try reader.readZigzag() == signed)
        #expect(try reader.read(UInt32.self) == UInt32(truncatingIfNeeded: number))
        #expect(try reader.readString() == "grüße")
        #expect(reader.isAtEnd)
    }

    @Test func forgedRecordsAreRefused() {
        var padded = ByteReader([0x80, 0x00])
        #expect(throws: ByteError.self) { try padded.readVarint() }
        var endless = ByteReader([UInt8](repeating: 0xFF, count: 20))
        #expect(throws: ByteError.self) { try endless.readVarint() }
        var count = ByteReader([0xFF, 0xFF, 0x03, 1])
        #expect(throws: ByteError.self) { try count.readCount() }
        #expect(Base64.bytes("AB==") == nil)
        #expect(Base64.bytes("AA==") == [0])
        #expect(Hex.bytes("0") == nil)
    }

    @Test(
        arguments: [
            ("2026-01-01T10:00:00Z", 1_767_261_600_000_000), ("1970-01-01T00:00:00.000001Z", 1),
            ("1969-12-31T23:59:59.5Z", -500_000), ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
            ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999), ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ] as [(String, Int64)])
    func timesAreReadAndWritten(text: String, microseconds: Int64) {
        #expect(Timestamp(text)?.microseconds == microseconds)
        #expect(Timestamp(microseconds: microseconds).description == text)
    }

    @Test(arguments: [.max, .max / 1_000_000, 1_000_000 * 604_800, -1_000_000 * 604_800, .min] as [Int64])
    func aTimeStaysOneThatCanBeWritten(seconds: Int64) throws {
        let now = try #require(Timestamp("2026-01-01T10:00:00Z"))
        #expect(now.adding(seconds: seconds) == (seconds < 0 ? .earliest : .latest))
        #expect(Timestamp(now.adding(seconds: seconds).description) != nil)
    }

    @Test func timesInOtherForms() {
        #expect(Timestamp("2026-01-01T10:00:00+02:00") == Timestamp("2026-01-01T08:00:00Z"))
        #expect(Timestamp("2026-01-01 10:00:00", allowsMissingZone: true) == Timestamp("2026-01-01T10:00:00Z"))
        #expect(Timestamp("2026-01-01T10:00:00.1234567Z")?.microseconds == 1_767_261_600_123_456)
        for text in [
            "2026-01-01T10:00:00", "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01T24:00:00Z", "",
            "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "2026-01-01T10:00:00Zx", "2026-01-01T10:00:00.Z",
        ] {
            #expect(Timestamp(text) == nil, "\(text)")
        }
    }
}
