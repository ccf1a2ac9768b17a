/// Orders rows by keys of few bits, faster than comparing them.
enum FlowOrder {
    private static let digitBits = 11
    /// Below this many keys, comparing costs less than counting digits.
    private static let countingMin = 256

    /// The indexes of the keys in ascending order of the keys; equal keys keep their order.
    ///
    /// - Parameter bits: no key has a bit at or above this one.
    static func order(of keys: [UInt64], bits: Int) -> [UInt32] {
        let count = keys.count
        var order = (0..<UInt32(count)).map { $0 }
        guard count >= countingMin else {
            order.sort { keys[Int($0)] == keys[Int($1)] ? $0 < $1 : keys[Int($0)] < keys[Int($1)] }
            return order
        }
        var other = [UInt32](repeating: 0, count: count)
        var starts = [UInt32](repeating: 0, count: 1 << digitBits)
        let mask = UInt64(1 << digitBits - 1)
        var shift: UInt64 = 0
        while shift < UInt64(bits) {
            for digit in starts.indices { starts[digit] = 0 }
            for key in keys { starts[Int(truncatingIfNeeded: key >> shift & mask)] &+= 1 }
            var sum: UInt32 = 0
            for digit in starts.indices {
                let here = starts[digit]
                starts[digit] = sum
                sum &+= here
            }
            for index in order {
                let digit = Int(truncatingIfNeeded: keys[Int(index)] >> shift & mask)
                other[Int(starts[digit])] = index
                starts[digit] &+= 1
            }
            swap(&order, &other)
            shift += UInt64(digitBits)
        }
        return order
    }

    /// How many bits it takes to write numbers up to and including this one.
    static func bits(for largest: UInt64) -> Int { 64 - largest.leadingZeroBitCount }
}
