package import CairnBytes
package import CairnLedger
package import CairnModel
internal import CairnSeries

/// What the log has of samples: batches as they were recorded, windows that stand for them, and what was dropped. Read
/// from the log alone, without content, so that it is right whatever became of the read model.
package struct SampleHistory {
    package struct Batch: Sendable {
        package var position: UInt64
        package var cluster: String
        package var samples: Int
        package var first: Timestamp
        package var last: Timestamp
        package var recorded: Timestamp
        package var attachment: AttachmentReference
    }

    package struct Window: Sendable {
        package var position: UInt64
        package var samples: Int
        package var first: Timestamp
        package var last: Timestamp
        package var covers: [ClosedRange<UInt64>]
        package var attachment: AttachmentReference

        package var firstCovered: UInt64 { covers.first?.lowerBound ?? position }
        package var lastCovered: UInt64 { covers.last?.upperBound ?? position }

        package func covers(_ position: UInt64) -> Bool { covers.contains { $0.contains(position) } }
    }

    /// The stream of sealed windows and of conflicts.
    static let stream = StreamName(kind: "ledger", foreignID: "samples")
    static let batchRole = "samples"
    static let windowRole = "sample-window"
    static let namesRole = "series-names"

    /// In the order of the log.
    package private(set) var batches: [Batch] = []
    package private(set) var windows: [Window] = []
    /// Digests of attachments that retention or redaction took.
    private var gone: Set<[UInt8]> = []

    package init(_ ledger: Ledger) throws {
        for (name, _) in try ledger.streams() where name.hasPrefix("samples/") {
            guard let stream = StreamName(name) else { continue }
            try ledger.forEach(in: stream) { event in
                if let batch = Batch(event) { self.batches.append(batch) }
            }
        }
        batches.sort { $0.position < $1.position }
        try ledger.forEach(in: SampleHistory.stream) { event in
            if let window = Window(event) { self.windows.append(window) }
        }
        guard let own = StreamName("ledger/self") else { return }
        try ledger.forEach(in: own) { event in
            let type = EventType(event.type)
            guard type.family == .cairn, type.name == "attachment.dropped" || type.name == "attachment.redacted",
                let digest = event.data["digest"]?.string.flatMap({ Hex.bytes($0) })
            else { return }
            self.gone.insert(digest)
        }
    }

    package func isGone(_ attachment: AttachmentReference) -> Bool { gone.contains(attachment.digest) }

    /// Samples that the log can give: those in live windows and open batches.
    package var sampleCount: Int {
        liveWindows.reduce(0) { $0 + $1.samples } + openBatches.reduce(0) { $0 + $1.samples }
    }

    /// Windows with content that no larger window stands for.
    package var liveWindows: [Window] {
        let present = windows.filter { !isGone($0.attachment) }
        return present.enumerated().filter { index, window in
            !present[(index + 1)...].contains { later in
                later.firstCovered <= window.firstCovered && later.lastCovered >= window.lastCovered
            }
        }.map(\.element)
    }

    /// Batches with content that no window stands for.
    package var openBatches: [Batch] {
        let windows = liveWindows
        return batches.filter { batch in
            !isGone(batch.attachment) && !windows.contains { $0.covers(batch.position) }
        }
    }
}

extension SampleHistory.Batch {
    /// Nil for an event that brings no samples.
    init?(_ event: RecordedEvent) {
        let type = EventType(event.type)
        guard type.family == .cairn, type.name == "samples.recorded",
            let attachment = event.attachments.first(where: { $0.role == SampleHistory.batchRole })
        else { return nil }
        self.init(
            position: event.position, cluster: event.data["cluster"]?.string ?? "",
            samples: Int(clamping: event.data["samples"]?.integer ?? 0),
            first: event.data["first"]?.string.flatMap { Timestamp($0) } ?? event.time,
            last: event.data["last"]?.string.flatMap { Timestamp($0) } ?? event.time, recorded: event.recordedTime,
            attachment: attachment)
    }
}

extension SampleHistory.Window {
    /// Nil for an event that is no sealed window.
    init?(_ event: RecordedEvent) {
        let type = EventType(event.type)
        guard type.family == .cairn, type.name == "samples.sealed",
            let attachment = event.attachments.first(where: { $0.role == SampleHistory.windowRole })
        else { return nil }
        var covers: [ClosedRange<UInt64>] = []
        for pair in event.data["covers"]?.array ?? [] {
            guard let first = pair.array?.first?.integer.flatMap({ UInt64(exactly: $0) }),
                let last = pair.array?.last?.integer.flatMap({ UInt64(exactly: $0) }), first <= last
            else { continue }
            covers.append(first...last)
        }
        self.init(
            position: event.position, samples: Int(clamping: event.data["samples"]?.integer ?? 0),
            first: event.data["first"]?.string.flatMap { Timestamp($0) } ?? event.time,
            last: event.data["last"]?.string.flatMap { Timestamp($0) } ?? event.time,
            covers: covers.sorted { $0.lowerBound < $1.lowerBound }, attachment: attachment)
    }
}
