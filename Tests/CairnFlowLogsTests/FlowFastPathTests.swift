import CairnBytes
import CairnFlowLogs
import CairnTestSupport
import Testing

/// Lines are read where they lie if they are regular, and copied first if they are not: both must read the same.
@Suite("Lines as they lie") struct FlowFastPathTests {
    private static let header = "\(v2Header) tcp-flags pkt-srcaddr flow-direction"

    /// A line with values of every length, some of them missing.
    private static func line(_ random: inout SeededRandom) -> String {
        func number(_ max: UInt64) -> String {
            let digits = random.next() % 19
            var bound: UInt64 = 1
            for _ in 0..<digits { bound *= 10 }
            return random.next() % 17 == 0 ? "-" : String(random.next() % min(bound, max) % max)
        }
        func address() -> String {
            switch random.next() % 12 {
            case 0: "-"
            case 1: "2001:db8::\(String(random.next() % 65_536, radix: 16))"
            default: (0..<4).map { _ in String(random.next() % 256 >> (random.next() % 8)) }.joined(separator: ".")
            }
        }
        let start = random.next() % 4_000_000_000
        let isMillisecond = random.next() % 9 == 0 && start > 1_000_000_000
        let times = [start, start + random.next() % 1000].map { isMillisecond ? "\($0)123" : "\($0)" }
        return [
            "2", number(1 << 40), "eni-\(random.next() % 1000)", address(), address(), number(65_536), number(65_536),
            number(256), number(1 << 60), number(.max >> 1), times[0], times[1],
            random.next() % 3 == 0 ? "REJECT" : "ACCEPT", random.next() % 30 == 0 ? "NODATA" : "OK", number(64),
            address(), random.next() % 2 == 0 ? "egress" : "ingress",
        ].joined(separator: " ")
    }

    private func texts(_ reading: Reading) -> [String] { reading.sink.records.map { "\($0)" } }

    @Test(arguments: [21, 22, 23] as [UInt64]) func copiedLinesReadTheSame(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let lines = (0..<3000).map { _ in FlowFastPathTests.line(&random) }
        let plain = read(([FlowFastPathTests.header] + lines).joined(separator: "\n"))
        #expect(plain.sink.records.count == 3000 && plain.rejects.isEmpty, "seed \(seed)")
        // Doubled spaces everywhere, in some places, carriage returns, and spaces around lines.
        let doubled = lines.map { $0.replacing(" ", with: "  ") }
        let mixed = lines.enumerated().map { $0 % 50 == 7 ? doubled[$0] : $1 }
        for text in [
            ([FlowFastPathTests.header] + doubled).joined(separator: "\n"),
            ([FlowFastPathTests.header] + mixed).joined(separator: "\n"),
            ([FlowFastPathTests.header] + lines).joined(separator: "\r\n") + "\r\n",
            ([FlowFastPathTests.header] + lines.map { " \($0) " }).joined(separator: "\n"),
        ] {
            let other = read(text, piece: 1 + Int(random.next() % 100_000))
            #expect(texts(other) == texts(plain), "seed \(seed)")
            #expect(other.rejects.isEmpty, "seed \(seed)")
        }
    }

    /// The values themselves, from Swift's own parsing of the text.
    @Test(arguments: [31, 32] as [UInt64]) func valuesAreThoseOfTheText(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let lines = (0..<2000).map { _ in FlowFastPathTests.line(&random) }
        let records = read(([FlowFastPathTests.header] + lines).joined(separator: "\n")).sink.records
        for (line, record) in zip(lines, records) {
            let fields = line.split(separator: " ").map(String.init)
            #expect(record.source == (IPAddress(fields[3]) ?? .none), "\(line)")
            #expect(record.destination == (IPAddress(fields[4]) ?? .none), "\(line)")
            #expect(record.packetSource == (IPAddress(fields[15]) ?? .none), "\(line)")
            #expect(record.sourcePort == UInt16(fields[5]) ?? 0, "\(line)")
            #expect(record.destinationPort == UInt16(fields[6]) ?? 0, "\(line)")
            #expect(record.protocolNumber == UInt8(fields[7]) ?? 0, "\(line)")
            #expect(record.packets == UInt64(fields[8]) ?? 0, "\(line)")
            #expect(record.bytes == UInt64(fields[9]) ?? 0, "\(line)")
            let start = try #require(Int64(fields[10]))
            #expect(record.start == (start >= 1_000_000_000_000 ? start / 1000 : start), "\(line)")
            #expect(record.action == (fields[12] == "REJECT" ? .reject : .accept), "\(line)")
        }
    }

