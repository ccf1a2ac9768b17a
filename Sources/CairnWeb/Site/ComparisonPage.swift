import CairnBytes

/// One metric of one application, compared.
package struct ComparisonDocument: Sendable, Hashable {
    package var app: String
    package var metric: String
    package var pair: TimelineDocument.ClusterNames
    package var verdict: DivergenceMapDocument.Verdict?
    /// Numbers, sentences and charts: both series, and the evidence over time.
    package var explanation: Explanation
    package var finding: String?
    package var position: UInt64?
    /// Entries of samples of the time that was judged, of both clusters.
    package var sources: [FindingDocument.Source]
    package var sourceCount: Int

    package init(
        app: String, metric: String, pair: TimelineDocument.ClusterNames, verdict: DivergenceMapDocument.Verdict?,
        explanation: Explanation, finding: String?, position: UInt64?, sources: [FindingDocument.Source],
        sourceCount: Int
    ) {
        self.app = app
        self.metric = metric
        self.pair = pair
        self.verdict = verdict
        self.explanation = explanation
        self.finding = finding
        self.position = position
        self.sources = sources
        self.sourceCount = sourceCount
    }
}

/// One metric of one application: both series, the evidence over time, what it rests on.
package enum ComparisonPage {
    package static func render(_ document: ComparisonDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: "\(document.app), \(document.metric)", section: .divergence, context) { page in
            let map = context.links.divergence([("source", document.pair.source), ("target", document.pair.target)])
            page.element("p", ["class": "crumbs"]) { page in
                page.element("a", ["href": map], text: "Divergence")
                page.element("code", text: document.app)
                page.element("code", text: document.metric)
                page.entry(document.position, context.links)
            }
            page.element("h1", text: document.explanation.title)
            page.element("p", ["class": "scope"]) { page in
                if let verdict = document.verdict {
                    let severity: TimelineEntry.Severity =
                        switch verdict {
                        case .worse, .different: .critical
                        case .undecided: .warning
                        case .better, .equivalent: .success
                        }
                    page.pill(verdict.words, severity, symbol: verdict.symbol)
                }
                TimelineRangePage.clusters(document.pair, &page)
            }
            page.element("ul", ["class": "actions", "role": "list"]) { page in
                if let finding = document.finding {
                    page.element("li") {
                        $0.element("a", ["href": context.links.finding(finding)], text: "The finding \(finding)")
                    }
                }
                page.element("li") { page in
                    page.element(
                        "a",
                        [
                            "href": context.links.divergence([
                                ("source", document.pair.source), ("target", document.pair.target),
                                ("q", document.app), ("verdict", "all"),
                            ])
                        ], text: "All metrics of \(document.app)")
                }
            }
            ExplanationSections.write(document.explanation, to: &page)
            sources(document, context, &page)
        }
    }

    private static func sources(_ document: ComparisonDocument, _ context: PageContext, _ page: inout Markup) {
        page.heading("Entries with the samples", id: "evidence", count: document.sourceCount)
        guard !document.sources.isEmpty else {
            return page.empty("No entry with samples of that time is left in the log.")
        }
        let table = SiteTable(
            caption: "Entries with the samples",
            columns: [.init("Entry"), .init("Type"), .init("Time", isNumber: true)])
        table.write(to: &page) { page in
            for source in document.sources {
                table.row(
                    &page, { $0.entry(source.position, context.links) }, { $0.element("code", text: source.type) },
                    { $0.time(source.time) })
            }
        }
    }
}
