import CairnFlowLogs
import CairnTestSupport
import Testing

@Suite struct FlowWatermarkTests {
    private func seen(_ cluster: String, _ interface: String, _ last: Int64, subnet: String = "") -> FlowSeen {
        FlowSeen(
            place: FlowPlace(cluster: cluster, interface: interface, subnet: subnet), first: 0, last: last)
    }

    @Test func theSlowestInterfaceThatStillReportsDecides() {
        let marks = FlowWatermark.of([
            seen("eks", "eni-1", 6000), seen("eks", "eni-2", 5400), seen("eks", "eni-2", 5700, subnet: "b"),
            // Silent for longer than delivery takes: it is gone.
            seen("eks", "eni-3", 6000 - FlowWatermark.silenceSecondsMax - 1), seen("old", "eni-9", 59),
        ])
        #expect(marks.map(\.cluster) == ["eks", "old"])
        #expect(marks[0].interfaces == 2)
        #expect(marks[0].latest == 6000)
        #expect(marks[0].watermark == 5700)
        // Minute 92 ends at 5580, and an answer to it may come until 5700.
        #expect(marks[0].openMinute == 93)
        #expect(marks[1].openMinute == -2)
    }

    @Test func extremes() {
        #expect(FlowWatermark.of([]).isEmpty)
        for last in [Int64.min, Int64.min + 60, -1, 0, Int64.max] {
            let marks = FlowWatermark.of([seen("a", "x", last), seen("a", "y", .max), seen("a", "z", .min)])
            #expect(marks.count == 1 && marks[0].latest == .max)
        }
        #expect(FlowWatermark.of([seen("a", "x", .min)])[0].openMinute == .min)
    }

    @Test func orderDoesNotMatter() {
        var random = SeededRandom(seed: 4)
        var places: [FlowSeen] = []
        for _ in 0..<200 {
            places.append(
                seen(
                    "c\(random.next() % 3)", "eni-\(random.next() % 9)", Int64(random.next() % 9000),
                    subnet: "s\(random.next() % 2)"))
        }
        let expected = FlowWatermark.of(places)
        for _ in 0..<20 { #expect(FlowWatermark.of(places.shuffled(using: &random)) == expected) }
    }

    /// Every file that comes late moves the mark forwards or leaves it, as long as nothing starts to report anew.
    @Test func aFileSaysWhenItsPlacesWereSeen() throws {
        let line = "eni-1 subnet-1 az1 10.0.0.1 203.0.113.9 40000 443 6 5 300 600 655 ACCEPT OK 3 egress"
        let gap = "eni-2 subnet-1 az1 - - - - - - - 600 660 - NODATA - -"
        let summary = try count("\(v5Header)\n\(line)\n\(gap)")
        #expect(summary.seen.map(\.place.interface) == ["eni-1", "eni-2"])
        #expect(summary.seen.map(\.first) == [600, 600] && summary.seen.map(\.last) == [655, 660])
        let source = MemoryFlowSource([summary])
        #expect(source.flowWatermarks(of: ["eks"]).map(\.watermark) == [655])
        #expect(source.flowWatermarks(of: ["other"]).isEmpty)
    }
}
