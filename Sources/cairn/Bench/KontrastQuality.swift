import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnSim

/// Real software changes with one indicator each (NetManAIOps/kontrast): did the change make it diverge? The indicator's
/// own earlier days are the other cluster. Kayenta's judge and a seasonal block judge answer beside Cairn's.
struct KontrastQuality {
    let data: QualityData

    private struct Case {
        var number: Int
        var isDiverged: Bool
        var samples: [Sample]
        var changeMs: Int64

        /// Cases 2k and 2k + 1 share an indicator, so a pair is in one half.
        var half: Int { (number / 4) % 2 }
    }

    private struct Judge {
        var name: String
        /// The larger, the more diverged.
        var score: (Case) -> Double
        /// The threshold it comes with; nil where it is chosen on the other half.
        var fixed: Double?
        /// What its F1 is to reach, if anything.
        var aims: [Double] = []
        var note = ""
    }

    func rows() throws -> [QualityResult] {
        let cases = try cases()
        guard cases.count > 4 else { return [QualityResult(name: "Kontrast", note: "skipped: no data")] }
        let standard = BeforeAfter.Policy.standard.deviationsMin
        let judges = [
            Judge(
                name: "Cairn, threshold of the other half",
                score: { BeforeAfter.judge($0.samples, changeMs: $0.changeMs).deviations },
                aims: [0.8, 0.85]),
            Judge(
                name: "Cairn as it is", score: { BeforeAfter.judge($0.samples, changeMs: $0.changeMs).deviations },
                fixed: standard, aims: [0.8], note: "\(standard) deviations"),
            Judge(
                name: "cairn diverge", score: KontrastQuality.diverge, fixed: 0.5,
                note: "the day before as the other cluster, taken for a latency"),
            Judge(
                name: "Kayenta", score: KontrastQuality.kayenta, fixed: 0.5,
                note: "the two hours after beside the same of the day before; published 0.645"),
            Judge(
                name: "seasonal block z", score: KontrastQuality.seasonal, fixed: 1, note: "published 0.784"),
        ]
        return judges.flatMap { rows($0, cases) }
    }

    private func rows(_ judge: Judge, _ cases: [Case]) -> [QualityResult] {
        let scored = cases.map { (score: judge.score($0), isDiverged: $0.isDiverged, half: $0.half) }
        var (hits, alarms, truths) = (0, 0, 0)
        var thresholds: [Double] = []
        for half in 0...1 {
            let threshold =
                judge.fixed
                ?? KontrastQuality.best(scored.filter { $0.half != half }.map { ($0.score, $0.isDiverged) })
            thresholds.append(threshold)
            for one in scored where one.half == half {
                if one.isDiverged { truths += 1 }
                guard one.score >= threshold else { continue }
                alarms += 1
                if one.isDiverged { hits += 1 }
            }
        }
        let precision = alarms == 0 ? 0 : Double(hits) / Double(alarms)
        let recall = truths == 0 ? 0 : Double(hits) / Double(truths)
        var notes = ["precision \(KontrastQuality.digits(precision)), recall \(KontrastQuality.digits(recall))"]
        if judge.fixed == nil {
            notes.append("thresholds \(thresholds.map(KontrastQuality.digits).joined(separator: " and "))")
        }
        if !judge.note.isEmpty { notes.append(judge.note) }
        let value = KontrastQuality.balance(hits, alarms, truths)
        var result = QualityResult(
            name: "Kontrast F1, \(judge.name)", amount: "\(cases.count) changes", measured: value,
            note: notes.joined(separator: "; "))
        guard !judge.aims.isEmpty else { return [result] }
        result.baseline = "Kayenta 0.645, seasonal block z 0.784 (published)"
        return judge.aims.enumerated().map { number, aim in
            var one = result
            if number > 0 { one.name += ", stretch" }
            one.target = ">= \(aim)"
            one.isReached = value >= aim
            return one
        }
    }

