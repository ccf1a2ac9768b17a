import ArgumentParser
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
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

    func moments(now: Timestamp) throws -> [ReadModel.Moment] {
        var moments: [ReadModel.Moment] = []
        if let at { moments.append(.at(at.moment(now: now))) }
        if let knownAt { moments.append(.knownAt(knownAt.moment(now: now))) }
        if let entry { moments.append(.entry(entry)) }
        return moments
    }

    /// When it is for the answers: the earliest moment that was asked about, else now. What people said of a finding holds
    /// or has ended as of then, and relative times count from it.
    func clock(in ledger: Ledger) throws -> Timestamp {
        let now = SystemClock().now()
        return try moments(now: now).map { moment in
            switch moment {
            case .at(let time), .knownAt(let time): time
            case .entry(let position): try ledger.event(at: position).recordedTime
            }
        }.min() ?? now
    }
}
