import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnWeb
import HTTPTypes

/// The pages that people look at: each is a document of the tables, rendered here, with no script needed.
struct PageRoutes: Sendable, ErrorPages {
    let workspace: Workspace
    let pool: BlockingPool
    let room: QuestionRoom
    let sessions: Sessions
    let gatekeeper: Gatekeeper
    let commands: CommandRoutes
    let watch: AnalysisWatch
    let isEncrypted: Bool

    private static let formType = "application/x-www-form-urlencoded"
    /// A token and a path, or a comment.
    private static let formBytesMax = 64 << 10

    var routes: [Route] { looks + forms + access + assets }

    private func context(_ call: Call) -> PageContext { context(call.principal, call.session, call.now) }

    private func context(_ principal: Principal?, _ session: Session?, _ now: Timestamp) -> PageContext {
        PageContext(
            now: now,
            viewer: principal.map { principal in
                PageContext.Viewer(name: principal.name, mayApprove: principal.allows(.scope(.approve)))
            }, formToken: session?.formToken, ledgerOrigin: workspace.ledger.origin)
    }

    private func page(
        _ path: String, _ summary: String, _ render: @escaping @Sendable (Call, PageContext) throws -> [UInt8]
    ) -> Route {
        Route(
            method: .get, path: path, access: .scope(.read), audience: .browsers, summary: summary,
            answerTypes: [MediaTypes.html]
        ) { call in
            try await room.answer(call) {
                try workspace.readModel.catchUp(from: workspace.ledger)
                return .page(try render(call, context(call)))
            }
        }
    }

    // MARK: - Looking

    private var looks: [Route] {
        let ledger = workspace.ledger
        let readModel = workspace.readModel
        return [
            page("/", "The fleet: every migration and deployment.") { call, context in
                FleetPage.render(
                    try FleetBuilder.build(
                        ledger: ledger, readModel: readModel, now: call.now, filter: PageRoutes.fleetFilter(call)),
                    context)
            },
            page("/runs/{stream...}", "One migration or deployment.") { call, context in
                MigrationPage.render(
                    try MigrationBuilder.build(
                        stream: call.parameter("stream"), ledger: ledger, readModel: readModel, now: call.now), context)
            },
            page("/divergence", "Applications by metrics.") { call, context in
                DivergenceMapPage.render(
                    try DivergenceMapBuilder.build(
                        source: call["source"], target: call["target"],
                        report: watch.report(source: call["source"], target: call["target"]),
                        comparesEverySeconds: watch.intervalSeconds, readModel: readModel, now: call.now,
                        filter: PageRoutes.mapFilter(call)), context)
            },
            page("/divergence/{app}/{metric}", "One comparison with both series.") { call, context in
                let pair = try ClusterPair.named(source: call["source"], target: call["target"], in: readModel)
                guard let pair else { throw Problem.badRequest("cannot tell which clusters to compare") }
                return ComparisonPage.render(
                    try ComparisonBuilder.build(
                        app: call.parameter("app"), metric: call.parameter("metric"), source: pair.source,
                        target: pair.target, report: watch.report(source: pair.source, target: pair.target),
                        ledger: ledger, readModel: readModel, now: call.now), context)
            },
            page("/drops", "Dropped traffic with what explains it.") { call, context in
                DropsPage.render(
                    try DropsBuilder.build(
                        source: call["source"], target: call["target"], readModel: readModel, now: call.now,
                        page: PageRoutes.number(call)), context)
            },
            page("/incidents", "All incidents.") { call, context in
                IncidentsPage.render(
                    try IncidentBuilder.list(readModel: readModel, page: PageRoutes.number(call)), context)
            },
            page("/incidents/{id}", "One incident with its timeline.") { call, context in
                IncidentPage.render(
                    try IncidentBuilder.build(
                        incident: call.parameter("id"), ledger: ledger, readModel: readModel, now: call.now), context)
            },
            page("/findings/{id}", "One finding, explained.") { call, context in
                let id = try ExplainAnswer.finding(call.parameter("id"), in: workspace)
                return FindingPage.render(
                    try FindingBuilder.build(finding: id, ledger: ledger, readModel: readModel, now: call.now), context)
            },
            page("/entries/{position}", "One entry with its proof.") { call, context in
                guard let position = UInt64(call.parameter("position")), position < ledger.size else {
                    throw Problem.notFound("the entry \(call.parameter("position").prefix(40))")
                }
                return EntryPage.render(
                    try EntryBuilder.build(position: position, ledger: ledger, readModel: readModel), context)
            },
            page("/timeline", "The story of a stretch of time.") { call, context in
                let range = try QuestionRoutes.range(call).times(now: call.now)
                return TimelineRangePage.render(
                    try TimelineRangeBuilder.build(
                        since: range.since, until: range.until, migration: call["migration"], ledger: ledger,
                        readModel: readModel, now: call.now), context)
            },
        ]
    }

