/// Numbers for values that are not numbers: text, and IPv6 addresses. Each thread numbers what it meets in the order it
/// meets it; `ranks` gives the numbers that sort as the values do, once all threads are done.
struct FlowSymbols: Sendable {
    var texts = ByteKeyTable()
    /// Sixteen bytes each, the highest first.
    var addresses = ByteKeyTable()

    /// The number of an address.
    mutating func index(of address: IPAddress) -> Int {
        unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 16) { bytes in
            for index in 0..<8 {
                let shift = UInt64(56 - index * 8)
                unsafe bytes[index] = UInt8(truncatingIfNeeded: address.high >> shift)
                unsafe bytes[index + 8] = UInt8(truncatingIfNeeded: address.low >> shift)
            }
            return unsafe addresses.index(of: UnsafeBufferPointer(bytes))
        }
    }

    static func address(_ bytes: some Collection<UInt8>) -> IPAddress {
        let high = bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        return IPAddress(high: high, low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
    }
}

/// The values of all threads in their order, and what each thread's numbers are in it.
struct FlowSymbolRanks: Sendable {
    private(set) var values: [[UInt8]] = []
    /// For each table given, the rank of each of its numbers.
    private(set) var ranks: [[UInt32]] = []

    init(_ tables: [ByteKeyTable]) {
        var all = ByteKeyTable()
        var numbers: [[Int]] = []
        for table in tables { numbers.append((0..<table.count).map { all.index(ofKey: $0, in: table) }) }
        let order = (0..<all.count).sorted { all.bytes(at: $0).lexicographicallyPrecedes(all.bytes(at: $1)) }
        var rankOfNumber = [UInt32](repeating: 0, count: all.count)
        for (rank, number) in order.enumerated() { rankOfNumber[number] = UInt32(truncatingIfNeeded: rank) }
        values = order.map { Array(all.bytes(at: $0)) }
        ranks = numbers.map { $0.map { rankOfNumber[$0] } }
    }
}

extension FlowRun {
    /// Writes ranks in the place of a thread's own numbers; the run is not sorted afterwards.
    func replaceSymbols(_ layout: FlowKeyLayout, texts: [UInt32], addresses: [UInt32]) {
        for part in layout.parts where part.content == .text || part.content == .address {
            for index in 0..<count {
                let key = unsafe entry(index)
                let code = unsafe part.code(key)
                let next: UInt64
                if part.content == .text {
                    guard code > 0 else { continue }
                    next = UInt64(texts[Int(code - 1)]) + 1
                } else {
                    guard code >= FlowKeyLayout.firstSymbolOfAddresses else { continue }
                    let number = Int(code - FlowKeyLayout.firstSymbolOfAddresses)
                    next = UInt64(addresses[number]) + FlowKeyLayout.firstSymbolOfAddresses
                }
                unsafe key[part.word] = key[part.word] & ~(part.mask << part.shift) | next << part.shift
            }
        }
    }

    /// A sorted copy.
    func sorted(_ layout: FlowKeyLayout) -> FlowRun {
        let sorter = FlowEntrySorter(layout)
        unsafe sorter.append(entries, count, stride: stride)
        sorter.sort()
        let run = FlowRun(count: count, stride: stride)
        for index in 0..<count { unsafe run.entry(index).update(from: sorter.entry(index), count: stride) }
        return run
    }
}
