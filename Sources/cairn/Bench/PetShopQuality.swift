import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnSim

/// `cairn anomalies` on PetShop: each series learns from the healthy run of its traffic, and goes on with a run into
/// which an issue was put. Latency p95 and p99 and availability, as they are judged for a canary.
struct PetShopQuality {
    let data: QualityData

    private static let stepMs: Int64 = 300_000
    private static let dayMs: Int64 = 86_400_000

    private struct Run {
        var timesMs: [Int64] = []
        /// By microservice, metric and statistic.
        var values: [String: [Double]] = [:]
    }

    private struct Tally {
        var issues = 0
        var found = 0
        var falseFlags = 0
        var healthyDays = 0.0
        var series = 0
        var before = 0
        var missed: [String] = []
        var policy = AnomalyPolicy.standard

        var flagsPerDay: Double { Double(falseFlags) / max(1, healthyDays) }

        static func sum(_ parts: some Sequence<Tally>) -> Tally {
            parts.reduce(into: Tally()) { all, one in
                all.issues += one.issues
                all.found += one.found
                all.falseFlags += one.falseFlags
                all.healthyDays += one.healthyDays
                all.series += one.series
                all.before += one.before
                all.missed += one.missed
            }
        }
    }

    func rows() throws -> [QualityResult] {
        let asItIs = try tallies(AnomalyPolicy.standard.alarmScore)
        guard asItIs.contains(where: { $0.value.issues > 0 }) else {
            return [QualityResult(name: "PetShop", note: "skipped: no data")]
        }
        // Each kind of traffic with the lowest score of an alarm that keeps the healthy runs of the others quiet.
        let tried = try stride(from: 0.4, through: 0.6, by: 0.02).map { (score: $0, tallies: try tallies($0)) }
        var heldOut: [String: Tally] = [:]
        for traffic in asItIs.keys {
            let fitting = tried.first { one in
                let others = Tally.sum(one.tallies.filter { $0.key != traffic }.values)
                return others.flagsPerDay <= PetShopQuality.flagsPerDayMax
            }
            heldOut[traffic] = (fitting ?? tried[tried.count - 1]).tallies[traffic]
        }
        var output = PetShopQuality.results("", Tally.sum(asItIs.values))
        output += PetShopQuality.results(
            ", score of an alarm set on the other kinds of traffic", Tally.sum(heldOut.values))
        for (traffic, tally) in asItIs.sorted(by: { $0.key < $1.key }) where tally.issues > 0 {
            output.append(
                QualityResult(
                    name: "PetShop issues found, \(traffic)", amount: "\(tally.issues) issues",
                    measured: Double(tally.found), unit: "of \(tally.issues)"))
        }
        return output
    }

    private static let flagsPerDayMax = 2.0

    private static func results(_ name: String, _ tally: Tally) -> [QualityResult] {
        let wanted = (tally.issues * 60 + 67) / 68
        return [
            QualityResult(
                name: "PetShop issues found within two samples\(name)", amount: "\(tally.issues) issues",
                measured: Double(tally.found), unit: "of \(tally.issues)", target: ">= \(wanted) (60 of 68)",
                isReached: tally.found >= wanted,
                note: (tally.missed.isEmpty ? "" : "missed: \(tally.missed.sorted().joined(separator: ", ")); ")
                    + "an anomaly that begins then; \(tally.before) began in rows before, months after the healthy run"
            ),
            QualityResult(
                name: "PetShop false flags per healthy day\(name)",
                amount: "\(tally.series) series, \(tally.healthyDays) days", measured: tally.flagsPerDay,
                unit: "1/day", target: "<= 2", isReached: tally.flagsPerDay <= flagsPerDayMax,
                note: "days after the first of each healthy run"),
        ]
    }

