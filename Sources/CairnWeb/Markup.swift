/// Writes HTML and SVG. Element and attribute names are literals of the program, everything else is escaped: a name
/// from the log cannot become markup, close an attribute, or reorder the text around it.
package struct Markup: Sendable {
    package private(set) var html = ""

    package init() {}

    /// `<name attributes>body</name>`
    package mutating func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:],
        _ body: (inout Markup) -> Void = { _ in }
    ) {
        open(name, attributes)
        html += ">"
        body(&self)
        html += "</\(name)>"
    }

    /// An element that holds only text.
    package mutating func element(
        _ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:], text: String
    ) {
        element(name, attributes) { $0.text(text) }
    }

    /// `<name attributes>`, for HTML elements that have no end: `meta`, `br`.
    package mutating func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?> = [:]) {
        open(name, attributes)
        html += ">"
    }

    /// `<name attributes/>`, for SVG shapes.
    package mutating func shape(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>) {
        open(name, attributes)
        html += "/>"
    }

    package mutating func text(_ text: String) { Markup.escape(text, into: &html) }

    /// Markup that the program itself holds as a literal: a style sheet, a doctype.
    package mutating func literal(_ markup: StaticString) { html += "\(markup)" }

    package mutating func lineBreak() { html += "\n" }

    private mutating func open(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String?>) {
        html += "<\(name)"
        for (attribute, value) in attributes {
            guard let value else { continue }
            html += " \(attribute)=\""
            Markup.escape(value, into: &html)
            html += "\""
        }
    }

    private static func escape(_ text: String, into html: inout String) {
        for scalar in PlainText.visible(text).unicodeScalars {
            switch scalar {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            default: html.unicodeScalars.append(scalar)
            }
        }
    }
}
