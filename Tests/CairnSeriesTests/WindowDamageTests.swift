import CairnBytes
import CairnSeries
import CairnTestSupport
import Testing

/// No bytes crash the reader of windows or make it say what was never sealed: damage is an error with its place.
@Suite struct WindowDamageTests {
    /// Few series, of every model, with exceptions and with times that are not regular.
    private static func small() throws -> [SeriesSamples] {
        func series(_ name: String, _ samples: [Sample]) throws -> SeriesSamples {
            SeriesSamples(key: try SeriesKey(name: name, labels: [Label("cluster", "old")]), samples: samples)
        }
        func samples(_ values: [Double], _ step: (Int) -> Int64 = { Int64($0) * 15_000 }) -> [Sample] {
            values.enumerated().map { Sample(timeMs: step($0.offset), value: $0.element) }
        }
        return [
            try series("constant", samples([Double](repeating: 4096, count: 12))),
            try series("decimal", samples([0.25, 0.5, 0.75, 0.5, 0.25, 0.5, 1.75, 0.5, 0.25])),
            try series(
                "exceptional", samples([1, .infinity, 3, -0.0, 5, Double(bitPattern: 0x7FF8_0000_DEAD_BEEF), 7])),
            try series("late", samples([7, 9, 4, 8, 1, 2]) { Int64($0) * 15_000 + [0, 3, 0, -2, 0, 9_000][$0] }),
            try series("line", samples((0..<20).map { Double($0 * 30) })),
            try series("noise", samples((0..<9).map { 1 / Double($0 + 3) })),
            try series("outlier", samples([1, 2, 16, 32, -1, -9, -10, 100, Double(UInt64.max), 1, 2, 3])),
        ]
    }

    /// Everything a window says. Whatever the bytes are, it ends with `SampleWindowError` or an answer.
    private static func readAll(
        _ bytes: [UInt8], onDamage: (SampleWindowError) throws -> Void = { throw $0 }
    ) throws -> [Int: [Sample]] {
        let window = try SampleWindow(reading: bytes)
        let keys = try window.keys()
        guard keys.count == window.seriesCount, window.summaries.count == keys.count else {
            throw ByteError(reason: "\(keys.count) keys of \(window.seriesCount) series", offset: 0)
        }
        var found: [Int: [Sample]] = [:]
        try window.forEachSeries(onDamage: onDamage) { index, times, values in
            found[index] = (0..<times.count).map { Sample(timeMs: times[$0], value: values[$0]) }
        }
        return found
    }

    @Test func everyFlippedByteIsSeen() throws {
        let series = try Self.small()
        let bytes = try SampleWindow.encode(series)
        for place in bytes.indices {
            var changed = bytes
            changed[place] ^= 1 << UInt8(place % 8)
            #expect(throws: SampleWindowError.self, "byte \(place)") { try Self.readAll(changed) }
            // What lies in other groups than the damage is there, bit for bit.
            var isDamaged = false
            guard let rest = try? Self.readAll(changed, onDamage: { _ in isDamaged = true }) else { continue }
            #expect(isDamaged && rest.count < series.count, "byte \(place)")
            for (index, samples) in rest { #expect(samples == series[index].samples, "byte \(place)") }
        }
    }

    @Test func everyCutIsSeen() throws {
        let bytes = try SampleWindow.encode(Self.small())
        for count in bytes.indices {
            #expect(throws: SampleWindowError.self, "\(count) bytes") { try Self.readAll(Array(bytes[..<count])) }
        }
        #expect(throws: SampleWindowError.self) { try Self.readAll(bytes + [0]) }
    }

    /// Parts that pass every checksum and mean nothing: an error, or at most as many samples as the header promises.
    @Test(arguments: UInt64(1)...4) func forgedPartsAreHarmless(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let varied = SampleBatch(try SampleBatchTests.varied(seed: seed)).series
        let windows = try [Self.small(), varied].map { try WindowParts(SampleWindow.encode($0)) }
        #expect(try Self.readAll(windows[0].sealed()).count == 7, "taken apart and put together it is the same")
        var answered = 0
        let rounds = 1500
        for round in 0..<rounds {
            guard var parts = windows.randomElement(using: &random) else { return }
            for _ in 0..<Int.random(in: 1...3, using: &random) { Self.change(&parts, using: &random) }
            do {
                let found = try Self.readAll(parts.sealed())
                #expect(found.values.reduce(0) { $0 + $1.count } <= SampleWindow.samplesMax)
                answered += 1
            } catch is SampleWindowError {} catch {
                Issue.record("seed \(seed), round \(round): \(error) is not an error of a window")
            }
        }
        #expect(answered > 0 && answered < rounds, "seed \(seed): \(answered) of \(rounds) could be read")
    }

    private static func change(_ parts: inout WindowParts, using random: inout SeededRandom) {
        func change(_ bytes: inout [UInt8], _ range: Range<Int>) {
            guard !range.isEmpty else { return }
            let place = Int.random(in: range, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] = 0
            case 1: bytes[place] = 0xFF
            case 2 where bytes.count > 80: bytes.remove(at: place)
            case 3 where bytes.count > 80: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            default: bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: change(&parts.header, 12..<52)
        case 1, 2, 3: change(&parts.directory, parts.directory.indices)
        case 4, 5: change(&parts.keys, parts.keys.indices)
        default:
            let group = Int.random(in: parts.groups.indices, using: &random)
            change(&parts.groups[group], parts.groups[group].indices)
        }
    }

    // MARK: Small windows that promise much

    /// The header of a window with these counts, and parts that say whatever they are given.
    private static func forged(
        series: Int, samples: Int, timeSets: Int, timeGroups: Int, directory: [UInt8], keys: [UInt8]
    )
        throws -> [UInt8]
    {
        var parts = try WindowParts(SampleWindow.encode([]))
        func set(_ integer: Int, at place: Int) {
            var writer = ByteWriter()
            writer.append(UInt32(integer))
            parts.header.replaceSubrange(place..<place + 4, with: writer.bytes)
        }
        set(series, at: 12)
        set(samples, at: 16)
        set(timeSets, at: 40)
        set(timeGroups, at: 48)
        parts.directory = directory
        parts.keys = keys
        return parts.sealed()
    }

    /// A column that is the same number throughout.
    private static func same(_ number: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt8(0))
        writer.appendVarint(number)
        return writer.bytes
    }

