/// How the values of a series are told as whole numbers, and how these are predicted. The numbers the prediction leaves
/// over are what a group stores.
struct ValueModel: Equatable {
    enum Prediction: UInt8 {
        /// All values have the same bits; nothing is left over.
        case constant = 0
        /// Each number is the one before plus `slope`; nothing is left over.
        case line = 1
        /// The number before: what is left are differences, one fewer than values.
        case previous = 2
        /// The number before plus the last difference: differences of differences, two fewer than values.
        case trend = 3
        /// `base` itself: as many as values. Right for noise around a level.
        case level = 4
    }

    var prediction: Prediction
    /// What a number says.
    var scale: NumberScale
    /// The first number; for `level`, the level.
    var base: Int64
    /// The first difference, for `line` and `trend`.
    var slope: Int64 = 0
    /// What every difference is a multiple of; at least 1.
    var divisor: UInt64 = 1

    /// Numbers in a group for `count` values.
    func storedCount(_ count: Int) -> Int {
        switch prediction {
        case .constant, .line: 0
        case .previous: count - 1
        case .trend: count - 2
        case .level: count
        }
    }

    /// Whether the series has an entry in a group.
    var isGrouped: Bool { prediction.rawValue >= Prediction.previous.rawValue }

    /// The value a number stands for.
    func value(of number: Int64) -> Double { scale.value(of: number) }

    /// The number that stands for exactly these bits, if there is one.
    func number(of value: Double) -> Int64? { scale.number(of: value) }
}

/// What the whole numbers of a series say about doubles.
struct NumberScale: Equatable {
    /// 0 to 18: number / 10^code, which is how a decimal in a text becomes a double. 19: the number orders the bit
    /// patterns of doubles. 21 to 38: number * 10^(20 - code), which is how programs turn milliseconds into seconds, and
    /// which differs in the last bit now and then.
    let code: UInt8

    static let exponentMax = 18
    static let pattern = NumberScale(unchecked: 19)
    static let whole = NumberScale(unchecked: 0)
    /// Codes are below.
    static let codeEnd = 39

    private init(unchecked code: UInt8) { self.code = code }

    init?(code: UInt64) {
        guard code < UInt64(NumberScale.codeEnd), code != 20 else { return nil }
        self.code = UInt8(code)
    }

    static func quotient(_ exponent: Int) -> NumberScale { NumberScale(unchecked: UInt8(exponent)) }
    static func product(_ exponent: Int) -> NumberScale { NumberScale(unchecked: UInt8(exponent + 20)) }

    var isPattern: Bool { self == .pattern }
    /// Whether values are multiplied instead of divided.
    var isProduct: Bool { code > 20 }
    var exponent: Int { isProduct ? Int(code) - 20 : Int(code) }
    /// What to divide by, or to multiply with if `isProduct`.
    var factor: Double { isProduct ? NumberScale.fractions[exponent] : NumberScale.powers[exponent] }

    /// The powers of ten that are doubles exactly and that decimals of monitoring data need.
    static let powers: [Double] = [
        1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    ]
    /// The nearest doubles to their inverses.
    static let fractions: [Double] = [
        1, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14, 1e-15, 1e-16,
        1e-17, 1e-18,
    ]

    func value(of number: Int64) -> Double {
        if isPattern { return BitOrder.value(of: number) }
        if code == 0 { return Double(number) }
        return isProduct ? Double(number) * factor : Double(number) / factor
    }

    func number(of value: Double) -> Int64? {
        if isPattern { return BitOrder.number(of: value) }
        let power = NumberScale.powers[exponent]
        return isProduct
            ? DecimalNumber.exactly(value, power: power, fraction: factor)
            : DecimalNumber.exactly(value, power: power)
    }
}

/// Doubles as whole numbers in the same order: neighbours differ by 1, whatever their magnitude.
enum BitOrder {
    @inline(__always)
    static func number(of value: Double) -> Int64 {
        let bits = Int64(bitPattern: value.bitPattern)
        return bits ^ (bits >> 63) & .max
    }

    @inline(__always)
    static func value(of number: Int64) -> Double {
        Double(bitPattern: UInt64(bitPattern: number ^ (number >> 63) & .max))
    }
}

/// Decimals as whole numbers over a power of ten.
enum DecimalNumber {
    /// Adding and subtracting it rounds to the nearest whole number, for magnitudes below 2^51, without a library call.
    private static let rounder = 6_755_399_441_055_744.0
    /// Beyond, the order of bit patterns does as well: neighbours of one exponent are whole numbers there too.
    private static let magnitudeMax = 2_251_799_813_685_248.0

    /// The number n for which n / 10^exponent has exactly the bits of `value`, if there is one below 2^51.
    @inline(__always)
    static func exactly(_ value: Double, power: Double) -> Int64? {
        let scaled = value * power
        let rounded = (scaled + rounder) - rounder
        guard rounded.magnitude < magnitudeMax, (rounded / power).bitPattern == value.bitPattern else { return nil }
        return Int64(rounded)
    }

    /// The number n for which n * fraction has exactly the bits of `value`, if there is one below 2^51.
    @inline(__always)
    static func exactly(_ value: Double, power: Double, fraction: Double) -> Int64? {
        let scaled = value * power
        let rounded = (scaled + rounder) - rounder
        guard rounded.magnitude < magnitudeMax, (rounded * fraction).bitPattern == value.bitPattern else { return nil }
        return Int64(rounded)
    }

    /// The least exponent for which `value` is a decimal.
    static func exponent(of value: Double) -> Int? {
        (0...NumberScale.exponentMax).first { exactly(value, power: NumberScale.powers[$0]) != nil }
    }

    /// Writes the numbers of `values` for one scale. A value that is none takes the number before it and is listed.
    /// - Returns: false, and nothing of use, if there are more than `exceptionsMax`.
    static func convert(
        _ values: UnsafeBufferPointer<Double>, scale: NumberScale, into numbers: UnsafeMutablePointer<Int64>,
        exceptions: inout [Int], exceptionsMax: Int
    ) -> Bool {
        let power = NumberScale.powers[scale.exponent]
        guard scale.isProduct else {
            return unsafe convert(values, into: numbers, exceptions: &exceptions, exceptionsMax: exceptionsMax) {
                exactly($0, power: power)
            }
        }
        let fraction = scale.factor
        return unsafe convert(values, into: numbers, exceptions: &exceptions, exceptionsMax: exceptionsMax) {
            exactly($0, power: power, fraction: fraction)
        }
    }

    @inline(__always)
    private static func convert(
        _ values: UnsafeBufferPointer<Double>, into numbers: UnsafeMutablePointer<Int64>, exceptions: inout [Int],
        exceptionsMax: Int, _ number: (Double) -> Int64?
    ) -> Bool {
        exceptions.removeAll(keepingCapacity: true)
        var previous: Int64 = 0
        for index in 0..<values.count {
            if let number = unsafe number(values[index]) {
                previous = number
            } else {
                if exceptions.count >= exceptionsMax { return false }
                exceptions.append(index)
            }
            unsafe numbers[index] = previous
        }
        // Exceptions at the start have no number before them; the first one there is makes their difference 0.
        let leading = exceptions.enumerated().prefix { $0.offset == $0.element }.count
        if leading > 0, leading < values.count {
            for index in 0..<leading { unsafe numbers[index] = numbers[leading] }
        }
        return true
    }
}
