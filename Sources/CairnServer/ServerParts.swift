import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import HTTPTypes
import Logging
import ServiceLifecycle

/// The parts of a server, each made once and given what it needs.
struct ServerParts: Sendable {
    let front: Front
    let feed: LiveFeed
    let services: [any Service]
    private let samples: SampleIntake
    private let follower: Follower
    private let watch: AnalysisWatch
    private let disk: DiskWatch
    /// Nil without TLS.
    let certificates: CertificateReloader?
    private let pool: BlockingPool
    private let questionPool: BlockingPool
    private let web: WebReader

    /// Calls without a valid token from one address: a person who mistypes never meets it.
    private static let strangers = RateLimits.Limit(perSecond: 5, burst: 50)

    init(
        _ workspace: Workspace, options: ServerOptions, environment: CairnServer.Environment, logger: Logger
    ) throws {
        let (ledger, clock, random) = (workspace.ledger, environment.clock, environment.random)
        let run = Hex.string(random.bytes(count: 8))
        let seed = random.bytes(count: 8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let metrics = ServerMetrics()
        // First what may fail: what comes after has threads.
        certificates = try options.tls.map {
            try CertificateReloader(
                $0, intervalMilliseconds: options.lookMilliseconds, metrics: metrics, logger: logger)
        }
        let (pool, questionPool) = (BlockingPool(), BlockingPool())
        let room = QuestionRoom(pool: questionPool)
        let web = WebReader(clock: clock)
        let outside = environment.outside ?? web
        let feed = LiveFeed()
        let journal = Journal(ledger: ledger, clock: clock, run: run)
        let tokens = try TokenBook(ledger: ledger)
        let sessions = Sessions(random: random)
        let tell: @Sendable (String) -> Void = { logger.error("\($0)") }
        let gatekeeper = Gatekeeper(
            tokens: tokens, sessions: sessions,
            limits: RateLimits(.init(perSecond: options.callsPerSecond, burst: options.callsPerSecond * 4)),
            strangerLimits: RateLimits(ServerParts.strangers), clock: clock,
            signedTokens: try options.oidc.map { try SignedTokens($0, outside: outside) })
        let samples = SampleIntake(
            ledger: ledger, clock: clock, pool: pool, run: run, seed: seed, queuedSamplesMax: options.queuedSamplesMax)
        let disk = DiskWatch(
            path: workspace.path, freeBytesMin: options.diskFreeBytesMin,
            intervalMilliseconds: options.lookMilliseconds, freeBytes: environment.freeBytes, clock: clock,
            metrics: metrics, samples: samples, journal: journal, logger: logger)
        let events = EventIntake(ledger: ledger, clock: clock, pool: pool, journal: journal, metrics: metrics)
        let watch = AnalysisWatch(
            workspace: workspace, clock: clock, intervalSeconds: options.analysisSeconds, metrics: metrics,
            onProblem: tell)
        let commands = CommandRoutes(
            workspace: workspace, pool: pool, clock: clock, random: random, gatekeeper: gatekeeper)
        let pages = PageRoutes(
            workspace: workspace, pool: questionPool, room: room, sessions: sessions, gatekeeper: gatekeeper,
            commands: commands,
            watch: watch, isEncrypted: options.tls != nil)
        let flows = FlowIntake(ledger: ledger, ledgerPath: workspace.path, disk: RealDisk(), clock: clock)
        do { try flows.removeLeftovers() } catch { tell("cannot remove what an earlier run left: \(error)") }
        let budget = BodyBudget(bytesMax: options.bodyBytesMax, bodyBytesMax: Route.largeBodyBytesMax)
        var routes = RemoteWriteReceiver(intake: samples, journal: journal, metrics: metrics).routes
        routes += OTLPReceiver(intake: samples, journal: journal, metrics: metrics).routes
        routes +=
            FirehoseReceiver(
                samples: samples, flows: flows, pool: pool, journal: journal, metrics: metrics
            ).routes
        routes += PostedEvents(intake: events).routes
        routes += SNSReceiver(topics: Set(options.topics), intake: events, outside: outside).routes
        routes += commands.routes
        routes +=
            QuestionRoutes(
                workspace: workspace, queries: environment.queries, room: room, version: environment.version,
                long: LongWork(clock: clock, waitMilliseconds: QuestionRoutes.longWaitMilliseconds)
            ).routes
        routes.append(
            FollowRoute(ledger: ledger, feed: feed, pool: questionPool, gatekeeper: gatekeeper, clock: clock).route)
        routes +=
            OperationsRoutes(
                workspace: workspace, metrics: metrics, samples: samples, bodies: budget, feed: feed, disk: disk,
                pool: pool
            ).routes
        let document = OpenAPI(routes: routes, version: environment.version).json
        routes.append(
            Route(
                method: .get, path: "/v1/openapi.json", access: .open, summary: "This document."
            ) { _ in .json(document) })
        routes += pages.routes
        front = Front(
            routes: routes.map { $0.leavingTrace(in: journal, on: pool) }, gatekeeper: gatekeeper,
            bodies: BodyReader(budget: budget, pool: pool, clock: clock), metrics: metrics, journal: journal,
            clock: clock, logger: logger, trustedProxies: options.trustedProxies, pages: pages,
            isEncrypted: options.tls != nil)
        self.feed = feed
        self.pool = pool
        self.questionPool = questionPool
        self.web = web
        self.samples = samples
        self.watch = watch
        follower = Follower(
            ledger: ledger, readModel: workspace.readModel, tokens: tokens, journal: journal, feed: feed,
            metrics: metrics, onProblem: tell)
        self.disk = disk
        services = [
            Notifier(
                targets: options.notifications, workspace: workspace, feed: feed, pool: pool, clock: clock,
                metrics: metrics, run: run)
        ]
    }

    func start() {
        samples.start()
        follower.start()
        watch.start()
        disk.start()
        certificates?.start()
    }

    /// Returns when what waits is on disk and every thread has ended.
    func stop() async throws {
        // On a thread that may block, also where the task was cancelled; what senders wait for comes first.
        await withCheckedContinuation { continuation in
            pool.submit {
                samples.stop()
                follower.stop()
                disk.stop()
                certificates?.stop()
                watch.stop()
                continuation.resume()
            }
        }
        try await web.stop()
        try await questionPool.stop()
        try await pool.stop()
    }
}

extension Route {
    /// A call with the scope admin that succeeds is an event, whatever it did. Calls with the scope approve leave the
    /// event that they are about.
    func leavingTrace(in journal: Journal, on pool: BlockingPool) -> Route {
        guard case .scope(.admin) = access else { return self }
        var route = self
        let body = handle
        let (method, path) = (method.rawValue, path)
        route.handle = { call in
            let answer = try await body(call)
            guard answer.status.code < 400, let principal = call.principal else { return answer }
            try await pool.run {
                try journal.used(method: method, route: path, scope: .admin, principal: principal)
            }
            return answer
        }
        return route
    }
}
