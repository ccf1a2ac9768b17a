import CairnBytes
import CairnTestSupport
import Foundation
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A ledger made by the commands of `tools/demo` on demo data: shared by the tests that only ask questions.
struct DemoLedger: Sendable {
    let ledger: ScratchLedger
    /// What the data was made with: faults, moments, names.
    let truth: JSONValue
    /// What makes its outputs the same on every run.
    let stable: StableText

    /// The data shipped in the repository.
    static func shipped() throws -> DemoLedger { try shippedOnce.get() }
    /// The same data, generated without its faults.
    static func withoutFault() throws -> DemoLedger { try withoutFaultOnce.get() }

    private static let shippedOnce = Result {
        try DemoLedger(dataIn: "\(ScratchLedger.top)/tools/demo-data")
    }
    private static let withoutFaultOnce = Result {
        try DemoLedger(generatedWith: ["--fault", "none"])
    }

    /// Generates data first, in a folder of its own.
    init(generatedWith options: [String]) throws {
        let folder = try TemporaryFolder("cairn-demo-data")
        let generated = try Program(path: "/usr/bin/env").run(
            ["python3", "\(ScratchLedger.top)/tools/demo-data/generate.py", "--out", folder.file("data")] + options)
        guard generated.status == 0 else { throw ScratchLedger.Failed("generate.py", generated) }
        try self.init(dataIn: folder.path)
    }

    /// - Parameter folder: has the folder `data`. The commands run in there, so that the ledger does not depend on where
    ///   it is.
    init(dataIn folder: String) throws {
        let text = try Data(contentsOf: URL(filePath: "\(folder)/data/truth.json"))
        truth = try JSONParser.parse(Array(text)).value
        ledger = try ScratchLedger(origin: "demo.cairn.example/ledger")
        DemoLedger.removeAtExit(ledger.folder)
        let names = truth["clusters"]
        let clusters = [try #require(names?["source"]?.string), try #require(names?["target"]?.string)]
        var commands = [["events", "data/events.jsonl"], ["eventbridge", "data/eventbridge.jsonl"]]
        commands += clusters.map { ["velero", "data/velero/\($0)", "--cluster", $0] }
        commands.append(["k8s-events", "data/k8s-events.json", "--cluster", clusters[1]])
        commands.append(["prometheus", "data/metrics"])
        commands += clusters.map { ["flow-logs", "data/flow-logs/\($0)", "--cluster", $0] }
        commands[commands.count - 1].append("--analyze")
        for command in commands { try ledger.succeed(["import"] + command, in: folder) }
        // Readers find the read model caught up, so tests at the same time only read.
        try ledger.succeed(["status"])
        stable = try StableText(ledger)
    }

    private static let leftOvers = Mutex<[TemporaryFolder]>([])

    /// What is kept in a static is never released, so its folder is removed when the process ends.
    private static func removeAtExit(_ folder: TemporaryFolder) {
        leftOvers.withLock { folders in
            if folders.isEmpty {
                atexit {
                    DemoLedger.leftOvers.withLock { $0 }.forEach {
                        try? FileManager.default.removeItem(atPath: $0.path)
                    }
                }
            }
            folders.append(folder)
        }
    }
}
