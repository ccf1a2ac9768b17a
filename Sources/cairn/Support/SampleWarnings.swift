import CairnReadModels

/// Says on standard error which samples an answer was made without.
enum SampleWarnings {
    private static let shownMax = 5

    static func show(_ readModel: ReadModel) {
        let problems = readModel.sampleProblems
        for problem in problems.prefix(shownMax) { Terminal.note("warning: \(problem)") }
        if problems.count > shownMax { Terminal.note("warning: \(problems.count - shownMax) more could not be read") }
    }
}
