/// A table of a page: cells are written by whoever fills them, so that they can hold links. On a phone each row becomes
/// a card, so roles are explicit: browsers forget that blocks are a table.
struct SiteTable {
    struct Column {
        var title: String
        var isNumber = false
        /// The name that the query's `sort` has for it; nil if rows are not sorted by it.
        var sort: String?

        init(_ title: String, isNumber: Bool = false, sort: String? = nil) {
            self.title = title
            self.isNumber = isNumber
            self.sort = sort
        }
    }

    /// How rows are sorted, as the query said, and the address of the same page sorted otherwise.
    struct Order {
        var sort: String
        var isDescending: Bool
        var address: (_ sort: String, _ isDescending: Bool) -> String
    }

    let caption: String
    let columns: [Column]
    var order: Order?

    func write(to page: inout Markup, _ rows: (inout Markup) -> Void) {
        page.element("div", ["class": "scroll", "role": "region", "aria-label": caption, "tabindex": "0"]) { page in
            page.element("table", ["class": "cards", "role": "table"]) { page in
                page.element("caption", ["class": "unseen"], text: caption)
                page.element("thead", ["role": "rowgroup"]) { page in
                    page.element("tr", ["role": "row"]) { page in
                        for column in columns { header(column, &page) }
                    }
                }
                page.lineBreak()
                page.element("tbody", ["role": "rowgroup"]) { page in rows(&page) }
            }
        }
        page.lineBreak()
    }

    private func header(_ column: Column, _ page: inout Markup) {
        let isSorted = order.map { $0.sort == column.sort } ?? false
        let isDescending = order?.isDescending == true
        page.element(
            "th",
            [
                "scope": "col", "role": "columnheader", "class": column.isNumber ? "number" : nil,
                "aria-sort": isSorted ? isDescending ? "descending" : "ascending" : nil,
            ]
        ) { page in
            guard let sort = column.sort, let order else { return page.text(column.title) }
            page.element("a", ["href": order.address(sort, isSorted ? !isDescending : column.isNumber)]) { page in
                page.text(column.title)
                if isSorted { page.element("span", ["aria-hidden": "true"], text: isDescending ? " ↓" : " ↑") }
            }
        }
    }

    func row(
        _ page: inout Markup, class style: String? = nil, _ cells: ((inout Markup) -> Void)...
    ) {
        page.element("tr", ["role": "row", "class": style]) { page in
            for (index, cell) in cells.enumerated() where columns.indices.contains(index) {
                let column = columns[index]
                let isHeader = index == 0
                if isHeader {
                    page.element("th", ["scope": "row", "role": "rowheader"], cell)
                } else {
                    page.element(
                        "td",
                        ["role": "cell", "class": column.isNumber ? "number" : nil, "data-label": column.title], cell)
                }
            }
        }
        page.lineBreak()
    }
}
