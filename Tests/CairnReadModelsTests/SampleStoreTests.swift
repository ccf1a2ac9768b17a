import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnSeries
import CairnTestSupport
import Testing

/// Samples read from batches and windows of the log are those that were told, whatever was sealed when.
@Suite struct SampleStoreTests {
    static let seeds: [UInt64] = [1, 2, 3, 4]

    @Test(arguments: seeds) func answersAsMemoryDoesBeforeAndAfterSealing(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var list = EventList()
        var memory = MemorySampleSource()
        var samples = RandomSamples()
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        var model = try ReadModel.open(path: path)
        var sealed: [ClosedRange<UInt64>] = []
        for step in 0..<16 {
            let batch = samples.batch(using: &random)
            memory.add(batch)
            try list.appendBatch(batch)
            if Int.random(in: 0..<4, using: &random) == 0 {
                // A stretch that takes in whole windows: everything behind some window, or everything.
                let start = sealed.randomElement(using: &random)?.lowerBound ?? 0
                try list.seal(start...list.size - 1)
                sealed = sealed.filter { $0.upperBound < start } + [start...list.size - 1]
            }
            if Int.random(in: 0..<5, using: &random) == 0 {
                try model.close()
                model = try ReadModel.open(path: path)
            }
            if step % 8 == 7 {
                try model.catchUp(from: list, eventsPerTransaction: Int.random(in: 1...4, using: &random))
                let compared = try expectSameAnswers(model, memory, "seed \(seed), step \(step)")
                #expect(compared > 100)
            }
        }
        let stepwise = try TableDump(model)
        try model.rebuild(from: list)
        try stepwise.expectEqual(TableDump(model), "seed \(seed)")
        _ = try expectSameAnswers(model, memory, "seed \(seed), rebuilt")
        #expect(try model.sampleGaps() == [])
    }

    /// What a sealed window covers may go: a rebuild from the rest gives the same samples.
    @Test(arguments: seeds) func answersFromWindowsAlone(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 50)
        var list = EventList()
        var memory = MemorySampleSource()
        var samples = RandomSamples()
        for _ in 0..<10 {
            let batch = samples.batch(using: &random)
            memory.add(batch)
            try list.appendBatch(batch)
        }
        let last = list.size - 1
        try list.seal(0...4)
        try list.seal(5...last)
        let window = list.size - 1
        for event in list.events where event.type == "cairn.samples.recorded.v1" {
            if Int.random(in: 0..<3, using: &random) > 0 { list.drop(event.attachments[0].digest, by: window) }
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        #expect(try expectSameAnswers(model, memory, "seed \(seed)") > 100)
        #expect(try model.sampleGaps() == [])
        // The past in which the batches were known is still told by the windows that were sealed later.
        let past = try ReadModel.entry(last, of: list)
        _ = try expectSameAnswers(past, memory, "seed \(seed), past")
    }

