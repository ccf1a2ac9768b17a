import ArgumentParser
import CairnReadModels
import CairnReports
import CairnWeb

extension TableFormat: ExpressibleByArgument {}

/// How a command prints its rows.
struct OutputArguments: ParsableArguments {
    @Option(name: [.customShort("o"), .customLong("output")], help: "The form of the output.")
    var format: TableFormat = .table

    func print(_ table: Table) throws { try Terminal.write(TableRenderer.render(table, as: format)) }

    /// Prints the rows, then on standard error what else there is to know, and ends as the answer came out.
    /// - Parameter readModel: what the answer was made from, if samples were read.
    func print(_ answered: Answered, from readModel: ReadModel? = nil) throws {
        try print(answered.table)
        try OutputArguments.end(answered, from: readModel)
    }

    static func end(_ answered: Answered, from readModel: ReadModel?) throws {
        for note in answered.notes { Terminal.note(note) }
        if let readModel { SampleWarnings.show(readModel) }
        switch answered.outcome {
        case .fine: return
        case .finding: throw ExitStatus.finding
        case .undecided: throw ExitStatus.undecided
        }
    }
}
