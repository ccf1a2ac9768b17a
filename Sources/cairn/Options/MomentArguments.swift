import ArgumentParser
import CairnReports

/// A moment of the past that a command looks at instead of now.
struct MomentArguments: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("As it was at this time: what had happened by then.", valueName: "time"))
    var at: TimeArgument?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("As it was known at this time: what had been recorded by then.", valueName: "time"))
    var knownAt: TimeArgument?

    @Option(help: ArgumentHelp("As it was after this entry of the log.", valueName: "position"))
    var entry: UInt64?

    var asked: AskedMoment { AskedMoment(at: at, knownAt: knownAt, entry: entry) }
}
