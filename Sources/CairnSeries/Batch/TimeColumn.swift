import CairnBytes

/// The times of one series in a batch: scrapes are regular and shared between series, so most cost nothing.
enum TimeColumn {
    static let sameAsBefore: UInt8 = 0
    static let regular: UInt8 = 1
    static let irregular: UInt8 = 2

    /// - Returns: the encoding that was used.
    static func append(_ samples: [Sample], before: [Sample], to output: inout ByteWriter) -> UInt8 {
        if samples.count == before.count, samples.elementsEqual(before, by: { $0.timeMs == $1.timeMs }) {
            return sameAsBefore
        }
        let first = samples[0].timeMs
        output.appendZigzag(first)
        let step = samples.count > 1 ? samples[1].timeMs &- first : 0
        if step >= 0, samples.indices.dropFirst().allSatisfy({ samples[$0].timeMs &- samples[$0 - 1].timeMs == step }) {
            output.appendVarint(UInt64(step))
            return regular
        }
        var previous = first
        var previousStep: Int64 = 0
        for sample in samples.dropFirst() {
            let step = sample.timeMs &- previous
            output.appendZigzag(step &- previousStep)
            previousStep = step
            previous = sample.timeMs
        }
        return irregular
    }

    /// - Parameter moments: the times of the series before; becomes those of this one.
    static func read(
        _ count: Int, encoding: UInt8, into moments: inout [Int64], from input: inout ByteReader
    ) throws {
        switch encoding {
        case sameAsBefore:
            guard moments.count == count else {
                throw SampleBatchError(reason: "\(count) times cannot be those of \(moments.count)")
            }
        case regular:
            let first = try input.readZigzag()
            let step = try input.readVarint()
            let (span, isTooLong) = UInt64(count - 1).multipliedReportingOverflow(by: step)
            guard !isTooLong, span <= UInt64(bitPattern: Int64.max &- first), span <= UInt64(Int64.max) else {
                throw SampleBatchError(reason: "a step of \(step) ms leaves the range of times")
            }
            moments = (0..<Int64(count)).map { first &+ $0 &* Int64(bitPattern: step) }
        case irregular:
            guard count <= input.remaining else {
                throw SampleBatchError(reason: "\(count) times are promised and \(input.remaining) bytes are there")
            }
            var time = try input.readZigzag()
            var step: Int64 = 0
            moments = [time]
            moments.reserveCapacity(count)
            for _ in 1..<count {
                // A step of over 2^63 ms wraps twice, and so comes back as it was written.
                step = step &+ (try input.readZigzag())
                let next = time &+ step
                guard next >= time else { throw SampleBatchError(reason: "times go back after \(time)") }
                time = next
                moments.append(time)
            }
        default: throw SampleBatchError(reason: "encoding \(encoding) of times is unknown")
        }
    }
}
