import ArgumentParser
import CairnBytes
import CairnReadModels

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

    func moments(now: Timestamp) throws -> [ReadModel.Moment] {
        var moments: [ReadModel.Moment] = []
        if let at { moments.append(.at(at.moment(now: now))) }
        if let knownAt { moments.append(.knownAt(knownAt.moment(now: now))) }
        if let entry { moments.append(.entry(entry)) }
        return moments
    }
}
