import CairnBytes
import CairnIngest
import CairnModel
import CairnSeries
import CairnTestSupport
import Testing

/// Bad input ends in a counted reject that names the place, and the rest goes on.
@Suite struct DamageTests {
    static func line(_ number: Int, padding: Int = 0) -> String {
        #"{"specversion":"1.0","id":"\#(number)","source":"s","type":"t","time":"2026-01-01T00:00:00Z","#
            + #""data":{"n":[\#(number),{"x":"}]"}],"p":"\#(String(repeating: "p", count: padding))"}}"#
    }

    static func ids(_ collected: Collected) -> [String] { collected.events.map(\.event.id) }

    @Test(arguments: [1, 100, 1 << 16]) func gzipIsUnpacked(pieceBytes: Int) throws {
        let text = (0..<50).map { DamageTests.line($0) + "\n" }.joined()
        let bytes = Deflate.compress(Array(text.utf8), container: .gzip)
        // Members may follow each other.
        let two = bytes + Deflate.compress(Array(DamageTests.line(50).utf8), container: .gzip)
        let collected = try Collected(two, ImportOptions(format: .events), pieceBytes: pieceBytes)
        #expect(DamageTests.ids(collected) == (0...50).map(String.init))
        #expect(collected.rejects.isEmpty)
        #expect(collected.summary.bytes == two.count)
        #expect(collected.summary.plainBytes == text.utf8.count + DamageTests.line(50).utf8.count)
    }

    @Test func damagedGzipGivesWhatCanBeRead() throws {
        var random = SeededRandom(seed: 4)
        let text = (0..<400).map { DamageTests.line($0, padding: Int(random.next() % 90)) + "\n" }.joined()
        let whole = Deflate.compress(Array(text.utf8), container: .gzip)
        for cut in [whole.count / 2, whole.count - 1, 20, 3] {
            let collected = try Collected(Array(whole[..<cut]), ImportOptions(format: .events))
            #expect(collected.summary.damage != nil)
            #expect(DamageTests.ids(collected) == (0..<collected.events.count).map(String.init))
            #expect(collected.rejects.last?.reason.contains("\(cut)") == true, "\(collected.rejects)")
        }
        #expect(try Collected(Array(whole[..<(whole.count / 2)]), ImportOptions(format: .events)).events.count > 50)
        var flipped = whole
        flipped[whole.count / 2] ^= 0x55
        let collected = try Collected(flipped, ImportOptions(format: .events))
        #expect(collected.summary.damage != nil)
    }

    @Test func inflatedSizeIsLimited() throws {
        var options = ImportOptions(format: .prometheus)
        options.limits.inflatedBytesMax = 100_000
        let bomb = Deflate.compress([UInt8](repeating: 0x20, count: 5_000_000), container: .gzip)
        let collected = try Collected(bomb, options)
        #expect(collected.summary.damage?.contains("100000") == true)
    }

    @Test(arguments: [1, 1000, 1 << 16]) func aRecordThatIsTooLongCostsItself(pieceBytes: Int) throws {
        var options = ImportOptions(format: .events)
        options.limits.recordBytesMax = 2000
        let text = [
            DamageTests.line(0), DamageTests.line(1, padding: 9000), DamageTests.line(2),
            String(repeating: "x", count: 9000), DamageTests.line(3),
        ].joined(separator: "\n")
        let collected = try Collected(text, options, pieceBytes: pieceBytes)
        #expect(DamageTests.ids(collected) == ["0", "2", "3"])
        #expect(collected.rejects.map(\.line) == [2, 4])
        #expect(collected.rejects.allSatisfy { $0.raw.count <= 4096 })
        #expect(collected.rejects.map(\.rawByteCount) == [DamageTests.line(1, padding: 9000).utf8.count, 9000])
        var lines = ImportOptions(format: .prometheus)
        lines.limits.lineBytesMax = 100
        let samples = try Collected(
            "a 1 1000\nb{x=\"\(String(repeating: "y", count: 5000))\"} 1 1000\nc 1 1000\n", lines,
            pieceBytes: pieceBytes)
        #expect(samples.series.keys.sorted() == ["a", "c"])
        #expect(samples.rejects.map(\.line) == [2])
        var table = ImportOptions(format: .csv)
        table.limits.lineBytesMax = 100
        let rows = try Collected(
            "time,value\n1000,1\n1000,\"\(String(repeating: "9", count: 5000))\n1001,2\n", table, pieceBytes: pieceBytes
        )
        #expect(rows.series["value"]?.map(\.value) == [1, 2])
        #expect(rows.rejects.map(\.line) == [3])
    }

    /// No piece of one record is taken for a piece of the next.
    @Test(arguments: ["{[", "{[]}", "{\"items\"[", "{\"items\":[]]", "[[", "{\"items\":[1,{}]}"])
    func brokenStartsAfterAWholeRecord(text: String) throws {
        let options = ImportOptions(format: .velero)
        let first =
            #"{"apiVersion":"velero.io/v1","kind":"Backup","metadata":{"creationTimestamp":"2026-01-01T00:00:00Z"}}"#
        for pieceBytes in [1, first.utf8.count + 1, 1000] {
            let collected = try Collected(first + "\n" + text + "\n" + first, options, pieceBytes: pieceBytes)
            #expect(collected.events.count == 2)
            #expect(!collected.rejects.isEmpty)
        }
    }

