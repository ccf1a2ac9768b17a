internal import CairnBytes
internal import Dispatch
internal import Synchronization

extension FlowGroupRows {
    /// Writes the rows as text: partitions are made into text by several threads and given to `write` in their order.
    ///
    /// - Parameters:
    ///   - top: only so many rows with the most flows, most first.
    ///   - write: called on the calling thread; the bytes are valid during the call. What it throws ends the writing.
    package func write<Failure: Error>(
        _ style: FlowRowStyle, top: Int? = nil, workers: Int,
        to write: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        if let top { return try unsafe writeRun(self.top(top, workers: workers), style, to: write) }
        let count = max(1, min(workers, groups.partitionCount))
        let line = FlowTextLine(partitions: groups.partitionCount, ahead: count * 3)
        let template = FlowRowTemplate(self, style)
        let threads = (0..<count).map { _ in WorkerThread { self.makeText(template, line) } }
        defer { for thread in threads { thread.join() } }
        var isFirst = true
        for partition in 0..<groups.partitionCount {
            guard let text = line.take(partition) else { continue }
            do throws(Failure) {
                // Two partitions need what stands between two rows, unless one has none.
                if !isFirst, text.count > 0 { try unsafe FlowGroupRows.give(style.betweenRows, to: write) }
                if isFirst, text.count > 0 {
                    try unsafe FlowGroupRows.give(style.header, to: write)
                    isFirst = false
                }
                if text.count > 0 { try unsafe write(text.bytes) }
            } catch {
                line.cancel()
                throw error
            }
            line.giveBack(text)
        }
        try unsafe finish(style, isEmpty: isFirst, to: write)
    }

    private func finish<Failure: Error>(
        _ style: FlowRowStyle, isEmpty: Bool, to write: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        if isEmpty {
            guard style.whenEmpty == nil else {
                return try unsafe FlowGroupRows.give(style.whenEmpty ?? [], to: write)
            }
            try unsafe FlowGroupRows.give(style.header, to: write)
        }
        try unsafe FlowGroupRows.give(style.footer, to: write)
    }

    private static func give<Failure: Error>(
        _ bytes: [UInt8], to write: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        if bytes.isEmpty { return }
        try unsafe bytes.withUnsafeBufferPointer { bytes throws(Failure) in try unsafe write(bytes) }
    }

    /// What one thread does: takes partitions in turn and makes text of them.
    private func makeText(_ template: FlowRowTemplate, _ line: FlowTextLine) {
        let sorter = FlowEntrySorter(layout)
        while let partition = line.next() {
            let writer = line.writer() ?? FlowRowWriter(template)
            writer.removeAll()
            var isFirst = true
            unsafe groups.forEach(in: partition, sorter) { entry in
                unsafe writer.add(entry, isFirst: isFirst)
                isFirst = false
            }
            line.put(writer, partition)
        }
    }

    private func writeRun<Failure: Error>(
        _ run: FlowRun, _ style: FlowRowStyle, to write: (UnsafeBufferPointer<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        let writer = FlowRowWriter(FlowRowTemplate(self, style))
        if run.count > 0 { try unsafe FlowGroupRows.give(style.header, to: write) }
        for index in 0..<run.count {
            unsafe writer.add(run.entry(index), isFirst: index == 0)
            guard writer.count >= FlowGroupRows.writeBytesMin else { continue }
            try unsafe write(writer.bytes)
            writer.removeAll()
        }
        if writer.count > 0 { try unsafe write(writer.bytes) }
        try unsafe finish(style, isEmpty: run.count == 0, to: write)
    }

    /// Bytes written at once, at least: a system call costs as much as copying some of them.
    private static let writeBytesMin = 256 << 10

    /// How wide each cell of the style is at most, and whether any row has a value for it.
    package func extents(_ style: FlowRowStyle, top: Int? = nil, workers: Int) -> [FlowColumnExtent] {
        let template = FlowRowTemplate(self, style)
        let none = [FlowColumnExtent](repeating: FlowColumnExtent(), count: template.steps.count)
        if let top {
            let run = self.top(top, workers: workers)
            var extents = none
            for index in 0..<run.count { unsafe template.measure(run.entry(index), &extents) }
            return extents
        }
        let next = Atomic<Int>(0)
        let parts = Mutex<[[FlowColumnExtent]]>([])
        WorkerThread.run(max(1, min(workers, groups.partitionCount))) { [self] _ in
            let sorter = FlowEntrySorter(layout)
            var extents = none
            while true {
                let partition = next.add(1, ordering: .relaxed).oldValue
                guard partition < groups.partitionCount else { break }
                unsafe groups.forEach(in: partition, sorter) { unsafe template.measure($0, &extents) }
            }
            let found = extents
            parts.withLock { $0.append(found) }
        }
        var extents = none
        for part in parts.withLock({ $0 }) {
            for index in extents.indices { extents[index].add(part[index]) }
        }
        return extents
    }
}

/// Texts of partitions on their way to whoever writes them, in order and only so many ahead of it.
private final class FlowTextLine: Sendable {
    private struct State {
        var next = 0
        var isCancelled = false
        var spare: [FlowRowWriter] = []
        var made: [Int: FlowRowWriter] = [:]
    }

    private let partitions: Int
    private let ahead: Int
    private let state = Mutex(State())
    private let room: DispatchSemaphore
    private let ready: [DispatchSemaphore]

    init(partitions: Int, ahead: Int) {
        self.partitions = partitions
        self.ahead = ahead
        room = DispatchSemaphore(places: ahead)
        ready = (0..<partitions).map { _ in DispatchSemaphore(value: 0) }
    }

    deinit {
        // A semaphore must not end with less than it began with.
        for _ in 0..<ahead { room.signal() }
    }

    /// The next partition to make, once there is room; nil if there is none.
    func next() -> Int? {
        room.wait()
        let next = state.withLock { state -> Int? in
            guard !state.isCancelled, state.next < partitions else { return nil }
            state.next += 1
            return state.next - 1
        }
        if next == nil { room.signal() }
        return next
    }

    /// A writer whose text has been written.
    func writer() -> FlowRowWriter? { state.withLock { $0.spare.popLast() } }

    func put(_ writer: FlowRowWriter, _ partition: Int) {
        state.withLock { $0.made[partition] = writer }
        ready[partition].signal()
    }

    /// Waits for the text of a partition.
    func take(_ partition: Int) -> FlowRowWriter? {
        ready[partition].wait()
        return state.withLock { $0.made.removeValue(forKey: partition) }
    }

    func giveBack(_ writer: FlowRowWriter) {
        state.withLock { $0.spare.append(writer) }
        room.signal()
    }

    /// Nobody writes any more.
    func cancel() {
        state.withLock { $0.isCancelled = true }
        room.signal()
    }
}
