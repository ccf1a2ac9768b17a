import CairnBytes
import CairnLedger
import CairnModel
import CairnSim
import CairnTestSupport
import Foundation
import Testing

/// Compares this module with `tools/read_ledger.py`, which was written from FORMAT.md alone.
@Suite struct IndependentReaderTests {
    @Test func bothReadTheSameLedger() throws {
        let disk = try CrashWorkload.makeDisk()
        var workload = CrashWorkload(disk: disk)
        try workload.run()
        let files = ledgerFiles(disk)
        let folder = try export(files)
        let ledger = try workload.open()
        #expect(verdict(files) == "intact")
        let summary = try read(folder)
        #expect(summary.code == 0, "\(summary.output)")
        #expect(summary.output.contains("\(ledger.size) entries"))
        let listing = try read(folder, ["--entries"])
        let lines = listing.output.utf8.split(separator: 0x0A).map { Array($0) }
        #expect(lines == (try (0..<ledger.size).map { try ledger.entryBytes(at: $0) }))
    }

    /// Every byte of every file flipped, and every file cut at every length: both say the same.
    @Test func bothJudgeEveryFlippedByteAndEveryCutAlike() throws {
        let files = try smallLedger()
        var changes: [(line: String, name: String, bytes: [UInt8]?)] = []
        for name in files.keys.sorted() {
            guard let bytes = files[name] else { continue }
            changes.append(("\(name) - remove", name, nil))
            for more in [[0], [UInt8](repeating: 0, count: 2000), [UInt8](repeating: 7, count: 300)] {
                changes.append(("\(name) \(Hex.string(more)) add", name, bytes + more))
            }
            for offset in bytes.indices {
                // Any bit, a different one for each byte.
                let bit: UInt8 = 1 << UInt8(offset % 8)
                var flipped = bytes
                flipped[offset] ^= bit
                changes.append(("\(name) \(offset) xor \(bit)", name, flipped))
                changes.append(("\(name) \(offset) cut", name, Array(bytes[..<offset])))
            }
        }
        let folder = try export(files)
        let answers = try read(folder, ["--mutations"], input: changes.map { $0.line + "\n" }.joined()).output
            .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        try #require(answers.count == changes.count)
        var differing = 0
        var verdicts: [String: Int] = [:]
        for (change, answer) in zip(changes, answers) {
            var changed = files
            changed[change.name] = change.bytes
            let verdict = verdict(changed)
            verdicts[verdict, default: 0] += 1
            if verdict != IndependentReaderTests.coarse[answer[0]] {
                differing += 1
                if differing <= 20 { Issue.record("\(change.line): \(verdict) here, \(answer) there") }
            }
            if change.line.contains("xor"), verdict == "intact" || verdict == "torn" {
                Issue.record("\(change.line): \(verdict)")
            }
        }
        print("changes to a ledger of \(files.values.map(\.count).reduce(0, +)) bytes: \(changes.count), \(verdicts)")
        #expect(differing == 0)
    }

    /// The two name kinds of damage differently; what a user is told to do differs only between these.
    private static let coarse = [
        "intact": "intact", "torn": "torn", "corrupt": "corrupt", "fork": "corrupt", "lost": "corrupt",
        "newer": "corrupt",
    ]

    private func verdict(_ files: [String: [UInt8]]) -> String {
        let disk = FaultDisk()
        let environment = CrashWorkload(disk: disk).environment
        for folder in ["/data", CrashWorkload.folder, "\(CrashWorkload.folder)/segments"] {
            try? disk.createFolder(folder)
        }
        for (name, bytes) in files { disk.overwrite("\(CrashWorkload.folder)/\(name)", with: bytes) }
        let report = try? LedgerVerifier.verify(at: CrashWorkload.folder, environment: environment)
        return report?.verdict.rawValue ?? "corrupt"
    }

    /// Two segments, attachments of which one is gone, a checkpoint.
    private func smallLedger() throws -> [String: [UInt8]] {
        let disk = try CrashWorkload.makeDisk()
        var workload = CrashWorkload(disk: disk)
        workload.options.sealBytes = 2000
        let ledger = try workload.create()
        let receipts = try workload.append(
            [
                CrashWorkload.event("a", stream: "one", attachments: [60]),
                CrashWorkload.event("b", stream: "two", dataBytes: 600, attachments: [40]),
            ], to: ledger)
        let digest = try #require(try ledger.event(at: receipts[0].position).attachments.first?.digest)
        try ledger.remove(
            [Removal(digest: digest, kind: .redacted, reason: "a test", approvedBy: "somebody")],
            actor: CrashWorkload.actor)
        try workload.append([CrashWorkload.event("c", stream: "one", attachments: [30])], to: ledger)
        _ = try ledger.checkpoint()
        try workload.append([CrashWorkload.event("d", stream: "one", attachments: [20])], to: ledger)
        try workload.append([CrashWorkload.event("e", stream: "three")], to: ledger)
        let files = ledgerFiles(disk)
        #expect(files.keys.contains("segments/00000001.segment"))
        return files
    }

    /// What the format says is the ledger, by relative name.
    private func ledgerFiles(_ disk: FaultDisk) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for (path, bytes) in disk.files where path.hasPrefix(CrashWorkload.folder + "/") {
            let name = String(path.dropFirst(CrashWorkload.folder.count + 1))
            if name.hasPrefix("segments/") || name == "checkpoint" { files[name] = bytes }
        }
        return files
    }

    private func export(_ files: [String: [UInt8]]) throws -> TemporaryFolder {
        let folder = try TemporaryFolder("ledger")
        try FileManager.default.createDirectory(
            atPath: folder.file("segments"), withIntermediateDirectories: true)
        for (name, bytes) in files { try Data(bytes).write(to: URL(filePath: folder.file(name))) }
        return folder
    }

    private func read(
        _ folder: TemporaryFolder, _ options: [String] = [], input: String = ""
    ) throws -> (code: Int32, output: String) {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments =
            ["python3", root.appending(path: "tools/read_ledger.py").path, folder.path] + options
        // Through files: a pipe would fill up while nobody reads.
        let (inputFile, outputFile) = (folder.file("input"), folder.file("output"))
        try Data(input.utf8).write(to: URL(filePath: inputFile))
        try Data().write(to: URL(filePath: outputFile))
        process.standardInput = FileHandle(forReadingAtPath: inputFile)
        process.standardOutput = FileHandle(forWritingAtPath: outputFile)
        try process.run()
        process.waitUntilExit()
        let output = try Data(contentsOf: URL(filePath: outputFile))
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
