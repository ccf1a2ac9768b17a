import CairnBytes
import CairnIngest
import CairnModel
import HTTPTypes

/// OpenTelemetry metrics over HTTP, in protobuf or JSON: 200 when what can be taken is on disk, with the rejected data
/// points in `partialSuccess`; answers are in the encoding of the request.
struct OTLPReceiver: Sendable {
    static let name = "otlp"

    let intake: SampleIntake
    let journal: Journal
    let metrics: ServerMetrics

    private static let protobuf = "application/x-protobuf"

    var routes: [Route] {
        ["/v1/metrics", "/api/v1/otlp/v1/metrics"].map { path in
            Route(
                method: .post, path: path, access: .scope(.ingest(receiver: OTLPReceiver.name)),
                summary: "OpenTelemetry metrics (OTLP/HTTP).", bodyTypes: [OTLPReceiver.protobuf, MediaTypes.json],
                bodyBytesMax: Route.largeBodyBytesMax, answerTypes: [OTLPReceiver.protobuf, MediaTypes.json]
            ) { await take($0) }
        }
    }

    private func take(_ call: Call) async -> Answer {
        let isJSON = call.headers[.contentType]?.lowercased().hasPrefix(MediaTypes.json) ?? false
        let encoding: OTLPMetricsReader.Encoding = isJSON ? .json : .protobuf
        let type = isJSON ? MediaTypes.json : OTLPReceiver.protobuf
        do {
            let outcome = try await intake.take(from: call.sender()) { table, limits in
                try OTLPMetricsReader.read(call.body.span, encoding: encoding, table: &table, limits: limits)
            }
            metrics.add(.samplesAccepted, outcome.samples, receiver: OTLPReceiver.name)
            metrics.add(.recordsRejected, outcome.rejects.count, receiver: OTLPReceiver.name)
            journal.rejected(
                receiver: OTLPReceiver.name, principal: call.principal, count: outcome.rejects.count,
                examples: outcome.rejects.held.map(\.description))
            return Answer(.ok, mediaType: type, OTLPAnswer.response(outcome.rejects, encoding))
        } catch let error as ReceiveError {
            journal.rejected(
                receiver: OTLPReceiver.name, principal: call.principal, count: 1, examples: [error.reason])
            metrics.add(.recordsRejected, receiver: OTLPReceiver.name)
            let status: HTTPResponse.Status = error.kind == .tooLarge ? .contentTooLarge : .badRequest
            // google.rpc.Code.INVALID_ARGUMENT
            return Answer(
                status, mediaType: type, OTLPAnswer.status(code: 3, message: error.reason, encoding))
        } catch {
            let problem = Problem(error)
            // google.rpc.Code.UNAVAILABLE: the protocol retries 503 and no other refusal of ours.
            var answer = Answer(
                problem.status, mediaType: type, OTLPAnswer.status(code: 14, message: problem.detail, encoding))
            if let seconds = problem.retryAfterSeconds { answer.headers[.retryAfter] = String(seconds) }
            return answer
        }
    }
}
