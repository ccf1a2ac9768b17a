import CairnAnalyzer
import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import HTTPTypes

/// What changes something: commands of pipelines and people, gates that are asked for and recorded, tokens.
struct CommandRoutes: Sendable {
    let workspace: Workspace
    let pool: BlockingPool
    let clock: any WallClock
    let random: any RandomSource
    let gatekeeper: Gatekeeper

    var routes: [Route] {
        [
            Route(
                method: .post, path: "/v1/commands", access: .scope(.ingest(receiver: "commands")),
                summary:
                    "Record one event of Cairn's vocabulary: refused, with the rule's name, if the run does not allow it.",
                bodyTypes: [MediaTypes.json], successStatus: .created
            ) { call in
                guard !Judgements.contain(try CommandRoutes.object(call)["type"]?.string ?? "") else {
                    throw Problem(
                        .forbidden, "forbidden", "cannot record an approval or a judgement here",
                        remedy: "POST /v1/approvals with the scope approve")
                }
                return try await record(call)
            },
            Route(
                method: .post, path: "/v1/approvals", access: .scope(.approve),
                summary: "Approve or reject, or judge a finding, a gate or an incident.", bodyTypes: [MediaTypes.json],
                successStatus: .created
            ) { call in
                guard Judgements.contain(try CommandRoutes.object(call)["type"]?.string ?? "") else {
                    throw Problem.badRequest(
                        "cannot record this here", remedy: "POST /v1/commands takes what is no approval or judgement")
                }
                return try await record(call)
            },
        ] + gates + tokens
    }

    private static func object(_ call: Call) throws -> JSONObject {
        let value: JSONValue
        do { value = try JSONParser.parse(call.body).value } catch {
            throw Problem.badRequest("cannot read the body as JSON: \(error)")
        }
        guard let object = value.object else { throw Problem.badRequest("cannot use the body: it is no JSON object") }
        return object
    }

    private static let fields: Set<String> = ["type", "stream", "data", "expected_revision", "time", "id"]
    /// Who acts is the token's holder: data that names somebody else is refused.
    private static let personFields = ["approver", "requested_by", "person", "actor", "granted_by"]

    private func record(_ call: Call) async throws -> Answer {
        let object = try CommandRoutes.object(call)
        for member in object where !CommandRoutes.fields.contains(member.name) {
            throw Problem.badRequest(
                "cannot use the field \(member.name.prefix(100))",
                remedy: "the fields are \(CommandRoutes.fields.sorted().joined(separator: ", "))")
        }
        guard let type = object["type"]?.string, let stream = object["stream"]?.string.flatMap({ StreamName($0) })
        else {
            throw Problem.badRequest("cannot record an event without a type and a stream (kind/id)")
        }
        let data = object["data"] ?? .object([:])
        try checkPersons(data, call)
        var request = CommandRecorder.Request(
            type: type, stream: stream, data: data, time: call.now, isTimeGiven: false, id: object["id"]?.string)
        if let text = object["time"]?.string {
            request.time = try QuestionRoutes.time(text, "time", call.now)
            request.isTimeGiven = true
        }
        request.expected = try CommandRoutes.expected(object["expected_revision"])
        let receipts = try await recorded(request, call)
        guard let first = receipts.first else {
            throw Problem(.internalServerError, "internal", "the event was recorded without a receipt")
        }
        return .json(
            [
                "position": .integer(first.position), "revision": .integer(first.revision),
                "is_duplicate": .bool(first.isDuplicate),
            ], first.isDuplicate ? .ok : .created)
    }

    func recorded(_ request: CommandRecorder.Request, _ call: Call) async throws -> [Receipt] {
        try await pool.run {
            try CommandRecorder(ledger: workspace.ledger, actor: call.actor, clock: clock, random: random)
                .record(request)
        }
    }

    private func checkPersons(_ data: JSONValue, _ call: Call) throws {
        for field in CommandRoutes.personFields {
            guard let name = data[field]?.string, name != call.actor.id else { continue }
            throw Problem(
                .forbidden, "person", "cannot record \(field) \(name.prefix(100)): the caller is \(call.actor.id)",
                remedy: "leave \(field) out; who calls is recorded")
        }
    }

