/// The stages of a run as a bar of small fields, each with a sign and a name.
enum PhaseBar {
    static func write(_ stages: [FleetDocument.Stage], to page: inout Markup) {
        guard !stages.isEmpty else { return page.element("span", ["class": "under"], text: "no phases yet") }
        page.element("ol", ["class": "phases", "role": "list", "aria-label": "Phases"]) { page in
            for stage in stages {
                let status = stage.status ?? "not begun"
                page.element("li", ["class": style(stage.status), "title": "\(stage.name): \(status)"]) { page in
                    page.element("span", ["aria-hidden": "true"], text: SiteText.look(of: stage.status ?? "").symbol)
                    page.element("span", ["class": "unseen"], text: "\(stage.name): \(status)")
                }
            }
        }
    }

    private static func style(_ status: String?) -> String {
        switch status {
        case "completed": "done"
        case "started", "running": "now"
        case "failed": "broken"
        case "reverted": "back"
        case "skipped": "left-out"
        default: "ahead"
        }
    }
}
