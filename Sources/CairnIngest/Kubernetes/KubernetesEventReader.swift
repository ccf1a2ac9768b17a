internal import CairnBytes
internal import CairnModel

/// Kubernetes `Event` objects of both groups. The cluster counts repeated events in place, so each version of an object
/// is one event here; its stream is the object that it is about.
struct KubernetesEventReader: JSONRecordReader {
    let options: ImportOptions

    func read(_ record: JSONRecord, into batch: inout IngestBatch) {
        let object = record.value
        let kind = object["kind"]?.string ?? "none"
        let group = object["apiVersion"]?.string ?? "none"
        guard kind == "Event", group == "v1" || group.hasPrefix("events.k8s.io/") else {
            return batch.reject(
                record, "the kind \(kind.prefix(60)) of \(group.prefix(60)) is not one that this format reads",
                remedy: "it reads Event of v1 and events.k8s.io; leave others out")
        }
        let metadata = KubernetesMetadata(object)
        let about = object["regarding"] ?? object["involvedObject"]
        let cluster = options.cluster ?? KubernetesMetadata.unassignedCluster
        let namespace = KubernetesEventReader.text(about?["namespace"]) ?? metadata.namespace ?? "default"
        let name = KubernetesEventReader.text(about?["name"]) ?? metadata.name
        KubernetesMetadata.add(
            record, type: "k8s.event.v1", source: "k8s/\(cluster)", id: identity(object, metadata),
            subject: StreamName(kind: "k8s", foreignID: "\(cluster)/\(namespace)/\(name)"),
            times: [
                object["series"]?["lastObservedTime"], object["lastTimestamp"], object["deprecatedLastTimestamp"],
                object["eventTime"], object["firstTimestamp"], object["deprecatedFirstTimestamp"],
                .optional(metadata.created),
            ], options: options, to: &batch)
    }

    /// `uid@resourceVersion`; without the version, the count tells the repetitions apart.
    private func identity(_ object: JSONValue, _ metadata: KubernetesMetadata) -> String? {
        guard let uid = metadata.uid else { return nil }
        if let version = metadata.resourceVersion { return "\(uid)@\(version)" }
        let count = object["series"]?["count"] ?? object["count"] ?? object["deprecatedCount"]
        guard let count = count?.integer else { return nil }
        return "\(uid)#\(count)"
    }

    private static func text(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty else { return nil }
        return text
    }
}
