/// Chooses a model for the values of one series by what its numbers will cost. Holds memory that the next series uses
/// again.
@safe final class ValueAnalyzer {
    private(set) var model = ValueModel(prediction: .constant, scale: .whole, base: 0)
    /// Places of values that the model does not tell, ascending; kept with their bits beside it.
    private(set) var exceptions: [Int] = []
    /// What the group stores, zigzag.
    private(set) var residuals: [UInt64] = []
    /// The tokens of `residuals`.
    private(set) var histogram = TokenHistogram()
    private(set) var cost = 0.0

    private var numbers: UnsafeMutableBufferPointer<Int64>
    private var previous: UnsafeMutableBufferPointer<UInt64>
    private var trend: UnsafeMutableBufferPointer<UInt64>
    private var level: UnsafeMutableBufferPointer<UInt64>
    private var candidate = TokenHistogram()

    init() {
        unsafe numbers = .allocate(capacity: 0)
        unsafe previous = .allocate(capacity: 0)
        unsafe trend = .allocate(capacity: 0)
        unsafe level = .allocate(capacity: 0)
    }

    deinit {
        unsafe numbers.deallocate()
        unsafe previous.deallocate()
        unsafe trend.deallocate()
        unsafe level.deallocate()
    }

    private func reserve(_ count: Int) {
        guard unsafe numbers.count < count else { return }
        let room = unsafe max(count, numbers.count * 2)
        unsafe numbers.deallocate()
        unsafe previous.deallocate()
        unsafe trend.deallocate()
        unsafe level.deallocate()
        unsafe numbers = .allocate(capacity: room)
        unsafe previous = .allocate(capacity: room)
        unsafe trend = .allocate(capacity: room)
        unsafe level = .allocate(capacity: room)
    }

    /// - Parameter values: at least one.
    func analyze(_ values: UnsafeBufferPointer<Double>) {
        exceptions.removeAll(keepingCapacity: true)
        residuals.removeAll(keepingCapacity: true)
        histogram.clear()
        cost = 0
        let first = unsafe values[0].bitPattern
        var same = 1
        while unsafe same < values.count && values[same].bitPattern == first { same += 1 }
        if same == values.count {
            analyzeConstant(unsafe values[0])
            return
        }
        reserve(values.count)
        let scale = unsafe chooseDecimal(values)
        if scale == nil {
            exceptions.removeAll(keepingCapacity: true)
            for index in 0..<values.count { unsafe numbers[index] = unsafe BitOrder.number(of: values[index]) }
        }
        predict(values.count, scale: scale ?? .pattern)
    }

    private func analyzeConstant(_ value: Double) {
        model = ValueModel(prediction: .constant, scale: .pattern, base: 0)
        if let exponent = DecimalNumber.exponent(of: value) { model.scale = .quotient(exponent) }
        model.base = model.number(of: value) ?? 0
    }

    /// Fills `numbers` and `exceptions` if enough of the values are decimals of one scale.
    private func chooseDecimal(_ values: UnsafeBufferPointer<Double>) -> NumberScale? {
        // An exception costs ten bytes: more than one in eight is a series of another kind.
        let exceptionsMax = values.count / 8 + 1
        var wanted: Set<Int> = []
        let sampled = min(values.count, 32)
        for index in 0..<sampled {
            let place = index * (values.count - 1) / max(1, sampled - 1)
            if let exponent = unsafe DecimalNumber.exponent(of: values[place]) { wanted.insert(exponent) }
        }
        var candidates = wanted.sorted(by: >).map(NumberScale.quotient)
        var best: (scale: NumberScale, exceptions: Int)?
        var tried: Set<UInt8> = []
        while let scale = candidates.first, tried.count < ValueAnalyzer.scalesMax {
            candidates.removeFirst()
            guard tried.insert(scale.code).inserted else { continue }
            let isBetter = unsafe DecimalNumber.convert(
                values, scale: scale, into: numbers.baseAddress!, exceptions: &exceptions,
                exceptionsMax: best.map { $0.exceptions - 1 } ?? exceptionsMax)
            if isBetter {
                best = (scale, exceptions.count)
                if exceptions.isEmpty { return scale }
                // Values that were not sampled may need more digits than those that were.
                let more = exceptions.prefix(4).compactMap { unsafe DecimalNumber.exponent(of: values[$0]) }.max()
                candidates = more.flatMap { $0 > scale.exponent ? [.quotient($0)] : nil } ?? []
            }
            // Seconds from milliseconds are products: most are decimals too, and some miss by a bit.
            if !scale.isProduct, scale.exponent > 0 { candidates.insert(.product(scale.exponent), at: 0) }
        }
        guard let best else { return nil }
        // A later try may have overwritten the best one.
        _ = unsafe DecimalNumber.convert(
            values, scale: best.scale, into: numbers.baseAddress!, exceptions: &exceptions,
            exceptionsMax: exceptionsMax)
        return best.scale
    }

