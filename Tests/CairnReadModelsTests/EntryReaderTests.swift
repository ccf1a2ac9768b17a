import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

/// The short way from entries to rows gives what the long way gives.
@Suite struct EntryReaderTests {
    /// A log that hands out events as the ledger decodes them.
    private struct Decoded: EventSource {
        var ledger: Ledger
        var identity: [UInt8] { ledger.identity }
        var size: UInt64 { ledger.size }

        func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
            try ledger.forEach(from: position, to: nil, body)
        }

        func content(of attachment: AttachmentReference) throws -> AttachmentContent {
            try ledger.content(of: attachment)
        }
    }

    /// One frame of entries, read the short way or the long way.
    private struct Frame: EventSource {
        var ledger: Ledger
        var entries: [[UInt8]]
        var isShort: Bool
        var identity: [UInt8] { ledger.identity }
        var size: UInt64 { UInt64(entries.count) }

        private var frame: EntryFrame {
            var payload: [UInt8] = []
            var ranges: [Range<Int>] = []
            for entry in entries {
                ranges.append(payload.count..<payload.count + entry.count)
                payload += entry
            }
            return EntryFrame(firstPosition: 0, payload: payload, ranges: ranges)
        }

        func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
            let frame = frame
            for (index, range) in frame.ranges.enumerated() where index >= Int(position) {
                try body(ledger.event(frame.payload, in: range, position: UInt64(index)))
            }
        }

        func forEachBatch(
            in positions: Range<UInt64>, occurredBy moment: Timestamp?, _ body: (EventBatch) throws -> Void
        ) throws {
            let frame = frame
            if isShort {
                try body(EntryReader.batch(frame) { try ledger.event(frame.payload, in: $0, position: $1) })
            } else {
                var events: [RecordedEvent] = []
                try forEach(from: 0) { events.append($0) }
                try body(EventBatch(events))
            }
        }

        func content(of attachment: AttachmentReference) throws -> AttachmentContent { .gone(by: 0) }
    }

    private func ledger(in folder: TemporaryFolder) throws -> Ledger {
        try Ledger.create(
            at: folder.file("ledger"), origin: "cairn.example/test", keyFile: nil,
            environment: .live(command: "cairn test"))
    }

    /// Texts that canonical JSON, SQLite or a careless reader may trip over.
    private static let texts = [
        "", "plain", "a \"quoted\" word", "back\\slash", "line\nfeed\tand tab", "\u{1}\u{8}\u{B}\u{1F}\u{7F}", "größe",
        "日本語", "🪨 cairn", "\u{E000}\u{1F600}", "null", "{}", String(repeating: "x", count: 300), "/", "'; DROP TABLE x",
    ]

    private func fill(_ ledger: Ledger, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let list = RandomLedger.make(eventCount: 400, using: &random)
        var batch: [Append] = []
        for event in list.events {
            var data = event.data
            if case .object(var object) = data, Int.random(in: 0..<3, using: &random) == 0 {
                let name = EntryReaderTests.texts.randomElement(using: &random)!
                object[name.isEmpty ? "x" : name] = [
                    .string(EntryReaderTests.texts.randomElement(using: &random)!), 0.1, -1.5e-7, 1e21, -3,
                    .number(Double(Int.random(in: -9_007_199_254_740_992...9_007_199_254_740_992, using: &random))),
                    true, .null, [:], [],
                ]
                data = .object(object)
            }
            let isOdd = Int.random(in: 0..<4, using: &random) == 0
            let text = EntryReaderTests.texts.randomElement(using: &random)!
            var extensions = JSONObject()
            if isOdd {
                extensions["region"] = .string(text)
                extensions["zone"] = 7
            }
            let type = event.type.hasPrefix("cairn.") ? "observed." + event.type.dropFirst(6) : event.type
            batch.append(
                Append(
                    ProposedEvent(
                        id: event.id + (isOdd ? text : ""), source: event.source, type: type, subject: event.subject,
                        time: event.time, timeText: isOdd ? "2026-03-10 08:00" : nil, data: data,
                        onBehalfOf: event.onBehalfOf, correlationID: isOdd ? text : nil, extensions: extensions,
                        received: isOdd
                            ? ReceivedBytes(bytes: Array(text.utf8), isLossless: Bool.random(using: &random)) : nil
                    )))
        }
        for start in stride(from: 0, to: batch.count, by: 37) {
            _ = try ledger.append(
                Array(batch[start..<min(start + 37, batch.count)]), actor: Actor(id: "a@b", type: "local"))
        }
    }

    /// The files of two rebuilds are the same byte for byte, whichever way the entries are read and whichever thread
    /// reads them.
    @Test(arguments: [1, 2, 3] as [UInt64]) func everyWayGivesTheSameFile(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(in: folder)
        try fill(ledger, seed: seed)
        var files: [Data] = []
        let ways: [(any EventSource, Bool)] = [
            (ledger, true), (ledger, false), (Decoded(ledger: ledger), true), (Decoded(ledger: ledger), false),
        ]
        var dump: TableDump?
        for (number, (source, isReadAhead)) in ways.enumerated() {
            let path = folder.file("model-\(number).sqlite")
            let model = try ReadModel.open(path: path)
            #expect(try model.rebuild(from: source, isReadAhead: isReadAhead).events == ledger.size)
            let tables = try TableDump(model)
            if let dump { try dump.expectEqual(tables, "seed \(seed), way \(number)") }
            dump = tables
            try model.close()
            files.append(try Data(contentsOf: URL(filePath: path)))
        }
        #expect(Set(files).count == 1, "seed \(seed)")
        // And a read model that followed along in steps.
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ledger, eventsPerTransaction: 11)
        try #require(dump).expectEqual(TableDump(model), "seed \(seed), catching up")
    }

    /// Entries with bytes changed, left out or put in: read the same way or refused the same way.
    @Test(arguments: [11, 12, 13, 14] as [UInt64]) func damagedEntriesAreReadAlike(_ seed: UInt64) throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(in: folder)
        try fill(ledger, seed: seed)
        var random = SeededRandom(seed: seed &+ 1000)
        var entries: [[UInt8]] = []
        try ledger.forEachEntry(from: 0) { entries.append($1) }
        let likely = Array("\"\\{}[],:0129-.eEtfn \u{1}u00a".utf8) + [0xC3, 0xFF, 0x80]
        var accepted = 0
        var refused = 0
        for _ in 0..<60 {
            var entry = entries.randomElement(using: &random)!
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: entry.indices, using: &random)
                let byte = likely.randomElement(using: &random)!
                switch Int.random(in: 0..<4, using: &random) {
                case 0: entry.remove(at: place)
                case 1: entry.insert(byte, at: place)
                default: entry[place] = byte
                }
            }
            let dumps = [true, false].map { isShort in
                Result {
                    let model = try ReadModel.inMemory()
                    try model.catchUp(from: Frame(ledger: ledger, entries: [entry], isShort: isShort))
                    return try TableDump(model)
                }
            }
            let text = String(decoding: entry, as: UTF8.self)
            switch (dumps[0], dumps[1]) {
            case (.success(let short), .success(let long)):
                try short.expectEqual(long, "seed \(seed): \(text)")
                accepted += 1
            case (.failure, .failure): refused += 1
            default: Issue.record("seed \(seed): read one way only: \(text)")
            }
        }
        #expect(accepted > 0 && refused > 0, "seed \(seed)")
    }

    /// Valid JSON that is not canonical comes out canonical.
    @Test func entriesThatAreNotCanonicalAreReadAlike() throws {
        let folder = try TemporaryFolder()
        let ledger = try ledger(in: folder)
        let datas = [
            #"{"b":1,"a":2}"#, #"{"a":1,"a":2}"#, #"{ "a":1}"#, #"{"a":1.0}"#, #"{"a":1e2}"#, #"{"a":-0}"#,
            #"{"a":-0.0}"#,
            #"{"a":01}"#, #"{"a":"\u0041"}"#, #"{"a":"\/"}"#, #"{"a":"\u000a"}"#, #"{"a":"\u000b"}"#,
            #"{"a":"\u001F"}"#, #"{"a":"\u001f"}"#, #"{"a":"\u0008"}"#, #"{"\u0061":1}"#, #"{"ä":1,"z":2}"#,
            #"{"a":9007199254740993}"#, #"{"a":1e400}"#, #"{"a":123456789012345678901234567890}"#, #"{"a":[1,]}"#,
            #"{"a":tru}"#, #"{"a":true}"#, #"{"a":"\ud83d\ude00"}"#, #"{"a":"\ud83d"}"#, #"[1,[2,[3]]]"#, #""text""#,
            "7", "null", "", #"{"a":1}x"#, String(repeating: "[", count: 140) + String(repeating: "]", count: 140),
            String(repeating: "[", count: 128) + String(repeating: "]", count: 128),
            String(repeating: "[", count: 129) + String(repeating: "]", count: 129),
        ]
        for data in datas {
            let entry =
                #"{"authid":"a@b","authtype":"local","data":"# + data
                + #","id":"1","recordedtime":"2026-03-10T08:00:02Z","revision":0,"source":"/test","specversion":"1.0","#
                + #""subject":"migration/m1","time":"2026-03-10T08:00:00Z","type":"observed.note.added.v1"}"#
            let dumps = [true, false].map { isShort in
                Result {
                    let model = try ReadModel.inMemory()
                    try model.catchUp(from: Frame(ledger: ledger, entries: [Array(entry.utf8)], isShort: isShort))
                    return try TableDump(model)
                }
            }
            switch (dumps[0], dumps[1]) {
            case (.success(let short), .success(let long)): try short.expectEqual(long, data)
            case (.failure, .failure): break
            default: Issue.record("read one way only: \(data)")
            }
        }
    }

    /// A reader that fails, and one who applies that fails, end the rebuild; nothing hangs and nothing is left behind.
    @Test func failuresCrossTheThreads() throws {
        struct Broken: EventSource {
            struct Failure: Error {}
            var inner: EventList
            var failsAt: UInt64
            var identity: [UInt8] { inner.identity }
            var size: UInt64 { inner.size }
            func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
                try inner.forEach(from: position) { event in
                    if event.position == failsAt { throw Failure() }
                    try body(event)
                }
            }
            func content(of attachment: AttachmentReference) throws -> AttachmentContent { throw Failure() }
        }
        var random = SeededRandom(seed: 5)
        let list = RandomLedger.make(eventCount: 900, using: &random)
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("m.sqlite"))
        for isReadAhead in [true, false] {
            // The reader fails; the content of an attachment cannot be had.
            for failsAt in [700, UInt64.max] {
                #expect(throws: Broken.Failure.self) {
                    try model.rebuild(from: Broken(inner: list, failsAt: failsAt), isReadAhead: isReadAhead)
                }
            }
        }
        try model.rebuild(from: list)
        #expect(try model.query("SELECT count(*) FROM events").rows == [[900]])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(names.allSatisfy { !$0.contains("rebuild") }, "\(names)")
    }

    /// A violation finds its fact whether the events have an index yet or not.
    @Test func violationsFindTheirFacts() throws {
        var list = EventList()
        for number in 0..<30 {
            let fact = list.append(
                "observed.phase.started.v1", "migration/m\(number % 3)", at: Double(number), ["phase": "x"])
            list.append(
                "cairn.violation.recorded.v1", "migration/m\(number % 3)", at: Double(number),
                [
                    "rule": "order", "event_id": .string(number == 7 ? "nowhere" : "event-\(fact)"),
                    "event_source": number == 8 ? 5 : "/test",
                ])
        }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        let rebuilt = try TableDump(model)
        let stepwise = try ReadModel.inMemory()
        for size in 1...list.events.count { try stepwise.catchUp(from: list.prefix(size)) }
        try rebuilt.expectEqual(TableDump(stepwise), "steps")
        #expect(
            try model.query("SELECT count(*) FROM violations WHERE violating_position = position - 1").rows == [[28]])
        #expect(try model.query("SELECT count(*) FROM violations WHERE violating_position IS NULL").rows == [[2]])
    }
}
