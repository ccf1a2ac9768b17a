internal import CairnBytes
internal import CairnModel

/// Where the members that the ledger needs lie in the canonical JSON of one entry. Found in one pass that builds
/// nothing: opening a ledger looks at every entry of the open segment, and most of an entry is not the ledger's business.
struct EntryLayout: Sendable {
    // Ranges of the buffer, without quotes; empty at 0 where the member is missing.
    var id = 0..<0
    var source = 0..<0
    var subject = 0..<0
    var type = 0..<0
    var time = 0..<0
    var recordedTime = 0..<0
    var revision = 0..<0
    var attachments = 0..<0

    private enum Name {
        static let id = Array("id".utf8)
        static let source = Array("source".utf8)
        static let subject = Array("subject".utf8)
        static let type = Array("type".utf8)
        static let time = Array("time".utf8)
        static let recordedTime = Array("recordedtime".utf8)
        static let revision = Array("revision".utf8)
        static let attachments = Array("attachments".utf8)
    }

    init() {}

    /// Nil unless the range is an object as canonical JSON writes one, with the members every entry has.
    init?(_ bytes: [UInt8], in range: Range<Int>) {
        guard EntryLayout.forEachMember(bytes, in: range, { store(bytes, $0, $1) }), !id.isEmpty, !source.isEmpty,
            !subject.isEmpty, !type.isEmpty, !time.isEmpty,
            !recordedTime.isEmpty, !revision.isEmpty
        else { return nil }
    }

    /// Calls `body` with the name of each member of the object, without quotes, and its value, with quotes.
    /// - Returns: false if the range is not one object as canonical JSON writes it.
    static func forEachMember<Failure: Error>(
        _ bytes: [UInt8], in range: Range<Int>, _ body: (Range<Int>, Range<Int>) throws(Failure) -> Void
    ) throws(Failure) -> Bool {
        let span = bytes.span
        var offset = range.lowerBound
        let end = range.upperBound
        guard offset < end, span[offset] == UInt8(ascii: "{") else { return false }
        offset += 1
        while true {
            guard let nameEnd = endOfString(span, offset, end), nameEnd < end, span[nameEnd] == UInt8(ascii: ":"),
                let valueEnd = endOfValue(span, nameEnd + 1, end), valueEnd < end
            else { return false }
            try body(offset + 1..<nameEnd - 1, nameEnd + 1..<valueEnd)
            offset = valueEnd + 1
            if span[valueEnd] == UInt8(ascii: "}") { return offset == end }
            guard span[valueEnd] == UInt8(ascii: ",") else { return false }
        }
    }

    private mutating func store(_ bytes: [UInt8], _ name: Range<Int>, _ value: Range<Int>) {
        func isNamed(_ text: [UInt8]) -> Bool { name.count == text.count && bytes.has(text, at: name.lowerBound) }
        guard bytes[value.lowerBound] == UInt8(ascii: "\"") else {
            if isNamed(Name.revision) { revision = value }
            return
        }
        let content = value.lowerBound + 1..<value.upperBound - 1
        switch bytes[name.lowerBound] {
        case UInt8(ascii: "i"): if isNamed(Name.id) { id = content }
        case UInt8(ascii: "s"):
            if isNamed(Name.source) { source = content } else if isNamed(Name.subject) { subject = content }
        case UInt8(ascii: "t"):
            if isNamed(Name.type) { type = content } else if isNamed(Name.time) { time = content }
        case UInt8(ascii: "r"): if isNamed(Name.recordedTime) { recordedTime = content }
        case UInt8(ascii: "a"): if isNamed(Name.attachments) { attachments = content }
        default: break
        }
    }

    /// The offset behind the closing quote of the string that begins at `start`.
    private static func endOfString(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        guard start < end, span[start] == UInt8(ascii: "\"") else { return nil }
        var offset = start + 1
        while offset < end {
            let byte = span[offset]
            if byte == UInt8(ascii: "\"") { return offset + 1 }
            offset += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        return nil
    }

    /// The offset behind the value that begins at `start`; what is inside is not looked at closely.
    private static func endOfValue(_ span: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
        var offset = start
        var depth = 0
        while offset < end {
            switch span[offset] {
            case UInt8(ascii: "\""):
                guard let next = endOfString(span, offset, end) else { return nil }
                offset = next
                if depth == 0 { return offset }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                offset += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return offset > start ? offset : nil }
                depth -= 1
                offset += 1
                if depth == 0 { return offset }
            case UInt8(ascii: ","):
                if depth == 0 { return offset > start ? offset : nil }
                offset += 1
            default: offset += 1
            }
        }
        return nil
    }

    /// The range, if it has no escapes.
    static func unescaped(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        let span = bytes.span.extracting(range)
        for index in span.indices where span[index] == UInt8(ascii: "\\") { return nil }
        return range
    }

    /// The range, if it is text without escapes: the name of a stream needs none.
    static func plainText(_ bytes: [UInt8], _ range: Range<Int>) -> Range<Int>? {
        let span = bytes.span.extracting(range)
        var isASCII = true
        for index in span.indices {
            if span[index] == UInt8(ascii: "\\") { return nil }
            if span[index] >= 0x80 { isASCII = false }
        }
        return isASCII || String(validating: span) != nil ? range : nil
    }

    /// The content of a string member, with its escapes undone.
    static func text(_ bytes: [UInt8], _ range: Range<Int>) -> [UInt8]? {
        let raw = bytes[range]
        guard raw.contains(UInt8(ascii: "\\")) else { return Array(raw) }
        let quoted = [UInt8(ascii: "\"")] + raw + [UInt8(ascii: "\"")]
        return (try? JSONParser.parse(quoted))?.value.string.map { Array($0.utf8) }
    }
}

