/// How the values of a group's key are packed into 64-bit words, so that looking a group up is arithmetic and the order
/// of the words is the order of the rows.
///
/// A value is stored plus one, zero is a missing value, the first column is highest. IPv4 addresses, ports, minutes and
/// numbers are stored as they are; text and IPv6 addresses as the number of a symbol (`FlowSymbols`).
struct FlowKeyLayout: Sendable {
    enum Content: UInt8, Sendable {
        case cluster, minute, address, port, number, time, text
    }

    struct Part: Sendable {
        var column: FlowColumn
        var content: Content
        var word: Int
        var shift: UInt64
        var bits: Int

        var mask: UInt64 { bits == 64 ? .max : (1 << UInt64(bits)) - 1 }

        @inline(__always)
        func code(_ key: UnsafePointer<UInt64>) -> UInt64 { unsafe key[word] >> shift & mask }
    }

    /// One for each column of the query, in its order.
    let parts: [Part]
    let words: Int

    /// Words of an entry: its key, then flows, rejects, SYN-only flows, packets and bytes.
    var stride: Int { words + FlowKeyLayout.sumCount }
    static let sumCount = 5

    /// Codes from here on are IPv6 symbols; before it are the missing value and all of IPv4.
    static let firstSymbolOfAddresses: UInt64 = 1 << 32 + 1

    init(_ query: FlowQuery, clusterCount: Int) {
        var parts: [Part] = []
        var word = 0
        var free = 64
        for column in query.columns {
            let (content, bits) = FlowKeyLayout.content(of: column, clusterCount: clusterCount)
            if bits > free {
                word += 1
                free = 64
            }
            free -= bits
            parts.append(Part(column: column, content: content, word: word, shift: UInt64(free), bits: bits))
        }
        self.parts = parts
        words = word + 1
    }

    private static func content(of column: FlowColumn, clusterCount: Int) -> (Content, Int) {
        switch column {
        case .cluster: return (.cluster, max(1, Int.bitWidth - clusterCount.leadingZeroBitCount))
        // The year 9999 ends with minute 4,223,371,679.
        case .minute: return (.minute, 32)
        case .field(let field):
            switch field.content {
            case .address: return (.address, 33)
            case .port: return (.port, 17)
            case .time: return (.time, 38)
            case .text: return (.text, 32)
            case .number:
                switch field {
                case .protocolNumber: return (.number, 9)
                case .tcpFlags: return (.number, 32)
                default: return (.number, 64)
                }
            }
        }
    }

    /// The largest value of a numeric column that makes sense.
    static func limit(of column: FlowColumn) -> UInt64 {
        switch column {
        case .field(.protocolNumber): FlowNumberLimits.protocolNumber
        case .field(.tcpFlags): FlowNumberLimits.tcpFlags
        case .field(.sourcePort), .field(.destinationPort): FlowNumberLimits.port
        default: UInt64(Int64.max)
        }
    }

    /// Less than zero, zero or more as one key is before, equal to or after the other.
    @inline(__always)
    func compare(_ left: UnsafePointer<UInt64>, _ right: UnsafePointer<UInt64>) -> Int {
        for word in 0..<words where unsafe left[word] != right[word] { return unsafe left[word] < right[word] ? -1 : 1 }
        return 0
    }

    @inline(__always)
    func areEqual(_ left: UnsafePointer<UInt64>, _ right: UnsafePointer<UInt64>) -> Bool {
        for word in 0..<words where unsafe left[word] != right[word] { return false }
        return true
    }
}

/// Entries of groups in flat memory: `words` of key, then the sums.
@safe final class FlowRun: @unchecked Sendable {
    // Written by one thread before others see it, and not changed while several read it.
    let entries: UnsafeMutablePointer<UInt64>
    let count: Int
    let stride: Int

    init(count: Int, stride: Int) {
        self.count = count
        self.stride = stride
        unsafe entries = UnsafeMutablePointer.allocate(capacity: max(1, count * stride))
    }

    deinit { unsafe entries.deallocate() }

    @inline(__always)
    func entry(_ index: Int) -> UnsafeMutablePointer<UInt64> { unsafe entries + index &* stride }

    /// The first entry whose key is not before `key`.
    func lowerBound(_ key: UnsafePointer<UInt64>, _ layout: FlowKeyLayout) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if unsafe layout.compare(entry(middle), key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Adds the sums of one entry to another's; sums stay at the largest number instead of beginning again at zero.
@inline(__always)
func addFlowSums(_ sums: UnsafeMutablePointer<UInt64>, _ more: UnsafePointer<UInt64>) {
    for index in 0..<FlowKeyLayout.sumCount {
        let (sum, isTooLarge) = unsafe sums[index].addingReportingOverflow(more[index])
        unsafe sums[index] = isTooLarge ? .max : sum
    }
}
