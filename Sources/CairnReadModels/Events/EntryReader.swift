import CairnBytes
package import CairnLedger
package import CairnModel

/// Entries to rows, without a string or a dictionary on the way: a rebuild reads every entry there is.
///
/// It reads what nearly every entry is, canonical JSON whose parts are all in the entry. An entry that cites attachments
/// (its data may lie there), has escapes in its envelope, or is not as it should be, is decoded by the ledger, which is
/// slower, knows everything and says what is wrong.
package struct EntryReader {
    private var marks = JSONMarkReader()
    private var bytes: [UInt8]
    private var rows: [EventRow] = []

    private init(_ frame: EntryFrame) {
        bytes = frame.payload
        rows.reserveCapacity(frame.ranges.count)
        // Some thirty values an entry.
        marks.reserveCapacity(frame.ranges.count * 32)
    }

    /// - Parameter decode: decodes an entry the long way.
    package static func batch(
        _ frame: EntryFrame, decode: (Range<Int>, UInt64) throws -> RecordedEvent
    ) rethrows -> EventBatch {
        var reader = EntryReader(frame)
        for (index, range) in frame.ranges.enumerated() {
            let position = frame.firstPosition + UInt64(index)
            if let row = reader.row(frame.payload.span, range, position) {
                reader.rows.append(row)
            } else {
                reader.rows.append(EventRow(try decode(range, position)))
            }
        }
        return EventBatch(
            rows: reader.rows, storage: EventStorage(bytes: reader.bytes, marks: reader.marks.marks))
    }

    private mutating func row(_ payload: Span<UInt8>, _ range: Range<Int>, _ position: UInt64) -> EventRow? {
        guard let root = marks.read(payload, in: range), marks.marks[root].kind == .object else { return nil }
        var row = EventRow()
        row.position = position
        var seen: UInt32 = 0
        var field = 0
        var extensions: [Int] = []
        let end = Int(marks.marks[root].next)
        var index = root + 1
        while index < end {
            let name = EntryName(payload, marks.marks[index].slice)
            // Both the members and the known names are sorted.
            while field < EntryName.known.count, EntryName.known[field].name < name { field += 1 }
            if field < EntryName.known.count, EntryName.known[field].name == name {
                let member = EntryName.known[field].member
                seen |= 1 << UInt32(member.rawValue)
                guard take(member, index + 1, payload, &row) else { return nil }
            } else {
                extensions.append(index)
            }
            index = Int(marks.marks[index + 1].next)
        }
        guard seen & EntryName.required == EntryName.required else { return nil }
        if row.data.isMissing { row.data = append("null") }
        if !extensions.isEmpty { row.extensions = append(extensions) }
        row.typeHash = EventRow.hash(payload, row.type)
        return row
    }

    /// False for what only the ledger's own decoder can take.
    private func take(_ member: EntryName.Member, _ index: Int, _ payload: Span<UInt8>, _ row: inout EventRow) -> Bool {
        let mark = marks.marks[index]
        switch member {
        case .data:
            row.data =
                mark.kind == .string
                ? ByteSlice(start: mark.slice.start - 1, end: mark.slice.end + 1) : mark.slice
            row.dataMark = index
            return true
        case .revision:
            guard mark.kind == .number, let revision = EntryReader.number(payload, mark.slice) else { return false }
            row.revision = revision
            return true
        case .attachments: return false
        case .dataBase64, .specVersion: return true
        default: break
        }
        guard mark.kind == .string, !mark.hasEscapes else { return false }
        let slice = mark.slice
        switch member {
        case .id: row.id = slice
        case .source: row.source = slice
        case .type: row.type = slice
        case .subject:
            row.subject = slice
            return EntryReader.isStreamName(payload, slice)
        case .time, .recordedTime:
            guard let time = Timestamp(utf8: payload.extracting(slice.range)) else { return false }
            if member == .time { row.time = time } else { row.recordedTime = time }
        case .timeText: row.timeText = slice
        case .authID: row.actorID = slice
        case .authType: row.actorType = slice
        case .onBehalfOf: row.onBehalfOf = slice
        case .correlationID: row.correlationID = slice
        case .causationID: row.causationID = slice
        case .traceparent: row.traceparent = slice
        case .receivedSHA256:
            row.receivedDigest = slice
            return EntryReader.isLowerCaseHex(payload, slice)
        case .data, .dataBase64, .revision, .attachments, .specVersion: return false
        }
        return true
    }

    private mutating func append(_ text: StaticString) -> ByteSlice {
        let start = bytes.count
        bytes.append(contentsOf: "\(text)".utf8)
        return ByteSlice(start..<bytes.count)
    }

    /// The object of some members, behind the frame's own bytes.
    private mutating func append(_ members: [Int]) -> ByteSlice {
        let start = bytes.count
        for (place, index) in members.enumerated() {
            bytes.append(UInt8(ascii: place == 0 ? "{" : ","))
            let name = marks.marks[index].slice
            let value = marks.marks[index + 1]
            let end = Int(value.slice.end) + (value.kind == .string ? 1 : 0)
            bytes.append(contentsOf: bytes[(Int(name.start) - 1)..<end])
        }
        bytes.append(UInt8(ascii: "}"))
        return ByteSlice(start..<bytes.count)
    }

    private static func number(_ bytes: Span<UInt8>, _ slice: ByteSlice) -> UInt64? {
        guard slice.count <= 16 else { return nil }
        var value: UInt64 = 0
        for index in slice.range {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        return value
    }

    private static func isLowerCaseHex(_ bytes: Span<UInt8>, _ slice: ByteSlice) -> Bool {
        guard slice.count.isMultiple(of: 2) else { return false }
        for index in slice.range {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): continue
            default: return false
            }
        }
        return true
    }

    /// The grammar of `StreamName`.
    private static func isStreamName(_ bytes: Span<UInt8>, _ slice: ByteSlice) -> Bool {
        guard slice.count <= StreamName.bytesMax else { return false }
        var isInKind = true
        var segmentStart = Int(slice.start)
        for index in slice.range {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "/"):
                guard index > segmentStart else { return false }
                segmentStart = index + 1
                isInKind = false
            case UInt8(ascii: "a")...UInt8(ascii: "z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                guard !isInKind || index > segmentStart else { return false }
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"),
                UInt8(ascii: "@"), UInt8(ascii: "+"), UInt8(ascii: "="), UInt8(ascii: "~"):
                guard !isInKind else { return false }
            default: return false
            }
        }
        return !isInKind && Int(slice.end) > segmentStart
    }
}

