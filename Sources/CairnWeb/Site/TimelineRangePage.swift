import CairnBytes

/// What happened in a stretch of time.
package struct TimelineRangeDocument: Sendable, Hashable {
    package var timeline: TimelineDocument
    /// What was asked for, as it was written.
    package var since: String
    package var until: String
    package var migration: String
    /// What the timeline leaves out, in words.
    package var omission: String?

    package init(
        timeline: TimelineDocument, since: String = "", until: String = "", migration: String = "",
        omission: String? = nil
    ) {
        self.timeline = timeline
        self.since = since
        self.until = until
        self.migration = migration
        self.omission = omission
    }
}

package enum TimelineRangePage {
    package static func render(_ document: TimelineRangeDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: document.timeline.title, section: .timeline, context) { page in
            page.element("h1", text: document.timeline.title)
            page.element("p", ["class": "scope"]) { page in
                page.text(document.timeline.rangeText)
                if let clusters = document.timeline.clusters {
                    page.text(" · ")
                    TimelineRangePage.clusters(clusters, &page)
                }
            }
            page.element("form", ["class": "filter", "action": context.links.timeline()]) { page in
                SiteFilter.field("since", "Since", value: document.since, placeholder: "-24h", &page)
                SiteFilter.field("until", "Until", value: document.until, placeholder: "now", &page)
                SiteFilter.field("migration", "Migration", value: document.migration, &page)
                page.element("button", text: "Show")
            }
            let query = [("migration", document.migration), ("since", document.since), ("until", document.until)]
            exports(query.map { ($0.0, Optional($0.1)) }, context, &page)
            if let omission = document.omission { page.element("p", ["class": "message"], text: omission) }
            TimelinePage(document: document.timeline, site: context.links).write(to: &page)
        }
    }

    /// Links to the same as files.
    static func exports(_ query: [(String, String?)], _ context: PageContext, _ page: inout Markup) {
        page.element("ul", ["class": "actions", "role": "list", "aria-label": "Export this timeline"]) { page in
            for (format, name) in [("html", "HTML"), ("md", "Markdown"), ("csv", "CSV"), ("json", "JSON")] {
                page.element("li") { page in
                    page.element(
                        "a", ["href": context.links.export(query, format), "download": ""]
                    ) { page in
                        page.element("span", ["aria-hidden": "true"], text: "↓ ")
                        page.element("span", ["class": "unseen"], text: "Timeline as ")
                        page.text(name)
                    }
                }
            }
        }
        page.lineBreak()
    }

    static func clusters(_ clusters: TimelineDocument.ClusterNames, _ page: inout Markup) {
        page.element("span", ["class": "cluster source"], text: clusters.source)
        page.text(" → ")
        page.element("span", ["class": "cluster target"], text: clusters.target)
    }
}
