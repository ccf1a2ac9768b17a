package import CairnBytes

/// Traffic that was dropped: findings with what explains them.
package struct DropsDocument: Sendable, Hashable {
    /// What the dropped traffic has in common, by one dimension.
    package struct Attribution: Sendable, Hashable {
        package var dimension: String
        package var values: [String]
        /// Share of the excess, 0 to 1.
        package var explained: Double

        package init(dimension: String, values: [String], explained: Double) {
            self.dimension = dimension
            self.values = values
            self.explained = explained
        }
    }

    package struct Finding: Sendable, Hashable {
        package var id: String
        /// A sentence: what was seen, where, and whose doing it is.
        package var sentence: String
        package var kind: String
        package var cluster: String
        package var peer: String
        package var side: String
        package var owner: String
        package var isOpen: Bool
        package var note: String?
        package var counts: Bool
        package var start: Timestamp
        package var end: Timestamp?
        /// Over what is usual, and what is usual.
        package var excess: Double?
        package var baseline: Double?
        package var attribution: [Attribution]
        /// What all drops of that time have in common: scope in words, and the share that it holds.
        package var root: Attribution?
        package var chart: Chart?
        package var position: UInt64?
        package var evidence: [UInt64]
        package var incident: String?

        package init(
            id: String, sentence: String, kind: String, cluster: String, peer: String, side: String, owner: String,
            isOpen: Bool, note: String?, counts: Bool, start: Timestamp, end: Timestamp?, excess: Double?,
            baseline: Double?, attribution: [Attribution], root: Attribution?, chart: Chart?, position: UInt64?,
            evidence: [UInt64], incident: String?
        ) {
            self.id = id
            self.sentence = sentence
            self.kind = kind
            self.cluster = cluster
            self.peer = peer
            self.side = side
            self.owner = owner
            self.isOpen = isOpen
            self.note = note
            self.counts = counts
            self.start = start
            self.end = end
            self.excess = excess
            self.baseline = baseline
            self.attribution = attribution
            self.root = root
            self.chart = chart
            self.position = position
            self.evidence = evidence
            self.incident = incident
        }
    }

    /// How far the flow logs of a cluster reach.
    package struct Reach: Sendable, Hashable {
        package var cluster: String
        package var newest: Timestamp
        /// Up to here nothing that comes late changes a judgement.
        package var settled: Timestamp
        package var position: UInt64?

        package init(cluster: String, newest: Timestamp, settled: Timestamp, position: UInt64?) {
            self.cluster = cluster
            self.newest = newest
            self.settled = settled
            self.position = position
        }
    }

    package var pair: TimelineDocument.ClusterNames?
    package var findings: [Finding]
    package var count: Int
    package var pageSize: Int
    /// From 1.
    package var page: Int
    package var reaches: [Reach]

    package init(
        pair: TimelineDocument.ClusterNames? = nil, findings: [Finding] = [], count: Int = 0, pageSize: Int = 20,
        page: Int = 1, reaches: [Reach] = []
    ) {
        self.pair = pair
        self.findings = findings
        self.count = count
        self.pageSize = pageSize
        self.page = page
        self.reaches = reaches
    }
}

