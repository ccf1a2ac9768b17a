import CairnBytes
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

@Suite struct SavedQueryTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../queries")
        .standardized

    /// The values for the parameters that have to be given.
    static let arguments: [String: [String: SQLValue]] = [
        "running-at": ["time": "2026-03-10T08:15:30Z"], "changes-by": ["person": "tomas"],
        "about-application": ["application": "checkout"],
    ]

    @Test func theBuiltInOnesAreTheFiles() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: SavedQueryTests.folder.path)
            .filter { $0.hasSuffix(".sql") }.sorted()
        var source = """
            // swift-format-ignore-file: the texts are those of the files, lines as long as there.
            // Made from the files of `queries/` by a test (run with UPDATE_GOLDEN=1), which also checks that the two agree.

            /// The saved queries that are part of the program.
            enum EmbeddedQueries {
                static let texts: [(name: String, text: String)] = [

            """
        for file in files {
            let text = try String(contentsOf: SavedQueryTests.folder.appending(path: file), encoding: .utf8)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
                $0.isEmpty ? "" : "            \($0)"
            }
            source += "        (\n            \"\(file.dropLast(4))\",\n            #\"\"\"\n"
            source += lines.joined(separator: "\n") + "\n            \"\"\"#\n        ),\n"
        }
        source += "    ]\n}\n"
        let target = SavedQueryTests.folder.appending(
            path: "../Sources/CairnReadModels/Queries/EmbeddedQueries.swift")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try source.write(to: target, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: target, encoding: .utf8) == source)
        let loaded = try SavedQueries.load(folder: SavedQueryTests.folder.path).all
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != "1" {
            #expect(try SavedQueries.builtIn().all == loaded)
        }
    }

    @Test func saysWhatItAsksAndAnswers() throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ScriptedLedger.make(hasFault: true))
        for query in try SavedQueries.builtIn().all {
            #expect(query.question.hasSuffix("?") || query.question.hasSuffix(")"), "\(query.name)")
            let result = try model.query(query, SavedQueryTests.arguments[query.name] ?? [:])
            #expect(result.columns == query.columns.map(\.name), "\(query.name)")
            #expect(query.columns.allSatisfy { !$0.meaning.isEmpty }, "\(query.name)")
            // Every parameter is said, and every one that is said is there.
            for parameter in query.parameters {
                #expect(query.sql.contains(":\(parameter.name)"), "\(query.name)")
                #expect(!parameter.meaning.isEmpty, "\(query.name)")
            }
            let all = Dictionary(uniqueKeysWithValues: query.parameters.map { ($0.name, SQLValue.text("nobody")) })
            _ = try model.query(query, all)
        }
    }

    /// Each query has rows with the fault, and other rows without it.
    @Test func goldenRows() throws {
        let faulty = try ReadModel.inMemory()
        try faulty.catchUp(from: ScriptedLedger.make(hasFault: true))
        let quiet = try ReadModel.inMemory()
        try quiet.catchUp(from: ScriptedLedger.make(hasFault: false))
        for query in try SavedQueries.builtIn().all {
            let arguments = SavedQueryTests.arguments[query.name] ?? [:]
            let withFault = try faulty.query(query, arguments)
            let without = try quiet.query(query, arguments)
            #expect(!withFault.rows.isEmpty, "\(query.name) has no rows")
            #expect(withFault != without, "\(query.name) says the same with and without the fault")
            let text = "with the fault\n\(table(withFault))\nwithout\n\(table(without))"
            try Golden.expect(text, matches: "queries/\(query.name).txt", in: #filePath)
        }
    }

    private func table(_ result: QueryResult) -> String {
        ([result.columns] + result.rows.map { $0.map(\.description) })
            .map { $0.joined(separator: " | ") + "\n" }.joined()
    }

    @Test func needsItsParameters() throws {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: EventList())
        let query = try #require(try SavedQueries.builtIn()["running-at"])
        let error = #expect(throws: ReadModelError.self) { try model.query(query) }
        #expect(error?.message.contains("needs the parameter time") == true)
    }

    @Test func refusesWhatIsNoQuery() throws {
        #expect(throws: ReadModelError.self) { try SavedQuery(name: "x", text: "SELECT 1") }
        #expect(throws: ReadModelError.self) { try SavedQueries.load(folder: "/nowhere/at/all") }
        let folder = try TemporaryFolder()
        try Data([0xFF, 0xFE]).write(to: URL(filePath: folder.file("bad.sql")))
        #expect(throws: ReadModelError.self) { try SavedQueries.load(folder: folder.path) }
    }
}
