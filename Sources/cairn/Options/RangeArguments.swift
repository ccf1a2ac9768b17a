import ArgumentParser
import CairnBytes

extension TimeArgument: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// From when to when.
struct RangeArguments: ParsableArguments {
    @Option(help: ArgumentHelp("From this moment on: \(TimeArgument.help).", valueName: "time"))
    var since: TimeArgument?

    @Option(help: ArgumentHelp("Up to this moment.", valueName: "time"))
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