    private static func expected(_ value: JSONValue?) throws -> ExpectedRevision? {
        switch value {
        case nil, .null?: return nil
        case .string("none")?: return ExpectedRevision.none
        case .string("any")?: return .any
        case let value?:
            guard let number = value.integer.flatMap({ UInt64(exactly: $0) }) else {
                throw Problem.badRequest("cannot read expected_revision: it is a number, none or any")
            }
            return .exactly(number)
        }
    }

    // MARK: - Gates

    private var gates: [Route] {
        let parameters: [Route.Parameter] = [
            .query("migration", "the migration or deployment", isRequired: true),
            .query("phase", "the phase that is to begin", isRequired: true),
        ]
        return [
            Route(
                method: .get, path: "/v1/gate", access: .scope(.read),
                summary: "Whether a phase may begin, as things stand; nothing is recorded.",
                parameters: parameters + [
                    .query("at", "decide as it was at this time: on what had happened by then", .time),
                    .query("format", "the form", .choice(["json", "ecs-hook", "argo", "flagger"])),
                ]
            ) { try await decide($0, records: false) },
            Route(
                method: .post, path: "/v1/gate", access: .scope(.ingest(receiver: "hooks")),
                summary: "The same, recorded with its evidence: what a pipeline asks.",
                parameters: parameters + [
                    .query("format", "the form", .choice(["json", "ecs-hook", "argo", "flagger"]))
                ], bodyTypes: ["*/*"]
            ) { try await decide($0, records: true) },
            Route(
                method: .get, path: "/v1/gates/argo/{migration}/{phase}", access: .scope(.read),
                summary: "For the web metric provider of Argo Rollouts.",
                parameters: ["migration", "phase"].map {
                    .init(name: $0, place: .path, isRequired: true, meaning: "the \($0)")
                }
            ) { try await decide($0, records: false, format: "argo") },
            Route(
                method: .post, path: "/v1/gates/ecs-hook", access: .scope(.ingest(receiver: "hooks")),
                summary: "For the function of an Amazon ECS lifecycle hook, which passes on what it was given.",
                bodyTypes: [MediaTypes.json]
            ) { call in
                let request = try CommandRoutes.read(call) { bytes throws(ReceiveError) in
                    try GateRequest.ecsHook(bytes)
                }
                return .json(try await decision(request.run, request.phase, call, records: true).ecsHook)
            },
            Route(
                method: .post, path: "/v1/gates/flagger", access: .scope(.ingest(receiver: "hooks")),
                summary: "For a webhook of Flagger: 200 lets it go on, 403 does not.",
                bodyTypes: [MediaTypes.json]
            ) { call in
                let request = try CommandRoutes.read(call) { bytes throws(ReceiveError) in
                    try GateRequest.flagger(bytes)
                }
                return CommandRoutes.flagger(try await decision(request.run, request.phase, call, records: true))
            },
        ]
    }

    private static func read(
        _ call: Call, _ body: ([UInt8]) throws(ReceiveError) -> GateRequest
    ) throws -> GateRequest {
        do throws(ReceiveError) { return try body(call.body) } catch { throw Problem(error) }
    }

    /// Flagger looks at the status alone.
    private static func flagger(_ decision: GateDecision) -> Answer {
        .json(decision.flagger, decision.outcome == .pass ? .ok : .forbidden)
    }

    private func decide(_ call: Call, records: Bool, format given: String? = nil) async throws -> Answer {
        guard let migration = call["migration"] ?? call.parameters["migration"],
            let phase = call["phase"] ?? call.parameters["phase"], !phase.isEmpty
        else { throw Problem.badRequest("cannot tell what to decide", remedy: "pass migration and phase") }
        let decision = try await decision(migration, phase, call, records: records)
        switch given ?? call["format"] ?? "json" {
        case "json": return .json(decision.json)
        case "ecs-hook": return .json(decision.ecsHook)
        case "argo": return .json(decision.argoRollouts)
        case "flagger": return CommandRoutes.flagger(decision)
        case let other: throw Problem.badRequest("cannot answer as \(other.prefix(40))")
        }
    }

