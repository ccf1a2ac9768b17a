import CairnBytes
import CairnLedger
import CairnModel

/// Makes the rows of runs that events of Amazon ECS tell of.
///
/// Which run such an event belongs to, and what it adds to what the run's own events say, depends on events before and
/// after it. So the events themselves are projected one by one, and before each commit the runs that they concern are
/// projected anew: their own events first, then what is told beside. The rows are a function of the events so far, in
/// whatever order and steps they came.
final class ECSDeployments {
    /// What each of the projections needs whose rows it makes anew.
    static let needs: [any (Projection & SendableMetatype).Type] = [
        EventsProjection.self, PlaybooksProjection.self, RunsProjection.self, PhasesProjection.self,
        HooksProjection.self, OperationsProjection.self, ObservationsProjection.self, DeploymentPlansProjection.self,
    ]

    private let connection: Connection
    private let projections: [(facts: Set<String>, projection: any Projection)]
    private let tables: [String]

    /// What is to be looked at before the commit.
    private var places: Set<ECSNotice.Place> = []
    private var plannedServices: Set<Service> = []
    private var runs: Set<String> = []

    private struct Service: Hashable {
        var cluster: String
        var service: String
    }

    /// - Parameter projections: all there are; those whose rows a told fact may change are applied again.
    init(_ connection: Connection, projections: [any Projection]) {
        self.connection = connection
        self.projections = projections.compactMap { projection in
            switch projection {
            case is RunsProjection, is PhasesProjection, is HooksProjection, is OperationsProjection:
                Swift.type(of: projection).facts.map { ($0, projection) }
            default: nil
            }
        }
        tables = self.projections.flatMap { Swift.type(of: $0.projection).tables.map(\.storedName) }
    }

    /// Notes what an event, already projected, may change.
    func note(_ fact: Fact) {
        if fact.name.hasPrefix("aws."), let notice = ECSNotice(fact.recorded) {
            places.insert(notice.place)
        } else if fact.hasStream(kind: "deployment") {
            runs.insert(fact.stream)
            guard fact.name.contains("deployment.planned"), let cluster = fact.data["cluster"]?.string,
                let service = fact.data["service"]?.string
            else { return }
            plannedServices.insert(Service(cluster: cluster, service: service))
        }
    }

    /// Makes the rows of all runs that have changed.
    func settle() throws {
        for planned in plannedServices {
            let rows = try connection.all(
                "SELECT DISTINCT region, account FROM stored_service_events WHERE service = ? AND cluster = ?",
                [.text(planned.service), .text(planned.cluster)])
            for row in rows {
                // Without them the event is about no deployment.
                guard let region = row[0].text, let account = row[1].text else { continue }
                places.insert(
                    ECSNotice.Place(
                        region: region, account: account, cluster: planned.cluster, service: planned.service))
            }
        }
        var changed = try runsToldOf()
        for place in places.sorted() { changed.formUnion(try assign(place)) }
        for run in changed.sorted() {
            if let stream = StreamName(run) { try project(stream) }
        }
        places = []
        plannedServices = []
        runs = []
    }

    /// Own events change a run's rows only where something is told beside them.
    private func runsToldOf() throws -> Set<String> {
        guard runs.count <= 100 else {
            let told = try connection.all("SELECT DISTINCT run FROM stored_service_events WHERE run IS NOT NULL")
            return runs.intersection(told.compactMap { $0[0].text })
        }
        return try runs.filter { run in
            try connection.first("SELECT 1 FROM stored_service_events WHERE run = ? LIMIT 1", [.text(run)]) != nil
        }
    }

    // MARK: Which run

