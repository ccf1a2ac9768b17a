import CairnBytes
import CairnIngest
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnTestSupport
import Testing

@Suite struct ImportedSeriesTests {
    private static func write(_ text: String, _ path: String) throws {
        let file = try RealDisk().open(path, .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
        defer { file.close() }
        try file.writeAll(Array(text.utf8), at: 0)
    }

    private static func ledger(_ folder: TemporaryFolder) throws -> Ledger {
        try Ledger.create(
            at: folder.file("ledger"), origin: "test.example/ledger", keyFile: folder.file("key"),
            environment: .live(command: "test"))
    }

    private static func run(
        _ ledger: Ledger, _ folder: TemporaryFolder, _ file: String, seriesMax: Int = ImportRequest.seriesMax
    ) throws -> ImportSummary {
        var request = ImportRequest(
            format: .records(.prometheus), paths: [folder.file(file)], cluster: "old",
            actor: Actor(id: "test@host", type: "local"))
        request.seriesMax = seriesMax
        return try Importer(
            ledger: ledger, ledgerPath: folder.file("ledger"), disk: RealDisk(), clock: SystemClock()
        ).run(request)
    }

    /// A label with an identifier in it: what is over the limit is set aside and said, and the store goes on.
    @Test func moreSeriesThanOneImportTakes() throws {
        let folder = try TemporaryFolder()
        let ledger = try Self.ledger(folder)
        var text = ""
        for index in 0..<1500 { text += "m{request=\"\(index)\"} \(index) 1772445600000\n" }
        for index in 0..<10 { text += "m{request=\"\(index)\"} \(index) 1772445660000\n" }
        try Self.write(text, folder.file("many.prom"))
        let summary = try Self.run(ledger, folder, "many.prom", seriesMax: 1000)
        #expect(summary.accepted == 1010)
        #expect(summary.rejected == 500)
        let reject = try #require(summary.firstRejects.first)
        #expect(reject.contains("many.prom") && reject.contains("more than 1000 different series"), "\(reject)")
        #expect(reject.contains("take out the label that differs"))
        try Self.write("m{request=\"other\"} 7 1772445600000\n", folder.file("few.prom"))
        #expect(try Self.run(ledger, folder, "few.prom").accepted == 1)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        #expect(try model.query("SELECT count(*) FROM samples('m')").rows == [[1011]])
    }

    /// Small files of the same series share their names, and an import that is told again adds nothing.
    @Test func smallFilesShareNamesAndRepeatsAddNothing() throws {
        let folder = try TemporaryFolder()
        let ledger = try Self.ledger(folder)
        func scrape(_ number: Int) -> String {
            (0..<300).map {
                "m{pod=\"pod-\($0)\",app=\"shop\"} \($0 * number) \(1_772_445_600_000 + number * 15_000)\n"
            }
            .joined()
        }
        for number in 0..<4 { try Self.write(scrape(number), folder.file("scrape-\(number).prom")) }
        for number in 0..<3 { #expect(try Self.run(ledger, folder, "scrape-\(number).prom").accepted == 300) }
        func named() throws -> Int {
            var count = 0
            try ledger.forEach(from: 0) { if $0.type == "cairn.series.named.v1" { count += 1 } }
            return count
        }
        #expect(try named() == 1)
        let size = ledger.size
        #expect(try Self.run(ledger, folder, "scrape-1.prom").knownFiles == 1)
        #expect(ledger.size == size)
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger)
        #expect(try model.query("SELECT count(*), sum(value) FROM samples('m')").rows == [[900, .real(134_550)]])
    }
}
