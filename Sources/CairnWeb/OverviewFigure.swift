import CairnBytes

/// The picture at the top of a timeline: a bar per phase, the share of traffic below it, and the findings across both,
/// on one axis of time. Quiet days are folded away, so that the hours that matter have room.
struct OverviewFigure {
    let document: TimelineDocument

    private static let rowHeight = 24.0
    private static let shareHeight = 64.0
    private static let axisHeight = 40.0
    private static let rowsMax = 40

    private var production: [TrafficShare] {
        document.trafficShares.filter { $0.kind == .production }.sorted { $0.time < $1.time }
    }

    private var phases: [TimelinePhase] {
        Array(
            document.phases.filter { ($0.end ?? document.until) >= document.from && $0.start <= document.until }
                .prefix(OverviewFigure.rowsMax))
    }

    var isEmpty: Bool { phases.isEmpty && production.isEmpty }

    func write(to page: inout Markup) {
        guard !isEmpty else { return }
        page.element("figure", ["class": "overview"]) { page in
            page.element("figcaption") { page in
                page.element("strong", text: "Phases and traffic")
                legend(&page)
            }
            page.lineBreak()
            for size in [ChartFigure.Size.wide, ChartFigure.Size.narrow] {
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
        }
    }

    private func picture(_ size: ChartFigure.Size, _ page: inout Markup) {
        let isWide = size.suffix == "w"
        let gutter = isWide ? 250.0 : 4.0
        let row = OverviewFigure.rowHeight + (isWide ? 0 : 14)
        let findingsHeight = document.findings.isEmpty ? 6.0 : 20.0
        let phasesBottom = findingsHeight + Double(phases.count) * row
        let shareTop = phasesBottom + (production.isEmpty ? 0 : isWide ? 12 : 26)
        let bottom = shareTop + (production.isEmpty ? 0 : OverviewFigure.shareHeight)
        let height = bottom + OverviewFigure.axisHeight
        let moments =
            document.entries.map(\.time) + phases.flatMap { [$0.start, $0.end ?? document.until] }
            + production.map(\.time) + document.findings.flatMap { [$0.start, $0.end ?? $0.start] }
        let time = TimeScale(
            from: document.from, until: document.until, left: gutter, right: size.width - 10, moments: moments)
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
            for (index, phase) in phases.enumerated() {
                bar(phase, top: findingsHeight + Double(index) * row, time: time, isWide: isWide, &page)
            }
            if !production.isEmpty { shares(top: shareTop, time: time, isWide: isWide, &page) }
            findings(time, bottom: bottom, &page)
        }
    }

    private func bar(_ phase: TimelinePhase, top: Double, time: TimeScale, isWide: Bool, _ page: inout Markup) {
        let begin = max(phase.start, document.from)
        let end = min(phase.end ?? document.until, document.until)
        let left = time.place(of: begin)
        let width = max(3, time.place(of: end) - left)
        let barTop = top + (isWide ? 4 : 17)
        let lasted = Double(end.microseconds - phase.start.microseconds) / 1_000_000
        let duration = NumberText.duration(seconds: lasted) + (phase.end == nil ? " so far" : "")
        let status = phase.status == .completed ? "" : ", \(phase.status.rawValue)"
        let detail = phase.status == .planned ? "planned" : "\(duration)\(status)"
        if isWide {
            page.element(
                "text", ["class": "name", "x": place(time.left - 12), "y": place(barTop + 13), "text-anchor": "end"]
            ) { page in
                page.text(phase.name)
                page.element("tspan", ["class": "tick", "dx": "8"], text: detail)
            }
        } else {
            page.element("text", ["class": "name", "x": place(time.left), "y": place(top + 13)]) { page in
                page.text(phase.name)
                page.element("tspan", ["class": "tick", "dx": "8"], text: detail)
            }
        }
        page.element(
            "rect",
            [
                "class": "bar \(phase.status.rawValue)", "x": place(left), "y": place(barTop), "width": place(width),
                "height": "16", "rx": "2",
            ]
        ) { page in
            page.element("title", text: "\(phase.name): \(phase.start) to \(phase.end.map(\.description) ?? "now")")
        }
    }

