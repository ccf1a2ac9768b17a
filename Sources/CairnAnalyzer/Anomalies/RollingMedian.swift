/// The median of the last values, with a sorted copy kept beside them.
struct RollingMedian: Sendable {
    private let capacity: Int
    private var ring: [Double] = []
    private var oldest = 0
    private var sorted: [Double] = []

    init(capacity: Int) {
        precondition(capacity > 0, "a median needs a value")
        self.capacity = capacity
    }

    var count: Int { sorted.count }

    /// Nil before the first value.
    var median: Double? { OrderStatistics.sortedQuantile(sorted, 0.5) }

    mutating func add(_ value: Double) {
        if ring.count < capacity {
            ring.append(value)
        } else {
            sorted.remove(at: place(of: ring[oldest]))
            ring[oldest] = value
            oldest = (oldest + 1) % capacity
        }
        sorted.insert(value, at: place(of: value))
    }

    /// The first index whose value is not below this one.
    private func place(of value: Double) -> Int {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
