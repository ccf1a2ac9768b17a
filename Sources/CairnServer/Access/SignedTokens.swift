import CairnBytes
import CairnModel
import CairnRecorder
import JWTKit
import Synchronization

/// Tokens of an identity provider (OpenID Connect): signed with one of its keys, made by it, for us, and valid now. What
/// they allow follows from the groups that they name; a holder of no known group may nothing.
final class SignedTokens: SignedTokenChecker {
    private struct Keys {
        var bytes: [UInt8]
        var collection: JWTKeyCollection
        var ids: Set<String>
    }

    /// Clocks of two machines differ by so much.
    private static let leewaySeconds = 60.0
    /// A key that was withdrawn is good for so long, and a token of a key that is not known makes us ask for new ones.
    private static let keptSeconds: Int64 = 300
    private static let unknownKeySeconds: Int64 = 10
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
        guard text.utf8.count <= SignedTokens.bytesMax, let header = SignedTokens.header(of: text),
            // What must be understood is not.
            header["crit"] == nil
        else { return nil }
        var keys = try await keys(keptSeconds: SignedTokens.keptSeconds)
        if let key = header["kid"]?.string, !keys.ids.contains(key) {
            keys = try await self.keys(keptSeconds: SignedTokens.unknownKeySeconds)
        }
        guard let claims = try? await keys.collection.verify(text, as: Claims.self),
            claims.texts["iss"] == options.issuer, claims.all("aud").contains(options.audience),
            let subject = claims.texts["sub"], SignedTokens.isName(subject),
            SignedTokens.isNow(claims, Double(now.microseconds) / 1e6)
        else { return nil }
        let held = claims.all(options.groupsClaim).flatMap { scopes[$0] ?? [] }
        var unique: [AccessScope] = []
        for scope in held where !unique.contains(scope) { unique.append(scope) }
        return Principal(actor: Actor(id: TokenOffice.foreignPrefix + subject, type: "oidc"), scopes: unique)
    }

    private static func isNow(_ claims: Claims, _ seconds: Double) -> Bool {
        let times = ["exp", "nbf", "iat"]
        // A time that is no number says nothing that could be held against it.
        guard times.allSatisfy({ !claims.names.contains($0) || claims.numbers[$0] != nil }),
            let expires = claims.numbers["exp"], seconds < expires + leewaySeconds
        else { return false }
        return times.dropFirst().allSatisfy { seconds > (claims.numbers[$0] ?? 0) - leewaySeconds }
    }

    /// What events can call somebody.
    private static func isName(_ subject: String) -> Bool {
        !subject.isEmpty && subject.utf8.count <= TokenOffice.nameBytesMax
            && subject.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }

    private static func header(of text: String) -> JSONObject? {
        let part = text.prefix { $0 != "." }.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        let padding = String(repeating: "=", count: (4 - part.count % 4) % 4)
        guard let bytes = Base64.bytes(String(part) + padding) else { return nil }
        return try? JSONParser.parse(bytes).value.object
    }

    private func keys(keptSeconds: Int64) async throws -> Keys {
        let bytes: [UInt8]
        do { bytes = try await outside.read(options.keysURL, keptSeconds: keptSeconds) } catch {
            throw Problem.busy("cannot tell who calls: the keys at \(options.keysURL) cannot be had: \(error)")
        }
        if let known = keys.withLock({ $0 }), known.bytes == bytes { return known }
        let collection = JWTKeyCollection()
        do {
            try await collection.add(jwksJSON: String(decoding: bytes, as: UTF8.self))
        } catch {
            throw Problem.busy("cannot read the keys at \(options.keysURL): \(error)")
        }
        let members = (try? JSONParser.parse(bytes).value)?["keys"]?.array ?? []
        let read = Keys(bytes: bytes, collection: collection, ids: Set(members.compactMap { $0["kid"]?.string }))
        keys.withLock { $0 = read }
        return read
    }
}

/// Everything that a token says which is a text, a number, or a list of texts.
private struct Claims: JWTPayload {
    var texts: [String: String] = [:]
    var numbers: [String: Double] = [:]
    var lists: [String: [String]] = [:]
    var names: Set<String> = []

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            names.insert(key.stringValue)
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
