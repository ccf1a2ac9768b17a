import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReports
import CairnWeb

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "The history, event by event, or the state as it was.",
        discussion: """
            Without a moment the events of the log are listed in the order in which they were recorded. With --at, \
            --known-at or --entry the state of every migration and deployment at that moment is shown.

            Examples:
              cairn replay --stream migration/harbor-eu-1
              cairn replay --at 2026-03-10T10:00:00Z
              cairn replay --follow                      new events, one JSON object a line
              cairn replay --stream incident/3f2a --speed 60         an hour in a minute
              cairn replay --rejudge                     every finding from its evidence, and that nothing was found
              cairn replay --rejudge --stream analysis/divergence/old/new      every analysis of these two clusters
            """)

    @Option(help: ArgumentHelp("Only this stream.", valueName: "stream"))
    var stream: String?

    @Flag(help: "Go on with what is appended from now on, until interrupted.")
    var follow = false

    @Option(help: ArgumentHelp("Wait between events as long as it took then, divided by this.", valueName: "factor"))
    var speed: Double?

    @Flag(
        help:
            "Compute every finding, decision and last analysis again from its evidence and name each that differs; with --stream all of that stream."
    )
    var rejudge = false

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var moment: MomentArguments
    @OptionGroup var output: OutputArguments

    /// Longest wait between two events of a replay with --speed: nights are skipped.
    private static let waitSecondsMax = 5.0

    func run() async throws {
        let name = try stream.map { try ReplayCommand.stream($0) }
        if rejudge {
            return try output.print(LogAnswers.rejudged(ledger.openToRead(command: "replay"), stream: name))
        }
        if !moment.asked.isNow {
            let workspace = try Workspace.open(ledger, command: "replay", moment: moment)
            return try output.print(StatusAnswer.all(workspace, now: workspace.clock(now: SystemClock().now())))
        }
        let log = try ledger.openToRead(command: "replay")
        var writer = EventWriter(format: follow || speed != nil ? nil : output.format)
        if let speed {
            guard speed > 0 else {
                throw CommandError("cannot replay at a speed of \(speed)", status: ExitStatus.usage)
            }
            return try await replay(log, name, speed: speed, &writer)
        }
        try writer.begin()
        if let name {
            guard try log.lastRevision(of: name) != nil else {
                throw CommandError(
                    "cannot find the stream \(name) in this ledger",
                    remedy: "`cairn query 'SELECT DISTINCT stream FROM events'` lists them", status: ExitStatus.data)
            }
            try log.forEach(in: name, from: 0) { try writer.write($0) }
        } else {
            try log.forEach(from: 0) { try writer.write($0) }
        }
        guard follow else { return try writer.end() }
        for try await event in log.follow(from: log.size) where name == nil || event.subject == name {
            try writer.write(event)
        }
    }

    static func stream(_ text: String) throws -> StreamName {
        guard let name = StreamName(text) else {
            throw CommandError(
                "cannot use the stream name \(text)", remedy: "it is kind/id, such as migration/harbor-eu-1",
                status: ExitStatus.usage)
        }
        return name
    }

    private func replay(
        _ log: Ledger, _ name: StreamName?, speed: Double, _ writer: inout EventWriter
    ) async throws {
        var events: [RecordedEvent] = []
        if let name {
            try log.forEach(in: name, from: 0) { events.append($0) }
        } else {
            try log.forEach(from: 0) { events.append($0) }
        }
        events.sort { ($0.time, $0.position) < ($1.time, $1.position) }
        try writer.begin()
        var previous: Timestamp?
        for event in events {
            if let previous {
                let seconds = Double(event.time.microseconds - previous.microseconds) / 1e6 / speed
                try await Task.sleep(for: .seconds(min(seconds, ReplayCommand.waitSecondsMax)))
            }
            previous = event.time
            try writer.write(event)
        }
        try writer.end()
    }
}

/// Writes events: one by one as one JSON array or as JSON lines (nil), or all at the end as a table.
struct EventWriter {
    private let format: TableFormat?
    private var count = 0
    private var table = Table(
        columns: ["position", "time", "stream", "type", "actor", "action"].map { Table.Column($0) })

    init(format: TableFormat?) { self.format = format }

    func begin() throws { if format == .json { try Terminal.write("[") } }

    mutating func write(_ event: RecordedEvent) throws {
        defer { count += 1 }
        switch format {
        case .json: try Terminal.write((count == 0 ? "\n  " : ",\n  ") + CanonicalJSON.string(of: event.json))
        case nil: try Terminal.line(CanonicalJSON.string(of: event.json))
        default: table.rows.append(EventWriter.row(event))
        }
    }

    private static func row(_ event: RecordedEvent) -> [Table.Cell] {
        let entry = TimelineEntry(event)
        let evidence = entry.evidence.map(\.text).joined(separator: "; ")
        let action = evidence.isEmpty ? entry.action : "\(entry.action) (\(evidence))"
        return [
            .integer(event.position), .time(event.time), .text(event.subject.text), .text(event.type),
            .text(entry.actor), .text(action),
        ]
    }

    func end() throws {
        switch format {
        case .json: try Terminal.write(count == 0 ? "]\n" : "\n]\n")
        case nil: return
        case let format?: try Terminal.write(TableRenderer.render(table, as: format))
        }
    }
}
