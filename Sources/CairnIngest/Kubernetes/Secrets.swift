internal import CairnBytes

/// Keeps the values of Kubernetes Secrets out of the log: whatever is imported, an object of kind `Secret` in it loses
/// the values of `data` and `stringData`, and the annotation in which kubectl repeats the object it applied.
enum Secrets {
    static let replacement = JSONValue.string("(dropped on import)")
    private static let appliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"
    private static let word = Array("Secret".utf8)

    /// Replaces the values of Secrets anywhere in the record; then its bytes are the canonical form of what is left.
    static func drop(from record: inout JSONRecord) {
        guard mayName(record.bytes) else { return }
        var count = 0
        let value = dropping(from: record.value, &count)
        guard count > 0 else { return }
        record.value = value
        record.bytes = CanonicalJSON.bytes(of: value)
        record.isLossless = true
        record.notes.append("the values of \(count) Kubernetes Secret\(count == 1 ? " were" : "s were") dropped")
    }

    /// False for most bytes: neither do they have the word, nor an escape that may stand for a letter of it.
    private static func mayName(_ bytes: [UInt8]) -> Bool {
        contains(bytes, word) || letterEscapes.contains { contains(bytes, $0) }
    }

    /// `\u` of JSON, and the further ones of YAML.
    private static let letterEscapes = ["\\u", "\\U", "\\x"].map { Array($0.utf8) }

    private static func dropping(from value: JSONValue, _ count: inout Int) -> JSONValue {
        switch value {
        case .array(let values): return .array(values.map { dropping(from: $0, &count) })
        case .object(let object):
            let isSecret = object["kind"]?.string == "Secret"
            if isSecret { count += 1 }
            var result = JSONObject()
            for member in object {
                if isSecret, member.name == "data" || member.name == "stringData" {
                    result.add(name: member.name, value: withoutValues(member.value))
                } else if isSecret, member.name == "metadata" {
                    result.add(name: member.name, value: withoutAppliedAnnotation(member.value))
                } else {
                    result.add(name: member.name, value: dropping(from: member.value, &count))
                }
            }
            return .object(result)
        case .string(let text):
            // A Secret inside a text, as in an annotation or a manifest written as JSON.
            guard text.first == "{", mayName(Array(text.utf8)), let inner = try? JSONParser.parse(text).value
            else { return value }
            var innerCount = 0
            let cleaned = dropping(from: inner, &innerCount)
            guard innerCount > 0 else { return value }
            count += innerCount
            return .string(CanonicalJSON.string(of: cleaned))
        case .null, .bool, .number: return value
        }
    }

    private static func withoutValues(_ value: JSONValue) -> JSONValue {
        guard case .object(let object) = value else { return value.isNull ? value : replacement }
        var result = JSONObject()
        for member in object { result.add(name: member.name, value: replacement) }
        return .object(result)
    }

    private static func withoutAppliedAnnotation(_ metadata: JSONValue) -> JSONValue {
        guard case .object(var object) = metadata, case .object(var annotations) = object["annotations"] ?? .null,
            annotations[appliedAnnotation] != nil
        else { return metadata }
        annotations[appliedAnnotation] = replacement
        object["annotations"] = .object(annotations)
        return .object(object)
    }

    /// True for bytes that nobody could parse and that may show a Secret: they are not repeated in a rejects file. Of
    /// Kubernetes objects the kind may have been cut off, so anything that looks like values counts.
    static func isSuspect(_ bytes: [UInt8], areObjects: Bool) -> Bool {
        contains(bytes, word) || contains(bytes, Array("stringData".utf8))
            || areObjects && hasDataMember(bytes)
    }

    /// The name `data`, and not the end of `metadata`.
    private static func hasDataMember(_ bytes: [UInt8]) -> Bool {
        let name = Array("data".utf8)
        for start in bytes.indices where bytes[start] == name[0] && bytes[start...].starts(with: name) {
            let isStart = start == 0 || !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[start - 1])
            let end = start + name.count
            let isEnd = end == bytes.count || " \t\":'".utf8.contains(bytes[end])
            if isStart, isEnd { return true }
        }
        return false
    }

    static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard let first = pattern.first, bytes.count >= pattern.count else { return false }
        var index = 0
        let last = bytes.count - pattern.count
        while index <= last {
            if bytes[index] == first {
                var length = 1
                while length < pattern.count, bytes[index + length] == pattern[length] { length += 1 }
                if length == pattern.count { return true }
            }
            index += 1
        }
        return false
    }
}
