import CairnBytes

/// A timeline as one HTML file, or as a part of a page of the server: summary, overview picture, findings with their
/// charts, and every line with its place in the log.
struct TimelinePage {
    let document: TimelineDocument
    private let links: PositionLinks
    /// A line of dates; who wants an older one scrolls.
    private static let linkedDaysMax = 12

    /// - Parameter site: the server's addresses; nil for a document that stands alone.
    init(document: TimelineDocument, site: SiteLinks? = nil) {
        self.document = document.inOrder
        links = PositionLinks(lines: Set(document.entries.compactMap(\.position)), site: site)
    }

    func render() -> String {
        Page.render(title: document.title) { page in
            header(&page)
            write(to: &page)
            footer(&page)
        }
    }

    /// What is between header and footer.
    func write(to page: inout Markup) {
        let lateness = document.lateness
        summary(&page)
        OverviewFigure(document: document, site: links.site).write(to: &page)
        findings(&page)
        page.element("h2", ["id": "timeline"], text: "Timeline")
        if document.entries.isEmpty {
            page.element("p", ["class": "note"], text: "Nothing is recorded in this range.")
        } else {
            page.element(
                "p", ["class": "note"],
                text: "All times UTC. The number at the end of a line is its entry in the log. "
                    + (lateness.note ?? ""))
        }
        for day in document.days {
            TimelineDay(date: day.date, entries: day.entries, links: links, showsLateness: lateness.isPerLine)
                .write(to: &page)
        }
    }

    private func header(_ page: inout Markup) {
        page.element("header") { page in
            page.element("h1", text: document.title)
            page.element("p", ["class": "scope"]) { page in
                page.element("code", text: document.scope)
                page.text(" \(document.rangeText)")
                if let clusters = document.clusters {
                    page.text(" · ")
                    page.element("span", ["class": "cluster source"], text: clusters.source)
                    page.text(" to ")
                    page.element("span", ["class": "cluster target"], text: clusters.target)
                }
            }
            contents(&page)
        }
        page.lineBreak()
    }

    /// Links into a long page.
    private func contents(_ page: inout Markup) {
        page.element("nav", ["aria-label": "Contents"]) { page in
            if !document.findings.isEmpty {
                page.element("a", ["href": "#findings"], text: "Findings (\(document.findings.count))")
            }
            page.element("a", ["href": "#timeline"], text: "Timeline (\(NumberText.grouped(document.entries.count)))")
            for day in document.days.suffix(TimelinePage.linkedDaysMax) {
                page.element("a", ["href": "#day-\(day.date)"], text: day.date)
            }
        }
    }

    private func summary(_ page: inout Markup) {
        let worst = document.findings.map(\.severity).max() ?? .info
        page.element("section", ["class": "summary \(worst.rawValue)", "aria-labelledby": "summary"]) { page in
            page.element("h2", ["id": "summary", "class": "unseen"], text: "Summary")
            page.element("dl") { page in
                for line in document.summaryLines {
                    page.element("div") { page in
                        page.element("dt", text: line.label)
                        page.element("dd", text: line.text)
                    }
                    page.lineBreak()
                }
            }
        }
        page.lineBreak()
    }

    private func findings(_ page: inout Markup) {
        guard !document.findings.isEmpty else { return }
        page.element("h2", ["id": "findings"], text: "Findings")
        page.lineBreak()
        for (index, finding) in document.findings.enumerated() {
            page.element(
                "section", ["class": "finding \(finding.severity.rawValue)", "aria-labelledby": "finding-\(index + 1)"]
            ) { page in
                page.element("h3", ["id": "finding-\(index + 1)"]) { page in
                    page.text("\(index + 1). \(finding.title)")
                }
                page.element("p", ["class": "scope"]) { page in
                    page.element(
                        "span", ["class": "pill \(finding.severity.rawValue)"], text: finding.severity.rawValue)
                    page.element("span", ["class": "pill"], text: finding.status)
                    let end = finding.end.map(\.timeText) ?? "now"
                    page.text(" \(finding.start.dateText) \(finding.start.timeText) to \(end) UTC, ")
                    if let site = links.site {
                        page.element("a", ["href": site.finding(finding.id)]) { $0.element("code", text: finding.id) }
                    } else {
                        page.element("code", text: finding.id)
                    }
                }
                if !finding.explanation.isEmpty { page.element("p", text: finding.explanation) }
                facts(finding, &page)
                for (number, chart) in finding.charts.enumerated() {
                    var figure = ChartFigure(chart: chart, id: "chart-\(index + 1)-\(number + 1)")
                    // What the finding says already need not stand below its picture too.
                    figure.showsExplanation = chart.explanation != finding.explanation
                    figure.write(to: &page)
                }
            }
            page.lineBreak()
        }
    }

    private func facts(_ finding: TimelineFinding, _ page: inout Markup) {
        guard !finding.facts.isEmpty || !finding.evidencePositions.isEmpty else { return }
        page.element("dl", ["class": "facts"]) { page in
            for fact in finding.facts {
                page.element("div") { page in
                    page.element("dt", text: fact.label)
                    page.element("dd", text: fact.text)
                }
            }
            if !finding.evidencePositions.isEmpty {
                page.element("div") { page in
                    page.element("dt", text: "Evidence")
                    page.element("dd") { page in
                        page.text("entries ")
                        for (index, range) in TimelineRenderer.ranges(finding.evidencePositions).enumerated() {
                            if index > 0 { page.text(", ") }
                            let (first, last) = (range.lowerBound, range.upperBound)
                            links.write(first, to: &page)
                            guard last > first else { continue }
                            page.text("–")
                            links.write(last, to: &page)
                        }
                    }
                }
            }
        }
        page.lineBreak()
    }

    private func footer(_ page: inout Markup) {
        guard document.ledger != nil || document.generated != nil else { return }
        page.element("footer") { page in
            if let ledger = document.ledger {
                page.element("p") { page in
                    page.text("Positions are entries of ")
                    page.element("code", text: ledger.origin)
                    page.text(" at size \(ledger.size)")
                    if let root = ledger.rootHash {
                        page.text(", root ")
                        page.element("code", text: root)
                    }
                    page.text(". ")
                    page.element("code", text: "cairn prove POSITION")
                    page.text(" proves any of them offline.")
                }
            }
            if let generated = document.generated {
                page.element("p", text: "Made by Cairn at \(generated.dateText) \(generated.timeText) UTC.")
            }
        }
    }
}
