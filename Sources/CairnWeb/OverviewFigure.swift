import CairnBytes

/// The picture at the top of a timeline: a bar per phase, the share of traffic below it, and the findings across both,
/// on one axis of time. Quiet days are folded away, so that the hours that matter have room.
struct OverviewFigure {
    let document: TimelineDocument
    /// Rows of moments below the phases: hooks, gates, approvals.
    var lanes: [OverviewLane] = []
    /// What is drawn links to its entry, in a page of the server.
    var site: SiteLinks?
    var title = "Phases and traffic"

    private static let rowHeight = 24.0
    private static let shareHeight = 64.0
    private static let axisHeight = 40.0
    private static let rowsMax = 40
    /// Of a letter in 13 pixels, on average and then some.
    private static let letterWidth = 7.6

    private var production: [TrafficShare] {
        document.trafficShares.filter { $0.kind == .production }.sorted { $0.time < $1.time }
    }

    private var phases: [TimelinePhase] {
        Array(
            document.phases.filter { ($0.end ?? document.until) >= document.from && $0.start <= document.until }
                .prefix(OverviewFigure.rowsMax))
    }

    /// A line of the strip. Phases of several runs are named `RUN: PHASE`: the run is said once, above its phases.
    private enum Row {
        case run(String)
        case phase(TimelinePhase, name: String)
        case lane(OverviewLane)
    }

    private var rows: [Row] {
        var own: [Row] = []
        var runs: [String] = []
        var phasesByRun: [String: [Row]] = [:]
        for phase in phases {
            guard let mark = phase.name.firstRange(of: ": "), mark.lowerBound > phase.name.startIndex else {
                own.append(.phase(phase, name: phase.name))
                continue
            }
            let run = String(phase.name[..<mark.lowerBound])
            if phasesByRun[run] == nil { runs.append(run) }
            phasesByRun[run, default: []].append(.phase(phase, name: String(phase.name[mark.upperBound...])))
        }
        return own + runs.flatMap { [.run($0)] + (phasesByRun[$0] ?? []) } + shownLanes.map { .lane($0) }
    }

    private var shownLanes: [OverviewLane] { lanes.filter { !$0.marks.isEmpty } }

    var isEmpty: Bool { phases.isEmpty && production.isEmpty && shownLanes.isEmpty }

    func write(to page: inout Markup) {
        guard !isEmpty else { return }
        page.element("figure", ["class": "overview"]) { page in
            page.element("figcaption") { page in
                page.element("strong", text: title)
                legend(&page)
            }
            page.lineBreak()
            for size in ChartFigure.Size.all {
                picture(size, &page)
                page.lineBreak()
            }
        }
        page.lineBreak()
    }

    private func legend(_ page: inout Markup) {
        page.element("ul", ["class": "legend"]) { page in
            if !production.isEmpty {
                for (role, name) in [
                    ("source", document.clusters?.source ?? "source"),
                    ("target", document.clusters?.target ?? "target"),
                ] {
                    page.element("li") { page in
                        page.element(
                            "svg", ["width": "14", "height": "10", "viewBox": "0 0 14 10", "aria-hidden": "true"]
                        ) { page in
                            page.shape("rect", ["class": "share \(role)", "width": "14", "height": "10"])
                        }
                        page.text(name)
                    }
                }
            }
            for (index, finding) in document.findings.enumerated() {
                page.element("li") { page in
                    page.element(
                        "svg", ["width": "14", "height": "10", "viewBox": "0 0 14 10", "aria-hidden": "true"]
                    ) { page in
                        page.shape(
                            "rect", ["class": "window \(finding.severity.rawValue)", "width": "14", "height": "10"])
                    }
                    page.text("Finding \(index + 1)")
                }
            }
            if scale(.wide).isBroken {
                page.element("li") { page in
                    page.element(
                        "svg", ["width": "14", "height": "10", "viewBox": "0 0 14 10", "aria-hidden": "true"]
                    ) { page in
                        page.shape("rect", ["class": "gap", "x": "1", "width": "12", "height": "10"])
                    }
                    page.text("quiet time, folded")
                }
            }
        }
    }

