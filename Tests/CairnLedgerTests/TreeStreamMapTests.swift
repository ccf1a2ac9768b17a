import CairnLedger
import CairnTestSupport
import Testing

@Suite struct TreeStreamMapTests {
    @Test(arguments: 0..<40 as Range<UInt64>)
    func everyStreamIsProvedInOrOut(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let count = Int.random(in: 0...30, using: &random)
        var revisions: [String: UInt64] = [:]
        for _ in 0..<count {
            revisions["migration/m\(UInt64.random(in: 0..<50, using: &random))"] = random.next() >> 32
        }
        let map = StreamMap(revisions.map { (key: $0.key, value: $0.value) })
        let commitment = map.commitment
        #expect(commitment.count == UInt64(revisions.count))
        #expect(
            StreamMap(revisions.map { (key: $0.key, value: $0.value) }.shuffled(using: &random)).commitment
                == commitment)
        for stream in (0..<50).map({ "migration/m\($0)" }) + ["a/a", "z/z"] {
            if let revision = revisions[stream] {
                let found = try map.membership(of: stream)
                var proof = try #require(found)
                #expect(proof.pair.lastRevision == revision)
                #expect(try map.absence(of: stream) == nil)
                try proof.verify(against: commitment)
                // One event fewer is another map.
                proof.pair.lastRevision ^= 1
                #expect(throws: ProofError.self, "seed \(seed)") { try proof.verify(against: commitment) }
            } else {
                #expect(try map.membership(of: stream) == nil)
                let found = try map.absence(of: stream)
                let proof = try #require(found)
                try proof.verify(stream: stream, against: commitment)
                for present in revisions.keys {
                    #expect(throws: ProofError.self, "seed \(seed)") {
                        try proof.verify(stream: present, against: commitment)
                    }
                }
                var without = proof
                without.after = nil
                if proof.after != nil {
                    #expect(throws: ProofError.self, "seed \(seed)") {
                        try without.verify(stream: stream, against: commitment)
                    }
                }
            }
        }
    }

    @Test func leavesAreUnambiguous() {
        let pair = StreamMap.Pair(stream: "ab/c", lastRevision: 258)
        #expect(pair.leaf == Array("ab/c".utf8) + [0, 0, 0, 0, 0, 0, 0, 1, 2])
        let map = StreamMap([(key: "ab/c", value: 258)])
        #expect(map.commitment == .init(count: 1, root: TreeHasher.leaf(pair.leaf)))
        #expect(StreamMap([(key: String, value: UInt64)]()).commitment == .init(count: 0, root: TreeHasher.emptyRoot))
    }
}
