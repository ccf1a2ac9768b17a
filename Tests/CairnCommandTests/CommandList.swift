import CairnBytes
import CairnTestSupport
import Testing

/// The commands there are, as the program lists them itself, so that a new one cannot be left out of the tests.
enum CommandList {
    struct Command {
        /// `["report", "population"]`
        var words: [String]
        var json: JSONValue

        var name: String { words.joined(separator: " ") }

        /// The long names of its options and flags.
        var options: Set<String> {
            var options: Set<String> = []
            for argument in json["arguments"]?.array ?? [] {
                for name in argument["names"]?.array ?? [] where name["kind"]?.string == "long" {
                    if let text = name["name"]?.string { options.insert(text) }
                }
            }
            return options
        }
    }

    static func all() throws -> [Command] {
        let dump = try Program.cairn.run(["--experimental-dump-help"])
        let root = try #require(try JSONParser.parse(dump.output).value["command"])
        return below(root, words: [])
    }

    private static func below(_ command: JSONValue, words: [String]) -> [Command] {
        var found: [Command] = []
        for child in command["subcommands"]?.array ?? [] {
            guard let name = child["commandName"]?.string, name != "help" else { continue }
            found.append(Command(words: words + [name], json: child))
            found += below(child, words: words + [name])
        }
        return found
    }
}
