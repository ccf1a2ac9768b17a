import CairnBytes
import CairnLedger
import CairnModel
import CairnSeries
import Synchronization

/// Where the bytes of samples come from, and what was decoded of them: one for each read model, shared by its
/// connections.
///
/// The tables say which batch or window holds which series; the bytes stay in the log. A batch that is not sealed is
/// decoded once and kept, a window keeps its directory; both up to a limit, oldest use first to go.
final class SampleStore: Sendable {
    /// What could not be read where a read was tried: the samples of the range are missing from answers.
    struct Problem: Sendable, Hashable {
        /// Of the event that brought the samples.
        var position: UInt64
        var firstMs: Int64
        var lastMs: Int64
        var reason: String
    }

    /// Samples of batches that are kept decoded: 16 bytes each, so 128 MiB.
    static let batchSamplesMax = 8 << 20
    /// Series of windows whose directories are kept: some 160 bytes each, so 48 MiB.
    static let windowSeriesMax = 300_000
    private static let problemsMax = 1000

    private struct State {
        var source: (any EventSource)?
        var batches: [UInt64: (used: UInt64, samples: Int, series: [SeriesSamples])] = [:]
        var batchSamples = 0
        var windows: [UInt64: (used: UInt64, window: SampleWindow)] = [:]
        var windowSeries = 0
        var uses: UInt64 = 0
        var problems: [Problem] = []
        var damaged: Set<UInt64> = []
        var batchesDecoded = 0
    }

    private let state = Mutex(State())
    private let reader = SampleBatchReader()

    /// Reads from this log from now on.
    func attach(_ source: any EventSource) {
        state.withLock { state in
            let isSame = state.source.map { $0.identity == source.identity } ?? false
            if isSame {
                state.source = source
            } else {
                state = State(source: source)
                reader.reset()
            }
        }
    }

    /// Forgets what was decoded, since the log may say something else now.
    func reset() {
        state.withLock { $0 = State(source: $0.source) }
        reader.reset()
    }

    var problems: [Problem] { state.withLock { $0.problems } }
    /// How many batches were decoded, for tests of what is kept.
    var batchesDecoded: Int { state.withLock { $0.batchesDecoded } }

    func note(_ problem: Problem) {
        state.withLock { state in
            guard state.problems.count < SampleStore.problemsMax, !state.problems.contains(problem) else { return }
            state.problems.append(problem)
        }
    }

    func isDamaged(_ window: UInt64) -> Bool { state.withLock { $0.damaged.contains(window) } }
    func noteDamaged(_ window: UInt64) { state.withLock { _ = $0.damaged.insert(window) } }

    private func source() throws -> any EventSource {
        guard let source = state.withLock({ $0.source }) else {
            throw ReadModelError(
                .query, "cannot read samples: the read model is not attached to its log; catch it up first")
        }
        return source
    }

    /// A batch, decoded.
    func batch(_ place: SamplePlace) throws -> [SeriesSamples] {
        let kept = state.withLock { state -> [SeriesSamples]? in
            state.uses += 1
            state.batches[place.position]?.used = state.uses
            return state.batches[place.position]?.series
        }
        if let kept { return kept }
        let source = try source()
        let series: [SeriesSamples]
        switch try source.following({ try $0.content(of: place.reference) }) {
        case .gone(let position):
            throw ReadModelError(.damaged, "the samples of entry \(place.position) were dropped by entry \(position)")
        case .present(let bytes): series = try reader.batch(bytes, content: source.content).series
        }
        let count = series.reduce(0) { $0 + $1.samples.count }
        state.withLock { state in
            state.batchesDecoded += 1
            guard state.batches[place.position] == nil, count <= SampleStore.batchSamplesMax else { return }
            while state.batchSamples + count > SampleStore.batchSamplesMax,
                let oldest = state.batches.min(by: { $0.value.used < $1.value.used })
            {
                state.batches[oldest.key] = nil
                state.batchSamples -= oldest.value.samples
            }
            state.uses += 1
            state.batches[place.position] = (state.uses, count, series)
            state.batchSamples += count
        }
        return series
    }

    /// Series of directories that one pass over many series keeps: looking a directory up again for every part of the
    /// pass would cost more than the samples.
    static let scannedSeriesMax = 2_000_000

    /// Lets go of what a pass kept beyond the usual limit.
    func trim() {
        state.withLock { state in
            while state.windowSeries > SampleStore.windowSeriesMax,
                let oldest = state.windows.min(by: { $0.value.used < $1.value.used })
            {
                state.windows[oldest.key] = nil
                state.windowSeries -= oldest.value.window.seriesCount
            }
        }
    }

    /// A window, with its directory in memory.
    func window(_ place: SamplePlace, keeping seriesMax: Int = SampleStore.windowSeriesMax) throws -> SampleWindow {
        let kept = state.withLock { state -> SampleWindow? in
            state.uses += 1
            state.windows[place.position]?.used = state.uses
            return state.windows[place.position]?.window
        }
        if let kept { return kept }
        let bytes = AttachmentBytes(source: try source(), reference: place.reference)
        let window = try SampleWindow(reading: bytes, name: "window of entry \(place.position)")
        let count = window.seriesCount
        state.withLock { state in
            guard state.windows[place.position] == nil, count <= seriesMax else { return }
            while state.windowSeries + count > seriesMax,
                let oldest = state.windows.min(by: { $0.value.used < $1.value.used })
            {
                state.windows[oldest.key] = nil
                state.windowSeries -= oldest.value.window.seriesCount
            }
            state.uses += 1
            state.windows[place.position] = (state.uses, window)
            state.windowSeries += count
        }
        return window
    }
}

/// Where the bytes of a batch or a window are.
struct SamplePlace: Sendable {
    /// Of the event that brought it.
    var position: UInt64
    var reference: AttachmentReference

    init(position: UInt64, digest: [UInt8], byteCount: Int) {
        self.position = position
        reference = AttachmentReference(
            role: "", mediaType: "", byteCount: byteCount, digest: digest, retention: .droppable)
    }
}

/// An attachment of the log, read in parts.
struct AttachmentBytes: RandomAccessBytes {
    let source: any EventSource
    let reference: AttachmentReference

    var count: Int { reference.byteCount }

    func read(_ range: Range<Int>) throws -> [UInt8] {
        switch try source.following({ try $0.content(of: reference, bytes: range) }) {
        case .present(let bytes):
            guard bytes.count == range.count else {
                throw ReadModelError(.damaged, "an attachment has \(bytes.count) of \(range.count) bytes")
            }
            return bytes
        case .gone(let position): throw ReadModelError(.damaged, "the window was dropped by entry \(position)")
        }
    }
}

extension EventSource {
    /// Another process may have brought the tables further than this one has read the log.
    fileprivate func following(
        _ body: (any EventSource) throws -> AttachmentContent
    ) throws -> AttachmentContent {
        do { return try body(self) } catch let error as LedgerError where error.code == .notFound {
            try refresh()
            return try body(self)
        }
    }
}
