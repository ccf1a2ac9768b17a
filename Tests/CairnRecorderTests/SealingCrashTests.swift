import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnSeries
import CairnSim
import CairnTestSupport
import Testing

/// Wherever the machine stops while samples are recorded, sealed and dropped: no sample that was acknowledged is lost,
/// and what the read model says is what a new one would say.
@Suite struct SealingCrashTests {
    /// What a run told and was told.
    private struct Trace {
        var acknowledged = MemorySampleSource()
        var attempted = MemorySampleSource()
    }

    private static func run(_ fixture: SampleLedger, _ trace: inout Trace, _ model: ReadModel) throws {
        var random = SeededRandom(seed: 17)
        var told = ToldSamples()
        let ledger = try fixture.create()
        let sealer = SampleSealer(ledger: ledger, actor: SampleLedger.actor)
        let retention = SampleRetention(ledger: ledger, actor: SampleLedger.actor)
        for (round, count) in [3, 2, 2].enumerated() {
            for index in 0..<count {
                let batch = try told.next(using: &random)
                trace.attempted.add(batch)
                try SampleLedger.append(batch, to: ledger, id: "batch-\(round)-\(index)")
                trace.acknowledged.add(batch)
            }
            try model.catchUp(from: ledger)
            _ = try sealer.run()
            if round > 0 { _ = try retention.run(reason: "sealed", approvedBy: "tomas") }
            try model.catchUp(from: ledger)
        }
        try ledger.close()
    }

    private static func answers(_ model: ReadModel) throws -> [SeriesSamples] {
        var answers: [SeriesSamples] = []
        for key in try model.series(matching: SeriesSelector(), in: .all) {
            answers.append(SeriesSamples(key: key, samples: try model.everySample(of: key, in: .all)))
        }
        return answers
    }

    private static func everything(_ source: MemorySampleSource) -> [SeriesSamples] {
        source.series(matching: SeriesSelector(), in: .all).map {
            SeriesSamples(key: $0, samples: source.everySample(of: $0, in: .all))
        }
    }

    private static func check(_ disk: FaultDisk, _ trace: Trace, _ model: ReadModel, _ comment: String) throws {
        var fixture = try SampleLedger(seed: 99)
        fixture.disk = disk
        fixture.environment = SampleLedger.environment(disk, seed: 99)
        let ledger: Ledger
        do { ledger = try fixture.open() } catch let error as LedgerError where error.code == .notALedger {
            guard trace.acknowledged.sampleCount == 0 else { throw SealingFailure("\(comment): \(error)") }
            return
        }
        // What was under way when it stopped is there or not; nothing else is in question.
        let allowed = [everything(trace.acknowledged), everything(trace.attempted)]
        let fresh = try ReadModel.inMemory()
        try fresh.catchUp(from: ledger)
        let found = try answers(fresh)
        guard allowed.contains(found) else {
            throw SealingFailure("\(comment): \(found.count) series with other samples than were told")
        }
        guard try fresh.sampleGaps().isEmpty else { throw SealingFailure("\(comment): \(try fresh.sampleGaps())") }
        try model.catchUp(from: ledger)
        guard try answers(model) == found else {
            throw SealingFailure("\(comment): the read model says something else")
        }
        // And it goes on: sealed and dropped to the end, the same samples are there.
        _ = try SampleSealer(ledger: ledger, actor: SampleLedger.actor).run()
        _ = try SampleRetention(ledger: ledger, actor: SampleLedger.actor).run(reason: "again", approvedBy: "tomas")
        let last = try ReadModel.inMemory()
        try last.catchUp(from: ledger)
        guard try answers(last) == found else { throw SealingFailure("\(comment): sealing after it changed samples") }
        try ledger.close()
    }

    @Test func noSampleIsLostWhereverItStops() throws {
        let whole = try SampleLedger(seed: 1)
        var trace = Trace()
        try Self.run(whole, &trace, ReadModel.inMemory())
        let changes = whole.disk.calls.filter(\.operation.isChange)
        // In debug every fourth call, which is still each kind of call.
        let chosen = changes.enumerated().filter { BuildKind.isDebug ? $0.offset % 4 == 0 : true }.map(\.element)
        var count = 0
        for call in chosen {
            for (isApplied, isPowerLost) in [(false, false), (false, true), (true, false), (true, true)] {
                // A run of its own for each end: two futures of one log are two logs, and a read model follows one.
                let fixture = try SampleLedger(seed: 1, faults: [call.number: .crash(isApplied: isApplied)])
                var trace = Trace()
                let model = try ReadModel.inMemory()
                do { try Self.run(fixture, &trace, model) } catch is LedgerError {} catch is DiskError {}
                let left =
                    isPowerLost
                    ? fixture.disk.afterPowerLoss(seed: UInt64(call.number)) : fixture.disk.afterProcessDeath(seed: 3)
                try Self.check(left, trace, model, "\(call), applied \(isApplied), power lost \(isPowerLost)")
                count += 1
            }
        }
        print("crash points while sealing and dropping: \(count) over \(changes.count) changes of the disk")
        #expect(count >= (BuildKind.isDebug ? 80 : 400))
    }
}

struct SealingFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
