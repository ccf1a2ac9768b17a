import CairnBytes
import CairnLedger
import CairnModel
import GRDB

extension ReadModel {
    /// A window that was sealed later says nothing that its batches did not say. So where content of these has been
    /// dropped since, and all of them belong to the past that is asked for, the window stands for them there too.
    func addWindowsOfPast(from source: any EventSource) throws {
        let known = try read { connection in
            try connection.all("SELECT position, content = 'gone' AND window IS NULL FROM stored_sample_batches")
        }
        let gone = Set(known.filter { $0[1].integer == 1 }.compactMap { $0[0].integer })
        guard !gone.isEmpty else { return }
        let present = Set(known.compactMap { $0[0].integer })
        let windows = try read { connection in
            Set(try connection.all("SELECT position FROM stored_sample_windows").compactMap { $0[0].integer })
        }
        var batches: [Int64] = []
        var later: [RecordedEvent] = []
        try source.forEach(from: 0) { event in
            let position = Int64(clamping: event.position)
            if event.type == "cairn.samples.recorded.v1" { batches.append(position) }
            if event.type == "cairn.samples.sealed.v1", !windows.contains(position) { later.append(event) }
        }
        later = later.filter { event in
            let covers = CoveredPositions(event.data["covers"])
            let covered = batches.filter { position in covers.ranges.contains { $0.contains(position) } }
            return covered.allSatisfy(present.contains) && covered.contains(where: gone.contains)
        }
        guard !later.isEmpty else { return }
        try writer.writeWithoutTransaction { database in
            let connection = try Connection(database)
            try connection.execute("BEGIN IMMEDIATE")
            do {
                let projection = try SamplesProjection(connection)
                for event in later {
                    try projection.apply(Fact(name: "samples.sealed", event: event, data: event.data)) {
                        try source.content(of: $0)
                    }
                }
                try projection.flush()
                try connection.execute("COMMIT")
            } catch {
                try? connection.execute("ROLLBACK")
                throw error
            }
        }
    }
}