    /// What each kind of traffic comes to with a score of an alarm.
    private func tallies(_ alarmScore: Double) throws -> [String: Tally] {
        var output: [String: Tally] = [:]
        for traffic in try data.list("petshop") {
            let issues = try data.list("petshop/\(traffic)/train")
            guard !issues.isEmpty else { continue }
            // The run of traffic over time has no healthy one of its own here.
            let own = try run("petshop/\(traffic)/noissue")
            let healthy = try own ?? run("petshop/high_traffic/noissue")
            guard let healthy, healthy.timesMs.count > 1 else { continue }
            var tally = Tally()
            tally.policy.alarmScore = alarmScore
            let learnt = learn(healthy, countsFlags: own != nil, &tally)
            for issue in issues { try judge("petshop/\(traffic)/train/\(issue)", learnt, healthy, &tally) }
            output[traffic] = tally
        }
        return output
    }

    private func learn(_ healthy: Run, countsFlags: Bool, _ tally: inout Tally) -> [String: AnomalyDetector] {
        let firstDay = healthy.timesMs[0] + PetShopQuality.dayMs
        var learnt: [String: AnomalyDetector] = [:]
        for (name, values) in healthy.values {
            var detector = AnomalyDetector(policy: tally.policy)
            var flags = 0
            starts(healthy.timesMs, values, &detector, tally.policy) { if $0 >= firstDay { flags += 1 } }
            if countsFlags { tally.falseFlags += flags }
            learnt[name] = detector
        }
        if countsFlags {
            tally.series += learnt.count
            let days = Double(healthy.timesMs[healthy.timesMs.count - 1] - firstDay) / Double(PetShopQuality.dayMs)
            tally.healthyDays += days.rounded()
        }
        return learnt
    }

    private func judge(
        _ folder: String, _ learnt: [String: AnomalyDetector], _ healthy: Run, _ tally: inout Tally
    ) throws {
        guard let run = try run(folder), let last = healthy.timesMs.last, let first = run.timesMs.first,
            let seconds = try data.json("\(folder)/target.json")?["target"]?["timestamp"]?.integer
        else { return }
        let issue = seconds * 1000
        // The runs lie months apart: the issue is moved by whole days to behind the healthy run.
        let shift = ((last - first) / PetShopQuality.dayMs + 1) * PetShopQuality.dayMs
        var isFound = false
        for (name, values) in run.values {
            guard var detector = learnt[name] else { continue }
            starts(run.timesMs.map { $0 + shift }, values, &detector, tally.policy) { start in
                let time = start - shift
                if time + PetShopQuality.stepMs <= issue {
                    tally.before += 1
                } else if time < issue + 2 * PetShopQuality.stepMs {
                    isFound = true
                }
            }
        }
        tally.issues += 1
        if isFound { tally.found += 1 } else { tally.missed.append(folder) }
    }

    /// Calls for each anomaly that begins.
    private func starts(
        _ timesMs: [Int64], _ values: [Double], _ detector: inout AnomalyDetector, _ policy: AnomalyPolicy,
        _ body: (Int64) -> Void
    ) {
        var folder = AnomalyEventFolder(policy: policy)
        for (time, value) in zip(timesMs, values) {
            guard let point = detector.add(timeMs: time, value: value) else { continue }
            let wasOpen = folder.unfinished != nil
            _ = folder.add(point)
            if !wasOpen, folder.unfinished != nil { body(time) }
        }
    }

    private func run(_ folder: String) throws -> Run? {
        let lines = try data.table("\(folder)/metrics.csv")
        guard lines.count > 4 else { return nil }
        var run = Run()
        for line in lines.dropFirst(4) {
            guard let time = QualityData.milliseconds(line[0]) else { continue }
            run.timesMs.append(time)
            for column in 1..<lines[0].count where lines[1].count > column && lines[2].count > column {
                let (metric, statistic) = (lines[1][column], lines[2][column])
                guard metric == "availability" || metric == "latency" && ["p95", "p99"].contains(statistic) else {
                    continue
                }
                let value = line.count > column ? Double(line[column]) ?? .nan : .nan
                run.values["\(lines[0][column]) \(metric) \(statistic)", default: []].append(value)
            }
        }
        return run
    }
}
