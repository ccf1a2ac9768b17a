import CairnBytes
import CairnIngest
import CairnModel
import HTTPTypes

/// Prometheus remote write 1.0 and 2.0: acknowledged with 204 when it is on disk, refused with 400 where something of it
/// can never be taken (the rest is on disk then), and with 503 where it should come again.
struct RemoteWriteReceiver: Sendable {
    static let name = "remote-write"

    let intake: SampleIntake
    let journal: Journal
    let metrics: ServerMetrics

    var routes: [Route] {
        ["/api/v1/write", "/v1/remote-write"].map { path in
            Route(
                method: .post, path: path, access: .scope(.ingest(receiver: RemoteWriteReceiver.name)),
                summary: "Prometheus remote write 1.0 and 2.0.",
                bodyTypes: ["application/x-protobuf", "application/x-protobuf;proto=io.prometheus.write.v2.Request"],
                bodyBytesMax: Route.largeBodyBytesMax, answerTypes: [MediaTypes.text],
                successStatus: .noContent, keepsEncoding: true
            ) { try await take($0) }
        }
    }

    private func take(_ call: Call) async throws -> Answer {
        let outcome: SampleIntake.Outcome
        do {
            let version = try RemoteWriteReceiver.version(of: call.headers[.contentType] ?? "")
            guard call.headers[.contentEncoding]?.lowercased() ?? "snappy" == "snappy" else {
                throw ReceiveError(.unsupported, "cannot read this Content-Encoding: send snappy")
            }
            outcome = try await intake.take(from: call.sender()) { table, limits in
                let body: [UInt8]
                do { body = try Snappy.decompress(call.body, bytesMax: limits.bodyBytesMax) } catch {
                    throw ReceiveError(.malformed, "\(error)")
                }
                return try RemoteWriteReader.read(body.span, version: version, table: &table, limits: limits)
            }
        } catch let error as ReceiveError {
            journal.rejected(
                receiver: RemoteWriteReceiver.name, principal: call.principal, count: 1, examples: [error.reason])
            metrics.add(.recordsRejected, receiver: RemoteWriteReceiver.name)
            return counted(RemoteWriteReceiver.answer(error), samples: 0)
        }
        metrics.add(.samplesAccepted, outcome.samples, receiver: RemoteWriteReceiver.name)
        guard outcome.rejects.count > 0 else { return counted(Answer(.noContent), samples: outcome.samples) }
        journal.rejected(
            receiver: RemoteWriteReceiver.name, principal: call.principal, count: outcome.rejects.count,
            examples: outcome.rejects.held.map(\.description))
        metrics.add(.recordsRejected, outcome.rejects.count, receiver: RemoteWriteReceiver.name)
        let text =
            "\(outcome.rejects.count) rejected, \(outcome.samples) written: \(outcome.rejects.summary)\n"
        return counted(.text(text, .badRequest), samples: outcome.samples)
    }

    /// What was written, as 2.0 demands on success and on refusal; a sender of 1.0 ignores it.
    private func counted(_ answer: Answer, samples: Int) -> Answer {
        answer.with("X-Prometheus-Remote-Write-Samples-Written", "\(samples)")
            .with("X-Prometheus-Remote-Write-Histograms-Written", "0")
            .with("X-Prometheus-Remote-Write-Exemplars-Written", "0")
    }

    private static func answer(_ error: ReceiveError) -> Answer {
        let status: HTTPResponse.Status =
            switch error.kind {
            case .malformed: .badRequest
            case .tooLarge: .contentTooLarge
            case .unsupported: .unsupportedMediaType
            }
        return .text("\(error.reason)\n", status)
    }

    /// 1.0 unless the type names the message of 2.0; any other message is 415.
    private static func version(of contentType: String) throws(ReceiveError) -> RemoteWriteReader.Version {
        let parameters = contentType.split(separator: ";").dropFirst().map { $0.filter { $0 != " " && $0 != "\"" } }
        guard let parameter = parameters.first(where: { $0.lowercased().hasPrefix("proto=") }) else { return .v1 }
        switch parameter.dropFirst("proto=".count) {
        case "prometheus.WriteRequest": return .v1
        case "io.prometheus.write.v2.Request": return .v2
        case let message:
            throw ReceiveError(
                .unsupported,
                "cannot read the message \(message.prefix(100)): send prometheus.WriteRequest or "
                    + "io.prometheus.write.v2.Request")
        }
    }
}
