internal import CairnBytes
internal import CairnModel

/// What Cairn reads of any Kubernetes object's metadata.
struct KubernetesMetadata {
    /// The cluster of objects whose import named none.
    static let unassignedCluster = "unassigned"

    var name: String
    var namespace: String?
    var uid: String?
    var resourceVersion: String?
    var created: String?

    init(_ object: JSONValue) {
        let metadata = object["metadata"]
        func text(_ name: String) -> String? {
            guard let text = metadata?[name]?.string, !text.isEmpty else { return nil }
            return text
        }
        name = text("name") ?? "unnamed"
        namespace = text("namespace")
        uid = text("uid")
        resourceVersion = text("resourceVersion")
        created = text("creationTimestamp")
    }

    /// The first of the texts that is there and not empty, as a time; a text that is no time is an error.
    static func time(
        _ candidates: [JSONValue?], options: ImportOptions
    ) throws(CloudEventReader.Refusal) -> (Timestamp, String?) {
        for candidate in candidates {
            guard let text = candidate?.string, !text.isEmpty else { continue }
            guard let time = Timestamp(text) else {
                throw CloudEventReader.Refusal(
                    reason: "\"\(text.prefix(40))\" is not a time of RFC 3339 in the years 1 to 9999",
                    remedy: "export the object anew")
            }
            return (time, EventText.timeText(text, of: time))
        }
        guard let time = options.defaultTime else {
            throw CloudEventReader.Refusal(
                reason: "the object has no time",
                remedy: "export it with its status and metadata, or give a default time")
        }
        return (time, nil)
    }

    /// Adds the event that an object tells of; the whole object is its data.
    ///
    /// What was received is the object and not its spelling: the same version of it, exported once as YAML and once in
    /// a list, is the same event. Only where its canonical form loses something do the bytes of the file count.
    static func add(
        _ record: JSONRecord, type: String, source: String, id: String?, subject: StreamName,
        times: [JSONValue?], options: ImportOptions, to batch: inout IngestBatch
    ) {
        let id = id ?? "sha256:" + FileIdentity.digest(CanonicalJSON.bytes(of: record.value))
        if let problem = EventText.problem(id, "the id") ?? EventText.problem(source, "the source") {
            return batch.reject(record, problem, remedy: "export the object anew")
        }
        do throws(CloudEventReader.Refusal) {
            let (time, timeText) = try time(times, options: options)
            let event = ProposedEvent(
                id: id, source: source, type: type, subject: subject, time: time, timeText: timeText,
                data: record.value, extensions: EventText.extensions(of: options),
                received: ReceivedBytes(
                    bytes: record.isLossless ? CanonicalJSON.bytes(of: record.value) : record.bytes,
                    isLossless: record.isLossless))
            batch.add(IngestedEvent(event: event, line: record.line, notes: record.notes))
        } catch {
            batch.reject(record, error.reason, remedy: error.remedy)
        }
    }
}
