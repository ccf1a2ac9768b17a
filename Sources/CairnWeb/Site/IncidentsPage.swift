package import CairnBytes

/// All incidents, the open ones first.
package struct IncidentsDocument: Sendable, Hashable {
    package struct Line: Sendable, Hashable {
        package var id: String
        package var title: String
        package var severity: String
        package var isOpen: Bool
        package var opened: Timestamp
        package var closed: Timestamp?
        package var findings: Int
        package var position: UInt64

        package init(
            id: String, title: String, severity: String, isOpen: Bool, opened: Timestamp, closed: Timestamp?,
            findings: Int, position: UInt64
        ) {
            self.id = id
            self.title = title
            self.severity = severity
            self.isOpen = isOpen
            self.opened = opened
            self.closed = closed
            self.findings = findings
            self.position = position
        }
    }

    package var lines: [Line]
    package var count: Int
    package var pageSize: Int
    /// From 1.
    package var page: Int

    package init(lines: [Line] = [], count: Int = 0, pageSize: Int = 100, page: Int = 1) {
        self.lines = lines
        self.count = count
        self.pageSize = pageSize
        self.page = page
    }
}

package enum IncidentsPage {
    package static func render(_ document: IncidentsDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: "Incidents", section: .incidents, context) { page in
            page.element("h1", text: "Incidents")
            guard !document.lines.isEmpty else {
                return page.empty(
                    "No incident was ever opened. One opens by itself when an analysis finds something:",
                    command:
                        "cairn import flow-logs FOLDER --cluster NAME --analyze\ncairn gate --migration ID --phase PHASE --record"
                )
            }
            let table = SiteTable(
                caption: "Incidents",
                columns: [
                    .init("Incident"), .init("Status"), .init("Began", isNumber: true), .init("Ended", isNumber: true),
                    .init("Lasted", isNumber: true), .init("Findings", isNumber: true), .init("Entry", isNumber: true),
                ])
            table.write(to: &page) { page in
                for line in document.lines { row(line, table, context, &page) }
            }
            SitePager(
                page: document.page, size: document.pageSize, count: document.count,
                address: { "\(context.links.incidents)\(SiteLinks.query([("page", String($0))]))" }
            ).write(to: &page)
        }
    }

    private static func row(
        _ line: IncidentsDocument.Line, _ table: SiteTable, _ context: PageContext, _ page: inout Markup
    ) {
        table.row(
            &page, class: line.isOpen ? "critical" : nil,
            { page in
                page.element("a", ["class": "title", "href": context.links.incident(line.id)], text: line.title)
                page.element("span", ["class": "under"], text: line.id)
            },
            { page in
                let status = line.isOpen ? "open" : "closed"
                let look = SiteText.look(of: status)
                page.pill(status, look.severity, symbol: look.symbol)
                if !line.severity.isEmpty { page.element("span", ["class": "under"], text: line.severity) }
            },
            { $0.time(line.opened) },
            { page in if let closed = line.closed { page.time(closed) } else { page.text("goes on") } },
            { page in
                let seconds = (line.closed ?? context.now).seconds - line.opened.seconds
                page.text(SiteText.rough(seconds: UInt64(max(0, seconds))))
            },
            { $0.text(NumberText.grouped(line.findings)) }, { $0.entry(line.position, context.links) })
    }
}