/// The name of a member of an entry as two numbers that compare as the name does; what is longer than 16 bytes is none
/// of the ledger's own names, and may be cut.
private struct EntryName: Comparable {
    enum Member: UInt8 {
        case attachments, authID, authType, causationID, correlationID, data, dataBase64, id, onBehalfOf
        case receivedSHA256, recordedTime, revision, source, specVersion, subject, time, timeText, traceparent, type
    }

    private var high: UInt64 = 0
    private var low: UInt64 = 0

    init(_ bytes: Span<UInt8>, _ slice: ByteSlice) {
        for place in 0..<min(16, slice.count) { add(bytes[Int(slice.start) + place], place) }
    }

    private init(_ text: String) {
        for (place, byte) in text.utf8.enumerated() { add(byte, place) }
    }

    private mutating func add(_ byte: UInt8, _ place: Int) {
        if place < 8 { high |= UInt64(byte) << (56 - 8 * place) } else { low |= UInt64(byte) << (120 - 8 * place) }
    }

    static func < (left: EntryName, right: EntryName) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    static let known: [(name: EntryName, member: Member)] = [
        (EntryName("attachments"), .attachments), (EntryName("authid"), .authID), (EntryName("authtype"), .authType),
        (EntryName("causationid"), .causationID), (EntryName("correlationid"), .correlationID),
        (EntryName("data"), .data), (EntryName("data_base64"), .dataBase64), (EntryName("id"), .id),
        (EntryName("onbehalfof"), .onBehalfOf), (EntryName("receivedsha256"), .receivedSHA256),
        (EntryName("recordedtime"), .recordedTime), (EntryName("revision"), .revision), (EntryName("source"), .source),
        (EntryName("specversion"), .specVersion), (EntryName("subject"), .subject), (EntryName("time"), .time),
        (EntryName("timetext"), .timeText), (EntryName("traceparent"), .traceparent), (EntryName("type"), .type),
    ]

    static let required: UInt32 = [
        Member.id, .source, .type, .subject, .revision, .time, .recordedTime, .authID, .authType,
    ].reduce(0) { $0 | 1 << UInt32($1.rawValue) }
}
