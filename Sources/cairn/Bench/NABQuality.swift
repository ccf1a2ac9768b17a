import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnSim

/// `cairn anomalies --scores` on the Numenta Anomaly Benchmark, by its standard profile.
struct NABQuality {
    let data: QualityData

    func rows() throws -> [QualityResult] {
        guard let truth = try data.json("nab/windows.json")?.object else {
            return [QualityResult(name: "NAB", note: "skipped: no data")]
        }
        var files: [NABScore.File] = []
        for member in truth {
            if let file = try file(member.name, member.value) { files.append(file) }
        }
        guard files.count > 1 else { return [QualityResult(name: "NAB", note: "skipped: no data")] }
        files.sort { $0.name < $1.name }
        let threshold = NABScore.bestThreshold(files)
        let windows = files.reduce(0) { $0 + $1.windows.count }
        let amount = "\(files.count) files, \(windows) windows"
        let others = "Numenta 70.1, Skyline 58.2, RCF 51.7 (on all of NAB)"
        let score = NABScore.normalized(files, threshold: threshold)
        let halves = files.indices.map { "\($0 % 2)" }
        let categories = files.map { NABQuality.category($0.name) }
        var rows = [
            QualityResult(
                name: "NAB standard", amount: amount, measured: score, unit: "of 100", target: ">= 60",
                isReached: score >= 60, baseline: others, note: "one threshold for all of them, \(threshold)"),
            QualityResult(
                name: "NAB standard, stretch", amount: amount, measured: score, unit: "of 100", target: ">= 70.5",
                isReached: score >= 70.5, baseline: others, note: "the same"),
            heldOut(files, by: halves, "held-out files", "each half of the files at the best threshold of the other"),
            heldOut(
                files, by: categories, "held-out categories",
                "each category at the best threshold of the other categories"),
            QualityResult(
                name: "NAB at the score of an alarm", amount: amount,
                measured: NABScore.normalized(files, threshold: AnomalyPolicy.standard.alarmScore), unit: "of 100",
                note: "alarms are for few looks in 100,000; NAB wants one in 500"),
        ]
        for category in Set(files.map { NABQuality.category($0.name) }).sorted() {
            let own = files.filter { NABQuality.category($0.name) == category }
            let raw = own.reduce(0) { $0 + NABScore.raw($1, threshold: threshold) }
            let count = own.reduce(0) { $0 + $1.windows.count }
            rows.append(
                QualityResult(
                    name: "NAB \(category)", amount: "\(own.count) files, \(count) windows",
                    measured: count == 0 ? raw : NABScore.normalized(raw, own),
                    unit: count == 0 ? "raw, 0 is no alarm" : "of 100", note: "the same threshold"))
        }
        return rows
    }

    private static func category(_ name: String) -> String { String(name.prefix { $0 != "/" }) }

    /// Each group of files at the threshold that is best for all others.
    private func heldOut(
        _ files: [NABScore.File], by groups: [String], _ name: String, _ note: String
    ) -> QualityResult {
        var raw = 0.0
        var thresholds: [String] = []
        for group in Set(groups).sorted() {
            let own = files.indices.filter { groups[$0] == group }.map { files[$0] }
            let others = files.indices.filter { groups[$0] != group }.map { files[$0] }
            let threshold = NABScore.bestThreshold(others)
            thresholds.append("\(threshold)")
            raw += own.reduce(0) { $0 + NABScore.raw($1, threshold: threshold) }
        }
        let score = NABScore.normalized(raw, files)
        return QualityResult(
            name: "NAB standard, \(name)", amount: "\(files.count) files", measured: score, unit: "of 100",
            target: ">= 60", isReached: score >= 60, note: "\(note): \(thresholds.joined(separator: ", "))")
    }

    private func file(_ name: String, _ windows: JSONValue) throws -> NABScore.File? {
        let lines = try data.table("nab/\(name)").dropFirst()
        guard !lines.isEmpty else { return nil }
        var detector = AnomalyDetector()
        var times: [Int64] = []
        var scores: [Double] = []
        for line in lines where line.count > 1 {
            guard let time = QualityData.milliseconds(line[0]), let value = Double(line[1]) else { continue }
            times.append(time)
            scores.append(detector.add(timeMs: time, value: value)?.score ?? 0)
        }
        let ranges = (windows.array ?? []).compactMap { window -> ClosedRange<Int>? in
            guard let start = window.array?.first?.string.flatMap({ QualityData.milliseconds($0[...]) }),
                let end = window.array?.last?.string.flatMap({ QualityData.milliseconds($0[...]) }),
                let first = times.firstIndex(where: { $0 >= start }), let last = times.lastIndex(where: { $0 <= end })
            else { return nil }
            return first <= last ? first...last : nil
        }
        return NABScore.File(name: name, scores: scores, windows: ranges)
    }
}
