// Feeds damaged messages to every parser of the server until one stops: `tools/fuzz/run` builds and starts it.
//
//     cairn-fuzz FIXTURES TARGET FIRST COUNT [--trace]
//
// Input number n of a target is made of the seed n alone. A crash prints Swift's report, and the last line before it
// names the inputs that were being tried; the same with `--trace` prints the number of each.

import CairnBytes
import CairnIngest
import CairnModel
import CairnSeries
import Foundation

let arguments = CommandLine.arguments
guard arguments.count >= 5, let target = Target(rawValue: arguments[2]), let first = UInt64(arguments[3]),
    let count = UInt64(arguments[4])
else {
    print("cairn-fuzz FIXTURES \(Target.allCases.map(\.rawValue).joined(separator: "|")) FIRST COUNT [--trace]")
    exit(64)
}
let fuzzer = Fuzzer(target: target, fixtures: try Fixtures(folder: arguments[1]))
let isTraced = arguments.contains("--trace")
let batch: UInt64 = 10_000

/// Written at once: a crash keeps nothing that waits in a buffer.
func say(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }

for number in first..<first + count {
    if isTraced {
        say("\(target.rawValue) \(number)")
    } else if (number - first).isMultiple(of: batch) {
        say("\(target.rawValue) \(number) to \(min(first + count, number + batch) - 1), \(fuzzer.accepted) accepted")
    }
    fuzzer.run(number)
}
say("\(target.rawValue): \(count) inputs, \(fuzzer.accepted) of them accepted in part or whole, none crashed")
