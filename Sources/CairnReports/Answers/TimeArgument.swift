package import CairnBytes

/// A moment as people write it: RFC 3339 (UTC if no zone is given), or relative to now as `-2h`, `-90m`, `-3d`, `-30s`,
/// `+2h`, or `now`.
package struct TimeArgument: Hashable, Sendable {
    package static let help = "RFC 3339 such as 2026-01-01T10:00:00Z, or relative such as -2h"

    private enum Form: Hashable, Sendable {
        case absolute(Timestamp)
        case relative(seconds: Int64)
    }

    private var form: Form

    package init?(_ text: String) {
        if text == "now" {
            form = .relative(seconds: 0)
        } else if let time = Timestamp(text, allowsMissingZone: true) {
            form = .absolute(time)
        } else if text.utf8.count == 10, let time = Timestamp(text + "T00:00:00Z") {
            form = .absolute(time)
        } else if let seconds = TimeArgument.relativeSeconds(text) {
            form = .relative(seconds: seconds)
        } else {
            return nil
        }
    }

    package func moment(now: Timestamp) -> Timestamp {
        switch form {
        case .absolute(let time): time
        case .relative(let seconds): now.adding(seconds: seconds)
        }
    }

    /// `-2h30m` as seconds: a sign, then numbers with a unit of s, m, h, d or w.
    package static func relativeSeconds(_ text: String) -> Int64? {
        guard let sign = text.first, "+-".contains(sign), text.count > 2, text.count <= 16 else { return nil }
        var total: Int64 = 0
        var number = ""
        for character in text.dropFirst() {
            if character.isASCII, character.isNumber {
                number.append(character)
                continue
            }
            guard let unit = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800][character] as Int64?,
                let count = Int64(number), count <= 1_000_000
            else { return nil }
            total += count * unit
            number = ""
        }
        guard number.isEmpty else { return nil }
        return sign == "-" ? -total : total
    }
}
