import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnReports
import CairnWeb

struct RecordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record", abstract: "Append one event.",
        discussion: """
            A type of Cairn's own vocabulary is a command: it is refused, with the rule's name, if the migration does not \
            allow it. Any other type is a fact and is never refused. With - as the type, events are read from standard \
            input, one JSON object a line with type, stream, data and optionally id, time and actor, and each is \
            answered with its position as soon as it is on disk. Sources/CairnModel/EVENTS.md has every type with its fields.

            --playbook brings a playbook of your own into the log, as YAML or JSON, for a plan that is of it; the same \
            file again adds nothing. A changed one needs a higher "version"; a run keeps the one it was planned with.

            Examples:
              cairn record cairn.note.added.v1 --stream migration/harbor-eu-1 \\
                --data '{"text":"partner called back"}'
              cairn record cairn.approval.granted.v1 --stream migration/harbor-eu-1 \\
                --data '{"phase":"shift-traffic"}' --actor alice --expected-revision 41
              cairn record observed.check.completed.v1 --stream migration/harbor-eu-1 \\
                --data @result.json
              cairn record cairn.migration.planned.v1 --stream migration/orders-db \\
                --playbook database-failover.yaml --data @plan.json
            """)

    @Argument(help: "The type of the event, such as cairn.phase.started.v1, or -.")
    var type: String

    @Option(help: ArgumentHelp("The stream it belongs to: kind/id.", valueName: "stream"))
    var stream: String?

    @Option(help: ArgumentHelp("The event's data; @FILE reads a file.", valueName: "json"))
    var data: String = "{}"

    @Option(
        help: ArgumentHelp("The stream's last revision as the caller knows it: a number, none or any.", valueName: "n"))
    var expectedRevision: String?

    @Option(help: ArgumentHelp("When it happened (default: now).", valueName: "time"))
    var time: TimeArgument?

    @Option(help: ArgumentHelp("For whom; Cairn records it and does not check it.", valueName: "name"))
    var actor: String?

    @Option(help: ArgumentHelp("The event's identity: the same id again adds nothing.", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("The playbook of the plan: YAML or JSON.", valueName: "file"))
    var playbook: String?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        if type == "-" { return try runLines() }
        guard let stream else {
            throw CommandError("cannot record an event without --stream", status: ExitStatus.usage)
        }
        let now = SystemClock().now()
        var request = CommandRecorder.Request(
            type: type, stream: try ReplayCommand.stream(stream), data: try RecordCommand.parse(try dataText()),
            expected: try expected(), time: time?.moment(now: now) ?? now, isTimeGiven: time != nil, id: id,
            onBehalfOf: actor)
        request.playbook = try playbook.map { try PlaybookFile(at: $0, disk: RealDisk()) }
        let log = try ledger.openToWrite(command: "record", key: key)
        let receipts = try recorder(log).record(request)
        // Before closing, which may fail: the event is on disk.
        try output.print(
            Table(
                columns: [Table.Column("position"), Table.Column("revision"), Table.Column("is_duplicate")],
                rows: receipts.map { [.integer($0.position), .integer($0.revision), .boolean($0.isDuplicate)] }))
        try log.close()
    }

    private func recorder(_ log: Ledger) -> CommandRecorder {
        CommandRecorder(
            ledger: log, actor: LocalActor.current(), clock: SystemClock(), random: SystemRandom(),
            onRegistration: PlaybookNote.tell)
    }

    /// Largest data of one event: what a log attachment may hold.
    private static let dataBytesMax: UInt64 = 64 << 20

    private func dataText() throws -> [UInt8] {
        guard data.hasPrefix("@") else { return Array(data.utf8) }
        let handle = try RealDisk().open(String(data.dropFirst()), .read)
        defer { handle.close() }
        return try handle.readAll(limit: RecordCommand.dataBytesMax)
    }

    private static func parse(_ bytes: [UInt8]) throws -> JSONValue {
        do { return try JSONParser.parse(bytes).value } catch {
            throw CommandError("cannot use --data: \(error)", status: ExitStatus.usage)
        }
    }

    private func expected() throws -> ExpectedRevision? {
        switch expectedRevision {
        case nil: return nil
        case "any": return .any
        case "none": return ExpectedRevision.none
        case .some(let text):
            guard let number = UInt64(text) else {
                throw CommandError(
                    "cannot use --expected-revision \(text)", remedy: "use a number, none or any",
                    status: ExitStatus.usage)
            }
            return .exactly(number)
        }
    }

    /// Reads events line by line; every line gets one line back, when its event is on disk or refused.
    private func runLines() throws {
        let file = try playbook.map { try PlaybookFile(at: $0, disk: RealDisk()) }
        let log = try ledger.openToWrite(command: "record", key: key)
        if let file {
            let registrar = PlaybookRegistrar(ledger: log, actor: LocalActor.current(), clock: SystemClock())
            try registrar.register(file, onBehalfOf: actor).map(PlaybookNote.tell)
        }
        let recorder = recorder(log)
        var number = 0
        var hasFailed = false
        var lines = InputLines()
        while let line = try lines.next() {
            number += 1
            if line.isEmpty { continue }
            var answer: JSONObject = ["line": .integer(number)]
            do {
                let receipts = try recorder.record(try RecordCommand.request(line, now: SystemClock().now()))
                answer["position"] = receipts.first.map { .integer($0.position) }
                answer["revision"] = receipts.first.map { .integer($0.revision) }
                answer["is_duplicate"] = receipts.first.map { .bool($0.isDuplicate) }
            } catch let error as Refusal {
                answer["rule"] = .string(error.rule.rawValue)
                answer["error"] = .string(error.description)
                hasFailed = true
            } catch let error as LedgerError where error.code == .stopped || error.code == .diskFull {
                throw error
            } catch {
                answer["error"] = .string("\(error)")
                hasFailed = true
            }
            try Terminal.line(CanonicalJSON.string(of: .object(answer)))
        }
        try log.close()
        if hasFailed { throw ExitStatus.data }
    }

    private static func request(_ line: [UInt8], now: Timestamp) throws -> CommandRecorder.Request {
        let value = try JSONParser.parse(line).value
        guard let type = value["type"]?.string, let stream = value["stream"]?.string.flatMap({ StreamName($0) }) else {
            throw CommandError("cannot read the event: it needs type and stream", status: ExitStatus.data)
        }
        var time = now
        if let text = value["time"]?.string {
            guard let parsed = Timestamp(text) else {
                throw CommandError("cannot read the time \(text)", remedy: "use RFC 3339", status: ExitStatus.data)
            }
            time = parsed
        }
        return CommandRecorder.Request(
            type: type, stream: stream, data: value["data"] ?? [:], time: time, isTimeGiven: value["time"] != nil,
            id: value["id"]?.string, onBehalfOf: value["actor"]?.string)
    }
}