    @Test func timesOfNobodyAreRefused() throws {
        // A million sets, each with one time more than the one before: 4 TB if anybody made room for them.
        let count = SampleWindow.seriesMax
        let sets = Self.same(2) + Self.same(0) + Self.same(0) + Self.same(2)
        let irregular = Self.same(0) + Self.same(0) + Self.same(0)
        let bytes = try Self.forged(
            series: count, samples: SampleWindow.samplesMax, timeSets: count, timeGroups: 1,
            directory: sets + irregular, keys: [])
        let error = #expect(throws: SampleWindowError.self) { try SampleWindow(reading: bytes) }
        #expect(error?.part == .directory)
        #expect(error?.reason.contains("times are none or too many") == true, "\(String(describing: error))")
    }

    @Test func labelsOutOfNothingAreRefused() throws {
        // A million sets of 64 labels each, in columns of two bytes.
        let count = SampleWindow.seriesMax
        var keys = ByteWriter()
        keys.appendVarint(2)
        keys.append(Self.same(0) + Self.same(1))
        keys.appendCounted(Deflate.compress(Array("ab".utf8), container: .raw))
        keys.appendVarint(1)
        keys.appendVarint(64)
        for _ in 0..<64 { keys.appendVarint(0) }
        keys.appendVarint(UInt64(count))
        keys.append(Self.same(0))
        for _ in 0..<64 { keys.append(Self.same(2)) }
        let constant = Self.same(0)
        // One time, one set for all series, all of them constant.
        let directory =
            Self.same(2) + constant + constant + constant + constant + constant + constant
        let bytes = try Self.forged(
            series: count, samples: count, timeSets: 1, timeGroups: 0, directory: directory, keys: keys.bytes)
        let window = try SampleWindow(reading: bytes)
        #expect(window.sampleCount == count)
        let error = #expect(throws: SampleWindowError.self) { try window.keys() }
        #expect(error?.part == .keys)
        #expect(error?.reason.contains("labels") == true, "\(String(describing: error))")
    }

    // MARK: The bytes stay what they are

    /// A window of this version, written down: later versions must read it, and write no other bytes for it.
    @Test func theBytesOfAWindowStayTheSame() throws {
        let series = try Self.small()
        let bytes = try SampleWindow.encode(series)
        var lines = ""
        for start in stride(from: 0, to: bytes.count, by: 32) {
            lines += Hex.string(Array(bytes[start..<min(bytes.count, start + 32)])) + "\n"
        }
        // Another zlib may find other matches, which every reader understands.
        let probe = Deflate.compress(Array("which symbols come first, which symbols come last".utf8), container: .raw)
        if Checksum.crc32(probe) == Self.probeChecksum {
            try Golden.expect(lines, matches: "window-v1.txt", in: #filePath)
        } else {
            print("skipped: this zlib deflates to other bytes (\(Checksum.crc32(probe)))")
        }
        let stored = try Golden.read("window-v1.txt", in: #filePath)
        let text = String(decoding: stored, as: UTF8.self).filter { !$0.isNewline }
        let found = try Self.readAll(try #require(Hex.bytes(text)))
        for (index, one) in series.enumerated() { #expect(found[index] == one.samples, "\(one.key)") }
        #expect(found.count == series.count)
    }

    private static let probeChecksum: UInt32 = 1_296_787_015
}
