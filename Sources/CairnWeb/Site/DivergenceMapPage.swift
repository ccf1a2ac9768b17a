import CairnBytes

/// Applications by metrics, the worst first. Every field says its verdict with a sign and a number, not by colour alone.
package struct DivergenceMapPage {
    private let document: DivergenceMapDocument
    private let context: PageContext

    package static func render(_ document: DivergenceMapDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: "Divergence", section: .divergence, context) { page in
            DivergenceMapPage(document: document, context: context).write(to: &page)
        }
    }

    private func write(to page: inout Markup) {
        page.element("h1", text: "Divergence")
        guard let pair = document.pair else {
            return page.empty(
                "There is no migration, so no two clusters to compare. Plan one, or name two clusters in the address:",
                command:
                    "cairn record cairn.migration.planned.v1 --stream migration/NAME --data @plan.json\n/divergence?source=OLD&target=NEW"
            )
        }
        page.element("p", ["class": "scope"]) { page in
            TimelineRangePage.clusters(pair, &page)
            if let from = document.judgedFrom, let until = document.judgedUntil {
                page.text(" · judged ")
                page.time(from)
                page.text(" to ")
                page.time(until)
            }
        }
        others(pair, &page)
        page.tiles(tiles)
        if document.comparing != .done { notCompared(pair, &page) }
        overview(&page)
        filter(pair, &page)
        table(pair, &page)
    }

    private func others(_ pair: TimelineDocument.ClusterNames, _ page: inout Markup) {
        let others = document.pairs.filter { $0 != pair }
        guard !others.isEmpty else { return }
        page.element("details", ["id": "pairs"]) { page in
            page.element("summary", text: "\(SiteText.plural(others.count, "other pair")) of clusters")
            page.element("ul") { page in
                for other in others {
                    page.element("li") { page in
                        page.element(
                            "a",
                            ["href": context.links.divergence([("source", other.source), ("target", other.target)])],
                            text: "\(other.source) → \(other.target)")
                    }
                }
            }
        }
        page.lineBreak()
    }

    private var tiles: [SiteTile] {
        func count(_ verdicts: DivergenceMapDocument.Verdict...) -> Int {
            verdicts.reduce(0) { $0 + (document.counts[$1] ?? 0) }
        }
        let diverged = count(.worse, .different)
        return [
            SiteTile(
                label: "▲ Diverged", value: NumberText.grouped(diverged), detail: "comparisons",
                severity: diverged > 0 ? .critical : .success),
            SiteTile(label: "▼ Better", value: NumberText.grouped(count(.better)), detail: "comparisons"),
            SiteTile(label: "? Undecided", value: NumberText.grouped(count(.undecided)), detail: "more data decides"),
            SiteTile(label: "= Equivalent", value: NumberText.grouped(count(.equivalent)), detail: "within the margin"),
            SiteTile(
                label: "Applications", value: NumberText.grouped(document.applications),
                detail: SiteText.plural(document.metrics.count + document.hiddenMetrics, "metric")),
        ]
    }

    private func notCompared(_ pair: TimelineDocument.ClusterNames, _ page: inout Markup) {
        let shown =
            document.rows.isEmpty
            ? "No finding was recorded of these two." : "Only what was recorded as a finding is shown."
        let why =
            switch document.comparing {
            case .done: ""
            case .soon(let seconds):
                "The server has not compared them yet: it looks every \(NumberText.duration(seconds: Double(seconds))) "
                    + "and is at its first look; load the page again in a moment."
            case .ended: "No migration of theirs is under way, so the server does not compare them any more."
            case .off: "This server does not compare by itself (analysis_seconds is 0)."
            }
        page.empty(
            "\(shown) \(why) To compare them now:",
            command: "cairn diverge --source \(pair.source) --target \(pair.target)")
    }

    // MARK: The whole

    /// Applications from left to right, metrics from top to bottom, a dot each; what is equivalent is the ground.
    private func overview(_ page: inout Markup) {
        let columns = document.overview.count
        let lines = document.overview.first?.count ?? 0
        guard columns > 40, lines > 0 else { return }
        page.element("figure", ["class": "strip"]) { page in
            page.element("figcaption") { page in
                page.element("strong", text: "All \(NumberText.grouped(columns)) applications, the worst at the left")
                page.element("span", ["class": "axis"], text: "a column each, a line for each metric")
            }
            page.element(
                "svg",
                [
                    "viewBox": "0 0 \(columns) \(lines)", "preserveAspectRatio": "none", "role": "img",
                    "aria-labelledby": "strip-title strip-desc", "class": "strip-picture",
                ]
            ) { page in
                page.element("title", ["id": "strip-title"], text: "Verdicts of all applications")
                page.element("desc", ["id": "strip-desc"], text: spokenOverview)
                page.shape("rect", ["class": "equivalent", "width": "\(columns)", "height": "\(lines)"])
                for verdict in DivergenceMapDocument.Verdict.allCases where verdict != .equivalent {
                    let path = self.path(of: verdict, lines: lines)
                    if !path.isEmpty { page.shape("path", ["class": verdict.style, "d": path]) }
                }
            }
        }
        page.lineBreak()
    }

    private var spokenOverview: String {
        DivergenceMapDocument.Verdict.allCases.compactMap { verdict in
            document.counts[verdict].map { "\(NumberText.grouped($0)) comparisons \(verdict.words)." }
        }.joined(separator: " ")
    }

    /// Neighbours in a line are one stroke: the page stays small.
    private func path(of verdict: DivergenceMapDocument.Verdict, lines: Int) -> String {
        var path = ""
        for line in 0..<lines {
            var start: Int?
            for column in 0...document.overview.count {
                let isHere = column < document.overview.count && document.overview[column][line] == verdict
                if isHere, start == nil { start = column }
                guard !isHere, let from = start else { continue }
                path += "M\(from) \(line)h\(column - from)v1h-\(column - from)z"
                start = nil
            }
        }
        return path
    }

    // MARK: Filter

    private func address(
        _ pair: TimelineDocument.ClusterNames, _ change: (inout DivergenceMapDocument.Filter) -> Void
    ) -> String {
        var filter = document.filter
        filter.page = 1
        change(&filter)
        return context.links.divergence([
            ("source", pair.source), ("target", pair.target), ("q", filter.text), ("verdict", filter.verdict),
            ("sort", filter.sort == "worst" ? nil : filter.sort), ("page", filter.page > 1 ? String(filter.page) : nil),
        ])
    }

    private func filter(_ pair: TimelineDocument.ClusterNames, _ page: inout Markup) {
        page.element("form", ["class": "filter", "action": context.links.divergence(), "role": "search"]) { page in
            SiteFilter.hidden("source", pair.source, &page)
            SiteFilter.hidden("target", pair.target, &page)
            SiteFilter.field("q", "Application", value: document.filter.text, &page)
            SiteFilter.choice(
                "verdict", "Verdict",
                [
                    ("", "what is not all equivalent"), ("diverged", "diverged"), ("undecided", "undecided"),
                    ("equivalent", "equivalent in everything"), ("all", "all"),
                ], value: document.filter.verdict, &page)
            SiteFilter.choice(
                "sort", "Order", [("worst", "worst first"), ("name", "by name")], value: document.filter.sort, &page)
            page.element("button", text: "Show")
        }
        page.lineBreak()
    }

    // MARK: Table

    private func table(_ pair: TimelineDocument.ClusterNames, _ page: inout Markup) {
        if document.folded > 0 {
            page.element("p", ["class": "note"]) { page in
                page.text(
                    "\(SiteText.plural(document.folded, "application is", "applications are")) equivalent in every metric and folded away. "
                )
                page.element("a", ["href": address(pair) { $0.verdict = "equivalent" }], text: "Show them")
            }
        }
        guard !document.rows.isEmpty else {
            if document.comparing == .done { page.empty("No application is like that.") }
            return
        }
        page.element("div", ["class": "scroll", "role": "region", "aria-label": "Heat map", "tabindex": "0"]) { page in
            page.element("table", ["class": "heat"]) { page in
                page.element(
                    "caption", ["class": "unseen"],
                    text: "Verdict by application and metric; arrow keys move between fields")
                page.element("thead") { page in
                    page.element("tr") { page in
                        page.element("th", ["scope": "col"], text: "Application")
                        for metric in document.metrics {
                            page.element("th", ["scope": "col"]) { DivergenceMapPage.breakable(metric, &$0) }
                        }
                    }
                }
                page.lineBreak()
                page.element("tbody") { page in for row in document.rows { self.row(row, pair, &page) } }
            }
        }
        page.lineBreak()
        if document.hiddenMetrics > 0 {
            page.element(
                "p", ["class": "note"],
                text:
                    "\(SiteText.plural(document.hiddenMetrics, "metric")) more, in which less differs, do not fit; `cairn diverge` lists all."
            )
        }
        SitePager(
            page: document.filter.page, size: document.pageSize, count: document.matching,
            address: { number in address(pair) { $0.page = number } }
        ).write(to: &page)
        legend(&page)
    }

    private func row(
        _ row: DivergenceMapDocument.Row, _ pair: TimelineDocument.ClusterNames, _ page: inout Markup
    ) {
        page.element("tr") { page in
            page.element("th", ["scope": "row"]) { page in
                page.text(row.app)
                if let position = row.position {
                    page.text(" ")
                    page.entry(position, context.links)
                }
            }
            for (metric, cell) in zip(document.metrics, row.cells) {
                guard let cell else {
                    page.element("td", ["class": "none"]) {
                        $0.element("span", ["class": "unseen"], text: "not compared")
                    }
                    continue
                }
                field(cell, metric: metric, app: row.app, pair, &page)
            }
        }
        page.lineBreak()
    }

    private func field(
        _ cell: DivergenceMapDocument.Cell, metric: String, app: String, _ pair: TimelineDocument.ClusterNames,
        _ page: inout Markup
    ) {
        let heat = cell.margins >= 10 ? " h3" : cell.margins >= 3 ? " h2" : ""
        let isDiverged = cell.verdict == .worse || cell.verdict == .different
        let words = "\(app), \(metric): \(cell.verdict.words)\(cell.effect.isEmpty ? "" : ", \(cell.effect)")"
        page.element(
            "td", ["class": "\(cell.verdict.style)\(isDiverged ? heat : "")\(cell.isSilenced ? " silenced" : "")"]
        ) { page in
            page.element(
                "a",
                [
                    "href": context.links.comparison(app, metric, source: pair.source, target: pair.target),
                    "aria-label": cell.isSilenced ? "\(words), muted" : words,
                    "title": cell.verdict == .equivalent || cell.reason.isEmpty ? nil : cell.reason,
                ]
            ) { page in
                page.text(cell.verdict.symbol)
                if cell.verdict != .equivalent, !cell.effect.isEmpty { page.text(" \(cell.effect)") }
            }
        }
    }

    private func legend(_ page: inout Markup) {
        page.element("ul", ["class": "legend heat-legend", "aria-label": "Signs"]) { page in
            for verdict in DivergenceMapDocument.Verdict.allCases {
                page.element("li") { page in
                    page.element(
                        "span", ["class": "key \(verdict.style)", "aria-hidden": "true"], text: verdict.symbol)
                    page.text(verdict.words)
                }
            }
            page.element(
                "li", text: "x2.1: that many times the source's · pt: points of a share · darker: 3 and 10 margins")
        }
    }

    /// A name that may break after its underscores.
    static func breakable(_ name: String, _ page: inout Markup) {
        for (index, part) in name.split(separator: "_", omittingEmptySubsequences: false).enumerated() {
            if index > 0 {
                page.text("_")
                page.void("wbr")
            }
            page.text(String(part))
        }
    }
}
