import CairnBytes
import CairnFlowLogs
import CairnIngest
import CairnLedger
import CairnModel
import CairnRecorder
import HTTPTypes
import Synchronization

/// Amazon Data Firehose: flow logs in all wrappings and CloudWatch metric streams. Answers in Firehose's own form, in
/// which only 200 means delivered.
struct FirehoseReceiver: Sendable {
    static let name = "firehose"

    let samples: SampleIntake
    let flows: FlowIntake
    let pool: BlockingPool
    let journal: Journal
    let metrics: ServerMetrics

    var routes: [Route] {
        [
            Route(
                method: .post, path: "/v1/firehose", access: .scope(.ingest(receiver: FirehoseReceiver.name)),
                summary: "An HTTP endpoint destination of Amazon Data Firehose.", bodyTypes: [MediaTypes.json],
                bodyBytesMax: Route.largeBodyBytesMax
            ) { await take($0) }
        ]
    }

    private func take(_ call: Call) async -> Answer {
        let id = call.header("X-Amz-Firehose-Request-Id") ?? ""
        do {
            let request = try FirehoseRequest(call.body.span)
            let attributes =
                try call.header("X-Amz-Firehose-Common-Attributes").map {
                    try FirehoseRequest.commonAttributes(header: $0)
                } ?? [:]
            try await take(request, attributes, call)
            return answer(.ok, request.requestID, nil, call)
        } catch let error as ReceiveError {
            journal.rejected(
                receiver: FirehoseReceiver.name, principal: call.principal, count: 1, examples: [error.reason])
            return answer(error.kind == .tooLarge ? .contentTooLarge : .badRequest, id, error.reason, call)
        } catch {
            let problem = Problem(error)
            return answer(problem.status, id, problem.detail, call)
        }
    }

    private func take(_ request: FirehoseRequest, _ attributes: [String: String], _ call: Call) async throws {
        // A token that is bound to a cluster speaks for that one alone.
        let cluster = call.principal?.cluster ?? attributes["cluster"]
        let taken = ContentBox()
        let outcome = try await samples.take(from: call.sender(cluster: cluster)) { table, limits in
            let content = try FirehoseContent(request, table: &table, limits: limits)
            taken.content.withLock { $0 = content }
            return content.samples
        }
        guard let read = taken.content.withLock({ $0 }) else { return }
        var rejects = read.rejects.held.map(\.description) + outcome.rejects.held.map(\.description)
        var rejected = read.rejects.count + outcome.rejects.count
        var isSomethingKept = outcome.samples > 0
        metrics.add(.samplesAccepted, outcome.samples, receiver: FirehoseReceiver.name)
        if !read.flowLines.isEmpty {
            let format = attributes[FirehoseReceiver.formatAttribute]
            let summary = try await pool.run {
                try flows.take(
                    read.flowLines, requestID: request.requestID, cluster: cluster, format: format, actor: call.actor)
            }
            metrics.add(.recordsAccepted, summary.accepted, receiver: FirehoseReceiver.name)
            isSomethingKept = isSomethingKept || summary.accepted + summary.duplicates + summary.knownFiles > 0
            rejects += summary.firstRejects
            rejected += summary.rejected
        }
        metrics.add(.recordsRejected, rejected, receiver: FirehoseReceiver.name)
        journal.rejected(
            receiver: FirehoseReceiver.name, principal: call.principal, count: rejected, examples: rejects)
        // Firehose keeps in its bucket what is refused as a whole, and has no word for a part.
        if rejected > 0, !isSomethingKept {
            throw Problem.badRequest("cannot use any record: \(rejects.prefix(3).joined(separator: "; "))")
        }
    }

    /// The common attribute that names the order of fields of flow logs.
    static let formatAttribute = "cairn-flow-log-format"

    /// What a reader on another thread made of a request.
    private final class ContentBox: Sendable {
        let content = Mutex<FirehoseContent?>(nil)
    }

    private func answer(_ status: HTTPResponse.Status, _ id: String, _ message: String?, _ call: Call) -> Answer {
        Answer(
            status, mediaType: MediaTypes.json,
            FirehoseRequest.answer(requestID: id, timestampMs: call.now.milliseconds, errorMessage: message))
    }
}
