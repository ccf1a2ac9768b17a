import ArgumentParser
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

    var asked: AskedRange { AskedRange(since: since, until: until) }
}
