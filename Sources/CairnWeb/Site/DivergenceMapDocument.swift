package import CairnBytes

/// Two clusters compared, application by application and metric by metric.
package struct DivergenceMapDocument: Sendable, Hashable {
    /// How a comparison ended, as it is shown.
    package enum Verdict: Int, Sendable, Hashable, CaseIterable, Comparable {
        case worse, different, undecided, better, equivalent

        package static func < (left: Verdict, right: Verdict) -> Bool { left.rawValue < right.rawValue }

        var symbol: String {
            switch self {
            case .worse: "▲"
            case .different: "≠"
            case .undecided: "?"
            case .better: "▼"
            case .equivalent: "="
            }
        }

        var words: String {
            switch self {
            case .worse: "diverged, worse"
            case .different: "diverged"
            case .undecided: "undecided"
            case .better: "diverged, better"
            case .equivalent: "equivalent"
            }
        }

        var style: String { "\(self)" }
    }

    package struct Cell: Sendable, Hashable {
        package var verdict: Verdict
        /// `x2.1`, `+1.9 pt`; empty where nothing is known.
        package var effect: String
        /// How many margins the effect is.
        package var margins: Double
        /// Whole: what was seen.
        package var reason: String
        package var finding: String?
        /// Somebody muted it or marked it false.
        package var isSilenced: Bool

        package init(
            verdict: Verdict, effect: String = "", margins: Double = 0, reason: String = "", finding: String? = nil,
            isSilenced: Bool = false
        ) {
            self.verdict = verdict
            self.effect = effect
            self.margins = margins
            self.reason = reason
            self.finding = finding
            self.isSilenced = isSilenced
        }
    }

    package struct Row: Sendable, Hashable {
        package var app: String
        /// One for each metric; nil where it was not compared.
        package var cells: [Cell?]
        /// The entry of its worst finding.
        package var position: UInt64?

        package init(app: String, cells: [Cell?], position: UInt64? = nil) {
            self.app = app
            self.cells = cells
            self.position = position
        }
    }

    package struct Filter: Sendable, Hashable {
        /// Part of an application's name.
        package var text = ""
        /// `diverged`, `undecided`, `equivalent`, `all`; empty folds what is equivalent in everything.
        package var verdict = ""
        /// `worst` or `name`.
        package var sort = "worst"
        /// From 1.
        package var page = 1

        package init() {}
    }

    /// Whether the pair was compared here; if not, only recorded findings are known.
    package enum Comparing: Sendable, Hashable {
        case done
        /// Not yet: the server does so by itself, that often.
        case soon(everySeconds: Int64)
        /// No migration of the two is under way.
        case ended
        /// The server does not compare by itself.
        case off
    }

    /// Nil if the ledger has no migration to compare.
    package var pair: TimelineDocument.ClusterNames?
    package var pairs: [TimelineDocument.ClusterNames]
    package var metrics: [String]
    /// Metrics that do not fit beside the others.
    package var hiddenMetrics: Int
    /// One page of those that match.
    package var rows: [Row]
    package var matching: Int
    package var pageSize: Int
    package var applications: Int
    /// Applications that are equivalent in every metric and not shown.
    package var folded: Int
    /// Comparisons by verdict.
    package var counts: [Verdict: Int]
    /// All applications, the worst first, a line of verdicts each: the whole at a glance.
    package var overview: [[Verdict?]]
    package var judgedFrom: Timestamp?
    package var judgedUntil: Timestamp?
    package var comparing: Comparing
    package var filter: Filter

    package init(
        pair: TimelineDocument.ClusterNames?, pairs: [TimelineDocument.ClusterNames] = [], metrics: [String] = [],
        hiddenMetrics: Int = 0, rows: [Row] = [],
        matching: Int = 0, pageSize: Int = 100, applications: Int = 0, folded: Int = 0, counts: [Verdict: Int] = [:],
        overview: [[Verdict?]] = [], judgedFrom: Timestamp? = nil, judgedUntil: Timestamp? = nil,
        comparing: Comparing = .off, filter: Filter = Filter()
    ) {
        self.pair = pair
        self.pairs = pairs
        self.metrics = metrics
        self.hiddenMetrics = hiddenMetrics
        self.rows = rows
        self.matching = matching
        self.pageSize = pageSize
        self.applications = applications
        self.folded = folded
        self.counts = counts
        self.overview = overview
        self.judgedFrom = judgedFrom
        self.judgedUntil = judgedUntil
        self.comparing = comparing
        self.filter = filter
    }
}
