internal import CairnAnalyzer
internal import CairnBytes
internal import CairnModel
internal import CairnWeb

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Says a finding in the words an SRE uses, from the data of its event alone.
enum FindingText {
    /// One line: what, where, since when is told by the column beside it.
    static func headline(_ data: JSONValue) -> String {
        if let app = data["app"]?.string {
            return "\(app): \(metric(data)) is \(effect(data)) on \(target(data))"
        }
        let cluster = data["cluster"]?.string ?? "a cluster"
        let peer = peer(data)
        switch data["kind"]?.string {
        case "unanswered": return "\(peer) does not answer \(cluster)"
        case "reject": return "traffic between \(cluster) and \(peer) is rejected"
        case "reset": return "\(peer) resets connections of \(cluster)"
        case "silence": return data["reason"]?.string ?? "no data of \(cluster)"
        case "anomaly": return data["reason"]?.string ?? "an anomaly on \(cluster)"
        case "asymmetric": return "traffic between \(cluster) and \(peer) is lost in one direction"
        default: return "\(data["kind"]?.string ?? "a finding") on \(cluster)"
        }
    }

    /// Whole sentences: what was seen, what that rules out, and who can mend it.
    static func explanation(_ data: JSONValue) -> String {
        if data["app"] != nil {
            let reason = data["reason"]?.string ?? ""
            return reason.isEmpty ? "The two clusters differ by more than the margin." : sentence(reason)
        }
        let cause: String
        switch data["kind"]?.string {
        case "unanswered":
            cause =
                "Connections leave and no answer comes back, and nothing on our side rejects them: they are dropped "
                + "silently beyond our network, as a firewall of the other party does."
        case "reject":
            cause =
                "The flow log says REJECT, so a security group or network ACL of ours (or block public access) refuses "
                + "this traffic."
        case "reset": cause = "The other side answers with RST: something there refuses the connection."
        case "silence":
            cause =
                "What is not seen cannot be judged: no verdict on this cluster holds for the time since. Look at the agent "
                + "or delivery stream that sends it."
        case "anomaly":
            cause =
                "By its own past the series hardly ever is so far from its level and season. What caused it is not told."
        case "asymmetric": cause = "One direction carries packets and the other loses them."
        default: cause = ""
        }
        return [cause, sideText(data)].filter { !$0.isEmpty }.joined(separator: " ")
    }

    private static func sideText(_ data: JSONValue) -> String {
        switch data["side"]?.string {
        case "target-only":
            "Only the new cluster is affected, the old one reaches the same peer: the migration is the cause, not the peer."
        case "source-only": "Only the old cluster is affected."
        case "both": "Both clusters are affected: the peer or the region is the cause, not the migration."
        case "unpaired": "It was compared with no other cluster."
        default: ""
        }
    }

    static func facts(_ data: JSONValue) -> [(label: String, value: String)] {
        var facts: [(String, String)] = []
        func add(_ label: String, _ value: String?) { if let value, !value.isEmpty { facts.append((label, value)) } }
        add("cluster", data["cluster"]?.string)
        if data["peer"] != nil { add("peer", peer(data)) }
        add("side", data["side"]?.string)
        for key in ["excess", "baseline", "explained", "log_evidence"] {
            add(key.replacing("_", with: " "), data[key]?.double.map { text($0) })
        }
        if data["effect"] != nil { add("effect", effect(data)) }
        for member in data["scope"]?.object?.members ?? [] {
            add(member.name.replacing("_", with: " "), member.value.string ?? CanonicalJSON.string(of: member.value))
        }
        add("analyzer", data["analyzer_version"]?.string)
        return facts
    }

    static func peer(_ data: JSONValue) -> String {
        let peer = data["peer"]?.string ?? "a peer"
        guard let port = data["peer_port"]?.integer, port > 0 else { return peer }
        return peer.contains(":") ? "[\(peer)]:\(port)" : "\(peer):\(port)"
    }

    private static func target(_ data: JSONValue) -> String {
        data["clusters"]?["target"]?.string ?? data["cluster"]?.string ?? "the new cluster"
    }

    /// `x2.09 (x1.93 to x2.27)`, `+1.51 points (1.18 to 1.84)`: ratios come as logarithms and shares as fractions, and
    /// people read neither.
    static func effect(_ data: JSONValue) -> String {
        guard let effect = data["effect"]?.double else { return "no effect size" }
        let unit = data["unit"]?.string ?? ""
        let suffix = unit == "share" ? " points" : ""
        guard let low = data["effect_low"]?.double, let high = data["effect_high"]?.double else {
            return words(effect, unit) + suffix
        }
        return "\(words(effect, unit))\(suffix) (\(words(low, unit)) to \(words(high, unit)))"
    }

    private static func words(_ value: Double, _ unit: String) -> String {
        switch unit {
        case "log ratio": "x\(text(exp(value)))"
        case "share": "\(value > 0 ? "+" : "")\(text(value * 100))"
        default: text(value)
        }
    }

    /// The same for a field of a map: `x2.1`, `+1.9 pt`; empty where no size is known.
    static func shortEffect(_ effect: Double?, unit: String) -> String {
        guard let effect, effect.isFinite else { return "" }
        switch unit {
        case "log ratio": return "x\(NumberText.significant(exp(effect), 2))"
        case "share": return "\(effect > 0 ? "+" : "")\(NumberText.significant(effect * 100, 2)) pt"
        default: return NumberText.significant(effect, 2)
        }
    }

    /// `P99 of http_request_duration_seconds`, `share of 5xx in http_requests_total`.
    static func metric(_ data: JSONValue) -> String {
        let metric = data["metric"]?.string ?? "a metric"
        guard let part = data["part"]?.string, !part.isEmpty else { return metric }
        if part.hasPrefix("quantile="), let quantile = Double(part.dropFirst(9).filter { $0 != "\"" }) {
            return "P\(text(quantile * 100)) of \(metric)"
        }
        return data["unit"]?.string == "share" ? "share of \(part) in \(metric)" : "\(metric) (\(part))"
    }

    /// Three significant digits, without an exponent for everyday sizes.
    static func text(_ number: Double) -> String {
        guard number.isFinite else { return "?" }
        if number == number.rounded(), number.magnitude < 1e15 { return CanonicalJSON.text(of: number) }
        let magnitude = number.magnitude
        let scale: Double = magnitude >= 100 ? 10 : magnitude >= 1 ? 100 : magnitude >= 0.01 ? 10_000 : 1_000_000
        return CanonicalJSON.text(of: (number * scale).rounded() / scale)
    }

    private static func sentence(_ text: String) -> String {
        let capital = text.prefix(1).uppercased() + text.dropFirst()
        return capital.hasSuffix(".") ? capital : capital + "."
    }
}

extension FindingText {
    /// How much was hurt, in numbers; nil where the finding does not say.
    static func impact(_ data: JSONValue) -> String? {
        if let app = data["app"]?.string {
            return data["requests"]?.double == nil
                ? "\(app): \(metric(data)) \(effect(data))" : IncidentBrief.impact(data)
        }
        guard let excess = data["excess"]?.double else { return nil }
        return "\(text(excess)) flows more than usual between \(data["cluster"]?.string ?? "?") and \(peer(data))"
    }
}
