import CairnBytes
import CairnTestSupport
import Foundation
import Testing

/// Gates, checks, explanations, and the words of people about findings, on the demo migration.
@Suite struct GateCommandTests {
    private static let migration = "harbor-eu-1"
    private static let during = "2026-03-10T10:05:00Z"

    private func expect(_ text: String, _ name: String) throws {
        try Golden.expect(text, matches: "output/\(name)", in: #filePath)
    }

    private static func gate(_ phase: String, at time: String, _ more: [String] = []) -> [String] {
        ["gate", "--migration", migration, "--phase", phase, "--at", time] + more
    }

    @Test func aDropAndADivergenceFailTheGate() throws {
        let demo = try DemoLedger.shipped()
        for (format, ending) in [
            ("json", "json"), ("table", "txt"), ("ecs-hook", "hook.json"), ("argo", "argo.json"),
            ("flagger", "flagger.json"),
        ] {
            let result = try demo.ledger.run(
                GateCommandTests.gate("resume-pipelines", at: GateCommandTests.during, ["-o", format]))
            #expect(result.status == 1, "\(result.errors)")
            try expect(demo.stable(result.output), "gate-fail.\(ending)")
        }
        let before = try demo.ledger.run(
            GateCommandTests.gate("move-workloads", at: "2026-03-10T08:59:30Z", ["-o", "json"]))
        let decision = try JSONParser.parse(before.output).value
        #expect(decision["findings"]?.array?.isEmpty == true, "nothing was wrong yet: \(before.output)")
    }

    @Test func withoutFaultsNothingFails() throws {
        let healthy = try DemoLedger.withoutFault()
        let result = try healthy.ledger.run(
            GateCommandTests.gate("resume-pipelines", at: GateCommandTests.during, ["-o", "json"]))
        let decision = try JSONParser.parse(result.output).value
        #expect(decision["result"]?.string != "fail", "\(result.output)")
        #expect(decision["policy"]?["is_default"]?.bool == true)
    }

    @Test func checks() throws {
        let demo = try DemoLedger.shipped()
        let list = try demo.ledger.succeed(["check", "--list", "-o", "json"])
        try expect(list, "check-list.json")
        let all = try demo.ledger.run(
            ["check", "--migration", GateCommandTests.migration, "--at", GateCommandTests.during, "-o", "json"])
        try expect(demo.stable(all.output), "check.json")
        #expect(try demo.ledger.run(["check", "no-such", "--list"]).status == 64)
        let none = try demo.ledger.run(["gate", "--migration", "nobody", "--phase", "x"])
        #expect(none.status == 65)
    }

    /// A slip of the pen neither passes nor is recorded, whoever asks for whatever shape.
    @Test(arguments: ["table", "json", "md", "ecs-hook", "argo", "flagger"])
    func aStageThatIsNotThereIsAnError(_ format: String) throws {
        let ledger = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        for more in [[], ["--record"]] {
            let typo = try ledger.run(
                ["gate", "--migration", Self.migration, "--phase", "resume-piplines", "-o", format] + more)
            #expect(typo.status == 65 && typo.output.isEmpty, "\(typo.output) \(typo.errors)")
            #expect(typo.errors.contains("resume-pipelines"), "\(typo.errors)")
        }
        let gates = try ledger.rows(["query", "SELECT count(*) AS n FROM gates WHERE phase = 'resume-piplines'"])
        #expect(gates.first?["n"]?.integer == 0)
    }

    @Test func explanations() throws {
        let demo = try DemoLedger.shipped()
        for analyzer in ["drops", "divergence"] {
            let id = try #require(
                try demo.ledger.rows([
                    "query", "SELECT finding FROM findings WHERE analyzer = '\(analyzer)' ORDER BY finding LIMIT 1",
                ]).first?["finding"]?.string)
            let json = try demo.ledger.succeed(["explain", id, "-o", "json"])
            if analyzer == "drops" { try expect(demo.stable(json), "explain.json") }
            let text = try demo.ledger.succeed(["explain", id])
            #expect(text.contains("WHAT WOULD CHANGE THE VERDICT"))
            #expect(text.contains("█"), "no chart: \(text)")
            let page = try demo.ledger.succeed(["explain", id, "-o", "html"])
            #expect(page.contains("<svg") && page.contains("The test"))
            #expect(try demo.ledger.succeed(["explain", id, "-o", "md"]).contains("```text"))
        }
        #expect(try demo.ledger.run(["explain", "nobody"]).status == 65)
    }

