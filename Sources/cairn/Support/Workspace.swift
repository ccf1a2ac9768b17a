import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports

extension Workspace {
    /// Opens the ledger for reading and catches the read model up with it. On read-only media the read model is made in
    /// memory, and a note on standard error says so.
    ///
    /// - Parameter sql: the one query that will be asked of it, if that is known.
    static func open(
        _ options: LedgerArguments, command: String, moment: MomentArguments? = nil, answering sql: String? = nil
    ) throws -> Workspace {
        let path = try options.path()
        let ledger = try options.openToRead(command: command)
        let moments = try moment?.asked.moments(in: ledger, now: SystemClock().now()) ?? []
        guard moments.isEmpty else {
            return Workspace(
                ledger: ledger, readModel: try ReadModel.past(moments, of: ledger, answering: sql), path: path,
                moments: moments)
        }
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: path))
        try readModel.catchUp(from: ledger)
        if let notice = readModel.notice { Terminal.note(notice) }
        return Workspace(ledger: ledger, readModel: readModel, path: path)
    }

    /// The same with a read model made from the log just now: what auditors are given rests on nothing that can be changed
    /// without a trace.
    static func fromTheLog(
        _ options: LedgerArguments, command: String, moment: MomentArguments
    ) throws -> Workspace {
        let ledger = try options.openToRead(command: command)
        let moments = try moment.asked.moments(in: ledger, now: SystemClock().now())
        return Workspace(
            ledger: ledger, readModel: try ReadModel.past(moments, of: ledger), path: try options.path(),
            moments: moments)
    }
}
