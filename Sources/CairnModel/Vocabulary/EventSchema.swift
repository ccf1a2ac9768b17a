package import CairnBytes

/// Why data does not fit the schema of its type.
package struct SchemaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// `phase.started`, without family and version.
    package var name: String
    /// The field at fault; nil if the data as a whole is.
    package var field: String?
    package var problem: String

    package var description: String {
        if let field { "the field \"\(field)\" of \(name) \(problem)" } else { "the data of \(name) \(problem)" }
    }
}

/// The shape of the data of one type of event in its newest version. Fields that no schema names are kept as they came.
package struct EventSchema: Sendable, Hashable {
    /// Who may say it.
    package enum Origin: String, Sendable, Hashable {
        /// A person or a program asks for it, and `decide` answers.
        case command
        /// Only Cairn's own parts make it: the analyzer, an import, the log.
        case produced
    }

    package var name: String
    package var version: Int
    package var origin: Origin
    /// The kinds of stream it belongs to; empty for any.
    package var streamKinds: [String]
    package var fields: [EventField]
    /// Whether a field, or a name in one, has another spelling.
    package let hasOtherNames: Bool

    package init(
        _ name: String, version: Int = 1, origin: Origin = .command, in streamKinds: [String], _ fields: [EventField]
    ) {
        self.name = name
        self.version = version
        self.origin = origin
        self.streamKinds = streamKinds
        self.fields = fields
        hasOtherNames = fields.contains { !$0.otherNames.isEmpty || !$0.otherNamesInside.isEmpty }
    }

    /// The data in Cairn's own names, where it came in those of AWS. What is there under both stays as it is.
    package func inOwnNames(_ data: JSONValue) -> JSONValue {
        guard hasOtherNames, var object = data.object else { return data }
        for field in fields {
            for other in field.otherNames { EventSchema.rename(other, to: field.name, in: &object) }
            guard !field.otherNamesInside.isEmpty, var inside = object[field.name]?.object else { continue }
            for (other, name) in field.otherNamesInside.sorted(by: { $0.key < $1.key }) {
                EventSchema.rename(other, to: name, in: &inside)
            }
            object[field.name] = .object(inside)
        }
        return .object(object)
    }

    private static func rename(_ other: String, to name: String, in object: inout JSONObject) {
        guard let value = object[other], object[name] == nil else { return }
        object[other] = nil
        object[name] = value
    }

    /// The field that is there under two names; nil if none is.
    func fieldNamedTwice(in object: JSONObject) -> (name: String, other: String)? {
        for field in fields {
            if let other = field.otherNames.first(where: { object[$0] != nil }), object[field.name] != nil {
                return (field.name, other)
            }
        }
        return nil
    }

    /// The names of the private fields of a type such as `cairn.note.added.v1`; empty for a type without any.
    package static func privateFields(of type: String) -> [String] {
        let type = EventType(type)
        guard type.family != .foreign, let schema = EventVocabulary.standard.schema(named: type.name) else { return [] }
        return schema.fields.filter(\.isPrivate).map(\.name)
    }

    /// Checks data against the fields.
    /// - Parameter isStored: true for data read back from the log, where a private field may have been redacted.
    package func validate(_ data: JSONValue, isStored: Bool = false) throws(SchemaError) {
        guard let object = data.object else { throw SchemaError(name: name, field: nil, problem: "is not an object") }
        for field in fields {
            guard let value = object[field.name], !value.isNull else {
                guard field.isRequired, !(isStored && field.isPrivate) else { continue }
                throw SchemaError(name: name, field: field.name, problem: "is missing")
            }
            if let problem = field.problem(with: value) {
                throw SchemaError(name: name, field: field.name, problem: problem)
            }
        }
    }
}