    @Test func bombsAreRefused() throws {
        let deep = String(repeating: "[", count: 100_000)
        let text = "{\"a\":\(deep)}\n" + DamageTests.line(1)
        let collected = try Collected(text, ImportOptions(format: .events))
        #expect(DamageTests.ids(collected) == ["1"])
        #expect(collected.rejects.count == 1)
        let keys = (0..<20_000).map { "\"\(99_999 - $0)\":0" }.joined(separator: ",")
        let wide = try Collected("{\(keys)}", ImportOptions(format: .events))
        #expect(wide.rejects.count == 1)
    }

    @Test func aliasBombsAreRefusedAndTheNextDocumentIsRead() throws {
        var bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        for (name, previous) in zip("bcdefghijk", "abcdefghij") {
            bomb += "\(name): &\(name) [" + Array(repeating: "*\(previous)", count: 10).joined(separator: ",") + "]\n"
        }
        bomb += "? *k\n: 1\n"
        let good =
            "---\napiVersion: velero.io/v1\nkind: Backup\n"
            + "metadata: {name: b, creationTimestamp: \"2026-01-01T00:00:00Z\"}\n"
        let collected = try Collected(bomb + good, ImportOptions(format: .velero))
        #expect(collected.events.count == 1)
        #expect(collected.rejects.count == 1)
        #expect(collected.rejects.first?.reason.contains("aliases") == true)
    }

    @Test func invalidUTF8IsRefused() throws {
        var bytes = Array((DamageTests.line(0) + "\n").utf8)
        bytes += Array(#"{"specversion":"1.0","id":""#.utf8) + [0xFF, 0xC0] + Array("\"}\n".utf8)
        bytes += Array(DamageTests.line(1).utf8)
        let collected = try Collected(bytes, ImportOptions(format: .events))
        #expect(DamageTests.ids(collected) == ["0", "1"])
        #expect(collected.rejects.map(\.line) == [2])
        let labels = try Collected(
            Array("a{b=\"".utf8) + [0xFF] + Array("\"} 1 1000\nc 1 1000\n".utf8), ImportOptions(format: .prometheus))
        #expect(labels.series.keys.sorted() == ["c"])
    }

    /// Cutting any line of JSON lines anywhere loses that line alone.
    @Test func aCutLineLosesItselfAlone() throws {
        let lines = (0..<4).map { DamageTests.line($0) }
        let middle = Array(lines[1].utf8)
        for cut in 0..<middle.count {
            let bytes =
                Array((lines[0] + "\n").utf8) + middle[..<cut] + Array(("\n" + lines[2] + "\n" + lines[3]).utf8)
            let collected = try Collected(bytes, ImportOptions(format: .events))
            #expect(DamageTests.ids(collected) == ["0", "2", "3"], "cut at \(cut)")
            #expect(collected.rejects.count == (cut == 0 ? 0 : 1), "cut at \(cut): \(collected.rejects)")
        }
    }

    /// One changed byte in an array over many lines loses at most the element it stands in.
    @Test(arguments: [UInt64(1), 2, 3, 4]) func aChangedByteLosesItsElementAlone(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func element(_ number: Int) -> String {
            """
              {
                "specversion": "1.0",
                "id": "\(number)",
                "source": "s", "type": "t", "time": "2026-01-01T00:00:00Z",
                "data": {
                  "list": [
                    1,
                    {"deep": "]}"}
                  ]
                }
              }
            """
        }
        let elements = (0..<4).map { Array(element($0).utf8) }
        for _ in 0..<150 {
            var changed = elements[1]
            // Not the first line: a record that has no start is none.
            let offset = 4 + Int(random.next() % UInt64(changed.count - 4))
            let byte = Array("{}[]\":,\\x \n".utf8).randomElement(using: &random)!
            changed[offset] = byte
            let parts = [elements[0], changed, elements[2], elements[3]]
            let bytes = [0x5B, 0x0A] + Array(parts.joined(separator: [0x2C, 0x0A])) + [0x0A, 0x5D]
            let ids = DamageTests.ids(try Collected(bytes, ImportOptions(format: .events)))
            #expect(
                Set(ids).isSuperset(of: ["0", "2", "3"]),
                "seed \(seed): byte \(byte) at \(offset): \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test func identitySaysFormatClusterLabelsOptionsAndBytes() throws {
        func identity(_ bytes: [UInt8], _ options: ImportOptions) throws -> String {
            let collected = try Collected(bytes, options)
            var standalone = FileIdentity(options: options)
            standalone.update(bytes)
            #expect(standalone.identityHex == collected.summary.identity)
            return collected.summary.identity
        }
        let base = ImportOptions(format: .csv, cluster: "a", labels: ["x": "y"])
        var others: [ImportOptions] = Array(repeating: base, count: 5)
        others[0].format = .prometheus
        others[1].cluster = "b"
        others[2].labels = ["x": "z"]
        others[3].csv.metric = "m"
        others[4].defaultTime = Timestamp("2026-01-01T00:00:00Z")
        var seen: Set<String> = [try identity([1, 2], base), try identity([1, 3], base)]
        #expect(try identity([1, 2], base) == identity([1, 2], base))
        for options in others { seen.insert(try identity([1, 2], options)) }
        #expect(seen.count == 7)
        #expect(seen.allSatisfy { $0.count == 64 })
    }
}