    private func scale(_ size: ChartFigure.Size) -> TimeScale {
        let turningPoints =
            production.map(\.time) + document.findings.flatMap { [$0.start, $0.end ?? $0.start] }
        let moments =
            document.entries.map(\.time) + phases.flatMap { [$0.start, $0.end ?? document.until] } + turningPoints
            + lanes.flatMap { $0.marks.flatMap { [$0.time, $0.end ?? $0.time] } }
        return TimeScale(
            from: document.from, until: document.until, left: max(size.nameWidth, 4), right: size.width - 10,
            moments: moments, turningPoints: turningPoints)
    }

    private func picture(_ size: ChartFigure.Size, _ page: inout Markup) {
        let isWide = size.nameWidth > 0
        let row = OverviewFigure.rowHeight + (isWide ? 0 : 14)
        let findingsHeight = document.findings.isEmpty ? 6.0 : 20.0
        let rows = rows
        let phasesBottom = findingsHeight + Double(rows.count) * row
        let shareTop = phasesBottom + (production.isEmpty ? 0 : isWide ? 12 : 26)
        let bottom = shareTop + (production.isEmpty ? 0 : OverviewFigure.shareHeight)
        let height = bottom + OverviewFigure.axisHeight
        let time = scale(size)
        page.element(
            "svg",
            [
                "class": "picture \(size.style)", "viewBox": "0 0 \(place(size.width)) \(place(height))", "role": "img",
                "aria-labelledby": "overview-\(size.suffix)-title overview-\(size.suffix)-desc",
            ]
        ) { page in
            page.element("title", ["id": "overview-\(size.suffix)-title"], text: "Phases and traffic over time")
            page.element("desc", ["id": "overview-\(size.suffix)-desc"], text: spoken)
            axis(time, bottom: bottom, &page)
            findingAreas(time, bottom: phasesBottom + 4, &page)
            for (index, line) in rows.enumerated() {
                guard case .phase(let phase, _) = line else { continue }
                bar(phase, top: findingsHeight + Double(index) * row, time: time, isWide: isWide, &page)
            }
            if !production.isEmpty { shares(top: shareTop, time: time, &page) }
            gaps(time, bottom: bottom, &page)
            findingEdges(time, bottom: bottom, label: isWide ? "Finding " : "", &page)
            for (index, line) in rows.enumerated() {
                let top = findingsHeight + Double(index) * row
                let height = top + (isWide ? 17 : 13)
                switch line {
                case .run(let name): label("", detail: name, height: height, time: time, isWide: isWide, &page)
                case .phase(let phase, let name):
                    label(name, detail: detail(phase), height: height, time: time, isWide: isWide, &page)
                case .lane(let lane):
                    lane.draw(top: top + (isWide ? 12 : 25), time: time, site: site, &page)
                    label(
                        lane.name, detail: String(lane.marks.count), height: height, time: time, isWide: isWide, &page)
                }
            }
            if !production.isEmpty { shareLabels(top: shareTop, time: time, isWide: isWide, &page) }
        }
    }

    private func bar(_ phase: TimelinePhase, top: Double, time: TimeScale, isWide: Bool, _ page: inout Markup) {
        let left = time.place(of: max(phase.start, document.from))
        let right = time.place(of: min(phase.end ?? document.until, document.until))
        OverviewLane.linked(phase.position, site, &page) { page in
            page.element(
                "rect",
                [
                    "class": "bar \(phase.status.rawValue)", "x": place(left), "y": place(top + (isWide ? 4 : 17)),
                    "width": place(max(3, right - left)), "height": "16", "rx": "2",
                ]
            ) { page in
                page.element(
                    "title", text: "\(phase.name): \(phase.start) to \(phase.end.map(\.description) ?? "now")")
            }
        }
    }

