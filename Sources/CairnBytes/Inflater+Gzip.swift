/// Whole gzip files of one member: what S3 delivers.
extension Inflater {
    /// The content of a gzip file (RFC 1952) of one member, if it is sound and at most `limit` bytes long. Nil for any
    /// other, also a damaged one: `InflateStream` reads files of several members, and says where one is damaged.
    package mutating func gzipContent(_ file: [UInt8], limit: Int) -> [UInt8]? {
        guard let start = Inflater.endOfGzipHeader(file) else { return nil }
        // The last eight bytes: checksum and length modulo 2^32. A longer content does not fit in what it says.
        let end = file.count - 8
        guard end >= start else { return nil }
        let checksum = Inflater.littleEndian(file, end)
        let count = Int(Inflater.littleEndian(file, end + 4))
        // A forged length must not reserve memory: deflate makes at most 1032 bytes of one.
        guard count <= limit, count <= (end - start) * 1032 + 1032 else { return nil }
        var isSound = false
        let content = unsafe [UInt8](unsafeUninitializedCapacity: count) { output, filled in
            isSound = unsafe file.withUnsafeBufferPointer { file in
                unsafe inflate(UnsafeBufferPointer(rebasing: file[start..<end]), into: output, count: count)
            }
            filled = isSound ? count : 0
        }
        return isSound && Checksum.crc32(content) == checksum ? content : nil
    }

    private mutating func inflate(
        _ input: UnsafeBufferPointer<UInt8>, into output: UnsafeMutableBufferPointer<UInt8>, count: Int
    ) -> Bool {
        let nowhere = unsafe UnsafeMutablePointer<UInt8>(mutating: UnsafePointer(lengths))
        var cursor = unsafe Cursor(
            input: input.baseAddress ?? UnsafePointer(nowhere), inputCount: input.count,
            output: output.baseAddress ?? nowhere, outputCount: count, dictionary: UnsafePointer(nowhere),
            dictionaryCount: 0)
        do throws(Failure) { try blocks(&cursor) } catch { return false }
        return cursor.place == cursor.inputCount && cursor.written == count
    }

    private static func littleEndian(_ bytes: [UInt8], _ place: Int) -> UInt32 {
        UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
            | UInt32(bytes[place + 3]) << 24
    }

    /// Where the deflate stream begins; nil if the header is none.
    private static func endOfGzipHeader(_ file: [UInt8]) -> Int? {
        guard file.count >= 18, file[0] == 0x1F, file[1] == 0x8B, file[2] == 8, file[3] & 0xE0 == 0 else { return nil }
        let flags = file[3]
        var place = 10
        if flags & 4 != 0 {
            place += 2 + Int(file[10]) + Int(file[11]) << 8
        }
        for text in [8, 16] as [UInt8] where flags & text != 0 {
            // A name and a comment, each up to a zero.
            while place < file.count, file[place] != 0 { place += 1 }
            place += 1
        }
        if flags & 2 != 0 { place += 2 }
        return place <= file.count - 8 ? place : nil
    }
}
