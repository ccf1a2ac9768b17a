extension ValueModel {
    /// Writes the values of a series from what its group holds.
    ///
    /// One loop for each way to predict and each kind of number: the choice is outside of them.
    /// - Parameters:
    ///   - residuals: `storedCount(count)` numbers, zigzag undone.
    ///   - output: room for `count` values.
    func write(_ residuals: UnsafePointer<Int64>, count: Int, into output: UnsafeMutablePointer<Double>) {
        let factor = scale.isPattern ? 1 : scale.factor
        if scale.isPattern {
            unsafe write(residuals, count: count, into: output) { BitOrder.value(of: $0) }
        } else if scale == .whole {
            unsafe write(residuals, count: count, into: output) { Double($0) }
        } else if scale.isProduct {
            unsafe write(residuals, count: count, into: output) { Double($0) * factor }
        } else {
            unsafe write(residuals, count: count, into: output) { Double($0) / factor }
        }
    }

    @inline(__always)
    private func write(
        _ residuals: UnsafePointer<Int64>, count: Int, into output: UnsafeMutablePointer<Double>,
        _ value: (Int64) -> Double
    ) {
        let factor = Int64(bitPattern: divisor)
        var number = base
        switch prediction {
        case .constant:
            let only = value(base)
            for index in 0..<count { unsafe output[index] = only }
        case .line:
            for index in 0..<count {
                unsafe output[index] = value(number)
                number = number &+ slope
            }
        case .previous:
            unsafe output[0] = value(number)
            for index in 1..<max(1, count) {
                number = number &+ (unsafe residuals[index - 1] &* factor)
                unsafe output[index] = value(number)
            }
        case .trend:
            var step = slope
            unsafe output[0] = value(number)
            number = number &+ step
            unsafe output[1] = value(number)
            for index in 2..<max(2, count) {
                step = step &+ (unsafe residuals[index - 2] &* factor)
                number = number &+ step
                unsafe output[index] = value(number)
            }
        case .level:
            for index in 0..<count {
                unsafe output[index] = value(base &+ (unsafe residuals[index] &* factor))
            }
        }
    }
}
