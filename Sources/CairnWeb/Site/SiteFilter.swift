/// Fields of the forms that filter a page: plain queries, so that every view has an address.
enum SiteFilter {
    static func field(
        _ name: String, _ label: String, value: String, placeholder: String? = nil, _ page: inout Markup
    ) {
        page.element("label") { page in
            page.element("span", text: label)
            page.void(
                "input",
                [
                    "type": "search", "name": name, "value": value, "maxlength": "200", "placeholder": placeholder,
                    "autocomplete": "off", "spellcheck": "false",
                ])
        }
    }

    static func choice(
        _ name: String, _ label: String, _ choices: [(value: String, text: String)], value: String, _ page: inout Markup
    ) {
        page.element("label") { page in
            page.element("span", text: label)
            page.element("select", ["name": name]) { page in
                for choice in choices {
                    page.element(
                        "option", ["value": choice.value, "selected": choice.value == value ? "" : nil],
                        text: choice.text)
                }
            }
        }
    }

    static func hidden(_ name: String, _ value: String?, _ page: inout Markup) {
        guard let value, !value.isEmpty else { return }
        page.void("input", ["type": "hidden", "name": name, "value": value])
    }
}

/// Links through a list that does not fit on one page.
struct SitePager {
    /// From 1.
    let page: Int
    let size: Int
    let count: Int
    let address: (Int) -> String

    func write(to markup: inout Markup) {
        let pages = max(1, (count + size - 1) / max(1, size))
        guard pages > 1 else { return }
        let current = min(max(1, page), pages)
        markup.element("nav", ["class": "pager", "aria-label": "Pages"]) { markup in
            if current > 1 { markup.element("a", ["href": address(current - 1), "rel": "prev"], text: "← Previous") }
            let first = (current - 1) * size + 1
            let last = min(count, current * size)
            markup.element(
                "span",
                text: "\(NumberText.grouped(first)) to \(NumberText.grouped(last)) of \(NumberText.grouped(count))")
            if current < pages { markup.element("a", ["href": address(current + 1), "rel": "next"], text: "Next →") }
        }
        markup.lineBreak()
    }
}
