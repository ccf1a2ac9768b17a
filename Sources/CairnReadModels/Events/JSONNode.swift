import CairnBytes

/// Bytes, and the JSON values found in them.
final class EventStorage: Sendable {
    let bytes: [UInt8]
    let marks: [JSONMark]

    init(bytes: [UInt8], marks: [JSONMark]) {
        self.bytes = bytes
        self.marks = marks
    }

    /// Bytes that are known to be UTF-8.
    func text(_ slice: ByteSlice) -> String {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe String(decoding: buffer.extracting(slice.range), as: UTF8.self)
        }
    }
}

/// A value of a JSON text that was read into marks: asks like a `JSONValue`, and makes strings only where it is asked
/// for them.
struct JSONNode: Sendable {
    let storage: EventStorage
    let index: Int

    static let null = JSONNode(
        storage: EventStorage(
            bytes: Array("null".utf8),
            marks: [JSONMark(slice: ByteSlice(0..<4), next: 1, kind: .null)]), index: 0)

    private var mark: JSONMark { storage.marks[index] }

    var isNull: Bool { mark.kind == .null }

    var bool: Bool? {
        switch mark.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    var string: String? {
        let mark = mark
        guard mark.kind == .string else { return nil }
        return mark.hasEscapes ? value.string : storage.text(mark.slice)
    }

    var double: Double? {
        let mark = mark
        guard mark.kind == .number else { return nil }
        let bytes = storage.bytes
        if let integer = JSONNode.shortInteger(bytes.span.extracting(mark.slice.range)) { return Double(integer) }
        return Double(storage.text(mark.slice))
    }

    /// The number as an integer, if it is one that a double holds exactly (at most 2^53 in size).
    var integer: Int64? {
        let mark = mark
        guard mark.kind == .number else { return nil }
        let bytes = storage.bytes
        if let integer = JSONNode.shortInteger(bytes.span.extracting(mark.slice.range)) { return integer }
        return double.flatMap { JSONValue.number($0).integer }
    }

    /// A text that is only digits, and few enough that neither a double nor 64 bits lose any.
    private static func shortInteger(_ text: Span<UInt8>) -> Int64? {
        let isNegative = text.count > 1 && text[0] == UInt8(ascii: "-")
        guard text.count <= 15 else { return nil }
        var value: Int64 = 0
        for index in (isNegative ? 1 : 0)..<text.count {
            let digit = text[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            value = value * 10 + Int64(digit)
        }
        return isNegative ? -value : value
    }

    /// The moment that a text says, in RFC 3339.
    var timestamp: Timestamp? {
        let mark = mark
        guard mark.kind == .string else { return nil }
        guard !mark.hasEscapes else { return string.flatMap { Timestamp($0) } }
        let bytes = storage.bytes
        return Timestamp(utf8: bytes.span.extracting(mark.slice.range))
    }

    var array: [JSONNode]? { mark.kind == .array ? children.map { JSONNode(storage: storage, index: $0) } : nil }

    /// The members of an object, in the order of canonical JSON.
    var members: [(name: String, value: JSONNode)]? {
        guard mark.kind == .object else { return nil }
        let indices = children
        return stride(from: 0, to: indices.count, by: 2).map { place in
            let name = JSONNode(storage: storage, index: indices[place])
            return (name.string ?? "", JSONNode(storage: storage, index: indices[place + 1]))
        }
    }

    private var children: [Int] {
        var children: [Int] = []
        var child = index + 1
        let end = Int(mark.next)
        while child < end {
            children.append(child)
            child = Int(storage.marks[child].next)
        }
        return children
    }

    /// The member of an object, or nil for anything else: `data["detail"]?["reason"]?.string`. Names with escapes are
    /// not found by it; no vocabulary has any.
    subscript(name: String) -> JSONNode? {
        let mark = mark
        guard mark.kind == .object else { return nil }
        let end = Int(mark.next)
        var name = name
        return name.withUTF8 { wanted in
            var child = index + 1
            while child < end {
                let member = storage.marks[child]
                if member.slice.count == wanted.count, !member.hasEscapes,
                    unsafe JSONNode.areEqual(storage.bytes, Int(member.slice.start), wanted)
                {
                    return JSONNode(storage: storage, index: child + 1)
                }
                child = Int(storage.marks[child + 1].next)
            }
            return nil
        }
    }

    private static func areEqual(_ bytes: [UInt8], _ start: Int, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        for index in wanted.indices where unsafe bytes[start + index] != wanted[index] { return false }
        return true
    }

    subscript(place: Int) -> JSONNode? {
        guard mark.kind == .array else { return nil }
        var child = index + 1
        let end = Int(mark.next)
        var left = place
        while child < end {
            if left == 0 { return JSONNode(storage: storage, index: child) }
            left -= 1
            child = Int(storage.marks[child].next)
        }
        return nil
    }

    /// As canonical JSON, which is how it was written.
    var text: String { storage.text(raw) }

    private var raw: ByteSlice {
        let mark = mark
        guard mark.kind == .string else { return mark.slice }
        return ByteSlice(start: mark.slice.start - 1, end: mark.slice.end + 1)
    }

    /// As a tree of values.
    var value: JSONValue {
        let bytes = storage.bytes
        return (try? JSONParser.parse(bytes.span.extracting(raw.range), limits: JSONNode.limits))?.value ?? .null
    }

    /// What was read once is read again, however deep it is.
    static let limits: JSONLimits = {
        var limits = JSONLimits.standard
        limits.depthMax = .max
        limits.bytesMax = .max
        limits.valuesMax = .max
        return limits
    }()
}
