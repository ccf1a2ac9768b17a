internal import CairnBytes

/// Names of OpenTelemetry as Prometheus has them, by the rules that the Prometheus server applies to OTLP by default
/// ("underscore escaping with suffixes").
enum OTLPNames {
    private static let units: [String: String] = [
        "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds", "us": "microseconds",
        "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
        "TiBy": "tibibytes", "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes",
        "m": "meters", "V": "volts", "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius",
        "Hz": "hertz", "1": "", "%": "percent",
    ]
    private static let perUnits: [String: String] = [
        "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
    ]

    /// `http.server.duration` in `s` is `http_server_duration_seconds`; a counter ends in `_total`, a gauge in the unit
    /// `1` in `_ratio`, `By/s` becomes `bytes_per_second`. Units in braces are comments.
    static func metric(_ name: String, unit: String, isCounter: Bool, isGauge: Bool) -> String {
        var tokens = OTLPNames.tokens(name)
        let parts = unit.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { trimmed($0) }
        if let main = parts.first, !main.isEmpty, !main.contains("{"), !main.contains("}") {
            let suffix = OTLPNames.tokens(units[main] ?? main).joined(separator: "_")
            if !suffix.isEmpty, !tokens.contains(suffix) { tokens.append(suffix) }
        }
        if parts.count == 2, !parts[1].isEmpty, !parts[1].contains("{"), !parts[1].contains("}") {
            let suffix = OTLPNames.tokens(perUnits[parts[1]] ?? parts[1]).joined(separator: "_")
            if !suffix.isEmpty, !tokens.contains(suffix) { tokens += ["per", suffix] }
        }
        if isCounter { tokens = tokens.filter { $0 != "total" } + ["total"] }
        if isGauge, unit == "1" { tokens = tokens.filter { $0 != "ratio" } + ["ratio"] }
        let result = tokens.joined(separator: "_")
        return result.utf8.first.map { isDigit($0) } ?? false ? "_\(result)" : result
    }

    /// Letters, digits and `_` stay, everything else becomes `_`; a digit in front gets `key_`.
    static func label(_ name: String) -> String {
        var isPlain = true
        for byte in name.utf8 where !isWord(byte) && byte != UInt8(ascii: "_") { isPlain = false }
        var result = name
        if !isPlain {
            result = ""
            for scalar in name.unicodeScalars {
                let isKept = scalar.isASCII && (isWord(UInt8(scalar.value)) || scalar == "_")
                result.unicodeScalars.append(isKept ? scalar : "_")
            }
        }
        return result.utf8.first.map { isDigit($0) } ?? false ? "key_\(result)" : result
    }

    /// Attributes as labels, those that come to one name joined with `;` in the order of their own names.
    static func labels(_ attributes: [OTLPAttribute]) -> [(name: String, value: String)] {
        var labels: [(name: String, value: String)] = []
        var joins = false
        for attribute in attributes where !attribute.key.isEmpty {
            let name = label(attribute.key)
            joins = joins || labels.contains { $0.name == name }
            labels.append((name, attribute.text))
        }
        guard joins else { return labels }
        var joined: [(name: String, value: String)] = []
        for attribute in attributes.sorted(by: { $0.key < $1.key }) where !attribute.key.isEmpty {
            let name = label(attribute.key)
            if let index = joined.firstIndex(where: { $0.name == name }) {
                joined[index].value += ";\(attribute.text)"
            } else {
                joined.append((name, attribute.text))
            }
        }
        return joined
    }

    /// A bound or quantile as the value of a label: `0.005`, `10`, `+Inf`.
    static func number(_ value: Double) -> String {
        value == .infinity ? "+Inf" : value == -.infinity ? "-Inf" : value.isNaN ? "NaN" : CanonicalJSON.text(of: value)
    }

    private static func tokens(_ name: String) -> [String] {
        name.unicodeScalars.split { scalar in
            !(scalar.isASCII && isWord(UInt8(scalar.value)) || scalar == ":")
        }.map { String($0) }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first == " " { text = text.dropFirst() }
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        default: isDigit(byte)
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
