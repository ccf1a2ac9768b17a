import CairnBytes

/// When traffic counts as dropped. Every threshold of the analyzer is here, by name; a finding carries the digest of
/// the policy that judged it, so that it can be judged again.
package struct DropsPolicy: Hashable, Sendable {
    /// Minutes in which a whole ledger without any drop is expected to raise one false alarm at most: a week. What one
    /// stream must show grows with the number of streams that are watched.
    package var falseAlarmMinutes = 10_080.0
    /// No stream raises more than one false alarm in so many minutes, however few there are: four weeks. That is a bound;
    /// what `cairn bench drops` measures is less than one in a year.
    package var streamFalseAlarmMinutes = 40_320.0
    /// Fewer events than this are an anecdote, however unlikely. A reject is our own rule at work and needs fewer.
    package var eventsMin = 4
    package var rejectEventsMin = 3
    /// How far a rate must rise to matter, in points and as a factor of what is usual.
    package var rateIncreaseMin = 0.02
    package var rateFactorMin = 1.5
    /// The same in a stream's first two days: night and day differ, and it is not known yet by how much.
    package var unseasonedFactorMin = 2.5
    /// No baseline is believed to be better than this: some attempts always end in nothing, but rules refuse what
    /// they allowed before only when somebody changes them.
    package var baselineRateFloor = 0.005
    package var rejectBaselineRateFloor = 0.001
    /// What is tried as "what it would be if traffic were dropped": factors of what is usual, and where these do
    /// not reach, for streams that lose next to nothing, rates. Ascending.
    package var rateFactors = [1.25, 1.5, 2, 3, 5, 10]
    package var alternativeRates = [0.12, 0.3, 0.6, 0.95]
    /// Connections with the baseline of all streams that a stream's own baseline is mixed with.
    package var priorConnections = 50.0
    /// Days of its past that a stream's baseline is learnt from.
    package var historyDays: Int64 = 28
    /// Expected events that an hour of the week is mixed with before it is believed to differ from the others.
    package var seasonPriorEvents = 20.0
    /// Two stretches of one stream with less than this between them are one finding.
    package var mergeMinutes: Int64 = 10
    /// Length of the blocks a baseline and its dispersion are estimated from.
    package var blockMinutes: Int64 = 15
    /// Connections a client block must have had accepted before, to be a partner of ours and not a scanner.
    package var knownClientConnections: UInt64 = 5
    /// Odds, in nats, at which the other cluster deviates too, or does not.
    package var controlNats = 2.3
    /// How long a minute waits for files on their way where an interface is behind the others: S3 delivers within
    /// about ten minutes.
    package var watermarkMinutes: Int64 = 12
    /// Packets and blocks of five minutes from which the share of packets coming back is judged, and how far below its
    /// median, in median absolute deviations and as a factor, it must fall.
    package var asymmetryPacketsMin: UInt64 = 500
    package var asymmetryBlocksMin = 2
    package var asymmetryDeviations = 8.0
    package var asymmetryFactor = 0.5
    /// Share of the excess from which one subnet, zone or interface is named as the place, and how much larger than
    /// its share of the traffic that must be.
    package var placeShareMin = 0.67
    package var placeLift = 1.5
    /// Share of the excess of a time from which findings with a common cause are one incident.
    package var rootShareMin = 0.25

    package init() {}

    package static let standard = DropsPolicy()

    /// CloudWatch Logs delivers within about five minutes.
    package static let cloudWatchLogsMinutes: Int64 = 6

    func eventsMin(_ kind: DropKind) -> Int { max(1, kind == .reject ? rejectEventsMin : eventsMin) }

    func baselineRateFloor(_ kind: DropKind) -> Double {
        kind == .reject ? rejectBaselineRateFloor : baselineRateFloor
    }

    /// The evidence, in nats, that opens a finding when so many signals are watched at once.
    package func evidenceNats(signals: Int) -> Double {
        Mathematics.log(max(streamFalseAlarmMinutes, falseAlarmMinutes * Double(max(1, signals))))
    }

    /// Eight hexadecimal digits over every threshold.
    package var digest: String {
        let numbers: [Double] =
            [
                falseAlarmMinutes, streamFalseAlarmMinutes, Double(eventsMin), Double(rejectEventsMin),
                rateIncreaseMin, rateFactorMin, unseasonedFactorMin, baselineRateFloor, rejectBaselineRateFloor,
                priorConnections,
                Double(historyDays), seasonPriorEvents, Double(mergeMinutes), Double(blockMinutes),
                Double(knownClientConnections), controlNats, Double(watermarkMinutes), Double(asymmetryPacketsMin),
                Double(asymmetryBlocksMin), asymmetryDeviations, asymmetryFactor, placeShareMin, placeLift,
                rootShareMin,
            ] + rateFactors + alternativeRates
        var writer = ByteWriter()
        for number in numbers { writer.append(number.bitPattern) }
        return DropsHash.text(UInt64(Checksum.crc32(writer.bytes)), digits: 8)
    }
}

/// FNV-1a of 64 bits: identifiers that are the same on every machine.
enum DropsHash {
    static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash
    }

    static func text(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
