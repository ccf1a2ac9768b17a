import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// What `bench --quality-data` prints, and on the public data sets what it reaches.
@Suite struct QualityBenchTests {
    private func rows(_ folder: String) throws -> [JSONValue] {
        let result = try Program.cairn.run(["bench", "--quality-data", folder, "-o", "json"])
        #expect(result.status == 0, "\(result.errors)")
        return try #require(try JSONParser.parse(Array(result.output.utf8)).value.array)
    }

    @Test func missingSetsAreNamed() throws {
        let folder = try TemporaryFolder("cairn-no-data")
        let rows = try rows(folder.path)
        #expect(rows.compactMap { $0["what"]?.string } == ["NAB", "PetShop", "Kontrast", "MAWI"])
        for row in rows {
            #expect(row["note"]?.string == "skipped: no data")
            #expect(row["reached"]?.isNull == true)
        }
    }

    /// A set of two small files: the level of one jumps in its window, the other is calm.
    @Test func smallSet() throws {
        let folder = try TemporaryFolder("cairn-small-data")
        try FileManager.default.createDirectory(atPath: folder.file("nab/a"), withIntermediateDirectories: true)
        var random = SeededRandom(seed: 3)
        func lines(jump: Double) -> String {
            "timestamp,value\r\n"
                + (0..<1000).map { minute in
                    let noise = Double(Int.random(in: 0...100, using: &random)) / 100
                    return "\(1_700_000_000 + minute * 60),\(noise + (minute >= 700 ? jump : 0))\r\n"
                }.joined()
        }
        for (name, jump) in [("jump", 5.0), ("calm", 0.0)] {
            try lines(jump: jump).write(toFile: folder.file("nab/a/\(name).csv"), atomically: true, encoding: .utf8)
        }
        // 1,700,041,400 is the 690th minute, 1,700,046,800 the 780th.
        let windows = #"{"a/calm.csv":[],"a/jump.csv":[["2023-11-15T09:43:20Z","2023-11-15T11:13:20Z"]]}"#
        try windows.write(toFile: folder.file("nab/windows.json"), atomically: true, encoding: .utf8)
        let standard = try #require(try rows(folder.path).first { $0["what"]?.string == "NAB standard" })
        #expect(try #require(standard["reached"]?.double) > 85)
        #expect(standard["amount"]?.string == "2 files, 1 windows" && standard["met"]?.string == "met")
    }

    @Test func publicDataSets() throws {
        guard let folder = ProcessInfo.processInfo.environment["CAIRN_TEST_DATA"] else {
            print("skipped: no data")
            return
        }
        let rows = try rows(folder)
        func reached(_ what: String) throws -> Double {
            try #require(rows.first { $0["what"]?.string == what }?["reached"]?.double, "\(what)")
        }
        #expect(try reached("NAB standard") >= 60)
        #expect(try reached("NAB standard, held-out files") >= 60)
        #expect(try reached("PetShop issues found within two samples") >= 16)
        #expect(try reached("PetShop false flags per healthy day") <= 2)
        #expect(try reached("Kontrast F1, Cairn, threshold of the other half") >= 0.8)
        let kayenta = try reached("Kontrast F1, Kayenta")
        #expect(try reached("Kontrast F1, Cairn as it is") > kayenta)
        #expect((0.55...0.75).contains(kayenta))
    }
}
