/// A connection attempt that its own file has no answer for.
package struct FlowAsk: Hashable, Sendable, Comparable {
    /// A hash of cluster, our address and port, the peer's address and port, and protocol.
    package var connection: UInt64
    /// Seconds since 1970.
    package var start: Int64
    package var end: Int64
    /// The counter whose `unanswered` this adds to unless an answer turns up.
    package var key: FlowCounterKey

    package init(connection: UInt64, start: Int64, end: Int64, key: FlowCounterKey) {
        self.connection = connection
        self.start = start
        self.end = end
        self.key = key
    }

    package static func < (left: FlowAsk, right: FlowAsk) -> Bool {
        (left.connection, left.start, left.end) == (right.connection, right.start, right.end)
            ? left.key < right.key
            : (left.connection, left.start, left.end) < (right.connection, right.start, right.end)
    }
}

/// Traffic back to whoever opened a connection, whose opening its own file does not have.
package struct FlowAnswer: Hashable, Sendable, Comparable {
    package var connection: UInt64
    package var start: Int64
    package var end: Int64

    package init(connection: UInt64, start: Int64, end: Int64) {
        self.connection = connection
        self.start = start
        self.end = end
    }

    package static func < (left: FlowAnswer, right: FlowAnswer) -> Bool {
        (left.connection, left.start, left.end) < (right.connection, right.start, right.end)
    }
}

/// Brings connection attempts and their answers together.
///
/// An attempt is answered if *some* answer of its connection lies in the same or a neighbouring window. Nothing is used
/// up by a match, so the outcome depends on the two sets alone: files may come in any order, late or twice.
package enum FlowPairing {
    /// How far an answer's window may lie from the attempt's: AWS says start and end may be off by 60 s each.
    package static let slackSeconds: Int64 = 120

    /// An attempt that is repeated six times, as Linux does (`tcp_syn_retries`), has seven packets. Used where the
    /// format has no TCP flags to tell an attempt by.
    package static let attemptPacketsMax: UInt64 = 7

    /// A SYN has at most 40 bytes of options after 20 of TCP and 20 of IPv4 or 40 of IPv6.
    package static let attemptPacketBytesMaxV4: UInt64 = 80
    package static let attemptPacketBytesMaxV6: UInt64 = 100

    /// Packets in the fuller direction from which the share of the other direction says something about loss.
    package static let longPacketsMin: UInt64 = 10

    package static func isAnswered(start: Int64, end: Int64, byStart answerStart: Int64, end answerEnd: Int64) -> Bool {
        answerStart <= end &+ slackSeconds && answerEnd >= start &- slackSeconds
    }

    package static func isAnswer(_ answer: FlowAnswer, to ask: FlowAsk) -> Bool {
        answer.connection == ask.connection
            && isAnswered(start: ask.start, end: ask.end, byStart: answer.start, end: answer.end)
    }

    /// The attempts that no answer cancels, in the order given.
    package static func cancel(_ asks: [FlowAsk], by answers: [FlowAnswer]) -> [FlowAsk] {
        if asks.isEmpty || answers.isEmpty { return asks }
        let answers = FlowAnswerSet(answers)
        return asks.filter { !answers.has(for: $0.connection, start: $0.start, end: $0.end) }
    }

    static func cancel(_ asks: [FlowFileColumns.Ask], by answers: FlowAnswerSet) -> [FlowFileColumns.Ask] {
        if asks.isEmpty || answers.sorted.isEmpty { return asks }
        return asks.filter { !answers.has(for: $0.connection, start: $0.start, end: $0.end) }
    }
}

/// Answers in order, each once, to look attempts up in.
struct FlowAnswerSet {
    let sorted: [FlowAnswer]
    /// Seconds of the longest window.
    private let longest: Int64

    init(_ answers: [FlowAnswer]) {
        var sorted = answers.sorted()
        var kept = 0
        var longest: Int64 = 0
        for index in sorted.indices where kept == 0 || sorted[index] != sorted[kept - 1] {
            sorted[kept] = sorted[index]
            longest = max(longest, sorted[index].end &- sorted[index].start)
            kept += 1
        }
        sorted.removeSubrange(kept...)
        self.sorted = sorted
        self.longest = longest
    }

    func has(for connection: UInt64, start: Int64, end: Int64) -> Bool {
        // Nothing that starts before this can reach to the attempt.
        let earliest = start &- FlowPairing.slackSeconds &- longest
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if (sorted[middle].connection, sorted[middle].start) < (connection, earliest) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        while low < sorted.count, sorted[low].connection == connection,
            sorted[low].start <= end &+ FlowPairing.slackSeconds
        {
            if FlowPairing.isAnswered(start: start, end: end, byStart: sorted[low].start, end: sorted[low].end) {
                return true
            }
            low += 1
        }
        return false
    }
}
