import CairnBytes
import CairnModel
import HTTPTypes
import Hummingbird

/// One request as the routes see it: whole, bounded, and with its caller known.
struct Call: Sendable {
    var method: HTTPRequest.Method
    /// The path as it came, without the query.
    var path: String
    /// What stands for the names in braces of the route's path.
    var parameters: [String: String]
    var query: [(name: String, value: String)]
    var headers: HTTPFields
    /// After `Content-Encoding` was undone, unless the route wants it as it came.
    var body: [UInt8]
    /// Nil on the few routes that are open to anybody.
    var principal: Principal?
    var session: Session?
    /// The address of the caller, as far as it is known (`CallerAddress`).
    var remote: String
    var now: Timestamp
    /// The caller's place in a trace (W3C Trace Context), if it sent a usable one.
    var traceparent: String?

    /// The first value of a query parameter; nil if it is absent or empty.
    subscript(name: String) -> String? {
        query.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    /// All values of a query parameter that are not empty.
    func all(_ name: String) -> [String] { query.filter { $0.name == name && !$0.value.isEmpty }.map(\.value) }

    /// Who an event is recorded for.
    var actor: Actor { principal?.actor ?? Actor(id: "nobody", type: "none") }

    func parameter(_ name: String) -> String { parameters[name] ?? "" }

    func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

    /// Whether a browser asks, that is for a page and not for data.
    var wantsPage: Bool { headers[.accept]?.contains("text/html") ?? false }
}

/// What a route answers.
struct Answer: Sendable {
    enum Body: Sendable {
        case bytes([UInt8])
        /// Written bit by bit for as long as the caller listens.
        case stream(@Sendable (inout any ResponseBodyWriter) async throws -> Void)
    }

    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: Body

    init(_ status: HTTPResponse.Status = .ok, mediaType: String? = nil, _ body: [UInt8] = []) {
        self.status = status
        self.body = .bytes(body)
        headers = HTTPFields()
        if let mediaType { headers[.contentType] = mediaType }
    }

    init(stream mediaType: String, _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void) {
        status = .ok
        headers = HTTPFields()
        headers[.contentType] = mediaType
        body = .stream(write)
    }

    static func json(_ value: JSONValue, _ status: HTTPResponse.Status = .ok) -> Answer {
        Answer(status, mediaType: MediaTypes.json, Array((CanonicalJSON.string(of: value) + "\n").utf8))
    }

    static func text(_ text: String, _ status: HTTPResponse.Status = .ok) -> Answer {
        Answer(status, mediaType: MediaTypes.text, Array(text.utf8))
    }

    static func page(_ bytes: [UInt8], _ status: HTTPResponse.Status = .ok) -> Answer {
        Answer(status, mediaType: MediaTypes.html, bytes)
    }

    /// Sends a browser elsewhere after a form was taken.
    static func redirect(to path: String) -> Answer {
        var answer = Answer(.seeOther)
        answer.headers[.location] = path
        return answer
    }

    func with(_ name: String, _ value: String) -> Answer {
        var answer = self
        if let name = HTTPField.Name(name) { answer.headers[name] = value }
        return answer
    }
}

enum MediaTypes {
    static let json = "application/json"
    static let jsonLines = "application/x-ndjson"
    static let problem = "application/problem+json"
    static let text = "text/plain; charset=utf-8"
    static let html = "text/html; charset=utf-8"
    static let eventStream = "text/event-stream"
}
