import CairnBytes
import CairnModel
import CairnReadModels
import CairnTestSupport
import Testing

/// Playbooks of the log in the read model.
@Suite struct PlaybooksProjectionTests {
    private static func data(_ id: String, version: Int, stages: [String]) throws -> JSONValue {
        let definition: JSONValue = [
            "id": .string(id), "version": .integer(version), "title": "Ours", "kind": "deployment",
            "stages": .array(stages.map { ["name": .string($0), "title": "Title"] }),
        ]
        return PlaybookRegistration.draft(try Playbook(reading: definition), digest: "d\(version)").data
    }

    private func rows(_ model: ReadModel, _ sql: String) throws -> [String] {
        try model.query(sql).rows.map { $0.map(\.description).joined(separator: " ") }
    }

    @Test func oneRowAVersion() throws {
        var list = EventList()
        let type = "cairn.playbook.registered.v1"
        list.append(type, "playbook/ours", at: 0, try PlaybooksProjectionTests.data("ours", version: 1, stages: ["A"]))
        list.append(type, "playbook/ours", at: 5, try PlaybooksProjectionTests.data("ours", version: 2, stages: ["B"]))
        // None of these is a registration: said by others, of another name, without a playbook.
        let other = try PlaybooksProjectionTests.data("theirs", version: 1, stages: ["C"])
        list.append("observed.playbook.registered.v1", "playbook/theirs", at: 6, other)
        list.append(type, "playbook/another", at: 7, other)
        list.append(
            type, "playbook/empty", at: 8, ["playbook": "empty", "version": 1, "digest": "", "definition": [:]])
        let sql = "SELECT playbook, version, kind, stages, digest, position FROM playbooks ORDER BY position"
        let expected = [#"ours 1 deployment ["A"] d1 0"#, #"ours 2 deployment ["B"] d2 1"#]
        let model = try ReadModel.inMemory()
        for count in 1...list.size { try model.catchUp(from: list.prefix(Int(count))) }
        #expect(try rows(model, sql) == expected)
        let rebuilt = try ReadModel.inMemory()
        try rebuilt.catchUp(from: list)
        #expect(try rows(rebuilt, sql) == expected)
        #expect(try rows(try ReadModel.entry(0, of: list), sql) == [expected[0]])
    }

    /// What the events of Amazon ECS amount to depends on the plan's playbook, as of the plan's place in the log.
    @Test func runsAreReadWithTheirPlaybook() throws {
        func phases(_ id: String, registeredFirst: Bool) throws -> [String] {
            var list = EventList()
            func register() throws {
                let data = try PlaybooksProjectionTests.data("ours", version: 1, stages: ["A"])
                list.append("cairn.playbook.registered.v1", "playbook/ours", at: 0, data)
            }
            if registeredFirst { try register() }
            list.append(
                "observed.deployment.planned.v1", "deployment/mine", at: 1,
                [
                    "playbook": .string(id), "service": "shop", "cluster": "c1", "source_revision": "7",
                    "target_revision": "8", "parameters": [:], "hooks": [],
                ])
            if !registeredFirst { try register() }
            ECSFixture.state("IN_PROGRESS", "8", at: 2, in: &list)
            ECSFixture.state("COMPLETED", "8", at: 300, in: &list)
            let model = try ReadModel.inMemory()
            try model.catchUp(from: list)
            #expect(try rows(model, "SELECT run, status FROM runs") == ["deployment/mine completed"])
            return try rows(model, "SELECT phase, status FROM phases")
        }
        let whole = try phases("ecs-rolling", registeredFirst: true)
        #expect(whole.contains { $0.hasPrefix("ROLL_OUT ") }, "\(whole)")
        #expect(try phases("ours", registeredFirst: true).isEmpty, "its one stage is another")
        #expect(try phases("ours", registeredFirst: false) == whole, "nothing was known of it then")
    }
}