    @Test func separatorsThatAreNone() {
        // A tab is part of a field, and so is a carriage return that does not end the line.
        for text in ["2\t1", "2 1\teni-1", "2\r1"] {
            let line = v2Line.replacing("2 123456789010 eni-1", with: text)
            let reading = read("\(v2Header)\n\(v2Line)\n\(line)\n\(v2Line)\n")
            #expect(reading.sink.records.count == 2, "\(text.debugDescription)")
            #expect(reading.rejects.map(\.line) == [3], "\(text.debugDescription)")
        }
        // An empty last field is no field, whatever ends the line.
        for end in [" \r", "\r\r", " "] {
            let reading = read("\(v2Header)\n\(v2Line)\(end)\n2 1 eni-1 - - - - - - - 1 2 -\(end)\n")
            #expect(reading.sink.records.count == 1, "\(end.debugDescription)")
            #expect(reading.rejects.count == 1, "\(end.debugDescription)")
        }
    }

    @Test func columnsThatLookLikeHeaders() throws {
        let order = "subnet-id az-id srcaddr"
        let reading = read("\(order)\nsubnet-1 use1-az1 10.0.0.1\nvpc-2 az 10.0.0.2\naction dstport\nACCEPT 443\n")
        #expect(reading.sink.records.count == 3 && reading.rejects.isEmpty)
        #expect(reading.sink.formats.count == 2)
        #expect(reading.sink.records[2].destinationPort == 443)
    }

    @Test(arguments: [41, 42] as [UInt64]) func masksAreTheSameOnAnyProcessor(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let letters: [UInt8] = [0x20, 0x0A, 0x2E, 0x30, 0x39, 0x3A, 0x2F, 0x80, 0xA0, 0xAE, 0xFF, 0x00, 0x21, 0x0B]
        for _ in 0..<500 {
            let bytes = (0..<64).map { _ in
                random.next() % 3 == 0
                    ? UInt8(truncatingIfNeeded: random.next()) : letters[Int(random.next() % UInt64(letters.count))]
            }
            var spaces: UInt64 = 0
            var lineBreaks: UInt64 = 0
            var dots: UInt32 = 0
            var digits: UInt32 = 0
            for (index, byte) in bytes.enumerated() {
                if byte == 0x20 { spaces |= 1 << UInt64(index) }
                if byte == 0x0A { lineBreaks |= 1 << UInt64(index) }
                if index < 16, byte == 0x2E { dots |= 1 << UInt32(index) }
                if index < 16, (0x30...0x39).contains(byte) { digits |= 1 << UInt32(index) }
            }
            unsafe bytes.withUnsafeBufferPointer { buffer in
                let base = buffer.baseAddress!
                #expect(unsafe FlowByteMasks.separators(base) == (spaces, lineBreaks), "seed \(seed)")
                #expect(unsafe FlowByteMasks.portableSeparators(base) == (spaces, lineBreaks), "seed \(seed)")
                #expect(unsafe FlowByteMasks.dotsAndDigits(base) == (dots, digits), "seed \(seed)")
                #expect(unsafe FlowByteMasks.portableDotsAndDigits(base) == (dots, digits), "seed \(seed)")
            }
        }
    }

    // MARK: Any bytes

