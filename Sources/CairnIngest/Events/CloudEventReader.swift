internal import CairnBytes
internal import CairnModel

/// CloudEvents 1.0 in the JSON format: required attributes are checked, what Cairn itself sets is never taken from
/// outside, and everything else is kept.
struct CloudEventReader: JSONRecordReader {
    let options: ImportOptions

    /// Attributes that Cairn sets when it records. They are dropped with a note, and the bytes received keep them.
    static let assigned: Set<String> = [
        "authid", "authtype", "recordedtime", "revision", "timetext", "receivedsha256", "attachments",
    ]
    /// Attributes with a place of their own in an event.
    private static let known: Set<String> = [
        "specversion", "id", "source", "type", "subject", "time", "data", "data_base64", "onbehalfof", "correlationid",
        "causationid", "traceparent",
    ]

    func read(_ record: JSONRecord, into batch: inout IngestBatch) {
        guard case .object(let object) = record.value else { return }
        do throws(Refusal) {
            batch.add(try event(object, record))
        } catch {
            batch.reject(record, error.reason, remedy: error.remedy)
        }
    }

    struct Refusal: Error {
        var reason: String
        var remedy: String
    }

    private func event(_ object: JSONObject, _ record: JSONRecord) throws(Refusal) -> IngestedEvent {
        let version = try text("specversion", of: object)
        guard version == "1.0" else {
            throw Refusal(
                reason: "specversion is \"\(version.prefix(20))\"", remedy: "send CloudEvents of specversion \"1.0\"")
        }
        let type = try text("type", of: object)
        guard !type.hasPrefix(EventText.reservedPrefix) else {
            throw Refusal(
                reason: "the type \(type) is one that only Cairn itself produces",
                remedy:
                    "for the same fact told by another use observed.\(type.dropFirst(EventText.reservedPrefix.count))")
        }
        var notes = record.notes
        var extensions = JSONObject()
        for member in object where !CloudEventReader.known.contains(member.name) && !member.value.isNull {
            if CloudEventReader.assigned.contains(member.name) {
                notes.append("\(member.name) was dropped: only Cairn sets it")
            } else {
                extensions.add(name: member.name, value: member.value)
            }
        }
        let isComplete = notes.count == record.notes.count
        let extensionBytes = CanonicalJSON.bytes(of: .object(extensions)).count
        guard extensionBytes <= EventText.extensionBytesMax else {
            throw Refusal(
                reason:
                    "the extension attributes take \(extensionBytes) bytes, more than \(EventText.extensionBytesMax)",
                remedy: "put what is large into data")
        }
        let (time, timeText) = try time(of: object)
        let source = try text("source", of: object)
        if let problem = EventText.sourceProblem(source) {
            throw Refusal(reason: problem, remedy: "send it under a source of your own")
        }
        let event = ProposedEvent(
            id: try text("id", of: object), source: source, type: type, subject: try subject(of: object, source),
            time: time, timeText: timeText, data: try data(of: object),
            onBehalfOf: try optionalText("onbehalfof", of: object),
            correlationID: try optionalText("correlationid", of: object),
            causationID: try optionalText("causationid", of: object),
            traceparent: try optionalText("traceparent", of: object),
            extensions: EventText.extensions(of: options, adding: extensions),
            received: ReceivedBytes(bytes: record.bytes, isLossless: record.isLossless && isComplete))
        return IngestedEvent(event: event, line: record.line, notes: notes)
    }

    private func text(_ name: String, of object: JSONObject) throws(Refusal) -> String {
        guard let text = try optionalText(name, of: object) else {
            throw Refusal(
                reason: "the attribute \(name) is missing",
                remedy: "CloudEvents 1.0 requires specversion, id, source and type")
        }
        return text
    }

    private func optionalText(_ name: String, of object: JSONObject) throws(Refusal) -> String? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let text = value.string else {
            throw Refusal(reason: "the attribute \(name) is not a string", remedy: "write it as a JSON string")
        }
        if let problem = EventText.problem(text, name) {
            throw Refusal(reason: problem, remedy: "CloudEvents attributes are short, printable texts")
        }
        return text
    }

    private func time(of object: JSONObject) throws(Refusal) -> (Timestamp, String?) {
        guard let text = try optionalText("time", of: object) else {
            guard let time = options.defaultTime else {
                throw Refusal(
                    reason: "the event has no time", remedy: "add the attribute time, or give a default time")
            }
            return (time, nil)
        }
        guard let time = Timestamp(text) else {
            throw Refusal(
                reason: "\"\(text.prefix(40))\" is not a time of RFC 3339 in the years 1 to 9999",
                remedy: "write it like 2026-01-31T10:00:00Z")
        }
        return (time, EventText.timeText(text, of: time))
    }

    /// A subject that is a stream's name is that stream, unless Cairn keeps its own books there; any other becomes one,
    /// and without one the source does.
    private func subject(of object: JSONObject, _ source: String) throws(Refusal) -> StreamName {
        guard let subject = try optionalText("subject", of: object) else {
            return StreamName(kind: "events", foreignID: source)
        }
        guard let stream = StreamName(subject), !EventText.ownKinds.contains(stream.kind) else {
            return StreamName(kind: "events", foreignID: subject)
        }
        return stream
    }

    private func data(of object: JSONObject) throws(Refusal) -> JSONValue {
        guard let binary = object["data_base64"], !binary.isNull else { return object["data"] ?? .null }
        guard object["data"] == nil, let text = binary.string, Base64.bytes(text) != nil else {
            throw Refusal(
                reason: "data_base64 is not base64, or stands beside data", remedy: "send one of data and data_base64")
        }
        return ["data_base64": .string(text)]
    }
}
