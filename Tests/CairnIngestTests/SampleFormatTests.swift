import CairnBytes
import CairnIngest
import CairnSeries
import CairnTestSupport
import Testing

@Suite struct SampleFormatTests {
    @Test(arguments: [1, 13, 4096]) func expositionFixture(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("exposition.prom"), ImportOptions(format: .prometheus, cluster: "green"),
            pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "exposition.txt", in: #filePath)
    }

    @Test(arguments: [1, 13, 4096]) func csvFixture(pieceBytes: Int) throws {
        let collected = try Collected(
            Fixture.bytes("table.csv"),
            ImportOptions(
                format: .csv, cluster: "blue",
                csv: CSVOptions(metric: "latency_seconds", labelColumns: ["service", "note"])), pieceBytes: pieceBytes)
        try Golden.expect(collected.golden, matches: "csv.txt", in: #filePath)
    }

    /// A batch holds a few megabytes, whatever the lines are: here each is of another series with long labels.
    @Test func manyLongSeriesComeInManyBatches() throws {
        let value = String(repeating: "x", count: 4000)
        let lines = (0..<6000).map { "m{a=\"\(value)\",b=\"\(value)\",c=\"\($0)\"} 1 1772445600000\n" }
        let importer = FileImporter(file: "input", options: ImportOptions(format: .prometheus))
        var batches: [Int] = []
        for part in lines { try importer.append(Array(part.utf8)) { batches.append($0.samples.series.count) } }
        _ = try importer.finish { batches.append($0.samples.series.count) }
        #expect(batches.reduce(0, +) == 6000)
        #expect(batches.count >= 3 && batches.allSatisfy { $0 <= 2200 }, "\(batches)")
    }

    @Test func defaultTimeStandsInForMissingOnes() throws {
        var options = ImportOptions(format: .prometheus)
        options.defaultTime = Timestamp("2026-01-01T00:00:00Z")
        let collected = try Collected("up 1\nup 0 1767225660000\n", options)
        #expect(collected.rejects.isEmpty)
        #expect(collected.series["up"]?.map(\.timeMs) == [1_767_225_600_000, 1_767_225_660_000])
    }

    @Test(arguments: [
        // Milliseconds, unless the number could not have been meant so.
        ("m 1 1772445600000", Int64(1_772_445_600_000)), ("m 1 1772445600", 1_772_445_600_000),
        ("m 1 1772445600.5", 1_772_445_600_500), ("m 1 1000", 1000), ("m 1 -1", -1),
        ("m 1 1.7724456e9", 1_772_445_600_000), ("# UNIT m seconds\nm 1 1000", 1_000_000),
        ("m 1 0.0000001", 0), ("m 1 -0.0000001", -1), ("m 1 -62135596800000", -62_135_596_800_000),
        ("m 1 253402300799999", 253_402_300_799_999),
    ]) func timestampsOfBothFormats(text: String, milliseconds: Int64) throws {
        let collected = try Collected(text, ImportOptions(format: .prometheus))
        #expect(collected.series["m"]?.map(\.timeMs) == [milliseconds], "\(collected.rejects)")
    }

    @Test(arguments: [
        "m 1 253402300800000", "m 1 -62135596800001", "m 1 9223372036854775807", "m 1 9223372036854775808",
        "m 1 1e300", "m 1 1e", "m 1 nan", "m 1 0x10", "m", "m{", "m{} ", "m{a} 1 1", "m{a=\"\\", "{} 1 1",
        "{a=\"b\"} 1 1",
        "m 1_0 1000", "m infinit 1000", "m -nan(0x1) 1000", "m . 1000", "m + 1000", "m 1.e 1000",
    ]) func refusedLines(text: String) throws {
        let collected = try Collected(text, ImportOptions(format: .prometheus))
        #expect(collected.series.isEmpty)
        #expect(collected.rejects.count == 1)
    }

    /// The fast reading of numbers gives the same bits as the standard library's.
    @Test(arguments: [UInt64(1), 2, 3]) func numbersAreTheNearestDouble(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var texts: [String] = []
        for _ in 0..<400 {
            switch random.next() % 4 {
            case 0: texts.append("\(Double(bitPattern: random.next()))")
            case 1: texts.append("\(Int64(bitPattern: random.next()) >> Int64(random.next() % 60))")
            case 2: texts.append("\(random.next() % 100_000).\(random.next() % 1_000_000_000_000)")
            default: texts.append("\(random.next() % 1000)e\(Int(random.next() % 60) - 30)")
            }
        }
        texts.removeAll { $0.contains("nan") || $0.contains("inf") }
        let text = texts.enumerated().map { "m \($1) \($0 + 1000)000000000\n" }.joined()
        let collected = try Collected(text, ImportOptions(format: .prometheus))
        let values = try #require(collected.series["m"]).map(\.value.bitPattern)
        #expect(values == texts.compactMap { Double($0)?.bitPattern }, "seed \(seed)")
    }

    @Test func moreSeriesThanAreRemembered() throws {
        var options = ImportOptions(format: .prometheus)
        options.limits.seriesMax = 7
        let text = (0..<300).map { "m{a=\"\($0 % 10)\"} \($0) \(1_772_445_600_000 + $0)\n" }.joined()
        for pieceBytes in [50, 1 << 20] {
            let collected = try Collected(text, options, pieceBytes: pieceBytes)
            #expect(collected.series.count == 10)
            #expect(collected.series[#"m{a="3"}"#]?.map(\.value) == (0..<30).map { Double($0 * 10 + 3) })
        }
    }

    @Test func csvFindsItsColumns() throws {
        let wide = "time,host,cpu,memory\n2026-01-01 00:00:00,a,1,2\n2026-01-01 00:01:00,a,3,4\n"
        let options = ImportOptions(format: .csv, csv: CSVOptions(valueColumns: ["cpu", "memory"]))
        let collected = try Collected(wide, options)
        #expect(collected.series.keys.sorted() == [#"cpu{host="a"}"#, #"memory{host="a"}"#])
        #expect(collected.series[#"memory{host="a"}"#]?.map(\.value) == [2, 4])
        #expect(collected.rejects.isEmpty)
    }

    @Test(arguments: ["", "a,b\n1,2\n", "time,value,value\n1,2,3\n", "time\n1\n"])
    func csvWithoutAUsableHeaderIsOneReject(text: String) throws {
        let collected = try Collected(text, ImportOptions(format: .csv))
        #expect(collected.rejects.count == 1)
        #expect(collected.series.isEmpty)
        #expect(collected.rejects.first?.remedy.isEmpty == false)
    }
}
