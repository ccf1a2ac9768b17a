import CairnBytes
import CairnModel
import CairnTestSupport

/// Events of Amazon ECS about the service `shop` in the cluster `c1`, as an import records them.
enum ECSFixture {
    private static let arn = "arn:aws:ecs:eu-west-1:111122223333:"

    static func state(
        _ name: String, _ revision: String, reason: String = "", at time: Double, in list: inout EventList
    ) {
        list.append(
            "aws.ecs.deployment-state-change.v0", "aws-ecs/eu-west-1/111122223333/service/c1/shop", at: time,
            [
                "detail-type": "ECS Deployment State Change", "resources": [.string(arn + "service/c1/shop")],
                "detail": [
                    "eventType": "INFO", "eventName": .string("SERVICE_DEPLOYMENT_\(name)"),
                    "deploymentId": .string("ecs-svc/\(revision)"), "reason": .string(reason),
                ],
            ])
    }

    static func hook(
        _ name: String, _ id: String, _ stage: String, deployment: String, at time: Double, in list: inout EventList
    ) {
        let deploymentARN = JSONValue.string(arn + "service-deployment/c1/shop/\(deployment)")
        list.append(
            "aws.ecs.hook-state-change.v0", "deployment/c1/shop/\(deployment)", at: time,
            [
                "detail-type": "ECS Hook State Change", "resources": [deploymentARN],
                "detail": [
                    "eventType": "INFO", "eventName": .string("HOOK_\(name)"), "hookId": .string(id),
                    "hookType": "PAUSE", "lifecycleStage": .string(stage),
                    "serviceArn": .string(arn + "service/c1/shop"), "serviceDeploymentArn": deploymentARN,
                ],
            ])
    }

    static func appendRandom(to list: inout EventList, at time: Double, using random: inout SeededRandom) {
        func one(_ names: [String]) -> String { names.randomElement(using: &random) ?? names[0] }
        if Bool.random(using: &random) {
            let name = one(["IN_PROGRESS", "IN_PROGRESS", "COMPLETED", "FAILED", "NEW_NAME"])
            let reason = one(["", "rolling back to deploymentId ecs-svc/7."])
            state(name, one(["7", "8"]), reason: reason, at: time, in: &list)
        } else {
            let stage = one(["POST_SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT", "precheck", "WARM_UP"])
            let name = one(["AWAITING_ACTION", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT"])
            hook(name, one(["h1", "h2", "h3"]), stage, deployment: one(["1", "2"]), at: time, in: &list)
        }
    }
}