    private func shares(top: Double, time: TimeScale, isWide: Bool, _ page: inout Markup) {
        let height = OverviewFigure.shareHeight
        if isWide {
            page.element(
                "text", ["class": "name", "x": place(time.left - 12), "y": place(top + 36), "text-anchor": "end"]
            ) { page in
                page.text("production traffic")
                page.element("tspan", ["class": "tick", "dx": "8"], text: "share")
            }
        } else {
            page.element(
                "text", ["class": "name", "x": place(time.left), "y": place(top - 6)], text: "production traffic")
        }
        page.shape(
            "rect",
            [
                "class": "share source", "x": place(time.left), "y": place(top), "width": place(time.right - time.left),
                "height": place(height),
            ])
        // Before the first shift the source had everything, unless it says otherwise.
        var steps = production
        if let first = steps.first, first.time > document.from {
            steps.insert(TrafficShare(time: document.from, sourcePercent: 100, targetPercent: 0), at: 0)
        }
        var path = "M\(place(time.left)) \(place(top + height))"
        for (index, step) in steps.enumerated() {
            let percent = min(100, max(0, step.targetPercent.isFinite ? step.targetPercent : 0))
            let level = place(top + height * (1 - percent / 100))
            let end = index + 1 < steps.count ? steps[index + 1].time : document.until
            path += "L\(place(time.place(of: step.time))) \(level)L\(place(time.place(of: end))) \(level)"
        }
        path += "L\(place(time.right)) \(place(top + height))Z"
        page.shape("path", ["class": "share target", "d": path])
        var free = time.left
        for (index, step) in steps.enumerated() {
            let start = time.place(of: step.time)
            let end = time.place(of: index + 1 < steps.count ? steps[index + 1].time : document.until)
            let label = "\(NumberText.significant(step.targetPercent))%"
            guard end - start >= 30, start >= free else { continue }
            let isHigh = step.targetPercent >= 40
            let level = top + height * (1 - min(100, max(0, step.targetPercent)) / 100)
            page.element(
                "text",
                [
                    "class": isHigh ? "on-target" : "on-source", "x": place(start + 5),
                    "y": place(isHigh ? level + 15 : level - 5),
                ],
                text: label)
            free = start + 36
        }
    }

    private func findings(_ time: TimeScale, bottom: Double, _ page: inout Markup) {
        var free = time.left
        for (index, finding) in document.findings.enumerated() {
            let start = time.place(of: max(finding.start, document.from))
            let end = time.place(of: min(finding.end ?? document.until, document.until))
            page.shape(
                "rect",
                [
                    "class": "window \(finding.severity.rawValue)", "x": place(start), "y": "14",
                    "width": place(max(2, end - start)), "height": place(bottom - 14),
                ])
            let label = "Finding \(index + 1)"
            let left = max(free, min(start, time.right - 60))
            page.element(
                "text", ["class": "tick \(finding.severity.rawValue)", "x": place(left), "y": "11"], text: label)
            free = left + 66
        }
    }

    private func axis(_ time: TimeScale, bottom: Double, _ page: inout Markup) {
        page.shape(
            "line",
            [
                "class": "grid", "x1": place(time.left), "x2": place(time.right), "y1": place(bottom),
                "y2": place(bottom),
            ])
        for segment in time.segments where segment.isBroken {
            page.shape(
                "rect",
                [
                    "class": "gap", "x": place(segment.left), "y": "14", "width": place(segment.right - segment.left),
                    "height": place(bottom - 14),
                ])
        }
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
            page.element("text", ["class": "tick", "x": place(date.place), "y": place(bottom + 33)], text: date.label)
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
        for (index, finding) in document.findings.enumerated() {
            sentences.append("Finding \(index + 1), \(finding.title), from \(clock(finding.start)) UTC.")
        }
        return sentences.joined(separator: " ")
    }
}
