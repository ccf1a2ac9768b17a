import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

/// Batches that are prepared, compressed and hashed on all cores.
@Suite struct LargeBatchTests {
    private static let odd = [
        "plain", "a\"b", "back\\slash\\", "é\u{2028}\u{1}", "{\"id\":\"x\"}", "\u{1F600}", "]},", "",
    ]

    /// Events whose members have everything that makes reading them member by member wrong.
    private static func events(
        _ count: Int, _ fixture: LedgerFixture, _ random: inout SeededRandom
    ) -> [ProposedEvent] {
        (0..<count).map { number in
            func text() -> String { odd.randomElement(using: &random)! }
            let isNote = Int.random(in: 0..<9, using: &random) == 0
            var data: JSONObject = ["a": .string(text()), text(): [.string(text()), ["n": .number(Double(number))]]]
            if isNote { data["text"] = .string(text()) }
            let isCarrying = Int.random(in: 0..<7, using: &random) == 0
            var event = fixture.event(
                "\(number)\(text())", in: "migration/m-\(number % 37)",
                type: isNote ? "cairn.note.added.v1" : "cairn.phase.started.v1",
                data: [.object(data), .null, .string(text()), 7].randomElement(using: &random)!,
                attachments: isCarrying
                    ? [
                        ProposedAttachment(
                            role: "samples", mediaType: "text/plain", content: Array(text().utf8), retention: .droppable
                        )
                    ] : [])
            event.source = "/cairn/\(text())"
            if Bool.random(using: &random) { event.correlationID = text() }
            if Bool.random(using: &random) { event.onBehalfOf = text() }
            if Int.random(in: 0..<5, using: &random) == 0 { event.extensions = ["zone": .string(text()), "aa": 1] }
            return event
        }
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>) func readBackAsTheyWereSent(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let fixture = try LedgerFixture(seed: seed)
        let sent = LargeBatchTests.events(900, fixture, &random)
        var ledger = try fixture.create()
        let receipts = try fixture.append(ledger, sent)
        try ledger.close()
        ledger = try fixture.open()
        for (event, receipt) in zip(sent, receipts) {
            let stored = try ledger.event(at: receipt.position)
            #expect(stored.id == event.id && stored.source == event.source, "seed \(seed)")
            #expect(stored.data == event.data && stored.extensions == event.extensions, "seed \(seed)")
            #expect(stored.revision == receipt.revision && stored.subject == event.subject, "seed \(seed)")
            #expect(try ledger.position(ofSource: event.source, id: event.id) == receipt.position, "seed \(seed)")
        }
        for number in 0..<37 {
            let stream = try #require(StreamName("migration/m-\(number)"))
            let expected = zip(sent, receipts).filter { $0.0.subject == stream }.map(\.1.position)
            #expect(try ledger.positions(of: stream) == expected, "seed \(seed)")
        }
        // The same again writes nothing, wherever it lies by now.
        try ledger.seal()
        #expect(try fixture.append(ledger, sent).allSatisfy(\.isDuplicate), "seed \(seed)")
        try ledger.close()
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.problems.map(\.description) == [], "seed \(seed)")
    }

    /// Salts too: whichever core was faster, a seed gives the same bytes.
    @Test func aSeedGivesTheSameLedger() throws {
        var files: [[String: [UInt8]]] = []
        for _ in 0..<3 {
            var random = SeededRandom(seed: 7)
            let fixture = try LedgerFixture(seed: 7)
            let ledger = try fixture.create()
            try fixture.append(ledger, LargeBatchTests.events(1500, fixture, &random))
            try ledger.close()
            let disk = try SnapshotDisk(copying: fixture.path)
            files.append(
                Dictionary(
                    uniqueKeysWithValues: disk.files.map {
                        ($0.key.dropFirst(fixture.path.count).description, $0.value)
                    }))
        }
        #expect(files[0].keys.contains("/segments/00000000.attachments"))
        #expect(files[1] == files[0] && files[2] == files[0])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func manyLeavesGiveTheTreeOfOneAfterTheOther(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let leaves = (0..<Int.random(in: 0...5000, using: &random)).map { TreeHasher.leaf(Array("\(seed) \($0)".utf8)) }
        var single = TreeFrontier()
        for leaf in leaves { single.append(leaf) }
        var many = TreeFrontier()
        var start = 0
        while start < leaves.count {
            let end = min(leaves.count, start + Int.random(in: 0...3000, using: &random))
            many.append(contentsOf: leaves[start..<end])
            start = end
        }
        #expect(many == single, "seed \(seed)")
    }
}
