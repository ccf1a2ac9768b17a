import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Snappy blocks that libsnappy made (tools/make-wire-fixtures.py), by hand, and damaged.
@Suite struct SnappyTests {
    /// Name, content, block.
    static func blocks() throws -> [(String, [UInt8], [UInt8])] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/snappy.bin.gz")
        let bytes = try Inflate.decompress(Array(try Data(contentsOf: file)), container: .gzip, limit: 1 << 24)
        var reader = ByteReader(bytes)
        var blocks: [(String, [UInt8], [UInt8])] = []
        while !reader.isAtEnd {
            let parts = try (0..<3).map { _ in try reader.read(count: Int(try reader.read(UInt32.self))) }
            blocks.append((String(decoding: parts[0], as: UTF8.self), parts[1], parts[2]))
        }
        return blocks
    }

    @Test func readsWhatLibsnappyWrote() throws {
        let blocks = try SnappyTests.blocks()
        #expect(blocks.count == 6)
        for (name, content, block) in blocks {
            #expect(try Snappy.decompress(block, bytesMax: content.count) == content, "\(name)")
        }
    }

    @Test func theAnnouncedLengthIsCheckedFirst() throws {
        for (name, content, block) in try SnappyTests.blocks() where !content.isEmpty {
            #expect(throws: SnappyError.tooLarge(announced: UInt64(content.count), limit: content.count - 1), "\(name)")
            {
                try Snappy.decompress(block, bytesMax: content.count - 1)
            }
        }
        // Four gigabytes in six bytes.
        #expect(throws: SnappyError.damaged(offset: 0, reason: "it announces more bytes than the block can hold")) {
            try Snappy.decompress([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00], bytesMax: .max)
        }
    }

    @Test(
        arguments: [
            ([], "a length"), ([0x80], "a length"), ([0xFF, 0xFF, 0xFF, 0xFF, 0x1F], "a length"),
            ([3, 0x00, 0x61], "ends before"), ([1, 0x04, 0x61, 0x62], "more bytes"),
            ([4, 0x00, 0x61, 0x01, 0x02], "a copy"),
            ([4, 0x00, 0x61, 0x01, 0x00], "a copy"), ([4, 0x00, 0x61, 0x02, 0x01], "ends before"),
            ([4, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF], "ends before"), ([2, 0x00, 0x61, 0x01, 0x01], "more bytes"),
        ] as [([UInt8], String)]) func damageIsNamed(block: [UInt8], reason: String)
    {
        let error = #expect(throws: SnappyError.self) { try Snappy.decompress(block, bytesMax: 1000) }
        #expect(error.map { "\($0)".contains(reason) } ?? false, "\(String(describing: error))")
    }

    @Test func aCopyMayReachIntoItself() throws {
        // A literal "ab", then nine bytes from two back.
        #expect(
            try Snappy.decompress([11, 0x04, 0x61, 0x62, 0x15, 0x02], bytesMax: 100) == Array("abababababa".utf8))
    }

    @Test(arguments: [UInt64(1), 2, 3, 4]) func noBytesStopIt(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let blocks = try SnappyTests.blocks()
        for _ in 0..<300 {
            var block = blocks[Int(random.next() % UInt64(blocks.count))].2
            for _ in 0...random.next() % 3 where !block.isEmpty {
                block[Int(random.next() % UInt64(block.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if random.next() % 3 == 0 { block.removeLast(Int(random.next() % UInt64(block.count + 1))) }
            if let content = try? Snappy.decompress(block, bytesMax: 1 << 20) { #expect(content.count <= 1 << 20) }
        }
    }
}
