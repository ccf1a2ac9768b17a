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
        let moments = try moments(moment, in: ledger)
        guard moments.isEmpty else {
            return Workspace(
                ledger: ledger, readModel: try ReadModel.past(moments, of: ledger, answering: sql), path: path)
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
        let moments = try moments(moment, in: ledger)
        let readModel: ReadModel
        if moments.isEmpty {
            readModel = try ReadModel.inMemory()
            try readModel.catchUp(from: ledger)
        } else {
            readModel = try ReadModel.past(moments, of: ledger)
        }
        return Workspace(ledger: ledger, readModel: readModel, path: try options.path())
    }

    private static func moments(_ moment: MomentArguments?, in ledger: Ledger) throws -> [ReadModel.Moment] {
        if let entry = moment?.entry, entry >= ledger.size {
            throw CommandError(
                "cannot look at entry \(entry): the log has \(ledger.size) entries, counted from 0",
                status: ExitStatus.data)
        }
        return try moment?.moments(now: SystemClock().now()) ?? []
    }
}
