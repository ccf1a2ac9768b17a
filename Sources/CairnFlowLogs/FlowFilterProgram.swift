/// A condition ready to be tested on lines: comparisons in the order they are made, each with where to go on if it
/// holds and if it does not.
struct FlowFilterProgram: Sendable {
    /// What a comparison asks of a value.
    private enum Question: Sendable {
        case isMissing
        case number(FlowFilter.Operator, Int64)
        case block(IPPrefix)
        case text([UInt8])
    }

    private struct Test: Sendable {
        var column: FlowColumn
        var question: Question
        var ifTrue: Int
        var ifFalse: Int
        /// Where the field is in the format being read; -1 if the format lacks it.
        var place = -1
        var otherPlace = -1
    }

    private var tests: [Test] = []
    private var cluster: [UInt8] = []

    // Places after the last test.
    private static let holds = Int.max
    private static let fails = Int.max - 1

    init(_ filter: FlowFilter) {
        _ = add(filter.root, ifTrue: FlowFilterProgram.holds, ifFalse: FlowFilterProgram.fails)
        // Tests were added from the last to the first, so that where to go on was known.
        let last = tests.count - 1
        tests = tests.reversed().map { test in
            var test = test
            if test.ifTrue <= last { test.ifTrue = last - test.ifTrue }
            if test.ifFalse <= last { test.ifFalse = last - test.ifFalse }
            return test
        }
    }

    /// Adds the tests of a node and returns where it begins.
    private mutating func add(_ node: FlowFilter.Node, ifTrue: Int, ifFalse: Int) -> Int {
        switch node {
        case .and(let left, let right):
            return add(left, ifTrue: add(right, ifTrue: ifTrue, ifFalse: ifFalse), ifFalse: ifFalse)
        case .or(let left, let right):
            return add(left, ifTrue: ifTrue, ifFalse: add(right, ifTrue: ifTrue, ifFalse: ifFalse))
        case .not(let inner): return add(inner, ifTrue: ifFalse, ifFalse: ifTrue)
        case .compare(let column, let comparison, let values):
            var next = ifFalse
            for value in values.reversed() {
                let question: Question =
                    switch value {
                    case .missing: .isMissing
                    case .number(let number): .number(comparison, number)
                    case .block(let block): .block(block)
                    case .text(let text): .text(text)
                    }
                tests.append(Test(column: column, question: question, ifTrue: ifTrue, ifFalse: next))
                next = tests.count - 1
            }
            return next
        }
    }

    mutating func beginFile(cluster name: String) { cluster = Array(name.utf8) }

    mutating func begin(_ format: FlowLogFormat) {
        for index in tests.indices {
            switch tests[index].column {
            case .cluster: break
            case .minute:
                let end = format.column(of: .end) ?? -1
                tests[index].place = format.column(of: .start) ?? end
                tests[index].otherPlace = end
            case .field(let field): tests[index].place = format.column(of: field) ?? -1
            }
        }
    }

    /// Says in `fits` whether a line fits the condition, or what is wrong with a field that was asked for.
    func test(_ line: FlowLine, _ fits: inout Bool) -> FlowFault? {
        var index = 0
        while index < tests.count {
            var isTrue = false
            if let fault = ask(index, line, &isTrue) { return fault }
            index = isTrue ? tests[index].ifTrue : tests[index].ifFalse
        }
        fits = index == FlowFilterProgram.holds
        return nil
    }

    @inline(__always)
    private func ask(_ index: Int, _ line: FlowLine, _ isTrue: inout Bool) -> FlowFault? {
        let place = tests[index].place
        if tests[index].column == .cluster {
            if case .text(let wanted) = tests[index].question { isTrue = cluster == wanted }
            return nil
        }
        guard place >= 0 else {
            if case .isMissing = tests[index].question { isTrue = true }
            return nil
        }
        switch tests[index].question {
        case .text(let wanted):
            let field = unsafe line.field(place)
            isTrue = unsafe field.count == wanted.count && field.elementsEqual(wanted) && !line.isMissing(place)
        case .block(let block):
            if let address = line.addressV4(of: place) {
                isTrue = block.contains(IPAddress(v4: address))
            } else if !line.isMissing(place) {
                guard let address = line.addressV6(of: place) else { return FlowFault(.notAnAddress, place) }
                isTrue = block.contains(address)
            }
        case .number(let comparison, let wanted):
            var code: UInt64 = 0
            if let fault = number(index, line, &code) { return fault }
            guard code > 0 else { return nil }
            let value = Int64(truncatingIfNeeded: code &- 1)
            switch comparison {
            case .equal: isTrue = value == wanted
            case .less: isTrue = value < wanted
            case .lessOrEqual: isTrue = value <= wanted
            case .greater: isTrue = value > wanted
            case .greaterOrEqual: isTrue = value >= wanted
            }
        case .isMissing:
            isTrue = line.isMissing(place)
            let other = tests[index].otherPlace
            if isTrue, other >= 0 { isTrue = line.isMissing(other) }
        }
        return nil
    }

    /// The number of a column plus one; zero if it is missing.
    @inline(__always)
    private func number(_ index: Int, _ line: FlowLine, _ code: inout UInt64) -> FlowFault? {
        let place = tests[index].place
        switch tests[index].column {
        case .minute: return FlowTally.readMinute(line, place, tests[index].otherPlace, &code)
        case .field(.start), .field(.end): return FlowTally.readTime(line, place, &code)
        default:
            let value = line.number(of: place)
            if value <= FlowKeyLayout.limit(of: tests[index].column) {
                code = value &+ 1
            } else if value != FlowLine.missing {
                return FlowFault(number: value, place)
            }
            return nil
        }
    }
}