    /// Every line is one of record, reject, header, blank or wrapping, whatever the bytes and the pieces they come in.
    @Test(arguments: [51, 52, 53] as [UInt64]) func everyWrappingSurvivesAnyBytes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let lines = (0..<40).map { _ in FlowFastPathTests.line(&random) }
        let text = "\(FlowFastPathTests.header)\n\(lines.joined(separator: "\n"))\n"
        let packed = Deflate.compress(Array(text.utf8), container: .gzip)
        let base64 = Base64.string(packed)
        let wrapped =
            #"{"messageType":"DATA_MESSAGE","logEvents":["#
            + lines.map { #"{"id":"1","message":"\#($0)"}"# }.joined(separator: ",") + "]}"
        let valid: [[UInt8]] = [
            Array(text.utf8), packed, Array(base64.utf8), Array(wrapped.utf8),
            Array(lines.map { #"{"message":"\#($0)"}"# }.joined(separator: "\n").utf8),
            Array(#"{"awslogs":{"data":"\#(base64)"}}"#.utf8), Array(#"{"records":[{"data":"\#(base64)"}]}"#.utf8),
            (0..<300).map { _ in UInt8(truncatingIfNeeded: random.next()) },
        ]
        for bytes in valid {
            for round in 0..<60 {
                var mutated = bytes
                for _ in 0..<(round == 0 ? 0 : 1 + Int(random.next() % 8)) where !mutated.isEmpty {
                    let place = Int(random.next() % UInt64(mutated.count))
                    switch random.next() % 5 {
                    case 0: mutated[place] = UInt8(truncatingIfNeeded: random.next())
                    case 1: mutated[place] ^= 1 << UInt8(random.next() % 8)
                    case 2: mutated.insert([0x20, 0x0A, 0x0D, 0x7B, 0x22, 0x2D][Int(random.next() % 6)], at: place)
                    case 3: mutated.removeSubrange(place..<min(mutated.count, place + Int(random.next() % 50)))
                    default: mutated.removeLast(Int(random.next() % UInt64(mutated.count)))
                    }
                }
                let whole = read(mutated)
                let pieces = read(mutated, piece: 1 + Int(random.next() % 40))
                #expect(texts(whole) == texts(pieces), "seed \(seed)")
                #expect(whole.counts == pieces.counts, "seed \(seed)")
                for reading in [whole, pieces] {
                    let counts = reading.counts
                    let useful = counts.records + counts.rejects
                    let sum = useful + counts.headers + counts.blank + counts.wrappings
                    #expect(counts.lines == sum, "seed \(seed): \(counts)")
                    #expect(counts.rejects == reading.rejects.count, "seed \(seed)")
                    #expect(counts.records == reading.sink.records.count, "seed \(seed)")
                }
            }
        }
    }

    @Test func heldRejectsAreBounded() {
        var limits = FlowLogLimits()
        limits.rejectsHeldMax = 10
        let reading = read(String(repeating: "nonsense\n", count: 1000), limits: limits)
        #expect(reading.rejects.count == 10)
        #expect(reading.counts.rejects == 1000)
    }

    @Test func linesLongerThanABufferAreTheSameInAnyPieces() {
        // Tags may be long; a line may be as long as the limit, and one byte more is too much.
        let order = "instance-tag srcport"
        for length in [1000, 65_000, (64 << 10) - 4, (64 << 10) - 3, 300_000] {
            let line = String(repeating: "x", count: length) + " 443"
            let text = "\(order)\n\(line)\nshort 80\n\(line)\n"
            for piece in [777, 100_000, 1 << 20] {
                let reading = read(text, piece: piece)
                let fits = line.utf8.count <= 64 << 10
                #expect(reading.sink.records.count == (fits ? 3 : 1), "\(length), \(piece)")
                #expect(reading.rejects.map(\.line) == (fits ? [] : [2, 4]), "\(length), \(piece)")
            }
        }
    }
}
