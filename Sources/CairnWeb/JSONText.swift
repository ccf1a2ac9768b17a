package import CairnBytes

/// JSON for people and scripts: indented by two spaces, keys in the order of RFC 8785, short values on one line.
package enum JSONText {
    private static let lineLengthMax = 100

    /// The value with a line break at the end.
    package static func indented(_ value: JSONValue) -> String {
        var bytes: [UInt8] = []
        write(value, indent: 0, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ value: JSONValue, indent: Int, to bytes: inout [UInt8]) {
        let compact = CanonicalJSON.bytes(of: value)
        if indent > 0, indent + compact.count <= lineLengthMax, isFlat(value) {
            bytes.append(contentsOf: compact)
            return
        }
        let pad = Array(repeating: UInt8(ascii: " "), count: indent)
        switch value {
        case .array(let values) where !values.isEmpty:
            bytes.append(UInt8(ascii: "["))
            for (index, element) in values.enumerated() {
                bytes.append(contentsOf: (index > 0 ? ",\n" : "\n").utf8)
                bytes.append(contentsOf: pad + [0x20, 0x20])
                write(element, indent: indent + 2, to: &bytes)
            }
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: pad)
            bytes.append(UInt8(ascii: "]"))
        case .object(let object) where !object.isEmpty:
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in object.members.enumerated() {
                bytes.append(contentsOf: (index > 0 ? ",\n" : "\n").utf8)
                bytes.append(contentsOf: pad + [0x20, 0x20])
                CanonicalJSON.write(member.name, to: &bytes)
                bytes.append(contentsOf: ": ".utf8)
                write(member.value, indent: indent + 2, to: &bytes)
            }
            bytes.append(UInt8(ascii: "\n"))
            bytes.append(contentsOf: pad)
            bytes.append(UInt8(ascii: "}"))
        default: bytes.append(contentsOf: compact)
        }
    }

    /// Whether the value nests at most one level, so that it reads well on one line.
    private static func isFlat(_ value: JSONValue) -> Bool {
        switch value {
        case .array(let values): values.allSatisfy { $0.array == nil && $0.object == nil }
        case .object(let object): object.members.allSatisfy { $0.value.array == nil && $0.value.object == nil }
        default: true
        }
    }
}
