internal import CairnBytes
internal import CairnModel

/// Objects of a cluster as `kubectl get -o json` or `-o yaml` writes them: what checks compare. Each version of an
/// object is one event; its stream is the same as that of the Kubernetes events about it. That a watch told of its end is
/// an event of a type of its own, whose data is the object as it was last: most often the version is one that was told
/// of before.
struct KubernetesObjectReader: JSONRecordReader {
    let options: ImportOptions

    /// What checks and people read. Others, above all those with secrets in them, stay out of the log.
    private static let kinds: Set<String> = [
        "Node", "Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Service", "Ingress",
        "HorizontalPodAutoscaler", "TargetGroupBinding",
    ]

    func read(_ record: JSONRecord, into batch: inout IngestBatch) {
        let object = record.value
        let kind = object["kind"]?.string ?? "none"
        guard KubernetesObjectReader.kinds.contains(kind) else {
            return batch.reject(
                record, "the kind \(kind.prefix(60)) is not one that this format reads",
                remedy: "it reads \(KubernetesObjectReader.kinds.sorted().joined(separator: ", "))")
        }
        let metadata = KubernetesMetadata(object)
        let cluster = options.cluster ?? KubernetesMetadata.unassignedCluster
        var id: String?
        if let uid = metadata.uid, let version = metadata.resourceVersion {
            id = "\(uid)@\(version)" + (record.isDeleted ? "/deleted" : "")
        }
        KubernetesMetadata.add(
            record, type: record.isDeleted ? "k8s.object-deleted.v1" : "k8s.object.v1",
            source: "k8s-objects/\(cluster)", id: id,
            subject: StreamName(
                kind: "k8s", foreignID: "\(cluster)/\(metadata.namespace ?? "default")/\(metadata.name)"),
            times: [.optional(KubernetesObjectReader.newestChange(object)), .optional(metadata.created)],
            options: options, to: &batch)
    }

    /// The newest moment that a condition changed or was confirmed at, or that the object ended; RFC 3339 in UTC sorts as text.
    private static func newestChange(_ object: JSONValue) -> String? {
        let conditions = object["status"]?["conditions"]?.array ?? []
        let end = object["metadata"]?["deletionTimestamp"]?.string
        return (conditions.flatMap { [$0["lastHeartbeatTime"]?.string, $0["lastTransitionTime"]?.string] } + [end])
            .compactMap { $0 }.filter { !$0.isEmpty }.max()
    }
}
