import CairnBytes
import CairnFlowLogs
import CairnTestSupport
import Testing

/// Keeps what it is given.
struct CollectingSink: FlowLogSink {
    var formats: [FlowLogFormat] = []
    var records: [FlowRecord] = []
    var interfaces: [String] = []

    mutating func begin(_ format: FlowLogFormat) { formats.append(format) }

    mutating func accept(_ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds) {
        records.append(record)
        guard let column = formats.last?.column(of: .interfaceID) else { return }
        var name: [UInt8] = []
        for index in bounds.range(of: column) { name.append(bytes[index]) }
        interfaces.append(String(decoding: name, as: UTF8.self))
    }
}

struct Reading {
    var sink = CollectingSink()
    var rejects: [FlowLogReject] = []
    var error: FlowLogError?
    var lines = 0
    var counts = FlowLineCounts()
}

/// Reads bytes in pieces of one size.
func read(_ bytes: [UInt8], piece: Int = 1 << 20, format: FlowLogFormat? = nil, limits: FlowLogLimits = .init())
    -> Reading
{
    var reader = FlowLogReader(sink: CollectingSink(), format: format, limits: limits)
    var reading = Reading()
    do throws(FlowLogError) {
        var start = 0
        while start < bytes.count {
            try reader.push(Array(bytes[start..<min(bytes.count, start + piece)]))
            start += piece
        }
        try reader.finish()
    } catch {
        reading.error = error
    }
    reading.sink = reader.sink
    reading.rejects = reader.rejects
    reading.lines = reader.lines
    reading.counts = reader.counts
    return reading
}

func read(_ text: String, piece: Int = 1 << 20, format: FlowLogFormat? = nil, limits: FlowLogLimits = .init())
    -> Reading
{
    read(Array(text.utf8), piece: piece, format: format, limits: limits)
}

let v2Line = "2 123456789010 eni-1 10.0.0.1 203.0.113.9 40000 443 6 10 840 1431280876 1431280934 ACCEPT OK"
let v2Header = FlowLogFormat.version2.description
/// AWS's own sample has doubled spaces.
let doubled = "2 123456789010 eni-2  10.0.0.1 203.0.113.9  40001 443 6 4 240 1431280876 1431280934 REJECT OK"
let noData = "2 123456789010 eni-3 - - - - - - - 1431280876 1431280934 - NODATA"
let skipData = "2 123456789010 eni-4 - - - - - - - 1431280876 1431280934 - SKIPDATA"