/// The facts of the entries of one frame, and the bytes in which the names of their streams lie.
struct FrameFacts: Sendable {
    /// The entries where they lie; what is between them means nothing.
    var payload: [UInt8]
    var entries: [EntryFacts]

    static let none = FrameFacts(payload: [], entries: [])

    func has(_ meaning: EntryFacts.Meaning) -> Bool { entries.contains { $0.meaning == meaning } }
}

/// What the index keeps of one entry.
struct EntryFacts: Sendable {
    /// Short hash of (source, id).
    var identity: UInt64
    /// Where the name of the stream lies in the bytes that hold the entry.
    var subject: Range<Int>
    var revision: UInt64
    /// Microseconds since 1970.
    var time: Int64
    var recordedTime: Int64
    /// Digests of the attachments it cites.
    var attachments: [TreeHash]
    var leaf: TreeHash
    /// What the entry says to the ledger itself.
    var meaning: Meaning

    enum Meaning: Sendable, Hashable {
        /// Nothing.
        case none
        case clockSteppedBack
        case streamsSealed
        case keyRotated
        /// Content went: redacted or dropped.
        case removal

        private static let prefix = Array("cairn.".utf8)
        private static let types: [([UInt8], Meaning)] = [
            (Array(LedgerEventType.clockSteppedBack.utf8), .clockSteppedBack),
            (Array(LedgerEventType.streamsSealed.utf8), .streamsSealed),
            (Array(LedgerEventType.keyRotated.utf8), .keyRotated),
            (Array(LedgerEventType.redacted.utf8), .removal), (Array(LedgerEventType.dropped.utf8), .removal),
        ]

        init(type bytes: [UInt8], in range: Range<Int>) {
            self = .none
            guard range.count > Meaning.prefix.count, bytes.has(Meaning.prefix, at: range.lowerBound) else { return }
            for (type, meaning) in Meaning.types
            where range.count == type.count && bytes.has(type, at: range.lowerBound) { self = meaning }
        }
    }

    /// Nil if the bytes are not an entry.
    /// - Parameter leaf: its hash, where that is known already.
    init?(_ bytes: [UInt8], in range: Range<Int>, leaf: TreeHash? = nil) {
        guard let layout = EntryEnvelope.layout(bytes, in: range) ?? EntryLayout(bytes, in: range),
            let subject = EntryLayout.plainText(bytes, layout.subject),
            let revision = EntryFacts.number(bytes, layout.revision),
            let time = Timestamp(utf8: bytes.span.extracting(layout.time)),
            let recordedTime = Timestamp(utf8: bytes.span.extracting(layout.recordedTime)),
            let attachments = EntryFacts.digests(bytes, layout.attachments),
            let identity = EntryFacts.identity(bytes, layout)
        else { return nil }
        self.identity = identity
        self.subject = subject
        self.revision = revision
        self.time = time.microseconds
        self.recordedTime = recordedTime.microseconds
        self.attachments = attachments
        self.leaf = leaf ?? TreeHasher.leaf(bytes[range])
        meaning = Meaning(type: bytes, in: layout.type)
    }

    private static func identity(_ bytes: [UInt8], _ layout: EntryLayout) -> UInt64? {
        if let source = EntryLayout.unescaped(bytes, layout.source), let id = EntryLayout.unescaped(bytes, layout.id) {
            return Digest.identity(source: bytes[source], id: bytes[id])
        }
        guard let id = EntryLayout.text(bytes, layout.id), let source = EntryLayout.text(bytes, layout.source) else {
            return nil
        }
        return Digest.identity(source: source[...], id: id[...])
    }

    init(
        identity: UInt64, subject: Range<Int>, revision: UInt64, time: Int64, recordedTime: Int64,
        attachments: [TreeHash], leaf: TreeHash, meaning: Meaning
    ) {
        self.identity = identity
        self.subject = subject
        self.revision = revision
        self.time = time
        self.recordedTime = recordedTime
        self.attachments = attachments
        self.leaf = leaf
        self.meaning = meaning
    }

    /// Canonical JSON writes a revision in plain digits.
    static func number(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty, range.count <= 16 else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + UInt64(digit)
        }
        return value
    }

    private static func digests(_ bytes: [UInt8], _ range: Range<Int>) -> [TreeHash]? {
        if range.isEmpty { return [] }
        guard let text = EntryLayout.text(bytes, range), let references = AttachmentLines.parse(text) else {
            return nil
        }
        return references.map { TreeHash(checked: $0.digest) }
    }
}

/// The entries of one frame: where each begins in the payload.
struct EntryOffsets {
    /// Start of each entry behind its length, and the end of the last: entry i is `starts[i]..<ends[i]`.
    static func ranges(of payload: [UInt8], count: UInt32) throws(FormatError) -> [Range<Int>] {
        // An entry takes three bytes at least, so a forged count cannot reserve more than the payload allows.
        guard UInt64(count) * 3 <= UInt64(payload.count) else { throw .damaged("the frame has fewer entries") }
        var ranges: [Range<Int>] = []
        ranges.reserveCapacity(Int(count))
        var offset = 0
        while offset < payload.count {
            guard payload.count - offset >= 2, ranges.count < Int(count) else {
                throw .damaged("the frame has more entries than it says")
            }
            let length = Int(payload[offset]) << 8 | Int(payload[offset + 1])
            offset += 2
            guard length > 0, length <= payload.count - offset else { throw .damaged("an entry ends early") }
            ranges.append(offset..<offset + length)
            offset += length
        }
        guard ranges.count == Int(count) else { throw .damaged("the frame has fewer entries than it says") }
        return ranges
    }
}
