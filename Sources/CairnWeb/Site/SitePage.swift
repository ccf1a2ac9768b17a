import CairnBytes

/// The frame of every page that the server shows: landmarks, a way past them by keyboard, where we are, and how fresh
/// what is shown is. Style and script are files of their own, so that a browser can be told to run nothing else.
enum SitePage {
    enum Section: String, CaseIterable {
        case fleet = "Fleet"
        case divergence = "Divergence"
        case drops = "Drops"
        case incidents = "Incidents"
        case timeline = "Timeline"
        case none = ""

        func address(_ links: SiteLinks) -> String {
            switch self {
            case .fleet, .none: links.fleet
            case .divergence: links.divergence()
            case .drops: links.drops()
            case .incidents: links.incidents
            case .timeline: links.timeline()
            }
        }
    }

    /// - Parameter isLive: false for pages that do not change by themselves: logging in, errors.
    static func render(
        title: String, section: Section, _ context: PageContext, isLive: Bool = true, _ body: (inout Markup) -> Void
    ) -> [UInt8] {
        var page = Markup()
        page.literal("<!DOCTYPE html>\n")
        page.element("html", ["lang": "en"]) { page in
            page.lineBreak()
            head(title, context, &page)
            page.element("body") { page in
                page.lineBreak()
                page.element("a", ["class": "skip", "href": "#main"], text: "Skip to the content")
                bar(section, context, isLive: isLive, &page)
                page.element(
                    "main",
                    ["id": "main", "tabindex": "-1", "data-live": isLive ? "\(context.links.prefix)/v1/follow" : nil]
                ) { page in
                    page.lineBreak()
                    body(&page)
                }
                page.lineBreak()
                footer(context, &page)
            }
            page.lineBreak()
        }
        page.lineBreak()
        return Array(page.html.utf8)
    }

    private static func head(_ title: String, _ context: PageContext, _ page: inout Markup) {
        page.element("head") { page in
            page.void("meta", ["charset": "utf-8"])
            page.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
            page.void("meta", ["name": "color-scheme", "content": "light dark"])
            page.void("meta", ["name": "referrer", "content": "same-origin"])
            page.element("title", text: "\(title) · Cairn")
            page.void("link", ["rel": "stylesheet", "href": context.links.styleSheet])
            page.void("link", ["rel": "icon", "href": icon])
            page.element("script", ["src": context.links.script, "defer": ""])
        }
        page.lineBreak()
    }

    /// Three stones: one on the other.
    private static let icon =
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16' fill='%235b7fa6'%3E"
        + "%3Cellipse cx='8' cy='12.6' rx='6.6' ry='2.7'/%3E%3Cellipse cx='7.6' cy='7.6' rx='4.6' ry='2.2'/%3E"
        + "%3Cellipse cx='8.3' cy='3.4' rx='2.7' ry='1.8'/%3E%3C/svg%3E"

    private static func bar(_ section: Section, _ context: PageContext, isLive: Bool, _ page: inout Markup) {
        page.element("header", ["class": "masthead"]) { page in
            page.element("a", ["class": "brand", "href": context.links.fleet]) { page in
                page.element("svg", ["viewBox": "0 0 16 16", "width": "18", "height": "18", "aria-hidden": "true"]) {
                    page in
                    for (x, y, rx, ry) in [
                        ("8", "12.6", "6.6", "2.7"), ("7.6", "7.6", "4.6", "2.2"), ("8.3", "3.4", "2.7", "1.8"),
                    ] {
                        page.shape("ellipse", ["cx": x, "cy": y, "rx": rx, "ry": ry])
                    }
                }
                page.text("Cairn")
            }
            if context.viewer != nil {
                page.element("nav", ["aria-label": "Main"]) { page in
                    for item in Section.allCases where item != .none {
                        page.element(
                            "a",
                            ["href": item.address(context.links), "aria-current": item == section ? "page" : nil],
                            text: item.rawValue)
                    }
                }
            }
            page.element("div", ["class": "session"]) { page in
                if isLive { freshness(context, &page) }
                if let viewer = context.viewer { session(viewer, context, &page) }
            }
        }
        page.lineBreak()
    }

    /// Without the script this says when the page was made; with it, whether it follows the log.
    private static func freshness(_ context: PageContext, _ page: inout Markup) {
        page.element("p", ["id": "freshness", "class": "freshness", "role": "status", "aria-live": "polite"]) { page in
            page.text("as of ")
            page.element("time", ["datetime": context.now.description], text: "\(context.now.timeText) UTC")
        }
    }

    private static func session(_ viewer: PageContext.Viewer, _ context: PageContext, _ page: inout Markup) {
        page.element("span", ["class": "viewer"], text: viewer.name)
        guard let token = context.formToken else { return }
        page.element("form", ["method": "post", "action": context.links.logout]) { page in
            page.void("input", ["type": "hidden", "name": "form_token", "value": token])
            page.element("button", ["class": "plain"], text: "Log out")
        }
    }

    private static func footer(_ context: PageContext, _ page: inout Markup) {
        page.element("footer", ["class": "foot"]) { page in
            page.element("p") { page in
                if !context.ledgerOrigin.isEmpty {
                    page.text("Ledger ")
                    page.element("code", text: context.ledgerOrigin)
                    page.text(" · ")
                }
                page.text("numbers after # are entries of the log · all times UTC · ")
                page.text("made at ")
                page.time(context.now)
            }
        }
        page.lineBreak()
    }
}
