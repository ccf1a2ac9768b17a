package import CairnBytes
package import CairnModel

extension RecordedEvent {
    /// The event as machine output shows it: every field, under stable snake_case keys; what is not there is left out.
    package var json: JSONValue {
        var object: JSONObject = [
            "position": .integer(position), "id": .string(id), "source": .string(source), "type": .string(type),
            "stream": .string(subject.text), "revision": .integer(revision), "time": .string(time.description),
            "recorded_time": .string(recordedTime.description), "actor": .string(actor.id),
            "actor_type": .string(actor.type), "data": data,
        ]
        object["time_text"] = timeText.map { .string($0) }
        object["on_behalf_of"] = onBehalfOf.map { .string($0) }
        object["correlation_id"] = correlationID.map { .string($0) }
        object["causation_id"] = causationID.map { .string($0) }
        object["traceparent"] = traceparent.map { .string($0) }
        if !extensions.isEmpty { object["extensions"] = .object(extensions) }
        object["received_sha256"] = receivedDigest.map { .string(Hex.string($0)) }
        if !attachments.isEmpty {
            object["attachments"] = .array(
                attachments.map {
                    [
                        "role": .string($0.role), "media_type": .string($0.mediaType), "bytes": .integer($0.byteCount),
                        "digest": .string(Hex.string($0.digest)), "retention": .string($0.retention.rawValue),
                    ]
                })
        }
        return .object(object)
    }
}
