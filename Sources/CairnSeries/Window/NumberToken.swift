/// A whole number of 64 bits as one byte that says how large it is, its token, and the bits the token leaves open.
///
/// Tokens of one series are few and repeat, so they compress; the open bits are noise and are stored as they are. With
/// two bits below the highest in the token, a token spans a quarter of an octave, and numbers up to 15 are their token.
enum NumberToken {
    /// Numbers below are their own token, with no open bits.
    static let directMax: UInt64 = 16

    /// The token, and how many low bits of `number` it leaves open.
    @inline(__always)
    static func of(_ number: UInt64) -> (token: UInt8, openBits: Int) {
        guard number >= directMax else { return (UInt8(truncatingIfNeeded: number), 0) }
        let length = 64 - number.leadingZeroBitCount
        let below = (number >> UInt64(length - 3)) & 3
        return (UInt8(truncatingIfNeeded: 16 + (length - 5) * 4 + Int(below)), length - 3)
    }

    /// By token: how many bits it leaves open, 0 to 61.
    static let openBits: [UInt8] = (0..<256).map { $0 < 16 ? 0 : UInt8(($0 - 16) / 4 + 2) }

    /// By token: the number with all open bits 0.
    static let base: [UInt64] = (0..<256).map { (token: UInt64) -> UInt64 in
        guard token >= directMax else { return token }
        let above = token - directMax
        return (4 | above & 3) << (above / 4 + 2)
    }
}

/// Signed numbers of small magnitude as small unsigned ones: 0, -1, 1, -2 become 0, 1, 2, 3.
enum Zigzag {
    @inline(__always)
    static func encode(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1) ^ UInt64(bitPattern: value >> 63) }

    @inline(__always)
    static func decode(_ raw: UInt64) -> Int64 { Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1) }
}

/// Appends numbers of any width as bits, the lowest first.
struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var held: UInt64 = 0
    private var heldBits = 0

    /// - Parameters:
    ///   - value: bits above `count` are ignored.
    ///   - count: 0 to 64.
    @inline(__always)
    mutating func append(_ value: UInt64, count: Int) {
        guard count > 0 else { return }
        let wanted = count == 64 ? value : value & (1 << UInt64(count) &- 1)
        held |= wanted << UInt64(heldBits)
        heldBits += count
        guard heldBits >= 64 else { return }
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: held >> shift)) }
        heldBits -= 64
        held = heldBits == 0 ? 0 : wanted >> UInt64(count - heldBits)
    }

    /// Writes what is left, with zero bits up to a whole byte.
    mutating func finish() -> [UInt8] {
        var shift: UInt64 = 0
        while heldBits > 0 {
            bytes.append(UInt8(truncatingIfNeeded: held >> shift))
            shift += 8
            heldBits -= 8
        }
        held = 0
        heldBits = 0
        return bytes
    }
}
