import CairnBytes
import CairnTestSupport
import Testing

@Suite struct ProtobufReaderTests {
    /// Fields as text: number, type and value.
    private func fields(_ bytes: [UInt8]) throws -> [String] {
        var reader = ProtobufReader(bytes.indices)
        var fields: [String] = []
        while let field = try reader.next(bytes.span) {
            switch field.type {
            case .varint: fields.append("\(field.number)=\(try reader.varint(bytes.span, field))")
            case .fixed64: fields.append("\(field.number)=\(try reader.double(bytes.span, field))")
            case .bytes: fields.append("\(field.number)=\(try reader.text(bytes.span, field))")
            default:
                try reader.skip(bytes.span, field)
                fields.append("\(field.number) skipped")
            }
        }
        return fields
    }

    @Test func fieldsAreReadInTheirOrder() throws {
        let bytes: [UInt8] = [
            0x08, 0x96, 0x01, 0x12, 0x02, 0x68, 0x69, 0x19, 0, 0, 0, 0, 0, 0, 0xF8, 0x3F, 0x25, 1, 2, 3, 4, 0x08,
            0x80, 0x80, 0x00,
        ]
        #expect(try fields(bytes) == ["1=150", "2=hi", "3=1.5", "4 skipped", "1=0"])
    }

    @Test func aNumberOf64BitsTakesTenBytes() throws {
        #expect(try fields([0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01]) == ["1=\(UInt64.max)"])
        #expect(throws: ProtobufError(reason: "a number is longer than ten bytes", offset: 1)) {
            try fields([0x08] + [UInt8](repeating: 0xFF, count: 10) + [0x01])
        }
    }

    @Test(
        arguments: [
            ([0x00], "tag"), ([0x07], "tag"), ([0x0E, 0], "tag"), ([0x80], "no end"), ([0x08], "no end"),
            ([0x09, 1, 2, 3], "no end"), ([0x12, 5, 1], "announces 5 bytes"),
            ([0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], "announces"), ([0x12, 1, 0xFF], "UTF-8"),
            ([0x0B], "group has no end"), ([0x0C], "never began"), ([0x25, 1, 2], "no end"),
        ] as [([UInt8], String)]) func damageIsNamed(bytes: [UInt8], reason: String)
    {
        let error = #expect(throws: ProtobufError.self) { try fields(bytes) }
        #expect(error?.reason.contains(reason) ?? false, "\(String(describing: error))")
    }

    @Test func groupsArePassedOverHoweverDeep() throws {
        // The stack must not grow with what a sender nests.
        let depth = 200_000
        let bytes = [UInt8](repeating: 0x0B, count: depth) + [UInt8](repeating: 0x0C, count: depth) + [0x10, 0x07]
        #expect(try fields(bytes) == ["1 skipped", "2=7"])
    }

    @Test(arguments: [UInt64(5), 6]) func noBytesStopIt(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<3000 {
            var bytes = random.bytes(count: Int(random.next() % 40))
            for index in bytes.indices where random.next() % 2 == 0 { bytes[index] &= 0x1F }
            _ = try? fields(bytes)
        }
    }
}
