import CairnBytes

/// One migration or deployment: everything on one axis of time, what waits for a decision, and each part as a table.
package struct MigrationPage {
    let document: MigrationDocument
    let context: PageContext

    package static func render(_ document: MigrationDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: document.title, section: .fleet, context) { page in
            MigrationPage(document: document, context: context).write(to: &page)
        }
    }

    private func write(to page: inout Markup) {
        header(&page)
        if !document.waiting.isEmpty {
            page.heading("Waiting for approval", id: "approvals", count: document.waiting.count)
            for (index, waiting) in document.waiting.enumerated() {
                ApprovalForm(waiting: waiting, context: context, id: "approval-\(index + 1)", showsRun: false)
                    .write(to: &page)
            }
        }
        page.tiles(tiles)
        axis(&page)
        phases(&page)
        findings(&page)
        for kind in MigrationDocument.Moment.Kind.allCases { moments(kind, &page) }
        shares(&page)
        workloads(&page)
        violations(&page)
        notes(&page)
    }

    private func header(_ page: inout Markup) {
        page.element("p", ["class": "crumbs"]) { page in
            page.element("a", ["href": context.links.fleet], text: "Fleet")
            page.element("code", text: document.stream)
            page.entry(document.planPosition, context.links)
        }
        page.element("h1", text: document.title)
        page.element("p", ["class": "scope"]) { page in
            let look = SiteText.look(of: document.status)
            page.pill(document.status, look.severity, symbol: look.symbol)
            if let source = document.source, let target = document.target, source != target {
                page.element("span", ["class": "cluster source"], text: source)
                page.text(" → ")
                page.element("span", ["class": "cluster target"], text: target)
            } else if let cluster = document.target {
                page.text("on \(cluster)")
            }
            if let reason = document.reason { page.text(" · \(reason)") }
            if let last = document.lastTime {
                page.text(" · last event ")
                page.age(last, context.now)
                page.text(" ")
                page.entry(document.lastPosition, context.links)
            }
        }
        actions(&page)
        guard !document.facts.isEmpty else { return }
        page.element("dl", ["class": "facts"]) { page in
            for fact in document.facts {
                page.element("div") { page in
                    page.element("dt", text: fact.label)
                    page.element("dd", text: fact.text)
                }
            }
        }
        page.lineBreak()
    }

    private func actions(_ page: inout Markup) {
        let pair = [("source", document.source), ("target", document.target)]
        var actions: [(String, String)] = []
        if document.kind == "migration" {
            actions += [
                ("Divergence", context.links.divergence(pair)), ("Drops", context.links.drops(pair)),
                (
                    "Timeline",
                    context.links.timeline([("migration", String(document.stream.dropFirst("migration/".count)))])
                ),
            ]
        }
        actions.append(("Audit report", context.links.report(of: document.stream)))
        page.element("ul", ["class": "actions", "role": "list"]) { page in
            for (text, address) in actions {
                page.element("li") { $0.element("a", ["href": address], text: text) }
            }
        }
        page.lineBreak()
    }

    private var tiles: [SiteTile] {
        let done = document.phases.filter { $0.status == "completed" }.count
        let now = document.phases.last { $0.status == "started" || $0.status == "running" }
        let share = document.shares.last { $0.kind == .production }
        let open = document.findings.filter { $0.isOpen && $0.counts }.count
        let gate = document.moments.last { $0.kind == .gate }
        return [
            SiteTile(
                label: "Phase", value: now?.name ?? "\(done) of \(document.phases.count)",
                detail: now.flatMap { phase in
                    phase.started.map { start in
                        let budget = phase.budgetSeconds.map { " of \(NumberText.duration(seconds: $0))" } ?? ""
                        return SiteText.rough(seconds: UInt64(max(0, context.now.seconds - start.seconds))) + budget
                    }
                } ?? (now == nil ? "phases completed" : "")),
            SiteTile(
                label: "Traffic on target", value: share.map { "\(NumberText.significant($0.targetPercent)) %" } ?? "–",
                detail: share.map { "since \(SiteText.age($0.time, context.now))" } ?? "nothing shifted"),
            SiteTile(
                label: "Open findings", value: NumberText.grouped(open),
                detail: document.findingCount > open ? "of \(document.findingCount)" : "",
                severity: open > 0 ? .critical : .success),
            SiteTile(
                label: "Last gate", value: gate?.status ?? "–", detail: gate?.name ?? "none was evaluated",
                severity: gate.map { SiteText.look(of: $0.status).severity } ?? .info),
            SiteTile(
                label: "Broken rules", value: NumberText.grouped(document.violations.count),
                severity: document.violations.isEmpty ? .info : .warning),
        ]
    }

    // MARK: One axis

    /// The same lanes for the picture and for the table below it.
    private var lanes: [OverviewLane] {
        MigrationDocument.Moment.Kind.allCases.map { kind in
            OverviewLane(
                name: kind.rawValue,
                marks: document.moments.filter { $0.kind == kind }.map { moment in
                    let look = SiteText.look(of: moment.status)
                    return OverviewLane.Mark(
                        time: moment.time, end: moment.end, symbol: look.symbol, severity: look.severity,
                        label: "\(moment.name): \(moment.status)", position: moment.endPosition ?? moment.position)
                })
        }
    }

    private var timeline: TimelineDocument {
        var timeline = TimelineDocument(
            title: document.title, scope: document.stream, from: document.from, until: document.until)
        if let source = document.source, let target = document.target, source != target {
            timeline.clusters = .init(source: source, target: target)
        }
        timeline.phases = document.phases.compactMap { phase in
            phase.started.map { start in
                let status: TimelinePhase.Status =
                    switch phase.status {
                    case "completed": .completed
                    case "failed": .failed
                    case "reverted": .reverted
                    default: .running
                    }
                let name = phase.step.map { "\(phase.name) \($0)" } ?? phase.name
                return TimelinePhase(
                    name: name, start: start, end: phase.ended, status: status, position: phase.position)
            }
        }
        timeline.trafficShares = document.shares.map {
            TrafficShare(
                time: $0.time, kind: $0.kind, sourcePercent: 100 - $0.targetPercent, targetPercent: $0.targetPercent)
        }
        timeline.findings = document.findings.filter { $0.isOpen && $0.counts }.map {
            TimelineFinding(
                id: $0.id, kind: $0.kind, title: $0.title, severity: .critical, status: "open",
                start: $0.start, end: $0.end)
        }
        return timeline
    }

    private func axis(_ page: inout Markup) {
        let figure = OverviewFigure(
            document: timeline, lanes: lanes, site: context.links, title: "On one axis of time")
        guard !figure.isEmpty else {
            return page.empty(
                "Nothing has begun yet. The first phase begins with",
                command:
                    "cairn record cairn.phase.started.v1 --stream \(document.stream) --data '{\"phase\":\"\(document.phases.first?.name ?? "PHASE")\"}'"
            )
        }
        figure.write(to: &page)
        axisTable(&page)
    }

    private struct Line {
        var time: Timestamp
        var what: String
        var position: UInt64?
    }

    /// What the picture shows, in words and in order.
    private func axisTable(_ page: inout Markup) {
        var lines: [Line] = []
        for phase in document.phases {
            guard let start = phase.started else { continue }
            lines.append(Line(time: start, what: "phase \(phase.name) started", position: phase.position))
            if let end = phase.ended {
                lines.append(
                    Line(
                        time: end, what: "phase \(phase.name) \(phase.status ?? "ended")",
                        position: phase.endPosition ?? phase.position))
            }
        }
        for lane in lanes {
            lines += lane.marks.map { Line(time: $0.time, what: "\(lane.name): \($0.label)", position: $0.position) }
        }
        lines += document.shares.map {
            Line(
                time: $0.time,
                what: "\($0.kind.rawValue) traffic: \(NumberText.significant($0.targetPercent)) % on the target",
                position: $0.position)
        }
        lines += document.findings.map { Line(time: $0.start, what: "finding: \($0.title)", position: $0.position) }
        lines.sort { ($0.time, $0.position ?? 0) < ($1.time, $1.position ?? 0) }
        page.element("details", ["class": "numbers", "id": "axis-table"]) { page in
            page.element("summary", text: "The same as a table (\(lines.count) lines)")
            let table = SiteTable(
                caption: "What happened, in order",
                columns: [.init("Time"), .init("What"), .init("Entry", isNumber: true)])
            table.write(to: &page) { page in
                for line in lines {
                    table.row(
                        &page, { $0.time(line.time) }, { $0.text(line.what) },
                        { $0.entry(line.position, context.links) })
                }
            }
        }
        page.lineBreak()
    }
}
