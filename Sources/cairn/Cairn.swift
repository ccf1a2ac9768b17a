import ArgumentParser

@main
struct Cairn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cairn", abstract: "The flight recorder of zero-downtime migrations.",
        discussion: """
            Every event of a migration goes into one verifiable log. Start with:
              cairn init --ledger ./ledger
              export CAIRN_LEDGER=./ledger
              cairn import flow-logs ./AWSLogs --cluster eks
              cairn timeline
            """,
        subcommands: [
            InitCommand.self, RecordCommand.self, ImportCommand.self, StatusCommand.self, ReplayCommand.self,
            DivergeCommand.self, DropsCommand.self, AnomaliesCommand.self, ExplainCommand.self, GateCommand.self,
            CheckCommand.self, FindingCommand.self, FlowsCommand.self, TimelineCommand.self, QueryCommand.self,
            ReportCommand.self, CheckpointCommand.self, VerifyCommand.self, ProveCommand.self, RedactCommand.self,
            KeyCommand.self, TokenCommand.self, ServeCommand.self, BackupCommand.self, RebuildCommand.self,
            SealCommand.self,
            StatsCommand.self, BenchCommand.self,
            VersionCommand.self, CompletionCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Failure.exit(with: error)
        }
    }
}
