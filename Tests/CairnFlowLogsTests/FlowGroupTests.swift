import CairnFlowLogs
import CairnTestSupport
import Testing

/// Groups by the ten thousand: several runs for each thread, merged, compacted, written and picked from.
@Suite("Groups") struct FlowGroupTests {
    private struct Made {
        var files: [(cluster: String, text: String)] = []
        /// What a dictionary of the same records says, in the order of keys.
        var rows: [FlowAggregation.Row] = []
    }

    /// Files whose keys recur within and across them, with IPv6 addresses, text and missing values among the keys.
    private static func make(_ random: inout SeededRandom, records: Int, addresses: UInt64) -> Made {
        var made = Made()
        var sums: [Key: [UInt64]] = [:]
        for file in 0..<4 {
            var lines = ["srcaddr dstport interface-id action packets bytes start end tcp-flags"]
            let cluster = ["eks", "self-managed"][file % 2]
            for _ in 0..<records / 4 {
                let number = random.next() % addresses
                let address =
                    number % 5 == 0
                    ? "2001:db8::\(String(number & 0xFFFF, radix: 16))" : "10.0.\(number / 250 % 250).\(number % 250)"
                let port = number % 7 == 0 ? "-" : "\(number % 3)"
                let interface = number % 11 == 0 ? "-" : "eni-\(number % 13)"
                let isReject = random.next() % 2 == 0
                let packets = random.next() % 100
                let minute = random.next() % 3
                lines.append(
                    "\(address) \(port) \(interface) \(isReject ? "REJECT" : "ACCEPT") \(packets) \(packets * 60) \(minute * 60 + 5) \(minute * 60 + 9) \(number % 4)"
                )
                let key = Key(
                    cluster: cluster, address: IPAddress(address) ?? .none, port: port, interface: interface,
                    minute: minute)
                var sum = sums[key] ?? [0, 0, 0, 0, 0]
                for (index, more) in [1, isReject ? 1 : 0, number % 4 == 2 ? 1 : 0, packets, packets * 60].enumerated()
                {
                    sum[index] += more
                }
                sums[key] = sum
            }
            made.files.append((cluster, lines.joined(separator: "\n")))
        }
        made.rows = sums.sorted { $0.key < $1.key }.map { key, sums in
            FlowAggregation.Row(
                key: [key.cluster, "\(key.minute)", "\(key.address)", key.port, key.interface],
                sums: FlowAggregation.Sums(
                    flows: sums[0], rejects: sums[1], synOnly: sums[2], packets: sums[3], bytes: sums[4]))
        }
        return made
    }

    private struct Key: Hashable, Comparable {
        var cluster: String
        var address: IPAddress
        var port: String
        var interface: String
        var minute: UInt64

        /// Missing values first, IPv4 before IPv6, numbers as numbers.
        static func < (left: Key, right: Key) -> Bool {
            if left.cluster != right.cluster { return left.cluster < right.cluster }
            if left.minute != right.minute { return left.minute < right.minute }
            if left.address != right.address {
                return left.address.isV4 == right.address.isV4
                    ? left.address < right.address : left.address.isV4
            }
            if left.port != right.port { return (Int(left.port) ?? -1) < (Int(right.port) ?? -1) }
            return (left.interface == "-" ? "" : left.interface) < (right.interface == "-" ? "" : right.interface)
        }
    }

    private static let columns = "cluster,minute,srcaddr,dstport,interface-id"

    private func run(_ made: Made, workers: Int, limits: FlowLogLimits = .init(), bytes: Int = 0) throws
        -> FlowAggregationResult
    {
        let inputs = made.files.enumerated().map { index, file in
            FlowFileInput(name: "\(index)", cluster: file.cluster, bytes: bytes) { take in
                let bytes = Array(file.text.utf8)
                for start in stride(from: 0, to: bytes.count, by: 50_000) {
                    try take(Array(bytes[start..<min(bytes.count, start + 50_000)]))
                }
            }
        }
        return FlowAggregation.run(
            try FlowQuery(by: FlowGroupTests.columns), over: inputs, limits: limits, workers: workers)
    }

