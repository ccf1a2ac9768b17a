internal import CairnBytes
internal import CairnModel

/// What is left of an attachment.
package enum AttachmentContent: Sendable, Hashable {
    case present([UInt8])
    /// Removed by the event at this position.
    case gone(by: UInt64)
}

/// Entries to events.
enum EntryDecoder {
    /// - Parameter content: the content of an attachment that belongs to the data.
    static func event(
        _ bytes: [UInt8], position: UInt64, content: (AttachmentReference) throws -> AttachmentContent
    ) throws -> RecordedEvent {
        func damaged(_ reason: String) -> LedgerError {
            LedgerError(.corrupt, "cannot read the entry at position \(position): \(reason)")
        }
        let value: JSONValue
        do { value = try JSONParser.parse(bytes).value } catch { throw damaged(error.description) }
        guard case .object(let object) = value else { throw damaged("it is not an object") }
        var known: [String: JSONValue] = [:]
        var extensions = JSONObject()
        for member in object {
            if PreparedEvent.reservedNames.contains(member.name) {
                known[member.name] = member.value
            } else {
                extensions.add(name: member.name, value: member.value)
            }
        }
        func text(_ name: String) -> String? { known[name]?.string }
        guard let id = text("id"), let source = text("source"), let type = text("type"),
            let subject = text("subject").flatMap({ StreamName($0) }), let revision = known["revision"]?.integer,
            revision >= 0, let time = text("time").flatMap({ Timestamp($0) }),
            let recordedTime = text("recordedtime").flatMap({ Timestamp($0) }), let authID = text("authid"),
            let authType = text("authtype")
        else { throw damaged("a member that every entry has is missing or malformed") }
        var references: [AttachmentReference] = []
        if let lines = text("attachments") {
            guard let parsed = AttachmentLines.parse(Array(lines.utf8)) else {
                throw damaged("its list of attachments is malformed")
            }
            references = parsed
        }
        var event = RecordedEvent(
            position: position, id: id, source: source, type: type, subject: subject, revision: UInt64(revision),
            time: time, timeText: text("timetext"), recordedTime: recordedTime, data: known["data"] ?? .null,
            actor: Actor(id: authID, type: authType), onBehalfOf: text("onbehalfof"),
            correlationID: text("correlationid"), causationID: text("causationid"),
            traceparent: text("traceparent"), extensions: extensions, attachments: references,
            receivedDigest: text("receivedsha256").flatMap(Hex.bytes))
        try join(&event, content: content)
        return event
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
