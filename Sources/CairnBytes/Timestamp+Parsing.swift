extension Timestamp {
    /// Reads RFC 3339: `2026-01-01T10:00:00Z`, any number of fractional digits (those past microseconds are dropped),
    /// an offset, a space or a lower-case `t` between date and time, and second 60 as the first of the next minute.
    /// With `allowsMissingZone`, a time without a zone is UTC. Nil for anything else.
    package init?(_ text: String, allowsMissingZone: Bool = false) {
        self.init(utf8: Array(text.utf8).span, allowsMissingZone: allowsMissingZone)
    }

    package init?(utf8 text: Span<UInt8>, allowsMissingZone: Bool = false) {
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= text.count else { return nil }
            var value = 0
            for index in start..<start + count {
                let digit = text[index] &- UInt8(ascii: "0")
                guard digit <= 9 else { return nil }
                value = value * 10 + Int(digit)
            }
            return value
        }
        func has(_ character: Unicode.Scalar, at index: Int) -> Bool {
            index < text.count && text[index] == UInt8(ascii: character)
        }
        guard let year = number(0, 4), year >= 1, has("-", at: 4), let month = number(5, 2), (1...12).contains(month),
            has("-", at: 7), let day = number(8, 2), day >= 1, day <= Timestamp.daysIn(month: month, year: year),
            has("T", at: 10) || has("t", at: 10) || has(" ", at: 10), let hour = number(11, 2), hour <= 23,
            has(":", at: 13), let minute = number(14, 2), minute <= 59, has(":", at: 16), let second = number(17, 2),
            second <= 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if has(".", at: index) {
            index += 1
            var digits = 0
            while index < text.count, text[index] &- UInt8(ascii: "0") <= 9 {
                if digits < 6 { fraction = fraction * 10 + Int64(text[index] - UInt8(ascii: "0")) }
                digits += 1
                index += 1
            }
            guard digits > 0 else { return nil }
            while digits < 6 {
                fraction *= 10
                digits += 1
            }
        }
        var offsetMinutes = 0
        if index == text.count {
            guard allowsMissingZone else { return nil }
        } else if has("Z", at: index) || has("z", at: index) {
            index += 1
        } else {
            guard has("+", at: index) || has("-", at: index), let hours = number(index + 1, 2), hours <= 23,
                has(":", at: index + 3), let minutes = number(index + 4, 2), minutes <= 59
            else { return nil }
            offsetMinutes = (has("-", at: index) ? -1 : 1) * (hours * 60 + minutes)
            index += 6
        }
        guard index == text.count else { return nil }
        let days = Timestamp.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + Int64(hour * 3600 + (minute - offsetMinutes) * 60 + second)
        self.init(checkedMicroseconds: seconds * Timestamp.microsecondsPerSecond + fraction)
    }

    static func daysIn(month: Int, year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
        default: 31
        }
    }
}
