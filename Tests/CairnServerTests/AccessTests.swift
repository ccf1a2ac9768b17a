import CairnModel
import Testing

@Suite("Scopes of tokens")
struct AccessScopeTests {
    @Test(
        "A scope has one text, and other texts are none",
        arguments: ["read", "approve", "admin", "ingest", "ingest:firehose"])
    func texts(text: String) throws {
        let scope = try #require(AccessScope(text))
        #expect(scope.description == text)
    }

    @Test("What is no scope", arguments: ["", "Read", "ingest:", "ingest:elsewhere", "read ", "write", "*"])
    func others(text: String) {
        #expect(AccessScope(text) == nil)
    }

    @Test("Only the general ingest scope contains others")
    func containment() throws {
        let all =
            try ["read", "approve", "admin", "ingest"].map { try #require(AccessScope($0)) }
            + AccessScope.receivers.map { AccessScope.ingest(receiver: $0) }
        for held in all {
            for needed in all {
                let isGeneral = held == .ingest(receiver: nil)
                let isIngest = needed.description.hasPrefix("ingest")
                #expect(held.allows(needed) == (held == needed || isGeneral && isIngest), "\(held) for \(needed)")
            }
        }
    }
}
