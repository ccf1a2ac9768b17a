internal import CairnBytes
internal import Synchronization

/// The rows of an aggregation, in the order of their keys. They exist as sorted runs of groups until they are written.
package final class FlowGroupRows: Sendable {
    let query: FlowQuery
    let layout: FlowKeyLayout
    let clusters: [String]
    let groups: FlowGroups
    /// The text and the IPv6 addresses of keys, in their order.
    let texts: [String]
    let addresses: [IPAddress]

    init(
        _ query: FlowQuery, layout: FlowKeyLayout, clusters: [String], parts: [(runs: [FlowRun], symbols: FlowSymbols)]
    ) {
        self.query = query
        self.layout = layout
        self.clusters = clusters
        let texts = FlowSymbolRanks(parts.map(\.symbols.texts))
        let addresses = FlowSymbolRanks(parts.map(\.symbols.addresses))
        self.texts = texts.values.map { String(decoding: $0, as: UTF8.self) }
        self.addresses = addresses.values.map { FlowSymbols.address($0) }
        var runs: [FlowRun] = []
        for (index, part) in parts.enumerated() {
            if part.symbols.texts.count + part.symbols.addresses.count == 0 {
                runs += part.runs
                continue
            }
            for run in part.runs {
                run.replaceSymbols(layout, texts: texts.ranks[index], addresses: addresses.ranks[index])
                runs.append(run.sorted(layout))
            }
        }
        groups = FlowGroups(layout: layout, runs: runs)
    }

    /// How many rows there are, which takes a pass over all groups.
    package var count: Int {
        let sorter = FlowEntrySorter(layout)
        var count = 0
        for partition in 0..<groups.partitionCount { unsafe groups.forEach(in: partition, sorter) { _ in count += 1 } }
        return count
    }

    /// The rows as values: with `top` those with the most flows, most first; else all, in the order of their keys.
    package func values(top: Int? = nil) -> [FlowAggregation.Row] {
        var rows: [FlowAggregation.Row] = []
        if let top {
            let run = self.top(top, workers: 1)
            for index in 0..<run.count { unsafe rows.append(row(run.entry(index))) }
            return rows
        }
        let sorter = FlowEntrySorter(layout)
        for partition in 0..<groups.partitionCount {
            unsafe groups.forEach(in: partition, sorter) { entry in unsafe rows.append(row(entry)) }
        }
        return rows
    }

    private func row(_ entry: UnsafePointer<UInt64>) -> FlowAggregation.Row {
        let key = layout.parts.map { part in unsafe text(part, part.code(entry)) ?? "-" }
        return unsafe FlowAggregation.Row(key: key, sums: FlowAggregation.Sums(entry + layout.words))
    }

    /// The text of a value, nil if it is missing.
    private func text(_ part: FlowKeyLayout.Part, _ code: UInt64) -> String? {
        if part.content == .cluster { return clusters[Int(code)] }
        if code == 0 { return nil }
        switch part.content {
        case .text: return texts[Int(code - 1)]
        case .address:
            if code < FlowKeyLayout.firstSymbolOfAddresses { return IPAddress(v4: UInt32(code - 1)).description }
            return addresses[Int(code - FlowKeyLayout.firstSymbolOfAddresses)].description
        default: return String(code - 1)
        }
    }

    // MARK: Top

    /// The groups with the most flows, most first; among equals those whose key is first.
    func top(_ number: Int, workers: Int) -> FlowRun {
        let next = Atomic<Int>(0)
        let heaps = Mutex<[FlowTopGroups]>([])
        WorkerThread.run(max(1, min(workers, groups.partitionCount))) { [self] _ in
            let sorter = FlowEntrySorter(layout)
            let heap = FlowTopGroups(number, layout)
            while true {
                let partition = next.add(1, ordering: .relaxed).oldValue
                guard partition < groups.partitionCount else { break }
                unsafe groups.forEach(in: partition, sorter) { entry in unsafe heap.offer(entry) }
            }
            heaps.withLock { $0.append(heap) }
        }
        let all = FlowTopGroups(number, layout)
        for heap in heaps.withLock({ $0 }) { unsafe heap.forEach { unsafe all.offer($0) } }
        return all.sorted()
    }
}

/// The best so many groups of those offered: a heap with the worst of them on top. One thread at a time.
@safe final class FlowTopGroups: @unchecked Sendable {
    // Used by one thread, then handed to another.
    private let number: Int
    private let layout: FlowKeyLayout
    private var entries: [UInt64] = []
    /// Indexes of entries; each is worse than both of those below it.
    private var heap: [Int] = []

    init(_ number: Int, _ layout: FlowKeyLayout) {
        self.number = max(0, number)
        self.layout = layout
    }

    func offer(_ entry: UnsafePointer<UInt64>) {
        let stride = layout.stride
        if heap.count < number {
            unsafe entries.append(contentsOf: UnsafeBufferPointer(start: entry, count: stride))
            heap.append(heap.count)
            rise(heap.count - 1)
            return
        }
        guard let worst = heap.first else { return }
        let isBetter = unsafe entries.withUnsafeBufferPointer { entries in
            unsafe precedes(entry, entries.baseAddress! + worst * stride)
        }
        guard isBetter else { return }
        for word in 0..<stride { unsafe entries[worst * stride + word] = entry[word] }
        sink()
    }

    /// More flows, or as many and an earlier key.
    @inline(__always)
    private func precedes(_ left: UnsafePointer<UInt64>, _ right: UnsafePointer<UInt64>) -> Bool {
        let flows = unsafe (left[layout.words], right[layout.words])
        return unsafe flows.0 == flows.1 ? layout.compare(left, right) < 0 : flows.0 > flows.1
    }

    private func isWorse(_ left: Int, _ right: Int) -> Bool {
        unsafe entries.withUnsafeBufferPointer { entries in
            let base = entries.baseAddress!
            return unsafe precedes(base + right * layout.stride, base + left * layout.stride)
        }
    }

    private func rise(_ start: Int) {
        var place = start
        while place > 0, isWorse(heap[place], heap[(place - 1) / 2]) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    private func sink() {
        var place = 0
        while true {
            var worst = place
            for child in [place * 2 + 1, place * 2 + 2] where child < heap.count && isWorse(heap[child], heap[worst]) {
                worst = child
            }
            if worst == place { return }
            heap.swapAt(place, worst)
            place = worst
        }
    }

    func forEach(_ body: (UnsafePointer<UInt64>) -> Void) {
        unsafe entries.withUnsafeBufferPointer { entries in
            for index in heap.indices { unsafe body(entries.baseAddress! + index * layout.stride) }
        }
    }

    /// The groups, the best first.
    func sorted() -> FlowRun {
        let order = heap.sorted { isWorse($1, $0) }
        let run = FlowRun(count: order.count, stride: layout.stride)
        unsafe entries.withUnsafeBufferPointer { entries in
            for (index, place) in order.enumerated() {
                unsafe run.entry(index).update(
                    from: entries.baseAddress! + place * layout.stride, count: layout.stride)
            }
        }
        return run
    }
}
