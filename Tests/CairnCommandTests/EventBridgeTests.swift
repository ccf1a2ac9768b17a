import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// A ledger that has nothing but what Amazon EventBridge delivered: the deployments are there all the same.
@Suite struct EventBridgeTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    private func ledger() throws -> ScratchLedger {
        let ledger = try ScratchLedger()
        try ledger.succeed(["import", "eventbridge", "eventbridge.jsonl"], in: EventBridgeTests.fixtures.path)
        return ledger
    }

    @Test func everyQuestionShowsTheDeployments() throws {
        let ledger = try ledger()
        let stable = try StableText(ledger)
        for (name, arguments) in [
            ("status", ["status"]), ("status-canary", ["status", "shop/checkout/QmZ4tV1kP9sXw2LbN7RcY"]),
            ("status-rolling", ["status", "shop/search/ecs-svc/7120038846"]),
            ("status-at", ["status", "shop/checkout/QmZ4tV1kP9sXw2LbN7RcY", "--at", "2026-04-02T09:10:00Z"]),
            ("hook-calls", ["query", "hook-calls"]), ("phase-durations", ["query", "phase-durations"]),
            ("traffic-share", ["query", "traffic-share"]),
        ] {
            let answer = try ledger.succeed(arguments + ["-o", "json"])
            try Golden.expect(stable(answer), matches: "eventbridge/\(name).json", in: #filePath)
        }
        let timeline = try ledger.succeed(["timeline", "-o", "md"])
        try Golden.expect(stable(timeline), matches: "eventbridge/timeline.md", in: #filePath)
        #expect(try ledger.rows(["query", "violations"]).isEmpty)
        try ledger.expectIntact()
    }

    /// Line by line in another order, each import a command of its own: what is known in the end is the same.
    @Test(arguments: [1, 2] as [UInt64]) func orderOfArrivalDoesNotMatter(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let file = EventBridgeTests.fixtures.appending(path: "eventbridge.jsonl")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").shuffled(using: &random)
        let mixed = try ScratchLedger()
        let middle = Int.random(in: 1..<lines.count, using: &random)
        for (index, part) in [lines[..<middle], lines[middle...]].enumerated() {
            let path = mixed.folder.file("part-\(index).jsonl")
            try part.joined(separator: "\n").write(toFile: path, atomically: true, encoding: .utf8)
            try mixed.succeed(["import", "eventbridge", path])
            try mixed.succeed(["status"])
        }
        let ordered = try ledger()
        for question in ["hook-calls", "phase-durations", "traffic-share"] {
            let answers = try [mixed, ordered].map { ledger in
                try ledger.succeed(["query", question, "-o", "json"]).replacing(#/,?"position":\d+/#, with: "")
            }
            #expect(answers[0] == answers[1], "seed \(seed): \(question)")
        }
        let states = try [mixed, ordered].map { ledger in
            try ledger.rows(["status"]).map { CanonicalJSON.string(of: $0) }.sorted()
        }
        #expect(states[0] == states[1], "seed \(seed)")
    }

    /// A plan that is recorded afterwards is matched by the revision, and takes what the events told.
    @Test func aPlanRecordedLaterIsMatched() throws {
        let ledger = try ledger()
        let plan = #"""
            {"playbook":"ecs-rolling","service":"search","cluster":"shop","source_revision":"6930021175",
             "target_revision":"7120038846","parameters":{},"hooks":[]}
            """#
        try ledger.succeed([
            "record", "deployment.planned", "--stream", "deployment/shop/search/april", "--data", plan, "--time",
            "2026-04-02T10:50:00Z",
        ])
        let rows = try ledger.rows(["status"])
        let search = rows.filter { $0["run"]?.string?.contains("search") == true }
        #expect(search.count == 1)
        #expect(search.first?["run"] == "deployment/shop/search/april")
        #expect(search.first?["status"] == "rolled-back" && search.first?["playbook"] == "ecs-rolling")
        let stages = try ledger.rows(["status", "shop/search/april"])
        #expect(stages.first?["phase"] == "ROLL_OUT" && stages.first?["status"] == "failed")
    }

    /// The demo's canary is told by the conductor and by EventBridge: no call is there twice.
    @Test func whatTheConductorToldIsNotDoubled() throws {
        let demo = try DemoLedger.shipped()
        let run = "deployment/harbor-services/storefront/k7Qm2Zs9VtXw4LbN8RcYd"
        let both = try demo.ledger.rows(["query", "hook-calls", "-p", "run=\(run)"])
        let told = try ScratchLedger()
        try told.succeed(["import", "eventbridge", "\(ScratchLedger.top)/tools/demo-data/data/eventbridge.jsonl"])
        let alone = try told.rows(["query", "hook-calls", "-p", "run=\(run)"])
        #expect(alone.map { $0["hook"]?.string } == ["ecs-pause-Wm3kT8vQx5ZrB1nYc7LdF0gHs2JpE6uAo9KiM4tRwNq"])
        #expect(both.count == 7)
        let release = both.filter { $0["hook"] == "release-approval" }
        #expect(release.count == 1)
        for key in ["called_at", "status", "seconds", "phase"] { #expect(release.first?[key] == alone.first?[key]) }
        let status = try told.rows(["status"])
        #expect(status.map { $0["run"]?.string } == [run] && status.first?["status"] == "completed")
    }
}
