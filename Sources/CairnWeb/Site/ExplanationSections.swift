/// Facts, sentences and charts of an explanation, as a part of a page.
enum ExplanationSections {
    static func write(_ explanation: Explanation, to page: inout Markup) {
        page.element("dl", ["class": "facts"]) { page in
            for fact in explanation.facts {
                page.element("div") { page in
                    page.element("dt", text: fact.label)
                    page.element("dd", text: fact.text)
                }
            }
        }
        page.lineBreak()
        for (number, chart) in explanation.charts.enumerated() {
            ChartFigure(chart: chart, id: "chart-\(number + 1)").write(to: &page)
        }
        for section in explanation.sections {
            page.element("h2", text: section.label)
            page.element("p", text: section.text)
        }
        page.lineBreak()
    }
}
