import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

@Suite struct LedgerTests {
    @Test func appendsAndReadsBack() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        let sent = fixture.event("1", data: ["phase": "precheck", "n": 1.5, "list": [1, nil, "ü\n"]])
        let receipts = try fixture.append(ledger, [sent, fixture.event("2")])
        #expect(receipts.map(\.position) == [0, 1])
        #expect(receipts.map(\.revision) == [0, 1])
        #expect(ledger.size == 2)
        let event = try ledger.event(at: 0)
        #expect(event.data == sent.data)
        #expect(event.id == "1" && event.source == "/cairn/cli" && event.subject == sent.subject)
        #expect(event.actor == fixture.actor && event.revision == 0 && event.time == sent.time)
        try ledger.close()
        #expect(code { try fixture.append(ledger, [fixture.event("3")]) } == .closed)

        let again = try fixture.open()
        #expect(again.size == 2 && again.identity == ledger.identity && again.origin == "example.com/ledger")
        #expect(try again.event(at: 0) == event)
        #expect(try fixture.append(again, [fixture.event("3")])[0].position == 2)
        var ids: [String] = []
        try again.forEach(from: 0) { ids.append($0.id) }
        #expect(ids == ["1", "2", "3"])
        #expect(code { _ = try again.event(at: 3) } == .notFound)
    }

    @Test func sameEventAgainIsSuccessAndWritesNothing() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        let samples = ProposedAttachment(
            role: "samples", mediaType: "application/octet-stream", content: [1, 2, 3], retention: .droppable)
        let event = fixture.event("1", attachments: [samples])
        try fixture.append(ledger, [event])
        fixture.clock.advance(seconds: 5)
        for _ in 0..<2 {
            let receipt = try fixture.append(ledger, [event])[0]
            #expect(receipt == Receipt(position: 0, revision: 0, isDuplicate: true))
        }
        // Identity comes before the expected revision.
        let retried = try ledger.append([Append(event, expected: .none)], actor: fixture.actor)
        #expect(retried[0].isDuplicate)
        var other = event
        other.data = ["phase": "build"]
        #expect(code { try fixture.append(ledger, [other]) } == .identityConflict)
        other = event
        other.attachments[0].content = [1, 2, 4]
        #expect(code { try fixture.append(ledger, [other]) } == .identityConflict)
        #expect(ledger.size == 1)
        // Twice in one batch.
        let twice = try fixture.append(ledger, [fixture.event("2"), fixture.event("2")])
        #expect(twice.map(\.isDuplicate) == [false, true])
        #expect(ledger.size == 2)
    }

    @Test func expectedRevisionIsCheckedAndABatchIsAllOrNothing() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        func append(_ id: String, _ expected: ExpectedRevision) throws {
            try ledger.append([Append(fixture.event(id), expected: expected)], actor: fixture.actor)
        }
        try append("1", .none)
        #expect(code { try append("2", .none) } == .conflict)
        #expect(code { try append("2", .exactly(1)) } == .conflict)
        try append("2", .exactly(0))
        #expect(
            code {
                try ledger.append(
                    [Append(fixture.event("3")), Append(fixture.event("4"), expected: .exactly(9))],
                    actor: fixture.actor)
            } == .conflict)
        #expect(ledger.size == 2)
        #expect(try ledger.lastRevision(of: StreamName("migration/mig-7")!) == 1)
        try append("4", .exactly(1))
        #expect(try ledger.event(at: 2).revision == 2)
    }

    @Test func largeDataAndPrivateFieldsLieBesideTheEntry() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        let text = String(repeating: "0123456789", count: 6000)
        let large = fixture.event("1", data: ["text": .string(text), "phase": "precheck"])
        var approval = fixture.event(
            "2", type: "cairn.approval.granted.v1", data: ["phase": "build", "comment": "Ada is ill"])
        approval.received = ReceivedBytes(bytes: Array("{ \"x\": 1.10 }".utf8), isLossless: false)
        try fixture.append(ledger, [large, approval])
        #expect(try ledger.event(at: 0).data == large.data)
        #expect(try ledger.entryBytes(at: 0).count < 1000)
        let stored = try ledger.event(at: 1)
        #expect(stored.data == approval.data)
        #expect(stored.receivedDigest?.count == 32)
        #expect(stored.attachments.map(\.role) == ["private", "received"])
        #expect(stored.attachments.map(\.retention) == [.personal, .personal])
        #expect(!String(decoding: try ledger.entryBytes(at: 1), as: UTF8.self).contains("Ada"))
        #expect(try ledger.content(of: stored.attachments[1]) == .present(approval.received!.bytes))
        try ledger.close()
        #expect(try fixture.open(.readOnly).event(at: 1) == stored)
    }

    @Test func clockThatStepsBackIsNotedOnceAndTimesNeverDecrease() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try fixture.append(ledger, [fixture.event("1")])
        fixture.clock.advance(seconds: -3600)
        try fixture.append(ledger, [fixture.event("2")])
        try fixture.append(ledger, [fixture.event("3")])
        var types: [String] = []
        var times: [Timestamp] = []
        try ledger.forEach(from: 0) {
            types.append($0.type)
            times.append($0.recordedTime)
        }
        #expect(types.filter { $0 == "cairn.clock.stepped_back.v1" }.count == 1)
        #expect(types[1] == "cairn.clock.stepped_back.v1")
        #expect(try ledger.event(at: 1).data == ["by_seconds": 3600])
        #expect(times == times.sorted() && times.count == 4)
    }

    @Test func sealsAndGoesOn() throws {
        var options = LedgerOptions()
        options.sealBytes = 4000
        let fixture = try LedgerFixture(options: options)
        let ledger = try fixture.create()
        var sent: [ProposedEvent] = []
        for number in 0..<200 {
            let attachments =
                number % 10 == 0
                ? [
                    ProposedAttachment(
                        role: "samples", mediaType: "x/y", content: [UInt8(number)], retention: .droppable)
                ]
                : []
            let event = fixture.event(
                "e\(number)", in: "migration/m-\(number % 7)", data: ["n": .integer(number)], attachments: attachments)
            sent.append(event)
            let receipt = try fixture.append(ledger, [event])[0]
            #expect(receipt.revision == UInt64(number / 7))
        }
        #expect(try fixture.environment.disk.list(fixture.path + "/segments").count > 6)
        // Duplicates are found in sealed segments too.
        #expect(try fixture.append(ledger, [sent[0], sent[77]]).allSatisfy(\.isDuplicate))
        try ledger.close()
        for access in [Ledger.Access.readWrite, .readOnly] {
            let again = try fixture.open(access)
            #expect(again.problems.isEmpty)
            var ids: [String] = []
            try again.forEach(from: 0) { if !$0.type.hasPrefix("cairn.streams") { ids.append($0.id) } }
            #expect(ids == sent.map(\.id))
            var revisions: [UInt64] = []
            try again.forEach(in: StreamName("migration/m-3")!, from: 2) { revisions.append($0.revision) }
            #expect(revisions == Array(2...28))
            for position in 0..<again.size {
                for reference in try again.event(at: position).attachments {
                    guard case .present(let bytes) = try again.content(of: reference) else {
                        Issue.record("attachment of \(position) is gone")
                        continue
                    }
                    #expect(bytes.count == 1)
                }
            }
            if access == .readWrite {
                #expect(try fixture.append(again, [sent[3]])[0].isDuplicate)
                try again.close()
            }
        }
    }

    @Test func removedContentIsGoneFromEveryFile() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        let secret = "Ada Lovelace is ill and stays at home"
        let event = fixture.event(
            "1", type: "cairn.approval.granted.v1", data: ["phase": "build", "comment": .string(secret)])
        try fixture.append(ledger, [event, fixture.event("2", type: "cairn.note.added.v1", data: ["text": "kept"])])
        let proof = try ledger.prove(0)
        let reference = try ledger.event(at: 0).attachments[0]
        let receipts = try ledger.remove(
            [Removal(digest: reference.digest, kind: .redacted, reason: "request 7", approvedBy: "bob")],
            actor: fixture.actor)
        #expect(try ledger.content(of: reference) == .gone(by: receipts[0].position))
        #expect(try ledger.event(at: 0).data == ["phase": "build"])
        #expect(try ledger.event(at: 1).data == ["text": "kept"])
        for name in try fixture.environment.disk.list(fixture.path + "/segments") {
            let file = try fixture.environment.disk.open(fixture.path + "/segments/" + name, .read)
            let text = String(decoding: try file.readAll(limit: 1 << 20), as: UTF8.self)
            #expect(!text.contains("Lovelace"))
        }
        try proof.verify(entry: try ledger.entryBytes(at: 0), logKeys: [ledger.verifierKey!])
        // The same approval again is still the same event.
        #expect(try fixture.append(ledger, [event])[0].isDuplicate)
        try fixture.append(ledger, [fixture.event("3", type: "cairn.note.added.v1", data: ["text": "later"])])
        try ledger.close()
        let again = try fixture.open()
        #expect(try again.content(of: reference) == .gone(by: receipts[0].position))
        #expect(try again.event(at: 3).data == ["text": "later"])
    }

    /// A mistyped checkpoint leaves nothing behind, so that the right one can be given next.
    @Test func aLedgerThatCannotGoOnIsNotMade() throws {
        let fixture = try LedgerFixture()
        func create(_ text: String) throws {
            _ = try Ledger.create(
                at: fixture.path, origin: "example.com/ledger", keyFile: nil, continuing: text,
                environment: fixture.environment)
        }
        #expect(code { try create("no checkpoint") } == .invalidEvent)
        #expect(try RealDisk().kind(of: fixture.path) == nil)
    }

    /// The verifier key is public: only a signature shows that a ledger is the one that it belongs to.
    @Test func aLedgerIsTrustedForItsSignatureAndNotForItsHeader() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try fixture.append(ledger, [fixture.event("1"), fixture.event("2")])
        let key = try #require(ledger.verifierKey)
        let kept = try #require(try ledger.checkpoint())
        try ledger.close()
        func verdict(_ key: VerifierKey?, against: [SignedCheckpoint] = []) throws -> VerifyReport.Verdict {
            try LedgerVerifier.verify(
                at: fixture.path, environment: fixture.environment, vkey: key, against: against
            ).verdict
        }
        let other = try SigningKey(name: "example.com/ledger", seed: [UInt8](repeating: 7, count: 32)).verifier
        #expect(try verdict(key) == .intact)
        #expect(try verdict(other) == .corrupt)
        try RealDisk().remove(fixture.path + "/checkpoint")
        #expect(try verdict(nil) == .intact)
        #expect(try verdict(key) == .corrupt)
        #expect(try verdict(key, against: [kept]) == .intact)
    }
}
