import CairnBytes
import CairnSeries

/// A window taken apart, so that tests can change a part and put true checksums on what they made.
struct WindowParts {
    var header: [UInt8]
    var directory: [UInt8]
    var keys: [UInt8]
    /// Groups of values, then groups of times.
    var groups: [[UInt8]] = []
    /// Where the directory has the checksum of each group.
    private var checksumPlaces: [Int] = []

    private static let headerBytes = 80

    init(_ bytes: [UInt8]) throws {
        header = Array(bytes[..<Self.headerBytes])
        let directoryEnd = Self.headerBytes + Int(try Self.integer(header, at: 52))
        let keysEnd = directoryEnd + Int(try Self.integer(header, at: 60))
        directory = Array(bytes[Self.headerBytes..<directoryEnd])
        keys = Array(bytes[directoryEnd..<keysEnd])
        var start = keysEnd
        while start < bytes.count {
            // Where a group ends only its checksum in the directory tells here.
            let end = (start + 1...bytes.count).first { end in
                guard let place = Self.place(of: Self.checksum(bytes[start..<end]), in: directory) else { return false }
                checksumPlaces.append(place)
                return true
            }
            guard let end else { throw ByteError(reason: "no group begins here", offset: start) }
            groups.append(Array(bytes[start..<end]))
            start = end
        }
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(Checksum.masked(Checksum.crc32(bytes, continuing: 0)))
        return writer.bytes
    }

    private static func integer(_ bytes: [UInt8], at place: Int) throws -> UInt32 {
        var reader = ByteReader(bytes, range: place..<place + 4)
        return try reader.read(UInt32.self)
    }

    private static func place(of four: [UInt8], in bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (0...bytes.count - 4).first { place in (0..<4).allSatisfy { bytes[place + $0] == four[$0] } }
    }

    /// The parts as a window whose lengths and checksums are all true.
    func sealed() -> [UInt8] {
        var directory = directory
        for (group, place) in zip(groups, checksumPlaces) where place + 4 <= directory.count {
            directory.replaceSubrange(place..<place + 4, with: Self.checksum(group[...]))
        }
        var header = header
        func set(_ integer: Int, at place: Int) {
            var writer = ByteWriter()
            writer.append(UInt32(truncatingIfNeeded: integer))
            header.replaceSubrange(place..<place + 4, with: writer.bytes)
        }
        let total = header.count + directory.count + keys.count + groups.reduce(0) { $0 + $1.count }
        set(directory.count, at: 52)
        header.replaceSubrange(56..<60, with: Self.checksum(directory[...]))
        set(keys.count, at: 60)
        header.replaceSubrange(64..<68, with: Self.checksum(keys[...]))
        set(total, at: 68)
        set(0, at: 72)
        header.replaceSubrange(76..<80, with: Self.checksum(header[..<76]))
        return header + directory + keys + groups.flatMap { $0 }
    }
}