    private func detail(_ phase: TimelinePhase) -> String {
        let end = phase.end ?? document.until
        let lasted = NumberText.duration(seconds: Double(end.microseconds - phase.start.microseconds) / 1_000_000)
        return switch phase.status {
        case .planned: "planned"
        case .running: "\(lasted) so far"
        case .completed: lasted
        case .failed, .reverted: "\(lasted), \(phase.status.rawValue)"
        }
    }

    private func label(
        _ text: String, detail: String, height: Double, time: TimeScale, isWide: Bool, _ page: inout Markup
    ) {
        // The end of a long name says most: `.../PRODUCTION_TRAFFIC_SHIFT 2`.
        let room = Int(((isWide ? time.left : time.right - time.left) - 26) / OverviewFigure.letterWidth)
        let short = OverviewFigure.ending(of: text, width: room - detail.count)
        let detail = text.isEmpty ? OverviewFigure.ending(of: detail, width: room) : detail
        page.element(
            "text",
            [
                "class": "name halo", "x": place(isWide ? time.left - 12 : time.left), "y": place(height),
                "text-anchor": isWide ? "end" : nil,
            ]
        ) { page in
            page.text(short)
            page.element("tspan", ["class": "tick", "dx": text.isEmpty ? nil : "8"], text: detail)
        }
    }

    /// The shares from moment to moment. Before the first shift the source had everything, unless it says otherwise.
    private var steps: [TrafficShare] {
        guard let first = production.first, first.time > document.from else { return production }
        return [TrafficShare(time: document.from, sourcePercent: 100, targetPercent: 0)] + production
    }

    private func shares(top: Double, time: TimeScale, _ page: inout Markup) {
        let height = OverviewFigure.shareHeight
        page.shape(
            "rect",
            [
                "class": "share source", "x": place(time.left), "y": place(top),
                "width": place(time.right - time.left), "height": place(height),
            ])
        var path = "M\(place(time.left)) \(place(top + height))"
        let steps = steps
        for (index, step) in steps.enumerated() {
            let level = place(top + height * (1 - OverviewFigure.part(step)))
            let end = index + 1 < steps.count ? steps[index + 1].time : document.until
            path += "L\(place(time.place(of: step.time))) \(level)L\(place(time.place(of: end))) \(level)"
        }
        path += "L\(place(time.right)) \(place(top + height))Z"
        page.shape("path", ["class": "share target", "d": path])
    }

    private func shareLabels(top: Double, time: TimeScale, isWide: Bool, _ page: inout Markup) {
        let height = OverviewFigure.shareHeight
        label(
            "production traffic", detail: "share", height: isWide ? top + 36 : top - 6, time: time, isWide: isWide,
            &page)
        let steps = steps
        for (index, step) in steps.enumerated() {
            let start = time.place(of: step.time)
            let end = time.place(of: index + 1 < steps.count ? steps[index + 1].time : document.until)
            guard end - start >= 30 else { continue }
            let part = OverviewFigure.part(step)
            let level = top + height * (1 - part)
            page.element(
                "text", ["x": place(start + 5), "y": place(part >= 0.4 ? level + 15 : level - 5)],
                text: "\(NumberText.significant(part * 100))%")
        }
    }

    private static func ending(of text: String, width: Int) -> String {
        guard PlainText.width(text) > max(8, width) else { return text }
        var ending = Substring(text)
        while PlainText.width(String(ending)) > max(7, width - 1) { ending.removeFirst() }
        return "…" + ending
    }

    /// The target's share from 0 to 1.
    private static func part(_ share: TrafficShare) -> Double {
        share.targetPercent.isFinite ? min(100, max(0, share.targetPercent)) / 100 : 0
    }

