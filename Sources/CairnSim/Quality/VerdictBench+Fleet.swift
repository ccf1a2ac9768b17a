internal import CairnAnalyzer
internal import Foundation

// A fleet in which some applications are faulty: who is named, and who should have been.
extension VerdictBench {
    /// A metric of an application that is a level: its name, margin and noise.
    private struct Gauge {
        var name: String
        var margin: Double
        var sigma: Double
        var memory: Double
    }

    private enum Fault: Int, CaseIterable {
        case latency
        case errors
        case swap
        case lag
        case readiness
    }

    private static let gauges: [Gauge] = [
        Gauge(name: "latency p50", margin: policy.latencyMargin(quantile: 0.5), sigma: 0.05, memory: 0.5),
        Gauge(name: "latency p90", margin: policy.latencyMargin(quantile: 0.9), sigma: 0.08, memory: 0.5),
        Gauge(name: "latency p99", margin: policy.latencyMargin(quantile: 0.99), sigma: 0.12, memory: 0.6),
        Gauge(name: "latency p99.5", margin: policy.latencyMargin(quantile: 0.995), sigma: 0.15, memory: 0.6),
        Gauge(name: "dependency latency", margin: policy.latencyMargin(quantile: 0.5), sigma: 0.1, memory: 0.8),
        Gauge(name: "availability", margin: policy.availabilityMargin, sigma: 0.0002, memory: 0.3),
        Gauge(name: "readiness", margin: policy.readinessMargin, sigma: 0.01, memory: 0.8),
        Gauge(name: "lag", margin: log(policy.lagFactor), sigma: 0.3, memory: 0.8),
        Gauge(name: "cpu", margin: log(policy.otherFactor), sigma: 0.1, memory: 0.9),
        Gauge(name: "memory", margin: log(policy.otherFactor), sigma: 0.05, memory: 0.95),
    ]

    private struct Watched {
        var isFaulty: Bool
        /// ln E at the end of each hour, and the highest until then.
        var hours: [(final: Double, highest: Double)] = []
    }

    private struct Application {
        var rate: Double
        var fault: Fault?
        var metrics: [Watched] = []
    }

    /// Whom e-BH names within the hours, looked at every hour.
    package func fleet() -> [QualityResult] {
        let apps = (0..<applications).map { watchApplication($0, isFaulty: $0 % 40 == 39) }
        var named: Set<[Int]> = []
        for hour in 0..<fleetHours {
            let all = apps.flatMap(\.metrics).map {
                FalseDiscoveryRate.adjusted(final: $0.hours[hour].final, highest: $0.hours[hour].highest)
            }
            guard let line = FalseDiscoveryRate.threshold(nats: all, rate: Self.policy.falseDiscoveryRate) else {
                continue
            }
            var index = 0
            for (app, one) in apps.enumerated() {
                for (metric, watched) in one.metrics.enumerated() {
                    if all[index] >= line, watched.hours[hour].highest >= Self.line { named.insert([app, metric]) }
                    index += 1
                }
            }
        }
        let wrong = named.count { !apps[$0[0]].metrics[$0[1]].isFaulty }
        let foundApps = Set(named.filter { apps[$0[0]].metrics[$0[1]].isFaulty }.map { $0[0] })
        func recall(_ range: Range<Double>) -> (share: Double, of: Int) {
            let faulty = apps.indices.filter { apps[$0].fault != nil && range.contains(apps[$0].rate) }
            let found = faulty.count { foundApps.contains($0) }
            return (faulty.isEmpty ? 1 : Double(found) / Double(faulty.count), faulty.count)
        }
        let amount = "\(applications) applications x \(Self.gauges.count + 2) metrics, \(fleetHours) h"
        let rate = named.isEmpty ? 0 : Double(wrong) / Double(named.count)
        let (busy, quiet) = (recall(10..<1e9), recall(0..<10))
        let missed = apps.indices.filter { apps[$0].fault != nil && !foundApps.contains($0) }.map {
            "\(apps[$0].fault.map { "\($0)" } ?? "") at \(Self.text(apps[$0].rate))/s"
        }
        return [
            QualityResult(
                name: "fleet: false discoveries", amount: amount, measured: 100 * rate, unit: "%", target: "<= 5",
                isReached: rate <= 0.05, note: "\(wrong) of \(named.count) metrics named, looked at every hour"),
            QualityResult(
                name: "fleet: recall at >= 10 requests/s", amount: "\(busy.of) faulty applications",
                measured: 100 * busy.share, unit: "%", target: ">= 95", isReached: busy.share >= 0.95,
                note: missed.isEmpty ? "none missed" : "missed: " + missed.joined(separator: ", ")),
            QualityResult(
                name: "fleet: recall below 10 requests/s", amount: "\(quiet.of) faulty applications",
                measured: 100 * quiet.share, unit: "%", target: ">= 80", isReached: quiet.share >= 0.8,
                note: "all effects, not only those of x5"),
        ]
    }

