import CairnBytes

/// Every migration and deployment with its phases, what waits for people first.
package struct FleetPage {
    /// More than this are on the pages of their runs.
    private static let waitingMax = 12
    /// Data that is older counts as late.
    private static let lateSeconds: Int64 = 300

    private let document: FleetDocument
    private let context: PageContext

    package static func render(_ document: FleetDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: "Fleet", section: .fleet, context) { page in
            FleetPage(document: document, context: context).write(to: &page)
        }
    }

    private func write(to page: inout Markup) {
        page.element("h1", text: "Fleet")
        page.tiles(tiles)
        waiting(&page)
        page.heading("Runs", id: "runs", count: document.matching)
        filter(&page)
        runs(&page)
        data(&page)
    }

    private var tiles: [SiteTile] {
        let counts = document.counts
        let oldest = document.data.map(\.newest).min()
        let isLate = oldest.map { context.now.seconds - $0.seconds > FleetPage.lateSeconds } ?? false
        return [
            SiteTile(
                label: "Running", value: NumberText.grouped(counts.running),
                detail:
                    "of \(SiteText.plural(counts.migrations, "migration")), \(SiteText.plural(counts.deployments, "deployment"))"
            ),
            SiteTile(
                label: "Approvals waiting", value: NumberText.grouped(document.waiting.count),
                detail: document.waiting.first.map { "since \(SiteText.age($0.requested, context.now))" }
                    ?? "nobody waits",
                severity: document.waiting.isEmpty ? .info : .warning),
            SiteTile(
                label: "Open findings", value: NumberText.grouped(counts.openFindings),
                detail: SiteText.plural(counts.openIncidents, "open incident"),
                severity: counts.openFindings > 0 ? .critical : .success),
            SiteTile(
                label: "Rolling back", value: NumberText.grouped(counts.rollingBack),
                severity: counts.rollingBack > 0 ? .warning : .info),
            SiteTile(
                label: "Oldest data", value: oldest.map { SiteText.age($0, context.now) } ?? "none",
                detail: isLate ? "late" : "", severity: isLate ? .warning : .info),
        ]
    }

    private func waiting(_ page: inout Markup) {
        guard !document.waiting.isEmpty else { return }
        page.heading("Waiting for approval", id: "waiting", count: document.waiting.count)
        for (index, one) in document.waiting.prefix(FleetPage.waitingMax).enumerated() {
            ApprovalForm(waiting: one, context: context, id: "approval-\(index + 1)").write(to: &page)
        }
        if document.waiting.count > FleetPage.waitingMax {
            page.element(
                "p", ["class": "note"],
                text: "\(document.waiting.count - FleetPage.waitingMax) more wait; their runs are below.")
        }
    }

    // MARK: Filter

    private func address(_ change: (inout FleetDocument.Filter) -> Void) -> String {
        var filter = document.filter
        filter.page = 1
        change(&filter)
        return context.links.fleet([
            ("q", filter.text), ("kind", filter.kind), ("status", filter.status),
            ("sort", filter.sort == "attention" ? nil : filter.sort), ("order", filter.isDescending ? "desc" : nil),
            ("page", filter.page > 1 ? String(filter.page) : nil),
        ])
    }

    private func filter(_ page: inout Markup) {
        page.element("form", ["class": "filter", "action": context.links.fleet, "role": "search"]) { page in
            SiteFilter.field("q", "Name", value: document.filter.text, &page)
            SiteFilter.choice(
                "kind", "Kind", [("", "all kinds"), ("migration", "migrations"), ("deployment", "deployments")],
                value: document.filter.kind, &page)
            SiteFilter.choice(
                "status", "Status",
                [("", "any status")]
                    + [
                        "planned", "running", "rolling-back", "rolled-back", "rollback-failed", "completed", "aborted",
                        "failed",
                    ]
                    .map { ($0, $0) }, value: document.filter.status, &page)
            page.element("button", text: "Show")
            if document.filter.text + document.filter.kind + document.filter.status != "" {
                page.element("a", ["href": context.links.fleet], text: "Show all")
            }
        }
        page.lineBreak()
    }

    // MARK: Runs

    private func runs(_ page: inout Markup) {
        guard !document.runs.isEmpty else {
            if document.counts.migrations + document.counts.deployments > 0 {
                return page.empty("No run is like that. Show all of them, or search for a part of the name.")
            }
            return page.empty(
                "No migration or deployment has been recorded yet. Plan one, or import what another system tells:",
                command: """
                    cairn record cairn.migration.planned.v1 --stream migration/NAME --data @plan.json
                    cairn import eventbridge FILE
                    """)
        }
        let columns = [
            SiteTable.Column("Run", sort: "title"), .init("Phases"), .init("Status", sort: "status"),
            .init("On target", isNumber: true, sort: "share"), .init("Findings", isNumber: true, sort: "findings"),
            .init("Last event", isNumber: true, sort: "last"),
        ]
        let order = SiteTable.Order(sort: document.filter.sort, isDescending: document.filter.isDescending) {
            sort, isDescending in
            address {
                $0.sort = sort
                $0.isDescending = isDescending
            }
        }
        let table = SiteTable(caption: "Migrations and deployments", columns: columns, order: order)
        table.write(to: &page) { page in
            for run in document.runs { row(run, table, &page) }
        }
        SitePager(
            page: document.filter.page, size: document.pageSize, count: document.matching,
            address: { number in address { $0.page = number } }
        ).write(to: &page)
    }

    private func row(_ run: FleetDocument.Run, _ table: SiteTable, _ page: inout Markup) {
        let style =
            run.openFindings > run.silencedFindings ? "critical" : run.waitingApprovals > 0 ? "warning" : nil
        table.row(
            &page, class: style, { name(run, &$0) }, { phases(run, &$0) }, { status(run, &$0) }, { share(run, &$0) },
            { findings(run, &$0) },
            { page in
                if let last = run.lastTime { page.age(last, context.now) }
                page.text(" ")
                page.entry(run.lastPosition, context.links)
            })
    }

    private func name(_ run: FleetDocument.Run, _ page: inout Markup) {
        page.element("a", ["class": "title", "href": context.links.run(run.stream)], text: run.title)
        page.element("span", ["class": "under"]) { page in
            if let source = run.source, let target = run.target, source != target {
                page.element("span", ["class": "cluster source"], text: source)
                page.text(" → ")
                page.element("span", ["class": "cluster target"], text: target)
                if run.applications > 0 { page.text(" · \(SiteText.plural(run.applications, "application"))") }
            } else {
                page.text(run.stream)
            }
        }
    }

    private func phases(_ run: FleetDocument.Run, _ page: inout Markup) {
        PhaseBar.write(run.stages, to: &page)
        guard let phase = run.phase else { return }
        page.element("span", ["class": "under"]) { page in
            page.text("\(phase) \(run.phaseStatus ?? "")")
            if let since = run.phaseSince {
                page.text(" ")
                page.age(since, context.now)
            }
            page.text(" ")
            page.entry(run.phasePosition, context.links)
        }
    }

    private func status(_ run: FleetDocument.Run, _ page: inout Markup) {
        let look = SiteText.look(of: run.status)
        page.pill(run.status, look.severity, symbol: look.symbol)
        if run.waitingApprovals > 0 {
            page.element("a", ["href": "\(context.links.run(run.stream))#approvals"]) { page in
                page.pill(SiteText.plural(run.waitingApprovals, "approval") + " waiting", .warning, symbol: "‖")
            }
        }
        if run.violations > 0 {
            page.element("a", ["href": "\(context.links.run(run.stream))#violations"]) { page in
                page.pill(SiteText.plural(run.violations, "broken rule"), .warning, symbol: "!")
            }
        }
    }

    private func share(_ run: FleetDocument.Run, _ page: inout Markup) {
        guard let percent = run.targetPercent else { return page.text("–") }
        page.element("span", ["class": "share-value"], text: "\(NumberText.significant(percent)) %")
        page.text(" ")
        page.entry(run.sharePosition, context.links)
    }

    private func findings(_ run: FleetDocument.Run, _ page: inout Markup) {
        let counting = run.openFindings - run.silencedFindings
        if counting > 0 {
            page.element("a", ["class": "open-findings", "href": "\(context.links.run(run.stream))#findings"]) { page in
                page.element("span", ["aria-hidden": "true"], text: "▲ ")
                page.text("\(NumberText.grouped(counting)) open")
            }
        } else {
            page.text("none")
        }
        if run.silencedFindings > 0 {
            page.element("span", ["class": "under"], text: "\(run.silencedFindings) muted")
        }
    }

    // MARK: Data

    private func data(_ page: inout Markup) {
        page.heading("Data", id: "data", count: document.data.isEmpty ? nil : document.data.count)
        guard !document.data.isEmpty else {
            return page.empty(
                "No samples and no flow logs of any cluster have arrived: nothing can be compared. Send them to this server, or",
                command: """
                    cairn import prometheus FILE --cluster NAME
                    cairn import flow-logs FOLDER --cluster NAME --analyze
                    """)
        }
        let table = SiteTable(
            caption: "How fresh the data of each cluster is",
            columns: [.init("Cluster"), .init("Kind"), .init("Newest", isNumber: true), .init("Age", isNumber: true)])
        table.write(to: &page) { page in
            for one in document.data {
                let isLate = context.now.seconds - one.newest.seconds > FleetPage.lateSeconds
                table.row(
                    &page, { $0.text(one.cluster) }, { $0.text(one.kind) },
                    { page in
                        page.time(one.newest)
                        page.text(" ")
                        page.entry(one.position, context.links)
                    },
                    { page in
                        page.age(one.newest, context.now)
                        if isLate { page.pill("late", .warning, symbol: "!") }
                    })
            }
        }
    }
}
