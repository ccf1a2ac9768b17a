internal import CairnBytes
internal import CairnModel

/// Deployments as events of Amazon ECS tell of them: what the read model makes rows of, for a timeline.
enum DeploymentsTold {
    /// The stages and ends that the runs' own events do not tell, as if they did.
    static func course(in events: [RecordedEvent]) -> [RecordedEvent] {
        var notices: [ECSNotice.Place: [ECSNotice]] = [:]
        var eventOfNotice: [ECSNotice: RecordedEvent] = [:]
        for event in events {
            guard let notice = ECSNotice(event) else { continue }
            eventOfNotice[notice] = event
            notices[notice.place, default: []].append(notice)
        }
        guard !notices.isEmpty else { return [] }
        let plans = plans(in: events)
        var noticesOfRun: [StreamName: [ECSNotice]] = [:]
        for (place, notices) in notices {
            let runs = ECSRuns.assign(notices, at: place, plans: plans["\(place.cluster)/\(place.service)"] ?? [])
            for (notice, run) in zip(notices, runs) { if let run { noticesOfRun[run, default: []].append(notice) } }
        }
        let states = states(of: Set(noticesOfRun.keys), in: events)
        return noticesOfRun.sorted { $0.key < $1.key }.flatMap { run, notices in
            let own = states[run] ?? MigrationState(stream: run)
            return ECSTelling.facts(notices, besides: own).compactMap { fact -> RecordedEvent? in
                guard fact.name.hasPrefix("phase.") || TimelineRuns.endings.contains(fact.name),
                    var event = eventOfNotice[fact.notice]
                else { return nil }
                event.subject = run
                event.type = EventDraft(name: fact.name, data: .object(fact.data)).type(in: .observed)
                event.data = .object(fact.data)
                return event
            }
        }
    }

    /// What the runs' own events add up to.
    private static func states(
        of runs: Set<StreamName>, in events: [RecordedEvent]
    ) -> [StreamName: MigrationState] {
        let registered = events.compactMap { PlaybookRegistration($0) }
        var states: [StreamName: MigrationState] = [:]
        for event in events where runs.contains(event.subject) && ECSNotice(event) == nil {
            var state = states[event.subject] ?? MigrationState(stream: event.subject)
            state.playbooks = PlaybookLibrary(for: event.type, data: event.data) { id in
                registered.filter { $0.playbook.id == id && $0.position < event.position }
            }
            state.apply(event)
            states[event.subject] = state
        }
        return states
    }

    private static func isPlan(_ event: RecordedEvent) -> Bool {
        let type = EventType(event.type)
        return type.family != .foreign && type.name == "deployment.planned" && event.subject.kind == "deployment"
    }

    /// By cluster and service.
    private static func plans(in events: [RecordedEvent]) -> [String: [ECSPlan]] {
        var plans: [String: [ECSPlan]] = [:]
        var planned: Set<StreamName> = []
        for event in events where isPlan(event) {
            guard planned.insert(event.subject).inserted, let cluster = event.data["cluster"]?.string,
                let service = event.data["service"]?.string
            else { continue }
            let plan = ECSPlan(
                run: event.subject, targetRevision: event.data["target_revision"]?.string, plannedAt: event.time)
            plans["\(cluster)/\(service)", default: []].append(plan)
        }
        return plans
    }
}
