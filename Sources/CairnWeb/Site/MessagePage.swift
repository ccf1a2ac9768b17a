/// What a page says that cannot be shown, and what to do about it.
package struct MessageDocument: Sendable, Hashable {
    /// Of HTTP: 403, 404, 503, ...
    package var status: Int
    package var title: String
    /// Whole sentences: what is wrong.
    package var text: String
    /// What the reader can do; a command in it stands in backticks, or at its end after a colon. Without a full stop.
    package var remedy: String?
    /// When it is worth trying again.
    package var retryAfterSeconds: Int?

    package init(status: Int, title: String, text: String, remedy: String? = nil, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.title = title
        self.text = text
        self.remedy = remedy
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// The command at the end of the remedy.
    var command: String? {
        remedy.flatMap { text in text.firstRange(of: ": cairn ").map { String(text[$0.lowerBound...].dropFirst(2)) } }
    }
}

package enum MessagePage {
    package static func render(_ document: MessageDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: document.title, section: .none, context, isLive: false) { page in
            page.element("div", ["class": "narrow-page"]) { page in
                page.element("p", ["class": "status-code"], text: String(document.status))
                page.element("h1", text: document.title)
                page.element("p", text: sentence(document.text))
                if let remedy = document.remedy { page.element("p") { MessagePage.write(remedy, to: &$0) } }
                if let command = document.command { page.command(command) }
                if let seconds = document.retryAfterSeconds {
                    page.element("p", text: "Try again in \(SiteText.plural(seconds, "second")).")
                }
                page.element("ul", ["class": "actions", "role": "list"]) { page in
                    for (address, words) in next(document, context) {
                        page.element("li") { $0.element("a", ["href": address], text: words) }
                    }
                }
            }
        }
    }

    /// Where to go from here.
    private static func next(_ document: MessageDocument, _ context: PageContext) -> [(address: String, words: String)]
    {
        var next = [(context.links.fleet, "To the fleet")]
        if document.status == 403 { next.append((context.links.login, "Log in with another token")) }
        if document.status == 404 {
            next += [(context.links.incidents, "All incidents"), (context.links.timeline(), "The last day")]
        }
        return next
    }

    /// What stands in backticks as it is typed.
    private static func write(_ remedy: String, to page: inout Markup) {
        for (index, part) in remedy.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
            if index % 2 == 1 {
                page.element("code", text: String(part))
            } else {
                page.text(index == 0 ? part.prefix(1).uppercased() + part.dropFirst() : String(part))
            }
        }
        page.text(".")
    }

    private static func sentence(_ text: String) -> String {
        let first = text.prefix(1).uppercased() + text.dropFirst()
        return first.last.map { ".!?:".contains($0) } == true ? first : first + "."
    }
}
