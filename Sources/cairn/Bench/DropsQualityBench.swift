import CairnAnalyzer
import CairnFlowLogs
import CairnLedger
import CairnSim
import Dispatch
import Synchronization

/// How often the judge of drops is wrong, and how soon it is right, on streams whose truth is known because they are
/// made up; and on a recorded link with labels, where that is at hand.
struct DropsQualityBench {
    var streams = 510
    var days = 90
    var trials = 200
    var seed: UInt64 = 1
    /// Streams of the ledger that is promised one false incident a week.
    static let ledgerStreams = 10_000
    private static let weeksPerYear = 52.18

    /// Everything but the recorded link.
    /// - Parameter progress: hears what comes next.
    func all(_ progress: (String) -> Void) throws -> [QualityResult] {
        let clock = SystemClock()
        progress("spikes")
        var rows = spikes()
        progress("firewalls")
        rows += try blackholes()
        progress("attribution")
        rows += attribution() + [attributionTime { Int64(clock.monotonicMicroseconds()) }]
        progress("quiet streams")
        return rows + falseAlarms()
    }

    // MARK: nothing happens

    /// Streams without any spike, judged from their first minute.
    func falseAlarms() -> [QualityResult] {
        let found = Mutex((ledger: 0, single: 0))
        let (streams, days, seed) = (streams, days, seed)
        DispatchQueue.concurrentPerform(iterations: streams) { number in
            let stream = DropCounterStream.ofFleet(number, seed: seed, days: days)
            let judge = DropsSignalJudge(DropsQualityBench.series(stream), in: 0..<Int64(days) * 1440)
            let ledger = judge.alarms(signals: DropsQualityBench.ledgerStreams).count
            let single = judge.alarms(signals: 1).count
            found.withLock { $0 = ($0.ledger + ledger, $0.single + single) }
        }
        let counts = found.withLock { $0 }
        let years = Double(streams * days) / 365.25
        let perWeek = Double(DropsQualityBench.ledgerStreams) / DropsQualityBench.weeksPerYear / years
        let amount = "\(streams) streams x \(days) days = \(Int(years)) stream-years"
        return [
            QualityResult(
                name: "false incidents a week, 10,000 streams", amount: amount,
                measured: Double(counts.ledger) * perWeek, unit: "1/week", target: "<= 1",
                isReached: Double(counts.ledger) * perWeek <= 1, note: "\(counts.ledger) in all"),
            QualityResult(
                name: "the same, upper bound of 95 %", amount: amount,
                measured: DropsQualityBench.upperBound(counts.ledger) * perWeek, unit: "1/week", target: "<= 1",
                isReached: DropsQualityBench.upperBound(counts.ledger) * perWeek <= 1,
                note: "no false incident in 575 stream-years is the least that shows it"),
            QualityResult(
                name: "false alarms of a stream watched alone", amount: amount,
                measured: Double(counts.single) / years, unit: "1/stream-year", target: "<= 1",
                isReached: Double(counts.single) <= years, note: "\(counts.single) in all"),
        ]
    }

    /// The mean of a Poisson count that shows `count` or fewer in one of twenty cases.
    static func upperBound(_ count: Int) -> Double {
        var low = 0.0
        var high = Double(count) * 2 + 20
        for _ in 0..<60 {
            let middle = (low + high) / 2
            var term = 1.0
            var sum = 1.0
            for index in 0..<count {
                term *= middle / Double(index + 1)
                sum += term
            }
            // exp by squaring, to leave the C library out.
            var power = 1 - middle / 1_048_576
            for _ in 0..<20 { power *= power }
            if sum * power > 0.05 { low = middle } else { high = middle }
        }
        return high
    }

    static func series(_ stream: DropCounterStream) -> DropsSeries {
        var series = DropsSeries()
        series.reserve(stream.days * 1440)
        stream.forEachMinute { minute, events, connections in
            series.append(minute: Int64(minute), events: Double(events), connections: Double(connections))
        }
        return series
    }

    // MARK: spikes

    private static let spikeDays = 22

    private struct Spikes {
        var recall: Double
        var medianDelay: Double
    }

