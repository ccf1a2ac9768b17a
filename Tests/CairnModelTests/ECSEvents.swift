import CairnBytes
import CairnModel

/// Events as Amazon EventBridge delivers them, in the documented shapes, about a service `catalog` in the cluster `shop`.
struct ECSEvents {
    static let arn = "arn:aws:ecs:us-west-2:111122223333:"
    static let serviceARN = arn + "service/shop/catalog"
    static let serviceStream = "aws-ecs/us-west-2/111122223333/service/shop/catalog"

    private(set) var events: [RecordedEvent] = []

    /// - Parameter minute: counts from `Run.start`.
    private mutating func add(
        _ type: String, _ detailType: String, _ resource: String, _ stream: String, minute: Double, _ detail: JSONObject
    ) {
        guard let subject = StreamName(stream) else { preconditionFailure("\(stream) is not a stream") }
        let time = Run.start.adding(seconds: Int64(minute * 60))
        let data: JSONValue = [
            "version": "0", "id": .string("id-\(events.count)"), "detail-type": .string(detailType),
            "source": "aws.ecs",
            "account": "111122223333", "time": .string(time.description), "region": "us-west-2",
            "resources": [.string(resource)], "detail": .object(detail),
        ]
        events.append(
            RecordedEvent(
                position: UInt64(events.count), id: "id-\(events.count)", source: "aws.ecs/us-west-2/111122223333",
                type: type, subject: subject, revision: UInt64(events.count), time: time, recordedTime: time,
                data: data,
                actor: Actor(id: "a", type: "local")))
    }

    mutating func state(_ name: String, _ revision: String, minute: Double, reason: String = "") {
        add(
            "aws.ecs.deployment-state-change.v0", "ECS Deployment State Change", ECSEvents.serviceARN,
            ECSEvents.serviceStream, minute: minute,
            [
                "eventType": "INFO", "eventName": .string("SERVICE_DEPLOYMENT_\(name)"),
                "deploymentId": .string("ecs-svc/\(revision)"), "reason": .string(reason),
            ])
    }

    mutating func hook(
        _ name: String, _ id: String, _ stage: String, minute: Double, deployment: String = "d1",
        type: String = "PAUSE", more: JSONObject = [:]
    ) {
        let deploymentARN = ECSEvents.arn + "service-deployment/shop/catalog/\(deployment)"
        var detail: JSONObject = [
            "eventType": "INFO", "eventName": .string("HOOK_\(name)"), "hookId": .string(id), "hookType": .string(type),
            "lifecycleStage": .string(stage), "clusterArn": .string(ECSEvents.arn + "cluster/shop"),
            "serviceArn": .string(ECSEvents.serviceARN), "serviceDeploymentArn": .string(deploymentARN),
            "updatedAt": "2026-03-05T15:54:41.618059641Z", "novelty": ["kept": true],
        ]
        for member in more { detail[member.name] = member.value }
        add(
            "aws.ecs.hook-state-change.v0", "ECS Hook State Change", deploymentARN,
            "deployment/shop/catalog/\(deployment)", minute: minute, detail)
    }

    mutating func serviceFailed(minute: Double, reason: String) {
        add(
            "aws.ecs.service-action.v0", "ECS Service Action", ECSEvents.serviceARN, ECSEvents.serviceStream,
            minute: minute,
            [
                "eventType": "ERROR", "eventName": "SERVICE_DEPLOYMENT_FAILED", "reason": .string(reason),
                "clusterArn": .string(ECSEvents.arn + "cluster/shop"), "createdAt": "2026-03-01T10:00:00.087Z",
            ])
    }

    var notices: [ECSNotice] { events.compactMap { ECSNotice($0) } }

    /// The run that each event belongs to, without its kind.
    func runs(plans: [ECSPlan] = []) -> [String?] {
        guard let place = notices.first?.place else { return [] }
        return ECSRuns.assign(notices, at: place, plans: plans).map { $0?.id }
    }

    /// The facts of one run that nobody planned, as `hook.called POST_SCALE_UP`.
    func told(_ own: MigrationState? = nil) throws -> [String] {
        let own = try own ?? Run("deployment/shop/catalog/d1").state
        return ECSTelling.facts(notices, besides: own).map { fact in
            var words = [fact.name]
            if let phase = fact.data["phase"]?.string { words.append(phase) }
            if let step = fact.data["step"]?.integer { words.append("\(step)") }
            if let status = fact.data["status"]?.string ?? fact.data["action"]?.string { words.append(status) }
            if let target = fact.data["weights"]?["target"]?.double { words.append("\(Int(target))") }
            return words.joined(separator: " ")
        }
    }

    func state(from own: MigrationState? = nil) throws -> MigrationState {
        var state = try own ?? Run("deployment/shop/catalog/d1").state
        for event in events { state.apply(event) }
        return state
    }
}
