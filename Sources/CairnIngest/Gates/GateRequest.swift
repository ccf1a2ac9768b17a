package import CairnBytes

/// Who asks a gate, in which shape, and about which run and phase. What is answered is made of the decision
/// (`GateDecision.ecsHook`, `.argoRollouts`, `.flagger`).
///
/// The web provider of Argo Rollouts asks with GET and has no body: its address says run and phase.
package struct GateRequest: Sendable, Hashable {
    /// The run: of ECS `CLUSTER/SERVICE/DEPLOYMENT`, of Flagger the canary's name unless `metadata.migration` says more.
    package var run: String
    package var phase: String
    /// What the caller wants to get back with its next call.
    package var details: JSONObject
    /// Of ECS: one call of one hook; again the same where the hook is called again after `IN_PROGRESS`.
    package var executionID: String?
    /// Of ECS: share of production traffic by service revision, in percent; empty where the stage has none.
    package var productionWeights: [String: Double]

    /// Far more than any of them sends.
    private static let bodyBytesMax = 256 << 10
    private static let weightsMax = 16

    private static func object(_ body: [UInt8]) throws(ReceiveError) -> JSONValue {
        var limits = ReceiveLimits.standard
        limits.bodyBytesMax = bodyBytesMax
        let value = try PostedEventReader.parse(body, limits).value
        guard value.object != nil else { throw ReceiveError(.malformed, "the body is not a JSON object") }
        return value
    }

    private static func text(_ name: String, _ value: JSONValue?) throws(ReceiveError) -> String {
        guard let text = value?.string else { throw ReceiveError(.malformed, "the request has no \(name)") }
        if let problem = EventText.problem(text, name) { throw ReceiveError(.malformed, problem) }
        return text
    }

    /// What ECS gives to the Lambda function of a lifecycle hook, passed on as it is. Without an envelope, as older pages
    /// show it, the deployment is in `executionDetails` alone.
    package static func ecsHook(_ body: [UInt8]) throws(ReceiveError) -> GateRequest {
        let value = try object(body)
        let details = value["executionDetails"] ?? value
        let phase = try text("lifecycleStage", value["lifecycleStage"] ?? details["lifecycleStage"])
        let arn = try text("resourceArn", value["resourceArn"] ?? details["serviceArn"])
        guard let name = AmazonResourceName(arn), name.service == "ecs",
            let slash = name.resource.firstIndex(of: "/")
        else { throw ReceiveError(.malformed, "\(arn.prefix(80)) names nothing of ECS") }
        var request = GateRequest(
            run: String(name.resource[name.resource.index(after: slash)...]), phase: phase,
            details: value["hookDetails"]?.object ?? [:], executionID: value["executionId"]?.string,
            productionWeights: [:])
        for member in details["productionTrafficWeights"]?.object?.members.prefix(weightsMax) ?? [] {
            guard let weight = member.value.double else {
                throw ReceiveError(.malformed, "a traffic weight is not a number")
            }
            request.productionWeights[member.name] = weight
        }
        return request
    }

    /// What Flagger posts to a webhook: `{"name","namespace","phase","checksum","metadata":{...}}`. `metadata.migration`
    /// and `metadata.phase` of the canary's definition say which run and phase are meant; else it is the canary's name
    /// and Flagger's own phase (`Initializing`, `Progressing`, ...).
    package static func flagger(_ body: [UInt8]) throws(ReceiveError) -> GateRequest {
        let value = try object(body)
        let metadata = value["metadata"]?.object ?? [:]
        return GateRequest(
            run: try text("name", metadata["migration"] ?? value["name"]),
            phase: try text("phase", metadata["phase"] ?? value["phase"]), details: metadata, executionID: nil,
            productionWeights: [:])
    }
}
