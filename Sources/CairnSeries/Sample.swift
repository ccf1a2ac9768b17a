/// One measured value of a series. The value is kept bit for bit: NaN payloads, the stale marker and -0 are evidence.
package struct Sample: Sendable, Hashable {
    /// Milliseconds since 1970.
    package var timeMs: Int64
    package var value: Double

    package init(timeMs: Int64, value: Double) {
        self.timeMs = timeMs
        self.value = value
    }

    /// The NaN with which Prometheus says that a series ended here.
    package static let staleMarkerBits: UInt64 = 0x7FF0_0000_0000_0002

    package static func staleMarker(timeMs: Int64) -> Sample {
        Sample(timeMs: timeMs, value: Double(bitPattern: staleMarkerBits))
    }

    package var isStale: Bool { value.bitPattern == Sample.staleMarkerBits }

    /// Equal means the same bits: NaN equals itself, and 0 is not -0.
    package static func == (left: Sample, right: Sample) -> Bool {
        left.timeMs == right.timeMs && left.value.bitPattern == right.value.bitPattern
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(timeMs)
        hasher.combine(value.bitPattern)
    }
}

/// A series and samples of it, in order of time.
package struct SeriesSamples: Sendable, Hashable {
    package var key: SeriesKey
    package var samples: [Sample]

    package init(key: SeriesKey, samples: [Sample]) {
        self.key = key
        self.samples = samples
    }
}
