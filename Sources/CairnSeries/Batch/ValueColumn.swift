import CairnBytes

/// The values of one series in a batch, bit for bit. Monitoring values are short decimals more often than not: as
/// integers over a power of ten their differences are small, where the bits of the doubles look like noise.
enum ValueColumn {
    static let constant: UInt8 = 0
    static let differences: UInt8 = 1
    static let secondDifferences: UInt8 = 2
    static let bits: UInt8 = 3
    /// As `constant`, told as a short decimal.
    static let constantDecimal: UInt8 = 4

    /// 10^15 is the last power for which nearly every 15-digit decimal survives the way there and back.
    static let exponentMax = 15
    /// Integers above lose their last bit in a double.
    static let integerMax = 9_007_199_254_740_992.0
    private static let powers: [Double] = [
        1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    /// - Returns: the encoding that was used.
    static func append(_ samples: [Sample], to output: inout ByteWriter) -> UInt8 {
        let first = samples[0].value.bitPattern
        if samples.allSatisfy({ $0.value.bitPattern == first }) {
            for exponent in 0...exponentMax {
                guard let integer = integer(of: samples[0].value, exponent: exponent) else { continue }
                output.append(UInt8(exponent))
                output.appendZigzag(integer)
                return constantDecimal
            }
            output.append(first)
            return constant
        }
        guard let decimal = Decimal(samples) else {
            appendBits(samples, to: &output)
            return bits
        }
        output.append(UInt8(decimal.exponent))
        output.appendVarint(UInt64(decimal.exceptions.count))
        var place = 0
        for index in decimal.exceptions {
            output.appendVarint(UInt64(index - place))
            output.append(samples[index].value.bitPattern)
            place = index
        }
        let once = differencesOf(decimal.integers)
        let twice = differencesOf(once)
        let isTwiceSmaller = varintBytes(twice) < varintBytes(once)
        for difference in isTwiceSmaller ? twice : once { output.appendZigzag(difference) }
        return isTwiceSmaller ? secondDifferences : differences
    }

    static func read(_ count: Int, encoding: UInt8, from input: inout ByteReader) throws -> [Double] {
        switch encoding {
        case constant:
            return [Double](repeating: Double(bitPattern: try input.read()), count: count)
        case constantDecimal:
            let power = powers[try readExponent(&input)]
            return [Double](repeating: Double(try input.readZigzag()) / power, count: count)
        case differences, secondDifferences:
            return try readDecimal(count, isTwice: encoding == secondDifferences, from: &input)
        case bits:
            guard count <= input.remaining / 8 else {
                throw SampleBatchError(reason: "\(count) values are promised and \(input.remaining) bytes are there")
            }
            let planes = try input.read(count: count * 8)
            var previous: UInt64 = 0
            return (0..<count).map { index in
                for plane in 0..<8 { previous ^= UInt64(planes[plane * count + index]) << UInt64(56 - 8 * plane) }
                return Double(bitPattern: previous)
            }
        default: throw SampleBatchError(reason: "encoding \(encoding) of values is unknown")
        }
    }

    private static func readExponent(_ input: inout ByteReader) throws -> Int {
        let exponent = Int(try input.read(UInt8.self))
        guard exponent <= exponentMax else {
            throw SampleBatchError(reason: "an exponent of \(exponent) is over \(exponentMax)")
        }
        return exponent
    }

    private static func readDecimal(
        _ count: Int, isTwice: Bool, from input: inout ByteReader
    ) throws -> [Double] {
        let exponent = try readExponent(&input)
        var exceptions: [(index: Int, bits: UInt64)] = []
        var place: UInt64 = 0
        for _ in 0..<(try input.readCount(bytesEach: 9)) {
            let (next, isOver) = place.addingReportingOverflow(try input.readVarint())
            guard !isOver, next < UInt64(count) else { throw SampleBatchError(reason: "an exception has no place") }
            place = next
            exceptions.append((Int(next), try input.read()))
        }
        guard count <= input.remaining else {
            throw SampleBatchError(reason: "\(count) values are promised and \(input.remaining) bytes are there")
        }
        let power = powers[exponent]
        var values: [Double] = []
        values.reserveCapacity(count)
        var integer: Int64 = 0
        var difference: Int64 = 0
        for _ in 0..<count {
            let read = try input.readZigzag()
            difference = isTwice ? difference &+ read : read
            integer = integer &+ difference
            values.append(Double(integer) / power)
        }
        for exception in exceptions { values[exception.index] = Double(bitPattern: exception.bits) }
        return values
    }

    private static func appendBits(_ samples: [Sample], to output: inout ByteWriter) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            var previous: UInt64 = 0
            for sample in samples {
                let changed = sample.value.bitPattern ^ previous
                output.append(UInt8(truncatingIfNeeded: changed >> shift))
                previous = sample.value.bitPattern
            }
        }
    }

    private static func differencesOf(_ integers: [Int64]) -> [Int64] {
        var previous: Int64 = 0
        return integers.map { integer in
            defer { previous = integer }
            return integer &- previous
        }
    }

    private static func varintBytes(_ numbers: [Int64]) -> Int {
        numbers.reduce(0) { total, number in
            let zigzag = UInt64(bitPattern: number << 1) ^ UInt64(bitPattern: number >> 63)
            return total + max(1, (70 - zigzag.leadingZeroBitCount) / 7)
        }
    }

    /// Values as integers over one power of ten, with those that are none set apart.
    private struct Decimal {
        var exponent = 0
        var integers: [Int64] = []
        var exceptions: [Int] = []

        /// Nil if too many values are no short decimals for this to pay.
        init?(_ samples: [Sample]) {
            // NaN, infinities and the odd long decimal; more than one in eight is a series of another kind.
            var allowed = samples.count / 8 + 1
            for sample in samples where ValueColumn.integer(of: sample.value, exponent: exponent) == nil {
                let larger = (exponent + 1..<ValueColumn.exponentMax + 1).first {
                    ValueColumn.integer(of: sample.value, exponent: $0) != nil
                }
                if let larger { exponent = larger } else { allowed -= 1 }
                guard allowed >= 0 else { return nil }
            }
            integers.reserveCapacity(samples.count)
            for (index, sample) in samples.enumerated() {
                if let integer = ValueColumn.integer(of: sample.value, exponent: exponent) {
                    integers.append(integer)
                } else {
                    exceptions.append(index)
                    integers.append(integers.last ?? 0)
                }
            }
            guard exceptions.count <= samples.count / 8 + 1 else { return nil }
        }
    }

    /// The integer v for which v / 10^exponent has exactly the bits of `value`, if there is one.
    private static func integer(of value: Double, exponent: Int) -> Int64? {
        let scaled = (value * powers[exponent]).rounded()
        guard scaled.magnitude < integerMax, (scaled / powers[exponent]).bitPattern == value.bitPattern,
            scaled != 0 || value.sign == .plus
        else { return nil }
        return Int64(scaled)
    }
}
