import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnSeries
import HTTPTypes

/// Why a call is refused, in the form of RFC 9457: what, why, and what to do about it.
struct Problem: Error, Sendable {
    var status: HTTPResponse.Status
    /// What programs tell problems apart by: `unauthorized`, `refused.unapproved`, ...
    var code: String
    var detail: String
    var remedy: String?
    /// When it is worth trying again.
    var retryAfterSeconds: Int?

    init(
        _ status: HTTPResponse.Status, _ code: String, _ detail: String, remedy: String? = nil,
        retryAfterSeconds: Int? = nil
    ) {
        self.status = status
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.retryAfterSeconds = retryAfterSeconds
    }

    var json: JSONValue {
        var object: JSONObject = [
            "type": "about:blank", "title": .string(status.reasonPhrase), "status": .integer(status.code),
            "code": .string(code), "detail": .string(Problem.clipped(detail)),
        ]
        object["remedy"] = remedy.map { .string($0) }
        return .object(object)
    }

    var answer: Answer {
        var answer = Answer.json(json, status)
        answer.headers[.contentType] = MediaTypes.problem
        if let retryAfterSeconds { answer.headers[.retryAfter] = String(retryAfterSeconds) }
        if status == .unauthorized {
            answer.headers[.wwwAuthenticate] = "Basic realm=\"cairn\", Bearer realm=\"cairn\""
        }
        return answer
    }

    /// An error may quote what it is about, and that may be a megabyte.
    private static let charactersMax = 2000

    private static func clipped(_ text: String) -> String {
        text.utf8.count <= charactersMax ? text : String(text.prefix(charactersMax)) + " ..."
    }

    /// Whether somebody was refused something that is not theirs to do: the log tells who, where and how often.
    var isDenial: Bool {
        [.unauthorized, .forbidden].contains(status)
            || ["rate-limit", "refused.\(Rule.approverIsRequester.rawValue)"].contains(code)
    }

    static func notFound(_ what: String, remedy: String? = nil) -> Problem {
        Problem(.notFound, "not-found", "cannot find \(what)", remedy: remedy)
    }

    static func badRequest(_ detail: String, remedy: String? = nil) -> Problem {
        Problem(.badRequest, "bad-request", detail, remedy: remedy)
    }

    static func tooLarge(_ detail: String) -> Problem { Problem(.contentTooLarge, "too-large", detail) }

    static func busy(_ detail: String) -> Problem {
        Problem(.serviceUnavailable, "busy", detail, retryAfterSeconds: Problem.retrySeconds)
    }

    /// How long senders wait when there is no room: the time of some commits.
    static let retrySeconds = 2
}

extension Problem {
    /// What an error of the layers below is to the caller.
    init(_ error: any Error) {
        switch error {
        case let problem as Problem: self = problem
        case let error as QuestionError:
            self.init(
                error.code == .question ? .badRequest : .notFound,
                error.code == .question ? "bad-request" : "not-found",
                error.message, remedy: error.remedy)
        case let error as SeriesKeyError: self = .badRequest("\(error)")
        case let refusal as Refusal:
            self.init(.conflict, "refused.\(refusal.rule.rawValue)", "\(refusal)")
        case let error as LedgerError: self.init(error)
        case let error as ReadModelError: self.init(error)
        case is CancellationError: self = .busy("the server is stopping")
        default: self.init(.internalServerError, "internal", "cannot answer: \(error)")
        }
    }

    private init(_ error: LedgerError) {
        let detail = error.message
        switch error.code {
        case .conflict: self.init(.conflict, "conflict", detail, remedy: error.remedy)
        case .identityConflict: self.init(.conflict, "identity-conflict", detail, remedy: error.remedy)
        case .tooLarge: self = .tooLarge(detail)
        case .invalidEvent, .proof: self.init(.unprocessableContent, "invalid-event", detail, remedy: error.remedy)
        case .notFound: self.init(.notFound, "not-found", detail, remedy: error.remedy)
        case .diskFull, .lockedBy, .stopped, .closed, .readOnly:
            self.init(
                .serviceUnavailable, "not-writable", detail, remedy: error.remedy,
                retryAfterSeconds: Problem.retrySeconds)
        default: self.init(.internalServerError, "ledger", detail, remedy: error.remedy)
        }
    }

    private init(_ error: ReadModelError) {
        switch error.code {
        case .query, .refused, .unknownQuery: self = .badRequest(error.message)
        case .timeLimit: self.init(.unprocessableContent, "too-slow", error.message)
        case .busy: self = .busy(error.message)
        default: self.init(.internalServerError, "read-model", error.message)
        }
    }
}
