import CairnBytes
import CairnModel
import CairnTestSupport
import Testing

/// Single events of Amazon ECS, and which run each belongs to.
@Suite struct ECSNoticeTests {
    @Test func states() throws {
        var made = ECSEvents()
        made.state("IN_PROGRESS", "123", minute: 0, reason: "ECS deployment ecs-svc/123 in progress.")
        made.state(
            "IN_PROGRESS", "122", minute: 1,
            reason: "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/122.")
        made.state("COMPLETED", "123", minute: 2)
        made.state("FAILED", "123", minute: 3, reason: "tasks failed to start.")
        made.state("SUPERSEDED", "123", minute: 4)
        made.serviceFailed(minute: 5, reason: "x")
        let notices = made.notices
        #expect(notices.map(\.meaning) == [.started, .rollingBack(to: "122"), .completed, .failed, .other, .failed])
        #expect(notices.map(\.revision) == ["123", "122", "123", "123", "123", nil])
        let place = ECSNotice.Place(region: "us-west-2", account: "111122223333", cluster: "shop", service: "catalog")
        #expect(notices.allSatisfy { $0.place == place && $0.deployment == nil })
        #expect(notices[3].reason == "tasks failed to start.")
    }

    @Test func hooks() throws {
        var made = ECSEvents()
        let names = ["AWAITING_ACTION", "IN_PROGRESS", "SUCCEEDED", "FAILED", "TIMED_OUT"]
        for (minute, name) in names.enumerated() {
            made.hook(name, "ecs-pause-1", "POST_SCALE_UP", minute: Double(minute))
        }
        made.hook("INVENTED", "ecs-pause-1", "POST_SCALE_UP", minute: 9)
        let states = made.notices.map { notice -> ECSNotice.Hook.State? in
            if case .hook(let hook) = notice.meaning { hook.state } else { nil }
        }
        #expect(states == [.awaiting, .inProgress, .succeeded, .failed, .timedOut, nil])
        #expect(made.notices.allSatisfy { $0.deployment == "d1" && $0.place.service == "catalog" })
        #expect(made.notices.last?.meaning == .other)
    }

    /// The weights that a hook is told, keyed by the ARN of the revision.
    @Test func weights() throws {
        let revision = ECSEvents.arn + "service-revision/shop/catalog/"
        var made = ECSEvents()
        made.hook(
            "IN_PROGRESS", "h", "PRODUCTION_TRAFFIC_SHIFT", minute: 0, type: "AWS_LAMBDA",
            more: [
                "executionDetails": [
                    "targetServiceRevisionArn": .string(revision + "9"), "testTrafficWeights": [:],
                    "productionTrafficWeights": .object([revision + "9": 10, revision + "8": 90]),
                ]
            ])
        made.hook(
            "IN_PROGRESS", "h", "PRODUCTION_TRAFFIC_SHIFT", minute: 0,
            more: ["productionTrafficWeights": .object([revision + "9": 10])])
        #expect(made.notices.map(\.productionPercent) == [10, nil])
        #expect(made.notices.map(\.revision) == ["9", nil])
        #expect(made.notices[0].testPercent == nil)
    }

    @Test func otherEventsSayNothing() throws {
        var made = ECSEvents()
        made.state("COMPLETED", "123", minute: 2)
        var event = made.events[0]
        event.type = "aws.ecs.task-state-change.v0"
        #expect(ECSNotice(event) == nil)
        event = made.events[0]
        event.data = ["detail": ["eventName": "SERVICE_DEPLOYMENT_COMPLETED"], "resources": ["arn:aws:ecs"]]
        #expect(ECSNotice(event) == nil)
    }

    @Test(arguments: [1, 2] as [UInt64]) func damagedEventsNeverFail(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var made = ECSEvents()
        made.state("IN_PROGRESS", "2", minute: 0, reason: "rolling back to deploymentId")
        made.hook("AWAITING_ACTION", "p", "POST_SCALE_UP", minute: 1)
        made.serviceFailed(minute: 2, reason: "x")
        var found = 0
        for _ in 0..<1000 {
            var damaged = made.events.randomElement(using: &random) ?? made.events[0]
            damaged.data = JSONDamage.damaged(damaged.data, &random)
            guard let notice = ECSNotice(damaged) else { continue }
            found += 1
            _ = ECSTelling.facts([notice], besides: try Run("deployment/shop/catalog/d1").state)
        }
        #expect(found > 100, "seed \(seed)")
    }

    // MARK: Which run