    private static func balance(_ hits: Int, _ alarms: Int, _ truths: Int) -> Double {
        alarms + truths == 0 ? 0 : 2 * Double(hits) / Double(alarms + truths)
    }

    private static func digits(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }

    /// The threshold with the best F1.
    private static func best(_ scored: [(score: Double, isDiverged: Bool)]) -> Double {
        let truths = scored.count { $0.isDiverged }
        var best = (threshold: Double.infinity, value: -1.0)
        for threshold in Set(scored.map(\.score)).sorted() {
            let alarms = scored.filter { $0.score >= threshold }
            let value = balance(alarms.count { $0.isDiverged }, alarms.count, truths)
            if value > best.value { best = (threshold, value) }
        }
        return best.threshold
    }

    private static func kayenta(_ one: Case) -> Double {
        let dayMs: Int64 = 86_400_000
        let end = one.samples.last?.timeMs ?? one.changeMs
        func values(_ range: Range<Int64>) -> [Double] { part(of: one.samples, in: range).map(\.value) }
        let control = values(one.changeMs - dayMs..<max(one.changeMs, end + 1) - dayMs)
        let verdict = KayentaJudge.judge(
            control: control, experiment: values(one.changeMs..<max(one.changeMs, end) + 1))
        return [.high, .low].contains(verdict.classification) ? 1 : 0
    }

    private static func diverge(_ one: Case) -> Double {
        let dayMs: Int64 = 86_400_000
        let end = one.samples.last?.timeMs ?? one.changeMs
        var source = MemorySampleSource()
        let dayBefore = one.samples.map { Sample(timeMs: $0.timeMs + dayMs, value: $0.value) }.filter {
            $0.timeMs <= end
        }
        for (cluster, samples) in [("now", one.samples), ("before", dayBefore)] {
            guard
                let key = try? SeriesKey(
                    name: "indicator_latency_seconds", labels: [Label("app", "indicator"), Label("cluster", cluster)])
            else { return 0 }
            source.add(samples, to: key)
        }
        let request = DivergenceRequest(source: "before", target: "now", sinceMs: one.changeMs)
        let comparisons = (try? DivergenceAnalyzer.analyze(source, request))?.comparisons ?? []
        return comparisons.contains { $0.verdict == .diverged } ? 1 : 0
    }

    private static func seasonal(_ one: Case) -> Double {
        guard let first = one.samples.first?.timeMs, let last = one.samples.last?.timeMs else { return 0 }
        let start = CounterMath.floorToStep(first - one.changeMs, 60_000) / 60_000
        var minutes = [Double](repeating: .nan, count: Int((last - one.changeMs) / 60_000 - start) + 1)
        for sample in one.samples {
            let minute = CounterMath.floorToStep(sample.timeMs - one.changeMs, 60_000) / 60_000 - start
            minutes[Int(minute)] = sample.value
        }
        return SeasonalBlockJudge.deviations(minutes, change: Int(-start)) ?? 0
    }

    private func cases() throws -> [Case] {
        let lines = try data.table("kontrast/labels.csv")
        guard let header = lines.first, let start = header.firstIndex(of: "change_start"),
            let label = header.firstIndex(of: "label"), let identifier = header.firstIndex(of: "case_id")
        else { return [] }
        return try lines.dropFirst().compactMap { line in
            guard line.count == header.count, let number = Int(line[identifier]),
                let change = QualityData.milliseconds(line[start])
            else { return nil }
            let samples = try data.table("kontrast/inst_\(line[identifier]).csv.gz").dropFirst().compactMap {
                fields -> Sample? in
                guard fields.count > 1, let time = QualityData.milliseconds(fields[0]), let value = Double(fields[1])
                else { return nil }
                return Sample(timeMs: time, value: value)
            }
            guard isStrictlyAscending(samples), samples.count > 1 else { return nil }
            return Case(number: number, isDiverged: line[label] == "1", samples: samples, changeMs: change)
        }
    }
}