    @Test(arguments: [61, 62] as [UInt64]) func sumsAreThoseOfADictionary(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let made = FlowGroupTests.make(&random, records: 80_000, addresses: 60_000)
        var limits = FlowLogLimits()
        for workers in [1, 2, 3] {
            let result = try run(made, workers: workers, limits: limits)
            #expect(result.counts.records == 80_000 && result.counts.rejects == 0, "seed \(seed)")
            #expect(result.rows.values() == made.rows, "seed \(seed), \(workers) workers")
            #expect(result.rows.count == made.rows.count)
            // The next rounds merge their runs early.
            limits.compactGroupsMin = 1
        }
    }

    @Test func oneLargeFileIsReadByTwoThreads() throws {
        var random = SeededRandom(seed: 63)
        let made = FlowGroupTests.make(&random, records: 8000, addresses: 500)
        let result = try run(made, workers: 2, bytes: 2 << 20)
        #expect(result.rows.values() == made.rows)
        // Each file is larger than half of all only if there is one.
        let inputs = [
            FlowFileInput(name: "large", cluster: "a", bytes: 2 << 20) { take in
                for _ in 0..<3 { try take(Array("\(v2Line)\n".utf8)) }
            },
            FlowFileInput(name: "broken", cluster: "a", bytes: 0) { take in
                try take(Array("\(v2Line)\n".utf8))
                throw CancellationError()
            },
        ]
        let query = try FlowQuery(by: "srcaddr")
        let split = FlowAggregation.run(query, over: inputs, workers: 2)
        #expect(split.rows.values().map(\.sums.flows) == [4])
        #expect(split.failures.map(\.file) == ["broken"])
        let large = FlowAggregation.run(
            query,
            over: [
                FlowFileInput(name: "parquet", cluster: "a", bytes: 2 << 20) { take in
                    for _ in 0..<50 { try take(Array("PAR1".utf8) + [UInt8](repeating: 0, count: 300_000)) }
                }
            ], workers: 2)
        #expect(large.parquetFiles == ["parquet"] && large.failures.isEmpty)
    }

    @Test func tooManyGroupsAreSaid() throws {
        var random = SeededRandom(seed: 64)
        let made = FlowGroupTests.make(&random, records: 80_000, addresses: 60_000)
        var limits = FlowLogLimits()
        limits.groupsMax = 20_000
        #expect(try run(made, workers: 1, limits: limits).hasTooManyGroups)
        limits.groupsMax = 100_000
        #expect(try !run(made, workers: 1, limits: limits).hasTooManyGroups)
    }

    @Test(arguments: [1, 5, 400, 100_000]) func topIsTheBeginningOfAFullSort(number: Int) throws {
        var random = SeededRandom(seed: 65)
        let made = FlowGroupTests.make(&random, records: 40_000, addresses: 20_000)
        // Stable: equal flows stay in the order of keys.
        let expected = made.rows.enumerated().sorted {
            ($0.element.sums.flows, $1.offset) > ($1.element.sums.flows, $0.offset)
        }.map(\.element)
        let rows = try run(made, workers: 2).rows
        #expect(rows.values(top: number) == Array(expected.prefix(number)))
        var style = FlowRowStyle()
        style.cells = [FlowRowStyle.Cell(column: 5, before: "")]
        style.betweenRows = [UInt8(ascii: ",")]
        var text: [UInt8] = []
        unsafe rows.write(style, top: number, workers: 2) { text += unsafe Array($0) }
        let flows = expected.prefix(number).map { "\($0.sums.flows)" }.joined(separator: ",")
        #expect(String(decoding: text, as: UTF8.self) == flows)
    }

    // MARK: Text

