/// Markdown text: names from outside stay text, whatever they contain.
package enum Markdown {
    /// A piece of running text. Characters that could start markup get a backslash; `<` and `&` become entities, since
    /// many readers pass HTML through.
    package static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in PlainText.visible(text).unicodeScalars {
            switch scalar {
            case "\\", "`", "*", "_", "[", "]", "|", "~", "#": result += "\\" + String(scalar)
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// A table cell: one line, never empty.
    package static func cell(_ text: String) -> String {
        text.isEmpty ? " " : escaped(text)
    }
}
