internal import CairnBytes
internal import CairnIngest
internal import CairnLedger

/// Records that could not be imported, one JSON object a line, so that they can be mended and imported again. Made only
/// when there is one.
final class RejectsFile {
    private let folder: String
    private let disk: any Disk
    private var file: (any DiskFile)?
    private var offset: UInt64 = 0
    private var count = 0
    private(set) var path: String?

    init(folder: String, disk: any Disk) {
        self.folder = folder
        self.disk = disk
    }

    /// - Parameter name: names the file: the identity of the import.
    func append(_ rejects: [IngestReject], name: String) throws(DiskError) {
        guard !rejects.isEmpty, count < Importer.rejectsKeptMax else { return }
        let file = try open(name)
        var bytes: [UInt8] = []
        for reject in rejects.prefix(Importer.rejectsKeptMax - count) {
            CanonicalJSON.write(reject.json, to: &bytes)
            bytes.append(UInt8(ascii: "\n"))
        }
        count += rejects.count
        try file.writeAll(bytes, at: offset)
        offset += UInt64(bytes.count)
    }

    private func open(_ name: String) throws(DiskError) -> any DiskFile {
        if let file { return file }
        if try disk.kind(of: folder) == nil { try disk.createFolder(folder) }
        let path = "\(folder)/\(name.prefix(16)).jsonl"
        let file = try disk.open(path, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        try file.truncate(to: 0)
        self.file = file
        self.path = path
        return file
    }
}
