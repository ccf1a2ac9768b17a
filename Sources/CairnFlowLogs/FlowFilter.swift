import CairnBytes

/// A condition on records: comparisons of a field with a value, joined by `and`, `or`, `not` and parentheses.
///
///     action = REJECT and dstport in (443, 8443)
///     srcaddr = 10.0.0.0/8 and not (minute < 29280000 or bytes >= 1500)
///
/// Operators are `=`, `!=`, `<`, `<=`, `>`, `>=`, `in (...)` and `not in (...)`. Numbers compare as numbers, addresses as
/// addresses or by block, `start` and `end` also with RFC 3339 times, everything else as text; quotes allow spaces. A
/// missing value (`-`) equals only `-`, is unequal to everything else, and is neither less nor greater.
package struct FlowFilter: Sendable {
    indirect enum Node: Sendable {
        case and(Node, Node)
        case or(Node, Node)
        case not(Node)
        case compare(FlowColumn, Operator, [Value])
    }

    enum Operator: Sendable {
        case equal, less, lessOrEqual, greater, greaterOrEqual
    }

    enum Value: Sendable {
        case missing
        case number(Int64)
        case block(IPPrefix)
        case text([UInt8])
    }

    let root: Node
    /// Every column that is compared.
    package let columns: Set<FlowColumn>

    package init(_ text: String) throws(FlowQueryError) {
        var parser = FlowFilterParser(text)
        root = try parser.condition()
        columns = parser.columns
    }
}

/// Recursive descent over a condition.
private struct FlowFilterParser {
    private let text: [UInt8]
    private var offset = 0
    private var depth = 0
    private(set) var columns: Set<FlowColumn> = []

    /// Nested parentheses; each costs a stack frame here and when records are tested.
    private static let depthMax = 64
    private static let textBytesMax = 16 << 10

    init(_ text: String) { self.text = Array(text.utf8) }

    mutating func condition() throws(FlowQueryError) -> FlowFilter.Node {
        if text.count > FlowFilterParser.textBytesMax { throw error("it is too long") }
        let node = try any()
        skipSpace()
        if offset < text.count { throw error("expected \"and\", \"or\" or the end") }
        return node
    }

    private func error(_ reason: String, at place: Int? = nil) -> FlowQueryError {
        FlowQueryError(reason: reason, offset: place ?? offset)
    }

    private mutating func skipSpace() {
        while offset < text.count, text[offset] <= 0x20 { offset += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard offset < text.count, text[offset] == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    /// Takes a keyword in either case, if it is the next word.
    private mutating func take(word: String) -> Bool {
        let start = offset
        if let next = bareWord(), next.lowercased() == word { return true }
        offset = start
        return false
    }

    private mutating func bareWord() -> String? {
        skipSpace()
        let start = offset
        while offset < text.count, text[offset] > 0x20, !"()=<>!,'\"".utf8.contains(text[offset]) { offset += 1 }
        return offset > start ? String(decoding: text[start..<offset], as: UTF8.self) : nil
    }

    private mutating func any() throws(FlowQueryError) -> FlowFilter.Node {
        depth += 1
        defer { depth -= 1 }
        if depth > FlowFilterParser.depthMax { throw error("more than \(FlowFilterParser.depthMax) levels of nesting") }
        var node = try all()
        while take(word: "or") { node = .or(node, try all()) }
        return node
    }

    private mutating func all() throws(FlowQueryError) -> FlowFilter.Node {
        var node = try one()
        while take(word: "and") { node = .and(node, try one()) }
        return node
    }

    private mutating func one() throws(FlowQueryError) -> FlowFilter.Node {
        depth += 1
        defer { depth -= 1 }
        if depth > FlowFilterParser.depthMax { throw error("more than \(FlowFilterParser.depthMax) levels of nesting") }
        if take(word: "not") { return .not(try one()) }
        guard take("(") else { return try comparison() }
        let node = try any()
        guard take(")") else { throw error("expected \")\"") }
        return node
    }

    private mutating func comparison() throws(FlowQueryError) -> FlowFilter.Node {
        skipSpace()
        let start = offset
        guard let name = bareWord() else { throw error("expected the name of a field") }
        guard let column = FlowColumn(name) else {
            throw error(FlowColumn.unknown(name), at: start)
        }
        columns.insert(column)
        let isNegated = take(word: "not")
        if take(word: "in") {
            guard take("(") else { throw error("expected \"(\" after \"in\"") }
            var values = [try value(for: column)]
            while take(",") { values.append(try value(for: column)) }
            guard take(")") else { throw error("expected \",\" or \")\"") }
            let node = FlowFilter.Node.compare(column, .equal, values)
            return isNegated ? .not(node) : node
        }
        if isNegated { throw error("expected \"in\" after \"not\"") }
        let place = offset
        let (comparison, isUnequal) = try comparisonOperator()
        if comparison != .equal, !column.isNumber {
            throw error("\(column) has no order; use =, != or in", at: place)
        }
        let node = FlowFilter.Node.compare(column, comparison, [try value(for: column)])
        return isUnequal ? .not(node) : node
    }

    private mutating func comparisonOperator() throws(FlowQueryError) -> (FlowFilter.Operator, Bool) {
        if take("!") {
            guard take("=") else { throw error("expected \"=\" after \"!\"") }
            return (.equal, true)
        }
        if take("<") { return take("=") ? (.lessOrEqual, false) : take(">") ? (.equal, true) : (.less, false) }
        if take(">") { return take("=") ? (.greaterOrEqual, false) : (.greater, false) }
        guard take("=") else { throw error("expected =, !=, <, <=, >, >= or in") }
        _ = take("=")
        return (.equal, false)
    }

    private mutating func value(for column: FlowColumn) throws(FlowQueryError) -> FlowFilter.Value {
        skipSpace()
        let start = offset
        let word: String
        if offset < text.count, text[offset] == UInt8(ascii: "'") || text[offset] == UInt8(ascii: "\"") {
            let quote = text[offset]
            guard let end = text[(offset + 1)...].firstIndex(of: quote) else { throw error("a quote without its end") }
            word = String(decoding: text[offset + 1..<end], as: UTF8.self)
            offset = end + 1
        } else {
            guard let bare = bareWord() else { throw error("expected a value") }
            word = bare
        }
        if word == "-" { return .missing }
        if column.isNumber {
            if let number = Int64(word) { return .number(number) }
            if case .field(let field) = column, field.content == .time, let time = Timestamp(word) {
                return .number(time.seconds)
            }
            throw error("\"\(word)\" is not a number, which \(column) is compared with", at: start)
        }
        if case .field(let field) = column, field.content == .address {
            guard let block = IPPrefix(word) else {
                throw error("\"\(word)\" is neither an address nor a block such as 10.0.0.0/8", at: start)
            }
            return .block(block)
        }
        return .text(Array(word.utf8))
    }
}
