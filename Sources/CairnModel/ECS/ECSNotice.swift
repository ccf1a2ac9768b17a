package import CairnBytes

/// What one event of Amazon EventBridge says about one deployment of an Amazon ECS service, in the words of Amazon ECS.
///
/// Three kinds of event do: "ECS Deployment State Change" (names the revision), "ECS Hook State Change" (names the
/// service deployment and a lifecycle stage) and "ECS Service Action" with SERVICE_DEPLOYMENT_FAILED (names neither). An
/// event of those kinds with a name nobody knows yet says that there is a deployment, and nothing more.
package struct ECSNotice: Sendable, Hashable {
    package enum Meaning: Sendable, Hashable {
        case started
        /// The old revision comes back; the deployment that Amazon ECS rolls back to, if it says.
        case rollingBack(to: String?)
        case completed
        case failed
        case hook(Hook)
        case other
    }

    package struct Hook: Sendable, Hashable {
        package enum State: Sendable, Hashable {
            /// A pause that waits for somebody.
            case awaiting
            case inProgress
            case succeeded
            case failed
            case timedOut
        }

        package var id: String
        /// `PAUSE`, `AWS_LAMBDA`; nil if the event does not say.
        package var type: String?
        package var stage: String
        package var state: State
        /// `ROLLBACK` or `CONTINUE`, if the event says what a timeout leads to.
        package var timeoutAction: String?
    }

    /// Where a service lives; names are unique only within it.
    package struct Place: Sendable, Hashable, Comparable {
        package var region: String
        package var account: String
        package var cluster: String
        package var service: String

        package init(region: String, account: String, cluster: String, service: String) {
            self.region = region
            self.account = account
            self.cluster = cluster
            self.service = service
        }

        package static func < (left: Place, right: Place) -> Bool {
            (left.cluster, left.service, left.region, left.account)
                < (right.cluster, right.service, right.region, right.account)
        }
    }

    package var meaning: Meaning
    package var place: Place
    /// Id of the service deployment.
    package var deployment: String?
    /// Number of the service revision that the deployment brings.
    package var revision: String?
    package var reason: String?
    /// Percent of the traffic on the revision that the deployment brings, where the event has weights.
    package var productionPercent: Double?
    package var testPercent: Double?
    package var time: Timestamp
    /// The identity of the event.
    package var source: String
    package var id: String

    var isAboutHook: Bool { if case .hook = meaning { true } else { false } }

    /// A notice as a table keeps it.
    package init(
        meaning: Meaning, place: Place, deployment: String?, revision: String?, reason: String?, time: Timestamp,
        source: String, id: String
    ) {
        self.meaning = meaning
        self.place = place
        self.deployment = deployment
        self.revision = revision
        self.reason = reason
        self.time = time
        self.source = source
        self.id = id
    }

    /// Nil for an event that says nothing about a deployment.
    package init?(_ event: RecordedEvent) {
        guard let read = ECSNotice.reader(event.type) else { return nil }
        let detail = event.data["detail"] ?? .null
        guard let meaning = read(detail) else { return nil }
        let arns = [detail["serviceDeploymentArn"], detail["serviceArn"]] + (event.data["resources"]?.array ?? [])
        let resources = arns.compactMap { ECSResource($0) }
        let deployment = resources.first { $0.kind == "service-deployment" }
        guard let named = deployment ?? resources.first(where: { $0.kind == "service" }) else { return nil }
        self.meaning = meaning
        place = Place(
            region: named.region, account: named.account,
            cluster: named.namedCluster ?? ECSResource(detail["clusterArn"])?.last ?? named.cluster,
            service: named.service)
        self.deployment = deployment?.last
        // A Lambda hook is told the weights in an object of this name.
        let details = detail["executionDetails"] ?? detail
        let target = ECSNotice.revision(details["targetServiceRevisionArn"]?.string)
        revision = target ?? ECSNotice.revision(detail["deploymentId"]?.string)
        reason = detail["reason"]?.string
        productionPercent = ECSNotice.percent(details["productionTrafficWeights"], on: target)
        testPercent = ECSNotice.percent(details["testTrafficWeights"], on: target)
        time = event.time
        source = event.source
        id = event.id
    }

    /// What `deploymentId`, a revision's ARN or a plan calls a revision, as a number: `ecs-svc/123` and
    /// `arn:aws:ecs:...:service-revision/shop/catalog/123` are both `123`.
    package static func revision(_ text: String?) -> String? {
        text?.split(separator: "/").last.map(String.init)
    }

    // MARK: Reading

    private static func reader(_ type: String) -> ((JSONValue) -> Meaning?)? {
        switch type {
        case "aws.ecs.hook-state-change.v0": hook
        case "aws.ecs.deployment-state-change.v0":
            { meaning(ofState: $0["eventName"]?.string ?? "", reason: $0["reason"]?.string) }
        case "aws.ecs.service-action.v0": { $0["eventName"] == "SERVICE_DEPLOYMENT_FAILED" ? .failed : nil }
        default: nil
        }
    }

    private static func hook(_ detail: JSONValue) -> Meaning? {
        guard let id = detail["hookId"]?.string, let stage = detail["lifecycleStage"]?.string,
            let state = hookStates[detail["eventName"]?.string ?? ""]
        else { return .other }
        return .hook(
            Hook(
                id: id, type: detail["hookType"]?.string, stage: stage, state: state,
                timeoutAction: detail["timeoutAction"]?.string))
    }

    private static let hookStates: [String: Hook.State] = [
        "HOOK_AWAITING_ACTION": .awaiting, "HOOK_IN_PROGRESS": .inProgress, "HOOK_SUCCEEDED": .succeeded,
        "HOOK_FAILED": .failed, "HOOK_TIMED_OUT": .timedOut,
    ]

    /// A rollback has no event of its own: only the reason says it.
    package static func meaning(ofState eventName: String, reason: String?) -> Meaning {
        switch eventName {
        case "SERVICE_DEPLOYMENT_IN_PROGRESS":
            let reason = reason ?? ""
            return reason.lowercased().contains("rolling back") ? .rollingBack(to: returned(reason)) : .started
        case "SERVICE_DEPLOYMENT_COMPLETED": return .completed
        case "SERVICE_DEPLOYMENT_FAILED": return .failed
        default: return .other
        }
    }

    /// `123` of "... rolling back to deploymentId ecs-svc/123."
    private static func returned(_ reason: String) -> String? {
        let words = reason.split(separator: " ")
        guard let place = words.firstIndex(of: "deploymentId"), place + 1 < words.count else { return nil }
        var word = words[place + 1]
        while let last = word.last, last == "." || last == "," { word.removeLast() }
        return word.isEmpty ? nil : revision(String(word))
    }

    private static func percent(_ weights: JSONValue?, on target: String?) -> Double? {
        guard let weights = weights?.object, !weights.isEmpty, let target else { return nil }
        let own = weights.filter { revision($0.name) == target }.compactMap(\.value.double)
        guard own.count == 1, (0...100).contains(own[0]) else { return nil }
        return own[0]
    }
}

/// By time, and within one second (`time` of an envelope has no finer) in the order in which things can happen.
extension ECSNotice: Comparable {
    package static func < (left: ECSNotice, right: ECSNotice) -> Bool {
        (left.time, left.rank, left.source, left.id) < (right.time, right.rank, right.source, right.id)
    }

    private var rank: Int {
        switch meaning {
        case .started, .other: 0
        case .hook(let hook):
            switch hook.state {
            case .awaiting: 1
            case .inProgress: 2
            case .succeeded, .failed, .timedOut: 3
            }
        case .failed: 4
        case .rollingBack: 5
        case .completed: 6
        }
    }
}
