import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import HTTPTypes

/// Events that others tell of: CloudEvents and EventBridge, one or many in a body.
struct EventReceiver: Sendable {
    let intake: EventIntake
    let pool: BlockingPool
    let journal: Journal
    let metrics: ServerMetrics

    var routes: [Route] {
        [
            Route(
                method: .post, path: "/v1/events", access: .scope(.ingest(receiver: "cloudevents")),
                summary: "CloudEvents 1.0: structured, binary or a batch.",
                bodyTypes: ["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"],
                successStatus: .accepted
            ) { try await takeCloudEvents($0) },
            Route(
                method: .post, path: "/v1/eventbridge", access: .scope(.ingest(receiver: "eventbridge")),
                summary: "An Amazon EventBridge API destination: one event.",
                bodyTypes: ["application/json"], successStatus: .accepted
            ) { try await take($0, $0.body, as: .eventBridge, receiver: "eventbridge") },
        ]
    }

    private func takeCloudEvents(_ call: Call) async throws -> Answer {
        let isBinary = call.header("ce-specversion") != nil
        let body = isBinary ? try EventReceiver.structured(call) : call.body
        return try await take(call, body, as: .events, receiver: "cloudevents")
    }

    /// An event whose attributes are headers, as the one object that says the same.
    private static func structured(_ call: Call) throws -> [UInt8] {
        var object = JSONObject()
        for field in call.headers where field.name.canonicalName.hasPrefix("ce-") {
            guard let value = PercentEncoding.decode(field.value) else {
                throw Problem.badRequest(
                    "cannot read the header \(field.name.canonicalName): it is not percent-encoded UTF-8")
            }
            object[String(field.name.canonicalName.dropFirst(3))] = .string(value)
        }
        object["datacontenttype"] = .optional(call.headers[.contentType])
        if !call.body.isEmpty {
            do { object["data"] = try JSONParser.parse(call.body).value } catch {
                throw Problem.badRequest("cannot read the event's data: \(error)", remedy: "send JSON data")
            }
        }
        return CanonicalJSON.bytes(of: .object(object))
    }

    private func take(
        _ call: Call, _ body: [UInt8], as format: ImportFormat, receiver: String
    ) async throws -> Answer {
        let outcome = try await pool.run {
            try intake.take(body, as: format, cluster: call.principal?.cluster, actor: call.actor, named: call.path)
        }
        metrics.add(.recordsAccepted, outcome.accepted, receiver: receiver)
        metrics.add(.recordsRejected, outcome.rejects.count, receiver: receiver)
        journal.rejected(
            receiver: receiver, principal: call.principal, count: outcome.rejects.count, examples: outcome.rejects)
        let told = outcome.accepted + outcome.duplicates
        guard told > 0 || outcome.rejects.isEmpty else {
            throw Problem.badRequest(outcome.rejects.prefix(10).joined(separator: "; "))
        }
        return .json(
            [
                "accepted": .integer(outcome.accepted), "duplicates": .integer(outcome.duplicates),
                "rejected": .integer(outcome.rejects.count), "violations": .integer(outcome.violations),
                "rejects": .array(outcome.rejects.prefix(10).map { .string($0) }),
            ], .accepted)
    }
}
