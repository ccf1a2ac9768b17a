import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import HTTPTypes

/// Amazon SNS over HTTPS: the signature of every message is checked, subscriptions are confirmed for topics of the
/// configuration alone, and what is inside is taken as if it had come by itself.
struct SNSReceiver: Sendable {
    static let name = "sns"
    /// Certificates are asked for with every message and change seldom.
    private static let keptSeconds: Int64 = 3600

    let topics: Set<String>
    let intake: EventIntake
    let outside: any OutsideReader

    var routes: [Route] {
        [
            Route(
                method: .post, path: "/v1/sns", access: .scope(.ingest(receiver: SNSReceiver.name)),
                summary: "Amazon SNS: notifications and confirmations of subscriptions.",
                bodyTypes: ["text/plain", MediaTypes.json], answerTypes: [MediaTypes.json]
            ) { try await take($0) }
        ]
    }

    private func take(_ call: Call) async throws -> Answer {
        let message: SNSMessage
        do throws(ReceiveError) { message = try SNSMessage(call.body) } catch {
            intake.journal.rejected(
                receiver: SNSReceiver.name, principal: call.principal, count: 1, examples: [error.reason])
            throw Problem(error)
        }
        guard topics.contains(message.topicARN) else {
            intake.journal.rejected(
                receiver: SNSReceiver.name, principal: call.principal, count: 1,
                examples: ["the topic \(message.topicARN) is not allowed"])
            throw Problem(
                .forbidden, "topic", "cannot take messages of the topic \(message.topicARN.prefix(200))",
                remedy: "add it to topics in the settings")
        }
        let certificate = try await outside.read(message.signingCertificateURL, keptSeconds: SNSReceiver.keptSeconds)
        do throws(SNSSignature.Failure) {
            try SNSSignature.verify(message, certificate: certificate, at: call.now)
        } catch {
            intake.journal.rejected(
                receiver: SNSReceiver.name, principal: call.principal, count: 1, examples: ["\(error)"])
            throw Problem(.forbidden, "signature", "\(error)")
        }
        switch message.kind {
        case .subscriptionConfirmation:
            // The reader of the message has checked that this is an address of SNS itself.
            if let address = message.subscribeURL {
                _ = try await outside.read(address, keptSeconds: SNSReceiver.keptSeconds)
            }
            return .json(["confirmed": .string(message.topicARN)])
        case .unsubscribeConfirmation: return .json(["unsubscribed": .string(message.topicARN)])
        case .notification:
            let options = ImportOptions(format: .eventBridge, cluster: call.principal?.cluster)
            let received: ReceivedEvents
            do throws(ReceiveError) { received = try message.events(options: options) } catch { throw Problem(error) }
            var answer = try PostedEvents.answer(
                try await intake.take(received, receiver: SNSReceiver.name, call))
            answer.status = .ok
            return answer
        }
    }
}
