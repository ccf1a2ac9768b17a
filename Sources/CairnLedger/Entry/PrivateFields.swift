internal import CairnBytes

/// Which members of an event's data are private, by type: they go to an attachment of their own, so that they can be
/// erased while every proof stays valid.
package struct PrivateFields: Sendable {
    /// Names of members of `data` for a type; a name with dots is a path through objects.
    private let names: @Sendable (String) -> [String]

    package init(_ names: @escaping @Sendable (_ type: String) -> [String]) { self.names = names }

    /// What people write in free text about approvals and in notes.
    package static let standard = PrivateFields { type in
        if has(".approval.", in: type) { return ["comment"] }
        if has(".note.", in: type) { return ["text"] }
        return []
    }

    /// By bytes: every event that is appended passes here, and a search by characters was a third of its preparation.
    private static func has(_ part: StaticString, in text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            let wanted = unsafe UnsafeBufferPointer(start: part.utf8Start, count: part.utf8CodeUnitCount)
            guard bytes.count >= wanted.count else { return false }
            return (0...bytes.count - wanted.count).contains { start in
                wanted.indices.allSatisfy { unsafe bytes[start + $0] == wanted[$0] }
            }
        }
    }

    package static let none = PrivateFields { _ in [] }

    /// Takes the private members out of `data`.
    /// - Returns: what was taken, by name; empty if the type has none or the data lacks them.
    func extract(type: String, from data: inout JSONValue) -> JSONObject {
        var taken = JSONObject()
        for name in names(type) {
            if let value = PrivateFields.take(name.split(separator: ".").map(String.init)[...], from: &data) {
                taken[name] = value
            }
        }
        return taken
    }

    private static func take(_ path: ArraySlice<String>, from value: inout JSONValue) -> JSONValue? {
        guard let name = path.first, case .object(var object) = value, var member = object[name] else { return nil }
        let rest = path.dropFirst()
        let taken: JSONValue?
        if rest.isEmpty {
            taken = member
            object[name] = nil
        } else {
            taken = take(rest, from: &member)
            object[name] = member
        }
        value = .object(object)
        return taken
    }

    /// Puts the members back.
    static func join(_ fields: JSONObject, into data: inout JSONValue) {
        for field in fields {
            put(field.value, at: field.name.split(separator: ".").map(String.init)[...], into: &data)
        }
    }

    private static func put(_ value: JSONValue, at path: ArraySlice<String>, into data: inout JSONValue) {
        guard let name = path.first else {
            data = value
            return
        }
        var object = data.object ?? JSONObject()
        var member = object[name] ?? .null
        put(value, at: path.dropFirst(), into: &member)
        object[name] = member
        data = .object(object)
    }
}
