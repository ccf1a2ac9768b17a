import CairnModel
import HTTPTypes

/// One route: where it is, who may call it, what it says of itself, and what it does. The router, the access check, the
/// OpenAPI document and the test of every route with every scope are all made from the list of these.
struct Route: Sendable {
    /// Who may call.
    enum Access: Sendable, Hashable {
        /// Anybody: health, logging in, styles. Nothing here writes to the log on behalf of the caller.
        case open
        case scope(AccessScope)
        /// Anybody who holds a valid token.
        case anyToken
    }

    /// For whom answers are meant: it decides how a refusal looks.
    enum Audience: Sendable, Hashable {
        case programs
        /// Pages: who is not logged in is sent to log in.
        case browsers
    }

    struct Parameter: Sendable, Hashable {
        enum Place: String, Sendable, Hashable { case path, query }
        enum Kind: Sendable, Hashable {
            case text
            /// May be given several times.
            case texts
            /// A position: a whole number from 0.
            case integer
            case number(max: UInt64)
            case seconds(max: Double)
            case flag
            case time
            case choice([String])
        }

        var name: String
        var place: Place = .query
        var kind: Kind = .text
        var isRequired = false
        var meaning: String
        /// What is meant where it is left out.
        var usual: String?
        /// What clients are told not to go beyond: a whole target of a request has at most 16 KiB.
        var charactersMax = 300

        /// For keys, checkpoints and selectors.
        var long: Parameter {
            var parameter = self
            parameter.charactersMax = 1000
            return parameter
        }

        func with(default usual: String) -> Parameter {
            var parameter = self
            parameter.usual = usual
            return parameter
        }

        static func query(_ name: String, _ meaning: String, _ kind: Kind = .text, isRequired: Bool = false)
            -> Parameter
        { Parameter(name: name, kind: kind, isRequired: isRequired, meaning: meaning) }
    }

    var method: HTTPRequest.Method
    /// `{name}` stands for one part of the path, `{name...}` at the end for the rest.
    var path: String
    var access: Access
    var audience = Audience.programs
    var summary: String
    var parameters: [Parameter] = []
    /// Media types that the body may have; empty for a route without a body.
    var bodyTypes: [String] = []
    /// Largest body, before and after decompression.
    var bodyBytesMax = Route.smallBodyBytesMax
    /// Media types of the answer.
    var answerTypes = [MediaTypes.json]
    var successStatus = HTTPResponse.Status.ok
    /// True where the answer may be that it is being made: 202.
    var mayTakeLong = false
    /// True where the receiver undoes the encoding itself, since its protocol says which.
    var keepsEncoding = false
    var handle: @Sendable (Call) async throws -> Answer

    /// Bodies of people and pipelines: a command with a large plan.
    static let smallBodyBytesMax = 4 << 20
    /// Bodies of senders: Firehose sends up to 64 MiB, and OTLP allows as much.
    static let largeBodyBytesMax = 64 << 20
    /// What a body may grow to when it is decompressed: what the readers of bodies take, and OTLP names as its limit.
    static let decompressedBytesMax = 64 << 20
}
