package import CairnBytes

/// A signal over time as a picture shows it: lines for the clusters, the band that was expected, the window that was
/// judged, and the moments that explain a step.
package struct Chart: Sendable, Hashable {
    /// Which part a line plays; decides colour, dash and order, so that source and target look alike in every chart.
    package enum Role: String, Sendable, Hashable, CaseIterable { case source, target, signal, reference }

    package struct Point: Sendable, Hashable {
        package var time: Timestamp
        /// Nil breaks the line: nothing was measured, which is not zero.
        package var value: Double?

        package init(_ time: Timestamp, _ value: Double?) {
            self.time = time
            self.value = value
        }
    }

    package struct Series: Sendable, Hashable {
        package var name: String
        package var role: Role
        package var points: [Point]

        package init(name: String, role: Role, points: [Point]) {
            self.name = name
            self.role = role
            self.points = points
        }
    }

    /// The range that was expected at a moment.
    package struct BandPoint: Sendable, Hashable {
        package var time: Timestamp
        package var low: Double
        package var high: Double

        package init(_ time: Timestamp, low: Double, high: Double) {
            self.time = time
            self.low = low
            self.high = high
        }
    }

    package struct Band: Sendable, Hashable {
        package var name: String
        package var points: [BandPoint]

        package init(name: String, points: [BandPoint]) {
            self.name = name
            self.points = points
        }
    }

    /// A marked stretch: the finding's window, a freeze, a gap in the data.
    package struct Window: Sendable, Hashable {
        package var start: Timestamp
        package var end: Timestamp
        package var label: String
        package var severity: TimelineEntry.Severity

        package init(
            start: Timestamp, end: Timestamp, label: String, severity: TimelineEntry.Severity = .critical
        ) {
            self.start = start
            self.end = end
            self.label = label
            self.severity = severity
        }
    }

    /// A moment with a label: a traffic shift, a rollback.
    package struct Mark: Sendable, Hashable {
        package var time: Timestamp
        package var label: String

        package init(_ time: Timestamp, _ label: String) {
            self.time = time
            self.label = label
        }
    }

    /// A level with a label: a margin, a limit.
    package struct Level: Sendable, Hashable {
        package var value: Double
        package var label: String

        package init(_ value: Double, _ label: String) {
            self.value = value
            self.label = label
        }
    }

    package var title: String
    /// What somebody should take from it who cannot see it.
    package var explanation: String
    /// What the vertical axis counts: `flows per minute`.
    package var axis: String
    package var unit: AxisUnit
    package var series: [Series]
    package var band: Band?
    package var windows: [Window]
    package var marks: [Mark]
    package var levels: [Level]

    package init(
        title: String, explanation: String = "", axis: String, unit: AxisUnit = .plain, series: [Series],
        band: Band? = nil, windows: [Window] = [], marks: [Mark] = [], levels: [Level] = []
    ) {
        self.title = title
        self.explanation = explanation
        self.axis = axis
        self.unit = unit
        self.series = series
        self.band = band
        self.windows = windows
        self.marks = marks
        self.levels = levels
    }
}

/// How values of an axis are written.
package enum AxisUnit: Sendable, Hashable {
    /// 1,200 as `1.2k`
    case plain
    /// A fraction: 0.034 as `3.4%`
    case fraction
    /// Already in percent.
    case percent
    /// 0.25 as `250 ms`
    case seconds
    /// Binary steps: `1.5 MiB`
    case bytes
    /// A factor: 1.5 as `1.5x`
    case ratio
}
