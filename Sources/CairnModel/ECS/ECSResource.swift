internal import CairnBytes

/// What an ARN of Amazon ECS names: `arn:PARTITION:ecs:REGION:ACCOUNT:KIND/REST`.
struct ECSResource: Sendable, Hashable {
    var kind: String
    /// What follows the kind: `CLUSTER/SERVICE`, `CLUSTER/SERVICE/DEPLOYMENT`.
    var rest: String
    var region = ""
    var account = ""

    init(kind: String, rest: String) {
        self.kind = kind
        self.rest = rest
    }

    /// Nil unless the text is an ARN with a kind and a name.
    init?(_ value: JSONValue?) {
        guard let parts = value?.string?.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false),
            parts.count == 6, parts[0] == "arn", let slash = parts[5].firstIndex(of: "/")
        else { return nil }
        let rest = parts[5][parts[5].index(after: slash)...]
        guard !rest.isEmpty else { return nil }
        kind = String(parts[5][..<slash])
        self.rest = String(rest)
        region = String(parts[3])
        account = String(parts[4])
    }

    private var parts: [Substring] { rest.split(separator: "/") }
    /// Nil in the ARNs of services and tasks from before 2018, which name no cluster.
    var namedCluster: String? { parts.count > 1 ? String(parts[0]) : nil }
    var cluster: String { namedCluster ?? "default" }
    var service: String { parts.count > 1 ? String(parts[1]) : rest }
    /// Of a service deployment or revision: its own id.
    var last: String { parts.last.map(String.init) ?? rest }
}
