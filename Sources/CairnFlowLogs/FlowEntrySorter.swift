/// Puts entries in the order of their keys: a radix sort over the bits in which the keys differ, which are few, since
/// the entries of one run are neighbours in time. One thread uses it at a time; its memory is kept.
@safe final class FlowEntrySorter {
    struct Item {
        var key: UInt64
        var place: Int
    }

    /// The entries to sort and, after `sort`, their order.
    private(set) var items: UnsafeMutablePointer<Item>
    private(set) var count = 0
    private var spare: UnsafeMutablePointer<Item>
    private var capacity: Int
    private let counters: UnsafeMutablePointer<Int>
    private let layout: FlowKeyLayout

    /// Bits of a key looked at in one pass: 2048 counters fill half of the first-level cache.
    private static let passBits: UInt64 = 11
    private static let counterCount = 1 << Int(passBits)
    /// Fewer items than this are sorted by comparing, which needs no counters.
    private static let comparedMax = 192

    init(_ layout: FlowKeyLayout) {
        self.layout = layout
        capacity = 1024
        unsafe items = UnsafeMutablePointer.allocate(capacity: capacity)
        unsafe spare = UnsafeMutablePointer.allocate(capacity: capacity)
        unsafe counters = UnsafeMutablePointer.allocate(capacity: FlowEntrySorter.counterCount)
    }

    deinit {
        unsafe items.deallocate()
        unsafe spare.deallocate()
        unsafe counters.deallocate()
    }

    func removeAll() { count = 0 }

    /// Adds `number` entries that lie one after another.
    func append(_ entries: UnsafePointer<UInt64>, _ number: Int, stride: Int) {
        if count + number > capacity {
            let larger = max(capacity * 2, count + number)
            let next = UnsafeMutablePointer<Item>.allocate(capacity: larger)
            unsafe next.update(from: items, count: count)
            unsafe items.deallocate()
            unsafe spare.deallocate()
            unsafe items = next
            unsafe spare = UnsafeMutablePointer.allocate(capacity: larger)
            capacity = larger
        }
        var place = Int(bitPattern: entries)
        for index in count..<(count + number) {
            unsafe items[index] = Item(key: 0, place: place)
            place &+= stride &* MemoryLayout<UInt64>.stride
        }
        count += number
    }

    /// The entry that comes `index`-th.
    @inline(__always)
    func entry(_ index: Int) -> UnsafeMutablePointer<UInt64> { unsafe FlowEntrySorter.entry(items[index]) }

    @inline(__always)
    private static func entry(_ item: Item) -> UnsafeMutablePointer<UInt64> {
        // Never zero: it was an address.
        unsafe UnsafeMutablePointer(bitPattern: item.place).unsafelyUnwrapped
    }

    func sort() {
        if count < FlowEntrySorter.comparedMax {
            let layout = layout
            var buffer = unsafe UnsafeMutableBufferPointer(start: items, count: count)
            unsafe buffer.sort {
                unsafe layout.compare(FlowEntrySorter.entry($0), FlowEntrySorter.entry($1)) < 0
            }
            return
        }
        // Where each word differs, from its lowest to its highest such bit.
        var ranges: [(word: Int, low: UInt64, width: UInt64)] = []
        for word in 0..<layout.words {
            let first = unsafe entry(0)[word]
            var different: UInt64 = 0
            for index in 1..<count { unsafe different |= entry(index)[word] ^ first }
            if different == 0 { continue }
            let low = UInt64(different.trailingZeroBitCount)
            ranges.append((word, low, 64 - UInt64(different.leadingZeroBitCount) - low))
        }
        if ranges.reduce(0, { $0 + $1.width }) <= 64 {
            sort(by: ranges)
        } else {
            // From the last word to the first; each pass keeps the order of the one before among equals.
            for range in ranges.reversed() { sort(by: [range]) }
        }
    }

    /// Sorts by some bits of the key, at most 64 in all, keeping the order of equals.
    private func sort(by ranges: [(word: Int, low: UInt64, width: UInt64)]) {
        let width = ranges.reduce(0) { $0 + $1.width }
        if width == 0 { return }
        if ranges.count == 1 {
            let range = ranges[0]
            for index in 0..<count { unsafe items[index].key = entry(index)[range.word] &>> range.low }
        } else {
            makeKeys(ranges)
        }
        for shift in stride(from: 0 as UInt64, to: width, by: Int(FlowEntrySorter.passBits)) { pass(shift) }
    }

    /// Joins the bits of several words; the last range, below the others, has fewer than 64.
    private func makeKeys(_ ranges: [(word: Int, low: UInt64, width: UInt64)]) {
        let (first, second) = (ranges[0], ranges[1])
        let mask = (1 as UInt64) &<< second.width &- 1
        for index in 0..<count {
            let entry = unsafe entry(index)
            let high = unsafe entry[first.word] &>> first.low
            unsafe items[index].key = high &<< second.width | (entry[second.word] &>> second.low) & mask
        }
        for range in ranges.dropFirst(2) {
            let mask = (1 as UInt64) &<< range.width &- 1
            for index in 0..<count {
                let value = unsafe (entry(index)[range.word] &>> range.low) & mask
                unsafe items[index].key = items[index].key &<< range.width | value
            }
        }
    }

    private func pass(_ shift: UInt64) {
        let counters = unsafe counters
        let mask = UInt64(FlowEntrySorter.counterCount - 1)
        unsafe counters.update(repeating: 0, count: FlowEntrySorter.counterCount)
        let from = unsafe items
        let to = unsafe spare
        for index in 0..<count { unsafe counters[Int(truncatingIfNeeded: from[index].key &>> shift & mask)] &+= 1 }
        var sum = 0
        for index in 0..<FlowEntrySorter.counterCount {
            let number = unsafe counters[index]
            // All in one place: nothing to do.
            if number == count { return }
            unsafe counters[index] = sum
            sum &+= number
        }
        for index in 0..<count {
            let item = unsafe from[index]
            let place = Int(truncatingIfNeeded: item.key &>> shift & mask)
            unsafe to[counters[place]] = item
            unsafe counters[place] &+= 1
        }
        unsafe swap(&items, &spare)
    }
}
