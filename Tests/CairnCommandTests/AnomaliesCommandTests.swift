import CairnBytes
import CairnTestSupport
import Testing

@Suite struct AnomaliesCommandTests {
    static let selector = "http_request_duration_seconds{app=\"search\",quantile=\"0.99\"}"

    /// What went wrong in the target is found by its own past alone, where and when it was put in.
    @Test func findsWhatWasPutIn() throws {
        let demo = try DemoLedger.shipped()
        let rows = try demo.ledger.rows(["anomalies", Self.selector], statuses: [1])
        let cluster = try #require(demo.truth["divergence"]?["cluster"]?.string)
        let start = try #require(demo.truth["divergence"]?["start"]?.string.flatMap { Timestamp($0) })
        let found = rows.filter { row in
            guard let text = row["start"]?.string, let time = Timestamp(text) else { return false }
            let delay = time.microseconds - start.microseconds
            return row["series"]?.string?.contains(cluster) == true && (0...600_000_000).contains(delay)
        }
        #expect(found.count == 1, "\(rows)")
        #expect(found.first?["direction"]?.string == "above")
        #expect(found.first?["score"]?.double.map { (0.5...1).contains($0) } ?? false)
    }

    /// One object a line, each with time, value and a score from 0 to 1, for each sample.
    @Test func scoresOfEverySample() throws {
        let demo = try DemoLedger.shipped()
        let arguments = ["anomalies", Self.selector, "--scores", "--since", "2026-03-10T09:00:00Z"]
        let result = try demo.ledger.run(arguments)
        #expect(result.status == 1, "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2 * 240)
        for line in lines {
            let object = try JSONParser.parse(Array(line.utf8)).value
            #expect(object["time"]?.string.flatMap { Timestamp($0) } != nil)
            #expect(object["value"]?.double != nil)
            #expect(object["score"]?.double.map { (0...1).contains($0) } ?? false)
        }
        #expect(try demo.ledger.run(arguments).output == result.output)
    }

    @Test func tooShortIsUndecidedAndSaysSo() throws {
        let demo = try DemoLedger.shipped()
        let result = try demo.ledger.run(
            ["anomalies", Self.selector, "--until", "2026-03-10T08:10:00Z", "-o", "json"])
        #expect(result.status == 2)
        #expect(result.output == "[]\n")
        #expect(result.errors.contains("undecided: "))
        #expect(result.errors.contains("of the 100 samples"))
    }

    /// Three hours have no earlier day, which is said and not passed over.
    @Test func changeWithoutEarlierDays() throws {
        let demo = try DemoLedger.shipped()
        let arguments = ["anomalies", Self.selector, "--changed-at", "2026-03-10T09:57:00Z"]
        let rows = try demo.ledger.rows(arguments, statuses: [2])
        #expect(rows.count == 2)
        for row in rows {
            #expect(row["verdict"]?.string == "UNDECIDED")
            #expect(row["effect"]?.isNull == true)
            #expect(row["reason"]?.string?.contains("earlier day") == true)
        }
        #expect(try demo.ledger.run(arguments + ["--scores"]).status == 64)
    }

    @Test func wrongSelectors() throws {
        let demo = try DemoLedger.shipped()
        let wrong = try demo.ledger.run(["anomalies", "http{app=}"])
        #expect(wrong.status == 64)
        #expect(wrong.errors.contains("cannot use the selector"))
        let none = try demo.ledger.run(["anomalies", "no_such_metric"])
        #expect(none.status == 65)
        #expect(none.errors.contains("no_such_metric"))
        #expect(none.output.isEmpty)
    }
}
