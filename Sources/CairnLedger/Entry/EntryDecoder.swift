internal import CairnBytes
internal import CairnModel

/// What is left of an attachment.
package enum AttachmentContent: Sendable, Hashable {
    case present([UInt8])
    /// Removed by the event at this position.
    case gone(by: UInt64)
}

/// Entries to events. The envelope is read member by member from its bytes; only `data` and extensions, whose shape is
/// the producer's, go through the JSON parser: a rebuild reads every entry of the ledger.
enum EntryDecoder {
    /// - Parameter content: the content of an attachment that belongs to the data.
    static func event(
        _ bytes: [UInt8], position: UInt64, content: (AttachmentReference) throws -> AttachmentContent
    ) throws -> RecordedEvent {
        try event(bytes, in: 0..<bytes.count, position: position, content: content)
    }

    static func event(
        _ bytes: [UInt8], in range: Range<Int>, position: UInt64,
        content: (AttachmentReference) throws -> AttachmentContent
    ) throws -> RecordedEvent {
        var event: RecordedEvent
        do throws(FormatError) { event = try self.event(bytes, in: range, position: position) } catch {
            throw LedgerError(.corrupt, "cannot read the entry at position \(position): \(error.reason)")
        }
        if !event.attachments.isEmpty { try join(&event, content: content) }
        return event
    }

    /// The event without what lies in attachments.
    private static func event(
        _ bytes: [UInt8], in range: Range<Int>, position: UInt64
    ) throws(FormatError) -> RecordedEvent {
        var envelope = Envelope()
        let isWhole = try EntryLayout.forEachMember(bytes, in: range) { (name, value) throws(FormatError) in
            try envelope.take(bytes, name: name, value: value)
        }
        guard isWhole else { throw .damaged("it is not an object of canonical JSON") }
        return try envelope.event(position: position)
    }

    /// Puts data that lies in attachments back; what is gone is left out.
    private static func join(
        _ event: inout RecordedEvent, content: (AttachmentReference) throws -> AttachmentContent
    ) throws {
        func value(_ role: String) throws -> JSONValue? {
            guard let reference = event.attachments.first(where: { $0.role == role }),
                case .present(let bytes) = try content(reference)
            else { return nil }
            do { return try JSONParser.parse(bytes).value } catch {
                throw LedgerError(
                    .corrupt, "cannot read the \(role) of the event at position \(event.position): \(error)")
            }
        }
        if let data = try value("data") { event.data = data }
        if let separate = try value("private") {
            if let fields = separate["fields"]?.object { PrivateFields.join(fields, into: &event.data) }
            event.receivedDigest = separate["receivedsha256"]?.string.flatMap(Hex.bytes) ?? event.receivedDigest
        }
    }
}

/// The members of an entry as they are met.
private struct Envelope {
    private var id: String?
    private var source: String?
    private var type: String?
    private var subject: StreamName?
    private var revision: UInt64?
    private var time: Timestamp?
    private var timeText: String?
    private var recordedTime: Timestamp?
    private var authID: String?
    private var authType: String?
    private var onBehalfOf: String?
    private var correlationID: String?
    private var causationID: String?
    private var traceparent: String?
    private var receivedDigest: [UInt8]?
    private var references: [AttachmentReference] = []
    private var data = JSONValue.null
    private var extensions = JSONObject()

    /// - Parameters:
    ///   - name: of the member, without its quotes.
    ///   - value: with its quotes, if it is a string.
    mutating func take(_ bytes: [UInt8], name: Range<Int>, value: Range<Int>) throws(FormatError) {
        guard let key = String(validating: bytes.span.extracting(name)) else {
            throw .damaged("the name of a member is not UTF-8")
        }
        switch key {
        case "id": id = try text(bytes, value)
        case "source": source = try text(bytes, value)
        case "type": type = try text(bytes, value)
        case "subject": subject = StreamName(try text(bytes, value))
        case "revision": revision = EntryFacts.number(bytes, value)
        case "time": time = try moment(bytes, value)
        case "timetext": timeText = try text(bytes, value)
        case "recordedtime": recordedTime = try moment(bytes, value)
        case "authid": authID = try text(bytes, value)
        case "authtype": authType = try text(bytes, value)
        case "onbehalfof": onBehalfOf = try text(bytes, value)
        case "correlationid": correlationID = try text(bytes, value)
        case "causationid": causationID = try text(bytes, value)
        case "traceparent": traceparent = try text(bytes, value)
        case "receivedsha256": receivedDigest = Hex.bytes(try text(bytes, value))
        case "specversion", "data_base64": break
        case "data": data = try json(bytes, value)
        case "attachments":
            guard let parsed = AttachmentLines.parse(Array(try text(bytes, value).utf8)) else {
                throw .damaged("its list of attachments is malformed")
            }
            references = parsed
        default: try takeExtension(bytes, name, value)
        }
    }

    private mutating func takeExtension(
        _ bytes: [UInt8], _ name: Range<Int>, _ value: Range<Int>
    ) throws(FormatError) {
        // With its quotes, so that escapes in the name are undone.
        guard case .string(let name) = try json(bytes, name.lowerBound - 1..<name.upperBound + 1),
            extensions.add(name: name, value: try json(bytes, value))
        else { throw .damaged("a member is there twice") }
    }

    private func json(_ bytes: [UInt8], _ range: Range<Int>) throws(FormatError) -> JSONValue {
        do throws(JSONError) {
            return try JSONParser.parse(bytes.span.extracting(range)).value
        } catch {
            throw .damaged(error.description)
        }
    }

    private func text(_ bytes: [UInt8], _ value: Range<Int>) throws(FormatError) -> String {
        guard value.count >= 2, bytes[value.lowerBound] == UInt8(ascii: "\"") else {
            throw .damaged("a member that is a text has another value")
        }
        let inner = value.lowerBound + 1..<value.upperBound - 1
        if bytes[inner].contains(UInt8(ascii: "\\")) {
            guard case .string(let text) = try json(bytes, value) else { throw .damaged("a text is malformed") }
            return text
        }
        guard let text = String(validating: bytes.span.extracting(inner)) else {
            throw .damaged("a text is not UTF-8")
        }
        return text
    }

    private func moment(_ bytes: [UInt8], _ value: Range<Int>) throws(FormatError) -> Timestamp {
        guard value.count >= 2,
            let time = Timestamp(utf8: bytes.span.extracting(value.lowerBound + 1..<value.upperBound - 1))
        else { throw .damaged("a time is malformed") }
        return time
    }

    func event(position: UInt64) throws(FormatError) -> RecordedEvent {
        guard let id, let source, let type, let subject, let revision, let time, let recordedTime, let authID,
            let authType
        else { throw .damaged("a member that every entry has is missing or malformed") }
        return RecordedEvent(
            position: position, id: id, source: source, type: type, subject: subject, revision: revision, time: time,
            timeText: timeText, recordedTime: recordedTime, data: data, actor: Actor(id: authID, type: authType),
            onBehalfOf: onBehalfOf, correlationID: correlationID, causationID: causationID, traceparent: traceparent,
            extensions: extensions, attachments: references, receivedDigest: receivedDigest)
    }
}
