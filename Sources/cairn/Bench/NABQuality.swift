import CairnAnalyzer
import CairnBytes
import CairnSeries
import CairnSim

/// `cairn anomalies --scores` on the Numenta Anomaly Benchmark, by its standard profile.
struct NABQuality {
    let data: QualityData

    func rows() throws -> [QualityData.Row] {
        guard let truth = try data.json("nab/windows.json")?.object else {
            return [QualityData.Row(what: "NAB", note: "skipped: no data")]
        }
        var files: [NABScore.File] = []
        for member in truth {
            if let file = try file(member.name, member.value) { files.append(file) }
        }
        guard files.count > 1 else { return [QualityData.Row(what: "NAB", note: "skipped: no data")] }
        files.sort { $0.name < $1.name }
        let threshold = NABScore.bestThreshold(files)
        let windows = files.reduce(0) { $0 + $1.windows.count }
        var rows = [
            QualityData.Row(
                what: "NAB standard", reached: NABScore.normalized(files, threshold: threshold), unit: "of 100",
                target: ">= 60, stretch 70.5",
                baseline: "Numenta 70.1, Skyline 58.2, RCF 51.7 (on all of NAB)",
                note: "\(files.count) files, \(windows) windows; one threshold for all of them, \(threshold)"),
            heldOut(files),
            QualityData.Row(
                what: "NAB at the score of an alarm",
                reached: NABScore.normalized(files, threshold: AnomalyPolicy.standard.alarmScore), unit: "of 100",
                note: "alarms are for few looks in 100,000; NAB wants one in 500"),
        ]
        for category in Set(files.map { NABQuality.category($0.name) }).sorted() {
            let own = files.filter { NABQuality.category($0.name) == category }
            let raw = own.reduce(0) { $0 + NABScore.raw($1, threshold: threshold) }
            let count = own.reduce(0) { $0 + $1.windows.count }
            rows.append(
                QualityData.Row(
                    what: "NAB \(category)", reached: count == 0 ? raw : NABScore.normalized(raw, own),
                    unit: count == 0 ? "raw, 0 is no alarm" : "of 100",
                    note: "\(own.count) files, \(count) windows, the same threshold"))
        }
        return rows
    }

    private static func category(_ name: String) -> String { String(name.prefix { $0 != "/" }) }

    /// Each half of the files with the threshold of the other.
    private func heldOut(_ files: [NABScore.File]) -> QualityData.Row {
        let halves = [0, 1].map { half in files.indices.filter { $0 % 2 == half }.map { files[$0] } }
        let thresholds = halves.map { NABScore.bestThreshold($0) }
        let raw = [0, 1].reduce(0) { sum, half in
            halves[half].reduce(sum) { $0 + NABScore.raw($1, threshold: thresholds[1 - half]) }
        }
        return QualityData.Row(
            what: "NAB standard, held-out threshold", reached: NABScore.normalized(raw, files), unit: "of 100",
            note: "each half of the files at the best threshold of the other: \(thresholds[1]), \(thresholds[0])")
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
