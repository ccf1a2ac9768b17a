import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

/// Random histories against a model that is an array.
@Suite struct PropertyTests {
    @Test(arguments: 1...12)
    func anyHistoryReadsBackAsItWasWritten(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var options = LedgerOptions()
        options.sealBytes = UInt64.random(in: 1000...20_000, using: &random)
        let fixture = try LedgerFixture(seed: seed, options: options)
        var ledger = try fixture.create()
        var sent: [ProposedEvent] = []
        var positions: [UInt64] = []
        var revisions: [String: UInt64] = [:]
        for step in 0..<60 {
            switch Int.random(in: 0..<12, using: &random) {
            case 0:
                try ledger.close()
                ledger = try fixture.open()
            case 1: try ledger.seal()
            case 2: fixture.clock.advance(seconds: Double.random(in: -5...30, using: &random))
            case 3 where !sent.isEmpty:
                let index = Int.random(in: 0..<sent.count, using: &random)
                let receipt = try fixture.append(ledger, [sent[index]])[0]
                #expect(receipt.isDuplicate && receipt.position == positions[index], "seed \(seed) step \(step)")
            case 4: try ledger.commitStreams()
            default:
                let batch = (0..<Int.random(in: 1...5, using: &random)).map {
                    PropertyTests.event("\(step)-\($0)", fixture, &random)
                }
                let receipts = try fixture.append(ledger, batch)
                for (event, receipt) in zip(batch, receipts) {
                    #expect(receipt.revision == revisions[event.subject.text].map { $0 + 1 } ?? 0)
                    revisions[event.subject.text] = receipt.revision
                }
                sent += batch
                positions += receipts.map(\.position)
            }
        }
        for (event, position) in zip(sent, positions) {
            let stored = try ledger.event(at: position)
            #expect(stored.id == event.id && stored.data == event.data, "seed \(seed)")
            #expect(stored.extensions == event.extensions && stored.time == event.time)
            #expect(stored.correlationID == event.correlationID)
            let own = stored.attachments.filter { $0.role == "samples" }
            for (reference, attachment) in zip(own, event.attachments) {
                #expect(try ledger.content(of: reference) == .present(attachment.content))
            }
        }
        for (name, last) in revisions {
            let stream = try #require(StreamName(name))
            #expect(try ledger.lastRevision(of: stream) == last)
            #expect(try ledger.positions(of: stream).count == Int(last) + 1)
        }
        try proveSome(ledger, &random)
        try ledger.close()
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.problems.map(\.description) == [], "seed \(seed)")
        #expect(report.entries == ledger.size && report.signedSize == ledger.size)
    }

    private func proveSome(_ ledger: Ledger, _ random: inout SeededRandom) throws {
        guard ledger.size > 0 else { return }
        let key = try #require(ledger.verifierKey)
        for _ in 0..<5 {
            let position = UInt64.random(in: 0..<ledger.size, using: &random)
            let proof = try ledger.prove(position)
            try proof.verify(entry: try ledger.entryBytes(at: position), logKeys: [key], origin: ledger.origin)
            let old = UInt64.random(in: 1...ledger.size, using: &random)
            #expect(try ledger.proveConsistency(from: old).checkpoint.checkpoint.size == ledger.size)
        }
    }

    static func event(_ id: String, _ fixture: LedgerFixture, _ random: inout SeededRandom) -> ProposedEvent {
        var data: JSONObject = ["n": .number(Double.random(in: -1e9...1e9, using: &random))]
        let length = [3, 50, 700, 49_000, 70_000][Int.random(in: 0..<5, using: &random)]
        data["filling"] = .string(String(repeating: "ä\"\\\n", count: length / 6))
        if Bool.random(using: &random) { data["comment"] = "a private word" }
        var event = fixture.event(
            id, in: "migration/m-\(Int.random(in: 0..<4, using: &random))",
            type: Bool.random(using: &random) ? "cairn.approval.granted.v1" : "cairn.phase.started.v1",
            data: .object(data))
        if Bool.random(using: &random) { event.extensions = ["sequence": .string(id), "regard": ["x", 1]] }
        if Bool.random(using: &random) { event.correlationID = "c\u{1}" }
        if Bool.random(using: &random) {
            event.attachments = [
                ProposedAttachment(
                    role: "samples", mediaType: "x/y", content: random.bytes(count: length), retention: .permanent)
            ]
        }
        return event
    }

    @Test func timesFindTheirEvents() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(withKey: false)
        let start = fixture.clock.now()
        for number in 0..<50 {
            try fixture.append(ledger, [fixture.event("\(number)")])
            if number == 20 { try ledger.seal() }
            fixture.clock.advance(seconds: 10)
        }
        var ids: [String] = []
        try ledger.forEach(occurredFrom: start.adding(seconds: 200), to: start.adding(seconds: 230)) {
            ids.append($0.id)
        }
        // The event that seals the streams happens in the same moment as number 20.
        #expect(ids.filter { !$0.hasPrefix("streams") } == ["20", "21", "22"])
        let position = try ledger.firstPosition(recordedFrom: start.adding(seconds: 401))
        #expect(try ledger.event(at: position).id == "41")
        #expect(try ledger.firstPosition(recordedFrom: start.adding(seconds: 9999)) == ledger.size)
        #expect(try ledger.firstPosition(recordedFrom: start) == 0)
    }

    @Test func tilesOnDiskThatAreWrongAreNotBelieved() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try fixture.append(ledger, (0..<600).map { fixture.event("\($0)") })
        try ledger.close()
        let disk = RealDisk()
        let tile = fixture.path + "/tile/0/000"
        #expect(try disk.open(tile, .read).size() == 8192)
        try disk.open(tile, .readWrite).writeAll([UInt8](repeating: 9, count: 100), at: 64)
        let again = try fixture.open()
        for position: UInt64 in [0, 3, 255, 256, 599] {
            let proof = try again.prove(position)
            try proof.verify(entry: try again.entryBytes(at: position), logKeys: [again.verifierKey!])
        }
    }

    @Test func whatIsRefusedIsRefusedWithItsReason() throws {
        let fixture = try LedgerFixture()
        #expect(code { _ = try fixture.open() } == .notALedger)
        let ledger = try fixture.create()
        #expect(code { _ = try fixture.create() } == .alreadyExists)
        var event = fixture.event("1")
        event.extensions = ["authid": "root"]
        #expect(code { try fixture.append(ledger, [event]) } == .invalidEvent)
        event = fixture.event("")
        #expect(code { try fixture.append(ledger, [event]) } == .invalidEvent)
        event = fixture.event("1")
        event.extensions = ["x": .string(String(repeating: "a", count: 66_000))]
        #expect(code { try fixture.append(ledger, [event]) } == .tooLarge)
        #expect(code { _ = try ledger.prove(0) } == .proof)
        let reader = try fixture.open(.readOnly)
        #expect(code { try fixture.append(reader, [fixture.event("1")]) } == .readOnly)
        try ledger.close()
        let file = try RealDisk().open(fixture.key, .readWrite)
        try file.writeAll(Array("PRIVATE+KEY+x".utf8), at: 0)
        #expect(code { _ = try fixture.open() } == .key)
    }

    @Test func aLostEndAndAForkStopTheStart() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try fixture.append(ledger, [fixture.event("1")])
        try fixture.append(ledger, [fixture.event("2")])
        let old = try SnapshotDisk(copying: fixture.path)
        try fixture.append(ledger, [fixture.event("3")])
        let checkpoint = try #require(try ledger.checkpoint())
        try ledger.close()
        let name = fixture.path + "/segments/00000000.segment"
        let whole = try RealDisk().open(name, .read).readAll(limit: 1 << 20)
        try RealDisk().open(name, .readWrite).truncate(to: UInt64(old.files[name]!.count))
        #expect(code { _ = try fixture.open() } == .lostEvents)
        #expect(try fixture.open(.readOnly).problems.map(\.code) == [.lostEvents])
        // Going on takes a new ledger that says so.
        let text = String(decoding: checkpoint.bytes, as: UTF8.self)
        let next = try Ledger.create(
            at: fixture.folder.file("next"), origin: "example.com/next", keyFile: nil, continuing: text,
            environment: fixture.environment)
        #expect(try next.event(at: 0).data["checkpoint"]?.string == text)
        #expect(try next.event(at: 0).type == "cairn.ledger.continued.v1")
        // Another history of the same length, with the checkpoint of the first.
        try RealDisk().open(name, .readWrite).writeAll(whole, at: 0)
        let other = try LedgerFixture(seed: 2)
        let fork = try other.create()
        try fixture.append(fork, (4..<9).map { fixture.event("\($0)") })
        try fork.close()
        let stolen = try RealDisk().open(other.path + "/checkpoint", .readWrite)
        try stolen.truncate(to: 0)
        try stolen.writeAll(checkpoint.bytes, at: 0)
        #expect(code { _ = try other.open(withKey: false) } == .fork)
    }
}
