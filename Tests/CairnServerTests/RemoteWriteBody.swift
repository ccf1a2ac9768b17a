import CairnBytes

/// Bodies of Prometheus remote write 1.0.
enum RemoteWriteBody {
    /// Some samples of one series, compressed as senders do.
    static func samples(_ count: Int, of name: String = "up", from timeMs: UInt64 = 1_773_136_800_000) -> [UInt8] {
        var series = field(1, field(1, Array("__name__".utf8)) + field(2, Array(name.utf8)))
        for index in 0..<count {
            var sample = ByteWriter()
            sample.append(UInt8(1 << 3 | 1))
            for shift in stride(from: 0, to: 64, by: 8) {
                sample.append(UInt8(truncatingIfNeeded: Double(index).bitPattern >> UInt64(shift)))
            }
            sample.append(UInt8(2 << 3))
            sample.appendVarint(timeMs + UInt64(index) * 1000)
            series += field(2, sample.bytes)
        }
        return snappy(field(1, series))
    }

    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(number << 3 | 2)
        writer.appendVarint(UInt64(bytes.count))
        writer.append(bytes[...])
        return writer.bytes
    }

    /// A block of literals alone, which any decoder takes.
    static func snappy(_ bytes: [UInt8]) -> [UInt8] {
        var block = ByteWriter()
        block.appendVarint(UInt64(bytes.count))
        var output = block.bytes
        for start in stride(from: 0, to: bytes.count, by: 60) {
            let literal = bytes[start..<min(start + 60, bytes.count)]
            output.append(UInt8(literal.count - 1) << 2)
            output += literal
        }
        return output
    }
}