    /// Every kind of value in one format after another, against the values as Swift writes them.
    @Test(arguments: [1, 2, 5]) func writtenRowsAreTheValues(workers: Int) throws {
        var random = SeededRandom(seed: 66)
        let made = FlowGroupTests.make(&random, records: 60_000, addresses: 50_000)
        let rows = try run(made, workers: 2).rows
        var style = FlowRowStyle()
        style.cells = (0..<10).map { FlowRowStyle.Cell(column: $0, before: $0 == 0 ? "<" : "|") }
        style.header = Array("header\n".utf8)
        style.betweenRows = Array(";\n".utf8)
        style.afterRow = Array(">".utf8)
        style.footer = Array("\nfooter".utf8)
        style.missing = Array("none".utf8)
        style.quotesAddresses = true
        style.quotedNumbersMin = 60
        style.text = { Array("'\($0)'".utf8) }
        let lines = made.rows.map { row in
            var cells: [String] = []
            for (index, value) in row.key.enumerated() {
                switch index {
                case 0, 4: cells.append(value == "-" ? "none" : "'\(value)'")
                case 2: cells.append("\"\(value)\"")
                default: cells.append(value == "-" ? "none" : value)
                }
            }
            let sums = row.sums
            for sum in [sums.flows, sums.rejects, sums.synOnly, sums.packets, sums.bytes] {
                cells.append(sum >= 60 ? "\"\(sum)\"" : "\(sum)")
            }
            return "<\(cells.joined(separator: "|"))>"
        }
        var text: [UInt8] = []
        unsafe rows.write(style, workers: workers) { text += unsafe Array($0) }
        #expect(text == Array("header\n\(lines.joined(separator: ";\n"))\nfooter".utf8))
    }

    @Test func widthsAndPadding() throws {
        let text = "srcaddr interface-id packets bytes\n10.0.0.1 eni-long 5 18446\n- - 100 9223372036854775807\n"
        let result = try aggregate([("a", text)], by: "srcaddr,interface-id,dstport")
        var style = FlowRowStyle()
        style.cells = [0, 1, 2, 6].map { FlowRowStyle.Cell(column: $0, before: "|") }
        style.missing = Array("-".utf8)
        style.afterRow = Array("|\n".utf8)
        let extents = result.rows.extents(style, workers: 1)
        #expect(extents.map(\.width) == [8, 8, 1, 3])
        #expect(extents.map(\.hasValue) == [true, true, false, true])
        for index in style.cells.indices {
            style.cells[index].width = extents[index].width
            style.cells[index].isRight = index == 3
        }
        var written: [UInt8] = []
        unsafe result.rows.write(style, workers: 1) { written += unsafe Array($0) }
        #expect(String(decoding: written, as: UTF8.self) == "|-       |-       |-|100|\n|10.0.0.1|eni-long|-|  5|\n")
        #expect(result.rows.values().map(\.sums.bytes) == [9_223_372_036_854_775_807, 18_446])
    }

    @Test(
        arguments: [
            0, 9, 10, 99, 100, 999, 1000, 65_535, 99_999, 100_000, 1_234_567, 4_294_967_296, 99_999_999_999,
            999_999_999_999_999_999, 9_223_372_036_854_775_807,
        ] as [UInt64]) func numbersOfEveryLength(number: UInt64) throws
    {
        let result = try aggregate([("a", "packets bytes\n\(number) \(number)")], by: "packets")
        var style = FlowRowStyle()
        style.cells = [0, 4, 5].map { FlowRowStyle.Cell(column: $0, before: " ") }
        var written: [UInt8] = []
        unsafe result.rows.write(style, workers: 1) { written += unsafe Array($0) }
        #expect(String(decoding: written, as: UTF8.self) == " \(number) \(number) \(number)")
    }

    @Test func sumsStayAtTheLargestNumber() throws {
        let line = "9223372036854775807 9223372036854775807"
        let result = try aggregate([("a", "packets bytes\n\(line)\n\(line)\n\(line)")], by: "dstport")
        #expect(result.rows.values().map(\.sums.bytes) == [.max])
        var style = FlowRowStyle()
        style.cells = [FlowRowStyle.Cell(column: 5, before: "")]
        var written: [UInt8] = []
        unsafe result.rows.write(style, workers: 1) { written += unsafe Array($0) }
        #expect(String(decoding: written, as: UTF8.self) == "\(UInt64.max)")
    }

