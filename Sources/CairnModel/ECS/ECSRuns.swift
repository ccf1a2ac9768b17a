package import CairnBytes

/// A deployment of a service that somebody planned: what the events of Amazon ECS are matched with.
package struct ECSPlan: Sendable, Hashable {
    package var run: StreamName
    /// The revision that it brings, as its number.
    package var revision: String?
    package var plannedAt: Timestamp

    package init(run: StreamName, targetRevision: String?, plannedAt: Timestamp) {
        self.run = run
        revision = ECSNotice.revision(targetRevision)
        self.plannedAt = plannedAt
    }
}

/// Says which run each notice about one service belongs to.
///
/// Hooks name the service deployment, states the revision, and no event of Amazon ECS names both. A service has one
/// deployment at a time, so the two are joined by time: a service deployment belongs to the revision that was being
/// deployed when its first hook was called. Where the first that is told of a revision is not its start (it failed, say),
/// it may have begun at any time since the one before. A run that was planned is meant if it brings the revision or is called after
/// the service deployment; else the run is `deployment/CLUSTER/SERVICE/ID`, with the id of the service deployment, or
/// `ecs-svc/REVISION` where only that is known. The answer depends on the set of notices and plans alone.
package struct ECSRuns {
    /// Stamps of different parts of AWS may differ by this much.
    static let clockSlackSeconds = 60.0
    /// No deployment lasts longer.
    static let deploymentSecondsMax = 30.0 * 86_400

    /// One revision on its way, from its first state to its last.
    private struct Episode {
        var revision: String?
        /// When it began, or when it was first heard of.
        var start: Timestamp
        var isStartTold = true
        var end: Timestamp?
        var isCompleted = false
        var deployment: String?
    }

    private let place: ECSNotice.Place
    private let plans: [ECSPlan]
    private var episodes: [Episode] = []
    /// The episode of each notice that names no service deployment.
    private var episodeOfNotice: [Int: Int] = [:]
    /// Episodes that wait for a revision to come back, by that revision.
    private var returning: [String: Int] = [:]

    /// - Parameters:
    ///   - notices: all there are about the service, in any order.
    ///   - plans: all there are for it.
    /// - Returns: for each notice the run; nil if nothing says which.
    package static func assign(
        _ notices: [ECSNotice], at place: ECSNotice.Place, plans: [ECSPlan]
    ) -> [StreamName?] {
        var runs = ECSRuns(place: place, plans: plans.sorted { ($0.plannedAt, $0.run) < ($1.plannedAt, $1.run) })
        return runs.assign(notices)
    }

    private init(place: ECSNotice.Place, plans: [ECSPlan]) {
        self.place = place
        self.plans = plans
    }

    private mutating func assign(_ notices: [ECSNotice]) -> [StreamName?] {
        let order = notices.indices.sorted { notices[$0] < notices[$1] }
        var firsts: [(deployment: String, notice: ECSNotice)] = []
        var seen: Set<String> = []
        for index in order {
            let notice = notices[index]
            if let deployment = notice.deployment {
                if seen.insert(deployment).inserted { firsts.append((deployment, notice)) }
            } else {
                episodeOfNotice[index] = episode(of: notice)
            }
        }
        var runOfDeployment: [String: StreamName] = [:]
        for (deployment, notice) in firsts {
            let own = StreamName(kind: "deployment", foreignID: "\(place.cluster)/\(place.service)/\(deployment)")
            let planned = plans.first { $0.run == own }
            let linked = link(deployment, notice, revision: planned?.revision ?? notice.revision)
            let revision = planned == nil ? linked.flatMap { episodes[$0].revision } ?? notice.revision : nil
            runOfDeployment[deployment] = plan(bringing: revision, by: notice.time)?.run ?? own
        }
        return notices.indices.map { index in
            if let deployment = notices[index].deployment { return runOfDeployment[deployment] }
            guard let place = episodeOfNotice[index] else {
                return running(at: notices[index].time, firsts).flatMap { runOfDeployment[$0] }
            }
            return run(of: episodes[place], runOfDeployment)
        }
    }

    // MARK: Episodes

    private mutating func episode(of notice: ECSNotice) -> Int? {
        if case .rollingBack(let back) = notice.meaning { return rollback(notice, to: back) }
        if let revision = notice.revision, let place = returning[revision] {
            // What is completed is said more than once; only a new start ends it.
            if notice.meaning != .started { return place }
            returning[revision] = nil
        }
        var place = episodes.lastIndex { notice.revision == nil || $0.revision == notice.revision }
        if let last = place, notice.meaning == .started, let end = episodes[last].end, end < notice.time { place = nil }
        if place == nil, notice.revision != nil {
            episodes.append(
                Episode(revision: notice.revision, start: notice.time, isStartTold: notice.meaning == .started))
            place = episodes.count - 1
        }
        if let place, notice.meaning == .completed || notice.meaning == .failed {
            episodes[place].end = episodes[place].end ?? notice.time
            if notice.meaning == .completed { episodes[place].isCompleted = true }
        }
        return place
    }

    /// The event may name the deployment that failed or the one that comes back; the run that it is about is the one
    /// that failed.
    private mutating func rollback(_ notice: ECSNotice, to back: String?) -> Int? {
        let named = notice.revision
        let failed: Int?
        if let named, named != back, let place = episodes.lastIndex(where: { $0.revision == named }) {
            failed = place
        } else {
            failed = episodes.lastIndex { $0.revision != back && !$0.isCompleted }
        }
        guard let failed else {
            guard let named, named != back else { return nil }
            episodes.append(Episode(revision: named, start: notice.time))
            return episodes.count - 1
        }
        for revision in [back, named].compactMap({ $0 }) where revision != episodes[failed].revision {
            returning[revision] = failed
        }
        return failed
    }

    /// The service deployment that was heard of last: for a notice that names neither, where no revision is known.
    private func running(at time: Timestamp, _ firsts: [(deployment: String, notice: ECSNotice)]) -> String? {
        firsts.last { first in
            first.notice.time <= time.later(bySeconds: ECSRuns.clockSlackSeconds)
                && time <= first.notice.time.later(bySeconds: ECSRuns.deploymentSecondsMax)
        }?.deployment
    }

    /// Joins a service deployment with the revision that was under way when it was first heard of.
    private mutating func link(_ deployment: String, _ notice: ECSNotice, revision: String?) -> Int? {
        let candidates = episodes.indices.filter { index in
            guard episodes[index].deployment == nil, revision == nil || episodes[index].revision == revision else {
                return false
            }
            return span(of: index).contains(notice.time)
        }
        let place = candidates.last { episodes[$0].isStartTold } ?? candidates.first
        if let place { episodes[place].deployment = deployment }
        return place
    }

    /// When the first hook of an episode's service deployment can have been called.
    private func span(of index: Int) -> ClosedRange<Timestamp> {
        let slack = ECSRuns.clockSlackSeconds
        let episode = episodes[index]
        var earliest = episode.start.later(bySeconds: -slack)
        if !episode.isStartTold {
            // A service has one deployment at a time.
            earliest = episode.start.later(bySeconds: -ECSRuns.deploymentSecondsMax)
            for before in episodes[..<index] { earliest = max(earliest, before.end ?? before.start) }
        }
        let latest =
            episode.end?.later(bySeconds: slack) ?? episode.start.later(bySeconds: ECSRuns.deploymentSecondsMax)
        return min(earliest, latest)...latest
    }

    // MARK: Runs

    private func plan(bringing revision: String?, by time: Timestamp) -> ECSPlan? {
        guard let revision else { return nil }
        let candidates = plans.filter { $0.revision == revision }
        return candidates.last { $0.plannedAt <= time.later(bySeconds: ECSRuns.clockSlackSeconds) } ?? candidates.first
    }

    private func run(of episode: Episode, _ runOfDeployment: [String: StreamName]) -> StreamName? {
        if let plan = plan(bringing: episode.revision, by: episode.start) { return plan.run }
        if let deployment = episode.deployment, let run = runOfDeployment[deployment] { return run }
        return episode.revision.map {
            StreamName(kind: "deployment", foreignID: "\(place.cluster)/\(place.service)/ecs-svc/\($0)")
        }
    }
}
