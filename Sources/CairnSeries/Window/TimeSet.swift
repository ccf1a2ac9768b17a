internal import CairnBytes

/// The times of one or more series. Scrapes give all series of a target the same times, so sets are few.
struct TimeSet: Equatable {
    /// How the times that are not exactly `first + index * step` are told.
    enum Shape: UInt8 {
        case regular = 0
        /// What is left is the distance from the grid: scrapes that are late and then on time again.
        case grid = 1
        /// What is left is the difference from one step after the time before: gaps and drifting clocks.
        case steps = 2
    }

    var count: Int
    var first: Int64
    var last: Int64
    var step: Int64
    var shape: Shape
    var gapMax: UInt64

    static func == (left: TimeSet, right: TimeSet) -> Bool {
        left.count == right.count && left.first == right.first && left.last == right.last && left.step == right.step
            && left.shape == right.shape && left.gapMax == right.gapMax
    }

    /// Numbers in a group: the first time is `first`.
    var storedCount: Int { shape == .regular ? 0 : count - 1 }

    /// The last time if all were on the grid.
    var lastOnGrid: Int64 { first &+ step &* Int64(count - 1) }
}

/// Collects the times of series into sets and sets into groups.
struct TimeSetBuilder {
    private(set) var sets: [TimeSet] = []
    /// By set: the times of those that are not regular.
    private var irregular: [Int: [Int64]] = [:]
    private var known: [Int: [Int]] = [:]
    private var latest: Int?

    /// - Parameter times: at least one, none before the one before it.
    /// - Returns: the number of the set with exactly these times.
    mutating func add(_ times: UnsafeBufferPointer<Int64>) -> Int {
        let count = times.count
        let first = unsafe times[0]
        let step = count > 1 ? unsafe times[1] &- first : 0
        var isRegular = true
        var gapMax: UInt64 = 0
        for index in 1..<max(1, count) {
            let gap = unsafe times[index] &- times[index - 1]
            if gap != step { isRegular = false }
            gapMax = max(gapMax, UInt64(bitPattern: gap))
        }
        // The hash is cheap and only narrows the search; equality decides.
        var hash = count &* 0x9E37_79B9 ^ Int(truncatingIfNeeded: first) ^ Int(truncatingIfNeeded: step) &* 31
        if !isRegular {
            for index in stride(from: 0, to: count, by: max(1, count / 16)) {
                hash = unsafe hash &* 31 &+ Int(truncatingIfNeeded: times[index])
            }
        }
        if let latest, unsafe isSame(latest, times, isRegular: isRegular, step: step) { return latest }
        for candidate in known[hash] ?? [] where unsafe isSame(candidate, times, isRegular: isRegular, step: step) {
            latest = candidate
            return candidate
        }
        let number = sets.count
        sets.append(
            TimeSet(
                count: count, first: first, last: unsafe times[count - 1], step: step,
                shape: isRegular ? .regular : .steps, gapMax: gapMax))
        if !isRegular { irregular[number] = unsafe Array(times) }
        known[hash, default: []].append(number)
        latest = number
        return number
    }

    private func isSame(_ number: Int, _ times: UnsafeBufferPointer<Int64>, isRegular: Bool, step: Int64) -> Bool {
        let set = sets[number]
        guard set.count == times.count, unsafe set.first == times[0], unsafe set.last == times[times.count - 1] else {
            return false
        }
        guard let theirs = irregular[number] else { return isRegular && set.step == step }
        return unsafe !isRegular && theirs.withUnsafeBufferPointer { unsafe $0.elementsEqual(times) }
    }

    /// The times of a set that is not regular, nil of one that is.
    func irregularTimes(of number: Int) -> [Int64]? { irregular[number] }

    /// What the group of a set stores; chooses shape and step. Empty for a regular set.
    mutating func residuals(of number: Int) -> [UInt64] {
        guard let times = irregular[number] else { return [] }
        // Half of all gaps are not below the median: the scrape interval, whatever the first gap was.
        var gaps: [Int64] = []
        gaps.reserveCapacity(times.count - 1)
        for index in 1..<times.count { gaps.append(times[index] &- times[index - 1]) }
        let step = gaps.sorted { UInt64(bitPattern: $0) < UInt64(bitPattern: $1) }[gaps.count / 2]
        sets[number].step = step
        var bySteps: [UInt64] = []
        var byGrid: [UInt64] = []
        bySteps.reserveCapacity(gaps.count)
        byGrid.reserveCapacity(gaps.count)
        var expected = times[0]
        for (index, gap) in gaps.enumerated() {
            bySteps.append(Zigzag.encode(gap &- step))
            expected = expected &+ step
            byGrid.append(Zigzag.encode(times[index + 1] &- expected))
        }
        var costs: [Double] = []
        for candidate in [bySteps, byGrid] {
            var histogram = TokenHistogram()
            unsafe candidate.withUnsafeBufferPointer { unsafe histogram.add($0) }
            costs.append(histogram.bits)
        }
        sets[number].shape = costs[1] < costs[0] ? .grid : .steps
        return costs[1] < costs[0] ? byGrid : bySteps
    }
}

extension TimeSet {
    /// Writes the times, from what their group holds.
    /// - Parameters:
    ///   - residuals: `storedCount` numbers.
    ///   - output: room for `count` times.
    /// - Returns: false if times go back or miss `last` or `gapMax`, which a forged window could make them.
    func write(_ residuals: UnsafePointer<Int64>?, into output: UnsafeMutablePointer<Int64>) -> Bool {
        unsafe output[0] = first
        var time = first
        var grid = first
        var isAscending = true
        var widest: UInt64 = 0
        for index in 1..<max(1, count) {
            let rest = unsafe residuals.map { unsafe $0[index - 1] } ?? 0
            grid = grid &+ step
            let next = shape == .steps ? time &+ step &+ rest : grid &+ rest
            isAscending = isAscending && next >= time
            widest = max(widest, UInt64(bitPattern: next &- time))
            time = next
            unsafe output[index] = time
        }
        return isAscending && time == last && widest == gapMax
    }
}
