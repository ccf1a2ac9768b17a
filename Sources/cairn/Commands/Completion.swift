import ArgumentParser

struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion", abstract: "Print a completion script for a shell.",
        discussion: """
            Examples:
              source <(cairn completion bash)
              cairn completion zsh > "${fpath[1]}/_cairn"
              cairn completion fish > ~/.config/fish/completions/cairn.fish
            """)

    @Argument(help: "bash, zsh or fish.")
    var shell: String

    func run() throws {
        guard let shell = CompletionShell(rawValue: shell) else {
            throw CommandError(
                "cannot complete for \(shell)", remedy: "use bash, zsh or fish", status: ExitStatus.usage)
        }
        try Terminal.line(Cairn.completionScript(for: shell))
    }
}