    @Test func bothValuesOfAMomentStayReadable() throws {
        let key = try SeriesKey(name: "up", labels: [Label("cluster", "old")])
        var list = EventList()
        for value in [1.0, 0, 1, -0.0] {
            try list.appendBatch(
                SampleBatch([SeriesSamples(key: key, samples: [Sample(timeMs: 5000, value: value)])]))
        }
        for isSealed in [false, true] {
            if isSealed { try list.seal(0...3) }
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            #expect(try model.samples(of: key, in: .all) == [Sample(timeMs: 5000, value: 1)])
            #expect(
                try model.everySample(of: key, in: .all).map(\.value.bitPattern) == [1.0, 0, -0.0].map(\.bitPattern))
            let sql = "SELECT value, ordinal FROM samples('up', NULL, NULL, NULL, 'every')"
            #expect(try model.query(sql).rows.count == 3)
            #expect(try model.query("SELECT value FROM samples('up')").rows == [[.real(1)]])
        }
    }

    @Test func decodesABatchOnceAndOnlyWhereItMayAnswer() throws {
        var list = EventList()
        for index in 0..<6 {
            let key = try SeriesKey(name: index < 3 ? "early" : "late", labels: [])
            try list.appendBatch(
                SampleBatch([
                    SeriesSamples(key: key, samples: [Sample(timeMs: Int64(index) * 1000, value: Double(index))])
                ]))
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        let early = SeriesSelector.metric("early")
        #expect(try model.series(matching: early, in: .all).count == 1)
        #expect(model.sampleBatchesDecoded == 0)
        #expect(try model.samples(of: SeriesKey(name: "early", labels: []), in: 0..<1500).count == 2)
        #expect(model.sampleBatchesDecoded == 2)
        for _ in 0..<3 { try model.forEachSeries(matching: SeriesSelector(), in: .all) { _, _ in } }
        #expect(model.sampleBatchesDecoded == 6)
    }

    /// A window that cannot be read is seen by its checksum. Its samples come from the batches that are still there; what
    /// is not is a gap, and nothing else is hurt.
    @Test func aDamagedWindowIsReadFromItsBatches() throws {
        var list = EventList()
        var memory = MemorySampleSource()
        var samples = RandomSamples()
        var random = SeededRandom(seed: 11)
        for _ in 0..<6 {
            let batch = samples.batch(using: &random)
            memory.add(batch)
            try list.appendBatch(batch)
        }
        try list.seal(0...2)
        let damaged = try list.seal(3...5)
        let digest = list.events[Int(damaged)].attachments[0].digest
        guard case .present(let bytes) = try list.content(of: list.events[Int(damaged)].attachments[0]) else { return }
        var offsets = Array(stride(from: 0, to: bytes.count, by: max(1, bytes.count / 10)))
        offsets.append(bytes.count - 1)
        for offset in offsets {
            var changed = bytes
            changed[offset] ^= 0x10
            // Damage after the tables were made, and damage before.
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            var other = list
            other.replace(digest, by: changed)
            try model.catchUp(from: other)
            _ = try expectSameAnswers(model, memory, "byte \(offset)")
            let fresh = try ReadModel.inMemory()
            try fresh.catchUp(from: other)
            _ = try expectSameAnswers(fresh, memory, "byte \(offset), damaged before")
            #expect(try fresh.query("SELECT count(*) FROM sample_gaps").rows == [[0]])
        }
        // Without the batches there is a gap, and only there.
        var gone = list
        gone.replace(digest, by: Array(bytes.dropLast()))
        gone.drop(list.events[4].attachments[0].digest, by: damaged)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: gone)
        let gaps = try model.sampleGaps()
        #expect(gaps.map(\.position) == [4])
        #expect(gaps.first?.reason == "dropped")
        var rest = MemorySampleSource()
        for (index, batch) in try (0..<6).map({ try batch(list, $0) }).enumerated() where index != 4 { rest.add(batch) }
        _ = try expectSameAnswers(model, rest, "with a gap")
    }

    private func batch(_ list: EventList, _ index: Int) throws -> SampleBatch {
        guard case .present(let bytes) = try list.content(of: list.events[index].attachments[0]) else {
            throw Difference("batch \(index) is gone")
        }
        return try SampleBatch(encoded: bytes)
    }

    /// Times decades apart, floods of NaN, and the values that other stores lose.
    @Test func wildSamplesComeBack() throws {
        let key = try SeriesKey(name: "wild", labels: [])
        let sequence = [1.0, 2, 16, 32, -1, -9, -10, 100, Double(UInt64.max), 1, 2, 3]
        var all = sequence.enumerated().map { Sample(timeMs: Int64($0.offset) * 1_000_000_000_000, value: $0.element) }
        all += (0..<5000).map {
            Sample(timeMs: -1 - Int64($0), value: Double(bitPattern: 0x7FF8_0000_0000_0000 | UInt64($0)))
        }
        all += [Sample(timeMs: .min, value: 1), Sample(timeMs: .max, value: 2)]
        var list = EventList()
        let batch = SampleBatch([SeriesSamples(key: key, samples: all)])
        try list.appendBatch(batch)
        for isSealed in [false, true] {
            if isSealed { try list.seal(0...0) }
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            #expect(try model.samples(of: key, in: .all) == batch.series[0].samples)
            let counts = try model.query(
                "SELECT count(*), count(value), sum(note = 'NaN') FROM samples('wild', NULL, NULL, NULL)")
            #expect(counts.rows == [[.integer(Int64(all.count)), .integer(Int64(all.count - 5000)), 5000]])
        }
    }
}
