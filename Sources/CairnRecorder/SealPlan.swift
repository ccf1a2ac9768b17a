internal import CairnLedger
internal import CairnModel

/// Which batches and windows become one window.
struct SealPlan {
    /// A batch or a window.
    struct Source {
        var position: UInt64
        var isWindow: Bool
        var samples: Int
        var attachment: AttachmentReference
        /// The batches it stands for; for a batch itself.
        var batches: [SampleHistory.Batch]
        /// The first of their positions.
        var firstCovered: UInt64
    }

    struct Group {
        var sources: [Source]

        /// Positions of the batches, as ranges: one goes on until a batch comes that does not belong to it.
        func covers(in history: SampleHistory) -> [ClosedRange<UInt64>] {
            let own = Set(sources.flatMap(\.batches).map(\.position))
            var covers: [ClosedRange<UInt64>] = []
            var goesOn = false
            for batch in history.batches {
                guard own.contains(batch.position) else {
                    goesOn = false
                    continue
                }
                if goesOn, let last = covers.popLast() {
                    covers.append(last.lowerBound...batch.position)
                } else {
                    covers.append(batch.position...batch.position)
                }
                goesOn = true
            }
            return covers
        }
    }

    private(set) var groups: [Group] = []

    init(
        _ history: SampleHistory, _ bounds: EvidenceBounds, _ policy: SealPolicy, except unreadable: Set<UInt64>
    ) {
        let windows = history.liveWindows.filter { !unreadable.contains($0.position) }
        // What a damaged window stands for is open again.
        let open = history.batches.filter { batch in
            !history.isGone(batch.attachment) && !unreadable.contains(batch.position)
                && !windows.contains { $0.covers(batch.position) }
        }
        var sources = open.map { batch in
            Source(
                position: batch.position, isWindow: false, samples: batch.samples, attachment: batch.attachment,
                batches: [batch], firstCovered: batch.position)
        }
        sources += windows.map { window in
            Source(
                position: window.position, isWindow: true, samples: window.samples, attachment: window.attachment,
                batches: history.batches.filter { window.covers($0.position) }, firstCovered: window.firstCovered)
        }
        sources.sort { $0.firstCovered < $1.firstCovered }
        var current: [Source] = []
        var samples = 0
        var windowBytes = 0
        var stretch = EvidenceBounds.Stretch(bounds)
        func close() {
            if let group = SealPlan.worthwhile(current) { groups.append(group) }
            (current, samples, windowBytes) = ([], 0, 0)
            stretch = EvidenceBounds.Stretch(bounds)
        }
        for source in sources {
            // A window that is large already stays as it is, and so do the ends of the stretches beside it.
            if source.isWindow, source.samples > policy.windowSamplesMax / 2 {
                close()
                continue
            }
            let bytes = source.isWindow ? source.attachment.byteCount : 0
            let isFull =
                samples + source.samples > policy.windowSamplesMax || windowBytes + bytes > policy.windowBytesMax
            if isFull || !stretch.add(source.batches) {
                close()
                _ = stretch.add(source.batches)
            }
            current.append(source)
            samples += source.samples
            windowBytes += bytes
        }
        close()
    }

    /// A group without windows that would only be written again: a window joins others when these together are at least
    /// half its size, so each sample is written a few times at most however often sealing runs.
    private static func worthwhile(_ sources: [Source]) -> Group? {
        var sources = sources[...]
        while let first = sources.first, first.isWindow {
            let rest = sources.dropFirst().reduce(0) { $0 + $1.samples }
            if rest * 2 >= first.samples, rest > 0 { break }
            sources = sources.dropFirst()
        }
        guard sources.count > 1 || sources.first.map({ !$0.isWindow }) ?? false else { return nil }
        return Group(sources: Array(sources))
    }
}
