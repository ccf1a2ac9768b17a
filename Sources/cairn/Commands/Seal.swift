import ArgumentParser
import CairnLedger
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnWeb

struct SealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Put recorded samples into their compact form.",
        discussion: """
            Samples are recorded in batches and read fast and stored small as sealed windows. Imports seal by themselves when \
            much is open; this seals everything now. --drop-raw also drops the batches that a window stands for, except \
            what a finding, gate, approval, incident or hold cites; an event says what went, why and who approved.

            Examples:
              cairn seal
              cairn seal --drop-raw --reason "sealed and verified" --approved-by tomas -o json
            """)

    @Flag(help: "Drop the batches that sealed windows stand for.")
    var dropRaw = false

    @Option(help: ArgumentHelp("With --drop-raw: why.", valueName: "text"))
    var reason: String?

    @Option(help: ArgumentHelp("With --drop-raw: who approved it.", valueName: "person"))
    var approvedBy: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func validate() throws {
        guard dropRaw || (reason == nil && approvedBy == nil) else {
            throw ValidationError("--reason and --approved-by go with --drop-raw")
        }
        guard !dropRaw || (reason?.isEmpty == false && approvedBy?.isEmpty == false) else {
            throw ValidationError("--drop-raw needs --reason and --approved-by: the log says why and who")
        }
    }

    func run() throws {
        let path = try ledger.path()
        let log = try ledger.openToWrite(command: "seal", key: key)
        let before = try FolderSize(of: path, log)
        let sealed = try SampleSealer(ledger: log, actor: LocalActor.current()).run()
        var dropped = SampleRetention.Outcome()
        if dropRaw, let reason, let approvedBy {
            dropped = try SampleRetention(ledger: log, actor: LocalActor.current())
                .run(reason: reason, approvedBy: approvedBy)
        }
        let samples = try SampleHistory(log).sampleCount
        let after = try FolderSize(of: path, log)
        try log.close()
        if sealed.rebuilt > 0 { Terminal.note("damaged windows made anew from their batches: \(sealed.rebuilt)") }
        for problem in sealed.problems + dropped.problems { Terminal.note("left as it is: \(problem)") }
        func each(_ bytes: UInt64) -> Table.Cell { samples == 0 ? .missing : .number(Double(bytes) / Double(samples)) }
        let values: [(String, Table.Cell)] = [
            ("samples", .integer(samples)), ("windows", .integer(sealed.windows)),
            ("sealed_samples", .integer(sealed.samples)), ("sealed_bytes", .integer(sealed.bytes)),
            ("conflicts", .integer(sealed.conflicts)), ("dropped_batches", .integer(dropped.batches)),
            ("dropped_windows", .integer(dropped.windows)), ("kept_as_evidence", .integer(dropped.kept)),
            ("log_bytes_before", .integer(before.log)), ("log_bytes_after", .integer(after.log)),
            ("read_model_bytes_before", .integer(before.readModel)),
            ("read_model_bytes_after", .integer(after.readModel)),
            ("bytes_per_sample_before", each(before.all)), ("bytes_per_sample_after", each(after.all)),
        ]
        try output.print(
            Table(
                columns: values.map { Table.Column($0.0, decimals: $0.0.hasPrefix("bytes_per") ? 3 : nil) },
                rows: [values.map(\.1)]))
        if !sealed.problems.isEmpty || !dropped.problems.isEmpty { throw ExitStatus.inputOutput }
    }
}

/// Bytes of a ledger's folder, with a read model that is up to date and closed.
private struct FolderSize {
    var log: UInt64 = 0
    var readModel: UInt64 = 0

    var all: UInt64 { log + readModel }

    init(of path: String, _ ledger: Ledger) throws {
        let model = try ReadModel.open(path: Workspace.readModelPath(of: path))
        try model.catchUp(from: ledger)
        try model.close()
        try add(path)
    }

    private mutating func add(_ folder: String) throws {
        let disk = RealDisk()
        for name in try disk.list(folder) {
            switch try disk.kind(of: "\(folder)/\(name)") {
            case .folder: try add("\(folder)/\(name)")
            case .file:
                let file = try disk.open("\(folder)/\(name)", .read)
                defer { file.close() }
                if name.hasPrefix("read-model.sqlite") { readModel += try file.size() } else { log += try file.size() }
            default: continue
            }
        }
    }
}
