import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

/// Who wrote what, and who may sign it.
@Suite struct WriterTests {
    /// The epochs of the frames in all segments, in order.
    private func epochs(_ fixture: LedgerFixture) throws -> [UInt32] {
        let disk = try SnapshotDisk(copying: fixture.path)
        var epochs: [UInt32] = []
        for (name, bytes) in disk.files.sorted(by: { $0.key < $1.key }) where name.hasSuffix(".segment") {
            func number(_ offset: Int) -> Int {
                (0..<4).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
            }
            var offset = number(12)
            while offset < bytes.count {
                epochs.append(UInt32(number(offset + 12)))
                offset += 80 + number(offset + 28)
            }
        }
        return epochs
    }

    /// Two openings take turns, and the one with the smaller epoch seals: a third must not take that of the second.
    @Test func noTwoOpeningsShareAnEpoch() throws {
        let fixture = try LedgerFixture()
        let first = try fixture.create(withKey: false)
        let second = try fixture.open(withKey: false)
        try fixture.append(first, [fixture.event("1")])
        try fixture.append(second, [fixture.event("2")])
        try fixture.append(first, [fixture.event("3")])
        #expect(try epochs(fixture) == [1, 2, 1])
        try first.seal()
        try first.close()
        try second.close()
        let before = try Set(epochs(fixture))
        let third = try fixture.open(withKey: false)
        try fixture.append(third, [fixture.event("4")])
        let last = try #require(try epochs(fixture).last)
        #expect(!before.contains(last), "epoch \(last) is one of \(before.sorted())")
        // Who opens later finds the largest in the index.
        try third.seal()
        try fixture.append(try fixture.open(withKey: false), [fixture.event("5")])
        #expect(try epochs(fixture).last == last + 1)
    }

    private func rotated() throws -> (fixture: LedgerFixture, newKey: String) {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        try fixture.append(ledger, [fixture.event("1")])
        let newKey = fixture.folder.file("key2")
        try ledger.rotateKey(to: newKey, actor: fixture.actor)
        try ledger.close()
        return (fixture, newKey)
    }

    private func open(_ fixture: LedgerFixture, key: String) throws -> Ledger {
        try Ledger.open(at: fixture.path, access: .readWrite, environment: fixture.environment, keyFile: key)
    }

    @Test func aKeyThatMayNotSignIsRefusedWithBothIDsAndWhatToDo() throws {
        let (fixture, newKey) = try rotated()
        let ranges = try open(fixture, key: newKey).keyHistory().ranges
        #expect(ranges.count == 2)
        #expect(ranges[0].through == 1 && ranges[1].from == 2)
        do {
            _ = try open(fixture, key: fixture.key)
            Issue.record("opened with a key that was retired")
        } catch let error as LedgerError {
            #expect(error.code == .key)
            for text in [ranges[0].key.idText, ranges[1].key.idText, "since position 1", "--key", fixture.key] {
                #expect(error.description.contains(text), "\(text) is not in: \(error)")
            }
        }
        let other = try LedgerFixture(seed: 5)
        _ = try other.create()
        do {
            _ = try open(fixture, key: other.key)
            Issue.record("opened with the key of another ledger")
        } catch let error as LedgerError {
            #expect(error.code == .key)
            #expect(error.description.contains("none of the ledger's"), "\(error)")
        }
        let keyless = try LedgerFixture(seed: 6)
        _ = try keyless.create(withKey: false)
        #expect(code { _ = try open(keyless, key: other.key) } == .key)
    }

    /// A process that has the old key open while another one rotates must not sign with it any more.
    @Test func anotherProcessStopsSigningWithARetiredKey() throws {
        let fixture = try LedgerFixture()
        let first = try fixture.create()
        let second = try fixture.open()
        try fixture.append(second, [fixture.event("1")])
        try first.rotateKey(to: fixture.folder.file("key2"), actor: fixture.actor)
        fixture.clock.advance(seconds: 10)
        // Recording goes on, signing does not, and closing says so.
        #expect(try fixture.append(second, [fixture.event("2")])[0].position == 2)
        #expect(code { _ = try second.checkpoint() } == .key)
        #expect(code { try second.close() } == .key)
        _ = try first.checkpoint()
        try first.close()
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.problems.map(\.description) == [])
        #expect(report.signedSize == 3 && report.keys.count == 2)
    }

    /// The header of a segment names the key of the time, whoever makes it; and reading the keys needs only headers.
    @Test func headersNameTheKeyOfTheTime() throws {
        let (fixture, newKey) = try rotated()
        let keyless = try fixture.open(withKey: false)
        for number in 2..<5 {
            try fixture.append(keyless, [fixture.event("\(number)")])
            try keyless.seal()
        }
        try fixture.append(keyless, [fixture.event("5")])
        try keyless.close()
        let ledger = try open(fixture, key: newKey)
        #expect(try ledger.keyHistory().ranges.map(\.from) == [0, 2])
        #expect(code { try ledger.rotateKey(to: fixture.key, actor: fixture.actor) } == .key)
        try ledger.rotateKey(to: fixture.folder.file("key3"), actor: fixture.actor)
        try ledger.close()
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.problems.map(\.description) == [])
        #expect(report.keys.count == 3 && report.signedSize == report.entries)
    }

    /// Content that an event removed and that nobody came to erase: unfinished while the list says so, else wrong.
    @Test func contentThatAnEventRemovedAndThatIsThereIsFound() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        let secret = Array("Ada Lovelace".utf8)
        let samples = ProposedAttachment(
            role: "samples", mediaType: "text/plain", content: secret, retention: .droppable)
        try fixture.append(ledger, [fixture.event("1", attachments: [samples])])
        let reference = try ledger.event(at: 0).attachments[0]
        let before = try SnapshotDisk(copying: fixture.path)
        let receipt = try ledger.remove(
            [Removal(digest: reference.digest, kind: .dropped, reason: "old", approvedBy: "bob")],
            actor: fixture.actor)[0]
        let removal = try ledger.event(at: receipt.position)
        try ledger.close()
        // The old attachments file beside the new log: a copy that was made in between.
        var disk = try SnapshotDisk(copying: fixture.path)
        let name = "\(fixture.path)/segments/00000000.attachments"
        disk.files[name] = before.files[name]
        var environment = fixture.environment
        environment.disk = disk
        let report = try LedgerVerifier.verify(at: fixture.path, environment: environment)
        #expect(report.verdict == .corrupt)
        #expect(report.problems.first?.description.contains("redact it once more") == true)
        disk.files["\(fixture.path)/redaction.pending"] = Array(
            "\(removal.id)\n\(Hex.string(reference.digest))\n".utf8)
        environment.disk = disk
        #expect(try LedgerVerifier.verify(at: fixture.path, environment: environment).verdict == .torn)
        let reader = try Ledger.open(at: fixture.path, access: .readOnly, environment: environment)
        #expect(try reader.content(of: reference) == .gone(by: receipt.position))
    }
}
