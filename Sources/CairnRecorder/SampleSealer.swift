package import CairnBytes
package import CairnLedger
package import CairnModel
internal import CairnReadModels
internal import CairnSeries

/// When samples are sealed, and into windows of what size.
package struct SealPolicy: Sendable {
    /// Most samples in a window: what is decoded at once, and what a start may have to decode of open batches.
    package var windowSamplesMax = 8 << 20
    /// With so many open samples the oldest are sealed.
    package var openSamplesMax = 8 << 20
    /// Open samples are sealed when the oldest was recorded so long ago, however few they are.
    package var openSecondsMax: Int64 = 24 * 3600
    /// Fewer than this are left open even then: a window of them would be mostly overhead.
    package var samplesMin = 10_000
    /// Longest window: what one attachment of the log may have.
    package var windowBytesMax = 60 << 20

    package init() {}

    package static let standard = SealPolicy()
}

/// Makes sealed windows of recorded batches.
///
/// A window stands for an unbroken stretch of batches and of smaller windows, in the order of the log, and is a function
/// of what these say: sealing them again gives the same bytes. Times do not matter: windows of samples that came out of
/// order overlap, and readers merge them. A crash in between leaves a window or none, never a part of one.
package struct SampleSealer {
    package struct Outcome: Sendable, Hashable {
        package var windows = 0
        package var samples = 0
        package var bytes = 0
        /// Batches that no window stood for before.
        package var batches = 0
        package var conflicts = 0
        /// Windows that were damaged and are made anew from their batches.
        package var rebuilt = 0
        /// Batches and windows that could not be read, in words, and were left as they are.
        package var problems: [String] {
            reasons.sorted { $0.key < $1.key }.map { "entry \($0.key): \($0.value)" }
        }
        /// By their position.
        private var reasons: [UInt64: String] = [:]
        fileprivate private(set) var unreadable: Set<UInt64> = []

        fileprivate mutating func skip(_ position: UInt64, _ reason: String) {
            reasons[position] = reason
            unreadable.insert(position)
        }

        fileprivate mutating func noteRebuilt(_ windows: [SampleHistory.Window]) {
            rebuilt += windows.count
            for window in windows { reasons[window.position] = nil }
        }
    }

    static let source = "/cairn/samples"

    private let ledger: Ledger
    private let actor: Actor
    private let policy: SealPolicy
    private let reader = SampleBatchReader()

    package init(ledger: Ledger, actor: Actor, policy: SealPolicy = .standard) {
        self.ledger = ledger
        self.actor = actor
        self.policy = policy
    }

    /// Seals if enough is open, or it has been open for long.
    /// - Parameter now: the moment that "long ago" is counted from.
    package func runIfDue(now: Timestamp) throws -> Outcome {
        let open = try SampleHistory(ledger).openBatches
        let samples = open.reduce(0) { $0 + $1.samples }
        let isOld = open.first.map { $0.recorded.adding(seconds: policy.openSecondsMax) <= now } ?? false
        guard samples >= policy.openSamplesMax || (isOld && samples >= policy.samplesMin) else { return Outcome() }
        return try run(checksWindows: false)
    }

    /// Seals everything that is open, together with small windows beside it.
    /// - Parameter checksWindows: whether every window is read before, and a damaged one made anew from the batches it
    ///   stands for, as far as these are there.
    package func run(checksWindows: Bool = true) throws -> Outcome {
        var outcome = Outcome()
        if checksWindows {
            try ledger.refresh()
            for window in try SampleHistory(ledger).liveWindows {
                if let damage = try damage(of: window) { outcome.skip(window.position, damage) }
            }
        }
        // Another process may seal too: then what it did is looked at, and the rest is done.
        for _ in 0..<SampleSealer.attemptsMax {
            try ledger.refresh()
            let history = try SampleHistory(ledger)
            let bounds = try EvidenceBounds(ledger)
            var groups = SealPlan(history, bounds, policy, except: outcome.unreadable).groups
            if groups.isEmpty { return outcome }
            var isInterrupted = false
            while !groups.isEmpty, !isInterrupted {
                let group = groups.removeFirst()
                do { try seal(group, history, &outcome) } catch let error as LedgerError where error.code == .conflict {
                    isInterrupted = true
                } catch SealFailure.tooLarge where group.sources.count > 1 {
                    let half = group.sources.count / 2
                    groups.insert(SealPlan.Group(sources: Array(group.sources[half...])), at: 0)
                    groups.insert(SealPlan.Group(sources: Array(group.sources[..<half])), at: 0)
                } catch SealFailure.tooLarge {
                    outcome.skip(group.sources[0].position, "it is too large for a window of its own")
                    isInterrupted = true
                } catch SealFailure.unreadable(let position, let reason) {
                    outcome.skip(position, reason)
                    isInterrupted = true
                }
            }
            if !isInterrupted { return outcome }
        }
        return outcome
    }

    /// How often a plan is made anew because of another process, or of a batch that cannot be read.
    private static let attemptsMax = 100

    private enum SealFailure: Error {
        case tooLarge
        case unreadable(UInt64, String)
    }

    /// Why a window cannot be read, nil if it can.
    private func damage(of window: SampleHistory.Window) throws -> String? {
        do {
            guard case .present(let bytes) = try ledger.content(of: window.attachment) else { return nil }
            let content = try SampleWindow(reading: bytes)
            _ = try content.keys()
            try content.forEachSeries { _, _, _ in }
            return nil
        } catch let error as SampleWindowError {
            return error.description
        } catch let error as LedgerError where error.code == .corrupt || error.code == .notFound {
            return error.message
        }
    }

    private func seal(_ group: SealPlan.Group, _ history: SampleHistory, _ outcome: inout Outcome) throws {
        var merger = SampleMerger()
        for source in group.sources { merger.add(try series(of: source), isMerged: source.isWindow) }
        let bytes: [UInt8]
        do { bytes = try SampleSealer.encoded(merger.series) } catch let error as SampleWindowError
            where error.part == .input
        {
            throw SealFailure.tooLarge
        }
        guard bytes.count <= policy.windowBytesMax else { throw SealFailure.tooLarge }
        let first = merger.series.compactMap(\.samples.first?.timeMs).min() ?? 0
        let last = merger.series.compactMap(\.samples.last?.timeMs).max() ?? 0
        let covers = group.covers(in: history)
        let coversJSON = JSONValue.array(covers.map { [.integer($0.lowerBound), .integer($0.upperBound)] })
        var name = covers.map { "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
        let rebuilt = history.liveWindows.filter { window in
            outcome.unreadable.contains(window.position)
                && window.covers.allSatisfy { range in
                    covers.contains { $0.contains(range.lowerBound) && $0.contains(range.upperBound) }
                }
        }
        for window in rebuilt { name += ", instead of \(window.position)" }
        let id = "sealed/\(Digests.sha256(Array(name.utf8)).prefix(32))"
        let lastTime = Timestamp(milliseconds: last) ?? (last < 0 ? .earliest : .latest)
        let firstTime = Timestamp(milliseconds: first) ?? (first < 0 ? .earliest : .latest)
        let replaced = (group.sources.filter(\.isWindow).map(\.position) + rebuilt.map(\.position))
            .map { JSONValue.integer($0) }
        var batch = [
            Append(
                ProposedEvent(
                    id: id, source: SampleSealer.source, type: "cairn.samples.sealed.v1",
                    subject: SampleHistory.stream, time: lastTime,
                    data: [
                        "series": .integer(merger.series.count), "samples": .integer(merger.sampleCount),
                        "first": .string(firstTime.description), "last": .string(lastTime.description),
                        "bytes": .integer(bytes.count), "covers": coversJSON, "replaces": .array(replaced),
                    ],
                    attachments: [
                        ProposedAttachment(
                            role: SampleHistory.windowRole, mediaType: SampleWindow.mediaType, content: bytes,
                            retention: .droppable, isStoredAsIs: true)
                    ]), expected: try expected())
        ]
        // What the damaged windows stood for was compared when they were made.
        let isTold = group.sources.allSatisfy { source in rebuilt.contains { $0.covers(source.position) } }
        if merger.conflictCount > 0, !isTold { batch.append(Append(conflicts(merger, id, coversJSON, lastTime))) }
        try ledger.append(batch, actor: actor)
        outcome.windows += 1
        outcome.samples += merger.sampleCount
        outcome.bytes += bytes.count
        outcome.batches += group.sources.count { !$0.isWindow }
        outcome.conflicts += merger.conflictCount
        outcome.noteRebuilt(rebuilt)
    }

    /// Nobody may have sealed since the plan was made.
    private func expected() throws -> ExpectedRevision {
        try ledger.lastRevision(of: SampleHistory.stream).map { .exactly($0) } ?? .none
    }

    private func conflicts(
        _ merger: SampleMerger, _ id: String, _ covers: JSONValue, _ time: Timestamp
    ) -> ProposedEvent {
        let examples = merger.examples.map { conflict -> JSONValue in
            let time = Timestamp(milliseconds: conflict.timeMs) ?? (conflict.timeMs < 0 ? .earliest : .latest)
            return [
                "series": .string(conflict.series.description), "time": .string(time.description),
                "kept": .string(SampleSealer.text(conflict.kept)), "other": .string(SampleSealer.text(conflict.other)),
            ]
        }
        return ProposedEvent(
            id: "\(id)/conflicts", source: SampleSealer.source, type: "cairn.samples.conflicted.v1",
            subject: SampleHistory.stream, time: time,
            data: [
                "conflicts": .integer(merger.conflictCount), "series": .integer(merger.conflictingSeries.count),
                "covers": covers, "examples": .array(examples),
            ], causationID: id)
    }

    /// A value as people write it; NaN with its bits, since there are many.
    private static func text(_ value: Double) -> String {
        if value.bitPattern == Sample.staleMarkerBits { return "stale" }
        if value.isNaN { return "NaN 0x\(String(value.bitPattern, radix: 16))" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value.sign == .minus && value == 0 ? "-0" : CanonicalJSON.text(of: value)
    }

    private static func encoded(_ series: [SeriesSamples]) throws -> [UInt8] {
        var encoder = SampleWindowEncoder()
        for one in series {
            let times = one.samples.map(\.timeMs)
            let values = one.samples.map(\.value)
            try encoder.add(one.key, times: times.span, values: values.span)
        }
        return try encoder.finish()
    }

    private func series(of source: SealPlan.Source) throws -> [SeriesSamples] {
        do {
            guard case .present(let bytes) = try ledger.content(of: source.attachment) else {
                throw SealFailure.unreadable(source.position, "its samples were dropped")
            }
            return source.isWindow
                ? try SampleWindow(reading: bytes).allSeries()
                : try reader.batch(bytes, content: ledger.content).series
        } catch let error as SampleBatchError {
            throw SealFailure.unreadable(source.position, error.description)
        } catch let error as SampleWindowError {
            throw SealFailure.unreadable(source.position, error.description)
        } catch let error as LedgerError where error.code == .corrupt || error.code == .notFound {
            throw SealFailure.unreadable(source.position, error.message)
        }
    }
}

extension SampleWindow {
    /// Everything, sorted by key.
    func allSeries() throws -> [SeriesSamples] {
        var series = try keys().map { SeriesSamples(key: $0, samples: []) }
        try forEachSeries { place, times, values in
            series[place].samples.reserveCapacity(times.count)
            for index in 0..<times.count {
                series[place].samples.append(Sample(timeMs: times[index], value: values[index]))
            }
        }
        return series
    }
}
