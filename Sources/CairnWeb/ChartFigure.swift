import CairnBytes

/// Draws a `Chart` as SVG. Each picture is drawn for wide screens, for tablets and paper, and for phones, and the style
/// sheet shows one: text keeps its size everywhere, and nothing needs a script.
struct ChartFigure {
    /// How large a picture is, and how much of it text may take.
    struct Size {
        var width: Double
        var height: Double
        var style: StaticString
        var suffix: String
        /// Room for the numbers of a vertical axis.
        var axisWidth: Double
        /// Room for names at the left; 0 puts them above what they name.
        var nameWidth: Double

        static let wide = Size(width: 1120, height: 250, style: "wide", suffix: "w", axisWidth: 62, nameWidth: 300)
        static let medium = Size(width: 700, height: 220, style: "medium", suffix: "m", axisWidth: 58, nameWidth: 262)
        static let narrow = Size(width: 360, height: 220, style: "narrow", suffix: "n", axisWidth: 54, nameWidth: 0)
        static let all = [wide, medium, narrow]
    }

    private static let numbersMax = 240

    let chart: Chart
    /// Unique in the page: `chart-2`.
    let id: String
    var showsExplanation = true

    init(chart: Chart, id: String) {
        self.chart = chart
        self.id = id
    }

    private var times: [Timestamp] {
        chart.series.flatMap { $0.points.map(\.time) } + (chart.band?.points.map(\.time) ?? [])
            + chart.windows.flatMap { [$0.start, $0.end] }
    }

    /// The figure with its legend, both pictures and the numbers behind them.
    func write(to page: inout Markup) {
        page.element("figure", ["class": "chart"]) { page in
            page.element("figcaption") { page in
                page.element("strong", text: chart.title)
                page.element("span", ["class": "axis"], text: chart.axis)
                legend(&page)
            }
            page.lineBreak()
            for size in Size.all {
                picture(size, to: &page)
                page.lineBreak()
            }
            if showsExplanation, !chart.explanation.isEmpty {
                page.element("p", ["class": "note"], text: chart.explanation)
            }
            numbers(&page)
        }
        page.lineBreak()
    }

    private func legend(_ page: inout Markup) {
        page.element("ul", ["class": "legend"]) { page in
            for series in chart.series {
                page.element("li") { page in
                    swatch(&page, "line \(series.role.rawValue)")
                    page.text(series.name)
                }
            }
            if let band = chart.band, !band.points.isEmpty {
                page.element("li") { page in
                    swatch(&page, "band")
                    page.text(band.name)
                }
            }
            for window in chart.windows {
                page.element("li") { page in
                    swatch(&page, "window \(window.severity.rawValue)")
                    page.text("\(window.label), \(clock(window.start)) to \(clock(window.end)) UTC")
                }
            }
        }
    }

    private func swatch(_ page: inout Markup, _ style: String) {
        page.element("svg", ["width": "22", "height": "10", "viewBox": "0 0 22 10", "aria-hidden": "true"]) { page in
            if style.hasPrefix("line") {
                page.shape("path", ["class": style, "d": "M1 5H21"])
            } else {
                page.shape("rect", ["class": style, "x": "1", "y": "1", "width": "20", "height": "8"])
            }
        }
    }

    private func picture(_ size: Size, to page: inout Markup) {
        guard let first = times.min(), let last = times.max() else {
            if size.suffix == "w" { page.element("p", ["class": "note"], text: "No samples in this range.") }
            return
        }
        let plot = Plot(
            chart: chart, size: size,
            time: TimeScale(from: first, until: last, left: size.axisWidth, right: size.width - 10))
        let name = "\(id)-\(size.suffix)"
        page.element(
            "svg",
            [
                "class": "picture \(size.style)", "viewBox": "0 0 \(place(size.width)) \(place(size.height))",
                "role": "img", "aria-labelledby": "\(name)-title \(name)-desc",
            ]
        ) { page in
            page.element("title", ["id": "\(name)-title"], text: chart.title)
            page.element("desc", ["id": "\(name)-desc"], text: spoken)
            plot.draw(&page)
        }
    }

    /// What the picture shows, for those who hear it.
    private var spoken: String {
        var sentences = [chart.explanation].filter { !$0.isEmpty }
        for series in chart.series {
            let values = series.points.compactMap(\.value).filter(\.isFinite)
            guard let least = values.min(), let most = values.max(), let last = values.last else { continue }
            sentences.append(
                "\(series.name): \(values.count) values of \(chart.axis), from \(NumberText.axis(least, chart.unit)) to "
                    + "\(NumberText.axis(most, chart.unit)), last \(NumberText.axis(last, chart.unit)).")
        }
        for window in chart.windows {
            sentences.append("\(window.label) from \(clock(window.start)) to \(clock(window.end)) UTC.")
        }
        for mark in chart.marks { sentences.append("\(mark.label) at \(clock(mark.time)) UTC.") }
        return sentences.joined(separator: " ")
    }

    /// The same as a table, folded away: for those who cannot see the picture, or want to copy the numbers.
    private func numbers(_ page: inout Markup) {
        let times = Set(chart.series.flatMap { $0.points.map(\.time) }).sorted()
        guard !times.isEmpty else { return }
        let stride = max(1, (times.count + ChartFigure.numbersMax - 1) / ChartFigure.numbersMax)
        let shown = times.indices.filter { $0.isMultiple(of: stride) }.map { times[$0] }
        let columns = chart.series.map { series in
            Dictionary(series.points.map { ($0.time, $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        let title = stride > 1 ? "Numbers (every \(stride)th of \(times.count) moments)" : "Numbers"
        page.element("details", ["class": "numbers"]) { page in
            page.element("summary", text: title)
            page.element("table", ["class": "rows"]) { page in
                page.element("caption", ["class": "unseen"], text: "\(chart.title): \(chart.axis)")
                page.element("tr") { page in
                    page.element("th", ["scope": "col"], text: "Time (UTC)")
                    for series in chart.series {
                        page.element("th", ["scope": "col", "class": "number"], text: series.name)
                    }
                }
                for time in shown {
                    page.lineBreak()
                    page.element("tr") { page in
                        page.element("th", ["scope": "row"], text: time.timeText)
                        for column in columns {
                            let value = column[time].flatMap { $0 }
                            page.element(
                                "td", ["class": "number"],
                                text: value.map { NumberText.axis($0, chart.unit) } ?? "no data")
                        }
                    }
                }
            }
        }
    }
}

/// The hours and minutes of a moment.
func clock(_ time: Timestamp) -> String { String(time.timeText.prefix(5)) }

/// A coordinate, short: tenths of a pixel are more than eyes see.
func place(_ value: Double) -> String {
    let text = NumberText.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
