import ArgumentParser

/// The version that this source is.
let cairnVersion = "0.1.0"

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version.", discussion: "Example:\n  cairn version")

    func run() throws { try Terminal.line("cairn \(cairnVersion)") }
}
