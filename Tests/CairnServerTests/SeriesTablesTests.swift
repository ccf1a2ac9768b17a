import CairnBytes
import CairnIngest
import CairnSeries
import CairnServer
import CairnTestSupport
import Testing

@Suite("Tables of series")
struct SeriesTablesTests {
    /// What a writer makes of readings: names by slot, as long as the source is the same.
    private struct Writer {
        private var names: [Int: (serial: Int, keys: [SeriesKey])] = [:]

        mutating func keys(of reading: SeriesTables.Reading) -> [SeriesKey] {
            let slot = reading.source.slot
            if names[slot]?.serial != reading.source.serial { names[slot] = (reading.source.serial, []) }
            names[slot]?.keys += reading.newKeys
            let known = names[slot]?.keys ?? []
            return reading.received.parts.map { known[$0.series] }
        }
    }

    private static func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(number << 3 | 2)
        writer.appendVarint(UInt64(bytes.count))
        return writer.bytes + bytes
    }

    private static func request(_ names: [String]) -> [UInt8] {
        names.flatMap { name in
            let sample: [UInt8] = [1 << 3 | 1, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 2 << 3, 0x10]
            return field(1, field(1, field(1, Array("__name__".utf8)) + field(2, Array(name.utf8))) + field(2, sample))
        }
    }

    /// Tables that fill up, requests that break off behind good series, and more clusters than there are tables: a sample
    /// is of the series that its request named, always.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func numbersMeanTheSeriesOfTheirRequest(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var tables = SeriesTables(seed: seed, seriesMax: 8)
        var writer = Writer()
        var readings = 0
        for _ in 0..<4000 {
            let cluster = "c\(Int.random(in: 0..<SeriesTables.countMax + 6, using: &random))"
            let names = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                "m\(Int.random(in: 0..<20, using: &random))"
            }
            let isBroken = Int.random(in: 0..<4, using: &random) == 0
            let body = Self.request(names) + (isBroken ? [0x0A, 0xFF, 0xFF, 0xFF] : [])
            let reading: SeriesTables.Reading
            do {
                reading = try tables.read(.init(caller: "t", cluster: cluster)) {
                    try RemoteWriteReader.read(body.span, version: .v1, table: &$0, limits: .standard)
                }
            } catch is ReceiveError {
                #expect(isBroken, "seed \(seed)")
                continue
            }
            guard !reading.received.samples.isEmpty else { continue }
            readings += 1
            let expected = try names.map { try SeriesKey(name: $0, labels: [Label("cluster", cluster)]) }
            #expect(writer.keys(of: reading) == expected, "seed \(seed), cluster \(cluster)")
        }
        #expect(readings > 1000)
    }

    /// A label that changes all the time must not make an event of every sample.
    @Test func aSenderNamesAHundredClusters() throws {
        var table = ReceivedSeriesTable(seed: 1)
        var bodies: [UInt8] = []
        for index in 0..<150 {
            let cluster = Self.field(1, Self.field(1, Array("cluster".utf8)) + Self.field(2, Array("c\(index)".utf8)))
            let name = Self.field(1, Self.field(1, Array("__name__".utf8)) + Self.field(2, Array("up".utf8)))
            bodies += Self.field(
                1, name + cluster + Self.field(2, [1 << 3 | 1, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 2 << 3, 0x10]))
        }
        let received = try RemoteWriteReader.read(bodies.span, version: .v1, table: &table, limits: .standard)
        #expect(received.samples.count == ReceivedSeriesTable.clustersMax)
        #expect(received.rejects.count == 150 - ReceivedSeriesTable.clustersMax)
        #expect(received.rejects.summary.contains("cluster"))
    }
}
