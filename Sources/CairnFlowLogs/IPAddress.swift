/// An IPv4 or IPv6 address in 16 bytes: IPv4 lies in `::ffff:0:0/96`, as RFC 4291 section 2.5.5.2 maps it, so that one
/// comparison and one hash serve both.
package struct IPAddress: Hashable, Sendable, Comparable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(v4: UInt32) {
        high = 0
        low = 0xFFFF << 32 | UInt64(v4)
    }

    /// `::`, which no flow carries: stands for "no address".
    package static let none = IPAddress(high: 0, low: 0)

    package var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }

    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// True for addresses that only a private network routes: RFC 1918, RFC 6598, RFC 4193 and link-local ones.
    package var isPrivate: Bool {
        if isV4 {
            let address = UInt32(truncatingIfNeeded: low)
            return address >> 24 == 10 || address >> 20 == 0xAC1 || address >> 16 == 0xC0A8
                || address >> 22 == 0x6440 >> 6 || address >> 16 == 0xA9FE
        }
        return high >> 57 == 0xFC >> 1 || high >> 54 == 0xFE80 >> 6
    }

    /// Reads dotted decimal or RFC 4291 text; nil for anything else.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        self.init(bytes.span, from: 0, to: bytes.count)
    }

    package init?(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
        if let address = IPAddress.dottedDecimal(bytes, from: start, to: end) {
            self.init(v4: address)
        } else {
            self.init(v6: bytes, from: start, to: end)
        }
    }

    private static func dottedDecimal(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt32? {
        var value: UInt32 = 0
        var part: UInt32 = 0
        var digits = 0
        var dots = 0
        for index in start..<end {
            let byte = bytes[index]
            let digit = byte &- UInt8(ascii: "0")
            if digit <= 9 {
                // "01" is a decimal one to some readers and an octal one to others: not an address.
                if digits > 0 && part == 0 { return nil }
                part = part &* 10 &+ UInt32(digit)
                digits += 1
                if digits > 3 || part > 255 { return nil }
            } else if byte == UInt8(ascii: "."), digits > 0, dots < 3 {
                value = value << 8 | part
                part = 0
                digits = 0
                dots += 1
            } else {
                return nil
            }
        }
        return dots == 3 && digits > 0 ? value << 8 | part : nil
    }

    private init?(v6 bytes: Span<UInt8>, from start: Int, to end: Int) {
        // The longest form is 39 bytes, or 45 with an IPv4 tail.
        guard end - start >= 2, end - start <= 45 else { return nil }
        var groups: [UInt16] = []
        var gap: Int?
        var index = start
        if bytes[index] == UInt8(ascii: ":") {
            guard bytes[index + 1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            index += 2
        }
        while index < end {
            guard groups.count < 8 else { return nil }
            var group: UInt32 = 0
            let groupStart = index
            while index < end, let digit = IPAddress.hexDigit(bytes[index]) {
                group = group << 4 | UInt32(digit)
                index += 1
                guard index - groupStart <= 4 else { return nil }
            }
            if index < end, bytes[index] == UInt8(ascii: ".") {
                guard groups.count <= 6, let tail = IPAddress.dottedDecimal(bytes, from: groupStart, to: end)
                else { return nil }
                groups.append(UInt16(truncatingIfNeeded: tail >> 16))
                groups.append(UInt16(truncatingIfNeeded: tail))
                index = end
                break
            }
            guard index > groupStart else { return nil }
            groups.append(UInt16(group))
            guard index < end else { break }
            guard bytes[index] == UInt8(ascii: ":"), index + 1 < end else { return nil }
            index += 1
            if bytes[index] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups.count
                index += 1
            }
        }
        guard groups.count <= 8, gap == nil ? groups.count == 8 : groups.count <= 7 else { return nil }
        if let gap { groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap) }
        high = 0
        low = 0
        for group in groups[..<4] { high = high << 16 | UInt64(group) }
        for group in groups[4...] { low = low << 16 | UInt64(group) }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The address with everything after the first `bits` of its 128 set to zero.
    package func masked(bits: Int) -> IPAddress {
        if bits >= 128 { return self }
        if bits >= 64 { return IPAddress(high: high, low: bits == 64 ? 0 : low & ~(UInt64.max >> UInt64(bits - 64))) }
        return IPAddress(high: bits <= 0 ? 0 : high & ~(UInt64.max >> UInt64(bits)), low: 0)
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or RFC 5952.
    package var description: String {
        if isV4 { return (0..<4).reversed().map { String(low >> UInt64($0 * 8) & 0xFF) }.joined(separator: ".") }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64((3 - $0 % 4) * 16)) }
        // The longest run of at least two zeros is written "::", the first one if there are several.
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(1, best.count) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : "\(text(0..<best.lowerBound))::\(text(best.upperBound..<8))"
    }
}

/// A block of addresses: `203.0.113.0/24`. One address is the block of all its bits and is written without them.
package struct IPPrefix: Hashable, Sendable, Comparable {
    package let address: IPAddress
    /// Of 128; an IPv4 block of 24 bits has 120.
    package let bits: UInt8

    package init(_ address: IPAddress, bits: Int = 128) {
        self.address = address.masked(bits: bits)
        self.bits = UInt8(clamping: min(128, max(0, bits)))
    }

    /// Reads `10.0.0.0/8`, `2001:db8::/32` or an address; nil for anything else. Bits after the block's are dropped.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 2 else {
            self.init(address)
            return
        }
        let width = address.isV4 ? 32 : 128
        guard !parts[1].isEmpty, parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let bits = Int(parts[1]),
            bits <= width
        else { return nil }
        self.init(address, bits: bits + 128 - width)
    }

    package var isSingle: Bool { bits == 128 }

    package func contains(_ other: IPAddress) -> Bool { other.masked(bits: Int(bits)) == address }

    package static func < (left: IPPrefix, right: IPPrefix) -> Bool {
        (left.address, left.bits) < (right.address, right.bits)
    }
}

extension IPPrefix: CustomStringConvertible {
    package var description: String {
        if isSingle { return address.description }
        return "\(address)/\(address.isV4 && bits >= 96 ? Int(bits) - 96 : Int(bits))"
    }
}
