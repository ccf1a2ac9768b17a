/// Loops over decoded values, here because a loop across a module boundary runs many times slower.
package enum SampleScan {
    /// The greatest number; -infinity if there is none.
    package static func maximum(of values: Span<Double>) -> Double {
        // Eight at a time: a maximum waits for the one before it, eight do not wait for each other.
        var best = SIMD8<Double>(repeating: -.infinity)
        let whole = values.count / 8 * 8
        unsafe values.withUnsafeBufferPointer { values in
            for start in stride(from: 0, to: whole, by: 8) {
                var next = SIMD8<Double>()
                for lane in 0..<8 { next[lane] = unsafe values[start + lane] }
                best.replace(with: next, where: next .> best)
            }
        }
        var result = -Double.infinity
        for lane in 0..<8 { result = max(result, best[lane]) }
        for index in whole..<values.count where values[index] > result { result = values[index] }
        return result
    }
}
