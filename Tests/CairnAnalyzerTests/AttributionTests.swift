import CairnAnalyzer
import CairnTestSupport
import Testing

@Suite("Attribution") struct AttributionTests {
    /// Two clicks-like dimensions, with the numbers worked out by hand.
    private func table(_ rows: [(String, String, Double, Double)]) -> AttributionTable {
        var table = AttributionTable(dimensions: ["port", "subnet"])
        for (port, subnet, actual, expected) in rows { table.add([port, subnet], actual: actual, expected: expected) }
        return table
    }

    @Test func theDimensionThatHoldsTheExcessIsTheMostSurprising() throws {
        let table = table([("443", "a", 110, 10), ("443", "b", 10, 10), ("53", "a", 110, 10), ("53", "b", 10, 10)])
        let best = try #require(Adtributor.explain(table).first)
        #expect(best.dimension == "subnet" && best.values == ["a"])
        #expect(abs(best.explained - 1) < 1e-12)
        // p = 220/240, q = 20/40: (p ln(2p/(p+q)) + q ln(2q/(p+q))) / 2.
        #expect(abs(best.surprise - 0.031_095_0) < 1e-6)
    }

    @Test func twoValuesOfOneDimensionAreOneExplanation() throws {
        var rows: [(String, String, Double, Double)] = []
        for port in 0..<6 { for subnet in 0..<6 { rows.append(("\(port)", "\(subnet)", port < 2 ? 50 : 5, 5)) } }
        let best = try #require(Adtributor.explain(table(rows)).first)
        #expect(best.dimension == "port" && best.values.sorted() == ["0", "1"])
        let cause = try #require(CauseSearch.causes(in: table(rows)).first)
        #expect(cause.words == "port 0,1")
        #expect(cause.explained > 0.999)
    }

    @Test func aCombinationIsFoundWhereNoSingleValueFits() throws {
        var rows: [(String, String, Double, Double)] = []
        for port in 0..<6 {
            for subnet in 0..<6 { rows.append(("\(port)", "\(subnet)", port == 2 && subnet == 3 ? 80 : 6, 5)) }
        }
        let cause = try #require(CauseSearch.causes(in: table(rows)).first)
        #expect(cause.words == "port 2 subnet 3")
        #expect(cause.explained > 0.6 && cause.explained < 0.75)
    }

    @Test func oneCauseAfterTheOther() throws {
        var rows: [(String, String, Double, Double)] = []
        for port in 0..<6 {
            for subnet in 0..<6 { rows.append(("\(port)", "\(subnet)", port == 2 ? 80 : subnet == 3 ? 40 : 5, 5)) }
        }
        let causes = CauseSearch.sequence(in: table(rows))
        #expect(causes.map(\.words) == ["port 2", "subnet 3"])
        #expect(abs(causes.reduce(0) { $0 + $1.explained } - 1) < 0.01)
    }

    @Test func noExcessHasNoCause() {
        let quiet = table([("443", "a", 5, 5), ("53", "b", 3, 5)])
        #expect(CauseSearch.causes(in: quiet).isEmpty && Adtributor.explain(quiet).isEmpty)
        #expect(CauseSearch.causes(in: AttributionTable(dimensions: [])).isEmpty)
    }

    @Test func whatIsNotKnownExplainsNothing() throws {
        let table = table([("", "a", 110, 10), ("", "b", 10, 10), ("53", "a", 1, 10)])
        #expect(CauseSearch.causes(in: table).allSatisfy { !$0.scope.contains { $0.values.contains("") } })
        #expect(Adtributor.explain(table).allSatisfy { !$0.values.contains("") })
    }

    /// Two pairs of dimensions that say the same differ in the last bit of what they cost, by the order of the sum alone;
    /// with another C library in others. Among equals the one named first is the cause.
    @Test func whatIsEqualOnPaperIsTheOneNamedFirst() throws {
        for zones in 3..<10 {
            for ports in 3..<10 {
                for count in [25.0, 31, 40, 60, 97] {
                    var table = AttributionTable(dimensions: ["zone", "port", "rule", "subnet"])
                    for zone in 0..<zones {
                        for port in 0..<ports {
                            table.add(
                                ["z\(zone)", "p\(port)", "r\(port)", "s\(zone)"],
                                actual: zone == 0 && port == 0 ? count : 5, expected: 5)
                        }
                    }
                    let cause = try #require(CauseSearch.causes(in: table).first)
                    guard cause.scope.count == 2 else { continue }
                    #expect(cause.words == "zone z0 port p0", "\(zones) zones, \(ports) ports, \(count)")
                }
            }
        }
    }
}
