internal import CairnBytes

/// Events that one request brought, in its order, and those of it that cannot be used.
package struct ReceivedEvents: Sendable {
    package internal(set) var events: [IngestedEvent] = []
    package internal(set) var rejects: ReceivedRejects
}

/// Events as they are posted, one or a batch a request: what the importers of files read, without the file.
///
/// A body that is no such event at all is refused whole; an event that is one and breaks a rule is a reject with its
/// place.
package enum PostedEventReader {
    /// What an API destination of EventBridge posts: one envelope, or the alarm of a CloudWatch action.
    package static func eventBridge(
        _ body: [UInt8], options: ImportOptions, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedEvents {
        try single(body, EventBridgeReader(options: options), limits)
    }

    /// CloudEvents in the structured mode: `application/cloudevents+json`.
    package static func cloudEvent(
        _ body: [UInt8], options: ImportOptions, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedEvents {
        try single(body, CloudEventReader(options: options), limits)
    }

    /// CloudEvents in the batch mode: `application/cloudevents-batch+json`, an array of events.
    package static func cloudEvents(
        _ body: [UInt8], options: ImportOptions, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedEvents {
        let document = try parse(body, limits)
        guard let list = document.value.array else {
            throw ReceiveError(.malformed, "a batch of CloudEvents is an array")
        }
        guard list.count <= limits.eventsMax else {
            throw ReceiveError(.tooLarge, "\(list.count) events are more than the limit of \(limits.eventsMax)")
        }
        // Each event keeps the bytes it came as.
        let ranges = JSONElements.ranges(ofArray: body)
        var received = ReceivedEvents(rejects: ReceivedRejects(heldMax: limits.rejectsHeldMax))
        for (index, value) in list.enumerated() {
            guard value.object != nil, ranges.indices.contains(index) else {
                received.rejects.add("event", index, "it is not an object")
                continue
            }
            let bytes = Array(body[ranges[index]])
            let isLossless = document.isLossless || (try? JSONParser.parse(bytes).isLossless) ?? false
            let record = JSONRecord(value: value, bytes: bytes, isLossless: isLossless, line: 1, column: 1)
            take(record, CloudEventReader(options: options), index: index, into: &received)
        }
        return received
    }

    static func single(
        _ body: [UInt8], _ reader: some JSONRecordReader, _ limits: ReceiveLimits
    ) throws(ReceiveError) -> ReceivedEvents {
        let document = try parse(body, limits)
        guard document.value.object != nil else { throw ReceiveError(.malformed, "the body is not a JSON object") }
        var received = ReceivedEvents(rejects: ReceivedRejects(heldMax: limits.rejectsHeldMax))
        let record = JSONRecord(
            value: document.value, bytes: body, isLossless: document.isLossless, line: 1, column: 1)
        take(record, reader, index: 0, into: &received)
        return received
    }

    private static func take(
        _ record: JSONRecord, _ reader: some JSONRecordReader, index: Int, into received: inout ReceivedEvents
    ) {
        var batch = IngestBatch(file: "", rejectRawBytesMax: 0)
        reader.take(record, into: &batch)
        received.events += batch.events
        for reject in batch.rejects { received.rejects.add("event", index, "\(reject.reason); \(reject.remedy)") }
    }

    static func parse(_ body: [UInt8], _ limits: ReceiveLimits) throws(ReceiveError) -> JSONDocument {
        guard body.count <= limits.bodyBytesMax else {
            throw ReceiveError(.tooLarge, "\(body.count) bytes are more than the limit of \(limits.bodyBytesMax)")
        }
        do throws(JSONError) {
            return try JSONParser.parse(body)
        } catch {
            throw ReceiveError(.malformed, error.description)
        }
    }
}
