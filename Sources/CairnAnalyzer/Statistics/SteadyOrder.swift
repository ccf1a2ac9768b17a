/// C libraries differ in the last bit of a logarithm. Numbers that are equal on paper are then told apart by chance, and
/// another machine chooses another one of them: so what is chosen by such numbers is chosen by 30 bits of them, and among
/// equals by what comes first.
extension Mathematics {
    /// The number with its 22 last bits rounded off: nine decimal digits stay.
    static func steady(_ value: Double) -> Double {
        guard value.isFinite else { return value }
        let half: UInt64 = 1 << 21
        return Double(bitPattern: (value.bitPattern &+ half) & ~(2 * half - 1))
    }
}

extension Collection {
    /// The first element with the highest measure.
    func firstHighest(by measure: (Element) -> Double) -> Element? {
        var best: (element: Element, measure: Double)?
        for element in self {
            let own = Mathematics.steady(measure(element))
            if let best, !(own > best.measure) { continue }
            best = (element, own)
        }
        return best?.element
    }

    /// From the highest measure to the lowest, equals in the order in which they are.
    func sortedSteadily(by measure: (Element) -> Double) -> [Element] {
        enumerated().map { (offset: $0.offset, element: $0.element, measure: Mathematics.steady(measure($0.element))) }
            .sorted { $0.measure == $1.measure ? $0.offset < $1.offset : $0.measure > $1.measure }.map(\.element)
    }
}
