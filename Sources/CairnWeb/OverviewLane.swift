import CairnBytes

/// A row of the overview picture for things of one kind that happened at moments: gates, approvals, calls of hooks.
struct OverviewLane {
    struct Mark {
        var time: Timestamp
        /// Nil for what took no time.
        var end: Timestamp?
        /// Tells marks apart for whoever sees no colours.
        var symbol: String
        var severity: TimelineEntry.Severity
        /// In words, such as `gate of build: pass`.
        var label: String
        var position: UInt64?
    }

    var name: String
    /// In the order of their times.
    var marks: [Mark]

    /// - Parameter top: the middle of the row.
    func draw(top: Double, time: TimeScale, site: SiteLinks?, _ page: inout Markup) {
        page.shape(
            "line",
            ["class": "grid", "x1": place(time.left), "x2": place(time.right), "y1": place(top), "y2": place(top)])
        for mark in marks {
            let start = time.place(of: mark.time)
            OverviewLane.linked(mark.position, site, &page) { page in
                page.element("g", ["class": "moment \(mark.severity.rawValue)"]) { page in
                    page.element("title", text: "\(mark.label), \(mark.time)")
                    if let end = mark.end, time.place(of: end) - start > 12 {
                        page.shape(
                            "rect",
                            [
                                "x": place(start), "y": place(top - 3), "width": place(time.place(of: end) - start),
                                "height": "6", "rx": "3",
                            ])
                    }
                    page.shape("circle", ["cx": place(start), "cy": place(top), "r": "7.5"])
                    page.element(
                        "text", ["x": place(start), "y": place(top + 3.5), "text-anchor": "middle"], text: mark.symbol)
                }
            }
        }
    }

    /// Inside a link to the entry, where there are pages of entries.
    static func linked(
        _ position: UInt64?, _ site: SiteLinks?, _ page: inout Markup, _ body: (inout Markup) -> Void
    ) {
        guard let position, let site else { return body(&page) }
        page.element("a", ["href": site.entry(position)], body)
    }
}
