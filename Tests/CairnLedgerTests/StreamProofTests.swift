import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

@Suite struct StreamProofTests {
    private func make() throws -> (fixture: LedgerFixture, ledger: Ledger) {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        for number in 0..<30 {
            try fixture.append(ledger, [fixture.event("\(number)", in: "migration/m-\(number % 4)")])
            if number == 12 || number == 19 { try ledger.seal() }
        }
        return (fixture, ledger)
    }

    @Test func aCompleteStreamIsProvedAndOneWithAGapIsNot() throws {
        let (fixture, ledger) = try make()
        defer { withExtendedLifetime(fixture) {} }
        let key = try #require(ledger.verifierKey)
        let stream = try #require(StreamName("migration/m-1"))
        // Without a new event the proof reaches to the last seal only.
        let old = try ledger.proveStream(stream, isCommitting: false)
        try old.verify(logKeys: [key])
        let all = try ledger.proveStream(stream, isCommitting: true)
        #expect(all.events.count == 8 && old.events.count < 8)
        let size = ledger.size
        _ = try ledger.proveStream(stream, isCommitting: true)
        #expect(ledger.size == size)
        let text = CanonicalJSON.bytes(of: all.json)
        let read = try StreamProof(parsing: text)
        try read.verify(logKeys: [key], origin: ledger.origin)
        #expect(CanonicalJSON.bytes(of: read.json) == text)
        #expect(code { try read.verify(logKeys: [key], origin: "other") } == .proof)
        for index in 0..<8 {
            var short = read
            short.events.remove(at: index)
            #expect(throws: (any Error).self) { try short.verify(logKeys: [key]) }
            var doubled = read
            doubled.events[index] = read.events[(index + 1) % 8]
            #expect(throws: (any Error).self) { try doubled.verify(logKeys: [key]) }
        }
        var shorter = read
        shorter.events.removeLast()
        shorter.membership?.pair.lastRevision -= 1
        #expect(throws: (any Error).self) { try shorter.verify(logKeys: [key]) }
        var absent = read
        absent.events = []
        absent.membership = nil
        #expect(throws: (any Error).self) { try absent.verify(logKeys: [key]) }
    }

    @Test func aStreamWithoutEventsIsProvedToHaveNone() throws {
        let (fixture, ledger) = try make()
        defer { withExtendedLifetime(fixture) {} }
        let key = try #require(ledger.verifierKey)
        for name in ["aaa/x", "migration/m-11", "zzz/x"] {
            let proof = try ledger.proveStream(try #require(StreamName(name)), isCommitting: false)
            try proof.verify(logKeys: [key])
            #expect(proof.events.isEmpty && proof.absence != nil)
            var other = proof
            other.stream = try #require(StreamName("migration/m-1"))
            #expect(throws: (any Error).self) { try other.verify(logKeys: [key]) }
        }
    }

    @Test func changedTextsAreRefusedAndNeverCrash() throws {
        let (fixture, ledger) = try make()
        defer { withExtendedLifetime(fixture) {} }
        let key = try #require(ledger.verifierKey)
        let proof = try ledger.proveStream(try #require(StreamName("migration/m-2")), isCommitting: true)
        let text = CanonicalJSON.bytes(of: proof.json)
        var random = SeededRandom(seed: 4)
        for _ in 0..<300 {
            var changed = text
            changed[Int.random(in: 0..<text.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            #expect(throws: (any Error).self) { try StreamProof(parsing: changed).verify(logKeys: [key]) }
        }
    }
}
