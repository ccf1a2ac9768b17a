package import CairnBytes

/// When two clusters count as different. Every threshold of the comparison is here, by name; a result carries the
/// digest of the policy that judged it, so that it can be judged again.
package struct DivergencePolicy: Hashable, Sendable {
    /// How often, at most, a healthy comparison is ever called DIVERGED, however long one looks.
    package var alpha = 0.01
    /// Share of false findings over all applications and metrics together, used when a fleet is judged as one.
    package var falseDiscoveryRate = 0.05
    /// Whether `falseDiscoveryRate` must hold besides `alpha`.
    package var judgesFleet = true

    // The effects that do not matter. Clusters always differ a little, by their hardware alone.

    /// Factors of a latency that do not matter, up to the quantile that comes with each.
    package var latencyFactors: [Double] = [1.10, 1.15, 1.20]
    package var latencyQuantiles: [Double] = [0.9, 0.99, 1]
    /// A share of requests may differ by this many, or by this part of itself, whichever is larger, ...
    package var shareMargin = 0.001
    package var shareMarginFactor = 0.5
    /// ... but five of a hundred requests always matter.
    package var shareMarginMax = 0.05
    /// Latencies above a frozen quantile of the source: a part of their share there.
    package var exceedanceMarginFactor = 0.25
    /// Availability, as a share: 0.05 points.
    package var availabilityMargin = 0.0005
    /// Ready pods per wanted pod: pods start during every migration.
    package var readinessMargin = 0.05
    package var lagFactor = 1.5
    /// Messages below which a lag is no lag.
    package var lagFloor = 10.0
    /// Anything else that is measured: CPU, memory, rates.
    package var otherFactor = 1.5

    // How the evidence is gathered.

    /// Steps are at least this long; slower metrics have steps of their own interval.
    package var stepSecondsMin: Int64 = 60
    /// Blocks whose means are nearly independent: the first with an autocorrelation below 0.1 in this range.
    package var blockMinutesMin: Int64 = 15
    package var blockMinutesMax: Int64 = 60
    /// How far back the baseline goes.
    package var baselineSecondsMax: Int64 = 86_400
    /// Where a difference began is told from measurements cut off this many standard deviations over the margin.
    package var clipDeviations = 6.0
    /// A minute in which one side has less than this part of the requests compares a trickle with traffic.
    package var trafficShareMin = 0.005
    /// A side that had traffic, or samples, and has had none for so long has stopped.
    package var stoppedMinutes: Int64 = 10
    /// More parts of one metric (topics, routes) than this are judged as their average.
    package var partsMax = 16
    /// Status texts that are kept apart; the rarest of more are joined.
    package var categoriesMax = 12
    /// A difference in the baseline is the clusters' own, and subtracted, from this many standard errors on.
    package var baselineDifferenceErrors = 4.0

    package init() {}

    package static let standard = DivergencePolicy()

    /// Every threshold, for the record.
    package var json: JSONValue {
        [
            "alpha": .number(alpha), "availability_margin": .number(availabilityMargin),
            "baseline_difference_errors": .number(baselineDifferenceErrors),
            "baseline_seconds_max": .integer(baselineSecondsMax), "block_minutes_max": .integer(blockMinutesMax),
            "block_minutes_min": .integer(blockMinutesMin),
            "categories_max": .integer(categoriesMax), "clip_deviations": .number(clipDeviations),
            "exceedance_margin_factor": .number(exceedanceMarginFactor),
            "false_discovery_rate": .number(falseDiscoveryRate), "judges_fleet": .bool(judgesFleet),
            "lag_factor": .number(lagFactor), "lag_floor": .number(lagFloor),
            "latency_factors": .array(latencyFactors.map { .number($0) }),
            "latency_quantiles": .array(latencyQuantiles.map { .number($0) }),
            "other_factor": .number(otherFactor), "parts_max": .integer(partsMax),
            "readiness_margin": .number(readinessMargin),
            "share_margin": .number(shareMargin), "share_margin_factor": .number(shareMarginFactor),
            "share_margin_max": .number(shareMarginMax), "step_seconds_min": .integer(stepSecondsMin),
            "stopped_minutes": .integer(stoppedMinutes),
            "traffic_share_min": .number(trafficShareMin),
        ]
    }

    /// Sixteen hexadecimal digits over every threshold.
    package var digest: String { DivergenceHash.digits(of: CanonicalJSON.bytes(of: json)) }

    /// The margin of a latency, as the logarithm of a factor.
    package func latencyMargin(quantile: Double?) -> Double {
        guard let quantile else { return Mathematics.log(latencyFactors.first ?? 1.1) }
        let index = latencyQuantiles.firstIndex { quantile <= $0 + 1e-9 } ?? latencyQuantiles.count - 1
        return Mathematics.log(latencyFactors.indices.contains(index) ? latencyFactors[index] : 1.2)
    }

    /// The margins of shares of requests.
    package var statusMargins: CountMargins {
        CountMargins(
            least: shareMargin, factor: shareMarginFactor, most: shareMarginMax, trafficShareMin: trafficShareMin)
    }

    /// The margins of shares of requests above a frozen quantile of the source (F7).
    package var exceedanceMargins: CountMargins {
        CountMargins(
            least: shareMargin, factor: exceedanceMarginFactor, most: shareMarginMax, trafficShareMin: trafficShareMin)
    }
}

/// FNV-1a of 64 bits: names that are the same on every machine.
enum DivergenceHash {
    static func digits(of bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
