/// The frames of a commit, compressed and hashed on all cores: with the sync, most of the time of an append.
struct CommitBuild {
    struct BuiltFrame {
        var header: FrameHeader
        var hash: TreeHash
        var facts: FrameFacts
    }

    private(set) var bytes: [UInt8] = []
    private(set) var frames: [BuiltFrame] = []

    /// Leaf hashes are computed so many at a time.
    private static let leavesPerPart = 128
    /// Below so many bytes another core costs more than it gives.
    private static let bytesForManyCores = 16 << 10

    /// - Parameter isOpenEnded: whether another frame of the same commit follows, which the caller builds.
    init(
        _ entries: [CommitStage.Entry], firstPosition: UInt64, epoch: UInt32, previousHash: TreeHash,
        dictionary: [UInt8], isOpenEnded: Bool = false
    ) {
        let ranges = CommitBuild.frameRanges(entries)
        let payloads = ranges.map { range in
            var payload: [UInt8] = []
            payload.reserveCapacity(entries[range].reduce(0) { $0 + $1.bytes.count + 2 })
            for entry in entries[range] { EntryBundle.append(entry.bytes, to: &payload) }
            return payload
        }
        let (compressed, leaves) = CommitBuild.work(entries, payloads, dictionary)
        var hash = previousHash
        for (index, range) in ranges.enumerated() {
            var flags: FrameHeader.Flags = []
            if index == 0 { flags.insert(.commitBegins) }
            if index == ranges.count - 1, !isOpenEnded { flags.insert(.commitEnds) }
            let frame = Frame.build(
                kind: .entries, flags: flags, epoch: epoch, firstPosition: firstPosition + UInt64(range.lowerBound),
                count: UInt32(range.count), payload: payloads[index], compressed: compressed[index], previousHash: hash)
            guard let header = try? FrameHeader(parsing: frame.bytes, at: 0) else {
                preconditionFailure("a frame that was just built cannot be read")
            }
            var facts: [EntryFacts] = []
            facts.reserveCapacity(range.count)
            var offset = 0
            for place in range {
                var entry = entries[place].facts
                entry.leaf = leaves[place]
                offset += 2
                entry.subject = entry.subject.lowerBound + offset..<entry.subject.upperBound + offset
                offset += entries[place].bytes.count
                facts.append(entry)
            }
            frames.append(
                BuiltFrame(
                    header: header, hash: frame.hash, facts: FrameFacts(payload: payloads[index], entries: facts)))
            bytes += frame.bytes
            hash = frame.hash
        }
    }

    /// Frames of about the same length, so that they are compressed in about the same time.
    private static func frameRanges(_ entries: [CommitStage.Entry]) -> [Range<Int>] {
        let total = entries.reduce(0) { $0 + $1.bytes.count + 2 }
        let number = max(1, (total + Format.frameBytesTarget - 1) / Format.frameBytesTarget)
        let target = (total + number - 1) / number
        var ranges: [Range<Int>] = []
        var start = 0
        var count = 0
        for (index, entry) in entries.enumerated() {
            count += entry.bytes.count + 2
            guard count >= target || index == entries.count - 1 else { continue }
            ranges.append(start..<index + 1)
            start = index + 1
            count = 0
        }
        return ranges
    }

    /// Compresses the payloads and hashes the entries.
    private static func work(
        _ entries: [CommitStage.Entry], _ payloads: [[UInt8]], _ dictionary: [UInt8]
    ) -> (compressed: [[UInt8]?], leaves: [TreeHash]) {
        guard payloads.reduce(0, { $0 + $1.count }) >= bytesForManyCores else {
            return (
                payloads.map { Frame.compress($0, dictionary: dictionary) }, entries.map { TreeHasher.leaf($0.bytes) }
            )
        }
        enum Part {
            case compressed([UInt8]?)
            case leaves([TreeHash])
        }
        let leafParts = Parallel.parts(entries.count, size: leavesPerPart)
        // The long parts first, so that the cores end together.
        let parts = Parallel.map(payloads.count + leafParts.count) { index -> Part in
            if index < payloads.count { return .compressed(Frame.compress(payloads[index], dictionary: dictionary)) }
            return .leaves(entries[leafParts[index - payloads.count]].map { TreeHasher.leaf($0.bytes) })
        }
        var compressed: [[UInt8]?] = []
        var leaves: [TreeHash] = []
        leaves.reserveCapacity(entries.count)
        for part in parts {
            switch part {
            case .compressed(let bytes): compressed.append(bytes)
            case .leaves(let hashes): leaves += hashes
            }
        }
        return (compressed, leaves)
    }
}