    private func span(of finding: TimelineFinding, _ time: TimeScale) -> (left: Double, right: Double) {
        let left = time.place(of: max(finding.start, document.from))
        let right = time.place(of: min(finding.end ?? document.until, document.until))
        return (left, max(left + 2, right))
    }

    /// Behind the bars, so that these keep their colours.
    private func findingAreas(_ time: TimeScale, bottom: Double, _ page: inout Markup) {
        for finding in document.findings {
            let (left, right) = span(of: finding, time)
            page.shape(
                "rect",
                [
                    "class": "window \(finding.severity.rawValue)", "x": place(left), "y": "16",
                    "width": place(right - left), "height": place(bottom - 16),
                ])
        }
    }

    /// In front of everything: where each finding begins and ends, down through the traffic strip.
    private func findingEdges(_ time: TimeScale, bottom: Double, label: String, _ page: inout Markup) {
        var free = time.left
        for (index, finding) in document.findings.enumerated() {
            let (left, right) = span(of: finding, time)
            for edge in finding.end == nil ? [left] : [left, right] {
                page.shape(
                    "line",
                    [
                        "class": "edge \(finding.severity.rawValue)", "x1": place(edge), "x2": place(edge), "y1": "16",
                        "y2": place(bottom),
                    ])
            }
            let text = "\(label)\(index + 1)"
            let width = 8 * Double(text.count)
            let start = max(free, min(left, time.right - width))
            page.element(
                "text", ["class": "tick \(finding.severity.rawValue)", "x": place(start), "y": "11"], text: text)
            free = start + width + 4
        }
    }

    /// Time that is folded away.
    private func gaps(_ time: TimeScale, bottom: Double, _ page: inout Markup) {
        for segment in time.segments where segment.isBroken {
            page.element(
                "rect",
                [
                    "class": "gap", "x": place(segment.left), "y": "16", "width": place(segment.right - segment.left),
                    "height": place(bottom - 16),
                ]
            ) { page in
                page.element("title", text: "Nothing happened from \(segment.start) to \(segment.end); not to scale")
            }
        }
    }

    private func axis(_ time: TimeScale, bottom: Double, _ page: inout Markup) {
        page.shape(
            "line",
            [
                "class": "grid", "x1": place(time.left), "x2": place(time.right), "y1": place(bottom),
                "y2": place(bottom),
            ])
        for tick in time.ticks {
            page.shape(
                "line",
                [
                    "class": "grid", "x1": place(tick.place), "x2": place(tick.place), "y1": "14",
                    "y2": place(bottom + 4),
                ])
            page.element(
                "text",
                [
                    "class": "tick", "x": place(min(max(tick.place, time.left + 14), time.right - 14)),
                    "y": place(bottom + 17), "text-anchor": "middle",
                ], text: tick.label)
        }
        for date in time.dates {
            let left = min(date.place, time.right - 34)
            page.element("text", ["class": "tick", "x": place(left), "y": place(bottom + 33)], text: date.label)
        }
    }

    private var spoken: String {
        var sentences = phases.map { phase in
            let end = phase.end.map { "to \($0.dateText) \(clock($0))" } ?? "and still running"
            return "\(phase.name) \(phase.status.rawValue), from \(phase.start.dateText) \(clock(phase.start)) \(end)."
        }
        for share in production {
            let percent = NumberText.significant(share.targetPercent)
            sentences.append(
                "At \(share.time.dateText) \(clock(share.time)) the target had \(percent) percent of traffic.")
        }
        for lane in shownLanes {
            let marks = lane.marks.map { "\($0.label) at \($0.time.dateText) \(clock($0.time))" }
            sentences.append("\(lane.name): \(marks.joined(separator: "; ")).")
        }
        for (index, finding) in document.findings.enumerated() {
            sentences.append("Finding \(index + 1), \(finding.title), from \(clock(finding.start)) UTC.")
        }
        return sentences.joined(separator: " ")
    }
}
