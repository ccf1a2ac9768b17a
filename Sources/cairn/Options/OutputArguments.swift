import ArgumentParser
import CairnReports
import CairnWeb

extension TableFormat: ExpressibleByArgument {}

/// How a command prints its rows.
struct OutputArguments: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "The form of the output.")
    var format: TableFormat = .table

    func print(_ table: Table) throws { try Terminal.write(TableRenderer.render(table, as: format)) }
}
