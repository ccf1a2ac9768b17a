import CairnBytes
import CairnTestSupport
import CairnWeb
import Testing

@Suite struct TableRendererTests {
    static let table = Table(
        title: "Drop findings",
        columns: [
            .init("id", isForMachines: true), .init("cluster"), .init("start"), .init("peer"),
            .init("excess", decimals: 1), .init("share"), .init("duration_seconds", title: "LASTED"),
            .init("explained"), .init("scope"),
        ],
        rows: [
            [
                "f-1", "tidewater-eks", .time(Timestamp(microseconds: 1_767_258_000_500_000)), "203.0.113.7", 1240.25,
                .fraction(0.0342), .seconds(725), true, .json(["subnet": "subnet-1", "direction": "egress"]),
            ],
            [
                "f-2", "潮水|<b>", .missing, "=HYPERLINK(\"x\")", -3, .fraction(1), .seconds(0.25), false,
                .json([]),
            ],
            ["f-3", "a\u{1B}[2J\u{202E}b\nc"],
        ],
        notes: ["3 findings; \u{7}no others."])

    @Test(arguments: TableFormat.allCases)
    func goldenFiles(format: TableFormat) throws {
        try Golden.expect(
            TableRenderer.render(TableRendererTests.table, as: format), matches: "table.\(format.rawValue)",
            in: #filePath)
    }

    @Test func jsonIsOneArrayWithEveryKeyInEveryRow() throws {
        let text = TableRenderer.render(TableRendererTests.table, as: .json)
        let rows = try #require(try JSONParser.parse(text).value.array)
        #expect(rows.count == 3)
        for row in rows {
            #expect(row.object?.names.sorted() == TableRendererTests.table.columns.map(\.name).sorted())
        }
        #expect(rows[0]["excess"] == 1240.25)
        #expect(rows[0]["share"] == 0.0342)
        #expect(rows[2]["peer"] == .null)
        #expect(TableRenderer.render(Table(columns: [.init("a")]), as: .json) == "[]\n")
    }

    @Test func integersThatADoubleCannotHoldStayExact() {
        let line = TableRenderer.jsonLine([.integer(Int64.max), .number(.nan)], columns: [.init("a"), .init("b")])
        #expect(line == #"{"a":"9223372036854775807","b":null}"# + "\n")
    }

    @Test func everyLineOfATerminalTableLinesUp() {
        let table = Table(
            columns: [.init("name"), .init("count")], rows: [["漢字", 1], ["abc", 1000], ["e\u{301}", 20]])
        let lines = TableRenderer.render(table, as: .table).split(separator: "\n").map { PlainText.width(String($0)) }
        #expect(Set(lines) == [11])
    }

    @Test func noFormatLetsControlCharactersThrough() {
        for format in TableFormat.allCases where format != .csv && format != .json {
            let text = TableRenderer.render(TableRendererTests.table, as: format)
            #expect(!text.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E || $0.value == 7 })
        }
        #expect(!TableRenderer.render(TableRendererTests.table, as: .html).contains("<b>"))
        #expect(!TableRenderer.render(TableRendererTests.table, as: .md).contains("<b>"))
    }

    @Test(arguments: [
        ("plain", "plain"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("two\nlines", "\"two\nlines\""),
        ("=1+1", "'=1+1"), ("+49 30", "'+49 30"), ("-5", "-5"), ("@cmd", "'@cmd"), ("\tx", "'\tx"),
        ("-5;DROP", "'-5;DROP"), ("=5", "'=5"), ("\r=1", "\"'\r=1\""), ("", ""),
    ])
    func csvQuotesAndDisarms(text: String, expected: String) {
        #expect(CSV.line([.text(text), .number("1")]) == "\(expected),1\r\n")
    }
}

@Suite struct NumberTextTests {
    @Test(
        arguments: [
            (0, "0s"), (0.25, "250ms"), (3.5, "3.5s"), (59, "59s"), (60, "1m"), (725, "12m 05s"), (3600, "1h"),
            (7500, "2h 05m"), (97_200, "1d 03h"), (-90, "-1m 30s"),
        ] as [(Double, String)])
    func durations(seconds: Double, expected: String) {
        #expect(NumberText.duration(seconds: seconds) == expected)
    }

    @Test func roundingAndGrouping() {
        #expect(NumberText.fixed(2.345, 2) == "2.35")
        #expect(NumberText.fixed(-0.001, 2) == "0.00")
        #expect(NumberText.fixed(1e300, 2) == "1e+300")
        #expect(NumberText.fixed(.nan, 2) == "NaN")
        #expect(NumberText.significant(0.001234) == "0.00123")
        #expect(NumberText.significant(45_601) == "45601")
        #expect(NumberText.significant(9.999) == "10")
        #expect(NumberText.grouped(-1_234_567) == "-1,234,567")
        #expect(NumberText.grouped(12) == "12")
    }

    @Test func axisUnits() {
        #expect(NumberText.axis(1200, .plain) == "1.2k")
        #expect(NumberText.axis(0.034, .fraction) == "3.4%")
        #expect(NumberText.axis(0.25, .seconds) == "250 ms")
        #expect(NumberText.axis(1536, .bytes) == "1.5 KiB")
        #expect(NumberText.axis(1.5, .ratio) == "1.5x")
    }
}
