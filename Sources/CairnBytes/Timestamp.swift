/// A moment in microseconds since 1970-01-01T00:00:00Z, leap seconds smeared away as POSIX does.
///
/// Only the years 1 to 9999 exist: RFC 3339 can write no others, and a sender with a broken clock must not be able to
/// overflow a calculation.
package struct Timestamp: Sendable, Hashable, Comparable {
    package var microseconds: Int64

    package static let microsecondsPerSecond: Int64 = 1_000_000
    /// 0001-01-01T00:00:00Z.
    package static let earliest = Timestamp(microseconds: -62_135_596_800_000_000)
    /// 9999-12-31T23:59:59.999999Z.
    package static let latest = Timestamp(microseconds: 253_402_300_799_999_999)

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// Nil if the moment lies outside the years 1 to 9999.
    package init?(checkedMicroseconds microseconds: Int64) {
        guard microseconds >= Timestamp.earliest.microseconds, microseconds <= Timestamp.latest.microseconds
        else { return nil }
        self.microseconds = microseconds
    }

    package init?(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: Timestamp.microsecondsPerSecond)
        guard !overflow else { return nil }
        self.init(checkedMicroseconds: product)
    }

    package init?(milliseconds: Int64) {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return nil }
        self.init(checkedMicroseconds: product)
    }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 { Timestamp.floorDivide(microseconds, Timestamp.microsecondsPerSecond) }
    /// Whole milliseconds since 1970, rounded down.
    package var milliseconds: Int64 { Timestamp.floorDivide(microseconds, 1000) }
    /// Whole minutes since 1970, rounded down.
    package var minute: Int64 { Timestamp.floorDivide(microseconds, 60 * Timestamp.microsecondsPerSecond) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// Stays within the years 1 to 9999.
    package func adding(seconds: Int64) -> Timestamp {
        let (added, overflow) = seconds.multipliedReportingOverflow(by: Timestamp.microsecondsPerSecond)
        let (sum, overflow2) = microseconds.addingReportingOverflow(added)
        guard !overflow, !overflow2 else { return seconds < 0 ? .earliest : .latest }
        return min(max(Timestamp(microseconds: sum), .earliest), .latest)
    }

    package static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC, with as many fractional digits as are not zero: `2026-01-01T10:00:00Z`, `...00.5Z`.
    package var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the same text: every event of the log has two.
    package func append(to bytes: inout [UInt8]) {
        appendDate(to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        appendTime(to: &bytes)
        var fraction = Int(microseconds - seconds * Timestamp.microsecondsPerSecond)
        if fraction > 0 {
            var digits = 6
            while fraction.isMultiple(of: 10) {
                fraction /= 10
                digits -= 1
            }
            bytes.append(UInt8(ascii: "."))
            Timestamp.append(fraction, digits, to: &bytes)
        }
        bytes.append(UInt8(ascii: "Z"))
    }

    /// `2026-01-01`
    package var dateText: String {
        var bytes: [UInt8] = []
        appendDate(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `10:00:00`
    package var timeText: String {
        var bytes: [UInt8] = []
        appendTime(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private func appendDate(to bytes: inout [UInt8]) {
        let date = Timestamp.civil(days: Timestamp.floorDivide(seconds, 86_400))
        Timestamp.append(date.year, 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Timestamp.append(date.month, 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Timestamp.append(date.day, 2, to: &bytes)
    }

    private func appendTime(to bytes: inout [UInt8]) {
        let second = Int(seconds - Timestamp.floorDivide(seconds, 86_400) * 86_400)
        Timestamp.append(second / 3600, 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Timestamp.append(second / 60 % 60, 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Timestamp.append(second % 60, 2, to: &bytes)
    }

    /// Decimal digits, with zeros in front up to a width; the years 1 to 9999 are all there are, so none is wider.
    private static func append(_ number: Int, _ width: Int, to bytes: inout [UInt8]) {
        var unit = 1
        for _ in 1..<width { unit *= 10 }
        while unit > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / unit % 10))
            unit /= 10
        }
    }

    /// Days since 1970 to a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
    /// date algorithms").
    static func civil(days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthIndex = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthIndex + 2) / 5 + 1
        let month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9
        return (Int(yearOfEra + era * 400 + (month <= 2 ? 1 : 0)), Int(month), Int(day))
    }

    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let monthIndex = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * monthIndex + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