    private func watchApplication(_ number: Int, isFaulty: Bool) -> Application {
        var random = random("fleet", number)
        var app = Application(rate: random.logUniform(0.5...200), fault: nil)
        let minutes = fleetHours * 60
        let onset = Int(random.uniform(60...Double(max(61, minutes - 12 * 60))))
        if isFaulty { app.fault = Fault.allCases[number / 40 % Fault.allCases.count] }
        app.metrics.append(watchMix(app, onset: onset, &random))
        app.metrics.append(watchExceedances(app, onset: onset, slower: random.uniform(1.3...3), &random))
        let slower = log(random.uniform(1.3...3))
        for gauge in Self.gauges { app.metrics.append(watchGauge(gauge, app, onset, slower, &random)) }
        return app
    }

    private func watchCounts(
        _ app: Application, margins: CountMargins, before: [Double], after: [Double], onset: Int,
        _ random: inout SimulatedRandom
    ) -> Watched {
        var comparison = CountComparison(effects: before.count, margins: margins)
        var service = SimulatedService(correlation: 0.0002, isSeasonal: true)
        service.shares = before
        service.teach(&comparison, perMinute: app.rate * 60, &random)
        var output = Watched(isFaulty: before != after)
        var highest = 0.0
        for minute in 0..<fleetHours * 60 {
            let part = minute < 360 ? 0.05 : 0.5
            var step = service.minute(minute, perMinute: app.rate * 60, part: part, &random)
            if minute >= onset, before != after {
                service.shares = after
                step.b = service.minute(minute, perMinute: app.rate * 60, part: part, &random).b
                service.shares = before
            }
            comparison.advance(step.a, step.b, draws: step.draws, isTrafficStep: minute == 360)
            let nats = comparison.nats
            highest = max(highest, nats)
            if minute % 60 == 59 { output.hours.append((nats, highest)) }
        }
        return output
    }

    private func watchMix(_ app: Application, onset: Int, _ random: inout SimulatedRandom) -> Watched {
        let before = [0.878, 0.1, 0.02, 0.002]
        var after = before
        switch app.fault {
        case .errors:
            let more = random.logUniform(0.002...0.05)
            (after[0], after[3]) = (before[0] - more, before[3] + more)
        case .swap: (after[1], after[2]) = (before[1] - 0.06, before[2] + 0.06)
        default: break
        }
        return watchCounts(app, margins: Self.policy.statusMargins, before: before, after: after, onset: onset, &random)
    }

    /// Requests between the source's P50, P90, P99 and beyond.
    private func watchExceedances(
        _ app: Application, onset: Int, slower: Double, _ random: inout SimulatedRandom
    ) -> Watched {
        let after = app.fault == .latency ? [0.5 / slower, 0.9 - 0.5 / slower, 0.08, 0.02] : [0.5, 0.4, 0.09, 0.01]
        return watchCounts(
            app, margins: Self.policy.exceedanceMargins, before: [0.5, 0.4, 0.09, 0.01], after: after, onset: onset,
            &random)
    }