    /// Writes the run of each event about one service; gives the runs that gained or lost one.
    private func assign(_ place: ECSNotice.Place) throws -> Set<String> {
        let rows = try connection.all(
            """
            SELECT s.rowid, s.run, s.event_name, s.reason, s.deployment, s.revision, s.occurred_us, e.source, e.id
            FROM stored_service_events AS s JOIN stored_events AS e ON e.position = s.position
            WHERE s.service = ? AND s.cluster = ? AND s.region = ? AND s.account = ? ORDER BY s.position
            """, [.text(place.service), .text(place.cluster), .text(place.region), .text(place.account)])
        let notices = rows.map { row in
            ECSNotice(
                meaning: ECSNotice.meaning(ofState: row[2].text ?? "", reason: row[3].text), place: place,
                deployment: row[4].text, revision: row[5].text, reason: row[3].text,
                time: Timestamp(microseconds: row[6].integer ?? 0), source: row[7].text ?? "", id: row[8].text ?? "")
        }
        let plans = try connection.all(
            """
            SELECT run, target_revision, occurred_us FROM stored_deployment_plans WHERE service = ? AND cluster = ?
            """, [.text(place.service), .text(place.cluster)]
        ).compactMap { row in
            row[0].text.flatMap { StreamName($0) }.map { run in
                ECSPlan(
                    run: run, targetRevision: row[1].text, plannedAt: Timestamp(microseconds: row[2].integer ?? 0))
            }
        }
        var changed: Set<String> = []
        for (row, run) in zip(rows, ECSRuns.assign(notices, at: place, plans: plans)) where row[1].text != run?.text {
            try connection.run(
                "UPDATE stored_service_events SET run = ? WHERE rowid = ?", [.optional(run?.text), row[0]])
            changed.formUnion([row[1].text, run?.text].compactMap { $0 })
        }
        return changed
    }

    // MARK: The rows of a run

    private func project(_ run: StreamName) throws {
        for table in tables { try connection.run("DELETE FROM \(table) WHERE run = ?", [.text(run.text)]) }
        var own = MigrationState(stream: run)
        for event in try events("WHERE stream = ? ORDER BY position", [.text(run.text)])
        where ECSNotice(event) == nil {
            own.playbooks = try PlaybooksProjection.known(for: event, on: connection)
            own.apply(event)
            guard EventType(event.type).family != .foreign,
                case .known(let name, let data) = EventVocabulary.standard.read(type: event.type, data: event.data)
            else { continue }
            try apply(Fact(name: name, event: event, data: data), at: event.position)
        }
        let told = try events(
            "WHERE position IN (SELECT position FROM stored_service_events WHERE run = ?) ORDER BY position",
            [.text(run.text)])
        var eventOfNotice: [ECSNotice: RecordedEvent] = [:]
        for event in told { if let notice = ECSNotice(event) { eventOfNotice[notice] = event } }
        for fact in ECSTelling.facts(Array(eventOfNotice.keys), besides: own) {
            guard var event = eventOfNotice[fact.notice] else { continue }
            event.subject = run
            // Whoever imported it has only passed it on.
            event.onBehalfOf = "aws.ecs"
            try apply(Fact(name: fact.name, event: event, data: .object(fact.data)), at: event.position)
        }
    }

    private func apply(_ fact: Fact, at position: UInt64) throws {
        for (facts, projection) in projections
        where facts.contains(fact.name) || (fact.name == RunsProjection.told && projection is RunsProjection) {
            try projection.apply(fact) { _ in .gone(by: position) }
        }
    }

    /// Events as they were projected: what no projection of a run reads is left out.
    private func events(_ condition: String, _ values: [SQLValue]) throws -> [RecordedEvent] {
        try connection.all(
            """
            SELECT position, id, source, type, stream, revision, occurred_us, recorded_us, actor, actor_type,
              on_behalf_of, data FROM stored_events \(condition)
            """, values
        ).compactMap { row in
            guard let stream = row[4].text.flatMap({ StreamName($0) }) else { return nil }
            return RecordedEvent(
                position: UInt64(clamping: row[0].integer ?? 0), id: row[1].text ?? "", source: row[2].text ?? "",
                type: row[3].text ?? "", subject: stream, revision: UInt64(clamping: row[5].integer ?? 0),
                time: Timestamp(microseconds: row[6].integer ?? 0),
                recordedTime: Timestamp(microseconds: row[7].integer ?? 0),
                data: try JSONParser.parse(row[11].text ?? "null").value,
                actor: Actor(id: row[8].text ?? "", type: row[9].text ?? ""), onBehalfOf: row[10].text)
        }
    }
}