    /// Scales that are tried for one series, each a pass over its values until too many fail.
    private static let scalesMax = 8

    /// Fills model and residuals from `numbers`; there are at least two values, and they are not all the same.
    private func predict(_ count: Int, scale: NumberScale) {
        let base = unsafe numbers[0]
        let slope = unsafe numbers[1] &- base
        let shape = differences(count)
        if shape.isLine, exceptions.isEmpty {
            model = ValueModel(prediction: .line, scale: scale, base: base, slope: slope)
            return
        }
        let divisor = Int64(bitPattern: max(1, shape.divisor))
        model = ValueModel(
            prediction: .previous, scale: scale, base: base, divisor: UInt64(bitPattern: divisor))
        encodeDifferences(count, divisor: divisor)
        unsafe histogram.add(UnsafeBufferPointer(rebasing: previous[..<(count - 1)]))
        cost = histogram.bits
        var best = unsafe UnsafeBufferPointer(rebasing: previous[..<(count - 1)])
        if count > 2 {
            candidate.clear()
            unsafe candidate.add(UnsafeBufferPointer(rebasing: trend[..<(count - 2)]))
            if candidate.bits < cost {
                cost = candidate.bits
                swap(&candidate, &histogram)
                model.prediction = .trend
                model.slope = slope
                unsafe best = UnsafeBufferPointer(rebasing: trend[..<(count - 2)])
            }
        }
        // What only grows has no level.
        if shape.rises > 0, shape.falls > 0, let center = encodeLevel(count, base: base, divisor: divisor) {
            candidate.clear()
            unsafe candidate.add(UnsafeBufferPointer(rebasing: level[..<count]))
            if candidate.bits < cost {
                cost = candidate.bits
                swap(&candidate, &histogram)
                model.prediction = .level
                model.base = center
                model.slope = 0
                unsafe best = UnsafeBufferPointer(rebasing: level[..<count])
            }
        }
        unsafe residuals.append(contentsOf: best)
    }

    private struct Shape {
        var divisor: UInt64 = 0
        var isLine = true
        var rises = 0
        var falls = 0
    }

    private func differences(_ count: Int) -> Shape {
        var shape = Shape()
        let slope = unsafe numbers[1] &- numbers[0]
        for index in 1..<count {
            let difference = unsafe numbers[index] &- numbers[index - 1]
            if difference != slope { shape.isLine = false }
            if difference > 0 { shape.rises += 1 } else if difference < 0 { shape.falls += 1 }
            if shape.divisor != 1, difference != 0 {
                shape.divisor = ValueAnalyzer.greatestCommonDivisor(difference.magnitude, shape.divisor)
            }
        }
        // A divisor over 2^63 is a single difference of the whole range; 1 tells it as well.
        if shape.divisor > UInt64(Int64.max) { shape.divisor = 1 }
        return shape
    }

    private static func greatestCommonDivisor(_ left: UInt64, _ right: UInt64) -> UInt64 {
        var left = left
        var right = right
        while right != 0 { (left, right) = (right, left % right) }
        return left
    }

    private func encodeDifferences(_ count: Int, divisor: Int64) {
        var before: Int64 = 0
        for index in 1..<count {
            var difference = unsafe numbers[index] &- numbers[index - 1]
            if divisor > 1 { difference /= divisor }
            unsafe previous[index - 1] = Zigzag.encode(difference)
            if index > 1 { unsafe trend[index - 2] = Zigzag.encode(difference &- before) }
            before = difference
        }
    }

    /// - Returns: the level: near the mean, and a multiple of the divisor away from every number. Nil if differences
    ///   wrapped around, so that no level is.
    private func encodeLevel(_ count: Int, base: Int64, divisor: Int64) -> Int64? {
        // The mean in doubles: it only has to be near, and no sum can overflow.
        var sum = 0.0
        for index in 0..<count { unsafe sum += Double(numbers[index] &- base) }
        let steps = sum / Double(count) / Double(divisor)
        let rounded = steps.magnitude < 4e18 ? Int64(steps) : 0
        let center = base &+ rounded &* divisor
        for index in 0..<count {
            let distance = unsafe numbers[index] &- center
            let steps = divisor > 1 ? distance / divisor : distance
            guard steps &* divisor == distance else { return nil }
            unsafe level[index] = Zigzag.encode(steps)
        }
        return center
    }
}
