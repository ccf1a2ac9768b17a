import CairnBytes
import CairnModel

/// Routes each event of a log to the projections that want it. Lives for one catch-up or replay on one connection.
final class Projector {
    private let projections: [any Projection]
    private let deployments: ECSDeployments
    /// By type of event. Types come from outside, so the table is bounded.
    private var routes: [String: Route] = [:]
    /// Real logs have a few dozen types; a log with more of them pays for the lookup again.
    private static let routesMax = 4096

    private struct Route {
        /// What the projections call it; nil for Cairn's own vocabulary in a version, or with a name, that this build
        /// does not know: such an event is shown and not applied.
        var name: String?
        /// True if old data of this type has to be read through upcasters.
        var isOld: Bool
        var projections: [any Projection]
    }

    init(_ connection: Connection) throws {
        projections = try Projections.all.map { try $0.init(connection) }
        deployments = ECSDeployments(connection, projections: projections)
    }

    func apply(_ event: RecordedEvent, from source: any EventSource) throws {
        let route = route(of: event.type)
        var data = event.data
        if route.isOld, case .known(_, let newest) = EventVocabulary.standard.read(type: event.type, data: data) {
            data = newest
        }
        let fact = Fact(name: route.name ?? event.type, event: event, data: data)
        for projection in route.projections {
            try projection.apply(fact) { try source.content(of: $0) }
        }
        deployments.note(event)
    }

    /// To be called before a commit.
    func flush() throws {
        for projection in projections { try projection.flush() }
    }

    /// Makes the rows that depend on several events at once: before every commit, after `flush`.
    func settle() throws { try deployments.settle() }

    private func route(of type: String) -> Route {
        if let route = routes[type] { return route }
        let name = Fact.name(ofType: type)
        let parsed = EventType(type)
        let newest = EventVocabulary.standard.schema(named: parsed.name)?.version
        let route = Route(
            name: name, isOld: parsed.family != .foreign && parsed.version != newest,
            projections: projections.filter { projection in
                guard let facts = Swift.type(of: projection).facts else { return true }
                return name.map { facts.contains($0) } ?? false
            })
        if routes.count < Projector.routesMax { routes[type] = route }
        return route
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