    private static func number(_ call: Call) -> Int { call["page"].flatMap { Int($0) } ?? 1 }

    private static func fleetFilter(_ call: Call) -> FleetDocument.Filter {
        var filter = FleetDocument.Filter()
        filter.text = call["q"] ?? ""
        filter.kind = call["kind"] ?? ""
        filter.status = call["status"] ?? ""
        filter.sort = call["sort"] ?? filter.sort
        filter.isDescending = call["order"] == "desc"
        filter.page = number(call)
        return filter
    }

    private static func mapFilter(_ call: Call) -> DivergenceMapDocument.Filter {
        var filter = DivergenceMapDocument.Filter()
        filter.text = call["q"] ?? ""
        filter.verdict = call["verdict"] ?? ""
        filter.sort = call["sort"] ?? filter.sort
        filter.page = number(call)
        return filter
    }

    // MARK: - Deciding

    private var forms: [Route] {
        [
            form("/runs/{rest...}", "Approve or reject what waits.") { call, fields in
                let parts = call.parameter("rest").split(separator: "/").map(String.init)
                let types = ["approve": "cairn.approval.granted.v1", "reject": "cairn.approval.rejected.v1"]
                guard let action = parts.last, let type = types[action],
                    let stream = StreamName(parts.dropLast().joined(separator: "/"))
                else { throw Problem.notFound("\(call.path.prefix(200))") }
                guard let phase = fields["phase"] else { throw Problem.badRequest("cannot tell which phase is meant") }
                var data: JSONObject = ["phase": .string(phase)]
                if let comment = fields["comment"] {
                    data[action == "approve" ? "comment" : "reason"] = .string(comment)
                }
                _ = try await commands.recorded(PageRoutes.request(type, stream, data, call), call)
                return "/runs/\(stream.text)"
            },
            form("/findings/{id}/{action}", "Acknowledge, mute or mark false.") { call, fields in
                let types = ["acknowledge": "acknowledged", "mute": "muted", "false": "marked_false"]
                guard let word = types[call.parameter("action")] else {
                    throw Problem.notFound("\(call.path.prefix(200))")
                }
                let id = try await pool.run { try ExplainAnswer.finding(call.parameter("id"), in: workspace) }
                var data: JSONObject = ["finding": .string(id)]
                data["reason"] = fields["reason"].map { .string($0) }
                if let expires = fields["expires"] {
                    data["expires"] = .string(try QuestionRoutes.time(expires, "expires", call.now).description)
                }
                let stream = StreamName(kind: "finding", foreignID: id)
                _ = try await commands.recorded(
                    PageRoutes.request("cairn.finding.\(word).v1", stream, data, call), call)
                return "/findings/\(id)"
            },
        ]
    }

    private static func request(
        _ type: String, _ stream: StreamName, _ data: JSONObject, _ call: Call
    ) -> CommandRecorder.Request {
        CommandRecorder.Request(
            type: type, stream: stream, data: .object(data), time: call.now, isTimeGiven: false)
    }

