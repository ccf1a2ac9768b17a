/// Numbers byte strings in the order they first occur: an open-addressing table over one arena of bytes, which costs
/// neither an allocation nor reference counting per lookup.
struct ByteKeyTable: Sendable {
    private var arena: [UInt8] = []
    private var ends: [Int] = []
    private var hashes: [UInt64] = []
    /// Index + 1 of the key in each slot, 0 if it is free.
    private var slots: [UInt32]

    init(capacity: Int = 64) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
    }

    var count: Int { ends.count }

    func bytes(at index: Int) -> ArraySlice<UInt8> { arena[(index == 0 ? 0 : ends[index - 1])..<ends[index]] }

    func text(at index: Int) -> String { String(decoding: bytes(at: index), as: UTF8.self) }

    /// The number of a key, which is new if it equals `count` from before.
    mutating func index(of key: [UInt8]) -> Int {
        let key = key.span
        return index(of: key, hash: ByteKeyTable.hash(key))
    }

    /// The number of a key that lies in memory.
    mutating func index(of key: UnsafeBufferPointer<UInt8>) -> Int {
        let key = unsafe key.span
        return index(of: key, hash: ByteKeyTable.hash(key))
    }

    /// The number of a key of another table.
    mutating func index(ofKey index: Int, in other: ByteKeyTable) -> Int {
        let start = index == 0 ? 0 : other.ends[index - 1]
        return self.index(of: other.arena.span.extracting(start..<other.ends[index]), hash: other.hashes[index])
    }

    private mutating func index(of key: Span<UInt8>, hash: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if hashes[index] == hash, equals(key, at: index) { return index }
            slot = (slot + 1) & mask
        }
        let index = ends.count
        for offset in 0..<key.count { arena.append(key[offset]) }
        ends.append(arena.count)
        hashes.append(hash)
        slots[slot] = UInt32(index + 1)
        if ends.count * 2 > slots.count { grow() }
        return index
    }

    private func equals(_ key: Span<UInt8>, at index: Int) -> Bool {
        let start = index == 0 ? 0 : ends[index - 1]
        guard ends[index] - start == key.count else { return false }
        for offset in 0..<key.count where arena[start + offset] != key[offset] { return false }
        return true
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        let mask = slots.count - 1
        for (index, hash) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(index + 1)
        }
    }

    /// Not for adversaries: a table of a file has as many keys as the file wants anyway.
    static func hash(_ key: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: key.count)
        var index = 0
        while index + 8 <= key.count {
            var word: UInt64 = 0
            for offset in 0..<8 { word |= UInt64(key[index + offset]) << UInt64(offset * 8) }
            hash = mixed(hash ^ word)
            index += 8
        }
        var rest: UInt64 = 0
        while index < key.count {
            rest = rest << 8 | UInt64(key[index])
            index += 1
        }
        return mixed(hash ^ rest)
    }

    /// The finisher of MurmurHash3.
    @inline(__always)
    static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value = (value ^ (value >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        value = (value ^ (value >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return value ^ (value >> 33)
    }
}