    private struct Gone: Error {}

    @Test func aReaderThatGoesAwayEndsTheWriting() throws {
        var random = SeededRandom(seed: 67)
        let made = FlowGroupTests.make(&random, records: 80_000, addresses: 60_000)
        let rows = try run(made, workers: 2).rows
        var style = FlowRowStyle()
        style.cells = [FlowRowStyle.Cell(column: 2, before: "\n")]
        var calls = 0
        #expect(throws: Gone.self) {
            try unsafe rows.write(style, workers: 2) { _ in
                calls += 1
                if calls == 2 { throw Gone() }
            }
        }
        #expect(calls == 2)
    }

    @Test func noRows() throws {
        let result = try aggregate([("a", v2Header)], by: "srcaddr")
        var style = FlowRowStyle()
        style.cells = [FlowRowStyle.Cell(column: 0, before: "")]
        style.header = Array("h".utf8)
        style.footer = Array("f".utf8)
        for (whenEmpty, expected) in [([UInt8]?.none, "hf"), (Array("[]".utf8), "[]")] {
            style.whenEmpty = whenEmpty
            for top in [nil, 3] {
                var written: [UInt8] = []
                unsafe result.rows.write(style, top: top, workers: 2) { written += unsafe Array($0) }
                #expect(String(decoding: written, as: UTF8.self) == expected)
            }
        }
        #expect(result.rows.values().isEmpty && result.rows.count == 0)
    }

    @Test func everyFieldCanBeGroupedBy() throws {
        let all = FlowLogField.allCases
        let values = all.map { field -> String in
            switch field.content {
            case .address: "2001:db8::1"
            case .port, .number: "7"
            case .time: "61"
            case .text: field == .action ? "REJECT" : field == .logStatus ? "OK" : "x-\(field.rawValue)"
            }
        }
        let text = "\(all.map(\.rawValue).joined(separator: " "))\n\(values.joined(separator: " "))\n"
        for start in stride(from: 0, to: all.count, by: 20) {
            let fields = Array(all[start..<min(all.count, start + 20)])
            let result = try aggregate([("a", text)], by: fields.map(\.rawValue).joined(separator: ","))
            #expect(result.rows.values().map(\.key) == [Array(values[start..<min(all.count, start + 20)])])
        }
    }

    @Test func nearestNamesAreOffered() throws {
        let cases: [(String, String)] = [
            ("dstadr", "dstaddr"), ("src_adr", "srcaddr"), ("minutes", "minute"), ("status", "log-status"),
            ("vpcid", "vpc-id"), ("Protocoll", "protocol"), ("flags", "tcp-flags"),
        ]
        for (word, name) in cases {
            #expect {
                try FlowQuery(by: word)
            } throws: { error in
                "\(error)".contains("did you mean") && "\(error)".contains(name)
            }
            #expect {
                try FlowFilter("\(word) = 1")
            } throws: { error in
                "\(error)".contains(name)
            }
        }
        #expect {
            try FlowQuery(by: "qqqqqqqqqq")
        } throws: { error in
            !"\(error)".contains("did you mean") && "\(error)".contains("dstaddr")
        }
    }

    /// Only what the query reads can make a line bad.
    @Test func onlyWhatIsReadIsChecked() throws {
        let bad = v2Line.replacing("40000", with: "4000000").replacing("443", with: "https")
        let text = "\(v2Header)\n\(v2Line)\n\(bad)\n"
        #expect(try aggregate([("a", text)], by: "dstaddr").counts.rejects == 0)
        #expect(
            try aggregate([("a", text)], by: "srcport").rejects.map(\.reject.reason) == [.outOfRange(field: "srcport")])
        #expect(
            try aggregate([("a", text)], by: "dstport").rejects.map(\.reject.reason) == [.notANumber(field: "dstport")])
        let filtered = try aggregate([("a", text)], by: "dstaddr", where: "dstport = 443")
        #expect(filtered.rejects.map(\.reject.line) == [3])
    }
}
