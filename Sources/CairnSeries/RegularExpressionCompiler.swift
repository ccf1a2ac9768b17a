/// Reads the text of a regular expression and writes the program of `RegularExpression`.
struct RegularExpressionCompiler {
    private typealias Instruction = RegularExpression.Instruction
    private typealias Ranges = [ClosedRange<UInt32>]

    private let scalars: [Unicode.Scalar]
    private var offset = 0
    private var depth = 0
    private var ignoresCase = false
    /// Line breaks are ordinary inside a label: RE2 under Prometheus lets the dot match them.
    private static let digits: Ranges = [0x30...0x39]
    private static let wordCharacters: Ranges = [0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A]
    private static let spaces: Ranges = [0x09...0x0A, 0x0C...0x0D, 0x20...0x20]

    init(_ pattern: String) { scalars = Array(pattern.unicodeScalars) }

    mutating func compile() throws(SelectorError) -> [RegularExpression.Instruction] {
        let program = try alternation()
        guard offset == scalars.count else { throw failure("a ) has no (") }
        return program + [.accept]
    }

    private mutating func alternation() throws(SelectorError) -> [RegularExpression.Instruction] {
        let casesBefore = ignoresCase
        defer { ignoresCase = casesBefore }
        var program = try sequence()
        while take("|") {
            let other = try sequence()
            program =
                [.split(1, program.count + 2)] + shifted(program, by: 1) + [.jump(program.count + 2 + other.count)]
                + shifted(other, by: program.count + 2)
            try checkSize(program)
        }
        return program
    }

    private mutating func sequence() throws(SelectorError) -> [RegularExpression.Instruction] {
        var program: [RegularExpression.Instruction] = []
        while let scalar = peek, scalar != "|", scalar != ")" {
            var atom = try self.atom()
            var isRepeated = false
            while let next = peek, next == "*" || next == "+" || next == "?" || next == "{" {
                guard !isRepeated else { throw failure("a repetition of a repetition") }
                atom = try repeated(atom)
                isRepeated = true
                // Lazy and greedy differ in what a group captures, never in whether the whole matches.
                _ = take("?")
            }
            program += shifted(atom, by: program.count)
            try checkSize(program)
        }
        return program
    }

