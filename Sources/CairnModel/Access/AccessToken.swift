package import CairnBytes

/// A token as the log tells of it: never the secret, only its digest.
package struct AccessToken: Sendable, Hashable {
    package var id: String
    /// What people call its holder.
    package var name: String
    package var scopes: [AccessScope]
    /// SHA-256 of the secret, which has 256 random bits: nobody guesses it, so no slow hash is needed.
    package var secretDigest: [UInt8]
    /// The cluster of samples and flow logs that say none themselves.
    package var cluster: String?
    package var created: Timestamp
    package var expires: Timestamp?
    package var revoked: Timestamp?

    package func isValid(at now: Timestamp) -> Bool { revoked == nil && expires.map { now < $0 } ?? true }

    package func allows(_ scope: AccessScope) -> Bool { scopes.contains { $0.allows(scope) } }
}

/// All tokens, as the events of one stream leave them.
package struct AccessTokens: Sendable {
    /// Where tokens are made and revoked.
    package static let stream = StreamName(kind: "access", foreignID: "tokens")

    package private(set) var tokens: [String: AccessToken] = [:]
    /// How many events were applied: the revision to go on from.
    package private(set) var eventCount: UInt64 = 0

    package init() {}

    package subscript(id: String) -> AccessToken? { tokens[id] }

    package static let created = "cairn.token.created.v1"
    package static let revoked = "cairn.token.revoked.v1"

    /// Total: what is no event of a token changes nothing. Only Cairn's own types count, which nobody outside can write:
    /// a token that is told as `observed.` would be one that its teller made for itself.
    package mutating func apply(_ event: RecordedEvent) {
        eventCount += 1
        guard let id = event.data["token"]?.string else { return }
        switch event.type {
        case AccessTokens.created:
            guard tokens[id] == nil, let name = event.data["name"]?.string,
                let digest = event.data["secret_sha256"]?.string.flatMap({ Hex.bytes($0) })
            else { return }
            tokens[id] = AccessToken(
                id: id, name: name,
                scopes: event.data["scopes"]?.array?.compactMap { $0.string.flatMap { AccessScope($0) } } ?? [],
                secretDigest: digest, cluster: event.data["cluster"]?.string, created: event.time,
                expires: event.data["expires"]?.string.flatMap { Timestamp($0) })
        case AccessTokens.revoked:
            if tokens[id]?.revoked == nil { tokens[id]?.revoked = event.time }
        default: return
        }
    }
}

/// `cairn_ID_SECRET`, as whoever holds a token sends it.
package struct TokenText: Sendable, Hashable {
    package static let prefix = "cairn_"
    /// Longer texts are no token: an id has 12 characters, a secret 43, and some room.
    package static let bytesMax = 128

    package var id: String
    package var secret: String

    package init(id: String, secret: String) {
        self.id = id
        self.secret = secret
    }

    package init?(_ text: String) {
        guard text.utf8.count <= TokenText.bytesMax, text.hasPrefix(TokenText.prefix) else { return nil }
        let parts = text.dropFirst(TokenText.prefix.count).split(
            separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
        self.init(id: String(parts[0]), secret: String(parts[1]))
    }

    package var text: String { "\(TokenText.prefix)\(id)_\(secret)" }
}
