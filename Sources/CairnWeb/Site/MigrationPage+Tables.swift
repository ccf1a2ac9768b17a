import CairnBytes

/// Each part of a run as a table.
extension MigrationPage {
    func phases(_ page: inout Markup) {
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

    func findings(_ page: inout Markup) {
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

    func moments(_ kind: MigrationDocument.Moment.Kind, _ page: inout Markup) {
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

    func shares(_ page: inout Markup) {
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

    func workloads(_ page: inout Markup) {
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

    func violations(_ page: inout Markup) {
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

    func notes(_ page: inout Markup) {
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
