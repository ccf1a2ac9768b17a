internal import CairnBytes

/// A group that still takes series. A class, so that a dictionary of them copies no numbers.
final class OpenGroup {
    struct Member {
        var series: Int
        /// Places among `numbers` and `values`.
        var numbers: Range<Int>
        var values: Range<Int>
        var exceptions: [UInt8]
    }

    /// Groups of one kind have numbers of like distribution.
    let kind: Int
    /// Ascending by series.
    private(set) var members: [Member] = []
    private(set) var numbers: [UInt64] = []
    private(set) var histogram = TokenHistogram()
    /// The values themselves, to compare with what reads back.
    private(set) var values: [Double] = []

    init(kind: Int) { self.kind = kind }

    /// What can share a code: the packing, and for tokens how many bits they leave open.
    static func kind(of histogram: TokenHistogram) -> Int {
        let packing = Packing.choose(count: histogram.total, below: histogram.below)
        guard packing == .tokens else { return 100 - packing.perByte }
        return 100 + histogram.meanOpenBits / 3
    }

    func append(_ series: Int, _ analyzer: ValueAnalyzer, _ added: UnsafeBufferPointer<Double>) {
        var exceptions = ByteWriter(capacity: 0)
        unsafe ValueExceptions.append(analyzer.exceptions, of: added, to: &exceptions)
        members.append(
            Member(
                series: series, numbers: numbers.count..<numbers.count + analyzer.residuals.count,
                values: values.count..<values.count + added.count, exceptions: exceptions.bytes))
        numbers.append(contentsOf: analyzer.residuals)
        unsafe values.append(contentsOf: added)
        histogram.add(analyzer.histogram)
    }

    private func append(_ member: Member, of other: OpenGroup) {
        members.append(
            Member(
                series: member.series, numbers: numbers.count..<numbers.count + member.numbers.count,
                values: values.count..<values.count + member.values.count, exceptions: member.exceptions))
        numbers.append(contentsOf: other.numbers[member.numbers])
        values.append(contentsOf: other.values[member.values])
    }

    /// Both groups as one.
    func merged(with other: OpenGroup) -> OpenGroup {
        let result = OpenGroup(kind: kind)
        var mine = members[...]
        var theirs = other.members[...]
        while let left = mine.first, let right = theirs.first {
            if left.series < right.series {
                result.append(mine.removeFirst(), of: self)
            } else {
                result.append(theirs.removeFirst(), of: other)
            }
        }
        for member in mine { result.append(member, of: self) }
        for member in theirs { result.append(member, of: other) }
        result.histogram = histogram
        result.histogram.add(other.histogram)
        return result
    }
}