@Suite("Flow log reader") struct FlowLogReaderTests {
    @Test(arguments: [1, 2, 3, 7, 64, 1 << 20]) func everyWrappingGivesTheSameRecords(piece: Int) throws {
        let lines = [v2Line, doubled, noData, skipData]
        let text = lines.joined(separator: "\n")
        let events = lines.enumerated()
            .map { #"{"id":"\#($0.offset)","timestamp":1,"message":"\#($0.element)"}"# }.joined(separator: ",")
        let subscription =
            #"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[\#(events)]}"#
        let packed = Base64.string(Deflate.compress(Array(subscription.utf8), container: .gzip))
        let wrappings: [(String, [UInt8])] = [
            ("header", Array("\(v2Header)\n\(text)\n".utf8)),
            ("header, carriage returns", Array("\(v2Header)\r\n\(lines.joined(separator: "\r\n"))\r\n".utf8)),
            ("bare", Array(text.utf8)),
            ("subscription", Array(subscription.utf8)),
            (
                "subscription after a control message",
                Array(#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"CWL CONTROL"}]}"#.utf8)
                    + Array(subscription.utf8)
            ),
            ("awslogs", Array(#"{"awslogs":{"data":"\#(packed)"}}"#.utf8)),
            ("records", Array(#"{"records":[{"recordId":"1","data":"\#(packed)"}]}"#.utf8)),
            ("base64", Array(packed.utf8)),
            ("messages", Array(lines.map { #"{"message":"\#($0)"}"# }.joined(separator: "\n").utf8)),
            ("messages without line breaks", Array(lines.map { #"{"message":"\#($0)"}"# }.joined().utf8)),
            (
                "array of messages",
                Array("[\(lines.map { #"{"message":"\#($0)"}"# }.joined(separator: ", "))]".utf8)
            ),
        ]
        let expected = read(text).sink.records
        #expect(expected.count == 4)
        for (name, bytes) in wrappings {
            for isCompressed in [false, true] {
                let content = isCompressed ? Deflate.compress(bytes, container: .gzip) : bytes
                let reading = read(content, piece: piece)
                #expect(reading.error == nil, "\(name)")
                #expect(reading.rejects.isEmpty, "\(name): \(reading.rejects)")
                #expect(reading.sink.interfaces == ["eni-1", "eni-2", "eni-3", "eni-4"], "\(name)")
                #expect(reading.sink.records.map(\.start) == expected.map(\.start), "\(name)")
            }
        }
    }

    @Test func valuesOfALine() throws {
        let records = read("\(v2Line)\n\(doubled)\n\(noData)\n\(skipData)").sink.records
        let first = records[0]
        #expect(first.source.description == "10.0.0.1")
        #expect(first.destination.description == "203.0.113.9")
        #expect((first.sourcePort, first.destinationPort, first.protocolNumber) == (40000, 443, 6))
        #expect((first.packets, first.bytes) == (10, 840))
        #expect((first.start, first.end) == (1_431_280_876, 1_431_280_934))
        #expect(first.action == .accept && first.status == .ok)
        #expect(!first.present.contains(.tcpFlags))
        #expect(records[1].action == .reject)
        #expect(records.map(\.status) == [.ok, .ok, .noData, .skipData])
        #expect(!records[2].present.contains(.source))
    }

    @Test func millisecondsAndNone() throws {
        let line = "2 1 eni-1 None - 1 2 6 None 840 1431280876123 1431280934999 ACCEPT OK"
        let record = try #require(read(line).sink.records.first)
        #expect((record.start, record.end) == (1_431_280_876, 1_431_280_934))
        #expect(!record.present.contains(.source))
        #expect(!record.present.contains(.packets))
        #expect(record.bytes == 840)
    }

    @Test func anyOrderByHeaderOrFormat() throws {
        let order = "action dstport new-field-of-v12 srcaddr tcp-flags flow-direction end start"
        let values = "REJECT 443 whatever 2001:db8::1 18 ingress 70 60"
        let byHeader = read("\(order)\n\(values)\n")
        #expect(byHeader.rejects.isEmpty)
        let record = try #require(byHeader.sink.records.first)
        #expect(record.action == .reject && record.destinationPort == 443 && record.tcpFlags == 18)
        #expect(record.source.description == "2001:db8::1" && record.direction == .ingress)
        #expect((record.start, record.end) == (60, 70))
        for text in ["${srcport} ${action} ${pkt-srcaddr}", "srcport action pkt-srcaddr", "srcport,action,pkt_srcaddr"]
        {
            let format = try FlowLogFormat(configured: text)
            let record = try #require(read("99 ACCEPT 10.0.0.7", format: format).sink.records.first)
            #expect(record.sourcePort == 99 && record.packetSource.description == "10.0.0.7")
        }
        #expect(throws: FlowLogFormat.FormatError.unknownField("sourceport")) {
            try FlowLogFormat(configured: "sourceport")
        }
        #expect(throws: FlowLogFormat.FormatError.repeatedField("end")) { try FlowLogFormat(configured: "end ${end}") }
        #expect(throws: FlowLogFormat.FormatError.empty) { try FlowLogFormat(configured: " ") }
    }

    @Test func aLaterHeaderChangesTheOrder() throws {
        let reading = read("\(v2Header)\n\(v2Line)\nsrcaddr dstaddr\n10.0.0.1 10.0.0.2\n")
        #expect(reading.rejects.isEmpty)
        #expect(reading.sink.formats.count == 2)
        #expect(reading.sink.records[1].destination.description == "10.0.0.2")
    }

    @Test func everyFieldHasAName() throws {
        let all = FlowLogField.allCases
        #expect(Set(all.map(\.rawValue)).count == all.count)
        let format = try FlowLogFormat(configured: all.map { "${\($0.rawValue)}" }.joined(separator: " "))
        #expect(format.columns.compactMap(\.field) == all)
        let reading = read("\(format)\n\(all.map { _ in "-" }.joined(separator: " "))\n")
        #expect(reading.sink.formats == [format])
        #expect(reading.sink.records.count == 1)
    }

    @Test func badLinesAreSetAsideWithTheirPlace() throws {
        func line(_ change: (inout [String]) -> Void) -> String {
            var fields = v2Line.split(separator: " ").map(String.init)
            change(&fields)
            return fields.joined(separator: " ")
        }
        let cases: [(String, FlowLogRejectReason)] = [
            (line { $0.removeLast() }, .tooFewFields(found: 13, expected: 14, isAssumed: false)),
            (line { $0.append("x") }, .tooManyFields(expected: 14, isAssumed: false)),
            (line { $0[8] = "-5" }, .negative(field: "packets")),
            (line { $0[8] = "5x" }, .notANumber(field: "packets")),
            (line { $0[9] = "9223372036854775808" }, .outOfRange(field: "bytes")),
            (line { $0[9] = "99999999999999999999999999" }, .outOfRange(field: "bytes")),
            (line { $0[5] = "65536" }, .outOfRange(field: "srcport")),
            (line { $0[7] = "256" }, .outOfRange(field: "protocol")),
            (line { $0[10] = "-62135596800" }, .negative(field: "start")),
            (line { $0[11] = "253402300800000" }, .outOfRange(field: "end")),
            (line { $0[11] = "1431280000" }, .endsBeforeStart),
            (line { $0[3] = "10.0.0.256" }, .notAnAddress(field: "srcaddr")),
            (line { $0[4] = "2001:db8::1::2" }, .notAnAddress(field: "dstaddr")),
            (line { $0[12] = "accept" }, .unknownWord(field: "action")),
            (line { $0[13] = "FINE" }, .unknownWord(field: "log-status")),
        ]
        for (index, (text, reason)) in cases.enumerated() {
            let reading = read("\(v2Header)\n\(v2Line)\n\(text)\n\(v2Line)\n")
            #expect(reading.rejects.map(\.reason) == [reason], "case \(index)")
            #expect(reading.rejects.first?.line == 3)
            #expect(reading.rejects.first?.text == text)
            #expect(reading.sink.records.count == 2)
        }
        let assumed = read(v2Line + " more")
        #expect(assumed.rejects.map(\.reason) == [.tooManyFields(expected: 14, isAssumed: true)])
        #expect("\(assumed.rejects)".contains("--format"))
    }

    @Test func longLinesDoNotCollect() throws {
        var limits = FlowLogLimits()
        limits.lineBytesMax = 200
        let long = String(repeating: "x", count: 100_000)
        for piece in [1, 50, 4096, 1 << 20] {
            let reading = read("\(v2Header)\n\(long)\n\(v2Line)", piece: piece, limits: limits)
            #expect(reading.rejects.map(\.reason) == [.tooLong(limit: 200)])
            #expect(reading.rejects.first?.line == 2)
            #expect((reading.rejects.first?.text.utf8.count ?? 0) <= FlowLogReject.textBytesMax)
            #expect(reading.sink.records.count == 1)
        }
    }

    @Test func longObjectsDoNotCollect() throws {
        var limits = FlowLogLimits()
        limits.objectBytesMax = 300
        let long = #"{"message":"\#(String(repeating: "}{", count: 5000))"}"#
        let reading = read(#"{"message":"\#(v2Line)"}\#(long){"message":"\#(v2Line)"}"#, piece: 17, limits: limits)
        #expect(reading.rejects.map(\.reason) == [.tooLong(limit: 300)])
        #expect(reading.sink.records.count == 2)
    }

    @Test func wrappingsThatCarryNothing() throws {
        #expect(read(#"{"hello":1}"#).rejects.map(\.reason) == [.unknownWrapping])
        #expect(read(#"{"awslogs":{"data":"%%%"}}"#).rejects.map(\.reason) == [.damagedPayload("it is not base64")])
        #expect(read(#"{"message":"\#(v2Line)""#).rejects.map(\.reason) == [.notJSON("the object has no end")])
        let bomb = #"{"a":"# + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000) + "}"
        #expect(read(bomb).rejects.count == 1)
        // A payload that unpacks to itself would never end without a limit on depth.
        var nested = #"{"message":"\#(v2Line)"}"#
        for _ in 0..<8 {
            let packed = Base64.string(Deflate.compress(Array(nested.utf8), container: .gzip))
            nested = #"{"awslogs":{"data":"\#(packed)"}}"#
        }
        #expect(read(nested).rejects.map(\.reason) == [.damagedPayload("it is wrapped too deeply")])
    }

    @Test func damagedGzipDeliversWhatCameBefore() throws {
        let lines = (0..<5000).map { v2Line.replacing("40000", with: "\($0)") }
        let whole = Deflate.compress(Array("\(v2Header)\n\(lines.joined(separator: "\n"))\n".utf8), container: .gzip)
        let cut = read(Array(whole[..<(whole.count / 2)]))
        guard case .damaged(let offset, _) = cut.error else {
            Issue.record("no error")
            return
        }
        #expect(offset == whole.count / 2)
        #expect(cut.sink.records.count > 1000 && cut.sink.records.count < 5000)
        #expect(cut.rejects.allSatisfy { $0.reason == .cut })
        var flipped = whole
        flipped[whole.count / 2] ^= 0x55
        flipped[whole.count / 2 + 1] ^= 0x55
        let damaged = read(flipped)
        #expect(damaged.error != nil)
        #expect(read(Array(whole[..<4])).error != nil)
    }

    @Test func gzipMembersAreOneFile() throws {
        let first = Deflate.compress(Array("\(v2Header)\n\(v2Line)\n".utf8), container: .gzip)
        let reading = read(first + first)
        #expect(reading.error == nil && reading.rejects.isEmpty)
        #expect(reading.sink.records.count == 2)
    }

    @Test func parquetIsRefused() throws {
        let reading = read(Array("PAR1".utf8) + [0x15, 0x04, 0x15, 0x10])
        #expect(reading.error == .parquet)
        #expect("\(FlowLogError.parquet)".contains("Parquet"))
    }

    @Test func emptyAndBlankFiles() throws {
        for text in ["", "\n", " \n\n", v2Header, v2Header + "\n"] {
            let reading = read(text)
            #expect(reading.error == nil && reading.rejects.isEmpty && reading.sink.records.isEmpty)
        }
        #expect(read("\u{FEFF}\(v2Header)\n\(v2Line)").sink.records.count == 1)
        #expect(read("\n\n\(v2Line) x").rejects.first?.line == 3)
    }

    @Test(arguments: [11, 12, 13] as [UInt64]) func anyBytesEndInRecordsOrRejects(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let text = Array("\(v2Header)\n\(v2Line)\n\(doubled)\n{\"message\":\"\(noData)\"}\nPAR1 2001:db8::1\n".utf8)
        for _ in 0..<400 {
            var bytes = text
            for _ in 0..<Int(random.next() % 12) {
                let place = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 4 {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
                default: bytes.removeLast(min(bytes.count - 1, Int(random.next() % 40)))
                }
            }
            let first = read(bytes)
            let second = read(bytes, piece: 1 + Int(random.next() % 9))
            #expect(first.sink.interfaces == second.sink.interfaces, "seed \(seed)")
            #expect(first.rejects == second.rejects, "seed \(seed)")
            let packed = Deflate.compress(bytes, container: .gzip)
            var damaged = packed
            damaged[Int(random.next() % UInt64(packed.count))] ^= UInt8(1 << (random.next() % 8))
            _ = read(damaged)
        }
    }
}

@Suite("Addresses") struct IPAddressTests {
    @Test(arguments: [
        ("1.2.3.4", "1.2.3.4"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"), ("::", "::"),
        ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("::ffff:10.0.0.1", "10.0.0.1"), ("1::", "1::"),
        ("2001:0db8:0000:0000:0000:ff00:0042:8329", "2001:db8::ff00:42:8329"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"),
    ]) func texts(_ pair: (String, String)) throws {
        let address = try #require(IPAddress(pair.0))
        #expect(address.description == pair.1)
        #expect(IPAddress(pair.1) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "1.2.3.04", "1.2.3.x", ":", ":::",
        "1:",
        "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "::1::", "12345::", "1:2:3:4:5:6:7:1.2.3.4", "g::", "1::2:", "-",
        "1.2.3.4 ",
        "1:2:3:4:5:6:7:8::", "::1.2.3", "1234567890123456789",
    ]) func refused(_ text: String) throws {
        #expect(IPAddress(text) == nil)
    }

    @Test func prefixes() throws {
        let block = try #require(IPPrefix("203.0.113.77/24"))
        #expect(block.description == "203.0.113.0/24")
        #expect(block.contains(try #require(IPAddress("203.0.113.255"))))
        #expect(!block.contains(try #require(IPAddress("203.0.114.0"))))
        #expect(IPPrefix("2001:db8:1:2::9/48")?.description == "2001:db8:1::/48")
        #expect(IPPrefix("10.0.0.1")?.description == "10.0.0.1")
        #expect(IPPrefix("0.0.0.0/0")?.description == "0.0.0.0/0")
        #expect(IPPrefix("::/0")?.contains(try #require(IPAddress("10.0.0.1"))) == true)
        #expect(IPPrefix("10.0.0.0/33") == nil && IPPrefix("10.0.0.0/") == nil && IPPrefix("10.0.0.0/+8") == nil)
    }

    @Test func privateOnes() throws {
        for text in [
            "10.1.2.3", "172.16.0.1", "172.31.9.9", "192.168.0.1", "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1",
        ] {
            #expect(try #require(IPAddress(text)).isPrivate, "\(text)")
        }
        for text in ["11.0.0.1", "172.32.0.1", "100.128.0.1", "203.0.113.1", "2001:db8::1", "192.169.0.1"] {
            #expect(try !#require(IPAddress(text)).isPrivate, "\(text)")
        }
    }
}
