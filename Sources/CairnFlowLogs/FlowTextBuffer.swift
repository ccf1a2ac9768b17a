/// Memory for a stretch of a flow log's text, with room around it.
///
/// In front there is room for the unfinished line of the stretch before, so that every line is whole in one place; at
/// both ends there is slack, so that loads of 8, 16 and 64 bytes near a line stay inside. One owner at a time.
@safe final class FlowTextBuffer: @unchecked Sendable {
    /// Longest unfinished line that is put in front; a longer one is rare and takes a slower way.
    static let frontBytes = 64 << 10
    /// Bytes of text at a time. What zlib has just written is parsed while it is in the second-level cache; more at a
    /// time would save little of its copying, which is 32 KiB for each stretch.
    static let textBytes = 192 << 10
    /// Loads reach at most 63 bytes past a line and 16 before it.
    static let slackBytes = 64

    /// The first byte of all; places in lines are counted from here.
    let base: UnsafeMutablePointer<UInt8>
    /// Bytes of text, from `textStart` on.
    var count = 0
    static let textStart = slackBytes + frontBytes

    init() {
        let bytes = FlowTextBuffer.textStart + FlowTextBuffer.textBytes + FlowTextBuffer.slackBytes
        unsafe base = UnsafeMutablePointer.allocate(capacity: bytes)
        unsafe base.initialize(repeating: 0, count: bytes)
    }

    deinit { unsafe base.deallocate() }

    /// Where text is written.
    var room: UnsafeMutableBufferPointer<UInt8> {
        unsafe UnsafeMutableBufferPointer(
            start: base + FlowTextBuffer.textStart, count: FlowTextBuffer.textBytes)
    }
}
