package import CairnBytes
package import CairnLedger
package import CairnModel
internal import Crypto

/// Makes and revokes tokens, as events: who held what, and when, is a question to the log.
package struct TokenOffice {
    /// What a token is made for.
    package struct Order: Sendable {
        package var name: String
        package var scopes: [AccessScope]
        package var cluster: String?
        package var expires: Timestamp?

        package init(name: String, scopes: [AccessScope], cluster: String? = nil, expires: Timestamp? = nil) {
            self.name = name
            self.scopes = scopes
            self.cluster = cluster
            self.expires = expires
        }
    }

    static let source = "/cairn/access"
    /// A name is read in tables and stands in every event of its holder.
    package static let nameBytesMax = 100
    /// People of an identity provider are called so with their subject: no token's holder is taken for one of them.
    package static let foreignPrefix = "oidc:"
    /// 48 bits tell tokens apart; 256 cannot be guessed.
    private static let idBytes = 6
    private static let secretBytes = 32

    private let ledger: Ledger
    private let actor: Actor
    private let clock: any WallClock
    private let random: any RandomSource

    package init(ledger: Ledger, actor: Actor, clock: any WallClock, random: any RandomSource) {
        self.ledger = ledger
        self.actor = actor
        self.clock = clock
        self.random = random
    }

    /// - Returns: the only text of the token that will ever be: the log has a digest of its secret.
    /// - Throws: `LedgerError` of `invalidEvent` for a name that is somebody else's, or a token that would be over.
    package func create(_ order: Order) throws -> TokenText {
        guard !order.name.hasPrefix(TokenOffice.foreignPrefix) else {
            throw LedgerError(
                .invalidEvent, "cannot make a token with the name \(order.name)",
                remedy: "names that begin with \(TokenOffice.foreignPrefix) are those of an identity provider's people")
        }
        if let expires = order.expires, expires <= clock.now() {
            throw LedgerError(
                .invalidEvent, "cannot make a token that ends at \(expires)", remedy: "name a time that is to come")
        }
        let token = TokenText(
            id: Hex.string(random.bytes(count: TokenOffice.idBytes)),
            secret: Base64.urlString(random.bytes(count: TokenOffice.secretBytes)))
        var data: JSONObject = [
            "token": .string(token.id), "name": .string(order.name),
            "scopes": .array(order.scopes.map { .string($0.description) }),
            "secret_sha256": .string(Hex.string(TokenOffice.digest(of: token.secret))),
        ]
        data["cluster"] = .optional(order.cluster)
        data["expires"] = .optional(order.expires?.description)
        try append(AccessTokens.created, id: token.id, .object(data))
        return token
    }

    /// - Throws: `LedgerError` of `notFound` if there is no such token; revoking twice is no error and no second event.
    package func revoke(_ id: String, reason: String?) throws {
        guard let token = try TokenOffice.tokens(in: ledger)[id] else {
            throw LedgerError(
                .notFound, "cannot revoke the token \(id): there is none", remedy: "`cairn token list` shows them")
        }
        guard token.revoked == nil else { return }
        var data: JSONObject = ["token": .string(id)]
        data["reason"] = .optional(reason)
        try append(AccessTokens.revoked, id: "\(id)/revoked", .object(data))
    }

    /// All tokens there ever were.
    package static func tokens(in ledger: Ledger) throws -> AccessTokens {
        var tokens = AccessTokens()
        try advance(&tokens, in: ledger)
        return tokens
    }

    /// Reads on from where the tokens were read to.
    package static func advance(_ tokens: inout AccessTokens, in ledger: Ledger) throws {
        guard let last = try ledger.lastRevision(of: AccessTokens.stream), last >= tokens.eventCount else { return }
        var read = tokens
        try ledger.forEach(in: AccessTokens.stream, from: tokens.eventCount) { read.apply($0) }
        tokens = read
    }

    /// SHA-256 of a secret's text.
    package static func digest(of secret: String) -> [UInt8] { Array(SHA256.hash(data: Array(secret.utf8))) }

    private func append(_ type: String, id: String, _ data: JSONValue) throws {
        try ledger.append(
            [
                Append(
                    ProposedEvent(
                        id: id, source: TokenOffice.source, type: type, subject: AccessTokens.stream,
                        time: clock.now(), data: data))
            ], actor: actor)
    }
}
