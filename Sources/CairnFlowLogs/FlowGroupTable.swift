/// Groups by key in flat memory that fits the second-level cache: open addressing over entries that lie one after
/// another. When it is full it becomes a sorted run and begins again; the runs are merged when rows are written.
///
/// So memory is read in order nearly everywhere, a group that recurs costs a hit in the cache, and nothing needs to be
/// known of how many groups there will be.
@safe struct FlowGroupTable: ~Copyable {
    private let layout: FlowKeyLayout
    private let entries: UnsafeMutablePointer<UInt64>
    /// Index + 1 of the entry in each slot, 0 if it is free.
    private let slots: UnsafeMutablePointer<UInt32>
    private var count = 0
    /// Rows (a key and what to add) that wait, and the slot where each looks first.
    private let waiting: UnsafeMutablePointer<UInt64>
    private let homes: UnsafeMutablePointer<UInt32>
    private var waitingCount = 0
    /// Of no meaning: kept so that the loads which fetch entries are not dropped.
    private var touched: UInt64 = 0
    private let sorter: FlowEntrySorter
    private(set) var runs: [FlowRun] = []
    private(set) var runEntryCount = 0
    private var compactAt: Int
    /// How many groups the last merge left.
    private var mergedCount = 0
    /// More groups than memory is meant for: what comes is not counted any more.
    private(set) var isFull = false

    /// Entries until a run is written; with a key of two words 0.46 MB and 64 KB of slots.
    private static let entriesMax = 8 << 10
    private static let slotBits: UInt64 = 14
    /// Rows that wait to be added at once, so that the processor fetches what they need side by side.
    private static let waitingMax = 64

    private let groupsMax: Int

    init(_ layout: FlowKeyLayout, limits: FlowLogLimits) {
        self.layout = layout
        compactAt = limits.compactGroupsMin
        groupsMax = limits.groupsMax
        unsafe entries = UnsafeMutablePointer.allocate(capacity: FlowGroupTable.entriesMax * layout.stride)
        unsafe slots = UnsafeMutablePointer.allocate(capacity: 1 << Int(FlowGroupTable.slotBits))
        unsafe slots.initialize(repeating: 0, count: 1 << Int(FlowGroupTable.slotBits))
        unsafe waiting = UnsafeMutablePointer.allocate(capacity: FlowGroupTable.waitingMax * layout.stride)
        unsafe waiting.initialize(repeating: 0, count: FlowGroupTable.waitingMax * layout.stride)
        unsafe homes = UnsafeMutablePointer.allocate(capacity: FlowGroupTable.waitingMax)
        sorter = FlowEntrySorter(layout)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe slots.deallocate()
        unsafe waiting.deallocate()
        unsafe homes.deallocate()
    }

    /// Where the next row is to be written: the key, then what to add to its sums. It counts once it is added.
    @inline(__always)
    var row: UnsafeMutablePointer<UInt64> { unsafe waiting + waitingCount &* layout.stride }

    /// Adds what was written to `row`.
    @inline(__always)
    mutating func addRow(words: Int) {
        let hash = unsafe FlowGroupTable.hash(row, words: words)
        unsafe homes[waitingCount] = UInt32(truncatingIfNeeded: hash &>> (64 &- FlowGroupTable.slotBits))
        waitingCount &+= 1
        if waitingCount == FlowGroupTable.waitingMax { addWaiting(words: words) }
    }

    @inline(never)
    private mutating func addWaiting(words: Int) {
        let stride = words &+ FlowKeyLayout.sumCount
        // Loads that do not wait for each other; what they fetch is in the first-level cache below.
        var fetched: UInt64 = 0
        for index in 0..<waitingCount {
            let number = unsafe Int(truncatingIfNeeded: slots[Int(truncatingIfNeeded: homes[index])])
            unsafe fetched |= entries[(number &- (number == 0 ? 0 : 1)) &* stride]
        }
        touched ^= fetched
        for index in 0..<waitingCount {
            unsafe add(waiting + index &* stride, Int(truncatingIfNeeded: homes[index]), words: words)
        }
        waitingCount = 0
    }

    @inline(__always)
    private mutating func add(_ row: UnsafePointer<UInt64>, _ home: Int, words: Int) {
        let stride = words &+ FlowKeyLayout.sumCount
        let mask = 1 &<< Int(FlowGroupTable.slotBits) &- 1
        var slot = home
        while true {
            let number = unsafe Int(truncatingIfNeeded: slots[slot])
            if number == 0 { break }
            let entry = unsafe entries + (number &- 1) &* stride
            if unsafe FlowGroupTable.areEqual(entry, row, words: words) {
                return unsafe addFlowSums(entry + words, row + words)
            }
            slot = (slot &+ 1) & mask
        }
        if count == FlowGroupTable.entriesMax {
            // Every slot is free then.
            writeRun()
            slot = home
        }
        let entry = unsafe entries + count &* stride
        for word in 0..<stride { unsafe entry[word] = row[word] }
        count &+= 1
        unsafe slots[slot] = UInt32(truncatingIfNeeded: count)
    }

    @inline(__always)
    private static func areEqual(
        _ left: UnsafePointer<UInt64>, _ right: UnsafePointer<UInt64>, words: Int
    ) -> Bool {
        var difference: UInt64 = 0
        for word in 0..<words { unsafe difference |= left[word] ^ right[word] }
        return difference == 0
    }

    /// Not for adversaries: a table of a few thousand entries has no long chains to build.
    @inline(__always)
    private static func hash(_ key: UnsafePointer<UInt64>, words: Int) -> UInt64 {
        var hash: UInt64 = 0
        for word in 0..<words {
            let product = unsafe (hash ^ key[word]).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
            hash = product.high ^ product.low
        }
        return hash &* 0xD6E8_FEB8_6659_FD93
    }

    /// Makes runs of everything that was added.
    mutating func flush() {
        addWaiting(words: layout.words)
        writeRun()
    }

    /// Writes what the table holds as a sorted run and empties it.
    @inline(never)
    private mutating func writeRun() {
        if count == 0 { return }
        let held = count
        count = 0
        unsafe slots.update(repeating: 0, count: 1 << Int(FlowGroupTable.slotBits))
        // Not again and again for little: a quarter more than the last merge left, at least.
        if runEntryCount + held > groupsMax, runEntryCount > mergedCount + mergedCount / 4 { compact() }
        if runEntryCount + held > groupsMax { isFull = true }
        if isFull { return }
        sorter.removeAll()
        unsafe sorter.append(entries, held, stride: layout.stride)
        sorter.sort()
        let run = FlowRun(count: held, stride: layout.stride)
        for index in 0..<held {
            unsafe run.entry(index).update(from: sorter.entry(index), count: layout.stride)
        }
        runs.append(run)
        runEntryCount += held
        if runEntryCount >= compactAt { compact() }
    }

    /// Merges all runs, so that groups that recur in many of them are held once.
    private mutating func compact() {
        let groups = FlowGroups(layout: layout, runs: runs)
        var merged: [FlowRun] = []
        for number in 0..<groups.partitionCount { merged.append(groups.merged(number, sorter)) }
        runs = merged
        runEntryCount = merged.reduce(0) { $0 + $1.count }
        mergedCount = runEntryCount
        compactAt = max(compactAt, runEntryCount * 2)
    }
}
