import CairnBytes
import CairnFlowLogs
import CairnLedger
import CairnModel
import CairnRecorder
import HTTPTypes

/// Takes flow logs that came over the network in the same steps as files: they lie in a file of the ledger's folder until
/// their counters are in the log, and a request that is sent again counts once, since its bytes are the same.
struct FlowIntake: Sendable {
    let ledger: Ledger
    let ledgerPath: String
    let disk: any Disk
    let clock: any WallClock

    private var folder: String { "\(ledgerPath)/spool" }

    /// Removes what a server left that was killed. Files of one that runs are locked.
    func removeLeftovers() throws {
        guard try disk.kind(of: folder) == .folder else { return }
        for name in try disk.list(folder) where name.hasPrefix("firehose-") {
            let file = try disk.open("\(folder)/\(name)", .readWrite)
            defer { file.close() }
            if try file.tryLock() { try disk.remove("\(folder)/\(name)") }
        }
    }

    /// Blocks until the counters are on disk.
    /// - Parameter format: the order of fields, of a stream whose lines have no header.
    func take(
        _ lines: [UInt8], requestID: String, cluster: String?, format: String?, actor: Actor
    ) throws -> ImportSummary {
        if try disk.kind(of: folder) == nil { try disk.createFolder(folder) }
        let name = String(
            requestID.unicodeScalars.filter {
                $0.isASCII && ($0.properties.isAlphabetic || "-0123456789".unicodeScalars.contains($0))
            }.prefix(64).map(Character.init))
        let path = "\(folder)/firehose-\(name.isEmpty ? "request" : name)-\(clock.monotonicMicroseconds()).log"
        let file = try disk.open(path, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        defer {
            file.close()
            try? disk.remove(path)
        }
        _ = try file.tryLock()
        try file.writeAll(lines, at: 0)
        var request = ImportRequest(format: .flowLogs, paths: [path], cluster: cluster, actor: actor)
        if let format {
            do { request.flowLogFormat = try FlowLogFormat(configured: format) } catch {
                throw Problem.badRequest("cannot use the attribute \(FirehoseReceiver.formatAttribute): \(error)")
            }
        }
        let importer = Importer(ledger: ledger, ledgerPath: ledgerPath, disk: disk, clock: clock, threads: 1)
        let summary = try importer.run(request)
        if let failure = summary.failures.first { throw Problem(.internalServerError, "import", failure) }
        return summary
    }
}
