import CairnBytes
import CairnFlowLogs
import CairnModel
import CairnReadModels
import CairnSeries
import CairnTestSupport
import Testing

/// The read model is a function of the log: however it was reached, the rows are the same.
@Suite struct ReplayPropertyTests {
    static let seeds: [UInt64] = [1, 2, 3, 4, 5, 6]

    @Test(arguments: seeds) func catchUpInAnyStepsEqualsARebuild(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let list = RandomLedger.make(eventCount: 250, using: &random)
        let folder = try TemporaryFolder()
        let path = folder.file("read-model.sqlite")
        var size = 0
        while size < list.events.count {
            size = min(list.events.count, size + Int.random(in: 1...60, using: &random))
            let model = try ReadModel.open(path: path)
            try model.catchUp(from: list.prefix(size), eventsPerTransaction: Int.random(in: 1...20, using: &random))
            try model.close()
        }
        let model = try ReadModel.open(path: path)
        let stepwise = try TableDump(model)
        try model.rebuild(from: list)
        try stepwise.expectEqual(TableDump(model), "seed \(seed)")
    }

    /// Every table of the past equals a read model of the log cut there.
    @Test(arguments: seeds) func thePastEqualsALogCutThere(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 100)
        let list = RandomLedger.make(eventCount: 120, using: &random)
        for _ in 0..<17 {
            let position = UInt64.random(in: 0..<list.size, using: &random)
            let cut = try ReadModel.inMemory()
            try cut.catchUp(from: list.prefix(Int(position) + 1))
            let past = try TableDump(ReadModel.entry(position, of: list))
            try past.expectEqual(TableDump(cut), "seed \(seed), position \(position)", except: ["read_model"])
            // What was recorded by the time of an entry is a cut too, behind the last entry of that time.
            let recorded = list.events[Int(position)].recordedTime
            let count = list.events.count { $0.recordedTime <= recorded }
            let known = try ReadModel.inMemory()
            try known.catchUp(from: list.prefix(count))
            let knownPast = try TableDump(ReadModel.knownAt(recorded, of: list))
            try knownPast.expectEqual(TableDump(known), "seed \(seed), known \(recorded)", except: ["read_model"])
        }
    }

    /// Facts in any order are rows and never errors.
    @Test(arguments: seeds) func factsInAnyOrderNeverFail(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 200)
        let ordered = try ScriptedLedger.make(hasFault: true)
        var list = EventList()
        for event in ordered.events.shuffled(using: &random) {
            let time = Double(event.time.microseconds - 1_773_129_600_000_000) / 1_000_000
            list.append(event.type, event.subject.text, at: time, event.data, by: event.onBehalfOf, recorded: 9000)
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        // What does not depend on the order of the telling is as if it had been told in order.
        let inOrder = try ReadModel.inMemory()
        try inOrder.catchUp(from: ordered)
        for sql in [
            "SELECT run, status, title, started_at, ended_at FROM runs ORDER BY run",
            "SELECT run, phase, step, started_at, ended_at, reverted_at FROM phases WHERE phase = 'precheck'",
            "SELECT side, percent, occurred_at FROM traffic_shifts ORDER BY occurred_us, side, percent",
            "SELECT incident, finding FROM incident_findings ORDER BY 1, 2",
        ] {
            #expect(try model.query(sql) == inOrder.query(sql), "seed \(seed): \(sql)")
        }
    }

    @Test(arguments: seeds) func flowCountersDependOnTheSetOfFilesAlone(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 300)
        let files = (0..<9).map { _ in RandomLedger.summary(using: &random) }
        let memory = MemoryFlowSource(files)
        var dumps: [[[SQLValue]]] = []
        for _ in 0..<4 {
            var list = EventList()
            for (index, file) in files.shuffled(using: &random).enumerated() {
                RandomLedger.append(file, to: &list, at: Double(index))
            }
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list, eventsPerTransaction: Int.random(in: 1...4, using: &random))
            let rows = try model.query("SELECT * FROM flow_counters").rows
            dumps.append(rows.sorted { "\($0)" < "\($1)" })
            try expectSame(model, memory, "seed \(seed)")
        }
        #expect(dumps.allSatisfy { $0 == dumps[0] }, "seed \(seed)")
        #expect(!dumps[0].isEmpty)
    }

    /// Also where nobody asks for an order.
    @Test(arguments: seeds) func watermarksAreInTheOrderOfTheirClusters(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 350)
        let clusters = (10..<22).map { "c\($0)" }
        var list = EventList()
        for (index, cluster) in clusters.shuffled(using: &random).enumerated() {
            var file = FlowFileSummary()
            file.seen = [FlowSeen(place: FlowPlace(cluster: cluster, interface: "eni-1"), first: 60, last: 120)]
            RandomLedger.append(file, to: &list, at: Double(index))
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list, eventsPerTransaction: Int.random(in: 1...12, using: &random))
        let rows = try model.query("SELECT cluster FROM flow_watermarks").rows
        #expect(rows == clusters.map { [.text($0)] }, "seed \(seed)")
    }

    private func expectSame(_ model: ReadModel, _ memory: MemoryFlowSource, _ comment: String) throws {
        let clusters = memory.flowClusters()
        #expect(try model.flowClusters() == clusters, "\(comment)")
        let minutes = try #require(memory.flowMinutes(of: clusters))
        #expect(try model.flowMinutes(of: clusters) == minutes, "\(comment)")
        let part = minutes.lowerBound + 1..<max(minutes.lowerBound + 1, minutes.upperBound - 1)
        for range in [minutes, part] {
            var fromModel: [FlowCounterKey: FlowCounts] = [:]
            try model.forEachFlowCounter(of: clusters, in: range) { fromModel[$0.key] = $0.counts }
            var fromMemory: [FlowCounterKey: FlowCounts] = [:]
            memory.forEachFlowCounter(of: clusters, in: range) { fromMemory[$0.key] = $0.counts }
            #expect(fromModel == fromMemory, "\(comment)")
            #expect(
                try model.flowGaps(of: clusters, in: range).sorted()
                    == memory.flowGaps(of: clusters, in: range).sorted(),
                "\(comment)")
        }
        #expect(try model.flowMinutes(of: ["nowhere"]) == nil)
    }

    @Test(arguments: seeds) func samplesComeBackBitForBit(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed &+ 400)
        var list = EventList()
        var memory = MemorySampleSource()
        let special: [UInt64] = [
            0x7FF0_0000_0000_0002, 0x7FF8_0000_0000_0001, 0x8000_0000_0000_0000, 0, 0x7FF0_0000_0000_0000, 1,
        ]
        for batchNumber in 0..<5 {
            var parts: [SeriesSamples] = []
            for app in ["shop", "mail", "a\"b\\c\nd"] {
                let key = try SeriesKey(
                    name: "requests",
                    labels: [Label("app", app), Label("cluster", Bool.random(using: &random) ? "x" : "y")])
                parts.append(
                    SeriesSamples(
                        key: key,
                        samples: (0..<30).map { _ in
                            let bits = Int.random(in: 0..<9, using: &random)
                            return Sample(
                                timeMs: Int64.random(in: -40...40, using: &random) * 1000,
                                value: bits < special.count
                                    ? Double(bitPattern: special[bits]) : Double(bitPattern: random.next()))
                        }))
            }
            let batch = SampleBatch(parts)
            memory.add(batch)
            list.append(
                "cairn.samples.recorded.v1", "samples/all", at: Double(batchNumber), ["cluster": "x"],
                attachments: [
                    ProposedAttachment(
                        role: "samples", mediaType: SampleBatch.mediaType, content: try batch.encoded(),
                        retention: .droppable)
                ])
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        let selectors = [
            SeriesSelector(), SeriesSelector.metric("requests"), SeriesSelector.cluster("x"),
            try SeriesSelector(parsing: "{app=~\"s.*\", cluster!=\"x\"}"), SeriesSelector.cluster(""),
            SeriesSelector.metric("nothing"),
        ]
        for selector in selectors {
            for range in [TimeRangeMs.all, 0..<20_000, 1..<1000] {
                let keys = memory.series(matching: selector, in: range)
                #expect(try model.series(matching: selector, in: range) == keys, "seed \(seed)")
                var found: [SeriesKey] = []
                try model.forEachSeries(matching: selector, in: range) { key, samples in
                    found.append(key)
                    #expect(samples == memory.samples(of: key, in: range), "seed \(seed), \(key)")
                }
                #expect(found == keys)
                for key in keys {
                    #expect(try model.samples(of: key, in: range) == memory.samples(of: key, in: range))
                }
            }
        }
    }

    @Test func takesOutWhatWasDropped() throws {
        var list = try ScriptedLedger.make(hasFault: true)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        let event = try #require(list.events.first { $0.type == "cairn.flows.counted.v1" })
        let digest = event.attachments[0].digest
        // All of the file in one counter.
        var coarse = FlowFileSummary()
        var counts = FlowCounts()
        counts.flows = 120
        let place = FlowPlace(cluster: "old")
        coarse.counters = [
            FlowCounter(
                key: FlowCounterKey(
                    minute: ScriptedLedger.firstMinute, place: place, direction: .egress, role: .server,
                    peer: IPPrefix(IPAddress(v4: 0xCB00_7108)), peerPort: 443), counts: counts)
        ]
        list.append(
            "cairn.attachment.dropped.v1", "ledger/self", at: 3000,
            ["digest": .string(Hex.string(digest)), "reason": "retention", "approved_by": "tomas"],
            attachments: [
                ProposedAttachment(
                    role: "replacement", mediaType: FlowFileSummary.mediaType, content: coarse.encoded(),
                    retention: .droppable)
            ])
        list.drop(digest, by: list.size - 1)
        #expect(try model.catchUp(from: list).isRebuilt)
        #expect(try model.query("SELECT flows FROM flow_counters WHERE cluster = 'old'").rows == [[120]])
        #expect(try model.query("SELECT content FROM flow_files ORDER BY file").rows == [["present"], ["gone"]])
        #expect(try model.query("SELECT kind, approved_by FROM removals").rows == [["dropped", "tomas"]])
    }

    @Test func namesContentItCannotRead() throws {
        var list = EventList()
        for (type, role) in [("cairn.flows.counted.v1", "flow-counters"), ("cairn.samples.recorded.v1", "samples")] {
            list.append(
                type, "flows/x", at: 0, [:],
                attachments: [
                    ProposedAttachment(role: role, mediaType: "x", content: [9, 9, 9], retention: .droppable)
                ])
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        for table in ["flow_files", "sample_batches"] {
            let state = try model.query("SELECT content FROM \(table)").rows.first?.first?.text
            #expect(state != nil && state != "present" && state != "gone", "\(table)")
        }
    }

    /// Totals that a forged file pushes beyond 64 bits stay integers.
    @Test func sumsSaturate() throws {
        var list = EventList()
        var random = SeededRandom(seed: 5)
        var file = RandomLedger.summary(using: &random)
        for index in file.counters.indices { file.counters[index].counts.bytes = .max }
        RandomLedger.append(file, to: &list, at: 0)
        RandomLedger.append(file, to: &list, at: 1)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        #expect(try model.query("SELECT DISTINCT bytes FROM flow_counters").rows == [[.integer(.max)]])
    }
}
