/// What a page says first about its subject, a label and a text each, in every form of output.
enum FactList {
    /// Lines whose texts stand below each other.
    static func terminal(_ facts: [LabelledText]) -> String {
        let width = facts.map { PlainText.width($0.label) }.max() ?? 0
        return facts.map { fact in
            let pad = String(repeating: " ", count: width - PlainText.width(fact.label))
            return "\(PlainText.visible(fact.label))\(pad)  \(PlainText.visible(fact.text))\n"
        }.joined()
    }

    static func markdown(_ facts: [LabelledText]) -> String {
        facts.map { "- **\(Markdown.escaped($0.label)):** \(Markdown.escaped($0.text))\n" }.joined()
    }

    static func write(_ facts: [LabelledText], to page: inout Markup) {
        page.element("dl", ["class": "facts"]) { page in
            for fact in facts {
                page.element("dt", text: fact.label)
                page.element("dd", text: fact.text)
            }
        }
    }
}
