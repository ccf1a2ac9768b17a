/// The groups of an aggregation: sorted runs that are merged as they are read, a partition of the keys at a time.
@safe final class FlowGroups: @unchecked Sendable {
    // Nothing changes after `init`; the memory the splitters point to belongs to the runs.
    let layout: FlowKeyLayout
    let runs: [FlowRun]
    /// The first key of each partition but the first.
    private let splitters: [UnsafeMutablePointer<UInt64>]

    /// Entries of a partition, more or less: enough to be worth a thread's turn, few enough for the cache.
    private static let partitionEntries = 16 << 10
    /// Every so many entries one is looked at to find the splitters.
    private static let sampleStride = 64

    init(layout: FlowKeyLayout, runs: [FlowRun]) {
        self.layout = layout
        self.runs = runs
        let entryCount = runs.reduce(0) { $0 + $1.count }
        let sorter = FlowEntrySorter(layout)
        for run in runs {
            for index in stride(from: 0, to: run.count, by: FlowGroups.sampleStride) {
                unsafe sorter.append(run.entry(index), 1, stride: 0)
            }
        }
        sorter.sort()
        let count = max(1, entryCount / FlowGroups.partitionEntries)
        var splitters: [UnsafeMutablePointer<UInt64>] = unsafe []
        for number in stride(from: 1, to: count, by: 1) {
            unsafe splitters.append(sorter.entry(number * sorter.count / count))
        }
        unsafe self.splitters = splitters
    }

    var partitionCount: Int { unsafe splitters.count + 1 }

    /// Calls `body` for every group of a partition in the order of keys; what it is given is valid during the call.
    @inline(__always)
    func forEach(
        in partition: Int, _ sorter: FlowEntrySorter, _ body: (_ entry: UnsafeMutablePointer<UInt64>) throws -> Void
    ) rethrows {
        collect(partition, sorter)
        let words = layout.words
        let sum = UnsafeMutablePointer<UInt64>.allocate(capacity: layout.stride)
        defer { unsafe sum.deallocate() }
        var index = 0
        while index < sorter.count {
            let entry = unsafe sorter.entry(index)
            index &+= 1
            guard index < sorter.count, unsafe layout.areEqual(entry, sorter.entry(index)) else {
                unsafe try body(entry)
                continue
            }
            unsafe sum.update(from: entry, count: layout.stride)
            while index < sorter.count, unsafe layout.areEqual(entry, sorter.entry(index)) {
                unsafe addFlowSums(sum + words, sorter.entry(index) + words)
                index &+= 1
            }
            unsafe try body(sum)
        }
    }

    /// The entries of a partition, sorted, those of one key side by side.
    private func collect(_ partition: Int, _ sorter: FlowEntrySorter) {
        sorter.removeAll()
        let low = unsafe partition == 0 ? nil : splitters[partition - 1]
        let high = unsafe partition == splitters.count ? nil : splitters[partition]
        for run in runs where run.count > 0 {
            if let low = unsafe low, unsafe layout.compare(run.entry(run.count - 1), low) < 0 { continue }
            if let high = unsafe high, unsafe layout.compare(run.entry(0), high) >= 0 { continue }
            let start = unsafe low.map { unsafe run.lowerBound($0, layout) } ?? 0
            let end = unsafe high.map { unsafe run.lowerBound($0, layout) } ?? run.count
            if start < end { unsafe sorter.append(run.entry(start), end - start, stride: run.stride) }
        }
        sorter.sort()
    }

    /// The groups of a partition as a run of their own.
    func merged(_ partition: Int, _ sorter: FlowEntrySorter) -> FlowRun {
        var count = 0
        unsafe forEach(in: partition, sorter) { _ in count += 1 }
        let run = FlowRun(count: count, stride: layout.stride)
        var index = 0
        unsafe forEach(in: partition, sorter) { entry in
            unsafe run.entry(index).update(from: entry, count: layout.stride)
            index += 1
        }
        return run
    }
}
