import AsyncHTTPClient
import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import HTTPTypes
import NIOCore
import NIOHTTP1
import Synchronization

/// Amazon SNS over HTTPS: the signature of every message is checked, subscriptions are confirmed for topics of the
/// configuration alone, and what is inside is taken as if it had come by itself.
struct SNSReceiver: Sendable {
    static let name = "sns"

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
        let certificate = try await outside.read(message.signingCertificateURL)
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
            if let address = message.subscribeURL { _ = try await outside.read(address) }
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

/// Reads what lies at an address of somebody else.
package protocol OutsideReader: Sendable {
    /// - Throws: `Problem` with 503 if it cannot be had now.
    func read(_ url: String) async throws -> [UInt8]
}

/// Over HTTPS, remembering what it read: certificates and keys are asked for with every message and change seldom.
final class WebReader: OutsideReader {
    private static let bytesMax = 1 << 20
    private static let timeoutSeconds: Int64 = 10
    private static let keptSeconds: Int64 = 3600
    private static let keptMax = 100

    private struct Page {
        var bytes: [UInt8]
        var time: Timestamp
    }

    private let client: HTTPClient
    private let clock: any WallClock
    private let pages = Mutex<[String: Page]>([:])

    init(clock: any WallClock) {
        self.clock = clock
        // A redirect would lead where nobody checked.
        client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: .init(redirectConfiguration: .disallow))
    }

    func read(_ url: String) async throws -> [UInt8] {
        let now = clock.now()
        let kept = pages.withLock { $0[url] }
        if let kept, kept.time.adding(seconds: WebReader.keptSeconds) > now { return kept.bytes }
        do {
            let response = try await client.execute(
                HTTPClientRequest(url: url), timeout: .seconds(WebReader.timeoutSeconds))
            guard response.status == .ok else {
                throw Problem.busy("cannot read \(url.prefix(200)): it answered \(response.status.code)")
            }
            let bytes = Array(try await response.body.collect(upTo: WebReader.bytesMax).readableBytesView)
            pages.withLock { pages in
                if pages.count >= WebReader.keptMax { pages = [:] }
                pages[url] = Page(bytes: bytes, time: now)
            }
            return bytes
        } catch let problem as Problem { throw problem } catch {
            throw Problem.busy("cannot read \(url.prefix(200)): \(error)")
        }
    }

    func stop() async throws { try await client.shutdown() }
}
