internal import CairnBytes
internal import CairnModel

/// A message that Amazon SNS posts to an HTTP endpoint: a notification, or the request to confirm a subscription or its
/// end. Nothing in it is to be believed, and no address in it visited, before `SNSSignature` has verified it.
package struct SNSMessage: Sendable {
    package enum Kind: String, Sendable {
        case notification = "Notification"
        case subscriptionConfirmation = "SubscriptionConfirmation"
        case unsubscribeConfirmation = "UnsubscribeConfirmation"
    }

    package let kind: Kind
    package let messageID: String
    package let topicARN: String
    package let message: String
    package let subject: String?
    package let timestamp: String
    /// `1` is SHA-1, `2` SHA-256.
    package let signatureVersion: Int
    package let signature: [UInt8]
    /// Where the certificate is: an address that passed `isAllowed`.
    package let signingCertificateURL: String
    /// Of the two confirmations: an address that passed `isAllowed`.
    package let subscribeURL: String?
    package let token: String?

    private let topic: AmazonResourceName
    private let value: JSONValue

    /// SNS takes messages of at most 256 KiB; JSON escapes may make six bytes of one.
    private static let bodyBytesMax = 2 << 20

    package init(_ body: [UInt8]) throws(ReceiveError) {
        guard body.count <= SNSMessage.bodyBytesMax else {
            throw ReceiveError(.tooLarge, "\(body.count) bytes are more than SNS sends")
        }
        let value = try PostedEventReader.parse(body, .standard).value
        guard let kind = Kind(rawValue: try SNSMessage.text("Type", value)) else {
            throw ReceiveError(.malformed, "the Type is none of SNS")
        }
        topicARN = try SNSMessage.text("TopicArn", value)
        guard let topic = AmazonResourceName(topicARN), topic.service == "sns", SNSMessage.isRegion(topic.region) else {
            throw ReceiveError(.malformed, "the TopicArn is none of a topic")
        }
        guard let version = Int(try SNSMessage.text("SignatureVersion", value)), [1, 2].contains(version) else {
            throw ReceiveError(.unsupported, "the SignatureVersion is neither 1 nor 2")
        }
        guard let signature = Base64.bytes(try SNSMessage.text("Signature", value)) else {
            throw ReceiveError(.malformed, "the Signature is not base64")
        }
        signingCertificateURL = try SNSMessage.text("SigningCertURL", value)
        guard SNSMessage.isAllowed(signingCertificateURL, region: topic.region),
            signingCertificateURL.hasSuffix(".pem"), !signingCertificateURL.contains("?")
        else { throw ReceiveError(.unsupported, "the SigningCertURL is not one of SNS in \(topic.region)") }
        if kind == .notification {
            subscribeURL = nil
            token = nil
        } else {
            let address = try SNSMessage.text("SubscribeURL", value)
            guard SNSMessage.isAllowed(address, region: topic.region) else {
                throw ReceiveError(.unsupported, "the SubscribeURL is not one of SNS in \(topic.region)")
            }
            subscribeURL = address
            token = try SNSMessage.text("Token", value)
        }
        messageID = try SNSMessage.text("MessageId", value)
        message = try SNSMessage.text("Message", value)
        timestamp = try SNSMessage.text("Timestamp", value)
        subject = value["Subject"]?.string
        self.kind = kind
        self.topic = topic
        self.signature = signature
        self.value = value
        signatureVersion = version
    }

    private static func text(_ name: String, _ value: JSONValue) throws(ReceiveError) -> String {
        guard let text = value[name]?.string else { throw ReceiveError(.malformed, "the message has no \(name)") }
        return text
    }

    /// What was signed: names and values of the members that count for this kind, a line each, in the order of the names.
    package var stringToSign: String {
        var lines = ["Message", message, "MessageId", messageID]
        if kind == .notification {
            if let subject { lines += ["Subject", subject] }
            lines += ["Timestamp", timestamp]
        } else {
            lines += ["SubscribeURL", subscribeURL ?? "", "Timestamp", timestamp, "Token", token ?? ""]
        }
        lines += ["TopicArn", topicARN, "Type", kind.rawValue]
        return lines.joined(separator: "\n") + "\n"
    }

    /// True for `https://sns.REGION.amazonaws.com/...` (or `.com.cn`) of the topic's own region, spelled as SNS spells it:
    /// no port, no user, no blanks. Any other address in a message would make the server call whom the sender wants.
    static func isAllowed(_ address: String, region: String) -> Bool {
        guard address.utf8.count <= 2048, address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x5C }) else {
            return false
        }
        return ["amazonaws.com", "amazonaws.com.cn"].contains { address.hasPrefix("https://sns.\(region).\($0)/") }
    }

    private static func isRegion(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 32
            && text.utf8.allSatisfy {
                $0 == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
            }
    }

    // MARK: What is inside

    /// The events of a notification: an EventBridge envelope or a CloudWatch alarm in its message is one as if it had come
    /// by itself; any other message is an `aws.sns.notification.v0` of the topic. Confirmations have none.
    package func events(
        options: ImportOptions, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedEvents {
        var received = ReceivedEvents(rejects: ReceivedRejects(heldMax: limits.rejectsHeldMax))
        guard kind == .notification else { return received }
        let inner = Array(message.utf8)
        if let object = try? JSONParser.parse(inner).value, object["detail-type"] != nil || object["AlarmName"] != nil {
            return try PostedEventReader.eventBridge(inner, options: options, limits: limits)
        }
        guard let time = Timestamp(timestamp) else {
            throw ReceiveError(.malformed, "the Timestamp is not a time of RFC 3339")
        }
        if let problem = EventText.problem(messageID, "MessageId") { throw ReceiveError(.malformed, problem) }
        let place = "\(topic.region)/\(topic.account)"
        let event = ProposedEvent(
            id: messageID, source: "aws.sns/\(place)", type: "aws.sns.notification.v0",
            subject: StreamName(kind: "aws-sns", foreignID: "\(place)/\(topic.resource)"), time: time,
            timeText: EventText.timeText(timestamp, of: time), data: value,
            extensions: EventText.extensions(of: options),
            received: ReceivedBytes(bytes: CanonicalJSON.bytes(of: value), isLossless: true))
        received.events.append(IngestedEvent(event: event, line: 1))
        return received
    }
}
