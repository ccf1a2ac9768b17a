/// Natural logarithm from arithmetic alone, so that evidence is the same to the last bit on every machine: the C
/// libraries of Linux and macOS differ in theirs.
enum Logarithm {
    private static let ln2 = 0.693147180559945309417232121458
    private static let rootHalf = 0.707106781186547524400844362105

    /// - Parameter value: finite and positive; anything else gives minus infinity for zero and below.
    static func natural(_ value: Double) -> Double {
        guard value > 0 else { return -.infinity }
        guard value.isFinite else { return value }
        var mantissa = value.significand / 2
        var exponent = Double(value.exponent + 1)
        if mantissa < rootHalf {
            mantissa *= 2
            exponent -= 1
        }
        // ln m = 2 artanh((m - 1) / (m + 1)), with an argument of at most 0.172: each term adds 1.5 digits.
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var sum = 0.0
        for power in stride(from: 23.0, through: 1.0, by: -2.0) { sum = sum * square + 1 / power }
        return exponent * ln2 + 2 * ratio * sum
    }
}
