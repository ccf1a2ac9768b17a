import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport
import Testing

/// Sealing and dropping change what the log weighs and nothing of what it says.
@Suite struct SealingTests {
    static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6]

    private static func small() -> SealPolicy {
        var policy = SealPolicy()
        policy.windowSamplesMax = 400
        policy.openSamplesMax = 200
        policy.samplesMin = 1
        return policy
    }

    private func expectSame(_ model: ReadModel, _ memory: MemorySampleSource, _ comment: String) throws {
        for range in [TimeRangeMs.all, 1_773_129_700_000..<1_773_130_500_000] {
            let keys = memory.series(matching: SeriesSelector(), in: range)
            #expect(try model.series(matching: SeriesSelector(), in: range) == keys, "\(comment)")
            var found: [SeriesKey] = []
            try model.forEachSeries(matching: SeriesSelector(), in: range) { key, samples in
                found.append(key)
                #expect(samples == memory.samples(of: key, in: range), "\(comment): \(key)")
            }
            #expect(found == keys, "\(comment)")
            for key in keys {
                #expect(
                    try model.everySample(of: key, in: range) == memory.everySample(of: key, in: range),
                    "\(comment): every sample of \(key)")
            }
        }
    }

    /// Batches in any order with repeats and conflicts, sealed, sealed again, dropped and opened again at random: the
    /// answers are those of a memory that was told the same.
    @Test(arguments: seeds) func theAnswersStayTheSame(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var fixture = try SampleLedger(seed: seed)
        var ledger = try fixture.create()
        var memory = MemorySampleSource()
        var told = ToldSamples()
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        var model = try ReadModel.open(path: path)
        var drops = 0
        for step in 0..<60 {
            let batch = try told.next(using: &random)
            memory.add(batch)
            try SampleLedger.append(batch, to: ledger, id: "batch-\(step)")
            switch Int.random(in: 0..<10, using: &random) {
            case 0, 1:
                let outcome = try SampleSealer(ledger: ledger, actor: SampleLedger.actor, policy: Self.small()).run()
                #expect(outcome.problems == [])
            case 2:
                let dropped = try SampleRetention(ledger: ledger, actor: SampleLedger.actor)
                    .run(reason: "sealed", approvedBy: "tomas")
                #expect(dropped.problems == [])
                drops += dropped.batches + dropped.windows
            case 3:
                try ledger.close()
                fixture.environment = SampleLedger.environment(fixture.disk, seed: seed &+ UInt64(step))
                ledger = try fixture.open()
                try model.close()
                model = try ReadModel.open(path: path)
            case 4, 5:
                try model.catchUp(from: ledger)
                try expectSame(model, memory, "seed \(seed), step \(step)")
            default: break
            }
        }
        _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor, policy: Self.small()).run()
        drops += try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(reason: "end", approvedBy: "tomas")
            .batches
        #expect(drops > 0, "seed \(seed): nothing was dropped")
        try model.catchUp(from: ledger)
        try expectSame(model, memory, "seed \(seed), at the end")
        #expect(try model.sampleGaps() == [])
        let fresh = try ReadModel.inMemory()
        try fresh.catchUp(from: ledger)
        try expectSame(fresh, memory, "seed \(seed), from the log alone")
        #expect(try SampleHistory(ledger).openBatches.isEmpty)
    }

    /// The same batches give the same windows, byte for byte, however often they are sealed on the way.
    @Test(arguments: seeds) func sealingDependsOnTheSamplesAlone(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 90)
        var told = ToldSamples()
        let batches = try (0..<12).map { _ in try told.next(using: &random) }
        var last: [[UInt8]] = []
        for sealsOnTheWay in [false, true] {
            let ledger = try SampleLedger(seed: seed &+ (sealsOnTheWay ? 1 : 0)).create()
            for (index, batch) in batches.enumerated() {
                try SampleLedger.append(batch, to: ledger, id: "batch-\(index)")
                // Two equal parts, so that the whole is sealed again at the end.
                if sealsOnTheWay, index == 5 {
                    _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
                }
            }
            _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
            let history = try SampleHistory(ledger)
            guard let window = history.liveWindows.first, history.liveWindows.count == 1 else { continue }
            if case .present(let bytes) = try ledger.content(of: window.attachment) { last.append(bytes) }
            // Nothing to do, so nothing is done.
            #expect(try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run().windows == 0)
        }
        if last.count == 2 { #expect(last[0] == last[1], "seed \(seed)") }
        #expect(!last.isEmpty)
    }

    @Test func conflictsAreRecordedOnceAndRepeatsNever() throws {
        let ledger = try SampleLedger(seed: 3).create()
        let key = try SeriesKey(name: "up", labels: [Label("cluster", "old")])
        func batch(_ values: [Double], from start: Int64 = 0) -> SampleBatch {
            SampleBatch([
                SeriesSamples(
                    key: key,
                    samples: values.enumerated().map {
                        Sample(timeMs: start + Int64($0.offset) * 1000, value: $0.element)
                    }
                )
            ])
        }
        let sealer = SampleSealer(ledger: ledger, actor: SampleLedger.actor)
        func conflicts() throws -> [JSONValue] {
            var found: [JSONValue] = []
            try ledger.forEach(from: 0) { if $0.type == "cairn.samples.conflicted.v1" { found.append($0.data) } }
            return found
        }
        try SampleLedger.append(batch([1, 2, 3]), to: ledger, id: "1")
        try SampleLedger.append(batch([1, 2, 3]), to: ledger, id: "2")
        #expect(try sealer.run().conflicts == 0)
        #expect(try conflicts() == [])
        try SampleLedger.append(batch([1, 7, 3, 4]), to: ledger, id: "3")
        let outcome = try sealer.run()
        #expect(outcome.conflicts == 1)
        #expect(outcome.samples == 5)
        let first = try conflicts()
        #expect(first.count == 1)
        #expect(first.first?["examples"]?.array?.first?["kept"]?.string == "2")
        #expect(first.first?["examples"]?.array?.first?["other"]?.string == "7")
        // What is known to disagree is not told again when its window is sealed again.
        try SampleLedger.append(batch([1, 7, 3, 4, 5, 6]), to: ledger, id: "4")
        #expect(try sealer.run().conflicts == 0)
        #expect(try conflicts().count == 1)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        #expect(try model.query("SELECT series, kept, other, conflicts FROM sample_conflicts").rows.count == 1)
        #expect(try model.samples(of: key, in: .all).map(\.value) == [1, 2, 3, 4, 5, 6])
        #expect(try model.everySample(of: key, in: .all).count == 7)
    }

    @Test func importsSealWhenMuchIsOpenOrForLong() throws {
        let ledger = try SampleLedger(seed: 4).create()
        let sealer = SampleSealer(ledger: ledger, actor: SampleLedger.actor, policy: Self.small())
        let key = try SeriesKey(name: "up", labels: [Label("cluster", "old")])
        func append(_ index: Int, _ count: Int) throws {
            let samples = (0..<count).map { Sample(timeMs: Int64(index * 1000 + $0), value: 1) }
            try SampleLedger.append(
                SampleBatch([SeriesSamples(key: key, samples: samples)]), to: ledger, id: "batch-\(index)")
        }
        try append(0, 50)
        let now = try ledger.event(at: 0).recordedTime
        #expect(try sealer.runIfDue(now: now).windows == 0)
        #expect(try sealer.runIfDue(now: now.adding(seconds: 25 * 3600)).windows == 1)
        try append(1, 190)
        #expect(try sealer.runIfDue(now: now).windows == 0)
        try append(2, 20)
        #expect(try sealer.runIfDue(now: now).windows > 0)
        #expect(try SampleHistory(ledger).openBatches.isEmpty)
        #expect(try SampleHistory(ledger).sampleCount == 260)
    }

    /// A window with a damaged byte is made anew where its batches still are, and stays a problem where they are not.
    @Test(arguments: [false, true]) func damagedWindowsAreMadeAnewFromTheirBatches(isDropped: Bool) throws {
        let fixture = try SampleLedger(seed: 6)
        let ledger = try fixture.create()
        var random = SeededRandom(seed: 6)
        var told = ToldSamples()
        var memory = MemorySampleSource()
        for index in 0..<5 {
            let batch = try told.next(using: &random)
            memory.add(batch)
            try SampleLedger.append(batch, to: ledger, id: "batch-\(index)")
        }
        let sealer = SampleSealer(ledger: ledger, actor: SampleLedger.actor)
        #expect(try sealer.run().windows == 1)
        let window = try #require(try SampleHistory(ledger).liveWindows.first)
        guard case .present(let bytes) = try ledger.content(of: window.attachment) else { return }
        if isDropped {
            _ = try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(reason: "r", approvedBy: "tomas")
        }
        let file = try fixture.disk.open("\(SampleLedger.folder)/segments/00000000.attachments", .readWrite)
        let stored = try file.read(at: 0, count: Int(try file.size()))
        let start = try #require(stored.indices.first { stored[$0...].starts(with: bytes.prefix(60)) })
        try file.writeAll([stored[start + bytes.count - 1] ^ 4], at: UInt64(start + bytes.count - 1))
        file.close()
        let outcome = try sealer.run()
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        if isDropped {
            #expect(outcome.rebuilt == 0 && outcome.problems.count == 1)
            #expect(outcome.problems.first?.hasPrefix("entry \(window.position):") == true)
            #expect(try !model.sampleGaps().isEmpty)
            return
        }
        #expect(outcome.rebuilt == 1 && outcome.windows == 1 && outcome.problems == [])
        let anew = try #require(try SampleHistory(ledger).liveWindows.first)
        #expect(anew.covers == window.covers && anew.position > window.position)
        guard case .present(let again) = try ledger.content(of: anew.attachment) else { return }
        #expect(again == bytes, "the same batches give the same window")
        try expectSame(model, memory, "made anew")
        #expect(try sealer.run().windows == 0)
    }

    /// A batch that cannot be read stays as it is, and the others are sealed around it.
    @Test func sealsAroundDamage() throws {
        let fixture = try SampleLedger(seed: 5)
        let ledger = try fixture.create()
        var random = SeededRandom(seed: 5)
        var told = ToldSamples()
        for index in 0..<5 { try SampleLedger.append(try told.next(using: &random), to: ledger, id: "batch-\(index)") }
        try ledger.append(
            [
                Append(
                    ProposedEvent(
                        id: "bad", source: "/cairn/import", type: "cairn.samples.recorded.v1",
                        subject: StreamName(kind: "samples", foreignID: "old"), time: .earliest,
                        data: ["cluster": "old", "series": 1, "samples": 10],
                        attachments: [
                            ProposedAttachment(
                                role: "samples", mediaType: SampleBatch.mediaType, content: [1, 2, 3],
                                retention: .droppable)
                        ]))
            ], actor: SampleLedger.actor)
        for index in 5..<9 { try SampleLedger.append(try told.next(using: &random), to: ledger, id: "batch-\(index)") }
        let outcome = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        #expect(outcome.problems.count == 1)
        #expect(outcome.problems.first?.hasPrefix("entry 5:") == true)
        let window = try #require(try SampleHistory(ledger).liveWindows.first)
        #expect(window.covers == [0...4, 6...9])
        let dropped = try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(
            reason: "sealed", approvedBy: "tomas")
        #expect(dropped.batches == 9)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        #expect(try model.sampleGaps().map(\.position) == [5])
    }
}
