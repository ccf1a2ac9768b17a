import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import HTTPTypes

/// For those who run the server: is it alive, is it ready, what does it count, what can it do.
struct OperationsRoutes: Sendable {
    let workspace: Workspace
    let metrics: ServerMetrics
    let samples: SampleIntake
    let bodies: BodyBudget
    let feed: LiveFeed
    let disk: DiskWatch
    let pool: BlockingPool

    /// With less room an append fails any moment.
    private static let freeBytesMin: UInt64 = 16 << 20
    /// The tables may be this far behind before the server calls itself not ready.
    private static let entriesBehindMax: UInt64 = 100_000

    var routes: [Route] {
        [
            Route(
                method: .get, path: "/healthz", access: .open, summary: "Whether the process answers at all.",
                answerTypes: [MediaTypes.text]
            ) { _ in .text("ok\n") },
            Route(
                method: .get, path: "/readyz", access: .open,
                summary:
                    "Whether it can take and answer: 503 where it cannot, with the reason; how long the disk lasts, and "
                    + "whether samples are refused to leave room for events."
            ) { _ in
                let behind = try await pool.run {
                    let next = try workspace.readModel.next
                    return workspace.ledger.size - min(workspace.ledger.size, next)
                }
                guard behind <= OperationsRoutes.entriesBehindMax else {
                    throw Problem.busy("the read model is \(behind) entries behind the log")
                }
                let outlook = disk.outlook
                guard let free = outlook.freeBytes else { throw Problem.busy("the ledger's folder is not there") }
                guard free >= OperationsRoutes.freeBytesMin else {
                    throw Problem.busy("the disk is full: \(free >> 20) MiB are free where the ledger is")
                }
                return .json([
                    "status": "ready", "entries_behind": .integer(behind),
                    "disk": [
                        "free_bytes": .integer(free),
                        "days_left": .optional(outlook.daysLeft.map { DiskWatch.rounded($0) }),
                        "takes_samples": .bool(!outlook.isShedding),
                    ],
                ])
            },
            Route(method: .get, path: "/v1/whoami", access: .anyToken, summary: "Whose token this is.") { call in
                guard let principal = call.principal else { throw Problem.notFound("a token") }
                return .json([
                    "name": .string(principal.name), "type": .string(principal.actor.type),
                    "scopes": .array(principal.scopes.map { .string($0.description) }),
                    "cluster": .optional(principal.cluster),
                ])
            },
            Route(
                method: .get, path: "/metrics", access: .scope(.read), summary: "What the server counts of itself.",
                answerTypes: ["text/plain; version=0.0.4; charset=utf-8"]
            ) { _ in
                metrics.set(.ledgerEntries, Double(workspace.ledger.size))
                metrics.set(.queuedSamples, Double(samples.queuedSamples))
                metrics.set(.bodyBytes, Double(bodies.bytesUsed))
                metrics.set(.followers, Double(feed.count))
                return Answer(
                    .ok, mediaType: "text/plain; version=0.0.4; charset=utf-8", Array(metrics.exposition.utf8))
            },
        ]
    }
}
