import CairnAnalyzer
import CairnBytes
import Testing

struct EvidenceSeriesTests {
    private static func point(_ minute: Int64, _ nats: Double?) -> EvidenceSeries.Point {
        EvidenceSeries.Point(time: Timestamp(seconds: minute * 60)!, observed: Double(minute), logEvidence: nats)
    }

    @Test func comesBackFromItsJSON() throws {
        var points = [EvidenceSeriesTests.point(3, 2.5), EvidenceSeriesTests.point(1, nil)]
        points[0].low = -.infinity
        points[0].effect = 0.123456789
        let series = EvidenceSeries(
            axis: "resets per minute", unit: "plain", effectUnit: "share", margin: 0.05, threshold: 2, points: points)
        #expect(series.points.map(\.time.seconds) == [60, 180])
        let back = try #require(EvidenceSeries(series.json))
        #expect(back.points[1].effect == 0.123457)
        #expect(back.points[1].low == nil)
        #expect(back.points[0].logEvidence == nil)
        #expect(back.decidedAt == Timestamp(seconds: 180))
        #expect(EvidenceSeries(back.json) == back)
        #expect(series.json["expected"] == nil, "a column without a value is left out")
    }

    @Test func thinningKeepsTheEndsAndTheDecision() {
        let points = (0..<5000).map { EvidenceSeriesTests.point(Int64($0), $0 < 3333 ? 0 : 9) }
        let series = EvidenceSeries(axis: "a", threshold: 9, points: points.shuffled())
        #expect(series.points.count <= EvidenceSeries.pointsMax)
        #expect(series.points.first?.time.minute == 0)
        #expect(series.points.last?.time.minute == 4999)
        #expect(series.decidedAt?.minute == 3333)
    }

    @Test func hostileValuesAreNotASeries() {
        #expect(EvidenceSeries(nil) == nil)
        #expect(EvidenceSeries(["axis": "a", "seconds": [1e300]]) == nil)
        #expect(EvidenceSeries(["axis": "a", "seconds": .array(.init(repeating: 1, count: 241))]) == nil)
        let odd = EvidenceSeries(["axis": "a", "seconds": [60, 120], "observed": [1]])
        #expect(odd?.points.map(\.observed) == [nil, nil], "a column of another length is not read")
    }
}
