import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import CairnWeb
import HTTPTypes

/// Everything that the command line shows, as routes: the same answers, made by the same code, with the same keys.
struct QuestionRoutes: Sendable {
    let workspace: Workspace
    let queries: SavedQueries
    let room: QuestionRoom
    let version: String
    let long: LongWork<Answered>
    let lanes = QuestionLanes()

    var routes: [Route] { states + judgements + stories + log }

    /// A question with all that its answer is made from.
    struct Question {
        var call: Call
        /// Now, or as of the moment that was asked about.
        var workspace: Workspace
        /// What relative times count from.
        var now: Timestamp
    }

    /// - Parameters:
    ///   - isOfAnyTime: may be asked as of a moment of the past.
    ///   - sql: of a question that is one query: a replay then fills only the tables that it reads.
    func get(
        _ path: String, _ summary: String, _ parameters: [Route.Parameter] = [], isOfAnyTime: Bool = false,
        lane: QuestionLanes.Lane = .quick, types: [String] = QuestionRoutes.tableTypes,
        sql: @escaping @Sendable (Call) -> String? = { _ in nil },
        _ handle: @escaping @Sendable (Question) throws -> Answer
    ) -> Route {
        let inPath = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
            Route.Parameter(
                name: String(part.dropFirst().dropLast(part.hasSuffix("...}") ? 4 : 1)), place: .path, isRequired: true,
                meaning: "what is asked about")
        }
        return Route(
            method: .get, path: path, access: .scope(.read), summary: summary,
            parameters: inPath + parameters + (isOfAnyTime ? QuestionRoutes.moments : []), answerTypes: types
        ) { call in
            try await room.answer(call) { try answered(call, isOfAnyTime: isOfAnyTime, lane, sql(call), handle) }
        }
    }

    func answered(
        _ call: Call, isOfAnyTime: Bool, _ lane: QuestionLanes.Lane, _ sql: String?,
        _ handle: (Question) throws -> Answer
    ) throws -> Answer {
        let asked = isOfAnyTime ? try QuestionRoutes.moment(call) : AskedMoment()
        guard asked.isNow else { return try past(call, asked, sql, handle) }
        return try lanes.run(in: lane) {
            // What this server appended is in the tables before it answers.
            try workspace.readModel.catchUp(from: workspace.ledger)
            return try handle(Question(call: call, workspace: workspace, now: call.now))
        }
    }

    private func past(
        _ call: Call, _ asked: AskedMoment, _ sql: String?, _ handle: (Question) throws -> Answer
    ) throws -> Answer {
        let moments = try asked.moments(in: workspace.ledger, now: call.now)
        return try lanes.run(in: .replay) {
            let replayed = try replayed(moments, sql)
            defer { try? replayed.readModel.close() }
            return try handle(Question(call: call, workspace: replayed, now: try replayed.clock(now: call.now)))
        }
    }

    /// The log replayed just now, up to moments or whole.
    func replayed(_ moments: [ReadModel.Moment], _ sql: String? = nil) throws -> Workspace {
        let log = HurriedLog(workspace.ledger)
        return Workspace(
            ledger: workspace.ledger, readModel: try ReadModel.past(moments, of: log, answering: sql),
            path: workspace.path, moments: moments)
    }

    // MARK: - Where things stand

    private var states: [Route] {
        [
            get(
                "/v1/status", "Where each migration and deployment stands.", [QuestionRoutes.format],
                isOfAnyTime: true
            ) { try QuestionRoutes.answer(StatusAnswer.all($0.workspace, now: $0.now), $0.call) },
            get(
                "/v1/status/{id...}", "Each phase of one migration or deployment.", [QuestionRoutes.format],
                isOfAnyTime: true
            ) { question in
                let stream = try StatusAnswer.stream(question.call.parameter("id"), in: question.workspace)
                return try QuestionRoutes.answer(StatusAnswer.one(stream, question.workspace), question.call)
            },
            list("/v1/findings", "What was found.", FindingsAnswer.findings, ["open", "withdrawn"]),
            list("/v1/incidents", "What findings of one cause came to.", FindingsAnswer.incidents, ["open", "closed"]),
            get("/v1/queries", "The saved queries.", [QuestionRoutes.format]) {
                try QuestionRoutes.answer(QueryAnswer.catalog(queries), $0.call)
            },
            get(
                "/v1/queries/{name}",
                "The answer of a saved query; its parameters are query parameters, or given with `parameter`.",
                [QuestionRoutes.format, QuestionRoutes.timeout, QuestionRoutes.parameter], isOfAnyTime: true,
                sql: { queries[$0.parameter("name")]?.sql }
            ) { question in
                let call = question.call
                guard let query = queries[call.parameter("name")] else {
                    throw Problem.notFound(
                        "a saved query named \(call.parameter("name").prefix(100))",
                        remedy: "GET /v1/queries lists them")
                }
                let bare = query.parameters.map(\.name).filter { !QuestionRoutes.reserved.contains($0) }
                let texts = bare.compactMap { name in call[name].map { "\(name)=\($0)" } } + call.all("parameter")
                let arguments = try QueryAnswer.arguments(texts, of: query, now: call.now)
                return try result(
                    question.workspace.readModel.query(query, arguments, limits: limits(call)), call)
            },
            Route(
                method: .post, path: "/v1/query", access: .scope(.read), summary: "Any SQL that only reads.",
                parameters: [QuestionRoutes.format, QuestionRoutes.timeout, QuestionRoutes.parameter]
                    + QuestionRoutes.moments,
                bodyTypes: ["text/plain", "application/sql"], bodyBytesMax: QuestionRoutes.sqlBytesMax,
                answerTypes: QuestionRoutes.tableTypes
            ) { call in
                guard let sql = String(validating: call.body, as: UTF8.self) else {
                    throw Problem.badRequest("cannot read the statement: it is not UTF-8")
                }
                return try await room.answer(call) {
                    try answered(call, isOfAnyTime: true, .quick, sql) { question in
                        let arguments = try QueryAnswer.arguments(call.all("parameter"), of: nil, now: call.now)
                        return try result(
                            question.workspace.readModel.query(sql, arguments, limits: limits(call)), call)
                    }
                }
            },
        ]
    }

    private func list(_ path: String, _ summary: String, _ sql: String, _ statuses: [String]) -> Route {
        get(
            path, summary, [.query("status", "only those", .choice(statuses)), QuestionRoutes.format],
            isOfAnyTime: true, sql: { _ in sql }
        ) { asked in
            let status = asked.call["status"]
            if let status, !statuses.contains(status) {
                throw Problem.badRequest(
                    "cannot tell which are \(status.prefix(40))", remedy: "use \(statuses.joined(separator: " or "))")
            }
            return try QuestionRoutes.answer(
                FindingsAnswer.answer(sql, status: status, asked.workspace, limits: limits(asked.call)), asked.call)
        }
    }

    /// Names of query parameters that say how a saved query is answered and not what it asks.
    private static let reserved: Set<String> = ["format", "timeout", "parameter", "at", "known_at", "entry"]

    private func limits(_ call: Call) throws -> QueryLimits {
        var seconds = QuestionRoutes.secondsMax
        if let text = call["timeout"] {
            guard let given = Double(text), given > 0, given <= QuestionRoutes.secondsMax else {
                throw Problem.badRequest(
                    "cannot take a timeout of \(text.prefix(40)) s: it is above 0 and at most \(QuestionRoutes.secondsMax)"
                )
            }
            seconds = given
        }
        return QueryLimits(
            rowsMax: QuestionRoutes.rowsMax, secondsMax: seconds, bytesMax: QuestionRoutes.answerBytesMax)
    }

    private func result(_ result: QueryResult, _ call: Call) throws -> Answer {
        let answer = try QuestionRoutes.answer(QueryAnswer.answered(result), call)
        return result.isTruncated ? answer.with("X-Cairn-Truncated", "true") : answer
    }
}
