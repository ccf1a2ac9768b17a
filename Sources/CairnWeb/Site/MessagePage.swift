/// What a page says that cannot be shown, and what to do about it.
package struct MessageDocument: Sendable, Hashable {
    /// Of HTTP: 403, 404, 503, ...
    package var status: Int
    package var title: String
    /// Whole sentences: what is wrong.
    package var text: String
    /// What the reader can do; each a sentence.
    package var remedies: [String]
    /// Lines for a shell that help.
    package var command: String?

    package init(status: Int, title: String, text: String, remedies: [String] = [], command: String? = nil) {
        self.status = status
        self.title = title
        self.text = text
        self.remedies = remedies
        self.command = command
    }
}

package enum MessagePage {
    package static func render(_ document: MessageDocument, _ context: PageContext) -> [UInt8] {
        SitePage.render(title: document.title, section: .none, context, isLive: false) { page in
            page.element("div", ["class": "narrow-page"]) { page in
                page.element("p", ["class": "status-code"], text: String(document.status))
                page.element("h1", text: document.title)
                page.element("p", text: document.text)
                if !document.remedies.isEmpty {
                    page.element("ul") { page in
                        for remedy in document.remedies { page.element("li", text: remedy) }
                    }
                }
                if let command = document.command { page.command(command) }
                page.element("p") { page in
                    page.element("a", ["href": context.links.fleet], text: "To the fleet")
                }
            }
        }
    }
}
