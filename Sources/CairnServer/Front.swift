import CairnBytes
import CairnFlowLogs
import CairnLedger
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What Hummingbird hands to each request: the address of the other end of the connection beside its own needs.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let remote: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        remote = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }
}

/// Between HTTP and the routes: admits the caller, reads the body, runs the route, and turns whatever happens into an
/// answer with the headers that every answer has.
struct Front: Sendable {
    let routes: [Route]
    let gatekeeper: Gatekeeper
    let bodies: BodyReader
    let metrics: ServerMetrics
    let journal: Journal
    let clock: any WallClock
    let logger: Logger
    let trustedProxies: [IPPrefix]
    let pages: any ErrorPages
    /// Whether answers go over TLS, so that browsers may be told to insist on it.
    let isEncrypted: Bool

    func router() -> Router<ConnectionContext> {
        let router = Router(context: ConnectionContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(middleware: UnknownPath(front: self))
        for route in routes {
            router.on(Front.routerPath(route.path), method: route.method) { request, context in
                await respond(to: request, context, route)
            }
        }
        return router
    }

    /// `/runs/{stream...}` as Hummingbird writes it: `/runs/**`.
    private static func routerPath(_ path: String) -> RouterPath {
        let parts = path.split(separator: "/").map { part -> String in
            guard part.hasPrefix("{") else { return String(part) }
            return part.hasSuffix("...}") ? "**" : ":\(part.dropFirst().dropLast())"
        }
        return RouterPath(parts.joined(separator: "/"))
    }

    private func respond(to request: Request, _ context: ConnectionContext, _ route: Route) async -> Response {
        let start = clock.monotonicMicroseconds()
        let traceparent = request.headers[.traceparent].flatMap { TraceContext.isUsable($0) ? $0 : nil }
        let remote = CallerAddress.of(peer: context.remote, headers: request.headers, trusted: trustedProxies)
        var caller: String?
        var answer: Answer
        var denial: String?
        do {
            answer = try await answered(request, context, route, remote, traceparent, &caller)
            // The login page comes again where a token is none.
            if answer.status == .unauthorized { denial = "unauthorized" }
        } catch {
            let problem = Problem(error)
            if problem.isDenial { denial = problem.code }
            answer = refused(problem, request, route)
        }
        if let denial {
            journal.denied(
                method: route.method.rawValue, route: route.path, reason: denial, principal: caller, remote: remote)
        }
        let seconds = Double(clock.monotonicMicroseconds() - start) / 1e6
        metrics.answered(
            method: route.method.rawValue, route: route.path, status: answer.status.code, seconds: seconds)
        log(route, answer.status, seconds, caller, remote, traceparent)
        return response(answer, traceparent)
    }

    private func answered(
        _ request: Request, _ context: ConnectionContext, _ route: Route, _ remote: String, _ traceparent: String?,
        _ caller: inout String?
    ) async throws -> Answer {
        let now = clock.now()
        let (principal, session) = try await gatekeeper.admit(
            route, headers: request.headers, remote: remote, at: now, caller: &caller)
        let parameters = try Front.parameters(of: context, route)
        var body: [UInt8] = []
        let room = bodies.budget.room(
            for: principal.map { $0.tokenID ?? $0.name } ?? remote,
            isSmall: route.bodyBytesMax <= Route.smallBodyBytesMax)
        defer { room.giveBack() }
        if !route.bodyTypes.isEmpty {
            try Front.check(request.headers[.contentType], route)
            body = try await bodies.read(request, bytesMax: route.bodyBytesMax, room)
            if !route.keepsEncoding, let encoding = request.headers[.contentEncoding] {
                let grown = min(Route.decompressedBytesMax, route.bodyBytesMax)
                body = try await bodies.decoded(body, encoding, bytesMax: grown, room)
            }
        }
        guard let query = PercentEncoding.fields((request.uri.query ?? "").utf8) else {
            throw Problem.badRequest("cannot read the query: it is not percent-encoded UTF-8")
        }
        return try await route.handle(
            Call(
                method: request.method, path: request.uri.path, parameters: parameters, query: query,
                headers: request.headers, body: body, principal: principal, session: session,
                remote: remote, now: now, traceparent: traceparent))
    }

    private static func parameters(of context: ConnectionContext, _ route: Route) throws -> [String: String] {
        var values: [String: String] = [:]
        for part in route.path.split(separator: "/") where part.hasPrefix("{") {
            let isRest = part.hasSuffix("...}")
            let name = String(part.dropFirst().dropLast(isRest ? 4 : 1))
            let raw =
                isRest
                ? context.parameters.getCatchAll().joined(separator: "/") : context.parameters.get(name) ?? ""
            guard let text = PercentEncoding.decode(raw) else {
                throw Problem.badRequest("cannot read the \(name) in the path: it is not percent-encoded UTF-8")
            }
            values[name] = text
        }
        return values
    }

    /// 415 for a body of a type that the route does not take.
    private static func check(_ contentType: String?, _ route: Route) throws {
        guard !route.bodyTypes.contains("*/*") else { return }
        let type = (contentType ?? "").split(separator: ";").first.map { $0.filter { $0 != " " }.lowercased() } ?? ""
        guard route.bodyTypes.contains(where: { $0.split(separator: ";").first.map(String.init) == type }) else {
            throw Problem(
                .unsupportedMediaType, "content-type",
                "cannot take a body of the type \(type.isEmpty ? "that is not named" : String(type.prefix(100)))",
                remedy: "send \(route.bodyTypes.joined(separator: " or "))")
        }
    }

    private func refused(_ problem: Problem, _ request: Request, _ route: Route) -> Answer {
        if problem.status.code >= 500, problem.status != .serviceUnavailable {
            logger.error("\(problem.detail)", metadata: ["route": "\(route.path)", "code": "\(problem.code)"])
        }
        guard route.audience == .browsers else { return problem.answer }
        if problem.status == .unauthorized {
            return .redirect(to: "/login?next=\(Front.encoded(request.uri.string))")
        }
        return pages.page(problem, for: request.headers, at: clock.now())
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { output, byte in
            let isPlain =
                byte < 128 && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
            output += isPlain || byte == UInt8(ascii: "/") ? String(Unicode.Scalar(byte)) : "%" + Hex.string([byte])
        }
    }

    /// What a browser may do with a page of ours: nothing that is not from here.
    private static let policy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    func response(_ answer: Answer, _ traceparent: String? = nil) -> Response {
        var headers = answer.headers
        headers[.contentSecurityPolicy] = Front.policy
        headers[.xContentTypeOptions] = "nosniff"
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        if isEncrypted { headers[.strictTransportSecurity] = "max-age=31536000" }
        if let traceparent { headers[.traceparent] = traceparent }
        switch answer.body {
        case .bytes(let bytes):
            return Response(
                status: answer.status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .stream(let write):
            return Response(
                status: answer.status, headers: headers,
                body: ResponseBody { writer in
                    try await write(&writer)
                    try await writer.finish(nil)
                })
        }
    }

    private func log(
        _ route: Route, _ status: HTTPResponse.Status, _ seconds: Double, _ caller: String?, _ remote: String,
        _ traceparent: String?
    ) {
        var metadata: Logger.Metadata = [
            "method": "\(route.method.rawValue)", "route": "\(route.path)", "status": "\(status.code)",
            "seconds": "\(seconds)", "remote": "\(remote)",
        ]
        if let caller { metadata["caller"] = "\(caller)" }
        if let traceparent { metadata["traceparent"] = "\(traceparent)" }
        logger.info("answered", metadata: metadata)
    }

    private func problem(_ error: HTTPError, _ request: Request) -> Problem {
        guard error.status == .notFound else {
            return Problem(error.status, "http", "cannot answer this: \(error.status.reasonPhrase)")
        }
        let methods = Set(routes.filter { Front.matches(request.uri.path, $0) }.map(\.method.rawValue))
        guard methods.isEmpty else {
            return Problem(
                .methodNotAllowed, "method", "cannot \(request.method.rawValue.prefix(40)) this",
                remedy: "use \(methods.sorted().joined(separator: " or "))")
        }
        return .notFound("\(request.uri.path.prefix(200))", remedy: "GET /v1/openapi.json lists what there is")
    }

    private static func matches(_ path: String, _ route: Route) -> Bool {
        let parts = path.split(separator: "/")
        let pattern = route.path.split(separator: "/")
        for (index, part) in pattern.enumerated() {
            if part.hasSuffix("...}") { return parts.count > index }
            guard index < parts.count, part.hasPrefix("{") || part == parts[index] else { return false }
        }
        return parts.count == pattern.count
    }

    /// Paths that no route has, or not with this method.
    private struct UnknownPath: RouterMiddleware {
        let front: Front

        func handle(
            _ request: Request, context: ConnectionContext,
            next: (Request, ConnectionContext) async throws -> Response
        ) async throws -> Response {
            do { return try await next(request, context) } catch let error as HTTPError {
                let problem = front.problem(error, request)
                let isPage = request.headers[.accept]?.contains("text/html") ?? false
                return front.response(
                    isPage
                        ? front.pages.page(problem, for: request.headers, at: front.clock.now()) : problem.answer)
            }
        }
    }
}

/// Refusals as people read them.
protocol ErrorPages: Sendable {
    /// - Parameter headers: of the request, which may show a session.
    func page(_ problem: Problem, for headers: HTTPFields, at now: Timestamp) -> Answer
}

extension HTTPField.Name {
    static let traceparent = HTTPField.Name("traceparent")!
}
