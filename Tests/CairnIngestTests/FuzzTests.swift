import CairnBytes
import CairnIngest
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
