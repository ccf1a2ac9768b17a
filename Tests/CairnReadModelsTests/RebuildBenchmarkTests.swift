import CairnModel
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

@Suite struct RebuildBenchmarkTests {
    /// The scripted story over and over, each time for another migration.
    private func stories(_ count: Int) throws -> EventList {
        let story = try ScriptedLedger.make(hasFault: true)
        var list = EventList()
        for number in 0..<count {
            list.append(story, renaming: ["mig-7", "dep-1", "f1", "f2", "i1", "1a"], by: "-\(number)")
        }
        return list
    }

    @Test func measuresBothWays() throws {
        let wanted = ProcessInfo.processInfo.environment["CAIRN_MEASURE_EVENTS"].flatMap { Int($0) } ?? 500
        let list = try stories(wanted / 57 + 1)
        let folder = try TemporaryFolder()
        let figures = try RebuildBenchmark.measure(list, in: folder.path)
        #expect(figures.events == list.size)
        #expect(figures.meanDataBytes > 20)
        #expect(figures.rebuildSeconds > 0 && figures.insertLoopSeconds > 0)
        print(
            "rebuild: \(Int(figures.rebuildEventsPerSecond)) events/s of \(Int(figures.meanDataBytes)) bytes;",
            "plain insert loop: \(Int(figures.insertLoopRowsPerSecond)) rows/s")
    }
}
