import CairnBytes

/// `%41` in paths (RFC 3986), and the `a=b&c=d` of queries and forms.
enum PercentEncoding {
    /// Queries and forms here have a handful of fields.
    private static let fieldsMax = 100

    /// `application/x-www-form-urlencoded`: `+` is a space. Nil if something is broken.
    static func fields(_ bytes: some Collection<UInt8>) -> [(name: String, value: String)]? {
        var fields: [(name: String, value: String)] = []
        for pair in bytes.split(separator: UInt8(ascii: "&")).prefix(fieldsMax) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = field(parts[0]), let value = parts.count > 1 ? field(parts[1]) : "" else { return nil }
            fields.append((name, value))
        }
        return fields
    }

    private static func field(_ bytes: some Collection<UInt8>) -> String? {
        let spaced = bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(validating: spaced, as: UTF8.self).flatMap { decode($0) }
    }

    /// Nil if an escape is broken or the bytes are not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hex.digit), let low = rest.popFirst().flatMap(Hex.digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
