import CairnBytes
import CairnLedger
import CairnTestSupport
import Foundation
import Testing

/// A ledger in a temporary folder, and the `cairn` that works on it.
struct ScratchLedger: Sendable {
    static let origin = "test.cairn.example/ledger"

    /// The top of the checkout.
    static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    let folder: TemporaryFolder
    /// Where the ledger is; by default in the temporary folder.
    let path: String
    var key: String { folder.file("signing-key") }

    /// - Parameter path: nil for a place in a folder of its own.
    init(origin: String = ScratchLedger.origin, at path: String? = nil) throws {
        folder = try TemporaryFolder("cairn-commands")
        self.path = path ?? folder.file("ledger")
        let made = try run(["init", "--origin", origin])
        guard made.status == 0 else { throw Failed("init", made) }
    }

    /// A copy that a test may change.
    init(copyOf other: ScratchLedger) throws {
        folder = try TemporaryFolder("cairn-commands")
        path = folder.file("ledger")
        try FileManager.default.copyItem(atPath: other.path, toPath: path)
        try FileManager.default.copyItem(atPath: other.key, toPath: key)
    }

    struct Failed: Error, CustomStringConvertible {
        var description: String

        init(_ command: String, _ result: Program.Result) {
            description = "\(command) ended with \(result.status): \(result.errors)"
        }
    }

    var environment: [String: String] { ["CAIRN_LEDGER": path, "CAIRN_KEY": key] }

    /// Runs a command on this ledger.
    func run(_ arguments: [String], input: String? = nil, in folder: String? = nil) throws -> Program.Result {
        try Program.cairn.run(arguments, input: input, environment: environment, folder: folder)
    }

    /// Runs a command that has to succeed.
    @discardableResult
    func succeed(_ arguments: [String], input: String? = nil, in folder: String? = nil) throws -> String {
        let result = try run(arguments, input: input, in: folder)
        guard result.status == 0 else { throw Failed(arguments.joined(separator: " "), result) }
        return result.output
    }

    /// The rows of a command with JSON output, which may end with one of `statuses`.
    func rows(
        _ arguments: [String], statuses: Set<Int32> = [0], in folder: String? = nil
    ) throws -> [JSONValue] {
        let result = try run(arguments + ["-o", "json"], in: folder)
        guard statuses.contains(result.status) else { throw Failed(arguments.joined(separator: " "), result) }
        return try #require(try JSONParser.parse(result.output).value.array)
    }

    /// All events, as `replay` gives them.
    func events() throws -> [JSONValue] { try rows(["replay"]) }

    func eventCount() throws -> Int64 {
        let rows = try rows(["query", "SELECT count(*) AS n FROM events"])
        return try #require(rows.first?["n"]?.integer)
    }

    /// The ledger is intact: every byte, the tree, the checkpoint, the numbers.
    ///
    /// - Parameter mayBeTorn: after a crash the rest of a commit that nobody was told of may be there.
    func expectIntact(
        _ comment: String = "", mayBeTorn: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let report = try LedgerVerifier.verify(at: path, environment: .live(command: "test"))
        let isFine = report.verdict == .intact || (mayBeTorn && report.verdict == .torn)
        #expect(
            isFine, "\(comment): \(report.verdict) \(report.problems) \(report.torn)", sourceLocation: sourceLocation)
        let python = Program(path: "/usr/bin/env")
        let reader = try python.run(["python3", "\(ScratchLedger.top)/tools/read_ledger.py", path])
        #expect(reader.status == 0, "\(comment): \(reader.output)\(reader.errors)", sourceLocation: sourceLocation)
    }
}