    /// Hooks name the service deployment, states the revision: time joins them.
    @Test func hooksAndStatesOfOneDeploymentAreOneRun() throws {
        var made = ECSEvents()
        made.state("IN_PROGRESS", "8", minute: 0)
        made.hook("AWAITING_ACTION", "p1", "POST_SCALE_UP", minute: 1, deployment: "d1")
        made.state("COMPLETED", "8", minute: 10)
        made.state("IN_PROGRESS", "9", minute: 20)
        made.state("COMPLETED", "9", minute: 25)
        made.state("IN_PROGRESS", "10", minute: 30)
        made.hook("AWAITING_ACTION", "p2", "POST_SCALE_UP", minute: 31, deployment: "d2")
        #expect(
            made.runs() == [
                "shop/catalog/d1", "shop/catalog/d1", "shop/catalog/d1", "shop/catalog/ecs-svc/9",
                "shop/catalog/ecs-svc/9", "shop/catalog/d2", "shop/catalog/d2",
            ])
    }

    @Test func aPlanIsMatchedByRevisionOrDeployment() throws {
        var made = ECSEvents()
        made.state("IN_PROGRESS", "8", minute: 0)
        made.hook("AWAITING_ACTION", "p1", "POST_SCALE_UP", minute: 1, deployment: "d1")
        made.state("COMPLETED", "8", minute: 10)
        let release = try #require(StreamName("deployment/shop/catalog/release-4"))
        let revision = ECSEvents.arn + "service-revision/shop/catalog/8"
        let byRevision = ECSPlan(run: release, targetRevision: revision, plannedAt: Run.start)
        #expect(made.runs(plans: [byRevision]) == Array(repeating: "shop/catalog/release-4", count: 3))
        // A plan under the id of the service deployment is meant even if it names another revision.
        let same = try #require(StreamName("deployment/shop/catalog/d1"))
        let byDeployment = ECSPlan(run: same, targetRevision: "7", plannedAt: Run.start)
        #expect(
            made.runs(plans: [byDeployment])
                == ["shop/catalog/ecs-svc/8", "shop/catalog/d1", "shop/catalog/ecs-svc/8"])
        let other = ECSPlan(run: release, targetRevision: "77", plannedAt: Run.start)
        #expect(made.runs(plans: [other]) == Array(repeating: "shop/catalog/d1", count: 3))
    }

    /// What brings the old revision back belongs to the deployment that failed.
    @Test func aRollbackBelongsToWhatFailed() throws {
        for reported in ["8", "9"] {
            var made = ECSEvents()
            made.state("IN_PROGRESS", "8", minute: 0)
            made.state("COMPLETED", "8", minute: 5)
            made.state("IN_PROGRESS", "9", minute: 10)
            made.state("FAILED", "9", minute: 12)
            made.state("IN_PROGRESS", reported, minute: 12, reason: "rolling back to deploymentId ecs-svc/8.")
            made.state("COMPLETED", "8", minute: 15)
            let runs = made.runs()
            #expect(runs[0] == "shop/catalog/ecs-svc/8" && runs[1] == runs[0], "\(reported)")
            #expect(Set(runs[2...]) == ["shop/catalog/ecs-svc/9"], "\(reported): \(runs)")
        }
    }

    @Test func aFailureThatNamesNothingBelongsToWhatIsUnderWay() throws {
        var made = ECSEvents()
        made.serviceFailed(minute: 0, reason: "x")
        made.state("IN_PROGRESS", "9", minute: 1)
        made.serviceFailed(minute: 2, reason: "x")
        #expect(made.runs() == [nil, "shop/catalog/ecs-svc/9", "shop/catalog/ecs-svc/9"])
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func orderDoesNotMatter(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var made = ECSEvents()
        for index in 0..<12 {
            let minute = Double(Int.random(in: 0..<20, using: &random))
            let revision = ["7", "8", "9"].randomElement(using: &random) ?? "7"
            let deployment = ["d1", "d2"].randomElement(using: &random) ?? "d1"
            switch Int.random(in: 0..<5, using: &random) {
            case 0: made.state("IN_PROGRESS", revision, minute: minute)
            case 1: made.state("COMPLETED", revision, minute: minute)
            case 2:
                made.state("IN_PROGRESS", revision, minute: minute, reason: "rolling back to deploymentId ecs-svc/7.")
            case 3: made.serviceFailed(minute: minute, reason: "x")
            default: made.hook("AWAITING_ACTION", "p\(index)", "POST_SCALE_UP", minute: minute, deployment: deployment)
            }
        }
        let place = try #require(made.notices.first).place
        func assigned(_ notices: [ECSNotice]) -> [String: StreamName?] {
            Dictionary(
                zip(notices.map(\.id), ECSRuns.assign(notices, at: place, plans: [])), uniquingKeysWith: { $1 })
        }
        let expected = assigned(made.notices)
        for _ in 0..<10 { #expect(assigned(made.notices.shuffled(using: &random)) == expected, "seed \(seed)") }
    }
}
