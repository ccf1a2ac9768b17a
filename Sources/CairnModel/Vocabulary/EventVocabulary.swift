package import CairnBytes

/// One step of a chain that reads an old version of a type as the next one. Stored events are never rewritten: this is
/// applied whenever one is read.
package struct Upcaster: Sendable {
    package var name: String
    /// The version that it reads; it gives the version after.
    package var version: Int
    package var upcast: @Sendable (JSONObject) -> JSONObject

    package init(name: String, from version: Int, _ upcast: @escaping @Sendable (JSONObject) -> JSONObject) {
        self.name = name
        self.version = version
        self.upcast = upcast
    }
}

/// All types of event that Cairn knows the meaning of, by name: the same names serve `cairn.` and `observed.`.
package struct EventVocabulary: Sendable {
    package let schemas: [EventSchema]
    private let schemaByName: [String: EventSchema]
    private let upcasterByName: [String: [Int: Upcaster]]

    package init(schemas: [EventSchema], upcasters: [Upcaster] = []) {
        self.schemas = schemas
        schemaByName = Dictionary(schemas.map { ($0.name, $0) }) { first, _ in first }
        var chains: [String: [Int: Upcaster]] = [:]
        for upcaster in upcasters { chains[upcaster.name, default: [:]][upcaster.version] = upcaster }
        upcasterByName = chains
    }

    /// What Cairn speaks. No type has an old version yet; the chain of one starts here with the first change.
    package static let standard = EventVocabulary(
        schemas: EventVocabulary.runSchemas + EventVocabulary.operationSchemas + EventVocabulary.findingSchemas
            + EventVocabulary.recordSchemas + EventVocabulary.accessSchemas)

    package func schema(named name: String) -> EventSchema? { schemaByName[name] }

    /// What an event of the log says, in the newest version of its type.
    package enum Reading: Sendable, Hashable {
        /// A type of the vocabulary, with its data in the newest version.
        case known(name: String, data: JSONValue)
        /// A type of the vocabulary in a version that this program does not know: shown, and not applied.
        case unknownVersion(name: String, version: Int?)
        /// Another family, or a name that this program does not know.
        case foreign
    }

    package func read(type: String, data: JSONValue) -> Reading {
        let type = EventType(type)
        guard type.family != .foreign, let schema = schemaByName[type.name] else { return .foreign }
        guard var version = type.version, version <= schema.version else {
            return .unknownVersion(name: type.name, version: type.version)
        }
        guard version < schema.version else { return .known(name: type.name, data: schema.inOwnNames(data)) }
        var object = data.object ?? JSONObject()
        while version < schema.version {
            guard let upcaster = upcasterByName[type.name]?[version] else {
                return .unknownVersion(name: type.name, version: type.version)
            }
            object = upcaster.upcast(object)
            version += 1
        }
        return .known(name: type.name, data: schema.inOwnNames(.object(object)))
    }

    /// Checks an event of the `cairn` or `observed` family in whatever version it has.
    package func validate(type: String, data: JSONValue) throws(SchemaError) {
        let parsed = EventType(type)
        guard parsed.family != .foreign else { return }
        switch read(type: type, data: data) {
        case .known(let name, let data): try schemaByName[name]?.validate(data)
        case .unknownVersion(let name, let version):
            let known = schemaByName[name]?.version ?? 1
            let text = version.map { "has version \($0)" } ?? "has no version"
            throw SchemaError(name: name, field: nil, problem: "\(text); this program knows \(name).v\(known)")
        case .foreign:
            throw SchemaError(name: parsed.name, field: nil, problem: "has no schema: there is no such type")
        }
    }
}
