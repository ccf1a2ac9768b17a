/// Regular expressions for label matchers: the common part of RE2, anchored at both ends, in time linear in the text
/// (Thompson's construction, states advanced together). What is outside of that part is refused by name, never read
/// as something else.
package struct RegularExpression: Sendable {
    /// Instructions after counted repetitions are written out: matching costs at most this per character.
    package static let instructionsMax = 4000
    /// Groups inside groups: the parser calls itself once a level.
    package static let nestingMax = 64

    enum Instruction: Sendable {
        /// Consumes one character in one of the ranges, or outside of all of them.
        case character([ClosedRange<UInt32>], isInverted: Bool)
        case split(Int, Int)
        case jump(Int)
        case atStart
        case atEnd
        case accept
    }

    private let program: [Instruction]
    /// The texts that match, when there are only few and no special characters: the form most dashboards send.
    private let alternatives: [String]?

    package init(_ pattern: String) throws(SelectorError) {
        alternatives = RegularExpression.plainAlternatives(pattern)
        var compiler = RegularExpressionCompiler(pattern)
        program = try compiler.compile()
    }

    /// True if the whole of `text` matches.
    package func matches(_ text: String) -> Bool {
        if let alternatives { return alternatives.contains { isSameText($0, text) } }
        var current = StateSet(count: program.count)
        var next = StateSet(count: program.count)
        let scalars = text.unicodeScalars
        var remaining = scalars.count
        add(0, isAtStart: true, isAtEnd: remaining == 0, to: &current)
        for scalar in scalars {
            guard !current.members.isEmpty else { return false }
            remaining -= 1
            next.removeAll()
            for state in current.members {
                guard case .character(let ranges, let isInverted) = program[state],
                    ranges.contains(where: { $0.contains(scalar.value) }) != isInverted
                else { continue }
                add(state + 1, isAtStart: false, isAtEnd: remaining == 0, to: &next)
            }
            swap(&current, &next)
        }
        return current.members.contains { if case .accept = program[$0] { true } else { false } }
    }

    /// Adds a state and everything reachable from it without a character.
    private func add(_ first: Int, isAtStart: Bool, isAtEnd: Bool, to set: inout StateSet) {
        var pending = [first]
        while let state = pending.popLast() {
            guard set.insert(state) else { continue }
            switch program[state] {
            case .jump(let target): pending.append(target)
            case .split(let one, let other):
                pending.append(other)
                pending.append(one)
            case .atStart: if isAtStart { pending.append(state + 1) }
            case .atEnd: if isAtEnd { pending.append(state + 1) }
            case .character, .accept: break
            }
        }
    }

    private static func plainAlternatives(_ pattern: String) -> [String]? {
        let special: Set<Unicode.Scalar> = [
            "\\", ".", "+", "*", "?", "(", ")", "[", "]", "{", "}", "^", "$",
        ]
        guard !pattern.unicodeScalars.contains(where: special.contains) else { return nil }
        return pattern.unicodeScalars.split(separator: "|", omittingEmptySubsequences: false).map { String($0) }
    }
}

/// Members in order of arrival, with a test in constant time.
private struct StateSet {
    private(set) var members: [Int] = []
    private var isMember: [Bool]

    init(count: Int) { isMember = [Bool](repeating: false, count: count) }

    mutating func insert(_ state: Int) -> Bool {
        guard !isMember[state] else { return false }
        isMember[state] = true
        members.append(state)
        return true
    }

    mutating func removeAll() {
        for state in members { isMember[state] = false }
        members.removeAll(keepingCapacity: true)
    }
}