package struct DropsPage {
    private let document: DropsDocument
    private let context: PageContext

    package static func render(_ document: DropsDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: "Drops", section: .drops, context) { page in
            DropsPage(document: document, context: context).write(to: &page)
        }
    }

    private func write(to page: inout Markup) {
        page.element("h1", text: "Drops")
        page.element("p", ["class": "scope"]) { page in
            page.text("Connections that were rejected, reset or never answered, from VPC flow logs")
            if let pair = document.pair {
                page.text(" · ")
                TimelineRangePage.clusters(pair, &page)
                page.text(" ")
                page.element("a", ["href": context.links.drops()], text: "all clusters")
            }
        }
        if document.findings.isEmpty {
            if document.reaches.isEmpty {
                page.empty(
                    "No flow log of these clusters has arrived. Send them to this server, or import what there is:",
                    command: "cairn import flow-logs FOLDER --cluster NAME --analyze")
            } else {
                page.empty(
                    "Nothing is dropped more than usual, as far as anybody recorded. To look now:",
                    command: "cairn drops"
                        + (document.pair.map { " --source \($0.source) --target \($0.target)" } ?? ""))
            }
        }
        for (index, finding) in document.findings.enumerated() { self.finding(finding, number: index + 1, &page) }
        SitePager(
            page: document.page, size: document.pageSize, count: document.count,
            address: { number in
                context.links.drops([
                    ("source", document.pair?.source), ("target", document.pair?.target), ("page", String(number)),
                ])
            }
        ).write(to: &page)
        reaches(&page)
    }

    private func finding(_ finding: DropsDocument.Finding, number: Int, _ page: inout Markup) {
        let isCounting = finding.isOpen && finding.counts
        page.element(
            "article", ["class": "finding \(isCounting ? "critical" : "info")", "aria-labelledby": "drop-\(number)"]
        ) { page in
            page.element("h2", ["id": "drop-\(number)"]) { page in
                page.element(
                    "a", ["class": "title", "href": context.links.finding(finding.id)], text: finding.sentence)
            }
            page.element("p", ["class": "scope"]) { page in
                page.pill(finding.kind, isCounting ? .critical : .info, symbol: isCounting ? "▲" : nil)
                page.pill(finding.side, .info)
                page.pill(finding.isOpen ? "open" : "withdrawn", .info)
                page.time(finding.start)
                page.text(" to ")
                if let end = finding.end { page.time(end) } else { page.text("now") }
                page.text(" ")
                page.entry(finding.position, context.links)
                if let note = finding.note { page.text(" · \(note)") }
            }
            facts(finding, &page)
            if let chart = finding.chart { ChartFigure(chart: chart, id: "chart-\(number)").write(to: &page) }
            attribution(finding, &page)
            page.element("p", ["class": "note"]) { page in
                page.text("Rests on ")
                page.entries(finding.evidence, context.links)
                if let incident = finding.incident {
                    page.text(" · incident ")
                    page.element("a", ["href": context.links.incident(incident)], text: incident)
                }
            }
        }
        page.lineBreak()
    }

    private func facts(_ finding: DropsDocument.Finding, _ page: inout Markup) {
        let facts = [
            LabelledText("cluster", finding.cluster), LabelledText("peer", finding.peer),
            LabelledText("whose doing", finding.owner),
            LabelledText("over the usual", finding.excess.map { "\(NumberText.significant($0)) connections" } ?? ""),
            LabelledText("usual", finding.baseline.map { NumberText.significant($0) } ?? ""),
        ].filter { !$0.text.isEmpty }
        page.element("dl", ["class": "facts"]) { page in
            for fact in facts {
                page.element("div") { page in
                    page.element("dt", text: fact.label)
                    page.element("dd", text: fact.text)
                }
            }
        }
    }

    private func attribution(_ finding: DropsDocument.Finding, _ page: inout Markup) {
        let lines = (finding.root.map { [(true, $0)] } ?? []) + finding.attribution.map { (false, $0) }
        guard !lines.isEmpty else { return }
        let table = SiteTable(
            caption: "What the dropped traffic has in common",
            columns: [.init("In common"), .init("Value"), .init("Explains", isNumber: true)])
        table.write(to: &page) { page in
            for (isRoot, line) in lines {
                let percent = "\(NumberText.significant(line.explained * 100)) % of the excess"
                table.row(
                    &page,
                    { page in
                        page.text(line.dimension.replacing("_", with: " "))
                        if isRoot { page.element("span", ["class": "under"], text: "of all drops at that time") }
                    },
                    { $0.element("code", text: line.values.joined(separator: ", ")) },
                    { page in
                        page.element(
                            "meter", ["min": "0", "max": "1", "value": "\(min(1, max(0, line.explained)))"],
                            text: percent)
                        page.text(" explains \(percent)")
                    })
            }
        }
    }

    private func reaches(_ page: inout Markup) {
        guard !document.reaches.isEmpty else { return }
        page.heading("How far the flow logs reach", id: "data", count: document.reaches.count)
        let table = SiteTable(
            caption: "How far the flow logs of each cluster reach",
            columns: [.init("Cluster"), .init("Newest record", isNumber: true), .init("Settled up to", isNumber: true)])
        table.write(to: &page) { page in
            for reach in document.reaches {
                table.row(
                    &page, { $0.text(reach.cluster) },
                    { page in
                        page.time(reach.newest)
                        page.text(" ")
                        page.entry(reach.position, context.links)
                    }, { $0.time(reach.settled) })
            }
        }
    }
}
