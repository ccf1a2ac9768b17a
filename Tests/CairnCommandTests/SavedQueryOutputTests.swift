import CairnBytes
import CairnTestSupport
import Testing

/// Every saved query on the demo ledger: golden rows, and other rows where the fault shows.
@Suite struct SavedQueryOutputTests {
    /// Parameters that have to be given.
    static let parameters = [
        "about-application": "application=search", "changes-by": "person=ines.duarte",
        "running-at": "time=2026-03-10T09:45:00Z",
    ]

    /// The questions whose answer the injected faults change; what people did is the same with and without them.
    static let changedByFault: Set<String> = [
        "about-application", "dropped-flows", "findings-of-incidents", "fleet", "import-history", "timeline",
    ]

    private func answer(_ name: String, _ demo: DemoLedger) throws -> String {
        let parameter = SavedQueryOutputTests.parameters[name].map { ["-p", $0] } ?? []
        return try demo.ledger.succeed(["query", name] + parameter + ["-o", "json"])
    }

    private func names(_ demo: DemoLedger) throws -> [String] {
        try demo.ledger.rows(["query"]).compactMap { $0["name"]?.string }
    }

    @Test func goldenRows() throws {
        let demo = try DemoLedger.shipped()
        let stable = demo.stable
        let names = try names(demo)
        #expect(names.count >= 15)
        // The demo has no server, so nobody holds a token.
        for name in names where name != "access-review" {
            let answer = try answer(name, demo)
            let rows = try #require(try JSONParser.parse(answer).value.array)
            #expect(!rows.isEmpty, "\(name) has no rows on the demo ledger")
            try Golden.expect(stable(answer), matches: "queries/\(name).json", in: #filePath)
        }
    }

    @Test func theFaultChangesRows() throws {
        let demo = try DemoLedger.shipped()
        let quiet = try DemoLedger.withoutFault()
        for name in try names(demo) {
            let withFault = demo.stable(try answer(name, demo))
            let without = quiet.stable(try answer(name, quiet))
            if SavedQueryOutputTests.changedByFault.contains(name) {
                #expect(withFault != without, "\(name) says the same with and without the fault")
            } else {
                #expect(withoutPositions(withFault) == withoutPositions(without), "\(name) depends on the fault")
            }
        }
        #expect(try quiet.ledger.rows(["query", "findings-of-incidents"]).isEmpty)
    }

    /// Positions after the analysis differ by the events that it recorded.
    private func withoutPositions(_ text: String) -> String {
        text.replacing(#/"[a-z_]*position":\d+/#, with: "")
    }

    @Test func parametersAreChecked() throws {
        let demo = try DemoLedger.shipped()
        for (arguments, words) in [
            (["query", "running-at"], "time"), (["query", "no-such-query"], "no-such-query"),
            (["query", "running-at", "-p", "time"], "name=value"),
        ] {
            let result = try demo.ledger.run(arguments)
            #expect(result.status == 64, "\(arguments): \(result.errors)")
            #expect(result.output.isEmpty)
            #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
            #expect(result.errors.contains(words), "\(result.errors)")
        }
    }

    /// SQL of one's own reads and nothing else.
    @Test(arguments: [
        "DELETE FROM events", "UPDATE events SET stream = 'x'", "DROP TABLE events", "ATTACH '/tmp/x' AS x",
        "PRAGMA writable_schema = 1", "SELECT 1; DELETE FROM events", "SELECT load_extension('x')", "SELECT FROM WHERE",
        "WITH x AS (SELECT 1) DELETE FROM events", "VACUUM INTO '/tmp/x'", "SELECT nothing FROM nowhere",
    ])
    func sqlOnlyReads(_ statement: String) throws {
        let demo = try DemoLedger.shipped()
        let result = try demo.ledger.run(["query", statement])
        #expect(result.status == 64, "\(result.errors)")
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix("cannot"), "\(result.errors)")
    }
}
