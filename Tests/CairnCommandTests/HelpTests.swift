import CairnTestSupport
import Foundation
import Testing

@Suite struct HelpTests {
    private func help(_ arguments: [String]) throws -> Program.Result {
        try Program.cairn.run(arguments, environment: ["COLUMNS": "80"])
    }

    @Test func ofTheWhole() throws {
        let help = try help(["--help"])
        #expect(help.status == 0)
        #expect(help.errors.isEmpty)
        try Golden.expect(help.output, matches: "help/cairn.txt", in: #filePath)
        #expect(try self.help(["help"]).output == help.output)
        for command in try CommandList.all() where command.words.count == 1 {
            #expect(help.output.contains("\n  \(command.name) "), "\(command.name) is not listed")
        }
    }

    @Test func ofEveryCommand() throws {
        let commands = try CommandList.all()
        #expect(commands.count >= 13)
        for command in commands {
            let help = try help(["help"] + command.words)
            #expect(help.status == 0, "\(command.name)")
            #expect(help.errors.isEmpty, "\(command.name)")
            let file = command.words.joined(separator: "-")
            try Golden.expect(help.output, matches: "help/\(file).txt", in: #filePath)
            #expect(try self.help(command.words + ["--help"]).output == help.output, "\(command.name)")
            let hasChildren = commands.contains {
                $0.words.count > command.words.count && $0.words.starts(with: command.words)
            }
            #expect(hasChildren || help.output.contains("cairn \(command.name)"), "\(command.name) has no example")
            #expect(hasChildren || help.output.contains("Example"), "\(command.name) has no example")
            for line in help.output.split(separator: "\n") where line.count > 80 {
                // The parser does not wrap the usage.
                #expect(line.hasPrefix("USAGE: "), "\(command.name) is too wide: \(line)")
            }
        }
    }

    /// A command that prints rows has its keys pinned by a file `output/NAME*.json`, so that a new one cannot be
    /// forgotten. `bench` measures, and its keys alone are stable: WritingCommandTests has them.
    @Test func everyCommandHasGoldenJSON() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/output")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let commands = try CommandList.all()
        for command in commands {
            let isGroup = commands.contains {
                $0.words.count > command.words.count && $0.words.starts(with: command.words)
            }
            // A completion script is for a shell, which has no use for JSON; a server answers over HTTP; a token is
            // printed alone, so that a script can take it as it is.
            guard !isGroup, !["completion", "serve", "token create"].contains(command.words.joined(separator: " "))
            else { continue }
            #expect(command.options.contains("output"), "\(command.name) has no -o json")
            let name = command.words.joined(separator: "-")
            #expect(
                files.contains { $0.hasPrefix(name) && $0.hasSuffix(".json") }, "\(command.name) has no golden JSON")
        }
    }

    @Test func completionForEveryShell() throws {
        for shell in ["bash", "zsh", "fish"] {
            let script = try Program.cairn.run(["completion", shell])
            #expect(script.status == 0)
            for command in try CommandList.all() where command.words.count == 1 {
                #expect(script.output.contains(command.name), "\(shell): \(command.name)")
            }
        }
        let unknown = try Program.cairn.run(["completion", "cmd.exe"])
        #expect(unknown.status == 64)
        #expect(unknown.errors.contains("bash, zsh or fish"))
    }
}
