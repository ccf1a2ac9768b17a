import CairnBytes
import CairnIngest
import CairnSeries
import CairnTestSupport
import Testing

/// Input beyond all measure is refused by line and reason, and the lines around it are read.
@Suite struct SampleLimitTests {
    private static let good = "up{app=\"shop\"} 1 1772445600000\n"

    /// The one reject of a text between two good lines.
    private func reject(of line: String, _ format: ImportFormat = .prometheus) throws -> IngestReject {
        let text = Self.good + line + "\n" + "up{app=\"shop\"} 2 1772445660000\n"
        let collected = try Collected(text, ImportOptions(format: format))
        #expect(
            collected.series == [
                #"up{app="shop"}"#: [
                    Sample(timeMs: 1_772_445_600_000, value: 1), Sample(timeMs: 1_772_445_660_000, value: 2),
                ]
            ])
        #expect(collected.rejects.count == 1)
        let reject = try #require(collected.rejects.first)
        #expect(reject.line == 2)
        #expect(!reject.remedy.isEmpty)
        #expect(reject.raw.count <= ImportLimits().rejectRawBytesMax)
        #expect(reject.rawByteCount == line.utf8.count)
        return reject
    }

    @Test func tenThousandLabels() throws {
        let labels = (0..<10_000).map { "label_\($0)=\"v\"" }.joined(separator: ",")
        let reject = try reject(of: "m{\(labels)} 1 1772445600000")
        #expect(reject.reason.contains("more than 64 labels"), "\(reject)")
        #expect(reject.column > 0)
    }

    @Test func aNameOfAMegabyte() throws {
        let name = String(repeating: "n", count: 1_000_000)
        #expect(try reject(of: "\(name) 1 1772445600000").reason.contains("longer than 512 bytes"))
        #expect(try reject(of: "m{\(name)=\"v\"} 1 1772445600000").reason.contains("longer than 512 bytes"))
        #expect(try reject(of: "m{l=\"\(name)\"} 1 1772445600000").reason.contains("longer than 4096 bytes"))
        #expect(try reject(of: "\(name)\(name) 1 1772445600000").reason.contains("the limit of 1048576 bytes"))
    }

    @Test func floodsOfNaNAndTimesDecadesApart() throws {
        var text = ""
        for index in 0..<20_000 { text += "flood NaN \(1_772_445_600_000 + index)\n" }
        let decades = [-62_135_596_800_000, -1_000_000_000_000, 0, 1_772_445_600_000, 253_402_300_799_999]
        for time in decades { text += "wide \(time % 7) \(time)\n" }
        let collected = try Collected(text, ImportOptions(format: .prometheus))
        #expect(collected.rejects == [])
        #expect(collected.series["flood"]?.count == 20_000)
        #expect(collected.series["flood"]?.allSatisfy { $0.value.isNaN } == true)
        #expect(collected.series["wide"]?.map(\.timeMs) == decades.map { Int64($0) })
    }

    /// A table of a hundred thousand columns: each row has too many labels, and finding out takes no minutes.
    @Test func aTableOfAHundredThousandColumns() throws {
        let columns = 100_000
        let header = "time,value," + (0..<columns).map { "c\($0)" }.joined(separator: ",")
        let row = "2026-01-01 00:00:00,1," + [String](repeating: "x", count: columns).joined(separator: ",")
        let collected = try Collected("\(header)\n\(row)\n\(row)\n", ImportOptions(format: .csv))
        #expect(collected.series.isEmpty)
        #expect(collected.rejects.map(\.line) == [2, 3])
        #expect(collected.rejects.allSatisfy { $0.reason.contains("labels and 64 are allowed") })
    }
}