    /// Some weeks of one stream with a spike on the last day: found while it lasts, and after how many minutes of it.
    private func spikes(mean: Double, factor: Double, minutes: Int, shape: Int, signals: Int) -> Spikes {
        var delays: [Int64] = []
        for trial in 0..<trials {
            var random = SimulatedRandom(seed: seed &* 7919 &+ UInt64(trial))
            let start = (DropsQualityBench.spikeDays - 1) * 1440 + Int.random(in: 60..<1380, using: &random)
            var stream = DropCounterStream(
                seed: random.next(), days: DropsQualityBench.spikeDays,
                meanEvents: mean / DropCounterStream.activity(at: start), shape: shape)
            stream.spikes = [.init(minutes: start..<start + minutes, factor: factor)]
            let series = DropsQualityBench.series(stream)
            let span = Int64(start)..<Int64(start + minutes)
            let judge = DropsSignalJudge(series, in: Int64(start - 60)..<Int64(start + minutes + 60))
            if let alarm = judge.alarms(signals: signals).first(where: { span.contains($0.foundAt) }) {
                delays.append(alarm.foundAt - Int64(start) + 1)
            }
        }
        delays.sort()
        return Spikes(
            recall: Double(delays.count) / Double(max(1, trials)),
            medianDelay: delays.isEmpty ? .infinity : Double(delays[delays.count / 2]))
    }

    func spikes() -> [QualityResult] {
        var rows: [QualityResult] = []
        for (mean, factor, minutes, shape) in [(5.0, 3.0, 5, 20), (5, 3, 5, 5), (50, 2, 10, 20), (50, 2, 10, 5)] {
            for signals in [1, DropsQualityBench.ledgerStreams] {
                let spikes = spikes(mean: mean, factor: factor, minutes: minutes, shape: shape, signals: signals)
                let what =
                    "x\(Int(factor)) for \(minutes) min at \(Int(mean))/min, dispersion \(1 / Double(shape)), one of \(signals)"
                rows.append(
                    QualityResult(
                        name: "\(what): found", amount: "\(trials) spikes", measured: spikes.recall * 100, unit: "%",
                        target: ">= 95", isReached: spikes.recall >= 0.95))
                rows.append(
                    QualityResult(
                        name: "\(what): median delay", amount: "\(trials) spikes", measured: spikes.medianDelay,
                        unit: "min", target: "<= 3", isReached: spikes.medianDelay <= 3))
            }
        }
        return rows
    }

    // MARK: a third party's firewall

    /// A hundred partners with a hundredth of the traffic each; some vanish behind a firewall, some fail for everybody.
    func blackholes() throws -> [QualityResult] {
        var rows: [QualityResult] = []
        for rate in [2.0, 6.0] {
            var delays: [Int64] = []
            var faults = 0
            var blamed = 0
            var regional = 0
            var others = 0
            for round in 0..<max(1, trials / 25) {
                let scene = DropScene(seed: seed &+ UInt64(round) &* 104_729, connectionsPerMinute: rate)
                let report = try DropsAnalyzer.report(
                    on: scene.source(), for: DropsRequest(source: DropScene.old, target: DropScene.new))
                var unexplained = report.findings
                for fault in scene.faults() {
                    let peer = DropScene.address(fault.partner)
                    let found = unexplained.filter {
                        $0.peer == peer && ($0.startMinute..<$0.endMinute).overlaps(fault.minutes)
                    }
                    unexplained.removeAll { finding in found.contains { $0.id == finding.id } }
                    if fault.isInBoth {
                        regional += found.count { $0.side == .targetOnly }
                        continue
                    }
                    faults += 1
                    blamed += found.count { $0.cause != .thirdPartySilentDrop }
                    if let first = found.map(\.evidence.foundAt).min() {
                        delays.append(first - fault.minutes.lowerBound + 1)
                    }
                }
                others += unexplained.count
            }
            let soon = Double(delays.count { $0 <= 5 }) / Double(max(1, faults))
            let what = "a firewall swallows 1 % of egress, \(Int(rate)) connections/min"
            rows += [
                QualityResult(
                    name: "\(what): found within 5 min", amount: "\(faults) faults", measured: soon * 100, unit: "%",
                    target: ">= 95", isReached: soon >= 0.95,
                    note:
                        "median \(delays.sorted().dropFirst(delays.count / 2).first ?? -1) min, \(delays.count) at all"),
                QualityResult(
                    name: "\(what): blamed on us", amount: "\(faults) faults", measured: Double(blamed),
                    unit: "findings",
                    target: "0", isReached: blamed == 0),
                QualityResult(
                    name: "\(what): trouble in both told of the target only", amount: "\(trials) faults",
                    measured: Double(regional), unit: "findings", target: "0", isReached: regional == 0),
                QualityResult(
                    name: "\(what): findings without a fault", amount: "\(trials) faults", measured: Double(others),
                    unit: "findings", target: "0", isReached: others == 0),
            ]
        }
        return rows
    }

    // MARK: attribution