    private func decision(
        _ migration: String, _ phase: String, _ call: Call, records: Bool
    ) async throws -> GateDecision {
        try await pool.run {
            try workspace.readModel.catchUp(from: workspace.ledger)
            let run = try StatusAnswer.stream(migration, in: workspace)
            do {
                guard records else {
                    let moment = try QuestionRoutes.timeArgument(call, "at")?.moment(now: call.now)
                    return try GateEvaluation(ledger: workspace.ledger, readModel: workspace.readModel)
                        .decide(run: run, phase: phase, at: moment ?? call.now)
                }
                return try GateRecorder(
                    ledger: workspace.ledger, readModel: workspace.readModel, actor: call.actor, clock: clock,
                    random: random
                ).decide(run: run, phase: phase, at: call.now)
            } catch let error as GatePolicy.PolicyError {
                throw Problem(
                    .unprocessableContent, "policy", "\(error)",
                    remedy: "plan the run again with gates that can be read")
            }
        }
    }

    // MARK: - Tokens

    private var tokens: [Route] {
        [
            Route(
                method: .get, path: "/v1/tokens", access: .scope(.admin), summary: "All tokens, without their secrets."
            ) { _ in
                let tokens = try await pool.run { try TokenOffice.tokens(in: workspace.ledger).tokens.values }
                return .json(
                    .array(tokens.sorted { ($0.created, $0.id) < ($1.created, $1.id) }.map(CommandRoutes.json)))
            },
            Route(
                method: .post, path: "/v1/tokens", access: .scope(.admin),
                summary: "Make a token; its text is in the answer and nowhere else.", bodyTypes: [MediaTypes.json],
                successStatus: .created
            ) { try await createToken($0) },
            Route(
                method: .delete, path: "/v1/tokens/{token}", access: .scope(.admin), summary: "Revoke a token.",
                parameters: [.init(name: "token", place: .path, isRequired: true, meaning: "the token's id")],
                answerTypes: [], successStatus: .noContent
            ) { call in
                let office = office(call)
                try await pool.run {
                    try office.revoke(call.parameter("token"), reason: call["reason"])
                    try gatekeeper.tokens.refresh()
                }
                return Answer(.noContent)
            },
        ]
    }

    private func office(_ call: Call) -> TokenOffice {
        TokenOffice(ledger: workspace.ledger, actor: call.actor, clock: clock, random: random)
    }

    private func createToken(_ call: Call) async throws -> Answer {
        let object = try CommandRoutes.object(call)
        guard let name = object["name"]?.string, !name.isEmpty, name.utf8.count <= TokenOffice.nameBytesMax else {
            throw Problem.badRequest("cannot make a token without a name of 1 to \(TokenOffice.nameBytesMax) bytes")
        }
        let texts = object["scopes"]?.array?.compactMap(\.string) ?? []
        let scopes = texts.compactMap { AccessScope($0) }
        guard !scopes.isEmpty, scopes.count == texts.count else {
            throw Problem.badRequest(
                "cannot make a token of these scopes",
                remedy: "scopes are read, approve, admin, ingest, and ingest: with one of "
                    + AccessScope.receivers.joined(separator: ", "))
        }
        let order = TokenOffice.Order(
            name: name, scopes: scopes, cluster: object["cluster"]?.string,
            expires: try object["expires"]?.string.map { try QuestionRoutes.time($0, "expires", call.now) })
        let office = office(call)
        let token = try await pool.run {
            let token = try office.create(order)
            try gatekeeper.tokens.refresh()
            return token
        }
        return .json(["token": .string(token.text), "id": .string(token.id)], .created)
    }

    private static func json(_ token: AccessToken) -> JSONValue {
        [
            "id": .string(token.id), "name": .string(token.name),
            "scopes": .array(token.scopes.map { .string($0.description) }), "cluster": .optional(token.cluster),
            "created": .string(token.created.description), "expires": .optional(token.expires?.description),
            "revoked": .optional(token.revoked?.description),
        ]
    }
}
