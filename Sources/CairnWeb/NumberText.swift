/// Numbers and durations as people read them; never used where a machine reads.
package enum NumberText {
    private static let roundableMax = 1e15

    /// A fixed number of decimals, rounded half away from zero: `fixed(1.005, 2)`.
    package static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-inf" : "inf" }
        let decimals = max(0, min(decimals, 9))
        var scale = 1.0
        for _ in 0..<decimals { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < roundableMax else { return value.description }
        let number = UInt64(scaled)
        let divisor = UInt64(scale)
        let sign = value < 0 && number > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(number)" }
        let fraction = String(number % divisor)
        return "\(sign)\(number / divisor)."
            + String(repeating: "0", count: max(0, decimals - fraction.count)) + fraction
    }

    /// About `digits` significant digits without trailing zeros: `0.00123`, `12.3`, `4560`.
    package static func significant(_ value: Double, _ digits: Int = 3) -> String {
        guard value.isFinite else { return fixed(value, 0) }
        if value == 0 { return "0" }
        var decimals = digits - 1
        var magnitude = value.magnitude
        while magnitude >= 10, decimals > 0 {
            magnitude /= 10
            decimals -= 1
        }
        while magnitude < 1, decimals < 9 {
            magnitude *= 10
            decimals += 1
        }
        var text = fixed(value, decimals)
        guard text.contains(".") else { return text }
        while text.hasSuffix("0") { text.removeLast() }
        if text.hasSuffix(".") { text.removeLast() }
        return text
    }

    /// `1,234,567`
    package static func grouped<Integer: BinaryInteger>(_ value: Integer) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// `850ms`, `12s`, `4m 05s`, `2h 05m`, `3d 04h`.
    package static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds.magnitude < roundableMax else { return "\(fixed(seconds, 0))s" }
        let sign = seconds < 0 ? "-" : ""
        let magnitude = seconds.magnitude
        if magnitude == 0 { return "0s" }
        if magnitude < 1 { return "\(sign)\(significant(magnitude * 1000))ms" }
        if magnitude < 10, magnitude != magnitude.rounded() { return "\(sign)\(fixed(magnitude, 1))s" }
        let whole = UInt64(magnitude.rounded())
        func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        switch whole {
        case ..<60: return "\(sign)\(whole)s"
        case ..<3600: return whole % 60 == 0 ? "\(sign)\(whole / 60)m" : "\(sign)\(whole / 60)m \(two(whole % 60))s"
        case ..<86_400:
            let minutes = whole / 60
            return minutes % 60 == 0 ? "\(sign)\(minutes / 60)h" : "\(sign)\(minutes / 60)h \(two(minutes % 60))m"
        default:
            let hours = whole / 3600
            return hours % 24 == 0 ? "\(sign)\(hours / 24)d" : "\(sign)\(hours / 24)d \(two(hours % 24))h"
        }
    }

    /// A value of an axis, with its unit.
    package static func axis(_ value: Double, _ unit: AxisUnit) -> String {
        switch unit {
        case .plain: return scaled(value, step: 1000, suffixes: ["", "k", "M", "G", "T"])
        case .fraction: return "\(significant(value * 100))%"
        case .percent: return "\(significant(value))%"
        case .seconds:
            if value == 0 { return "0 s" }
            if value.magnitude < 0.000_999 { return "\(significant(value * 1_000_000)) µs" }
            return value.magnitude < 0.999 ? "\(significant(value * 1000)) ms" : "\(significant(value)) s"
        case .bytes: return scaled(value, step: 1024, suffixes: [" B", " KiB", " MiB", " GiB", " TiB"])
        case .ratio: return "\(significant(value))x"
        }
    }

    private static func scaled(_ value: Double, step: Double, suffixes: [String]) -> String {
        var value = value
        var index = 0
        while value.magnitude >= step, index + 1 < suffixes.count {
            value /= step
            index += 1
        }
        return significant(value) + suffixes[index]
    }
}