    private func watchGauge(
        _ gauge: Gauge, _ app: Application, _ onset: Int, _ slower: Double, _ random: inout SimulatedRandom
    ) -> Watched {
        // Quantiles of few requests are noisier.
        let sigma = gauge.name.hasPrefix("latency") ? gauge.sigma * (1 + 2 / app.rate.squareRoot()) : gauge.sigma
        var pair = SimulatedGauge(sigma: sigma, memory: gauge.memory, &random)
        let isFaulty: Bool
        switch app.fault {
        case .latency: isFaulty = gauge.name.hasPrefix("latency")
        case .lag: isFaulty = gauge.name == "lag"
        case .readiness: isFaulty = gauge.name == "readiness"
        default: isFaulty = false
        }
        let baseline = (0..<Self.baselineMinutes).map { _ in pair.difference(&random) }
        let noise = LevelNoise(
            baseline: baseline, source: [], margin: gauge.margin, policy: Self.policy, stepSeconds: 60)
        var comparison = LevelComparison(margin: gauge.margin, alpha: Self.policy.alpha, noise: noise)
        var output = Watched(isFaulty: isFaulty)
        var highest = 0.0
        for minute in 0..<fleetHours * 60 {
            var difference = pair.difference(&random)
            if isFaulty, minute >= onset {
                switch app.fault {
                // A lag that grows for an hour; pods that come and go.
                case .lag: difference += log(3) * min(1, Double(minute - onset) / 60)
                case .readiness: difference -= minute % 10 < 5 ? 0.4 : 0
                default: difference += slower
                }
            }
            comparison.advance(difference, isTrafficStep: minute == 360)
            let nats = comparison.nats
            highest = max(highest, nats)
            if minute % 60 == 59 { output.hours.append((nats, highest)) }
        }
        return output
    }

    // MARK: Cost

    /// What one comparison costs a minute, and how much it keeps.
    /// - Parameter seconds: processor time of this thread.
    package func cost(seconds: () -> Double) -> [QualityResult] {
        var random = random("cost", 0)
        let shares = [0.8, 0.05, 0.05, 0.04, 0.03, 0.01, 0.01, 0.005, 0.005]
        let fleet = 1600
        var mixes = [CountComparison](
            repeating: CountComparison(effects: 9, margins: Self.policy.statusMargins), count: fleet)
        var cuts = [CountComparison](
            repeating: CountComparison(effects: 4, margins: Self.policy.exceedanceMargins), count: fleet)
        let noise = LevelNoise(deviation: 0.1, memory: 4, blockFloor: 15)
        var levels = [LevelComparison](
            repeating: LevelComparison(margin: 0.1, alpha: 0.01, noise: noise), count: fleet * 10)
        let minutes = max(1, costMinutes)
        let drawn = (0..<minutes * 2).map { _ in random.counts(1200, shares) }
        let differences = (0..<1000).map { _ in 0.1 * random.normal() }
        var best = (mix: Double.infinity, cut: Double.infinity, level: Double.infinity, all: Double.infinity)
        var found = 0
        for minute in 0..<minutes {
            let (a, b) = (drawn[2 * minute], drawn[2 * minute + 1])
            let start = seconds()
            for index in mixes.indices {
                mixes[index].advance(a, b, draws: (1200, 1200))
                if mixes[index].nats >= Self.line { found += 1 }
            }
            let afterMixes = seconds()
            for index in cuts.indices {
                cuts[index].advance(a, b, draws: (1200, 1200))
                if cuts[index].nats >= Self.line { found += 1 }
            }
            let afterCuts = seconds()
            for index in levels.indices {
                levels[index].advance(differences[(index + 7 * minute) % 1000])
                if levels[index].nats >= Self.line { found += 1 }
            }
            let end = seconds()
            best.mix = min(best.mix, (afterMixes - start) / Double(fleet))
            best.cut = min(best.cut, (afterCuts - afterMixes) / Double(fleet))
            best.level = min(best.level, (end - afterCuts) / Double(fleet * 10))
            best.all = min(best.all, end - start)
        }
        func result(_ name: String, _ amount: String, _ measured: Double, _ unit: String, _ limit: Double)
            -> QualityResult
        {
            QualityResult(
                name: name, amount: amount, measured: measured, unit: unit, target: "<= \(Self.text(limit))",
                isReached: measured <= limit, note: "least of \(minutes) minutes; \(found) over the line")
        }
        return [
            result("cost: nine status classes", "\(fleet) comparisons", best.mix * 1e6, "us/minute", 2),
            result("cost: four exceedances", "\(fleet) comparisons", best.cut * 1e6, "us/minute", 2),
            result("cost: a level", "\(fleet * 10) comparisons", best.level * 1e6, "us/minute", 2),
            result("cost: a fleet's minute", "19200 comparisons", best.all * 1e3, "ms", 50),
            result("state: nine status classes", "one comparison", Double(mixes[0].stateBytes), "bytes", 1536),
            result(
                "state: a level without baseline", "one comparison",
                Double(LevelComparison(margin: 0.1, alpha: 0.01, noise: LevelNoise()).stateBytes), "bytes", 1536),
        ]
    }
}
