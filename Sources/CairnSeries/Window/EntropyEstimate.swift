/// What numbers will cost once their tokens are coded, from a count of the tokens: no compressor is tried.
///
/// Sizes are in bits, as doubles from additions, multiplications and divisions in a fixed order only, so that every
/// machine makes the same choice and so the same bytes.
struct TokenHistogram {
    private(set) var counts = [UInt32](repeating: 0, count: 256)
    private(set) var total = 0

    mutating func clear() {
        for index in counts.indices { counts[index] = 0 }
        total = 0
    }

    /// Counts the tokens of `numbers`.
    mutating func add(_ numbers: UnsafeBufferPointer<UInt64>) {
        unsafe counts.withUnsafeMutableBufferPointer { counts in
            for index in 0..<numbers.count {
                let token = unsafe Int(NumberToken.of(numbers[index]).token)
                unsafe counts[token] &+= 1
            }
        }
        total += numbers.count
    }

    mutating func add(_ other: TokenHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        total += other.total
    }

    /// Order-0 entropy of the tokens, their open bits, and a share of the code table for each token that occurs.
    var bits: Double {
        var sum = 0.0
        var open = 0
        var kinds = 0
        for (token, count) in counts.enumerated() where count > 0 {
            sum += BinaryLogarithm.timesItself(Int(count))
            open += Int(count) * Int(NumberToken.openBits[token])
            kinds += 1
        }
        return BinaryLogarithm.timesItself(total) - sum + Double(open) + Double(kinds) * 3
    }

    /// How many numbers are below a limit of at most 16.
    func below(_ limit: UInt64) -> Int {
        counts[..<Int(min(limit, NumberToken.directMax))].reduce(0) { $0 + Int($1) }
    }

    /// The mean number of bits a token leaves open.
    var meanOpenBits: Int {
        guard total > 0 else { return 0 }
        var open = 0
        for (token, count) in counts.enumerated() where count > 0 {
            open += Int(count) * Int(NumberToken.openBits[token])
        }
        return (open + total / 2) / total
    }
}

/// Logarithms to base 2 without a mathematics library, whose last digit differs between systems.
enum BinaryLogarithm {
    private static let small: [Double] = (0..<4096).map { $0 == 0 ? 0 : computed(Double($0)) * Double($0) }

    /// n log2 n; 0 for 0.
    static func timesItself(_ number: Int) -> Double {
        number < small.count ? small[number] : Double(number) * computed(Double(number))
    }

    /// For a positive normal number: the exponent, and the series of the inverse hyperbolic tangent for the mantissa.
    private static func computed(_ number: Double) -> Double {
        let mantissa = number.significand
        let ratio = (mantissa - 1) / (mantissa + 1)
        let square = ratio * ratio
        var power = ratio
        var sum = 0.0
        for odd in stride(from: 1.0, through: 15.0, by: 2.0) {
            sum += power / odd
            power *= square
        }
        return Double(number.exponent) + sum * 2.885390081777927
    }
}
