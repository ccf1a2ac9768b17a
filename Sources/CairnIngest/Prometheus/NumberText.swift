/// Numbers as text formats write them, read from bytes without making a string where that gives the same double.
enum NumberText {
    /// Powers of ten that a double holds exactly.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]
    /// Longest number read, in bytes: 17 digits say all there is, and exporters write at most some hundreds.
    private static let bytesMax = 512

    /// A double, as Go's `ParseFloat` takes it: decimal or hexadecimal, `NaN`, `+Inf`, `-Inf` in any case. Nil for
    /// anything else, and for a number that is larger than a double can be.
    static func double(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double? {
        var index = range.lowerBound
        let end = range.upperBound
        guard index < end, end - index <= bytesMax else { return nil }
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
        var mantissa: UInt64 = 0
        var digits = 0
        var scale = 0
        var sawDigit = false
        while index < end, bytes[index] &- UInt8(ascii: "0") <= 9 {
            sawDigit = true
            if digits < 19 {
                mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- UInt8(ascii: "0"))
                if mantissa > 0 { digits += 1 }
            } else {
                return slow(bytes, range)
            }
            index += 1
        }
        if index < end, bytes[index] == UInt8(ascii: ".") {
            index += 1
            while index < end, bytes[index] &- UInt8(ascii: "0") <= 9 {
                sawDigit = true
                guard digits < 19 else { return slow(bytes, range) }
                mantissa = mantissa &* 10 &+ UInt64(bytes[index] &- UInt8(ascii: "0"))
                if mantissa > 0 { digits += 1 }
                scale -= 1
                index += 1
            }
        }
        // What is left is an exponent, a word or nonsense. 2^53 is the largest mantissa that is exact, and one
        // multiplication or division of two exact doubles rounds once, so the result is the nearest double.
        guard index == end, sawDigit, mantissa <= 1 << 53, scale >= -22 else { return slow(bytes, range) }
        let value = scale == 0 ? Double(mantissa) : Double(mantissa) / powersOfTen[-scale]
        return isNegative ? -value : value
    }

    private static func slow(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Double? {
        var text: [UInt8] = []
        for index in range {
            var byte = bytes[index]
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { byte += 32 }
            text.append(byte)
        }
        let unsigned = text.first == UInt8(ascii: "-") || text.first == UInt8(ascii: "+") ? text.dropFirst() : text[...]
        let isNegative = text.first == UInt8(ascii: "-")
        switch String(decoding: unsigned, as: UTF8.self) {
        case "nan": return .nan
        case "inf", "infinity": return isNegative ? -.infinity : .infinity
        default: break
        }
        // Swift's own reader takes words that Go's does not; a number starts with a digit or a point.
        guard let first = unsigned.first, first == UInt8(ascii: ".") || first &- UInt8(ascii: "0") <= 9,
            let value = Double(String(decoding: text, as: UTF8.self)), value.isFinite
        else { return nil }
        return value
    }

    /// A decimal number times 10^6, rounded down to an integer: seconds to microseconds without a detour over doubles.
    static func millionths(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
        var index = range.lowerBound
        let end = range.upperBound
        guard index < end else { return nil }
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
        var value: Int64 = 0
        var fractionDigits = 0
        var sawPoint = false
        var sawDigit = false
        var hasRest = false
        while index < end {
            let byte = bytes[index]
            if byte == UInt8(ascii: "."), !sawPoint {
                sawPoint = true
            } else if byte &- UInt8(ascii: "0") <= 9 {
                sawDigit = true
                if sawPoint, fractionDigits == 6 {
                    if byte != UInt8(ascii: "0") { hasRest = true }
                } else {
                    let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                    let (sum, overflow2) = product.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
                    guard !overflow, !overflow2 else { return nil }
                    value = sum
                    if sawPoint { fractionDigits += 1 }
                }
            } else {
                // An exponent: rare, and then a double is what the writer had.
                guard byte | 0x20 == UInt8(ascii: "e"), let double = double(bytes, range) else { return nil }
                return Int64(exactly: (double * 1e6).rounded(.down))
            }
            index += 1
        }
        guard sawDigit else { return nil }
        while fractionDigits < 6 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
            fractionDigits += 1
        }
        return isNegative ? -value - (hasRest ? 1 : 0) : value
    }

    /// A decimal integer; nil if it has anything else or does not fit.
    static func integer(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
        var index = range.lowerBound
        guard index < range.upperBound else { return nil }
        let isNegative = bytes[index] == UInt8(ascii: "-")
        if isNegative || bytes[index] == UInt8(ascii: "+") { index += 1 }
        guard index < range.upperBound else { return nil }
        var value: Int64 = 0
        while index < range.upperBound {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.subtractingReportingOverflow(Int64(digit))
            guard !overflow, !overflow2 else { return nil }
            value = sum
            index += 1
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }
}
