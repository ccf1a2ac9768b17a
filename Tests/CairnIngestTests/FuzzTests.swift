import CairnBytes
import CairnIngest
import CairnModel
import CairnSeries
import CairnTestSupport
import Testing

/// Valid files with random damage: nothing crashes, and what is read does not depend on how the bytes were cut.
@Suite struct FuzzTests {
    static let inputs: [(String, ImportFormat)] = [
        ("cloudevents.jsonl", .events), ("eventbridge.json", .eventBridge), ("velero.yaml", .velero),
        ("velero.json", .velero), ("k8s-events.json", .kubernetesEvents), ("exposition.prom", .prometheus),
        ("table.csv", .csv),
    ]

    static func damaged(_ bytes: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
        var bytes = bytes
        for _ in 0...Int(random.next() % 4) {
            guard bytes.count > 8 else { break }
            let offset = Int(random.next() % UInt64(bytes.count))
            let length = min(bytes.count - offset, Int(random.next() % 40))
            switch random.next() % 6 {
            case 0: bytes[offset] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.removeSubrange(offset..<offset + length)
            case 2:
                bytes.insert(contentsOf: bytes[offset..<offset + length], at: Int(random.next() % UInt64(bytes.count)))
            case 3: bytes.insert(contentsOf: random.bytes(count: Int(random.next() % 12)), at: offset)
            case 4: bytes[offset] = Array("{}[]\"\\,:\n\r'&*-#|%\u{0}9".utf8).randomElement(using: &random) ?? 0
            default: if random.next() % 4 == 0 { bytes.removeSubrange(offset...) }
            }
        }
        return bytes
    }

    @Test(arguments: FuzzTests.inputs.indices, [UInt64(11), 12, 13]) func damageNeverStopsAnImport(
        input: Int, seed: UInt64
    ) throws {
        let (name, format) = FuzzTests.inputs[input]
        let fixture = try Fixture.bytes(name)
        var options = ImportOptions(format: format, cluster: "c")
        options.csv.labelColumns = format == .csv ? ["service"] : nil
        var random = SeededRandom(seed: seed &* 1000 &+ UInt64(input))
        for round in 0..<15 {
            var bytes = FuzzTests.damaged(fixture, &random)
            if round % 5 == 4 { bytes = FuzzTests.damaged(Deflate.compress(fixture, container: .gzip), &random) }
            let whole = try Collected(bytes, options)
            let pieces = try Collected(bytes, options, pieceBytes: 1 + Int(random.next() % 50))
            #expect(whole.golden == pieces.golden, "\(name), seed \(seed), round \(round)")
            #expect(whole.summary == pieces.summary, "\(name), seed \(seed), round \(round)")
        }
    }

    @Test(arguments: ImportFormat.allCases, [UInt64(21), 22]) func noiseIsRefused(format: ImportFormat, seed: UInt64)
        throws
    {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let bytes = random.bytes(count: Int(random.next() % 600))
            _ = try Collected(bytes, ImportOptions(format: format), pieceBytes: 1 + Int(random.next() % 90))
        }
    }
}

/// One damaged line among valid ones: the others come through.
@Suite struct NeighbourTests {
    private func lines(of format: ImportFormat, _ number: Int) -> String {
        switch format {
        case .prometheus: "m\(number){a=\"x y\",b=\"\\\"{}\"} \(number).5 1772445600\(100 + number)"
        case .csv: "\(1_772_445_600 + number),m\(number),\(number)"
        case .eventBridge:
            #"{"source":"aws.x","detail-type":"t","id":"\#(number)","time":"2026-01-01T00:00:00Z","#
                + #""detail":{"a":[1,{"b":"]}"}]}}"#
        default:
            #"{"specversion":"1.0","id":"\#(number)","source":"s","type":"t","time":"2026-01-01T00:00:00Z","#
                + #""data":[{"b":"}"}]}"#
        }
    }

    private func found(_ collected: Collected) -> Set<String> {
        Set(collected.events.map(\.event.id)).union(
            collected.series.keys.compactMap { key in
                let digits = key.drop { !$0.isNumber }.prefix { $0.isNumber }
                return digits.isEmpty ? nil : String(digits)
            })
    }

    @Test(arguments: [ImportFormat.events, .eventBridge, .prometheus, .csv], [UInt64(31), 32, 33])
    func othersComeThrough(format: ImportFormat, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<60 {
            let count = 12
            let broken = Int(random.next() % UInt64(count))
            var text: [UInt8] = format == .csv ? Array("time,name,value\n".utf8) : []
            for number in 0..<count {
                var line = Array(lines(of: format, 100 + number).utf8)
                if number == broken {
                    // A quote in CSV may rightly join lines, so there it is left out.
                    let bytes = Array((format == .csv ? "x,;{} " : "{}[]\",:\\x \u{1}").utf8)
                    for _ in 0...random.next() % 3 {
                        let offset = Int(random.next() % UInt64(line.count))
                        if random.next() % 2 == 0 {
                            line[offset] = bytes.randomElement(using: &random) ?? 0
                        } else {
                            line.removeSubrange(offset..<min(line.count, offset + 1 + Int(random.next() % 20)))
                            if line.isEmpty { line = [0x78] }
                        }
                    }
                }
                text += line + [0x0A]
            }
            let expected = Set((0..<count).filter { $0 != broken }.map { "\(100 + $0)" })
            let collected = try Collected(text, ImportOptions(format: format), pieceBytes: 1 + Int(random.next() % 300))
            #expect(
                found(collected).isSuperset(of: expected),
                "seed \(seed): \(expected.subtracting(found(collected))) of \(String(decoding: text, as: UTF8.self))")
        }
    }
}
