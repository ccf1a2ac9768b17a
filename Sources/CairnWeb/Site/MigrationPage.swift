import CairnBytes

/// One migration or deployment: everything on one axis of time, what waits for a decision, and each part as a table.
package struct MigrationPage {
    private let document: MigrationDocument
    private let context: PageContext

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

    // MARK: Tables

    private func phases(_ page: inout Markup) {
        page.heading("Phases", id: "phases", count: document.phases.count)
        guard !document.phases.isEmpty else {
            return page.empty("Nobody knows its playbook, and no phase has begun.")
        }
        let table = SiteTable(
            caption: "Phases",
            columns: [
                .init("Phase"), .init("Status"), .init("Started", isNumber: true), .init("Ended", isNumber: true),
                .init("Took", isNumber: true), .init("Budget", isNumber: true), .init("Entries", isNumber: true),
            ])
        table.write(to: &page) { page in
            for phase in document.phases { self.phase(phase, table, &page) }
        }
    }

    private func phase(_ phase: MigrationDocument.Phase, _ table: SiteTable, _ page: inout Markup) {
        let status = phase.status ?? "not begun"
        let took = phase.started.map { Double((phase.ended ?? context.now).microseconds - $0.microseconds) / 1_000_000 }
        let isOver = took.flatMap { took in phase.budgetSeconds.map { took > $0 } } ?? false
        table.row(
            &page, class: phase.started == nil ? "ahead" : status == "failed" ? "critical" : isOver ? "warning" : nil,
            { page in
                page.element("strong", text: phase.step.map { "\(phase.name) \($0)" } ?? phase.name)
                if let label = phase.label { page.element("span", ["class": "under"], text: label) }
            },
            { page in
                let look = SiteText.look(of: status == "started" ? "running" : status)
                page.pill(status == "started" ? "running" : status, look.severity, symbol: look.symbol)
                if let reason = phase.reason { page.element("span", ["class": "under"], text: reason) }
            },
            { page in if let time = phase.started { page.time(time) } else { page.text("–") } },
            { page in if let time = phase.ended { page.time(time) } else { page.text("–") } },
            { page in
                guard let took else { return page.text("–") }
                page.text(SiteText.rough(seconds: UInt64(max(0, took))))
                if isOver { page.pill("over", .warning, symbol: "!") }
            },
            { $0.text(phase.budgetSeconds.map { NumberText.duration(seconds: $0) } ?? "–") },
            { page in
                page.entry(phase.position, context.links)
                page.text(" ")
                if phase.endPosition != phase.position { page.entry(phase.endPosition, context.links) }
            })
    }

    private func findings(_ page: inout Markup) {
        page.heading("Findings", id: "findings", count: document.findingCount)
        guard !document.findings.isEmpty else {
            return page.empty(
                "No analysis has found anything between its clusters. To look now:",
                command: document.kind == "migration"
                    ? "cairn diverge --source \(document.source ?? "A") --target \(document.target ?? "B")\ncairn drops --source \(document.source ?? "A") --target \(document.target ?? "B")"
                    : nil)
        }
        let table = SiteTable(
            caption: "Findings",
            columns: [
                .init("Finding"), .init("Status"), .init("From", isNumber: true), .init("Until", isNumber: true),
                .init("Entry", isNumber: true),
            ])
        table.write(to: &page) { page in
            for finding in document.findings {
                table.row(
                    &page, class: finding.isOpen && finding.counts ? "critical" : nil,
                    { page in
                        page.element(
                            "a", ["class": "title", "href": context.links.finding(finding.id)], text: finding.title)
                        page.element("span", ["class": "under"], text: "\(finding.kind) · \(finding.id)")
                    },
                    { page in
                        let look = SiteText.look(of: finding.isOpen && finding.counts ? "open" : "")
                        page.pill(finding.isOpen ? "open" : "withdrawn", look.severity, symbol: look.symbol)
                        if let note = finding.note { page.element("span", ["class": "under"], text: note) }
                    },
                    { $0.time(finding.start) },
                    { page in if let end = finding.end { page.time(end) } else { page.text("goes on") } },
                    { $0.entry(finding.position, context.links) })
            }
        }
    }

    private func moments(_ kind: MigrationDocument.Moment.Kind, _ page: inout Markup) {
        // What waits stands above, with its form.
        let moments = document.moments.filter { $0.kind == kind && (kind != .approval || $0.status != "waiting") }
        guard !moments.isEmpty else { return }
        let id = kind == .approval ? "decisions" : kind.rawValue.lowercased()
        page.heading(kind == .approval ? "Approvals decided" : kind.rawValue, id: id, count: moments.count)
        let table = SiteTable(
            caption: kind.rawValue,
            columns: [
                .init("What"), .init("Result"), .init("Why"), .init("When", isNumber: true),
                .init("Entries", isNumber: true),
            ])
        table.write(to: &page) { page in
            for moment in moments {
                let look = SiteText.look(of: moment.status)
                table.row(
                    &page, class: look.severity == .critical ? "critical" : nil,
                    { page in
                        page.element("strong", text: moment.name)
                        if let person = moment.person { page.element("span", ["class": "under"], text: person) }
                    },
                    { $0.pill(moment.status, look.severity, symbol: look.symbol) },
                    { page in
                        for (index, detail) in moment.details.enumerated() {
                            if index > 0 { page.void("br") }
                            page.text(detail)
                        }
                    },
                    { page in
                        page.time(moment.time)
                        if let end = moment.end, end > moment.time {
                            let seconds = Double(end.microseconds - moment.time.microseconds) / 1_000_000
                            page.element(
                                "span", ["class": "under"], text: "took \(NumberText.duration(seconds: seconds))")
                        }
                    },
                    { page in
                        page.entry(moment.position, context.links)
                        page.text(" ")
                        if moment.endPosition != moment.position { page.entry(moment.endPosition, context.links) }
                    })
            }
        }
    }

    private func shares(_ page: inout Markup) {
        guard !document.shares.isEmpty else { return }
        page.heading("Traffic", id: "traffic", count: document.shares.count)
        let table = SiteTable(
            caption: "Shares of traffic",
            columns: [
                .init("When"), .init("Kind"), .init("On target", isNumber: true), .init("By"),
                .init("Entry", isNumber: true),
            ])
        table.write(to: &page) { page in
            for share in document.shares {
                table.row(
                    &page, { $0.time(share.time) }, { $0.text(share.kind.rawValue) },
                    { $0.text("\(NumberText.significant(share.targetPercent)) %") }, { $0.text(share.actor ?? "–") },
                    { $0.entry(share.position, context.links) })
            }
        }
    }

    private func workloads(_ page: inout Markup) {
        guard document.applicationCount > 0 else { return }
        page.heading("Applications", id: "applications", count: document.applicationCount)
        let table = SiteTable(
            caption: "Applications and their replicas",
            columns: [
                .init("Application"), .init("Class"), .init("In source", isNumber: true),
                .init("In target", isNumber: true),
                .init("Entry", isNumber: true),
            ])
        page.element("details", ["id": "applications-table"]) { page in
            let moved = document.workloads.filter { ($0.inTarget ?? 0) > 0 }.count
            let classes = Dictionary(grouping: document.workloads, by: \.workloadClass).mapValues(\.count)
                .sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            page.element(
                "summary", text: "\(moved) of \(document.applicationCount) run in the target; \(classes)")
            table.write(to: &page) { page in
                for workload in document.workloads {
                    table.row(
                        &page, { $0.text(workload.application) }, { $0.text(workload.workloadClass) },
                        { $0.text(workload.inSource.map(String.init) ?? "–") },
                        { $0.text(workload.inTarget.map(String.init) ?? "–") },
                        { $0.entry(workload.position, context.links) })
                }
            }
            if document.workloads.count < document.applicationCount {
                page.element(
                    "p", ["class": "note"],
                    text: "The first \(document.workloads.count); all of them are in the audit report.")
            }
        }
        page.lineBreak()
    }

    private func violations(_ page: inout Markup) {
        guard !document.violations.isEmpty else { return }
        page.heading("Broken rules", id: "violations", count: document.violations.count)
        let table = SiteTable(
            caption: "Facts that broke a rule",
            columns: [.init("Rule"), .init("What"), .init("When", isNumber: true), .init("Entries", isNumber: true)])
        table.write(to: &page) { page in
            for one in document.violations {
                table.row(
                    &page, class: "warning", { $0.element("code", text: one.rule) }, { $0.text(one.explanation) },
                    { $0.time(one.time) },
                    { page in
                        page.entry(one.factPosition, context.links)
                        page.text(" ")
                        page.entry(one.position, context.links)
                    })
            }
        }
    }

    private func notes(_ page: inout Markup) {
        guard !document.notes.isEmpty else { return }
        page.heading("Notes", id: "notes", count: document.notes.count)
        let table = SiteTable(
            caption: "Notes",
            columns: [.init("Note"), .init("By"), .init("When", isNumber: true), .init("Entry", isNumber: true)])
        table.write(to: &page) { page in
            for note in document.notes {
                table.row(
                    &page, { $0.text(note.action) }, { $0.text(note.actor) }, { $0.time(note.time) },
                    { $0.entry(note.position, context.links) })
            }
        }
    }
}
