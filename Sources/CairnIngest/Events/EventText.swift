internal import CairnBytes
internal import CairnModel

/// What every event from outside has to keep to, whatever its format.
enum EventText {
    /// Longest id, source or type, in bytes. An entry of the log has 65,535 bytes for everything but large data.
    static let identityBytesMax = 1024
    /// Most bytes that the attributes Cairn does not know may take together, in canonical JSON, for the same reason.
    static let extensionBytesMax = 8192
    /// The prefix of the types that Cairn alone produces.
    static let reservedPrefix = "cairn."

    /// Where Cairn's own events say they come from. An id taken there from outside would keep Cairn's event out.
    static let reservedSource = "/cairn"
    /// Kinds of streams in which Cairn keeps its own books.
    static let ownKinds: Set<String> = ["ledger", "import", "samples", "flows"]

    /// Why an event from outside cannot have this source; nil if it can.
    static func sourceProblem(_ source: String) -> String? {
        guard source == reservedSource || source.hasPrefix("\(reservedSource)/") else { return nil }
        return "the source \(source.prefix(60)) is one of Cairn's own"
    }

    /// Why the text cannot be an id, source or type; nil if it can.
    static func problem(_ text: String, _ name: String) -> String? {
        if text.isEmpty { return "\(name) is empty" }
        if text.utf8.count > identityBytesMax {
            return "\(name) has \(text.utf8.count) bytes, more than the limit of \(identityBytesMax)"
        }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            return "\(name) has a control character"
        }
        return nil
    }

    /// Reads RFC 3339, and the offset without a colon that CloudWatch alarms write (`+0000`).
    static func time(_ text: String) -> Timestamp? {
        if let time = Timestamp(text) { return time }
        let bytes = Array(text.utf8)
        guard bytes.count > 5, bytes.count <= 64,
            [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[bytes.count - 5])
        else { return nil }
        let mended = bytes[..<(bytes.count - 2)] + [UInt8(ascii: ":")] + bytes[(bytes.count - 2)...]
        return Timestamp(String(decoding: mended, as: UTF8.self))
    }

    /// The producer's text, if it is not the canonical one.
    static func timeText(_ text: String, of time: Timestamp) -> String? { text == time.description ? nil : text }

    /// The attributes that say what the caller of the import said: `cluster`, and `labels` as `k=v,k=v`.
    static func extensions(of options: ImportOptions, adding object: JSONObject = [:]) -> JSONObject {
        var result = object
        if let cluster = options.cluster, result["cluster"] == nil { result["cluster"] = .string(cluster) }
        if !options.labels.isEmpty, result["labels"] == nil {
            let pairs = options.labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            result["labels"] = .string(pairs.joined(separator: ","))
        }
        return result
    }
}

extension IngestBatch {
    mutating func reject(_ record: JSONRecord, _ reason: String, remedy: String) {
        reject(line: record.line, column: record.column, reason, remedy: remedy, raw: record.bytes)
    }
}
