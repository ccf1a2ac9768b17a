/// Limits on flow logs from outside, each with its reason.
package struct FlowLogLimits: Sendable {
    /// Longest line in bytes. Version 11 with all tags, percent-encoded, stays below 16 KiB.
    package var lineBytesMax = 64 << 10
    /// Longest JSON object around lines: CloudWatch Logs and Firehose send at most 10 MiB at a time.
    package var objectBytesMax = 16 << 20
    /// Most that a payload inside an object may inflate to; deflate makes at most 1032 of 1, so this is also time.
    package var payloadBytesMax = 64 << 20
    /// Most that one file may inflate to. Nothing of that size is ever held; it bounds time.
    package var fileBytesMax = 1 << 38
    /// Objects within payloads within objects: a Firehose request holds subscriptions that hold lines.
    package var wrappingDepthMax = 4

    /// Bad lines that are held at a time: a small file can inflate to millions of them.
    package var rejectsHeldMax = 1 << 16

    /// Groups that one thread of an aggregation may hold: with a key of two words 3.8 GB, and twice as much for a moment
    /// when recurring ones are merged. Nobody looks at more.
    package var groupsMax = 64 << 20
    /// Groups until those that recur are merged for the first time; after that whenever there are twice as many as the
    /// last time left.
    package var compactGroupsMin = 1 << 20

    package init() {}
}