    private mutating func repeated(
        _ atom: [RegularExpression.Instruction]
    ) throws(SelectorError) -> [RegularExpression.Instruction] {
        let start = offset
        let scalar = scalars[offset]
        offset += 1
        switch scalar {
        case "*": return star(atom)
        case "+": return atom + shifted(star(atom), by: atom.count)
        case "?": return optional(atom)
        default: break
        }
        guard let least = number() else {
            throw SelectorError(reason: "a { that counts nothing; write \\{ for the character", offset: start)
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}"), most.map({ $0 >= least }) ?? true else {
            throw SelectorError(reason: "a repetition that cannot be read", offset: start)
        }
        // RE2 has the same limit.
        guard max(least, most ?? 0) <= 1000, max(least, most ?? 0) * atom.count <= RegularExpression.instructionsMax
        else { throw SelectorError(reason: "a repetition that is too large", offset: start) }
        var program: [RegularExpression.Instruction] = []
        for _ in 0..<least { program += shifted(atom, by: program.count) }
        if let most {
            for _ in least..<most { program += shifted(optional(atom), by: program.count) }
        } else {
            program += shifted(star(atom), by: program.count)
        }
        try checkSize(program)
        return program
    }

    private func star(_ atom: [RegularExpression.Instruction]) -> [RegularExpression.Instruction] {
        [.split(1, atom.count + 2)] + shifted(atom, by: 1) + [.jump(0)]
    }

    private func optional(_ atom: [RegularExpression.Instruction]) -> [RegularExpression.Instruction] {
        [.split(1, atom.count + 1)] + shifted(atom, by: 1)
    }

    /// Targets inside a piece count from its start; moving the piece moves them.
    private func shifted(
        _ program: [RegularExpression.Instruction], by distance: Int
    ) -> [RegularExpression.Instruction] {
        program.map { instruction in
            switch instruction {
            case .split(let one, let other): .split(one + distance, other + distance)
            case .jump(let target): .jump(target + distance)
            default: instruction
            }
        }
    }

    private mutating func atom() throws(SelectorError) -> [RegularExpression.Instruction] {
        let start = offset
        let scalar = scalars[offset]
        offset += 1
        switch scalar {
        case "(": return try group(start)
        case "[": return [try characterClass(start)]
        case ".": return [.character([], isInverted: true)]
        case "^": return [.atStart]
        case "$": return [.atEnd]
        case "*", "+", "?": throw SelectorError(reason: "\(scalar) has nothing to repeat", offset: start)
        case "\\":
            let (ranges, isInverted) = try escape()
            return [.character(ranges, isInverted: isInverted)]
        default: return [literal(scalar)]
        }
    }

    private func literal(_ scalar: Unicode.Scalar) -> RegularExpression.Instruction {
        .character(withBothCases([scalar.value...scalar.value]), isInverted: false)
    }

    private mutating func group(_ start: Int) throws(SelectorError) -> [RegularExpression.Instruction] {
        depth += 1
        defer { depth -= 1 }
        guard depth <= RegularExpression.nestingMax else {
            throw SelectorError(reason: "groups are nested too deep", offset: start)
        }
        let casesBefore = ignoresCase
        if take("?") {
            if try isOnlyFlags(start) { return [] }
        }
        let program = try alternation()
        guard take(")") else { throw SelectorError(reason: "a ( has no )", offset: start) }
        ignoresCase = casesBefore
        return program
    }

    /// After `(?`: the flags i and s, for what follows a colon, or for the rest of the group around: then true.
    private mutating func isOnlyFlags(_ start: Int) throws(SelectorError) -> Bool {
        while let scalar = peek {
            offset += 1
            switch scalar {
            case ":": return false
            case ")": return true
            case "i": ignoresCase = true
            case "s": break
            case "=", "!", "<": throw SelectorError(reason: "looking around is not supported", offset: start)
            case "P": throw SelectorError(reason: "named groups are not supported: write (...)", offset: start)
            default: throw SelectorError(reason: "the flag \(scalar) is not supported", offset: start)
            }
        }
        throw SelectorError(reason: "a ( has no )", offset: start)
    }

    private mutating func escape() throws(SelectorError) -> (Ranges, isInverted: Bool) {
        guard let scalar = peek else { throw failure("an escape has no end") }
        let start = offset - 1
        offset += 1
        switch scalar {
        case "d": return (Self.digits, false)
        case "D": return (Self.digits, true)
        case "w": return (Self.wordCharacters, false)
        case "W": return (Self.wordCharacters, true)
        case "s": return (Self.spaces, false)
        case "S": return (Self.spaces, true)
        case "n": return ([0x0A...0x0A], false)
        case "r": return ([0x0D...0x0D], false)
        case "t": return ([0x09...0x09], false)
        case "0"..."9": throw SelectorError(reason: "references to groups are not supported", offset: start)
        case "p", "P": throw SelectorError(reason: "Unicode classes (\\p) are not supported", offset: start)
        case "b", "B": throw SelectorError(reason: "word boundaries (\\b) are not supported", offset: start)
        default:
            guard scalar.isASCII, !scalar.properties.isAlphabetic else {
                throw SelectorError(reason: "the escape \\\(scalar) is not supported", offset: start)
            }
            return ([scalar.value...scalar.value], false)
        }
    }

    private mutating func characterClass(_ start: Int) throws(SelectorError) -> RegularExpression.Instruction {
        let isInverted = take("^")
        var ranges: Ranges = []
        var isFirst = true
        while let scalar = peek {
            offset += 1
            if scalar == "]", !isFirst { return .character(withBothCases(ranges), isInverted: isInverted) }
            isFirst = false
            if scalar == "[", peek == ":" {
                throw SelectorError(reason: "classes such as [:alpha:] are not supported", offset: start)
            }
            if scalar == "\\" {
                let (escaped, isNegated) = try escape()
                guard !isNegated else { throw SelectorError(reason: "\\D, \\W, \\S inside []", offset: start) }
                guard escaped.count == 1, escaped[0].count == 1, peek == "-" else {
                    ranges += escaped
                    continue
                }
                ranges.append(try range(from: escaped[0].lowerBound, start))
            } else {
                ranges.append(try range(from: scalar.value, start))
            }
        }
        throw SelectorError(reason: "a [ has no ]", offset: start)
    }

    /// One character, or the range that it opens.
    private mutating func range(from first: UInt32, _ start: Int) throws(SelectorError) -> ClosedRange<UInt32> {
        guard peek == "-", offset + 1 < scalars.count, scalars[offset + 1] != "]" else { return first...first }
        offset += 1
        var last = scalars[offset].value
        offset += 1
        if last == 0x5C {
            let (escaped, _) = try escape()
            guard escaped.count == 1, escaped[0].count == 1 else {
                throw SelectorError(reason: "a range that ends in a class", offset: start)
            }
            last = escaped[0].lowerBound
        }
        guard first <= last else { throw SelectorError(reason: "a range that runs backwards", offset: start) }
        return first...last
    }

    /// With the flag i, the letters of ASCII match in both cases; others stay as they are.
    private func withBothCases(_ ranges: Ranges) -> Ranges {
        guard ignoresCase else { return ranges }
        var both = ranges
        for range in ranges {
            for (first, last, change) in [(UInt32(0x41), UInt32(0x5A), Int64(32)), (0x61, 0x7A, -32)] {
                let low = max(first, range.lowerBound)
                let high = min(last, range.upperBound)
                if low <= high { both.append(UInt32(Int64(low) + change)...UInt32(Int64(high) + change)) }
            }
        }
        return both
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = peek, ("0"..."9").contains(scalar) {
            // Larger numbers are over the limit either way.
            value = min(100_000, (value ?? 0) * 10 + Int(scalar.value - 0x30))
            offset += 1
        }
        return value
    }

    private func checkSize(_ program: [RegularExpression.Instruction]) throws(SelectorError) {
        guard program.count < RegularExpression.instructionsMax else { throw failure("it is too large") }
    }

    private var peek: Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard peek == scalar else { return false }
        offset += 1
        return true
    }

    private func failure(_ reason: String) -> SelectorError { SelectorError(reason: reason, offset: offset) }
}
