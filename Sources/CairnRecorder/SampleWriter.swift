internal import CairnBytes
package import CairnLedger
package import CairnModel
package import CairnSeries

/// Appends samples that come in small pieces, as a process measures them or a sender brings them: a series is looked up
/// once and is a number from then on, and what is added becomes one attachment and one event by `commit`.
package final class SampleWriter {
    /// With so many a batch is appended without being asked to.
    private static let pendingMax = 1_000_000

    private let ledger: Ledger
    private let actor: Actor
    private let cluster: String
    private let name: String
    private let names: SampleNames
    private var pending: [[Sample]] = []
    /// Numbers of the series with pending samples.
    private var touched: [Int] = []
    private var batches = 0
    package private(set) var pendingCount = 0

    /// - Parameters:
    ///   - cluster: whose samples these are.
    ///   - name: no other writer may ever have it: events are known by it.
    package init(ledger: Ledger, actor: Actor, cluster: String, name: String, clock: any WallClock) {
        self.ledger = ledger
        self.actor = actor
        self.cluster = cluster
        self.name = name
        names = SampleNames(ledger: ledger, actor: actor, cluster: cluster, clock: clock)
    }

    /// The number of a series for `add`, for as long as this writer lives.
    package func series(_ key: SeriesKey) -> Int {
        let number = names.number(of: key)
        while pending.count <= number { pending.append([]) }
        return number
    }

    /// - Parameter series: what `series` gave.
    package func add(_ series: Int, timeMs: Int64, value: Double) throws {
        if pending[series].isEmpty { touched.append(series) }
        pending[series].append(Sample(timeMs: timeMs, value: value))
        pendingCount += 1
        if pendingCount >= SampleWriter.pendingMax { try commit() }
    }

    /// Forgets what is pending: nobody was told that it is there.
    package func discard() {
        for series in touched { pending[series].removeAll(keepingCapacity: true) }
        touched.removeAll(keepingCapacity: true)
        pendingCount = 0
    }

    /// Appends what is pending; it is on disk when this returns, and pending still if it throws.
    package func commit() throws {
        guard let batch = try batch() else { return }
        try ledger.append([batch], actor: actor)
        discard()
    }

    /// What is pending as one event, for a caller that appends those of many writers in one step and then calls `discard`;
    /// nil if nothing is. No two batches have the same identity, whatever becomes of them.
    package func batch() throws -> Append? {
        guard pendingCount > 0 else { return nil }
        for series in touched where !isStrictlyAscending(pending[series]) {
            pending[series] = orderedWithoutRepeats(pending[series])
        }
        let count = touched.reduce(0) { $0 + pending[$1].count }
        let bytes: [UInt8]
        if SampleNames.areInline(series: touched.count, samples: count) {
            bytes = try SampleBatch(
                touched.map { SeriesSamples(key: names.key(of: $0), samples: pending[$0]) }
            ).encoded()
        } else {
            bytes = try names.encode(touched) { pending[$0] }
        }
        var first = Int64.max
        var last = Int64.min
        for series in touched {
            first = min(first, pending[series].first?.timeMs ?? .max)
            last = max(last, pending[series].last?.timeMs ?? .min)
        }
        let event = SampleWriter.event(
            bytes, id: "\(name)/\(batches)", source: SampleSealer.source, cluster: cluster, series: touched.count,
            samples: count, timesMs: first...last)
        batches += 1
        return Append(event)
    }

    /// The event of a batch.
    static func event(
        _ bytes: [UInt8], id: String, source: String, cluster: String, series: Int, samples: Int,
        timesMs: ClosedRange<Int64>, importName: String? = nil, onBehalfOf: String? = nil
    ) -> ProposedEvent {
        let first = Timestamp(milliseconds: timesMs.lowerBound) ?? .earliest
        let last = Timestamp(milliseconds: timesMs.upperBound) ?? .latest
        var data: JSONObject = [
            "cluster": .string(cluster), "series": .integer(series), "samples": .integer(samples),
            "first": .string(first.description), "last": .string(last.description),
        ]
        if let importName { data["import"] = .string(importName) }
        return ProposedEvent(
            id: id, source: source, type: "cairn.samples.recorded.v1",
            subject: StreamName(kind: "samples", foreignID: cluster), time: last,
            data: .object(data), onBehalfOf: onBehalfOf,
            attachments: [
                ProposedAttachment(
                    role: SampleHistory.batchRole, mediaType: SampleBatch.mediaType, content: bytes,
                    retention: .droppable)
            ])
    }
}
