import CairnBytes
import CairnTestSupport
import Testing

/// The demo data with other seeds: the commands find exactly the faults that `truth.json` names, and nothing else.
@Suite struct DemoTruthTests {
    /// How far a found minute may be from the true one. A fault that begins with a minute of little traffic shows a
    /// little later; a judgement of a drift needs some samples.
    static let dropMinutesOff = 3.0
    static let divergenceMinutesOff = 8.0

    static let options: [[String]] = [
        ["--seed", "1"], ["--seed", "12"], ["--seed", "2026"], ["--seed", "3", "--fault", "none"],
    ]

    @Test(arguments: options)
    func findsExactlyTheFaults(_ options: [String]) throws {
        try check(try DemoLedger(generatedWith: options))
    }

    @Test func findsTheShippedFaults() throws { try check(try DemoLedger.shipped()) }

    private func check(_ demo: DemoLedger) throws {
        let truth = demo.truth
        let name = "seed \(truth["seed"]?.integer ?? -1), fault \(truth["fault"]?.string ?? "")"
        try checkDrops(demo, truth["drops"] ?? .null, name)
        try checkDivergence(demo, truth["divergence"] ?? .null, name)
        try checkTimeline(demo, name)
        try demo.ledger.expectIntact(name)
    }

    private func minutesBetween(_ left: JSONValue?, _ right: JSONValue?) throws -> Double {
        let times = try [left, right].map { value in
            let time = value?.string.flatMap { Timestamp($0) }
            return try #require(time)
        }
        return abs(Double(times[0].microseconds - times[1].microseconds)) / 60e6
    }

    private func checkDrops(_ demo: DemoLedger, _ truth: JSONValue, _ name: String) throws {
        let found = try demo.ledger.rows(["drops"], statuses: truth.isNull ? [0] : [1])
        guard !truth.isNull else {
            #expect(found.isEmpty, "\(name): \(found)")
            return
        }
        #expect(found.count == 1, "\(name): \(found)")
        let finding = try #require(found.first)
        for key in ["cluster", "side", "kind", "peer", "peer_port"] {
            #expect(finding[key] == truth[key], "\(name): \(key)")
        }
        for key in ["start", "end"] {
            let off = try minutesBetween(finding[key], truth[key])
            #expect(off <= DemoTruthTests.dropMinutesOff, "\(name): \(key) is \(off) minutes off")
        }
    }

    private func checkDivergence(_ demo: DemoLedger, _ truth: JSONValue, _ name: String) throws {
        guard try CommandList.all().contains(where: { $0.name == "diverge" }) else { return }
        let rows = try demo.ledger.rows(["diverge"], statuses: truth.isNull ? [0, 2] : [1])
        let diverged = rows.filter { $0["verdict"]?.string == "DIVERGED" }
        guard !truth.isNull else {
            #expect(diverged.isEmpty, "\(name): \(diverged)")
            return
        }
        #expect(Set(diverged.map { $0["app"] }) == [truth["app"]], "\(name): \(diverged)")
        let metrics = Set((truth["metrics"]?.array ?? []).compactMap(\.string))
        let found = Set(diverged.compactMap { $0["metric"]?.string })
        #expect(!found.isEmpty, "\(name)")
        for metric in found {
            #expect(metrics.contains { metric.hasPrefix($0) }, "\(name): \(metric) did not diverge")
        }
    }

    private func checkTimeline(_ demo: DemoLedger, _ name: String) throws {
        let text = try demo.ledger.succeed(["timeline", "-o", "json"])
        let document = try JSONParser.parse(text).value
        let entries = try #require(document["entries"]?.array)
        let findings = entries.filter { $0["kind"]?.string == "finding" }
        let drops = demo.truth["drops"] ?? .null
        let divergence = demo.truth["divergence"] ?? .null
        var unexplained: [JSONValue] = []
        var found: Set<String> = []
        for finding in findings {
            let action = finding["action"]?.string ?? ""
            if !drops.isNull, action.contains("\(drops["peer"]?.string ?? "?"):\(drops["peer_port"]?.integer ?? 0)") {
                found.insert("drops")
                let off = try minutesBetween(finding["time"], drops["start"])
                #expect(off <= DemoTruthTests.dropMinutesOff, "\(name): the drops are \(off) minutes off")
            } else if !divergence.isNull, action.contains(divergence["app"]?.string ?? "?") {
                found.insert("divergence")
                let off = try minutesBetween(finding["time"], divergence["start"])
                #expect(off <= DemoTruthTests.divergenceMinutesOff, "\(name): the divergence is \(off) minutes off")
            } else {
                unexplained.append(finding)
            }
        }
        #expect(unexplained.isEmpty, "\(name): \(unexplained)")
        var expected: Set<String> = drops.isNull ? [] : ["drops"]
        let judgesDivergence = try CommandList.all().contains { $0.name == "diverge" }
        if judgesDivergence, !divergence.isNull { expected.insert("divergence") }
        #expect(found == expected, "\(name): \(findings)")
        // Every line says when, who, what and where in the log.
        let size = try #require(document["ledger"]?["size"]?.integer)
        for entry in entries {
            #expect(entry["time"]?.string?.hasSuffix("Z") == true, "\(entry)")
            #expect(entry["actor"]?.string?.isEmpty == false, "\(entry)")
            #expect(entry["action"]?.string?.isEmpty == false, "\(entry)")
            #expect((0..<size).contains(entry["position"]?.integer ?? -1), "\(entry)")
        }
    }
}
