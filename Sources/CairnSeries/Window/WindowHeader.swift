internal import CairnBytes

/// The first bytes of a window (FORMAT.md, section 2).
struct WindowHeader {
    static let magic: [UInt8] = [0x89, 0x43, 0x52, 0x4E, 0x57, 0x0D, 0x0A, 0x1A]
    static let version: UInt16 = 1
    static let length = 80

    var counts = WindowDirectory.Counts(series: 0, samples: 0, timeSets: 0, valueGroups: 0, timeGroups: 0)
    var first: Int64 = 0
    var last: Int64 = 0
    var directoryBytes = 0
    var directoryCRC: UInt32 = 0
    var keyBytes = 0
    var keyCRC: UInt32 = 0
    var totalBytes = 0

    init() {}

    func encoded() -> [UInt8] {
        var output = ByteWriter(capacity: WindowHeader.length)
        output.append(WindowHeader.magic)
        output.append(WindowHeader.version)
        output.append(UInt16(0))
        output.append(UInt32(counts.series))
        output.append(UInt64(counts.samples))
        output.append(first)
        output.append(last)
        output.append(UInt32(counts.timeSets))
        output.append(UInt32(counts.valueGroups))
        output.append(UInt32(counts.timeGroups))
        output.append(UInt32(directoryBytes))
        output.append(directoryCRC)
        output.append(UInt32(keyBytes))
        output.append(keyCRC)
        output.append(UInt64(totalBytes))
        output.append(Checksum.masked(Checksum.crc32(output.bytes)))
        return output.bytes
    }

    init(_ bytes: [UInt8]) throws {
        var input = ByteReader(bytes)
        guard try input.read(count: 8) == WindowHeader.magic else {
            throw PackedNumbersError(reason: "it does not begin as a window does")
        }
        let crc = Checksum.masked(Checksum.crc32(bytes[..<(WindowHeader.length - 4)]))
        var end = ByteReader(bytes, range: WindowHeader.length - 4..<WindowHeader.length)
        guard try end.read(UInt32.self) == crc else { throw PackedNumbersError(reason: "its checksum does not match") }
        let version = try input.read(UInt16.self)
        guard version == WindowHeader.version else {
            throw PackedNumbersError(reason: "version \(version) is unknown; a newer Cairn may read it")
        }
        let flags = try input.read(UInt16.self)
        guard flags & 0xFF == 0 else { throw PackedNumbersError(reason: "its flags \(flags) are unknown") }
        counts.series = Int(try input.read(UInt32.self))
        counts.samples = Int(clamping: try input.read(UInt64.self))
        first = try input.read()
        last = try input.read()
        counts.timeSets = Int(try input.read(UInt32.self))
        counts.valueGroups = Int(try input.read(UInt32.self))
        counts.timeGroups = Int(try input.read(UInt32.self))
        directoryBytes = Int(try input.read(UInt32.self))
        directoryCRC = try input.read()
        keyBytes = Int(try input.read(UInt32.self))
        keyCRC = try input.read()
        totalBytes = Int(clamping: try input.read(UInt64.self))
        try checkLimits()
    }

    private func checkLimits() throws {
        guard counts.samples <= SampleWindow.samplesMax, counts.series <= SampleWindow.seriesMax,
            counts.series <= counts.samples, counts.timeSets <= counts.series, counts.valueGroups <= counts.series,
            counts.timeGroups <= counts.timeSets, totalBytes <= SampleWindow.bytesMax,
            WindowHeader.length + directoryBytes + keyBytes <= totalBytes, first <= last
        else { throw PackedNumbersError(reason: "its counts cannot be those of a window") }
    }
}
