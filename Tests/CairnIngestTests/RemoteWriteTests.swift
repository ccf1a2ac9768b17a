import CairnBytes
import CairnIngest
import CairnSeries
import CairnTestSupport
import Testing

/// Remote write as protobuf's own encoder writes it (tools/make-wire-fixtures.py).
@Suite struct RemoteWriteTests {
    static let versions: [(String, RemoteWriteReader.Version)] = [
        ("remote-write-1", .v1), ("remote-write-2", .v2),
    ]

    @Test(arguments: RemoteWriteTests.versions) func readsWhatProtobufWrote(
        name: String, version: RemoteWriteReader.Version
    ) throws {
        let body = try Fixture.bytes("Wire/\(name).bin")
        var table = ReceivedSeriesTable(seed: 1)
        let received = try Received.read(body, version, &table)
        try Golden.expect(Received.text(received, table), matches: "\(name).txt", in: #filePath)
        // What the second request brings is known: the same numbers, no new series.
        let count = table.count
        let again = try Received.read(body, version, &table)
        #expect(again.parts == received.parts && again.samples == received.samples)
        #expect(table.count == count)
    }

    @Test func bothVersionsNameTheSameSeries() throws {
        var table = ReceivedSeriesTable(seed: 2)
        let first = try Received.read(try Fixture.bytes("Wire/remote-write-1.bin"), .v1, &table)
        let count = table.count
        let second = try Received.read(try Fixture.bytes("Wire/remote-write-2.bin"), .v2, &table)
        #expect(first.parts == second.parts && first.samples == second.samples)
        #expect(table.count == count)
    }

    @Test func labelsOfTheTokenWin() throws {
        var table = ReceivedSeriesTable(adding: AddedLabels(["job": "mine"], cluster: "eks-1"), seed: 3)
        let received = try Received.read(try Fixture.bytes("Wire/remote-write-1.bin"), .v1, &table)
        #expect(
            table[received.parts[0].series].description
                == #"up{cluster="eks-1",exported_job="node",instance="a:9100",job="mine"}"#)
    }

    @Test func aBodyOfTheOtherVersionIsRefused() throws {
        var table = ReceivedSeriesTable(seed: 4)
        for (name, version, says) in [
            ("remote-write-1", RemoteWriteReader.Version.v2, "this is remote write 1.0"),
            ("remote-write-2", .v1, "this is remote write 2.0"),
        ] {
            let body = try Fixture.bytes("Wire/\(name).bin")
            let error = #expect(throws: ReceiveError.self) {
                try Received.read(body, version, &table)
            }
            #expect(error?.kind == .malformed && error?.reason.contains(says) ?? false)
        }
    }

    @Test func limitsAreKept() throws {
        let body = try Fixture.bytes("Wire/remote-write-1.bin")
        var table = ReceivedSeriesTable(seed: 5)
        for path: WritableKeyPath<ReceiveLimits, Int> in [\.seriesMax, \.samplesMax, \.bodyBytesMax] {
            var limits = ReceiveLimits.standard
            limits[keyPath: path] = 3
            let error = #expect(throws: ReceiveError.self) {
                try Received.read(body, .v1, &table, limits: limits)
            }
            #expect(error?.kind == .tooLarge)
        }
        var limits = ReceiveLimits.standard
        limits.symbolsMax = 3
        let error = #expect(throws: ReceiveError.self) {
            try Received.read(try Fixture.bytes("Wire/remote-write-2.bin"), .v2, &table, limits: limits)
        }
        #expect(error?.kind == .tooLarge)
        limits = ReceiveLimits.standard
        limits.rejectsHeldMax = 1
        limits.timesMs = 1_773_136_800_000...1_773_136_800_000
        let received = try Received.read(body, .v1, &table, limits: limits)
        #expect(received.samples.allSatisfy { $0.timeMs == 1_773_136_800_000 })
        #expect(received.rejects.held.count == 1)
        #expect(received.rejects.count == 8)
    }

    @Test func aFullTableStartsAnew() throws {
        let body = try Fixture.bytes("Wire/remote-write-1.bin")
        var table = ReceivedSeriesTable(seed: 6, seriesMax: 2)
        let first = try Received.read(body, .v1, &table)
        #expect(first.generation == 0)
        let second = try Received.read(body, .v1, &table)
        #expect(second.generation == 1 && second.parts == first.parts)
    }

    @Test func labelsMayLieApart() throws {
        // A label, a sample, another label: no sender writes this, and every protobuf reader has to take it.
        let label: [UInt8] = [0x0A, 0x0D, 0x0A, 0x08] + Array("__name__".utf8) + [0x12, 0x01, 0x6D]
        let sample: [UInt8] = [0x12, 0x02, 0x10, 0x05]
        let other: [UInt8] = [0x0A, 0x06, 0x0A, 0x01, 0x61, 0x12, 0x01, 0x62]
        var table = ReceivedSeriesTable(seed: 7)
        for series in [label + sample + other, label + other + sample, sample + label + other] {
            let body = [0x0A, UInt8(series.count)] + series
            let received = try Received.read(body, .v1, &table)
            #expect(received.samples == [Sample(timeMs: 5, value: 0)])
            #expect(table[received.parts[0].series].description == #"m{a="b"}"#)
        }
        #expect(table.count == 1)
    }

    @Test(arguments: RemoteWriteTests.versions, [UInt64(1), 2, 3]) func noBytesStopIt(
        version: (String, RemoteWriteReader.Version), seed: UInt64
    ) throws {
        let body = try Fixture.bytes("Wire/\(version.0).bin")
        var random = SeededRandom(seed: seed)
        var table = ReceivedSeriesTable(seed: seed, seriesMax: 50)
        for _ in 0..<400 {
            let damaged = FuzzTests.damaged(body, &random)
            guard let received = try? Received.read(damaged, version.1, &table)
            else { continue }
            #expect(
                received.parts.allSatisfy { $0.series < table.count && $0.range.upperBound <= received.samples.count })
        }
    }
}

enum Received {
    static func read(
        _ body: [UInt8], _ version: RemoteWriteReader.Version, _ table: inout ReceivedSeriesTable,
        limits: ReceiveLimits = .standard
    ) throws -> ReceivedSamples {
        try RemoteWriteReader.read(body.span, version: version, table: &table, limits: limits)
    }

    /// What was received, as text for golden files.
    static func text(_ received: ReceivedSamples, _ table: ReceivedSeriesTable) -> String {
        var text = ""
        for part in received.parts {
            text += "\(table[part.series])\n"
            for sample in received.samples[part.range] {
                let value =
                    sample.value.isNaN ? "NaN 0x\(String(sample.value.bitPattern, radix: 16))" : "\(sample.value)"
                text += "  \(sample.timeMs) \(value)\n"
            }
        }
        for reject in received.rejects.held { text += "reject \(reject)\n" }
        text += "samples \(received.samples.count), rejected \(received.rejects.count), histograms left out "
        return text + "\(received.histogramsLeftOut), exemplars left out \(received.exemplarsLeftOut)\n"
    }
}
