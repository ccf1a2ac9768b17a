/// One signal of one stream: events of a kind and the connections they are a part of, minute by minute. Minutes without
/// connections are left out, and so are those whose records were lost.
package struct DropsSeries: Hashable, Sendable {
    /// Minutes since 1970, ascending.
    package private(set) var minutes: [Int64] = []
    package private(set) var events: [Double] = []
    package private(set) var connections: [Double] = []

    package init() {}

    package mutating func append(minute: Int64, events: Double, connections: Double) {
        guard connections > 0 else { return }
        minutes.append(minute)
        self.events.append(min(events, connections))
        self.connections.append(connections)
    }

    package mutating func reserve(_ count: Int) {
        minutes.reserveCapacity(count)
        events.reserveCapacity(count)
        connections.reserveCapacity(count)
    }

    /// The index of the first minute that is not before `minute`.
    func first(at minute: Int64) -> Int {
        var low = 0
        var high = minutes.count
        while low < high {
            let middle = (low + high) / 2
            if minutes[middle] < minute { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Indices of some minutes.
    func indices(of range: Range<Int64>) -> Range<Int> {
        let start = first(at: range.lowerBound)
        return start..<max(start, first(at: range.upperBound))
    }

    func total(in range: Range<Int64>) -> (events: Double, connections: Double) {
        var sum = (events: 0.0, connections: 0.0)
        for index in indices(of: range) {
            sum.events += events[index]
            sum.connections += connections[index]
        }
        return sum
    }
}

/// Blocks of minutes since 1970, rounded down also before 1970.
enum DropsClock {
    static let day: Int64 = 1440
    static let week: Int64 = 7 * 1440

    static func block(_ minute: Int64, of length: Int64) -> Int64 {
        let (quotient, remainder) = minute.quotientAndRemainder(dividingBy: length)
        return remainder < 0 ? quotient - 1 : quotient
    }
}

extension UInt64 {
    /// A count that was added up as a number: forged ones may be beyond any integer.
    init(saturating value: Double) { self = UInt64(exactly: Swift.max(0, value).rounded(.down)) ?? .max }
}
