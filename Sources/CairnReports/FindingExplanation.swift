internal import CairnAnalyzer
package import CairnBytes
package import CairnModel
package import CairnWeb

/// Explains a recorded finding, from its events alone.
package enum FindingExplanation {
    package typealias Source = FindingDocument.Source

    /// - Parameters:
    ///   - id: of the finding.
    ///   - state: what its stream says, opened at least.
    ///   - now: for words of people that end at a moment.
    package static func make(id: String, state: FindingState, sources: [Source], now: Timestamp) -> Explanation {
        let data = state.data ?? .null
        let series = EvidenceSeries(data["evidence_series"])
        var facts: [LabelledText] = [LabelledText("finding", id)]
        facts.append(
            LabelledText(
                "status",
                state.isOpen ? state.note(at: now).map { "open, \($0)" } ?? "open" : "withdrawn"))
        if let start = data["start"]?.string {
            let end = data["end"]?.string.map { " to \($0)" } ?? ", and goes on"
            facts.append(LabelledText("when", start + end))
        }
        facts += FindingText.facts(data).map { LabelledText($0.label, $0.value) }
        let sections = [
            LabelledText("What was seen", sentence(data["reason"]?.string) ?? FindingText.headline(data)),
            LabelledText("What it means", meaning(data)),
            LabelledText("The test", test(data, series)),
            LabelledText("What would change the verdict", change(data)),
        ].filter { !$0.text.isEmpty }
        var json = data.object ?? JSONObject()
        json["finding"] = .string(id)
        json["status"] = state.isOpen ? "open" : "withdrawn"
        json["note"] = .optional(state.note(at: now))
        json["explanation"] = .array(
            sections.map { ["title": .string($0.label), "text": .string($0.text)] })
        return Explanation(
            title: FindingText.headline(data), facts: facts, sections: sections,
            charts: charts(data, series), tables: [table(sources)], json: .object(json))
    }

    private static func sentence(_ text: String?) -> String? {
        guard let text, !text.isEmpty else { return nil }
        let capital = text.prefix(1).uppercased() + text.dropFirst()
        return capital.hasSuffix(".") ? capital : capital + "."
    }

    private static func meaning(_ data: JSONValue) -> String {
        guard let app = data["app"]?.string else { return FindingText.explanation(data) }
        let clusters = (data["clusters"]?["source"]?.string, data["clusters"]?["target"]?.string)
        guard case (let source?, let target?) = clusters else { return FindingText.explanation(data) }
        let since = data["start"]?.string.map { " since \($0)" } ?? ""
        let before = data["is_new"] == true ? ", and was not before" : ""
        return
            "Users of \(app) on \(target) are served worse\(since) than those on \(source) at the same time\(before): look for "
            + "what differs between the clusters (limits, network paths, versions), not for what both have."
    }

    /// How it was judged, in words.
    private static func test(_ data: JSONValue, _ series: EvidenceSeries?) -> String {
        var parts: [String] = []
        let odds = data["log_evidence"]?.double.map(odds)
        switch data["analyzer"]?.string {
        case DivergenceReport.analyzer:
            parts.append(
                "Both clusters are compared over the same minutes, after the difference that was there before is taken off."
            )
            if let odds {
                parts.append(
                    "\"They differ by more than the margin\" explains what was seen \(odds) better than \"they do not\"."
                )
            }
            if data["verdict"]?.string == DivergenceVerdict.equivalent.rawValue {
                parts.append(
                    "They are the same within the margin once the whole range in which the effect can lie is between the two "
                        + "lines of the margin.")
            }
            parts.append(
                "This holds however often one looks: looking every minute does not make a false alarm likelier.")
        case DropsAnalyzer.name:
            if let events = data["events"]?.integer, let connections = data["connections"]?.integer {
                let baseline =
                    (data["baseline_rate"]?.double).map { " where \(FindingText.text($0 * 100)) of 100 are usual" }
                    ?? ""
                parts.append("\(events) of \(connections) connections\(baseline).")
            }
            if let odds {
                parts.append("\"More than usual is dropped\" explains that \(odds) better than chance does.")
            }
            if let control = data["control_connections"]?.integer, control > 0 {
                parts.append(
                    "In the other cluster it was \(data["control_events"]?.integer ?? 0) of \(control) with the same peer."
                )
            }
        case AnomalyFinding.analyzer:
            if let value = data["value"]?.double, let rarity = data["rarity"]?.double {
                let expected = data["expected"]?.double.map { " where \(FindingText.text($0)) was expected" } ?? ""
                parts.append(
                    "Its rarest sample was \(FindingText.text(value))\(expected): so far from what is usual is one sample "
                        + "of 10^\(FindingText.text(rarity)) by the past of the series itself.")
            }
            if let opinion = data["second_opinion"]?.string { parts.append("An offline method \(opinion).") }
        case SilenceAnalyzer.name:
            parts.append(
                "Samples are missed after \(SilenceAnalyzer.samplesMinutesMax) min, flow logs, which come late by nature, "
                    + "after \(SilenceAnalyzer.flowLogsMinutesMax) min.")
        default: if let odds { parts.append("The evidence is \(odds) in favour of it.") }
        }
        if let decided = series?.decidedAt { parts.append("The evidence reached the line at \(decided).") }
        return parts.joined(separator: " ")
    }

    /// `10,000 times`: nats are for machines.
    private static func odds(_ nats: Double) -> String {
        let digits = nats / 2.302585092994046
        if digits < 0.02 { return "no" }
        guard digits < 15 else { return "more than 10^15 times" }
        if digits < 1 { return "\(FindingText.text(pow10(digits))) times" }
        if digits < 6 { return "\(NumberText.grouped(Int64(pow10(digits)))) times" }
        return "10^\(Int(digits)) times"
    }

    private static func pow10(_ digits: Double) -> Double {
        var value = 1.0
        var rest = digits
        while rest >= 1 {
            value *= 10
            rest -= 1
        }
        // Linear within a decade: two digits of odds say nothing that one does not.
        return value * (1 + rest * 9)
    }

    private static func change(_ data: JSONValue) -> String {
        switch data["analyzer"]?.string {
        case DivergenceReport.analyzer:
            let would = (data["would_change"]?.array ?? []).compactMap { sentence($0.string) }.joined(separator: " ")
            return [
                would,
                "A mute or mark-false with a reason keeps it from failing a gate; a wider margin in the plan's gates does so "
                    + "for the metric.",
            ].filter { !$0.isEmpty }.joined(separator: " ")
        case DropsAnalyzer.name:
            return
                "Once the share is back to what is usual for ten minutes, its incident closes. Flow logs that arrive late "
                + "and show answers withdraw it. If the same shows in the other cluster, the peer or the region is the "
                + "cause, and the finding counts for neither."
        case SilenceAnalyzer.name: return "Data of this cluster for the time since withdraws it."
        default:
            return "Later evidence that shows nothing of it withdraws it; a mute with a reason keeps it from counting."
        }
    }

    // MARK: Charts

    private static func charts(_ data: JSONValue, _ series: EvidenceSeries?) -> [Chart] {
        var charts: [Chart] = []
        let start = data["start"]?.string.flatMap { Timestamp($0) }
        func windows(_ last: Timestamp?) -> [Chart.Window] {
            guard let start, let end = data["end"]?.string.flatMap({ Timestamp($0) }) ?? last, end >= start else {
                return []
            }
            return [Chart.Window(start: start, end: end, label: "finding")]
        }
        if let signal = FindingSignal(data["signal"]) {
            func points(_ values: [Double?]) -> [Chart.Point] {
                values.enumerated().map { Chart.Point(signal.time(of: $0.offset), $0.element) }
            }
            let last = signal.time(of: max(signal.source.count, signal.target.count))
            charts.append(
                Chart(
                    title: "The data", axis: signal.axis, unit: unit(signal.unit),
                    series: [
                        Chart.Series(
                            name: data["clusters"]?["source"]?.string ?? "source", role: .source,
                            points: points(signal.source)),
                        Chart.Series(
                            name: data["clusters"]?["target"]?.string ?? data["cluster"]?.string ?? "target",
                            role: .target, points: points(signal.target)),
                    ], windows: windows(last)))
        }
        guard let series else { return charts }
        func line(_ name: String, _ role: Chart.Role, _ path: KeyPath<EvidenceSeries.Point, Double?>) -> Chart.Series? {
            guard series.points.contains(where: { $0[keyPath: path] != nil }) else { return nil }
            return Chart.Series(
                name: name, role: role, points: series.points.map { Chart.Point($0.time, $0[keyPath: path]) })
        }
        func add(
            _ title: String, _ axis: String, _ axisUnit: AxisUnit, _ lines: [Chart.Series?], _ levels: [Chart.Level]
        ) {
            let lines = lines.compactMap { $0 }
            guard !lines.isEmpty else { return }
            charts.append(
                Chart(
                    title: title, axis: axis, unit: axisUnit, series: lines, windows: windows(series.points.last?.time),
                    levels: levels))
        }
        add(
            "Seen and expected", series.axis, unit(series.unit),
            [line("seen", .signal, \.observed), line("expected", .reference, \.expected)], [])
        add(
            "The evidence", "evidence (nats; 4.6 is 100 to 1)", .plain, [line("evidence", .signal, \.logEvidence)],
            series.threshold.map { [Chart.Level($0, "decides")] } ?? [])
        let effectUnit: AxisUnit = series.effectUnit == "share" ? .fraction : .plain
        add(
            "The effect", "effect (\(series.effectUnit))", effectUnit,
            [line("effect", .signal, \.effect), line("low", .reference, \.low), line("high", .reference, \.high)],
            series.margin.map { [Chart.Level($0, "margin")] } ?? [])
        return charts
    }

    private static func unit(_ name: String) -> AxisUnit {
        let units: [String: AxisUnit] = [
            "fraction": .fraction, "percent": .percent, "seconds": .seconds, "bytes": .bytes, "ratio": .ratio,
        ]
        return units[name] ?? .plain
    }

    private static func table(_ sources: [Source]) -> Table {
        Table(
            title: "Evidence in the log",
            columns: [Table.Column("position"), Table.Column("time"), Table.Column("type")],
            rows: sources.map { [.integer($0.position), .time($0.time), .text($0.type)] },
            notes: ["`cairn prove POSITION` proves an entry; `cairn replay --rejudge` computes the finding again."])
    }
}
