// Feeds damaged messages to a parser of the server until it stops: `tools/fuzz/run` builds this and starts it.
//
//     cairn-fuzz parsers
//     cairn-fuzz FIXTURES PARSER FIRST COUNT [--trace]
//
// Input number n of a parser is made of the seed n alone. Where it is says `from N` for every ten thousand inputs, and
// with `--trace` `seed N` for each; a crash prints Swift's report after that. The last line has two numbers: the inputs,
// and how many of them were accepted in part or whole.

import CairnBytes
import CairnIngest
import CairnModel
import CairnSeries
import Foundation

/// Written at once: a crash keeps nothing that waits in a buffer.
func say(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }

let arguments = CommandLine.arguments
if arguments.dropFirst() == ["parsers"] {
    say(Target.allCases.map(\.rawValue).joined(separator: "\n"))
    exit(0)
}
guard arguments.count >= 5, let target = Target(rawValue: arguments[2]), let first = UInt64(arguments[3]),
    let count = UInt64(arguments[4]), !first.addingReportingOverflow(count).overflow
else {
    say("cairn-fuzz FIXTURES \(Target.allCases.map(\.rawValue).joined(separator: "|")) FIRST COUNT [--trace]")
    exit(64)
}
let fuzzer = Fuzzer(target: target, fixtures: try Fixtures(folder: arguments[1]))
let isTraced = arguments.contains("--trace")
let batch: UInt64 = 10_000

for number in first..<first + count {
    if isTraced {
        say("seed \(number)")
    } else if (number - first).isMultiple(of: batch) {
        say("from \(number)")
    }
    fuzzer.run(number)
}
say("\(count) \(fuzzer.accepted)")
