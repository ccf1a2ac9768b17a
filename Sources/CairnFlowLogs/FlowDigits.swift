/// Writes numbers and addresses with tables of their pieces.
@safe final class FlowDigits: @unchecked Sendable {
    // Written in `init` alone.
    /// "00" to "99".
    private let pairs: UnsafeMutablePointer<UInt16>
    /// "0." to "255.", the first letter lowest, and above the four bytes how many they are.
    private let octets: UnsafeMutablePointer<UInt64>

    init() {
        unsafe pairs = UnsafeMutablePointer.allocate(capacity: 100)
        unsafe octets = UnsafeMutablePointer.allocate(capacity: 256)
        for number in 0..<100 {
            unsafe pairs[number] = UInt16(0x30 + number / 10) | UInt16(0x30 + number % 10) << 8
        }
        for number in 0..<256 {
            let text = Array("\(number).".utf8)
            let letters = text.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            unsafe octets[number] = letters | UInt64(text.count) << 32
        }
    }

    deinit {
        unsafe pairs.deallocate()
        unsafe octets.deallocate()
    }

    /// How many digits a number has: from how many bits it has, 1233 / 4096 being a little more than log10(2).
    @inline(__always)
    static func count(_ number: UInt64) -> Int {
        let bits = 64 &- (number | 1).leadingZeroBitCount
        let digits = (bits &* 1233) &>> 12
        return digits &+ (number >= power(digits) ? 1 : 0)
    }

    /// Ten to a power up to 19, without a table.
    @inline(__always)
    private static func power(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 0: 0
        case 1: 10
        case 2: 100
        case 3: 1000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        case 8: 100_000_000
        case 9: 1_000_000_000
        case 10: 10_000_000_000
        case 11: 100_000_000_000
        case 12: 1_000_000_000_000
        case 13: 10_000_000_000_000
        case 14: 100_000_000_000_000
        case 15: 1_000_000_000_000_000
        case 16: 10_000_000_000_000_000
        case 17: 100_000_000_000_000_000
        case 18: 1_000_000_000_000_000_000
        default: 10_000_000_000_000_000_000
        }
    }

    @inline(__always)
    func write(_ number: UInt64, _ place: inout UnsafeMutablePointer<UInt8>) {
        if number < 10 {
            unsafe place.pointee = UInt8(truncatingIfNeeded: 0x30 &+ number)
            unsafe place += 1
        } else if number < 100 {
            unsafe writePair(number, place)
            unsafe place += 2
        } else {
            unsafe writeLong(number, &place)
        }
    }

    @inline(__always)
    private func writePair(_ number: UInt64, _ place: UnsafeMutablePointer<UInt8>) {
        unsafe UnsafeMutableRawPointer(place).storeBytes(
            of: pairs[Int(truncatingIfNeeded: number)].littleEndian, as: UInt16.self)
    }

    @inline(__always)
    private func writeLong(_ number: UInt64, _ place: inout UnsafeMutablePointer<UInt8>) {
        let length = FlowDigits.count(number)
        var rest = number
        var end = unsafe place + length
        while rest >= 100 {
            let quotient = rest / 100
            unsafe end -= 2
            unsafe writePair(rest &- quotient &* 100, end)
            rest = quotient
        }
        if rest >= 10 {
            unsafe writePair(rest, place)
        } else {
            unsafe place.pointee = UInt8(truncatingIfNeeded: 0x30 &+ rest)
        }
        unsafe place += length
    }

    /// Writes up to one byte more than the address takes.
    @inline(__always)
    func writeAddress(_ address: UInt32, _ place: inout UnsafeMutablePointer<UInt8>) {
        var rest = address
        for _ in 0..<4 {
            let octet = unsafe octets[Int(truncatingIfNeeded: rest &>> 24)]
            rest = rest &<< 8
            unsafe UnsafeMutableRawPointer(place).storeBytes(
                of: UInt32(truncatingIfNeeded: octet).littleEndian, as: UInt32.self)
            unsafe place += Int(truncatingIfNeeded: octet &>> 32)
        }
        unsafe place -= 1
    }
}
