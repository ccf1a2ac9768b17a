internal import CairnBytes

/// One field in the data of a type of event: what it may hold, and how it is treated.
package struct EventField: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case text
        case number
        /// A whole number that a double holds exactly.
        case integer
        case bool
        /// RFC 3339 text.
        case time
        case object
        case list
    }

    package var name: String
    package var kind: Kind
    package var isRequired = true
    /// Names, comments, addresses, secrets: the log keeps them in an attachment of their own, which can be redacted.
    package var isPrivate = false
    /// For text: the only values allowed, if they are a closed set.
    package var choices: [String] = []
    /// For numbers: the smallest value allowed.
    package var minimum: Double?
    /// What others call it: AWS's spellings, read as if the name stood there.
    package var otherNames: [String] = []
    /// For objects: the same for the names in it.
    package var otherNamesInside: [String: String] = [:]

    package init(_ name: String, _ kind: Kind) {
        self.name = name
        self.kind = kind
    }

    static func text(_ name: String) -> EventField { EventField(name, .text) }
    static func number(_ name: String) -> EventField { EventField(name, .number) }
    static func bool(_ name: String) -> EventField { EventField(name, .bool) }
    static func time(_ name: String) -> EventField { EventField(name, .time) }
    static func object(_ name: String) -> EventField { EventField(name, .object) }
    static func list(_ name: String) -> EventField { EventField(name, .list) }
    static func integer(_ name: String) -> EventField { EventField(name, .integer) }
    /// A whole number from 0.
    static func count(_ name: String) -> EventField {
        var field = EventField(name, .integer)
        field.minimum = 0
        return field
    }
    static func choice(_ name: String, _ choices: [String]) -> EventField {
        var field = EventField(name, .text)
        field.choices = choices
        return field
    }

    var optional: EventField {
        var field = self
        field.isRequired = false
        return field
    }
    func or(_ names: String...) -> EventField {
        var field = self
        field.otherNames = names
        return field
    }
    func reading(_ names: [String: String]) -> EventField {
        var field = self
        field.otherNamesInside = names
        return field
    }
    var personal: EventField {
        var field = self
        field.isPrivate = true
        return field
    }

    /// What is wrong with a value, or nil.
    func problem(with value: JSONValue) -> String? {
        switch kind {
        case .text:
            guard let text = value.string else { return "is not text" }
            guard choices.isEmpty || choices.contains(text) else {
                return "is \"\(text.prefix(60))\", not one of \(choices.joined(separator: ", "))"
            }
            return isRequired && text.isEmpty ? "is empty" : nil
        case .number:
            guard let number = value.double else { return "is not a number" }
            return tooSmall(number)
        case .integer:
            guard let number = value.integer else { return "is not a whole number" }
            return tooSmall(Double(number))
        case .bool: return value.bool == nil ? "is not true or false" : nil
        case .time:
            guard let text = value.string, Timestamp(text) != nil else {
                return "is not a time such as 2026-01-01T10:00:00Z"
            }
            return nil
        case .object: return value.object == nil ? "is not an object" : nil
        case .list: return value.array == nil ? "is not a list" : nil
        }
    }

    private func tooSmall(_ number: Double) -> String? {
        guard let minimum, number < minimum else { return nil }
        return "is below \(CanonicalJSON.text(of: minimum))"
    }
}
