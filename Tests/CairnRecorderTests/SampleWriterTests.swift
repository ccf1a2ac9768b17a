import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport
import Testing

/// Small batches name their series once, and every batch can be read without the ones before it.
@Suite struct SampleWriterTests {
    private static let seriesCount = 250

    private static func key(_ index: Int) throws -> SeriesKey {
        try SeriesKey(
            name: "cpu_usage_\(index % 10)",
            labels: [
                Label("cluster", "old"), Label("hostname", "host_\(index / 10)"), Label("region", "eu-\(index % 3)"),
            ])
    }

    private func writer(_ ledger: Ledger, _ name: String) -> SampleWriter {
        SampleWriter(
            ledger: ledger, actor: SampleLedger.actor, cluster: "old", name: name,
            clock: SimulatedClock(start: Timestamp(microseconds: 1_773_200_000_000_000)))
    }

    /// Batches of two scrapes each, of part of the series, in no order of their keys.
    private func write(
        _ batches: Range<Int>, to ledger: Ledger, _ memory: inout MemorySampleSource, using random: inout SeededRandom
    ) throws {
        let writer = writer(ledger, "writer-\(batches.lowerBound)")
        for batch in batches {
            let part = (0..<Self.seriesCount).filter { ($0 + batch) % 7 > 0 }.shuffled(using: &random)
            for scrape in 0..<2 {
                let time = Int64(batch * 2 + scrape) * 15_000 + 1_773_129_600_000
                for index in part {
                    let value = Double(Int.random(in: 0...100, using: &random))
                    let key = try Self.key(index)
                    try writer.add(writer.series(key), timeMs: time, value: value)
                    memory.add([Sample(timeMs: time, value: value)], to: key)
                }
            }
            try writer.commit()
            #expect(writer.pendingCount == 0)
        }
    }

    private func expectSame(_ ledger: Ledger, _ memory: MemorySampleSource, _ comment: String) throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        let keys = memory.series(matching: SeriesSelector(), in: .all)
        #expect(try model.series(matching: SeriesSelector(), in: .all) == keys, "\(comment)")
        try model.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            #expect(samples == memory.samples(of: key, in: .all), "\(comment): \(key)")
        }
        #expect(try model.sampleGaps() == [], "\(comment)")
    }

    private static func events(_ ledger: Ledger, _ type: String) throws -> [RecordedEvent] {
        var found: [RecordedEvent] = []
        try ledger.forEach(from: 0) { if $0.type == type { found.append($0) } }
        return found
    }

    @Test func namesAreRecordedOnceAndOutliveTheFirstBatches() throws {
        var random = SeededRandom(seed: 31)
        var memory = MemorySampleSource()
        var fixture = try SampleLedger(seed: 31)
        var ledger = try fixture.create()
        try write(0..<9, to: ledger, &memory, using: &random)
        let named = try Self.events(ledger, "cairn.series.named.v1")
        // The first batch lacks a seventh part of the series, which the second brings.
        #expect(named.map { $0.data["series"]?.integer } == [214, 36])
        let batches = try Self.events(ledger, "cairn.samples.recorded.v1")
        #expect(batches.count == 9)
        let samples = batches.reduce(0) { $0 + Int($1.data["samples"]?.integer ?? 0) }
        let bytes = batches.reduce(0) { $0 + ($1.attachments.first?.byteCount ?? 0) }
        #expect(Double(bytes) / Double(samples) < 2, "\(bytes) bytes of \(samples) samples")
        try expectSame(ledger, memory, "recorded")
        // Another process goes on with the same names.
        try ledger.close()
        fixture.environment = SampleLedger.environment(fixture.disk, seed: 32)
        ledger = try fixture.open()
        try write(9..<12, to: ledger, &memory, using: &random)
        #expect(try Self.events(ledger, "cairn.series.named.v1").count == 2)
        try expectSame(ledger, memory, "by another process")
        // The batches that came with the names go; the names stay.
        _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        let dropped = try SampleRetention(ledger: ledger, actor: SampleLedger.actor)
            .run(reason: "sealed", approvedBy: "tomas")
        #expect(dropped.batches == 12)
        try write(12..<14, to: ledger, &memory, using: &random)
        // Nothing cites the lists any more, so a new writer records the names anew, once.
        #expect(try Self.events(ledger, "cairn.series.named.v1").count <= 4)
        try expectSame(ledger, memory, "after retention")
        let outcome = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        #expect(outcome.problems == [])
        try expectSame(ledger, memory, "sealed again")
    }

    /// Where names are redacted, the batches that need them are a gap that says so, and nothing else is hurt.
    @Test func redactedNamesAreAGapAndAreRecordedAnew() throws {
        var random = SeededRandom(seed: 33)
        var lost = MemorySampleSource()
        let ledger = try SampleLedger(seed: 33).create()
        try write(0..<2, to: ledger, &lost, using: &random)
        let names = try Self.events(ledger, "cairn.series.named.v1")
        try ledger.remove(
            names.flatMap(\.attachments).map {
                Removal(digest: $0.digest, kind: .redacted, reason: "private", approvedBy: "tomas", replacedBy: nil)
            }, actor: SampleLedger.actor)
        var memory = MemorySampleSource()
        try write(2..<4, to: ledger, &memory, using: &random)
        #expect(try Self.events(ledger, "cairn.series.named.v1").count == 4)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        let gaps = try model.sampleGaps()
        #expect(gaps.count == 2)
        #expect(gaps.allSatisfy { $0.reason.contains("names of its series were removed") }, "\(gaps)")
        try model.forEachSeries(matching: SeriesSelector(), in: .all) { key, samples in
            #expect(samples == memory.samples(of: key, in: .all), "\(key)")
        }
        let sealed = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        #expect(sealed.problems.count == 2)
        #expect(sealed.batches == 2)
    }

    @Test func samplesInAnyOrderAndWithRepeatsAreOneBatch() throws {
        let ledger = try SampleLedger(seed: 34).create()
        let writer = writer(ledger, "any")
        let key = try Self.key(1)
        for (time, value) in [(3000, 3.0), (1000, 1), (2000, 2), (1000, 1), (1000, 7)] as [(Int64, Double)] {
            try writer.add(writer.series(key), timeMs: time, value: value)
        }
        try writer.commit()
        try writer.commit()
        let batches = try Self.events(ledger, "cairn.samples.recorded.v1")
        #expect(batches.map { $0.data["samples"]?.integer } == [4])
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        #expect(try model.everySample(of: key, in: .all).map(\.value) == [1, 7, 2, 3])
    }
}
