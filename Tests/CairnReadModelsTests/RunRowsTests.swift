import CairnBytes
import CairnModel
import CairnReadModels
import Testing

/// Rows of runs that end in another way than they were meant to, and of approvals by one account.
@Suite struct RunRowsTests {
    private static let run = "deployment/shop/orders/E1"
    private static let stage: JSONValue = ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2]

    private static func failing() -> EventList {
        var list = EventList()
        list.append(
            "cairn.deployment.planned.v1", run, at: 0,
            [
                "playbook": "ecs-canary", "service": "orders", "cluster": "shop", "source_revision": "blue",
                "target_revision": "green", "parameters": [:], "hooks": [],
            ])
        list.append("cairn.phase.started.v1", run, at: 10, ["phase": "SCALE_UP"])
        list.append("cairn.phase.completed.v1", run, at: 20, ["phase": "SCALE_UP"])
        list.append("cairn.phase.started.v1", run, at: 30, stage)
        list.append("cairn.bake.started.v1", run, at: 35, ["minutes": 10, "step": 2])
        return list
    }

    private static func phases(_ list: EventList) throws -> [[SQLValue]] {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        return try model.query(
            "SELECT phase, status, reason, ended_us - started_us FROM phases ORDER BY started_us, attempt"
        ).rows
    }

    @Test func whatRunsEndsWithItsRun() throws {
        let done: [SQLValue] = ["SCALE_UP", "completed", .null, .integer(10_000_000)]
        for (type, status) in [
            ("rollback.started", "failed"), ("deployment.failed", "failed"), ("deployment.completed", "completed"),
        ] {
            var list = RunRowsTests.failing()
            list.append("cairn.\(type).v1", RunRowsTests.run, at: 90, ["reason": "hook failed"])
            #expect(
                try RunRowsTests.phases(list) == [
                    done,
                    ["PRODUCTION_TRAFFIC_SHIFT", .text(status), "hook failed", .integer(60_000_000)],
                ], "\(type)")
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            #expect(try model.query("SELECT phase_status FROM runs").rows == [[.text(status)]], "\(type)")
            #expect(
                try model.query("SELECT ended_us - occurred_us FROM bakes").rows == [[.integer(55_000_000)]],
                "\(type)")
        }
    }

    /// What somebody says of the phase itself counts, before and after.
    @Test func itsOwnEndSaysMore() throws {
        for order in [["rollback.started", "phase.failed"], ["phase.failed", "rollback.started"]] {
            var list = RunRowsTests.failing()
            for type in order {
                list.append(
                    "observed.\(type).v1", RunRowsTests.run, at: type == "phase.failed" ? 60 : 61,
                    ["phase": "PRODUCTION_TRAFFIC_SHIFT", "step": 2, "reason": .string(type)])
            }
            #expect(
                try RunRowsTests.phases(list).last
                    == ["PRODUCTION_TRAFFIC_SHIFT", "failed", "phase.failed", .integer(30_000_000)])
        }
        // The way back is gone, and the stage is tried again.
        var list = RunRowsTests.failing()
        list.append("cairn.rollback.started.v1", RunRowsTests.run, at: 60, ["reason": "x"])
        list.append("cairn.rollback.completed.v1", RunRowsTests.run, at: 70, [:])
        list.append("cairn.phase.started.v1", RunRowsTests.run, at: 80, RunRowsTests.stage)
        #expect(try RunRowsTests.phases(list).map { $0[1] } == ["completed", "failed", "started"])
    }

    @Test func oneAccountHasTwoEyes() throws {
        struct Case {
            var request = "cairn"
            var grant = "cairn"
            var requester = "alice"
            var approver = "bob"
            var granted = Actor(id: "root@vm", type: "local")
            var expected: SQLValue
        }
        let other = Actor(id: "bob@desk", type: "local")
        let cases = [
            Case(expected: .integer(0)), Case(granted: other, expected: .integer(1)),
            Case(requester: "Alice ", approver: "alice", granted: other, expected: .integer(0)),
            Case(grant: "observed", expected: .null), Case(request: "observed", grant: "observed", expected: .null),
            Case(request: "observed", approver: "ALICE", expected: .integer(0)),
            Case(grant: "observed", granted: other, expected: .integer(1)),
        ]
        for each in cases {
            var list = EventList()
            list.append(
                "\(each.request).approval.requested.v1", "migration/m1", at: 0,
                ["phase": "build", "requested_by": .string(each.requester)], by: each.requester,
                actor: Actor(id: "root@vm", type: "local"))
            list.append(
                "\(each.grant).approval.granted.v1", "migration/m1", at: 10,
                ["phase": "build", "approver": .string(each.approver)], by: each.approver, actor: each.granted)
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            let query = try #require(try SavedQueries.builtIn()["who-approved-what"])
            let result = try model.query(query)
            func column(_ name: String) -> SQLValue? {
                result.columns.firstIndex(of: name).map { result.rows[0][$0] }
            }
            #expect(column("four_eyes") == each.expected, "\(each)")
            #expect(column("requested_through") == "root@vm" && column("recorded_by") == .text(each.granted.id))
        }
    }

    @Test func namesOfAWSAreRead() throws {
        var list = EventList()
        list.append(
            "observed.hook.answered.v1", RunRowsTests.run, at: 0,
            [
                "hook": "prove", "phase": "PRE_SCALE_UP", "attempt": 1, "hookStatus": "IN_PROGRESS",
                "callBackDelay": 300,
            ])
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        #expect(
            try model.query("SELECT status, call_back_delay_seconds FROM hooks").rows == [
                ["IN_PROGRESS", .integer(300)]
            ])
    }
}
