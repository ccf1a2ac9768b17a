/// The name of a type of event, taken apart: `cairn.phase.started.v1` is the family `cairn`, the name `phase.started`
/// and the version 1. The family is the provenance, so nothing else has to be stored to tell a decision from a report.
package struct EventType: Sendable, Hashable, CustomStringConvertible {
    package enum Family: String, Sendable, Hashable, CaseIterable {
        /// Decided or produced by Cairn itself; never accepted from outside.
        case cairn
        /// The same vocabulary, told by somebody else: a fact.
        case observed
        /// Another producer's vocabulary, kept word for word.
        case foreign
    }

    package var family: Family
    /// Without family and version for `cairn` and `observed`; for a foreign type everything before the version.
    package var name: String
    /// Nil for a foreign type that ends in no version.
    package var version: Int?

    package init(family: Family, name: String, version: Int?) {
        self.family = family
        self.name = name
        self.version = version
    }

    package init(_ text: String) {
        var rest = Substring(text)
        version = nil
        if let dot = rest.lastIndex(of: "."), let number = EventType.version(rest[rest.index(after: dot)...]) {
            version = number
            rest = rest[..<dot]
        }
        family = .foreign
        for candidate in [Family.cairn, .observed] where rest.hasPrefix(candidate.rawValue + ".") {
            family = candidate
            rest = rest.dropFirst(candidate.rawValue.utf8.count + 1)
        }
        name = String(rest)
    }

    /// `v` and a number of one to four digits without leading zeros.
    private static func version(_ text: Substring) -> Int? {
        let digits = text.dropFirst()
        guard text.hasPrefix("v"), (1...4).contains(digits.utf8.count),
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            digits == "0" || !digits.hasPrefix("0")
        else { return nil }
        return Int(digits)
    }

    package var description: String {
        let prefix = family == .foreign ? "" : family.rawValue + "."
        return prefix + name + (version.map { ".v\($0)" } ?? "")
    }
}
