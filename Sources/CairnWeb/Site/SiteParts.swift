import CairnBytes

/// Pieces that most pages have.
extension Markup {
    /// A moment, to the second.
    mutating func time(_ time: Timestamp) {
        element("time", ["datetime": time.description], text: "\(time.dateText) \(time.timeText)")
    }

    /// The hours and minutes of a moment, with its date where that is another than the reader's.
    mutating func shortTime(_ time: Timestamp, _ now: Timestamp) {
        let isToday = time.dateText == now.dateText
        element(
            "time", ["datetime": time.description], text: isToday ? clock(time) : "\(time.dateText) \(clock(time))")
    }

    /// How long ago a moment was; the script keeps it right.
    mutating func age(_ time: Timestamp, _ now: Timestamp) {
        element(
            "time", ["class": "age", "datetime": time.description, "title": "\(time.dateText) \(time.timeText) UTC"],
            text: SiteText.age(time, now))
    }

    /// `#304`: the entry of the log that something comes from.
    mutating func entry(_ position: UInt64?, _ links: SiteLinks) {
        guard let position else { return }
        element(
            "a", ["class": "entry", "href": links.entry(position), "aria-label": "entry \(position)"],
            text: "#\(position)")
    }

    /// Several entries, with what follows each other as one range.
    mutating func entries(_ positions: [UInt64], _ links: SiteLinks, most: Int = 12) {
        let ranges = TimelineRenderer.ranges(positions)
        for (index, range) in ranges.prefix(most).enumerated() {
            if index > 0 { text(" ") }
            entry(range.lowerBound, links)
            guard range.upperBound > range.lowerBound else { continue }
            text("–")
            entry(range.upperBound, links)
        }
        if ranges.count > most { text(" and \(ranges.count - most) more") }
    }

    mutating func pill(_ text: String, _ severity: TimelineEntry.Severity, symbol: String? = nil) {
        element("span", ["class": "pill \(severity.rawValue)"]) { page in
            if let symbol { page.element("span", ["aria-hidden": "true"], text: "\(symbol) ") }
            page.text(text)
        }
    }

    /// Nothing is there: why, and the command that changes it.
    mutating func empty(_ sentence: String, command: String? = nil) {
        element("div", ["class": "empty"]) { page in
            page.element("p", text: sentence)
            if let command { page.command(command) }
        }
        lineBreak()
    }

    /// Lines for a shell.
    mutating func command(_ lines: String) {
        element("pre", ["class": "command", "tabindex": "0"]) { page in
            page.element("code") { page in
                for (index, line) in lines.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                    if index > 0 { page.lineBreak() }
                    page.text(String(line))
                }
            }
        }
    }

    /// A heading with a number beside it and an anchor.
    mutating func heading(_ text: String, id: String, count: Int? = nil) {
        element("h2", ["id": id]) { page in
            page.text(text)
            if let count { page.element("span", ["class": "count"], text: " \(NumberText.grouped(count))") }
        }
        lineBreak()
    }

    /// Numbers that say how things are, in a row.
    mutating func tiles(_ tiles: [SiteTile]) {
        element("dl", ["class": "tiles"]) { page in
            for tile in tiles {
                page.element("div", ["class": "tile \(tile.severity.rawValue)"]) { page in
                    page.element("dt", text: tile.label)
                    page.element("dd") { page in
                        page.element("span", ["class": "value"], text: tile.value)
                        if !tile.detail.isEmpty { page.element("span", ["class": "detail"], text: tile.detail) }
                    }
                }
            }
        }
        lineBreak()
    }
}

struct SiteTile {
    var label: String
    var value: String
    var detail = ""
    var severity = TimelineEntry.Severity.info
}

enum SiteText {
    /// `4m ago`, `in 2h 05m`; seconds say nothing after the first minute.
    static func age(_ time: Timestamp, _ now: Timestamp) -> String {
        let seconds = Timestamp.floorDivide(now.microseconds, 1_000_000) - time.seconds
        let text = rough(seconds: seconds.magnitude)
        return seconds < 0 ? "in \(text)" : "\(text) ago"
    }

    static func rough(seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<86_400: seconds / 60 % 60 == 0 ? "\(seconds / 3600)h" : "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default:
            seconds < 864_000 && seconds / 3600 % 24 > 0
                ? "\(seconds / 86_400)d \(seconds / 3600 % 24)h" : "\(seconds / 86_400)d"
        }
    }

    static func plural(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(NumberText.grouped(count)) \(count == 1 ? one : many ?? one + "s")"
    }

    /// How a status of a run, a phase, a gate or a check is shown: a sign for eyes that see no colour.
    static func look(of status: String) -> (symbol: String, severity: TimelineEntry.Severity) {
        switch status {
        case "completed", "pass", "SUCCEEDED", "granted", "closed": ("✓", .success)
        case "running", "started", "IN_PROGRESS": ("▶", .info)
        case "failed", "aborted", "rollback-failed", "fail", "FAILED", "rejected", "open": ("✕", .critical)
        case "rolling-back", "rolled-back", "reverted": ("↺", .warning)
        case "undecided", "waiting", "timed out": ("?", .warning)
        case "skipped": ("–", .info)
        default: ("○", .info)
        }
    }
}