    /// A muted finding is shown as muted everywhere, fails nothing, and counts again when the mute is taken back.
    @Test func livingWithFindings() throws {
        let ledger = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let drop = try #require(
            try ledger.rows(["query", "SELECT finding FROM findings WHERE analyzer = 'drops'"]).first?["finding"]?
                .string)
        #expect(try ledger.run(["drops"]).status == 1)
        let person = ["--actor", "ana", "--reason", "known to the partner"]
        func word(_ verb: String, _ more: [String] = []) throws -> String {
            let stable = try StableText(ledger)
            let output = try ledger.succeed(["finding", verb, drop] + person + more + ["-o", "json"])
            return stable(output).replacing(drop, with: "DROP").replacing(#/"position":\d+/#, with: "\"position\":N")
        }
        try expect(try word("acknowledge"), "finding-acknowledge.json")
        #expect(try ledger.run(["drops"]).status == 1, "seen is not muted")
        try expect(try word("mute", ["--expires", "2999-01-01T00:00:00Z"]), "finding-mute.json")
        let muted = try ledger.run(["drops", "-o", "json"])
        #expect(muted.status == 0, "\(muted.errors)")
        #expect(muted.output.contains("muted by ana until 2999-01-01T00:00:00Z: known to the partner"))
        #expect(try ledger.succeed(["timeline"]).contains("muted"))
        #expect(try ledger.rows(["status"]).first?["muted_findings"]?.integer == 1)
        try expect(try word("withdraw-mute"), "finding-withdraw-mute.json")
        #expect(try ledger.run(["drops"]).status == 1)
        let again = try ledger.run(["finding", "withdraw-mute", drop] + person)
        #expect(again.status == 1 && again.errors.contains("not_muted"))
        try expect(try word("mark-false"), "finding-mark-false.json")
        #expect(try ledger.run(["drops"]).status == 0)
        #expect(try ledger.run(["finding", "mute", "nobody"] + person).errors.contains("finding_unknown"))
        try ledger.expectIntact()
    }

    /// A word holds from when it was said until it expires; at any other moment the finding counts, whoever asks.
    @Test func wordsOfAnEarlierMoment() throws {
        let ledger = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let drop = try #require(
            try ledger.rows(["query", "SELECT finding FROM findings WHERE analyzer = 'drops'"]).first?["finding"]?
                .string)
        let (said, expires) = ("2026-03-10T12:30:00Z", "2026-03-10T13:00:00Z")
        func say(_ type: String, _ reason: String) throws {
            let data: JSONValue = [
                "finding": .string(drop), "reason": .string(reason), "person": "ana", "expires": .string(expires),
            ]
            try ledger.succeed([
                "record", "cairn.finding.\(type).v1", "--stream", "finding/\(drop)", "--time", said, "--data",
                CanonicalJSON.string(of: data),
            ])
        }
        func gate(_ time: String) throws -> JSONValue {
            let result = try ledger.run(GateCommandTests.gate("resume-pipelines", at: time, ["-o", "json"]))
            let findings = try JSONParser.parse(result.output).value["findings"]?.array ?? []
            return try #require(findings.first { $0["finding"]?.string == drop }, "\(result.output)")
        }
        let whileItHolds = ["2026-03-10T12:30:00Z", "2026-03-10T12:59:59Z"]
        let otherwise = ["2026-03-10T12:29:59Z", "2026-03-10T13:00:00Z", "2026-03-11T00:00:00Z"]
        for (type, words) in [("muted", "muted by ana"), ("marked_false", "marked false by ana")] {
            try say(type, "known to the partner")
            for time in whileItHolds {
                #expect(try ledger.rows(["status", "--at", time]).first?["muted_findings"]?.integer == 1, "\(time)")
                #expect(try ledger.run(["drops", "--at", time]).status == 0, "\(time)")
                let note = try ledger.rows(["drops", "--at", time]).first { $0["id"]?.string == drop }?["note"]?.string
                #expect(note?.hasPrefix("\(words) until \(expires)") == true, "\(time)")
                #expect(try ledger.succeed(["explain", drop, "--at", time]).contains(words), "\(time)")
                #expect(try gate(time)["why_not"]?.string?.hasPrefix(words) == true, "\(time)")
            }
            for time in otherwise {
                let status = try #require(try ledger.rows(["status", "--at", time]).first)
                #expect(status["muted_findings"]?.integer == 0 && status["open_findings"] != 0, "\(time)")
                #expect(try ledger.run(["drops", "--at", time]).status == 1, "\(time)")
                #expect(try !(gate(time)["why_not"]?.string ?? "").hasPrefix(words), "\(time)")
            }
            try ledger.succeed([
                "record", "cairn.finding.unmuted.v1", "--stream", "finding/\(drop)", "--time", "2026-03-10T12:59:59Z",
                "--data", CanonicalJSON.string(of: ["finding": .string(drop), "reason": "next"]),
            ])
        }
    }

    /// What was decided is decided again from the log alone, and a changed word about it is found out.
    @Test func recordedDecisionsAreDecidedAgain() throws {
        let ledger = try ScratchLedger(copyOf: try DemoLedger.shipped().ledger)
        let result = try ledger.run(
            [
                "gate", "--migration", GateCommandTests.migration, "--phase", "resume-pipelines", "--record", "-o",
                "json",
            ])
        #expect(result.status == 1, "\(result.errors)")
        let rows = try ledger.rows(["replay", "--rejudge"])
        let gates = rows.filter { $0["finding"]?.string?.hasPrefix("gate of ") == true }
        #expect(gates.count == 1)
        for row in rows { #expect(row["same"]?.bool == true, "\(row)") }
        let event = try #require(try ledger.events().last { $0["type"]?.string == "cairn.gate.evaluated.v1" })
        #expect(event["data"]?["policy_digest"]?.string?.isEmpty == false)
        #expect(event["data"]?["evidence"]?.array?.isEmpty == false)
    }
}
