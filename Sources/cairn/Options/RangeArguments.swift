import ArgumentParser
import CairnBytes
import CairnReports

extension TimeArgument: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// From when to when. A time such as -2h begins with a dash and is no option.
struct RangeArguments: ParsableArguments {
    @Option(
        parsing: .unconditional, help: ArgumentHelp("From this moment on: \(TimeArgument.help).", valueName: "time"))
    var since: TimeArgument?

    @Option(parsing: .unconditional, help: ArgumentHelp("Up to this moment.", valueName: "time"))
    var until: TimeArgument?

    func range(now: Timestamp) throws -> (since: Timestamp?, until: Timestamp?) {
        let since = since?.moment(now: now)
        let until = until?.moment(now: now)
        if let since, let until, since >= until {
            throw CommandError(
                "cannot use --since \(since) with --until \(until): it is not earlier", status: ExitStatus.usage)
        }
        return (since, until)
    }
}
