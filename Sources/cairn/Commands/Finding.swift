import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnRecorder
import CairnReports
import CairnWeb

struct FindingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finding", abstract: "Say of a finding that it is known, muted or false.",
        discussion: """
            Each word has a reason and a person, and may end at a moment; then the finding counts again. A muted or false \
            finding fails no gate, and is shown as such everywhere.

            Examples:
              cairn finding acknowledge drop-3f2a --reason "partner called, ticket 4711"
              cairn finding mute drop-3f2a --reason "partner's maintenance" --expires +2h
              cairn finding mark-false diverge-9c1e --reason "load test of the search team"
              cairn finding withdraw-mute drop-3f2a --reason "maintenance is over"
            """,
        subcommands: [Acknowledge.self, Mute.self, MarkFalse.self, WithdrawMute.self])

    /// What every word has.
    struct Arguments: ParsableArguments {
        @Argument(help: "The finding's id.")
        var id: String

        @Option(help: ArgumentHelp("Why.", valueName: "text"))
        var reason: String

        @Option(help: ArgumentHelp("For whom; recorded as said, unchecked.", valueName: "name"))
        var actor: String?

        @OptionGroup var ledger: LedgerArguments
        @OptionGroup var key: KeyArguments
        @OptionGroup var output: OutputArguments

        func record(_ name: String, expiry: Expiry? = nil) throws {
            let now = SystemClock().now()
            let person = LocalActor.current()
            var data: JSONObject = [
                "finding": .string(id), "reason": .string(reason), "person": .string(actor ?? person.id),
            ]
            let expires = (expiry?.expires ?? expiry?.until)?.moment(now: now)
            data["expires"] = expires.map { .string($0.description) }
            let log = try ledger.openToWrite(command: "finding", key: key)
            let recorder = CommandRecorder(ledger: log, actor: person, clock: SystemClock(), random: SystemRandom())
            let receipts = try recorder.record(
                CommandRecorder.Request(
                    type: "cairn.\(name).v1", stream: StreamName(kind: "finding", foreignID: id), data: .object(data),
                    time: now, isTimeGiven: false, onBehalfOf: actor))
            try log.close()
            try output.print(
                Table.ofOne([
                    ("finding", .text(id)), ("event", .text(name)), ("expires", .optional(expires)),
                    ("position", .optional(receipts.first?.position)),
                ]))
        }
    }

    /// Until when a word holds.
    struct Expiry: ParsableArguments {
        @Option(help: ArgumentHelp("Until when that holds: RFC 3339, or relative such as +2h.", valueName: "time"))
        var expires: TimeArgument?

        /// What it was called first.
        @Option(help: .hidden)
        var until: TimeArgument?

        func validate() throws {
            if expires != nil, until != nil { throw ValidationError("--until is --expires: give one of them") }
        }
    }

    struct Acknowledge: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Somebody has seen it and looks after it; it still counts.",
            discussion: """
                Example:
                  cairn finding acknowledge drop-3f2a --reason "partner called, ticket 4711"
                """)
        @OptionGroup var arguments: Arguments
        @OptionGroup var expiry: Expiry

        func run() throws { try arguments.record("finding.acknowledged", expiry: expiry) }
    }

    struct Mute: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "It is true, and shall fail no gate.",
            discussion: """
                Example:
                  cairn finding mute drop-3f2a --reason "partner's maintenance" --expires +2h
                """)
        @OptionGroup var arguments: Arguments
        @OptionGroup var expiry: Expiry

        func run() throws { try arguments.record("finding.muted", expiry: expiry) }
    }

    struct MarkFalse: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "mark-false", abstract: "The analyzer is wrong, or has seen a test.",
            discussion: """
                Example:
                  cairn finding mark-false diverge-9c1e --reason "load test of the team"
                """)
        @OptionGroup var arguments: Arguments
        @OptionGroup var expiry: Expiry

        func run() throws { try arguments.record("finding.marked_false", expiry: expiry) }
    }

    struct WithdrawMute: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "withdraw-mute", abstract: "It counts again, muted or marked false before.",
            discussion: """
                Example:
                  cairn finding withdraw-mute drop-3f2a --reason "maintenance is over"
                """)
        @OptionGroup var arguments: Arguments

        func run() throws { try arguments.record("finding.unmuted") }
    }
}
