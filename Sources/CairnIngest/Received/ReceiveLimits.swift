/// Limits on one request, each with its reason. The caller bounds the body itself, before and after decompression.
package struct ReceiveLimits: Sendable, Hashable {
    /// Longest body after decompression: what OTLP and Firehose name as their most.
    package var bodyBytesMax = 64 << 20
    /// Most series in one request. Prometheus sends 500 to 10,000 samples at a time, vmagent some more, a collector one
    /// scrape of a large cluster.
    package var seriesMax = 1 << 18
    /// Most samples in one request, after a histogram became its buckets: 16 MiB of them.
    package var samplesMax = 1 << 20
    /// Symbols of one request of remote write 2.0: names and values of all its series, each once.
    package var symbolsMax = 1 << 20
    /// Records of one Firehose request, by its documentation.
    package var recordsMax = 10_000
    /// One Firehose record, decoded, by its documentation (1,000 KiB).
    package var recordBytesMax = 1_024_000
    /// All that the records of one request may come to when their gzip is undone. Flow logs shrink some ten times.
    package var inflatedBytesMax = 128 << 20
    /// Events of one CloudEvents batch: at 64 KiB each they are as much as a body.
    package var eventsMax = 1000
    /// Rejects told with index and reason; beyond, they are counted.
    package var rejectsHeldMax = 20
    /// Times that samples may have. The recorder narrows it by its clock, so that a broken one far ahead cannot place
    /// samples in a future that no window ends. By itself the years 1 to 9999, which RFC 3339 can write.
    package var timesMs: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

    package init() {}

    package static let standard = ReceiveLimits()
}

/// Why nothing of a body can be used.
package struct ReceiveError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The same bytes will never be read: no use to send them again.
        case malformed
        /// Sound perhaps, but more than one request may bring.
        case tooLarge
        /// Another protocol or version of it, or a sender that may not.
        case unsupported
    }

    package var kind: Kind
    package var reason: String

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package var description: String { reason }
}

/// One item of a request that was not taken while others were.
package struct ReceivedReject: Sendable, Hashable, CustomStringConvertible {
    /// What is counted: `timeseries`, `data point`, `record`, `event`.
    package var item: String
    /// From 0, in the order of the request.
    package var index: Int
    package var reason: String

    package init(item: String, index: Int, reason: String) {
        self.item = item
        self.index = index
        self.reason = reason
    }

    package var description: String { "\(item) \(index): \(reason)" }
}

/// The first rejects of a request, and how many there are.
package struct ReceivedRejects: Sendable, Hashable {
    package private(set) var held: [ReceivedReject] = []
    package private(set) var count = 0
    private let heldMax: Int

    package init(heldMax: Int) { self.heldMax = heldMax }

    package var isEmpty: Bool { count == 0 }

    /// - Parameter count: how many samples, data points or records went with the item.
    package mutating func add(_ item: String, _ index: Int, count: Int = 1, _ reason: @autoclosure () -> String) {
        self.count += count
        guard held.count < heldMax else { return }
        held.append(ReceivedReject(item: item, index: index, reason: reason()))
    }

    /// For an answer that people read: the first rejects, and how many more there are.
    package var summary: String {
        let told = held.map(\.description).joined(separator: "; ")
        return count > held.count ? "\(told); \(count) were rejected in all" : told
    }
}
