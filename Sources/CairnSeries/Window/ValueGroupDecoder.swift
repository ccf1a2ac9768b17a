internal import CairnBytes

/// What a decoder of a group has to know of each of its series.
struct GroupMember {
    var model: ValueModel
    var count: Int
    var exceptionCount: Int
}

/// Memory for the values of one series at a time, used again for the next.
@safe final class ValueScratch {
    /// At least as many as the largest series read so far; those of the last series come first.
    private(set) var values: UnsafeMutableBufferPointer<Double>
    private(set) var residuals: UnsafeMutableBufferPointer<Int64>

    init() {
        unsafe values = .allocate(capacity: 0)
        unsafe residuals = .allocate(capacity: 0)
    }

    deinit {
        unsafe values.deallocate()
        unsafe residuals.deallocate()
    }

    func reserve(_ count: Int) {
        let room = count + PackedNumbersReader.roomToSpare
        guard unsafe values.count < room else { return }
        unsafe values.deallocate()
        unsafe residuals.deallocate()
        unsafe values = .allocate(capacity: room)
        unsafe residuals = .allocate(capacity: room)
        unsafe values.initialize(repeating: 0)
        unsafe residuals.initialize(repeating: 0)
    }
}

/// Reads the values of a group, series by series.
struct ValueGroupDecoder {
    private let members: [GroupMember]
    private var numbers: PackedNumbersReader
    private var exceptions: ByteReader
    private var place = 0

    /// - Parameter stored: the bytes of the group.
    init(_ stored: [UInt8], _ entry: GroupEntry, members: [GroupMember]) throws {
        var lengths: [Int] = []
        var hasExceptions = false
        for member in members {
            lengths.append(member.model.storedCount(member.count))
            hasExceptions = hasExceptions || member.exceptionCount > 0
        }
        let exceptionsStart = Int(entry.digits >> 1) + Int(entry.tokens >> 1) + Int(entry.bits >> 1)
        numbers = try PackedNumbersReader(stored, entry, lengths: lengths)
        var exceptionBytes = Array(stored[exceptionsStart...])
        if entry.exceptions & 1 == 1 {
            // At most a place of ten bytes, a kind and a value each.
            let limit = members.reduce(0) { $0 + $1.exceptionCount * 19 }
            exceptionBytes = try Inflate.decompress(exceptionBytes, container: .raw, limit: limit)
        }
        guard hasExceptions || exceptionBytes.isEmpty else {
            throw PackedNumbersError(reason: "there are exceptions of no series")
        }
        exceptions = ByteReader(exceptionBytes)
        self.members = members
    }

    var isAtEnd: Bool { place == members.count && numbers.isAtEnd && exceptions.isAtEnd }

    /// Reads the values of the next series to the start of `scratch.values`.
    mutating func readNext(_ scratch: ValueScratch) throws {
        let member = members[place]
        place += 1
        scratch.reserve(member.count)
        unsafe numbers.read(
            member.model.storedCount(member.count), into: scratch.residuals.baseAddress!)
        unsafe member.model.write(
            scratch.residuals.baseAddress!, count: member.count, into: scratch.values.baseAddress!)
        if member.exceptionCount > 0 {
            let values = unsafe UnsafeMutableBufferPointer(rebasing: scratch.values[..<member.count])
            unsafe try ValueExceptions.apply(member.exceptionCount, to: values, from: &exceptions)
        }
    }

    mutating func skipNext() throws {
        let member = members[place]
        place += 1
        numbers.skip(member.model.storedCount(member.count))
        try ValueExceptions.skip(member.exceptionCount, in: &exceptions)
    }
}

extension PackedNumbersReader {
    /// Reads the streams of a group after checking their bytes.
    init(_ stored: [UInt8], _ entry: GroupEntry, lengths: [Int]) throws {
        guard stored.count == entry.storedBytes else { throw PackedNumbersError(reason: "it ends early") }
        guard Checksum.masked(Checksum.crc32(stored)) == entry.crc else {
            throw PackedNumbersError(reason: "its checksum does not match")
        }
        let tokens = Int(entry.digits >> 1)
        let bits = tokens + Int(entry.tokens >> 1)
        let end = bits + Int(entry.bits >> 1)
        try self.init(
            packing: entry.packing,
            digitBytes: entry.packing == .tokens ? 0 : lengths.reduce(0) { $0 + entry.packing.bytes(for: $1) },
            numbers: lengths.reduce(0, +), digits: (stored[..<tokens], entry.digits & 1 == 1),
            tokens: (stored[tokens..<bits], entry.tokens & 1 == 1), bits: (stored[bits..<end], entry.bits & 1 == 1))
    }
}
