import CairnFlowLogs

/// How the counters of one minute lie in a text, so that SQL alone can take them apart: one text per counter, in which
/// each number has a place and a width in decimal digits. The widths are those that the largest numbers of the minute
/// need, so a column of zeros takes nothing.
///
/// Ten thousand rows of a table cost more to insert than the same rows in such texts by an order of magnitude.
struct FlowLayout: Hashable {
    /// The numbers of a counter, in this order.
    static let names = ["place", "peer", "service"] + FlowsProjection.counts.map(\.name)

    /// Digits of each number.
    let widths: [Int]

    /// Widths that are used, so that there are few layouts: the largest 64-bit number has 19 digits.
    private static let usedWidths = [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 19]

    /// Wide enough for numbers up to these.
    init(largest: [UInt64]) {
        widths = largest.map { value in
            var digits = 0
            var rest = value
            while rest > 0 {
                digits += 1
                rest /= 10
            }
            return FlowLayout.usedWidths.first { $0 >= digits } ?? 19
        }
    }

    /// As stored; nil if the widths are none that a layout can have.
    init?(widths: [Int]) {
        guard widths.count == FlowLayout.names.count, widths.allSatisfy({ (0...19).contains($0) }) else { return nil }
        self.widths = widths
    }

    /// Digits of one counter.
    var rowDigits: Int { widths.reduce(0, +) }

    /// Where each number begins, from 1 as SQL counts.
    var starts: [Int] {
        var start = 1
        return widths.map { width in
            defer { start += width }
            return start
        }
    }

    /// A JSON array of the rows, each a text of digits.
    ///
    /// - Parameter numbers: row by row, `FlowLayout.names.count` each, and none wider than the layout.
    func text(_ numbers: [UInt64]) -> [UInt8] {
        let columns = widths.count
        let rows = numbers.count / columns
        let rowDigits = rowDigits
        let count = rows == 0 ? 2 : rows * (rowDigits + 3) + 1
        var text = [UInt8](repeating: UInt8(ascii: "0"), count: count)
        text[0] = UInt8(ascii: "[")
        var position = 1
        for row in 0..<rows {
            text[position] = UInt8(ascii: "\"")
            position += 1
            for column in 0..<columns {
                position += widths[column]
                var value = numbers[row * columns + column]
                var place = position
                while value > 0 {
                    place -= 1
                    let (rest, digit) = value.quotientAndRemainder(dividingBy: 10)
                    text[place] = UInt8(ascii: "0") | UInt8(truncatingIfNeeded: digit)
                    value = rest
                }
            }
            text[position] = UInt8(ascii: "\"")
            text[position + 1] = UInt8(ascii: ",")
            position += 2
        }
        // The last comma gives way to the bracket.
        text[count - 1] = UInt8(ascii: "]")
        return text
    }

    /// The numbers of a text of this layout; nil for any other text.
    func numbers(_ text: [UInt8]) -> [UInt64]? {
        let columns = widths.count
        let stride = rowDigits + 3
        guard text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]") else { return nil }
        if text.count == 2 { return [] }
        guard (text.count - 1) % stride == 0 else { return nil }
        let rows = (text.count - 1) / stride
        var numbers = [UInt64](repeating: 0, count: rows * columns)
        var position = 1
        for row in 0..<rows {
            guard text[position] == UInt8(ascii: "\"") else { return nil }
            position += 1
            for column in 0..<columns {
                var value: UInt64 = 0
                for _ in 0..<widths[column] {
                    let digit = text[position] &- UInt8(ascii: "0")
                    guard digit <= 9 else { return nil }
                    // Nineteen digits fit into 64 bits.
                    value = value &* 10 &+ UInt64(digit)
                    position += 1
                }
                numbers[row * columns + column] = value
            }
            guard text[position] == UInt8(ascii: "\"") else { return nil }
            position += 2
        }
        return numbers
    }
}
