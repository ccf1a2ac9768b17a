package import CairnBytes

/// One finding: why it is one, what it rests on, what people said of it.
package struct FindingDocument: Sendable, Hashable {
    /// An entry that the finding rests on.
    package struct Source: Sendable, Hashable {
        package var position: UInt64
        package var type: String
        package var time: Timestamp

        package init(position: UInt64, type: String, time: Timestamp) {
            self.position = position
            self.type = type
            self.time = time
        }
    }

    /// Where the same pair of clusters is compared: application and metric.
    package struct Place: Sendable, Hashable {
        package var app: String
        package var metric: String
        package var source: String
        package var target: String

        package init(app: String, metric: String, source: String, target: String) {
            self.app = app
            self.metric = metric
            self.source = source
            self.target = target
        }
    }

    package var id: String
    package var isOpen: Bool
    /// `muted by ana until ...: reason`
    package var note: String?
    /// Whether it counts: neither muted nor marked false.
    package var counts: Bool
    package var explanation: Explanation
    package var sources: [Source]
    /// All that it rests on, of which `sources` are the first.
    package var sourceCount: Int
    /// What its stream says, in order.
    package var history: [TimelineEntry]
    package var incident: String?
    package var place: Place?
    package var position: UInt64?

    package init(
        id: String, isOpen: Bool, note: String?, counts: Bool, explanation: Explanation, sources: [Source],
        sourceCount: Int, history: [TimelineEntry], incident: String?, place: Place?, position: UInt64?
    ) {
        self.id = id
        self.isOpen = isOpen
        self.note = note
        self.counts = counts
        self.explanation = explanation
        self.sources = sources
        self.sourceCount = sourceCount
        self.history = history
        self.incident = incident
        self.place = place
        self.position = position
    }
}

package struct FindingPage {
    private let document: FindingDocument
    private let context: PageContext

    package static func render(_ document: FindingDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: document.explanation.title, section: .incidents, context) { page in
            FindingPage(document: document, context: context).write(to: &page)
        }
    }

    private func write(to page: inout Markup) {
        page.element("p", ["class": "crumbs"]) { page in
            page.element("a", ["href": context.links.incidents], text: "Incidents")
            if let incident = document.incident {
                page.element("a", ["href": context.links.incident(incident)], text: incident)
            }
            page.element("code", text: document.id)
            page.entry(document.position, context.links)
        }
        page.element("h1", text: document.explanation.title)
        page.element("p", ["class": "scope"]) { page in
            if document.isOpen {
                let look = SiteText.look(of: "open")
                page.pill("open", document.counts ? look.severity : .info, symbol: look.symbol)
            } else {
                page.pill("withdrawn", .info, symbol: "–")
            }
            if let note = document.note { page.text(note) }
        }
        if let place = document.place {
            page.element("ul", ["class": "actions", "role": "list"]) { page in
                page.element("li") { page in
                    page.element(
                        "a",
                        [
                            "href": context.links.comparison(
                                place.app, place.metric, source: place.source, target: place.target)
                        ], text: "How \(place.metric) of \(place.app) compares now")
                }
            }
        }
        ExplanationSections.write(document.explanation, to: &page)
        words(&page)
        sources(&page)
        history(&page)
    }

    // MARK: Words of people

    /// How long a mute may hold, from now.
    private static let spans: [(text: String, seconds: Int64)] = [
        ("one hour", 3600), ("eight hours", 28_800), ("one day", 86_400), ("one week", 604_800),
    ]

    private func words(_ page: inout Markup) {
        guard document.isOpen else { return }
        page.heading("What do you say of it?", id: "words")
        guard context.mayDecide, let token = context.formToken else {
            return page.element("p", ["class": "note"]) { page in
                page.text("To acknowledge it, mute it or mark it false takes a token with the scope ")
                page.element("code", text: "approve")
                page.text(".")
            }
        }
        let finding = context.links.finding(document.id)
        page.element("form", ["method": "post", "action": "\(finding)/acknowledge", "class": "decide"]) { page in
            page.void("input", ["type": "hidden", "name": "form_token", "value": token])
            page.element("label", ["class": "unseen", "for": "reason"], text: "Reason")
            page.void(
                "input",
                [
                    "id": "reason", "name": "reason", "required": "", "maxlength": "2000", "placeholder": "Reason",
                    "autocomplete": "off",
                ])
            page.element("label", ["class": "unseen", "for": "expires"], text: "For how long")
            page.element("select", ["id": "expires", "name": "expires"]) { page in
                for span in FindingPage.spans {
                    page.element(
                        "option", ["value": context.now.adding(seconds: span.seconds).description],
                        text: "for \(span.text)")
                }
                page.element("option", ["value": ""], text: "for good")
            }
            page.element("button", ["class": "good"], text: "Acknowledge")
            page.element("button", ["formaction": "\(finding)/mute"], text: "Mute")
            page.element("button", ["formaction": "\(finding)/false", "class": "bad"], text: "Mark false")
        }
        page.element(
            "p", ["class": "note"],
            text:
                "Acknowledged, it still counts. Muted or marked false, it fails no gate until then. All three are events of the log."
        )
    }

    // MARK: The log

    private func sources(_ page: inout Markup) {
        page.heading("Evidence in the log", id: "evidence", count: document.sourceCount)
        guard !document.sources.isEmpty else { return page.empty("Its events name no entries as evidence.") }
        let table = SiteTable(
            caption: "Evidence in the log", columns: [.init("Entry"), .init("Type"), .init("Time", isNumber: true)])
        table.write(to: &page) { page in
            for source in document.sources {
                table.row(
                    &page, { $0.entry(source.position, context.links) }, { $0.element("code", text: source.type) },
                    { $0.time(source.time) })
            }
        }
        if document.sourceCount > document.sources.count {
            page.element(
                "p", ["class": "note"],
                text:
                    "\(NumberText.grouped(document.sourceCount - document.sources.count)) more are in the finding's own entry."
            )
        }
        page.element("p", ["class": "note"], text: "The finding is computed again from these entries alone by")
        page.command("cairn replay --rejudge")
    }

    private func history(_ page: inout Markup) {
        guard !document.history.isEmpty else { return }
        page.heading("What was said of it", id: "history", count: document.history.count)
        let table = SiteTable(
            caption: "What was said of it",
            columns: [.init("What"), .init("Who"), .init("When", isNumber: true), .init("Entry", isNumber: true)])
        table.write(to: &page) { page in
            for line in document.history {
                table.row(
                    &page,
                    { page in
                        page.text(line.action)
                        for evidence in line.evidence {
                            page.element("span", ["class": "under"], text: evidence.text)
                        }
                    }, { $0.text(line.actor) }, { $0.time(line.time) }, { $0.entry(line.position, context.links) })
            }
        }
    }
}
