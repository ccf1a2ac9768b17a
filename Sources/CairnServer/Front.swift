import CairnBytes
import CairnLedger
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What Hummingbird hands to each request: the address of the peer beside its own needs.
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
        var caller: String?
        var answer: Answer
        do {
            answer = try await answered(request, context, route, traceparent, &caller)
        } catch {
            answer = refused(Problem(error), request, route)
        }
        let seconds = Double(clock.monotonicMicroseconds() - start) / 1e6
        metrics.answered(
            method: route.method.rawValue, route: route.path, status: answer.status.code, seconds: seconds)
        log(route, answer.status, seconds, caller, traceparent)
        return response(answer, traceparent)
    }

    private func answered(
        _ request: Request, _ context: ConnectionContext, _ route: Route, _ traceparent: String?,
        _ caller: inout String?
    ) async throws -> Answer {
        let now = clock.now()
        let (principal, session) = try await gatekeeper.admit(
            route, headers: request.headers, remote: context.remote, at: now)
        caller = principal?.name
        let parameters = try Front.parameters(of: context, route)
        var body: [UInt8] = []
        var taken = 0
        defer { bodies.budget.give(back: taken) }
        if !route.bodyTypes.isEmpty {
            try Front.check(request.headers[.contentType], route)
            (body, taken) = try await bodies.read(request, bytesMax: route.bodyBytesMax)
            if !route.keepsEncoding, let encoding = request.headers[.contentEncoding] {
                let grown = min(Route.decompressedBytesMax, route.bodyBytesMax)
                body = try await bodies.decoded(body, encoding, bytesMax: grown, taken: &taken)
            }
        }
        let query = request.uri.queryParameters.map { (name: String($0.key), value: String($0.value)) }
        return try await route.handle(
            Call(
                method: request.method, path: request.uri.path, parameters: parameters, query: query,
                headers: request.headers, body: body, principal: principal, session: session,
                remote: context.remote, now: now, traceparent: traceparent))
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
        _ route: Route, _ status: HTTPResponse.Status, _ seconds: Double, _ caller: String?, _ traceparent: String?
    ) {
        var metadata: Logger.Metadata = [
            "method": "\(route.method.rawValue)", "route": "\(route.path)", "status": "\(status.code)",
            "seconds": "\(seconds)",
        ]
        if let caller { metadata["caller"] = "\(caller)" }
        if let traceparent { metadata["traceparent"] = "\(traceparent)" }
        logger.info("answered", metadata: metadata)
    }

    /// Paths that no route has.
    private struct UnknownPath: RouterMiddleware {
        let front: Front

        func handle(
            _ request: Request, context: ConnectionContext,
            next: (Request, ConnectionContext) async throws -> Response
        ) async throws -> Response {
            do { return try await next(request, context) } catch let error as HTTPError {
                let problem =
                    error.status == .notFound
                    ? Problem.notFound(
                        "\(request.uri.path.prefix(200))", remedy: "GET /v1/openapi.json lists what there is")
                    : Problem(error.status, "http", "cannot answer this: \(error.status.reasonPhrase)")
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
