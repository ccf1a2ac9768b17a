import CairnBytes
import CairnFlowLogs
import CairnReports
import CairnWeb

/// The formats of `-o` for rows by the million, which are written as they come and never become a `Table`. The text is
/// the same as that of `TableRenderer`.
extension FlowRowStyle {
    static func names(of query: FlowQuery) -> [String] {
        query.columns.map(\.description) + FlowAggregation.sumNames
    }

    static func csv(_ query: FlowQuery) -> FlowRowStyle {
        var style = FlowRowStyle()
        let names = names(of: query)
        style.cells = names.indices.map { Cell(column: $0, before: $0 == 0 ? "" : ",") }
        style.header = Array((names.joined(separator: ",") + "\n").utf8)
        style.afterRow = [UInt8(ascii: "\n")]
        // The line break of CSV is two bytes; rows end in one, as every tool for flow logs writes them.
        style.text = { Array(CSV.line([.text($0)]).utf8.dropLast(2)) }
        return style
    }

    static func json(_ query: FlowQuery) -> FlowRowStyle {
        var style = FlowRowStyle()
        // The keys of an object are sorted.
        let columns = names(of: query).enumerated().sorted { $0.element < $1.element }
        style.cells = columns.enumerated().map { place, column in
            Cell(column: column.offset, before: "\(place == 0 ? "{" : ",")\"\(column.element)\":")
        }
        style.header = Array("[\n  ".utf8)
        style.betweenRows = Array(",\n  ".utf8)
        style.afterRow = [UInt8(ascii: "}")]
        style.footer = Array("\n]\n".utf8)
        style.whenEmpty = Array("[]\n".utf8)
        style.missing = Array("null".utf8)
        style.quotesAddresses = true
        // Beyond 2^53 a double would change the digits, so these few become text.
        style.quotedNumbersMin = 1 << 53 + 1
        style.text = { Array(CanonicalJSON.string(of: .string($0)).utf8) }
        return style
    }

    /// A table whose columns are as wide as their widest value.
    static func terminal(_ query: FlowQuery, rows: FlowGroupRows, top: Int?, workers: Int) -> FlowRowStyle {
        var style = FlowRowStyle()
        let titles = names(of: query).map { Table.Column($0).title }
        style.missing = [UInt8(ascii: "-")]
        style.text = { Array(PlainText.visible($0).utf8) }
        style.width = { PlainText.width(PlainText.visible($0)) }
        style.cells = titles.indices.map { Cell(column: $0, before: $0 == 0 ? "" : "  ") }
        let extents = rows.extents(style, top: top, workers: workers)
        var header: [String] = []
        for (index, title) in titles.enumerated() {
            let width = max(title.utf8.count, extents[index].width)
            style.cells[index].width = width
            style.cells[index].isRight = isRight(index, query, extents)
            let pad = String(repeating: " ", count: width - title.utf8.count)
            header.append(style.cells[index].isRight ? pad + title : title + pad)
        }
        var line = header.joined(separator: "  ")
        while line.hasSuffix(" ") { line.removeLast() }
        style.header = Array((line + "\n").utf8)
        style.afterRow = [UInt8(ascii: "\n")]
        return style
    }

    static func markdown(_ query: FlowQuery, rows: FlowGroupRows, top: Int?, workers: Int) -> FlowRowStyle {
        var style = FlowRowStyle()
        let titles = names(of: query).map { Table.Column($0).title }
        style.missing = Array("-".utf8)
        style.text = { Array(Markdown.cell(PlainText.visible($0)).utf8) }
        style.cells = titles.indices.map { Cell(column: $0, before: $0 == 0 ? "| " : " | ") }
        let extents = rows.extents(style, top: top, workers: workers)
        let rules = titles.indices.map { isRight($0, query, extents) ? "---:" : "---" }
        let header = titles.map { Markdown.cell($0) }.joined(separator: " | ")
        style.header = Array("| \(header) |\n| \(rules.joined(separator: " | ")) |\n".utf8)
        style.afterRow = Array(" |\n".utf8)
        return style
    }

    /// Columns of numbers line up at the right, if any row has one.
    private static func isRight(_ index: Int, _ query: FlowQuery, _ extents: [FlowColumnExtent]) -> Bool {
        guard extents[index].hasValue else { return false }
        return index >= query.columns.count || query.columns[index].isNumber
    }
}
