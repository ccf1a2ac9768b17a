import CairnLedger
import CairnModel

/// What deployments were planned to bring: events of Amazon ECS are matched with it.
final class DeploymentPlansProjection: Projection {
    static let name = "deployment_plans"
    static let version = 1
    static let facts: Set<String>? = ["deployment.planned"]

    static let tables = [
        Table(
            "deployment_plans", "the first plan of one deployment",
            [
                Table.Column.text("run", "its stream", "PRIMARY KEY"),
                Table.Column.text("cluster", "cluster of the service"),
                Table.Column.text("service", "the service"),
                Table.Column.text("target_revision", "revision it brings, as the plan calls it"),
                Table.Column.origin,
            ], indexes: ["service, cluster"])
    ]

    private let plan: Insertion

    init(_ connection: Connection) throws(ReadModelError) {
        plan = try Insertion(
            "deployment_plans", ["run", "cluster", "service", "target_revision"], onConflict: "ON CONFLICT DO NOTHING",
            on: connection)
    }

    func apply(_ fact: Fact, _ content: (AttachmentReference) throws -> AttachmentContent) throws {
        guard fact.streamKind == "deployment" else { return }
        try plan.add(
            fact, [.text(fact.stream), fact.text("cluster"), fact.text("service"), fact.text("target_revision")])
    }
}
