import CairnBytes
import CairnModel

/// Routes each event of a log to the projections that want it. Lives for one catch-up or replay on one connection.
final class Projector {
    private let projections: [any Projection]
    private let deployments: ECSDeployments
    /// By the hash of the event's type. Types come from outside, so the table is bounded, and two may share a hash.
    private var routes: [UInt64: Route] = [:]
    /// Real logs have a few dozen types; a log with more of them pays for the lookup again.
    private static let routesMax = 4096

    private final class Route {
        let type: [UInt8]
        /// What the projections call it; nil for Cairn's own vocabulary in a version, or with a name, that this build
        /// does not know: such an event is shown and not applied.
        let name: String
        /// True if data of this type has to be read through the vocabulary: it is of an old version, or may come in
        /// names that others use.
        let isRead: Bool
        let projections: [any Projection]

        init(type: [UInt8], name: String, isRead: Bool, projections: [any Projection]) {
            self.type = type
            self.name = name
            self.isRead = isRead
            self.projections = projections
        }
    }

    /// - Parameter types: the projections to make; all by default.
    init(_ connection: Connection, _ types: [any (Projection & SendableMetatype).Type] = Projections.all) throws {
        projections = try types.map { try $0.init(connection) }
        deployments = ECSDeployments(connection, projections: projections)
    }

    func apply(_ event: EventRow, in storage: EventStorage, from source: any EventSource) throws {
        let route = route(of: event, in: storage)
        var fact = Fact(name: route.name, event: event, storage: storage)
        if route.isRead,
            case .known(_, let newest) = EventVocabulary.standard.read(
                type: storage.text(event.type), data: fact.data.value)
        {
            fact = Fact(name: route.name, event: event, storage: storage, data: newest)
        }
        for projection in route.projections {
            try projection.apply(fact) { try source.content(of: $0) }
        }
        deployments.note(fact)
    }

    /// To be called before a commit.
    func flush() throws {
        for projection in projections { try projection.flush() }
    }

    /// Makes the rows that depend on several events at once: before every commit, after `flush`.
    func settle() throws { try deployments.settle() }

    private func route(of event: EventRow, in storage: EventStorage) -> Route {
        if let route = routes[event.typeHash], Projector.isEqual(storage.bytes, event.type, route.type) { return route }
        let type = storage.text(event.type)
        let name = Fact.name(ofType: type)
        let parsed = EventType(type)
        let newest = EventVocabulary.standard.schema(named: parsed.name)
        let route = Route(
            type: Array(type.utf8), name: name ?? type,
            isRead: parsed.family != .foreign
                && (parsed.version != newest?.version || newest?.hasOtherNames ?? false),
            projections: projections.filter { projection in
                guard let facts = Swift.type(of: projection).facts else { return true }
                return name.map { facts.contains($0) } ?? false
            })
        if routes.count < Projector.routesMax { routes[event.typeHash] = route }
        return route
    }

    private static func isEqual(_ bytes: [UInt8], _ slice: ByteSlice, _ type: [UInt8]) -> Bool {
        guard slice.count == type.count else { return false }
        let start = Int(slice.start)
        for index in type.indices where bytes[start + index] != type[index] { return false }
        return true
    }

    /// Brings to an end what a projection put off while it filled empty tables; see `Projection.finish`.
    func finish() throws {
        for projection in projections { try projection.finish() }
    }
}

extension Fact {
    /// `phase.started` for `cairn.phase.started.v1` and `observed.phase.started.v1`; a foreign type as it is.
    static func name(ofType type: String) -> String? {
        let parsed = EventType(type)
        guard parsed.family != .foreign else { return type }
        guard case .known(let name, _) = EventVocabulary.standard.read(type: type, data: .object([:])) else {
            return nil
        }
        return name
    }
}
