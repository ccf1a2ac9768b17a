/// The exact sum of doubles: the same for every order in which they are added and every way in which parts are merged,
/// which a running `Double` is not. A sum of evidence has to come out the same for everybody who adds it up.
///
/// Two doubles hold nearly every sum exactly (the rounded sum and what rounding left); the rare rest is kept in a fixed
/// point number as wide as the range of doubles (Kulisch's accumulator, in limbs of 32 bits).
package struct ExactSum: Sendable, Hashable {
    private var high = 0.0
    private var low = 0.0
    /// Nil as long as `high` and `low` are enough; then these are 0.
    private var wide: WideSum?
    private var positiveInfinities = 0
    private var negativeInfinities = 0

    package init() {}

    package init(_ values: some Sequence<Double>) {
        for value in values { add(value) }
    }

    /// Knuth's two-sum: the rounded sum and what rounding left out, exactly.
    @inline(__always)
    private static func twoSum(_ left: Double, _ right: Double) -> (sum: Double, rest: Double) {
        let sum = left + right
        let shadow = sum - left
        return (sum, (left - (sum - shadow)) + (right - shadow))
    }

    /// Adds a value. NaN is no number and adds nothing.
    @inline(__always)
    package mutating func add(_ value: Double) {
        let first = ExactSum.twoSum(high, value)
        let second = ExactSum.twoSum(low, first.rest)
        // NaN differs from 0, so infinities and overflow take the slow way too.
        if second.rest == 0, wide == nil {
            high = first.sum
            low = second.sum
        } else {
            addWide(value)
        }
    }

    private mutating func addWide(_ value: Double) {
        guard value.isFinite else {
            if value == .infinity { positiveInfinities += 1 }
            if value == -.infinity { negativeInfinities += 1 }
            return
        }
        var total = wide ?? WideSum()
        total.add(high)
        total.add(low)
        total.add(value)
        high = 0
        low = 0
        wide = total
    }

    package mutating func add(_ other: ExactSum) {
        positiveInfinities += other.positiveInfinities
        negativeInfinities += other.negativeInfinities
        if let theirs = other.wide {
            var total = wide ?? WideSum()
            total.add(high)
            total.add(low)
            total.add(theirs)
            high = 0
            low = 0
            wide = total
        }
        if other.high != 0 { add(other.high) }
        if other.low != 0 { add(other.low) }
    }

    /// The sum, rounded once, to the nearest double. Infinities count as they do in arithmetic.
    package var value: Double {
        if positiveInfinities > 0 { return negativeInfinities > 0 ? .nan : .infinity }
        if negativeInfinities > 0 { return -.infinity }
        return wide?.rounded ?? (high + low)
    }

    /// The sum as doubles of falling magnitude, each the nearest to what those before leave over, none of them 0: the one
    /// way to write an exact sum. Infinities are left out.
    package var parts: [Double] {
        guard var rest = wide else {
            let sum = high + low
            guard sum != 0 else { return [] }
            let left = ExactSum.twoSum(high, low).rest
            return left == 0 ? [sum] : [sum, left]
        }
        var parts: [Double] = []
        // A sum beyond the range of doubles is no sum of finite parts; what can be said of it is in `value`.
        while let part = Optional(rest.rounded), part != 0, part.isFinite {
            parts.append(part)
            rest.add(-part)
        }
        return parts
    }

    package var infinities: (positive: Int, negative: Int) { (positiveInfinities, negativeInfinities) }

    /// Equal means equal sums, however they were reached.
    package static func == (left: ExactSum, right: ExactSum) -> Bool {
        left.infinities == right.infinities && left.parts == right.parts
            && left.value.bitPattern == right.value.bitPattern
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(value.bitPattern) }
}

/// A sum of doubles in fixed point: limb i counts units of 2^(32 i - 1074).
struct WideSum: Sendable {
    /// 2,098 bits for the doubles, and 2^62 of the largest can be added before a carry leaves the top.
    private static let limbCount = 68
    private var limbs = [Int64](repeating: 0, count: limbCount)
    /// Each addition puts less than 2^32 on a limb, so this many fit between two carries.
    private var additionsLeft = WideSum.additionsMax
    private static let additionsMax = 1 << 30

    init() {}

    mutating func add(_ value: Double) {
        guard value != 0 else { return }
        let bits = value.bitPattern
        let exponent = Int(bits >> 52 & 0x7FF)
        let fraction = bits & (1 << 52 - 1)
        let mantissa = exponent == 0 ? fraction : fraction | 1 << 52
        let place = max(exponent, 1) - 1
        let shift = UInt64(place % 32)
        let sign: Int64 = value.sign == .minus ? -1 : 1
        let low = mantissa << shift
        let high = shift == 0 ? 0 : mantissa >> (64 - shift)
        limbs[place / 32] += sign * Int64(low & 0xFFFF_FFFF)
        limbs[place / 32 + 1] += sign * Int64(low >> 32)
        limbs[place / 32 + 2] += sign * Int64(high)
        additionsLeft -= 1
        if additionsLeft == 0 { carry() }
    }

    mutating func add(_ other: WideSum) {
        carry()
        var theirs = other
        theirs.carry()
        for index in limbs.indices { limbs[index] += theirs.limbs[index] }
        carry()
    }

    /// Brings all limbs but the last into 0..<2^32.
    private mutating func carry() {
        var over: Int64 = 0
        for index in limbs.indices.dropLast() {
            let sum = limbs[index] + over
            over = sum >> 32
            limbs[index] = sum & 0xFFFF_FFFF
        }
        limbs[limbs.count - 1] += over
        additionsLeft = WideSum.additionsMax
    }

    /// The nearest double, ties to even; infinity beyond the largest.
    var rounded: Double {
        var magnitude = self
        magnitude.carry()
        let isNegative = magnitude.limbs[limbs.count - 1] < 0
        if isNegative {
            for index in limbs.indices { magnitude.limbs[index] = -magnitude.limbs[index] }
            magnitude.carry()
        }
        guard let top = magnitude.limbs.lastIndex(where: { $0 != 0 }) else { return 0 }
        let length = top * 32 + (64 - magnitude.limbs[top].leadingZeroBitCount)
        // Up to 53 bits are exact: they are the mantissa in units of 2^-1074.
        let dropped = max(0, length - 53)
        var mantissa: UInt64 = 0
        for bit in (dropped..<length).reversed() { mantissa = mantissa << 1 | magnitude.bit(bit) }
        if dropped > 0, magnitude.bit(dropped - 1) == 1 {
            let isTie = !(0..<dropped - 1).contains { magnitude.bit($0) == 1 }
            if !isTie || mantissa & 1 == 1 { mantissa += 1 }
        }
        let value = Double(sign: .plus, exponent: dropped - 1074, significand: Double(mantissa))
        return isNegative ? -value : value
    }

    private func bit(_ index: Int) -> UInt64 {
        UInt64(
            bitPattern: index / 32 < limbs.count - 1
                ? limbs[index / 32] >> Int64(index % 32)
                : limbs[limbs.count - 1] >> Int64(index - 32 * (limbs.count - 1))) & 1
    }
}
