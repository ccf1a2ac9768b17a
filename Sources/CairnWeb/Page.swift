/// One HTML file that needs nothing else: no script, no font, no picture from elsewhere. It reads on paper, in dark
/// rooms, on a phone, without colours, and by ear.
package enum Page {
    package static func render(title: String, _ body: (inout Markup) -> Void) -> String {
        var page = Markup()
        page.literal("<!DOCTYPE html>\n")
        page.element("html", ["lang": "en"]) { page in
            page.lineBreak()
            page.element("head") { page in
                page.void("meta", ["charset": "utf-8"])
                page.void("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
                page.void("meta", ["name": "color-scheme", "content": "light dark"])
                // Whatever a mistake let through, the browser loads and runs nothing.
                page.void(
                    "meta",
                    [
                        "http-equiv": "Content-Security-Policy",
                        "content": "default-src 'none'; style-src 'unsafe-inline'",
                    ])
                page.element("title", text: title)
                page.lineBreak()
                page.literal("<style>")
                page.literal(PageStyle.sheet)
                page.literal("</style>")
            }
            page.lineBreak()
            page.element("body") { page in
                page.lineBreak()
                page.element("main") { page in
                    page.lineBreak()
                    body(&page)
                    page.lineBreak()
                }
                page.lineBreak()
            }
            page.lineBreak()
        }
        page.lineBreak()
        return page.html
    }
}
