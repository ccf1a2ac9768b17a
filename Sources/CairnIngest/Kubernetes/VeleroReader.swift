internal import CairnBytes
internal import CairnModel

/// Velero `Backup` and `Restore` objects. Each version of an object (`uid@resourceVersion`) is one event; without those
/// two the SHA-256 of its canonical form is the identity.
struct VeleroReader: JSONRecordReader {
    let options: ImportOptions

    private static let types = ["Backup": "velero.backup.v1", "Restore": "velero.restore.v1"]

    func read(_ record: JSONRecord, into batch: inout IngestBatch) {
        let object = record.value
        let kind = object["kind"]?.string ?? "none"
        let group = object["apiVersion"]?.string ?? "none"
        guard group.hasPrefix("velero.io/"), let type = VeleroReader.types[kind] else {
            return batch.reject(
                record, "the kind \(kind.prefix(60)) of \(group.prefix(60)) is not one that this format reads",
                remedy: "it reads Backup and Restore of velero.io; leave others out")
        }
        let metadata = KubernetesMetadata(object)
        let cluster = options.cluster ?? KubernetesMetadata.unassignedCluster
        var id: String?
        if let uid = metadata.uid, let version = metadata.resourceVersion { id = "\(uid)@\(version)" }
        let status = object["status"]
        KubernetesMetadata.add(
            record, type: type, source: "velero/\(cluster)", id: id,
            subject: StreamName(kind: "velero", foreignID: "\(cluster)/\(metadata.name)"),
            times: [
                status?["completionTimestamp"], status?["startTimestamp"], .optional(metadata.created),
            ], options: options, to: &batch)
    }
}
