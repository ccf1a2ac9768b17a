import CairnBytes

/// The inside of one picture of a chart: axes, band, windows, lines and marks, from back to front.
struct Plot {
    let chart: Chart
    let size: ChartFigure.Size
    let time: TimeScale
    private let value: ValueScale
    private let top: Double
    private let bottom: Double
    private static let labelWidth = 6.2

    init(chart: Chart, size: ChartFigure.Size, time: TimeScale) {
        self.chart = chart
        self.size = size
        self.time = time
        top = chart.marks.isEmpty ? 12 : 28
        bottom = size.height - 26
        value = ValueScale(values: Plot.values(chart), unit: chart.unit, top: top, bottom: bottom)
    }

    /// What the axis has to hold. An interval begins so wide that it would flatten all else: what lies far out of the rest
    /// runs along the edge.
    private static func values(_ chart: Chart) -> [Double] {
        func all(_ series: Chart.Series) -> [Double] { series.points.compactMap(\.value).filter(\.isFinite) }
        var values = chart.levels.map(\.value).filter(\.isFinite)
        for point in chart.band?.points ?? [] { values += [point.low, point.high] }
        var references: [Double] = []
        for series in chart.series {
            let own = all(series)
            if series.role == .reference { references += own }
            values += series.role == .reference ? Array(own.suffix(own.count / 2)) : own
        }
        guard let low = values.min(), let high = values.max() else { return references }
        let (least, most) = (low - (high - low), high + (high - low))
        return values + references.filter { $0 >= least && $0 <= most }
    }

    func draw(_ page: inout Markup) {
        windows(&page)
        grid(&page)
        band(&page)
        levels(&page)
        let order: [Chart.Role] = [.reference, .source, .target, .signal]
        for role in order {
            for series in chart.series where series.role == role { line(series, &page) }
        }
        marks(&page)
    }

    private func grid(_ page: inout Markup) {
        for tick in value.ticks {
            let height = place(value.place(of: tick))
            page.shape(
                "line",
                ["class": "grid", "x1": place(time.left), "x2": place(time.right), "y1": height, "y2": height])
            page.element(
                "text",
                [
                    "class": "tick", "x": place(time.left - 6), "y": place(value.place(of: tick) + 4),
                    "text-anchor": "end",
                ],
                text: NumberText.axis(tick, chart.unit))
        }
        for tick in time.ticks {
            page.shape(
                "line",
                [
                    "class": "grid", "x1": place(tick.place), "x2": place(tick.place), "y1": place(bottom),
                    "y2": place(bottom + 4),
                ])
            page.element(
                "text",
                [
                    "class": "tick", "x": place(min(max(tick.place, time.left + 14), time.right - 14)),
                    "y": place(bottom + 18), "text-anchor": "middle",
                ], text: tick.label)
        }
    }

    private func windows(_ page: inout Markup) {
        for window in chart.windows {
            let start = time.place(of: window.start)
            page.shape(
                "rect",
                [
                    "class": "window \(window.severity.rawValue)", "x": place(start), "y": place(top),
                    "width": place(max(2, time.place(of: window.end) - start)), "height": place(bottom - top),
                ])
        }
    }

    private func band(_ page: inout Markup) {
        let points = (chart.band?.points ?? []).filter { $0.low.isFinite && $0.high.isFinite }
            .sorted { $0.time < $1.time }
        guard points.count > 1 else { return }
        let upper = points.map { "\(place(time.place(of: $0.time))) \(place(value.place(of: $0.high)))" }
        let lower = points.reversed().map { "\(place(time.place(of: $0.time))) \(place(value.place(of: $0.low)))" }
        page.shape("path", ["class": "band", "d": "M" + (upper + lower).joined(separator: "L") + "Z"])
    }

    private func levels(_ page: inout Markup) {
        for level in chart.levels where level.value.isFinite {
            let height = value.place(of: level.value)
            page.shape(
                "line",
                [
                    "class": "level", "x1": place(time.left), "x2": place(time.right), "y1": place(height),
                    "y2": place(height),
                ])
            page.element(
                "text",
                ["class": "tick halo", "x": place(time.right - 2), "y": place(height - 4), "text-anchor": "end"],
                text: level.label)
        }
    }

    /// Moments with labels above the plot; a label that would run into the one before it is left to the legend's
    /// reader and the description.
    private func marks(_ page: inout Markup) {
        var free = time.left
        for mark in chart.marks.sorted(by: { $0.time < $1.time }) {
            let center = time.place(of: mark.time)
            page.shape(
                "line",
                [
                    "class": "mark", "x1": place(center), "x2": place(center), "y1": place(top - 6),
                    "y2": place(bottom),
                ])
            let width = Double(PlainText.width(mark.label)) * Plot.labelWidth
            let start = min(max(free, center - width / 2), time.right - width)
            guard start >= free, (start + width / 2 - center).magnitude < width else { continue }
            page.element("text", ["class": "tick", "x": place(start), "y": place(top - 12)], text: mark.label)
            free = start + width + 10
        }
    }

    /// A line that breaks where nothing was measured. Where there are more points than pixels, each pixel keeps its
    /// lowest and highest value, so that no spike is lost.
    private func line(_ series: Chart.Series, _ page: inout Markup) {
        let points = series.points.sorted { $0.time < $1.time }
        var path = ""
        var isDrawing = false
        var lone: [(Double, Double)] = []
        var runLength = 0
        var last = (0.0, 0.0)
        func endRun() {
            if runLength == 1 { lone.append(last) }
            runLength = 0
            isDrawing = false
        }
        for point in thinned(points) {
            guard let number = point.value, number.isFinite else {
                endRun()
                continue
            }
            last = (time.place(of: point.time), value.place(of: number))
            path += (isDrawing ? "L" : "M") + "\(place(last.0)) \(place(last.1))"
            isDrawing = true
            runLength += 1
        }
        endRun()
        page.shape("path", ["class": "line \(series.role.rawValue)", "d": path])
        for (x, y) in lone {
            page.shape("circle", ["class": "dot \(series.role.rawValue)", "cx": place(x), "cy": place(y), "r": "2.2"])
        }
    }

    private func thinned(_ points: [Chart.Point]) -> [Chart.Point] {
        let pixels = Int(time.right - time.left)
        guard points.count > 2 * pixels else { return points }
        var result: [Chart.Point] = []
        var index = 0
        while index < points.count {
            let column = Int(time.place(of: points[index].time))
            var low = points[index]
            var high = points[index]
            var gap: Chart.Point?
            while index < points.count, Int(time.place(of: points[index].time)) == column {
                let point = points[index]
                if let number = point.value {
                    if number < low.value ?? .infinity { low = point }
                    if number > high.value ?? -.infinity { high = point }
                } else {
                    gap = point
                }
                index += 1
            }
            result += low.time <= high.time ? [low, high] : [high, low]
            if let gap { result.append(gap) }
        }
        return result
    }
}
