import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport
import Testing

/// The samples that other stores change come back bit for bit through the whole store: as recorded, sealed, sealed
/// again with more, with the raw batches dropped, and by processes that begin with nothing but the log.
@Suite struct SampleFidelityTests {
    private static let bits: [UInt64] = [
        0x7FF0_0000_0000_0002, 0x7FF8_0000_0000_0000, 0x7FF8_0000_0000_0001, 0xFFF8_0000_DEAD_BEEF,
        0x7FF0_0000_0000_0001, 0xFFFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0, 1, 0x8000_0000_0000_0001,
        0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FEF_FFFF_FFFF_FFFF, 0x3FF0_0000_0000_0000,
        0x3FB9_9999_9999_999A,
    ]

    /// The outlier beside its neighbours, every special value, and doubles of any bits, from a moment on.
    private static func told(_ part: Int, using random: inout SeededRandom) throws -> SampleBatch {
        let start = Int64(part) * 100_000_000
        func series(_ name: String, _ values: [Double]) throws -> SeriesSamples {
            SeriesSamples(
                key: try SeriesKey(name: name, labels: [Label("cluster", "old")]),
                samples: values.enumerated().map {
                    Sample(timeMs: start + Int64($0.offset) * 15_000, value: $0.element)
                })
        }
        let outlier: [Double] = [1, 2, 16, 32, -1, -9, -10, 100, Double(UInt64.max), 1, 2, 3]
        return SampleBatch([
            try series("outlier", outlier), try series("special", bits.map { Double(bitPattern: $0) }),
            try series("fuzz", (0..<1000).map { _ in Double(bitPattern: random.next()) }),
            try series("stale", [1, 2, Double(bitPattern: Sample.staleMarkerBits), 4]),
        ])
    }

    @Test func everyBitSurvivesTheStore() throws {
        var random = SeededRandom(seed: 21)
        var fixture = try SampleLedger(seed: 21)
        var ledger = try fixture.create()
        var memory = MemorySampleSource()
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"))
        func expectAll(_ comment: String) throws {
            try model.catchUp(from: ledger)
            let fresh = try ReadModel.inMemory()
            try fresh.catchUp(from: ledger)
            for key in memory.series(matching: SeriesSelector(), in: .all) {
                let expected = memory.samples(of: key, in: .all)
                #expect(try model.samples(of: key, in: .all) == expected, "\(comment): \(key)")
                #expect(try fresh.samples(of: key, in: .all) == expected, "\(comment), from the log alone: \(key)")
            }
        }
        func tell(_ part: Int) throws {
            let batch = try Self.told(part, using: &random)
            memory.add(batch)
            try SampleLedger.append(batch, to: ledger, id: "part-\(part)")
        }
        try tell(0)
        try expectAll("recorded")
        #expect(try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run().windows == 1)
        try expectAll("sealed")
        try tell(1)
        #expect(try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run().windows == 1)
        #expect(try SampleHistory(ledger).liveWindows.count == 1, "the first window is in the second")
        try expectAll("sealed again")
        try ledger.close()
        fixture.environment = SampleLedger.environment(fixture.disk.afterProcessDeath(seed: 5), seed: 22)
        ledger = try fixture.open()
        try expectAll("opened again")
        let dropped = try SampleRetention(ledger: ledger, actor: SampleLedger.actor)
            .run(reason: "sealed", approvedBy: "tomas")
        #expect(dropped.batches == 2 && dropped.windows == 1)
        try expectAll("without the batches")
        let key = try SeriesKey(name: "outlier", labels: [Label("cluster", "old")])
        let values = try model.query("SELECT value FROM samples('outlier') ORDER BY ts LIMIT 12").rows.map { $0[0] }
        #expect(values == memory.samples(of: key, in: .all).prefix(12).map { .real($0.value) })
    }

    /// Whatever was sealed on the way: a window has the bytes that its batches, read from the log again, give.
    @Test(arguments: SealingTests.seeds) func windowsFollowFromTheirBatches(seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 300)
        var told = ToldSamples()
        let ledger = try SampleLedger(seed: seed).create()
        var policy = SealPolicy()
        policy.windowSamplesMax = 500
        for index in 0..<24 {
            try SampleLedger.append(try told.next(using: &random), to: ledger, id: "batch-\(index)")
            if Int.random(in: 0..<4, using: &random) == 0 {
                _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor, policy: policy).run()
            }
        }
        _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor, policy: policy).run()
        let history = try SampleHistory(ledger)
        #expect(history.liveWindows.count > 1, "seed \(seed)")
        #expect(history.windows.count > history.liveWindows.count, "seed \(seed): nothing was sealed again")
        for window in history.windows {
            var merger = SampleMerger()
            for batch in history.batches where window.covers(batch.position) {
                guard case .present(let bytes) = try ledger.content(of: batch.attachment) else { continue }
                merger.add(try SampleBatch(encoded: bytes).series, isMerged: false)
            }
            guard case .present(let bytes) = try ledger.content(of: window.attachment) else {
                Issue.record("seed \(seed): window \(window.position) is gone")
                continue
            }
            #expect(try SampleWindow.encode(merger.series) == bytes, "seed \(seed), window \(window.position)")
        }
    }
}
