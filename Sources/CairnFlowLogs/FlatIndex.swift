/// The slots of an open-addressing table over keys that its owner numbers and keeps in arrays: a lookup costs neither
/// an allocation nor reference counting.
struct FlatIndex: Sendable {
    /// Number + 1 of the key in each slot, 0 if it is free.
    private var slots: [UInt32]
    private var mask: Int

    init(capacity: Int = 64) {
        var size = 64
        while size < capacity * 2 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        mask = size - 1
    }

    /// The number of a key, or nil.
    @inline(__always)
    func find(_ hash: UInt64, isKey: (Int) -> Bool) -> Int? {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if isKey(number) { return number }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The number of a key, which is `count` if the key is new: the owner appends it then.
    @inline(__always)
    mutating func number(_ hash: UInt64, count: Int, isKey: (Int) -> Bool, hashOf: (Int) -> UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let number = Int(slots[slot]) - 1
            if isKey(number) { return number }
            slot = (slot + 1) & mask
        }
        slots[slot] = UInt32(truncatingIfNeeded: count + 1)
        if (count + 1) * 2 > slots.count { grow(count: count, last: hash, hashOf: hashOf) }
        return count
    }

    /// - Parameter last: the hash of the key that the owner has not appended yet.
    @inline(never)
    private mutating func grow(count: Int, last: UInt64, hashOf: (Int) -> UInt64) {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        mask = slots.count - 1
        for number in 0...count {
            var slot = Int(truncatingIfNeeded: number < count ? hashOf(number) : last) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = UInt32(truncatingIfNeeded: number + 1)
        }
    }

    /// Forgets every key and keeps the room.
    mutating func removeAll() {
        for slot in slots.indices { slots[slot] = 0 }
    }
}

/// Block addresses numbered in the order they first occur.
struct PrefixNumbers: Sendable {
    private(set) var prefixes: [IPPrefix] = []
    private var index = FlatIndex(capacity: 512)

    @inline(__always)
    static func hash(_ prefix: IPPrefix) -> UInt64 {
        ByteKeyTable.mixed(
            prefix.address.low &+ prefix.address.high &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(prefix.bits) << 56)
    }

    @inline(__always)
    mutating func number(of prefix: IPPrefix) -> Int {
        let count = prefixes.count
        let number = index.number(
            PrefixNumbers.hash(prefix), count: count, isKey: { prefixes[$0] == prefix },
            hashOf: { PrefixNumbers.hash(prefixes[$0]) })
        if number == count { prefixes.append(prefix) }
        return number
    }
}
