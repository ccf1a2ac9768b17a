package import CairnBytes

/// One incident, with its timeline.
package struct IncidentDocument: Sendable, Hashable {
    package var id: String
    package var isOpen: Bool
    package var opened: Timestamp
    package var closed: Timestamp?
    package var position: UInt64
    package var timeline: TimelineDocument
    /// What the timeline leaves out, in words.
    package var omission: String?

    package init(
        id: String, isOpen: Bool, opened: Timestamp, closed: Timestamp?, position: UInt64, timeline: TimelineDocument,
        omission: String? = nil
    ) {
        self.id = id
        self.isOpen = isOpen
        self.opened = opened
        self.closed = closed
        self.position = position
        self.timeline = timeline
        self.omission = omission
    }
}

package enum IncidentPage {
    package static func render(_ document: IncidentDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: document.timeline.title, section: .incidents, context) { page in
            page.element("p", ["class": "crumbs"]) { page in
                page.element("a", ["href": context.links.incidents], text: "Incidents")
                page.element("code", text: document.id)
                page.entry(document.position, context.links)
            }
            page.element("h1", text: document.timeline.title)
            page.element("p", ["class": "scope"]) { page in
                let look = SiteText.look(of: document.isOpen ? "open" : "closed")
                page.pill(document.isOpen ? "open" : "closed", look.severity, symbol: look.symbol)
                page.time(document.opened)
                page.text(" to ")
                if let closed = document.closed { page.time(closed) } else { page.text("now") }
                page.text(" UTC")
                if let clusters = document.timeline.clusters {
                    page.text(" · ")
                    TimelineRangePage.clusters(clusters, &page)
                }
            }
            TimelineRangePage.exports([("incident", document.id)], context, &page)
            if let omission = document.omission { page.element("p", ["class": "message"], text: omission) }
            TimelinePage(document: document.timeline, site: context.links).write(to: &page)
        }
    }
}
