import AsyncHTTPClient
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnReports
import NIOCore
import NIOHTTP1
import ServiceLifecycle

/// Tells the targets of the configuration what happened, and the log that they were told: a target that was down while
/// the server was, too, is told when both are back.
struct Notifier: Service {
    /// Seconds before the second, third, ... attempt; after the last the log says that nobody took it.
    private static let backoffSeconds: [Int64] = [1, 5, 30, 120, 600]
    private static let timeoutSeconds: Int64 = 10
    /// What is older than this when the server starts is history and no news.
    private static let ageSecondsMax: Int64 = 24 * 3600
    private static let atOnceMax = 1000

    let targets: [NotificationTarget]
    let workspace: Workspace
    let feed: LiveFeed
    let pool: BlockingPool
    let clock: any WallClock
    let metrics: ServerMetrics
    let run: String

    func run() async throws {
        guard !targets.isEmpty else { return try await gracefulShutdown() }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            // A redirect would lead where nobody decided to tell anything.
            configuration: .init(redirectConfiguration: .disallow))
        let (id, sizes) = try feed.listen()
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                var next = await tellMissed(client, &group)
                for await _ in sizes where !Task.isCancelled {
                    next = await tellNew(from: next, client, &group)
                }
                group.cancelAll()
            }
        }
        feed.leave(id)
        try await client.shutdown()
    }

    /// What was appended lately and told to nobody.
    /// - Returns: the position to go on from.
    private func tellMissed(_ client: HTTPClient, _ group: inout DiscardingTaskGroup) async -> UInt64 {
        let end = workspace.ledger.size
        let since = clock.now().adding(seconds: -Notifier.ageSecondsMax).microseconds
        let types = Notification.types.map { "'cairn.\($0).v1'" }.joined(separator: ", ")
        for target in targets {
            let missed = try? await pool.run {
                try workspace.readModel.catchUp(from: workspace.ledger)
                let rows = try workspace.readModel.query(
                    """
                    SELECT e.position FROM events AS e WHERE e.type IN (\(types)) AND e.recorded_us >= :since
                      AND e.position < :end AND NOT EXISTS (
                        SELECT 1 FROM notifications AS n WHERE n.entry = e.position AND n.target = :target)
                    ORDER BY e.position LIMIT \(Notifier.atOnceMax)
                    """, ["since": .integer(since), "end": .integer(Int64(end)), "target": .text(target.name)]
                ).rows.compactMap { $0[0].integer.flatMap { UInt64(exactly: $0) } }
                return try rows.compactMap { Notification(try workspace.ledger.event(at: $0)) }
            }
            for notification in missed ?? [] { group.addTask { await deliver(notification, to: target, client) } }
        }
        return end
    }

    private func tellNew(
        from first: UInt64, _ client: HTTPClient, _ group: inout DiscardingTaskGroup
    ) async -> UInt64 {
        let end = workspace.ledger.size
        guard first < end else { return first }
        let found = try? await pool.run {
            var found: [Notification] = []
            try workspace.ledger.forEach(from: first, to: end) { event in
                if let notification = Notification(event) { found.append(notification) }
            }
            return found
        }
        for notification in found ?? [] {
            for target in targets { group.addTask { await deliver(notification, to: target, client) } }
        }
        return end
    }

    private func deliver(_ notification: Notification, to target: NotificationTarget, _ client: HTTPClient) async {
        let body = CanonicalJSON.bytes(of: notification.body(for: target, origin: workspace.ledger.origin))
        var problem = ""
        var attempts = 0
        for attempt in 0...Notifier.backoffSeconds.count {
            if attempt > 0 {
                do { try await Task.sleep(for: .seconds(Notifier.backoffSeconds[attempt - 1])) } catch { return }
            }
            attempts += 1
            do {
                let status = try await send(body, to: target, client)
                if status < 300 {
                    metrics.add(.notificationsSent, receiver: target.name)
                    return await record(notification, target, ["status": .integer(status)], attempts: attempts)
                }
                problem = "it answered \(status)"
                // The same again would be refused again.
                if status < 500, status != 408, status != 429 { break }
            } catch is CancellationError { return } catch { problem = "\(error)" }
        }
        metrics.add(.notificationsFailed, receiver: target.name)
        await record(
            notification, target, ["reason": .string(problem)], attempts: attempts)
    }

    private func send(_ body: [UInt8], to target: NotificationTarget, _ client: HTTPClient) async throws -> Int {
        var request = HTTPClientRequest(url: target.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let secret = target.secret, target.shape != .pagerduty {
            request.headers.add(name: "Authorization", value: "Bearer \(secret)")
        }
        request.body = .bytes(ByteBuffer(bytes: body))
        let response = try await client.execute(request, timeout: .seconds(Notifier.timeoutSeconds))
        return Int(response.status.code)
    }

    private func record(
        _ notification: Notification, _ target: NotificationTarget, _ result: JSONObject, attempts: Int
    ) async {
        var data: JSONObject = [
            "target": .string(target.name), "about": .string(notification.stream),
            "entry": .integer(notification.position), "shape": .string(target.shape.rawValue),
            "attempts": .integer(attempts),
        ]
        for member in result { data[member.name] = member.value }
        let name = result["status"] == nil ? "failed" : "delivered"
        let event = ProposedEvent(
            id: "\(run)/notification/\(target.name)/\(notification.position)", source: Journal.source,
            type: "cairn.notification.\(name).v1", subject: StreamName(kind: "notification", foreignID: target.name),
            time: clock.now(), data: .object(data))
        // Not written, it is told again after the next start: twice is better than never.
        _ = try? await pool.run { try workspace.ledger.append([Append(event)], actor: Journal.actor) }
    }
}
