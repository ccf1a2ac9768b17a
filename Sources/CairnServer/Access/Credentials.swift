import CairnBytes
import HTTPTypes

/// What a caller shows, wherever its protocol has a place for it.
enum Credentials: Sendable, Hashable {
    /// The text of a token, or something that claims to be one.
    case token(String)
    /// A signed token of somebody else's (OIDC).
    case signed(String)
    /// A browser's cookie.
    case session(String)

    /// Firehose sends its access key in a header of its own, EventBridge an API key, SNS and old senders Basic.
    private static let keyHeaders = ["x-amz-firehose-access-key", "x-api-key"].compactMap { HTTPField.Name($0) }

    static func shown(in headers: HTTPFields) -> Credentials? {
        for name in keyHeaders {
            if let value = headers[name], !value.isEmpty { return .token(value) }
        }
        if let authorization = headers[.authorization] {
            let parts = authorization.split(separator: " ", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return .token(authorization) }
            switch parts[0].lowercased() {
            case "bearer": return parts[1].split(separator: ".").count == 3 ? .signed(parts[1]) : .token(parts[1])
            case "basic": return basic(parts[1])
            default: return .token(parts[1])
            }
        }
        return cookie(Sessions.cookieName, in: headers).map { .session($0) }
    }

    /// The password is the token; the user is for people to tell senders apart and is not looked at.
    private static func basic(_ text: String) -> Credentials {
        guard let bytes = Base64.bytes(text), let pair = String(validating: bytes, as: UTF8.self),
            let colon = pair.firstIndex(of: ":")
        else { return .token("") }
        return .token(String(pair[pair.index(after: colon)...]))
    }

    static func cookie(_ name: String, in headers: HTTPFields) -> String? {
        for line in headers[values: .cookie] {
            for part in line.split(separator: ";") {
                let pair = part.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if pair.count == 2, pair[0] == name { return String(pair[1]) }
            }
        }
        return nil
    }
}
