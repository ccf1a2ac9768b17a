/// The content of one file: as it is on the medium for certain, as readers see it, and the changes between the two.
struct FaultInode: Sendable {
    /// The unit a disk writes as a whole.
    static let sectorBytes = 512

    private enum Change: Sendable {
        case write([UInt8], offset: Int)
        case truncate(Int)
    }

    private struct Pending: Sendable {
        var change: Change
        /// A sync of it failed: the system believes that it was written, so no later sync writes it.
        var isDoomed = false
    }

    private(set) var current: [UInt8]
    private var durable: [UInt8]
    private var pending: [Pending] = []

    init(_ content: [UInt8] = []) {
        current = content
        durable = content
    }

    mutating func write(_ bytes: [UInt8], at offset: Int) {
        FaultInode.write(bytes[...], at: offset, to: &current)
        revive(offset..<(offset + bytes.count))
        pending.append(Pending(change: .write(bytes, offset: offset)))
    }

    mutating func truncate(to size: Int) {
        FaultInode.truncate(&current, to: size)
        revive(size..<Int.max)
        pending.append(Pending(change: .truncate(size)))
    }

    mutating func sync() {
        for pending in pending where !pending.isDoomed { FaultInode.apply(pending.change, to: &durable) }
        pending.removeAll { !$0.isDoomed }
        if pending.isEmpty { durable = current }
    }

    mutating func failSync() {
        for index in pending.indices { pending[index].isDoomed = true }
    }

    /// Writing to a page again makes the system write the whole page, also the part whose sync had failed.
    private mutating func revive(_ range: Range<Int>) {
        for index in pending.indices {
            guard case .write(let bytes, let offset) = pending[index].change else { continue }
            if range.overlaps(offset..<(offset + bytes.count)) { pending[index].isDoomed = false }
        }
    }

    /// Decides over each change that was not synced.
    mutating func losePower(_ random: inout SimulatedRandom) {
        var content = durable
        for pending in pending {
            switch (Int.random(in: 0..<4, using: &random), pending.change) {
            case (0, _): break
            case (1, _): FaultInode.apply(pending.change, to: &content)
            case (2, .write(let bytes, let offset)):
                FaultInode.tear(bytes, at: offset, in: &content, &random)
            case (_, .write(let bytes, let offset)):
                // The new size reached the disk and the bytes did not.
                if content.count < offset + bytes.count { FaultInode.truncate(&content, to: offset + bytes.count) }
            case (_, .truncate):
                if Bool.random(using: &random) { FaultInode.apply(pending.change, to: &content) }
            }
        }
        durable = content
        current = content
        pending = []
    }

    /// Keeps some of the sectors of a write.
    private static func tear(
        _ bytes: [UInt8], at offset: Int, in content: inout [UInt8], _ random: inout SimulatedRandom
    ) {
        var start = 0
        while start < bytes.count {
            let sectorEnd = ((offset + start) / sectorBytes + 1) * sectorBytes
            let end = min(bytes.count, sectorEnd - offset)
            if Bool.random(using: &random) { write(bytes[start..<end], at: offset + start, to: &content) }
            start = end
        }
    }

    private static func apply(_ change: Change, to content: inout [UInt8]) {
        switch change {
        case .write(let bytes, let offset): write(bytes[...], at: offset, to: &content)
        case .truncate(let size): truncate(&content, to: size)
        }
    }

    private static func write(_ bytes: ArraySlice<UInt8>, at offset: Int, to content: inout [UInt8]) {
        if content.count < offset + bytes.count {
            content.append(contentsOf: repeatElement(0, count: offset + bytes.count - content.count))
        }
        content.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    }

    private static func truncate(_ content: inout [UInt8], to size: Int) {
        if size < content.count {
            content.removeLast(content.count - size)
        } else {
            content.append(contentsOf: repeatElement(0, count: size - content.count))
        }
    }
}
