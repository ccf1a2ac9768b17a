import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnSeries
import CairnWeb
import HTTPTypes

/// Everything that the command line answers, as routes: the same tables with the same keys.
struct QuestionRoutes: Sendable {
    let workspace: Workspace
    let queries: SavedQueries
    let pool: BlockingPool
    let version: String

    /// Rows of one answer: more are a file, which the command line writes.
    private static let rowsMax = 100_000
    /// A page that somebody waits for.
    private static let secondsMax = 10.0
    private static let sqlBytesMax = 64 << 10

    private static let format = Route.Parameter.query(
        "format", "the form of the answer", .choice(TableFormat.allCases.map(\.rawValue)))
    private static let pair = [
        Route.Parameter.query("source", "the cluster that is left; by default of the ledger's one migration"),
        .query("target", "the cluster that is moved to"),
    ]
    private static let range = [
        Route.Parameter.query("since", "from this moment on", .time), .query("until", "up to this moment", .time),
    ]
    private static let tableTypes = [
        MediaTypes.json, "text/csv; charset=utf-8", "text/markdown; charset=utf-8", MediaTypes.html, MediaTypes.text,
    ]

    var routes: [Route] {
        states + judgements + stories + log
    }

    private func get(
        _ path: String, _ summary: String, _ parameters: [Route.Parameter] = [],
        types: [String] = QuestionRoutes.tableTypes, _ handle: @escaping @Sendable (Call) throws -> Answer
    ) -> Route {
        let inPath = path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
            Route.Parameter(
                name: String(part.dropFirst().dropLast(part.hasSuffix("...}") ? 4 : 1)), place: .path, isRequired: true,
                meaning: "what is asked about")
        }
        return Route(
            method: .get, path: path, access: .scope(.read), summary: summary, parameters: inPath + parameters,
            answerTypes: types
        ) { call in
            try await pool.run {
                // What this server appended is in the tables before it answers.
                try workspace.readModel.catchUp(from: workspace.ledger)
                return try handle(call)
            }
        }
    }

    // MARK: - Where things stand

    private var states: [Route] {
        [
            get("/v1/status", "Where each migration and deployment stands.", [QuestionRoutes.format]) { call in
                try table(StatusAnswer.all(workspace.readModel, now: call.now), call)
            },
            get("/v1/status/{id...}", "Each phase of one migration or deployment.", [QuestionRoutes.format]) { call in
                let stream = try StatusAnswer.stream(call.parameter("id"), in: workspace)
                return try table(StatusAnswer.one(stream, workspace, moments: []), call)
            },
            get("/v1/queries", "The saved queries.", [QuestionRoutes.format]) { call in
                let rows: [[Table.Cell]] = queries.all.map { query in
                    [
                        .text(query.name), .text(query.question),
                        .text(query.parameters.map(\.name).joined(separator: ", ")),
                    ]
                }
                return try table(
                    Table(columns: ["name", "question", "parameters"].map { Table.Column($0) }, rows: rows), call)
            },
            get(
                "/v1/queries/{name}", "The answer of a saved query; its parameters are query parameters.",
                [QuestionRoutes.format]
            ) { try saved($0) },
            Route(
                method: .post, path: "/v1/query", access: .scope(.read), summary: "Any SQL that only reads.",
                parameters: [QuestionRoutes.format], bodyTypes: ["text/plain", "application/sql"],
                bodyBytesMax: QuestionRoutes.sqlBytesMax, answerTypes: QuestionRoutes.tableTypes
            ) { call in
                guard let sql = String(validating: call.body, as: UTF8.self) else {
                    throw Problem.badRequest("cannot read the statement: it is not UTF-8")
                }
                return try await pool.run {
                    try workspace.readModel.catchUp(from: workspace.ledger)
                    return try result(workspace.readModel.query(sql, [:], limits: limits), call)
                }
            },
        ]
    }

    private var limits: QueryLimits {
        QueryLimits(rowsMax: QuestionRoutes.rowsMax, secondsMax: QuestionRoutes.secondsMax, bytesMax: 64 << 20)
    }

    private func saved(_ call: Call) throws -> Answer {
        guard let query = queries[call.parameter("name")] else {
            throw Problem.notFound(
                "a saved query named \(call.parameter("name"))", remedy: "GET /v1/queries lists them")
        }
        var arguments: [String: SQLValue] = [:]
        for parameter in query.parameters {
            guard let value = call[parameter.name] else { continue }
            if parameter.isTime {
                arguments[parameter.name] = .text(try QuestionRoutes.time(value, parameter.name, call.now).description)
            } else {
                let number = Int64(value).flatMap { String($0) == value ? $0 : nil }
                arguments[parameter.name] = number.map { .integer($0) } ?? .text(value)
            }
        }
        return try result(workspace.readModel.query(query, arguments, limits: limits), call)
    }

    private func result(_ result: QueryResult, _ call: Call) throws -> Answer {
        let answer = try table(Table(result), call)
        return result.isTruncated ? answer.with("X-Cairn-Truncated", "true") : answer
    }

    // MARK: - Judgements

    private var judgements: [Route] {
        [
            get(
                "/v1/diverge", "Two clusters compared, application by application, metric by metric.",
                QuestionRoutes.pair + QuestionRoutes.range + [QuestionRoutes.format]
            ) { try diverge($0) },
            get(
                "/v1/drops", "Traffic that was dropped, from VPC flow logs.",
                QuestionRoutes.pair + QuestionRoutes.range + [QuestionRoutes.format]
            ) { try drops($0) },
            get(
                "/v1/anomalies", "What is unusual in any series, judged by its own past.",
                [.query("selector", "as PromQL writes it", isRequired: true)] + QuestionRoutes.range
                    + [QuestionRoutes.format]
            ) { try anomalies($0) },
            get(
                "/v1/explain/{finding}", "The data, the test and the evidence of a finding.", [QuestionRoutes.format]
            ) { call in
                let explanation = try ExplainAnswer.explanation(
                    of: call.parameter("finding"), workspace, now: call.now)
                let format = try QuestionRoutes.tableFormat(call)
                return QuestionRoutes.answer(ExplanationRenderer.render(explanation, as: format), format)
            },
            get(
                "/v1/checks", "The catalogue of checks, or what they say of a run.",
                [.query("migration", "the run; without it the catalogue"), QuestionRoutes.format]
            ) { try checks($0) },
        ]
    }

    private func diverge(_ call: Call) throws -> Answer {
        let pair = try pair(call)
        let range = try QuestionRoutes.range(call)
        var request = DivergenceRequest(source: pair.source, target: pair.target)
        request.sinceMs = try (range.since ?? JudgedSince.ofPhase(pair, workspace.readModel))?.milliseconds
        request.untilMs = range.until?.milliseconds
        request.trafficShiftsMs = try TrafficShifts.times(pair, workspace.readModel)
        let report = try DivergenceAnalyzer.analyze(workspace.readModel, request)
        guard !report.comparisons.isEmpty else {
            throw Problem.notFound("a metric of both \(pair.source) and \(pair.target) in this time")
        }
        let words = try FindingWords(workspace, now: call.now)
        return try table(DivergenceAnswer.table(report, words, findingsOnly: false), call)
    }

    private func drops(_ call: Call) throws -> Answer {
        let pair = try ClusterPair.named(source: call["source"], target: call["target"], in: workspace.readModel)
        let range = try QuestionRoutes.range(call)
        let request = DropsRequest(
            source: pair?.source, target: pair?.target, since: range.since?.minute, until: range.until?.minute)
        let report = try DropsAnalyzer.report(on: workspace.readModel, for: request, policy: .standard)
        guard !report.minutes.isEmpty else {
            throw Problem.notFound("flow counters of these clusters in this time")
        }
        return try table(DropsAnswer.table(report, FindingWords(workspace, now: call.now)), call)
    }

    private func anomalies(_ call: Call) throws -> Answer {
        guard let text = call["selector"] else { throw Problem.badRequest("cannot tell which series are meant") }
        let selector: SeriesSelector
        do { selector = try SeriesSelector(parsing: text) } catch {
            throw Problem.badRequest("\(error)", remedy: "write it as metric{label=\"value\"}")
        }
        let range = try QuestionRoutes.range(call)
        var request = AnomalyRequest(selector: selector)
        request.sinceMs = range.since?.milliseconds
        request.untilMs = range.until?.milliseconds
        let reports = try AnomalyAnalyzer.analyze(workspace.readModel, request).filter { $0.samples > 0 }
        guard !reports.isEmpty else { throw Problem.notFound("a sample of \(text.prefix(200)) in this time") }
        return try table(AnomaliesAnswer.table(reports), call)
    }

    private func checks(_ call: Call) throws -> Answer {
        let names = CheckCatalog.all.map(\.name)
        guard let migration = call["migration"] else { return try table(CheckAnswer.catalog(names), call) }
        let run = try StatusAnswer.stream(migration, in: workspace)
        let evaluation = GateEvaluation(ledger: workspace.ledger, readModel: workspace.readModel)
        let facts = try evaluation.facts(of: evaluation.gather(run: run, phase: "", at: call.now))
        return try table(CheckAnswer.table(names.map { facts.result(of: $0) }), call)
    }

    // MARK: - Stories and reports

    private var stories: [Route] {
        let timeline = Route.Parameter.query(
            "format", "the form of the answer", .choice(TimelineFormat.allCases.map(\.rawValue)))
        return [
            get(
                "/v1/timeline", "The story of an incident, a migration or a stretch of time.",
                [.query("incident", "an incident's id"), .query("migration", "a migration's id")]
                    + QuestionRoutes.range + [timeline]
            ) { call in
                let range = try QuestionRoutes.range(call)
                let document = try TimelineReport.document(
                    TimelineScope(
                        incident: call["incident"], migration: call["migration"], since: range.since,
                        until: range.until), ledger: workspace.ledger)
                guard let format = TimelineFormat(rawValue: call["format"] ?? "json") else {
                    throw QuestionRoutes.unknownFormat(call)
                }
                let type =
                    switch format {
                    case .json: MediaTypes.json
                    case .csv: "text/csv; charset=utf-8"
                    case .md: "text/markdown; charset=utf-8"
                    case .html: MediaTypes.html
                    }
                return Answer(.ok, mediaType: type, Array(TimelineRenderer.render(document, as: format).utf8))
            },
            get(
                "/v1/report/population", "For auditors: all changes, with how the list was made.",
                QuestionRoutes.range + [QuestionRoutes.format]
            ) { call in
                let range = try QuestionRoutes.range(call)
                return try report(call) { try $0.population(since: range.since, until: range.until) }
            },
            get("/v1/report/change/{id...}", "For auditors: the pack of one change.", [QuestionRoutes.format]) { call in
                let stream = try StatusAnswer.stream(call.parameter("id"), in: workspace)
                return try report(call) { try $0.change(stream) }
            },
        ]
    }

    /// Made from the log just now and not from the tables, which anybody with the file could have changed.
    private func report(_ call: Call, _ body: (AuditReport) throws -> ReportDocument) throws -> Answer {
        let fresh = try ReadModel.inMemory()
        try fresh.catchUp(from: workspace.ledger)
        let provenance = try AuditReport.Provenance(person: call.actor.id, time: call.now, ledger: workspace.ledger)
        let format = try QuestionRoutes.tableFormat(call)
        let document = try body(AuditReport(readModel: fresh, provenance: provenance))
        return QuestionRoutes.answer(ReportRenderer.render(document, as: format), format)
    }

    // MARK: - The log itself

    private var log: [Route] {
        [
            get(
                "/v1/events", "Events in the order of the log.",
                [
                    .query("from", "the first position", .integer), .query("limit", "how many at most", .integer),
                    .query("stream", "only of this stream"),
                ], types: [MediaTypes.json]
            ) { try events($0) },
            get("/v1/events/{position}", "One event.", types: [MediaTypes.json]) { call in
                .json(try workspace.ledger.event(at: position(call)).json)
            },
            get("/v1/proofs/{position}", "The proof that an entry is in the log.", types: [MediaTypes.text]) { call in
                Answer(.ok, mediaType: MediaTypes.text, try workspace.ledger.prove(position(call)).bytes)
            },
            get("/v1/checkpoint", "The signed head of the log.", types: [MediaTypes.text]) { _ in
                guard let checkpoint = try workspace.ledger.checkpoint() else {
                    throw Problem.notFound("a checkpoint: none was ever signed for this ledger")
                }
                return Answer(.ok, mediaType: MediaTypes.text, checkpoint.bytes)
            },
            get("/v1/version", "Which program this is, and which ledger.", types: [MediaTypes.json]) { _ in
                .json([
                    "version": .string(version), "origin": .string(workspace.ledger.origin),
                    "entries": .integer(workspace.ledger.size),
                ])
            },
        ]
    }

    private static let eventsMax = 1000

    private func events(_ call: Call) throws -> Answer {
        let from = try QuestionRoutes.number(call, "from") ?? 0
        let limit = try QuestionRoutes.number(call, "limit") ?? 100
        guard limit <= UInt64(QuestionRoutes.eventsMax) else {
            throw Problem.badRequest("cannot answer with more than \(QuestionRoutes.eventsMax) events at once")
        }
        var found: [JSONValue] = []
        if let name = call["stream"] {
            guard let stream = StreamName(name) else {
                throw Problem.badRequest("cannot use the stream name \(name.prefix(200)): it is kind/id")
            }
            for position in try workspace.ledger.positions(of: stream) where position >= from {
                if found.count >= limit { break }
                found.append(try workspace.ledger.event(at: position).json)
            }
        } else {
            let end = min(workspace.ledger.size, from.addingReportingOverflow(limit).partialValue)
            if from < end { try workspace.ledger.forEach(from: from, to: end) { found.append($0.json) } }
        }
        return .json(.array(found))
    }

    private func position(_ call: Call) throws -> UInt64 {
        guard let position = UInt64(call.parameter("position")), position < workspace.ledger.size else {
            throw Problem.notFound(
                "the entry \(call.parameter("position").prefix(40)): the log has \(workspace.ledger.size), from 0")
        }
        return position
    }

    // MARK: - Reading and writing

    private func pair(_ call: Call) throws -> ClusterPair {
        guard let pair = try ClusterPair.named(source: call["source"], target: call["target"], in: workspace.readModel)
        else {
            throw Problem.badRequest(
                "cannot tell which clusters to compare: the ledger has no single migration",
                remedy: "pass source and target")
        }
        return pair
    }

    static func number(_ call: Call, _ name: String) throws -> UInt64? {
        guard let text = call[name] else { return nil }
        guard let number = UInt64(text) else {
            throw Problem.badRequest("cannot read \(name): \(text.prefix(40)) is no whole number from 0")
        }
        return number
    }

    static func time(_ text: String, _ name: String, _ now: Timestamp) throws -> Timestamp {
        guard let time = TimeArgument(text) else {
            throw Problem.badRequest("cannot read the time \(name)", remedy: "write \(TimeArgument.help)")
        }
        return time.moment(now: now)
    }

    static func range(_ call: Call) throws -> (since: Timestamp?, until: Timestamp?) {
        let since = try call["since"].map { try time($0, "since", call.now) }
        let until = try call["until"].map { try time($0, "until", call.now) }
        if let since, let until, since >= until {
            throw Problem.badRequest("cannot use since \(since) with until \(until): it is not earlier")
        }
        return (since, until)
    }

    private static func unknownFormat(_ call: Call) -> Problem {
        Problem.badRequest("cannot answer as \(call["format"]?.prefix(40) ?? "")", remedy: "see /v1/openapi.json")
    }

    static func tableFormat(_ call: Call) throws -> TableFormat {
        guard let format = TableFormat(rawValue: call["format"] ?? "json") else { throw unknownFormat(call) }
        return format
    }

    private func table(_ table: Table, _ call: Call) throws -> Answer {
        let format = try QuestionRoutes.tableFormat(call)
        return QuestionRoutes.answer(TableRenderer.render(table, as: format), format)
    }

    static func answer(_ text: String, _ format: TableFormat) -> Answer {
        let type =
            switch format {
            case .json: MediaTypes.json
            case .csv: "text/csv; charset=utf-8"
            case .md: "text/markdown; charset=utf-8"
            case .html: MediaTypes.html
            case .table: MediaTypes.text
            }
        return Answer(.ok, mediaType: type, Array(text.utf8))
    }
}

/// The rows of an answer; the read models have tables of another kind.
typealias Table = CairnWeb.Table
