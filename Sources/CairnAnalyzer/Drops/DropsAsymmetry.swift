import CairnFlowLogs

/// Finds stretches in which a much smaller share of the packets of living connections comes back than usual: loss on
/// one way only, which neither rejects nor leaves attempts unanswered.
struct DropsAsymmetry {
    let policy: DropsPolicy

    private static let blockMinutes: Int64 = 5
    /// Blocks from which a median says something.
    private static let historyMin = 12

    private struct Block {
        var block: Int64
        var opening: UInt64 = 0
        var answering: UInt64 = 0

        /// Packets that came back for each that went out.
        var share: Double { Double(answering) / Double(max(1, opening)) }
    }

    func stretches(of stream: DropsStream, in window: Range<Int64>) -> (found: [DropsDetector.Stretch], usual: Double) {
        var blocks: [Block] = []
        for minute in stream.minutes {
            let block = minute.minute / DropsAsymmetry.blockMinutes
            if blocks.last?.block != block { blocks.append(Block(block: block)) }
            let last = blocks.count - 1
            blocks[last].opening = FlowCounts.sum(blocks[last].opening, minute.opening.longPackets)
            blocks[last].answering = FlowCounts.sum(blocks[last].answering, minute.answering.longPackets)
        }
        blocks = blocks.filter { FlowCounts.sum($0.opening, $0.answering) >= policy.asymmetryPacketsMin }
        guard blocks.count >= DropsAsymmetry.historyMin else { return ([], 1) }
        let usual = OrderStatistics.median(blocks.map(\.share)) ?? 1
        let deviation = OrderStatistics.scaledDeviation(blocks.map(\.share)) ?? 0
        let limit = min(usual * policy.asymmetryFactor, usual - policy.asymmetryDeviations * deviation)
        var found: [DropsDetector.Stretch] = []
        var run: [Block] = []
        func close() {
            defer { run = [] }
            guard run.count >= policy.asymmetryBlocksMin else { return }
            let start = run[0].block * DropsAsymmetry.blockMinutes
            let end = (run[run.count - 1].block + 1) * DropsAsymmetry.blockMinutes
            guard window.lowerBound < end, start < window.upperBound else { return }
            let opening = run.reduce(UInt64(0)) { FlowCounts.sum($0, $1.opening) }
            let answering = run.reduce(UInt64(0)) { FlowCounts.sum($0, $1.answering) }
            let expected = Double(opening) * usual
            let missing = max(0, expected - Double(answering))
            let depth = run.reduce(0) { $0 + (usual - $1.share) / max(deviation, usual * 0.02) }
            found.append(
                DropsDetector.Stretch(
                    range: start..<end, events: missing.rounded(.down), connections: expected.rounded(.down),
                    expected: 0,
                    nats: depth, foundAt: end - 1))
        }
        for block in blocks {
            let isLow = block.share <= limit
            let follows = run.isEmpty || run[run.count - 1].block + 1 == block.block
            if !isLow || !follows { close() }
            if isLow { run.append(block) }
        }
        close()
        return (found, usual)
    }
}
