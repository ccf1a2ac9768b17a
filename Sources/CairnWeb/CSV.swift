/// Comma-separated values by RFC 4180: lines end in CR LF, and fields with a comma, quote or line break are quoted.
///
/// Text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return, as in
/// OWASP's "CSV injection") gets an apostrophe in front: names in the log come from outside. Numbers are written bare.
package enum CSV {
    /// One line with its line break. A number that is text (`-5`) is still a number to every reader and stays bare.
    package static func line(_ fields: [Field]) -> String {
        var line = ""
        for (index, field) in fields.enumerated() {
            if index > 0 { line.append(",") }
            switch field {
            case .number(let digits): line += digits
            case .text(let text): line += quoted(neutralised(text))
            }
        }
        return line + "\r\n"
    }

    package enum Field: Sendable, Hashable {
        /// Digits that Cairn wrote itself.
        case number(String)
        case text(String)
    }

    private static func neutralised(_ text: String) -> String {
        guard let first = text.utf8.first, Array("=+-@\t\r".utf8).contains(first) else { return text }
        if first != UInt8(ascii: "="), let number = Double(text), number.isFinite { return text }
        return "'" + text
    }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else { return text }
        return "\"" + text.replacing("\"", with: "\"\"") + "\""
    }
}