    func attribution(leaves: Int = 8000) -> [QualityResult] {
        var rows: [QualityResult] = []
        for (causes, excess, first, three) in [(1, 150.0, 90.0, 98.0), (2, 150, 75, 90)] {
            var top1 = 0
            var top3 = 0
            var adtributor = 0
            for trial in 0..<trials {
                let made = AttributionCase(
                    seed: seed &* 15_485_863 &+ UInt64(trial), leaves: leaves, excess: excess, causeCount: causes)
                var table = AttributionTable(dimensions: AttributionCase.dimensions)
                for leaf in made.leaves { table.add(leaf.values, actual: leaf.actual, expected: leaf.expected) }
                let truth = made.causes.map { "\($0.dimension) \($0.value)" }
                let found = CauseSearch.sequence(in: table)
                if Set(found.prefix(causes).map(\.words)) == Set(truth) { top1 += 1 }
                if Set(truth).isSubset(of: found.prefix(3).map(\.words)) { top3 += 1 }
                if let one = Adtributor.explain(table).first, one.values.count == 1,
                    truth.contains("\(one.dimension) \(one.values[0])")
                {
                    adtributor += 1
                }
            }
            func share(_ count: Int) -> Double { Double(count) / Double(max(1, trials)) * 100 }
            let what = causes == 1 ? "one cause" : "two causes"
            rows += [
                QualityResult(
                    name: "attribution, \(what): right at the top", amount: "\(trials) spikes, \(leaves) leaves",
                    measured: share(top1), unit: "%", target: ">= \(Int(first))", isReached: share(top1) >= first,
                    note: "Adtributor alone: \(share(adtributor)) %"),
                QualityResult(
                    name: "attribution, \(what): among the first three", amount: "\(trials) spikes, \(leaves) leaves",
                    measured: share(top3), unit: "%", target: ">= \(Int(three))", isReached: share(top3) >= three),
            ]
        }
        return rows
    }

    /// The least of five runs over 20,000 leaves.
    func attributionTime(microseconds: () -> Int64) -> QualityResult {
        let made = AttributionCase(seed: seed, leaves: 20_000, excess: 500)
        var table = AttributionTable(dimensions: AttributionCase.dimensions)
        for leaf in made.leaves { table.add(leaf.values, actual: leaf.actual, expected: leaf.expected) }
        var best = Int64.max
        for _ in 0..<5 {
            let start = microseconds()
            _ = CauseSearch.sequence(in: table)
            _ = Adtributor.explain(table)
            best = min(best, microseconds() - start)
        }
        return QualityResult(
            name: "attribution of 20,000 leaves", amount: "least of 5", measured: Double(best) / 1000, unit: "ms",
            target: "<= 50", isReached: best <= 50_000)
    }

    // MARK: a recorded link

    /// A window of the recorded link lasts so long.
    private static let windowSeconds = 50.0

    /// SYN packets and attacking flows of each window, from its table's lines; windows without numbers are left out. Nil if
    /// a column is missing.
    static func windows(_ lines: [[Substring]]) -> [(syn: Double, attack: Double)]? {
        guard let names = lines.first, let rate = names.firstIndex(of: "rSYN"),
            let packets = names.firstIndex(of: "packet_rate"), let attacks = names.firstIndex(of: "nSYNatt")
        else { return nil }
        return lines.dropFirst().compactMap { cells in
            guard cells.count == names.count, let rate = Double(cells[rate]), let packets = Double(cells[packets]),
                let attack = Double(cells[attacks])
            else { return nil }
            return ((rate * packets * windowSeconds).rounded(), attack)
        }
    }

    /// Windows of a backbone link, of which some have SYN attacks: number of SYN packets and number of attacking flows.
    func recordedLink(_ windows: [(syn: Double, attack: Double)]) -> [QualityResult] {
        var series = DropsSeries()
        // The link has no connections to compare with: a thousand for each window stand in.
        for (minute, window) in windows.enumerated() {
            series.append(minute: Int64(minute), events: window.syn, connections: 1000)
        }
        let alarms = DropsSignalJudge(series, in: 0..<Int64(windows.count)).alarms(signals: 1)
        let flagged = Set(alarms.flatMap { Array($0.minutes) })
        let attacks = windows.indices.filter { windows[$0].attack > 0 }
        let recall = Double(attacks.count { flagged.contains(Int64($0)) }) / Double(max(1, attacks.count))
        let quiet = Double(max(1, windows.count - attacks.count))
        let wrong = Double(flagged.count { windows[Int($0)].attack <= 0 }) / quiet
        let amount = "\(windows.count) windows, \(attacks.count) with attacks"
        return [
            QualityResult(
                name: "MAWI: windows with SYN attacks found", amount: amount, measured: recall * 100, unit: "%",
                target: ">= 80", isReached: recall >= 0.8, note: "\(alarms.count) alarms"),
            QualityResult(
                name: "MAWI: other windows flagged", amount: amount, measured: wrong * 100, unit: "%", target: "<= 2",
                isReached: wrong <= 0.02),
        ]
    }
}
