import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import Synchronization

/// The tokens of the log, in memory, as far as the log was read. A revocation counts from the next `refresh` on, which
/// the server's follower calls at least once a second.
final class TokenBook: Sendable {
    private let ledger: Ledger
    private let tokens = Mutex(AccessTokens())

    init(ledger: Ledger) throws {
        self.ledger = ledger
        try refresh()
    }

    /// Reads on. Blocks for as long as the disk takes.
    func refresh() throws { try tokens.withLock { try TokenOffice.advance(&$0, in: ledger) } }

    /// The holder of a token; nil if there is none of this text that is valid now.
    func principal(of text: String, at now: Timestamp) -> Principal? {
        guard let shown = TokenText(text), let token = tokens.withLock({ $0[shown.id] }) else { return nil }
        guard TokenBook.isEqual(TokenOffice.digest(of: shown.secret), token.secretDigest), token.isValid(at: now)
        else { return nil }
        return Principal(token)
    }

    /// Whether a token that was valid before still is.
    func isValid(_ id: String, at now: Timestamp) -> Bool {
        tokens.withLock { $0[id]?.isValid(at: now) ?? false }
    }

    /// In time that does not depend on where they differ.
    private static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for index in left.indices { difference |= left[index] ^ right[index] }
        return difference == 0
    }
}
