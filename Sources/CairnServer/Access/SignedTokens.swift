import CairnBytes
import CairnModel
import JWTKit
import Synchronization

/// Tokens of an identity provider (OpenID Connect): signed with one of its keys, made by it, for us, and valid now. What
/// they allow follows from the groups that they name; a holder of no known group may nothing.
final class SignedTokens: SignedTokenChecker {
    private struct Keys {
        var bytes: [UInt8]
        var collection: JWTKeyCollection
    }

    /// Clocks of two machines differ by so much.
    private static let leewaySeconds = 60.0
    /// Longer tokens are none: providers keep below what fits into a header.
    private static let bytesMax = 16 << 10

    private let options: ServerOptions.OIDC
    private let scopes: [String: [AccessScope]]
    private let outside: any OutsideReader
    private let keys = Mutex<Keys?>(nil)

    /// - Throws: `Problem` for a scope that does not exist, or keys that would come unprotected.
    init(_ options: ServerOptions.OIDC, outside: any OutsideReader) throws {
        guard options.keysURL.hasPrefix("https://") || options.keysURL.hasPrefix("http://127.0.0.1") else {
            throw Problem.badRequest("cannot use oidc.keys_url: it is not https")
        }
        self.options = options
        self.outside = outside
        scopes = try options.scopes.mapValues { texts in
            try texts.map { text in
                guard let scope = AccessScope(text) else {
                    throw Problem.badRequest("cannot use oidc.scopes: there is no scope \(text)")
                }
                return scope
            }
        }
    }

    func principal(of text: String, at now: Timestamp) async throws -> Principal? {
        guard text.utf8.count <= SignedTokens.bytesMax else { return nil }
        let collection = try await collection()
        guard let claims = try? await collection.verify(text, as: Claims.self) else { return nil }
        let seconds = Double(now.microseconds) / 1e6
        guard claims.texts["iss"] == options.issuer, claims.all("aud").contains(options.audience),
            let subject = claims.texts["sub"], !subject.isEmpty,
            let expires = claims.numbers["exp"], seconds < expires + SignedTokens.leewaySeconds,
            seconds > (claims.numbers["nbf"] ?? 0) - SignedTokens.leewaySeconds
        else { return nil }
        let held = claims.all(options.groupsClaim).flatMap { scopes[$0] ?? [] }
        var unique: [AccessScope] = []
        for scope in held where !unique.contains(scope) { unique.append(scope) }
        return Principal(actor: Actor(id: subject, type: "oidc"), scopes: unique)
    }

    private func collection() async throws -> JWTKeyCollection {
        let bytes = try await outside.read(options.keysURL)
        if let known = keys.withLock({ $0 }), known.bytes == bytes { return known.collection }
        let collection = JWTKeyCollection()
        do {
            try await collection.add(jwksJSON: String(decoding: bytes, as: UTF8.self))
        } catch { throw Problem.busy("cannot read the keys at \(options.keysURL): \(error)") }
        keys.withLock { $0 = Keys(bytes: bytes, collection: collection) }
        return collection
    }
}

/// Everything that a token says which is a text, a number, or a list of texts.
private struct Claims: JWTPayload {
    var texts: [String: String] = [:]
    var numbers: [String: Double] = [:]
    var lists: [String: [String]] = [:]

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            if let text = try? container.decode(String.self, forKey: key) {
                texts[key.stringValue] = text
            } else if let number = try? container.decode(Double.self, forKey: key) {
                numbers[key.stringValue] = number
            } else if let list = try? container.decode([String].self, forKey: key) {
                lists[key.stringValue] = list
            }
        }
    }

    /// Nobody here signs tokens.
    func encode(to encoder: any Encoder) throws {}

    /// The claims are checked by whoever knows what they have to be.
    func verify(using algorithm: some JWTAlgorithm) throws {}

    /// A claim that is one text or a list of them.
    func all(_ name: String) -> [String] { texts[name].map { [$0] } ?? lists[name] ?? [] }
}
