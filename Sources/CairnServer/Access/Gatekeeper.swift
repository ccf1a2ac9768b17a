import CairnBytes
import CairnLedger
import CairnModel
import HTTPTypes

/// Decides before a route is run whether its caller may: who it is, what it may do, how often, and for browsers whether
/// the form came from here. Whoever calls this tells the journal of refusals (`Problem.isDenial`).
struct Gatekeeper: Sendable {
    let tokens: TokenBook
    let sessions: Sessions
    let limits: RateLimits
    /// For calls that show nothing valid: one bucket for each address, so that guessing is slow.
    let strangerLimits: RateLimits
    let clock: any WallClock
    let signedTokens: (any SignedTokenChecker)?

    /// - Parameter caller: the name of the caller from where it is known, also if it is refused then.
    /// - Returns: the caller, and its session if it is a browser; nobody for a route that is open, whatever was shown.
    /// - Throws: `Problem` with 401, 403 or 429.
    func admit(
        _ route: Route, headers: HTTPFields, remote: String, at now: Timestamp, caller: inout String?
    ) async throws -> (principal: Principal?, session: Session?) {
        try Gatekeeper.checkSite(route, headers)
        if case .open = route.access { return (nil, nil) }
        let session = session(headers, at: now)
        guard let principal = try await principal(headers, session, at: now) else {
            try slowStrangers(remote)
            throw Problem(
                .unauthorized, "unauthorized", "cannot tell who calls: no valid token was shown",
                remedy: "send `Authorization: Bearer TOKEN`; `cairn token create` makes one")
        }
        caller = principal.name
        if let seconds = limits.take(principal.tokenID ?? principal.name, at: clock.monotonicMicroseconds()) {
            throw Problem(
                .tooManyRequests, "rate-limit", "cannot take more calls of \(principal.name) now",
                retryAfterSeconds: seconds)
        }
        // A page of another site can make a browser send its cookie, but not a token.
        if session != nil, route.audience == .programs, route.method != .get, route.method != .head {
            throw Problem(
                .forbidden, "session", "cannot take this from a browser's session",
                remedy: "send a token: Authorization: Bearer TOKEN")
        }
        guard principal.allows(route.access) else {
            throw Problem(
                .forbidden, "forbidden",
                "\(principal.name) does not hold the scope \(route.neededScope) of this route",
                remedy: "make a token with it: cairn token create --scope \(route.neededScope)")
        }
        return (principal, session)
    }

    /// The holder of a token that somebody typed into the login page; nil if it is none.
    /// - Throws: `Problem` with 429 where too many others were typed before: a valid one is never held up by them.
    func logIn(_ text: String, remote: String, at now: Timestamp) throws -> Principal? {
        if let principal = tokens.principal(of: text, at: now) { return principal }
        try slowStrangers(remote)
        return nil
    }

    /// Checks that a form was sent by a page of this server.
    func checkForm(_ call: Call, token: String?) throws {
        guard let session = call.session, let token, token == session.formToken else {
            throw Problem(
                .forbidden, "form-token", "cannot take this form: it is not from a page of this server",
                remedy: "reload the page and send it again")
        }
    }

    /// A browser says where a page that makes it send something is from: another site's page must not log it in as
    /// somebody else, nor write with a password that it keeps.
    private static func checkSite(_ route: Route, _ headers: HTTPFields) throws {
        guard route.method != .get, route.method != .head, let name = HTTPField.Name("Sec-Fetch-Site"),
            let site = headers[name], site != "same-origin", site != "none"
        else { return }
        throw Problem(.forbidden, "cross-site", "cannot take this: it is from a page of another site")
    }

    private func slowStrangers(_ remote: String) throws {
        guard let seconds = strangerLimits.take(remote, at: clock.monotonicMicroseconds()) else { return }
        throw Problem(
            .tooManyRequests, "rate-limit", "cannot take more calls without a valid token from this address now",
            retryAfterSeconds: seconds)
    }

    func session(_ headers: HTTPFields, at now: Timestamp) -> Session? {
        guard case .session(let id)? = Credentials.shown(in: headers) else { return nil }
        return sessions.find(id, at: now)
    }

    private func principal(
        _ headers: HTTPFields, _ session: Session?, at now: Timestamp
    ) async throws -> Principal? {
        switch Credentials.shown(in: headers) {
        case .token(let text)?: return tokens.principal(of: text, at: now)
        case .signed(let text)?: return try await signedTokens?.principal(of: text, at: now)
        case .session?:
            // A session ends with the token it was opened with.
            guard let session else { return nil }
            guard let id = session.principal.tokenID else { return session.principal }
            return tokens.isValid(id, at: now) ? session.principal : nil
        case nil: return nil
        }
    }
}

/// Checks tokens that somebody else signs.
protocol SignedTokenChecker: Sendable {
    /// Nil if it is not valid; throws only if the keys cannot be had.
    func principal(of text: String, at now: Timestamp) async throws -> Principal?
}

extension Route {
    /// The scope in words.
    var neededScope: String {
        switch access {
        case .open: "none"
        case .anyToken: "any"
        case .scope(let scope): scope.description
        }
    }
}
