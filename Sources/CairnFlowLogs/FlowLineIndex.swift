/// Where the spaces and line breaks of a block of text are: found in one pass, 64 bytes at a time, before any field is
/// looked at. A line whose separators are as many as its format has columns needs no other scan.
@safe final class FlowLineIndex {
    /// Bytes looked at in one go: the index of a block stays in the first-level cache.
    static let blockBytes = 16 << 10

    /// The place of each separator; the one before the first is that of the separator before the block.
    let separators: UnsafeMutablePointer<UInt32>
    /// The places of the line breaks among them.
    let lineEnds: UnsafeMutablePointer<UInt32>
    private(set) var separatorCount = 0
    private(set) var lineCount = 0
    /// Two separators stand side by side somewhere: doubled spaces, spaces around a line or an empty line.
    private(set) var hasRuns = false

    private let memory: UnsafeMutablePointer<UInt32>

    init() {
        // One entry before, and the eight that are always written at once after.
        let entries = FlowLineIndex.blockBytes + 64 + 16
        unsafe memory = UnsafeMutablePointer.allocate(capacity: entries * 2)
        unsafe memory.initialize(repeating: 0, count: entries * 2)
        unsafe separators = memory + 1
        unsafe lineEnds = memory + entries
    }

    deinit { unsafe memory.deallocate() }

    /// Indexes `bytes[from..<to]`, at most `blockBytes`, which begins at the start of a line.
    func scan(_ bytes: UnsafePointer<UInt8>, from: Int, to: Int) {
        var separatorCount = 0
        var lineCount = 0
        var runs: UInt64 = 0
        // What stands before a line is a separator.
        var previous: UInt64 = 1
        unsafe separators[-1] = UInt32(truncatingIfNeeded: from &- 1)
        let places = unsafe separators
        let ends = unsafe lineEnds
        var place = from
        while place < to {
            var (spaces, lineBreaks) = unsafe FlowByteMasks.separators(bytes + place)
            let left = to &- place
            if left < 64 {
                let valid = (1 as UInt64) &<< UInt64(truncatingIfNeeded: left) &- 1
                spaces &= valid
                lineBreaks &= valid
            }
            var mask = spaces | lineBreaks
            runs |= mask & (mask &<< 1 | previous)
            previous = mask &>> 63
            let start = UInt32(truncatingIfNeeded: place)
            // At most one line ends in 64 bytes as a rule: written always, counted if there was one.
            unsafe ends[lineCount] = start &+ UInt32(truncatingIfNeeded: lineBreaks.trailingZeroBitCount)
            lineCount &+= lineBreaks == 0 ? 0 : 1
            lineBreaks &= lineBreaks &- 1
            while lineBreaks != 0 {
                unsafe ends[lineCount] = start &+ UInt32(truncatingIfNeeded: lineBreaks.trailingZeroBitCount)
                lineCount &+= 1
                lineBreaks &= lineBreaks &- 1
            }
            let count = mask.nonzeroBitCount
            var out = unsafe places + separatorCount
            // Eight are written whether there are as many or not: no branch to guess wrong.
            unsafe FlowLineIndex.write(&mask, start, out)
            var written = 8
            while written < count {
                unsafe out += 8
                unsafe FlowLineIndex.write(&mask, start, out)
                written &+= 8
            }
            separatorCount &+= count
            place &+= 64
        }
        self.separatorCount = separatorCount
        self.lineCount = lineCount
        hasRuns = runs != 0
    }

    /// Writes the places of the eight lowest bits.
    @inline(__always)
    private static func write(_ mask: inout UInt64, _ start: UInt32, _ out: UnsafeMutablePointer<UInt32>) {
        for index in 0..<8 {
            // The highest bit is set for the case that none is left: what is written then does not count.
            let bit = (mask | 1 << 63).trailingZeroBitCount
            unsafe out[index] = start &+ UInt32(truncatingIfNeeded: bit)
            mask &= mask &- 1
        }
    }
}
