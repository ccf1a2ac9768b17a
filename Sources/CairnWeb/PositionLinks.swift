/// Where the number of an entry leads: in a document that stands alone to its line, if it has one there; in a page of the
/// server to the page of the entry.
struct PositionLinks {
    /// Positions that have a line in this page.
    var lines: Set<UInt64>
    var site: SiteLinks?

    func write(_ position: UInt64, to page: inout Markup) {
        if let site {
            page.entry(position, site)
        } else if lines.contains(position) {
            page.element("a", ["href": "#e\(position)"], text: String(position))
        } else {
            page.text(String(position))
        }
    }
}
