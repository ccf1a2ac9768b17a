import CairnBytes
import CairnIngest
import CairnModel
import HTTPTypes

/// Events that others post: CloudEvents in all three modes, and EventBridge.
struct PostedEvents: Sendable {
    let intake: EventIntake

    private static let structured = "application/cloudevents+json"
    private static let batch = "application/cloudevents-batch+json"

    var routes: [Route] {
        [
            Route(
                method: .post, path: "/v1/events", access: .scope(.ingest(receiver: "cloudevents")),
                summary: "CloudEvents 1.0: structured, binary (attributes as ce- headers) or a batch.",
                bodyTypes: [PostedEvents.structured, PostedEvents.batch, MediaTypes.json, "*/*"],
                successStatus: .accepted
            ) { call in
                try await take(call, receiver: "cloudevents") { options throws(ReceiveError) in
                    try PostedEvents.cloudEvents(call, options)
                }
            },
            Route(
                method: .post, path: "/v1/eventbridge", access: .scope(.ingest(receiver: "eventbridge")),
                summary: "An Amazon EventBridge API destination: one event.", bodyTypes: [MediaTypes.json],
                successStatus: .accepted
            ) { call in
                try await take(call, receiver: "eventbridge") { options throws(ReceiveError) in
                    try PostedEventReader.eventBridge(call.body, options: options)
                }
            },
        ]
    }

    private static func cloudEvents(_ call: Call, _ options: ImportOptions) throws(ReceiveError) -> ReceivedEvents {
        let type = call.headers[.contentType]?.lowercased() ?? ""
        if type.hasPrefix(batch) { return try PostedEventReader.cloudEvents(call.body, options: options) }
        if type.hasPrefix(structured) || call.header("ce-specversion") == nil {
            return try PostedEventReader.cloudEvent(call.body, options: options)
        }
        let headers = call.headers.map { (name: $0.name.canonicalName, value: $0.value) }
        return try PostedEventReader.cloudEvent(headers: headers, body: call.body, options: options)
    }

    private func take(
        _ call: Call, receiver: String, _ read: (ImportOptions) throws(ReceiveError) -> ReceivedEvents
    ) async throws -> Answer {
        let received: ReceivedEvents
        do throws(ReceiveError) {
            received = try read(ImportOptions(format: .events, cluster: call.principal?.cluster))
        } catch {
            intake.journal.rejected(
                receiver: receiver, principal: call.principal, count: 1, examples: [error.reason])
            throw Problem(error)
        }
        return try PostedEvents.answer(try await intake.take(received, receiver: receiver, call))
    }

    /// 400 only if nothing could be used: the sender keeps what it sent.
    static func answer(_ outcome: EventIntake.Outcome) throws -> Answer {
        guard outcome.accepted + outcome.duplicates > 0 || outcome.rejectedCount == 0 else {
            throw Problem.badRequest(outcome.rejects.joined(separator: "; "))
        }
        return .json(
            [
                "accepted": .integer(outcome.accepted), "duplicates": .integer(outcome.duplicates),
                "rejected": .integer(outcome.rejectedCount), "violations": .integer(outcome.violations),
                "rejects": .array(outcome.rejects.map { .string($0) }),
            ], .accepted)
    }
}

extension Problem {
    init(_ error: ReceiveError) {
        switch error.kind {
        case .malformed: self = .badRequest(error.reason)
        case .tooLarge: self = .tooLarge(error.reason)
        case .unsupported: self.init(.unprocessableContent, "unsupported", error.reason)
        }
    }
}