    /// - Parameter take: gives where to go afterwards.
    private func form(
        _ path: String, _ summary: String, _ take: @escaping @Sendable (Call, FormFields) async throws -> String
    ) -> Route {
        var route = Route(
            method: .post, path: path, access: .scope(.approve), audience: .browsers, summary: summary,
            bodyTypes: [PageRoutes.formType], bodyBytesMax: PageRoutes.formBytesMax, answerTypes: [],
            successStatus: .seeOther
        ) { _ in Answer() }
        route.handle = { call in
            let fields = try FormFields(call.body)
            try gatekeeper.checkForm(call, token: fields["form_token"])
            return .redirect(to: try await take(call, fields))
        }
        return route
    }

    // MARK: - Coming and going

    private var access: [Route] {
        [
            Route(
                method: .get, path: "/login", access: .open, audience: .browsers, summary: "The way in.",
                answerTypes: [MediaTypes.html]
            ) { call in
                .page(LoginPage.render(LoginDocument(next: PageRoutes.safePath(call["next"])), context(call)))
            },
            Route(
                method: .post, path: "/login", access: .open, audience: .browsers,
                summary: "Opens a session for the holder of a token.", bodyTypes: [PageRoutes.formType],
                bodyBytesMax: PageRoutes.formBytesMax, answerTypes: [], successStatus: .seeOther
            ) { try logIn($0) },
            Route(
                method: .post, path: "/logout", access: .anyToken, audience: .browsers, summary: "Ends the session.",
                bodyTypes: [PageRoutes.formType], bodyBytesMax: PageRoutes.formBytesMax, answerTypes: [],
                successStatus: .seeOther
            ) { call in
                guard try FormFields(call.body)["form_token"] == call.session?.formToken else {
                    return .redirect(to: "/")
                }
                if let id = Credentials.cookie(Sessions.cookieName, in: call.headers) { sessions.close(id) }
                return Answer.redirect(to: "/login").with("Set-Cookie", cookie("", seconds: 0))
            },
        ]
    }

    private func logIn(_ call: Call) throws -> Answer {
        let fields = try FormFields(call.body)
        let next = PageRoutes.safePath(fields["next"])
        guard let principal = try gatekeeper.logIn(fields["token"] ?? "", remote: call.remote, at: call.now) else {
            let document = LoginDocument(
                message: "This token is not valid: it is unknown, expired or revoked.", next: next)
            return .page(LoginPage.render(document, context(call)), .unauthorized)
        }
        let id = try sessions.open(principal, at: call.now)
        return Answer.redirect(to: next ?? "/").with("Set-Cookie", cookie(id, seconds: Sessions.seconds))
    }

    private func cookie(_ value: String, seconds: Int64) -> String {
        "\(Sessions.cookieName)=\(value); Path=/; HttpOnly; SameSite=Strict; Max-Age=\(seconds)"
            + (isEncrypted ? "; Secure" : "")
    }

    /// A path of this server, never another one's address.
    private static func safePath(_ path: String?) -> String? {
        guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), !path.contains("\\"),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return path
    }

    private var assets: [Route] {
        [
            ("cairn.css", "text/css; charset=utf-8", SiteStyle.css),
            ("cairn.js", "text/javascript; charset=utf-8", SiteScript.javascript),
        ]
        .map { name, type, bytes in
            Route(
                method: .get, path: "/assets/\(name)", access: .open, audience: .browsers,
                summary: "What pages look and act like.", answerTypes: [type]
            ) { _ in Answer(.ok, mediaType: type, bytes).with("Cache-Control", "max-age=300") }
        }
    }

    func page(_ problem: Problem, for headers: HTTPFields, at now: Timestamp) -> Answer {
        let session = gatekeeper.session(headers, at: now)
        let document = MessageDocument(
            status: problem.status.code, title: problem.status.reasonPhrase, text: problem.detail,
            remedy: problem.remedy, retryAfterSeconds: problem.retryAfterSeconds)
        var answer = Answer.page(
            MessagePage.render(document, context(session?.principal, session, now)), problem.status)
        if let seconds = problem.retryAfterSeconds { answer.headers[.retryAfter] = String(seconds) }
        return answer
    }
}
