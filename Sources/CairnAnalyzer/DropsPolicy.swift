import CairnBytes

/// When traffic counts as dropped. Every threshold of the analyzer is here, by name; a finding carries the digest of
/// the policy that judged it, so that it can be judged again.
package struct DropsPolicy: Hashable, Sendable {
    /// Log-likelihood ratio, divided by the dispersion, that opens a finding. ln(525,600) = 13.2 is one false alarm in
    /// a year of minutes for one stream; three nats more are for twenty streams at once.
    package var evidenceNats = 16.0
    /// Fewer events than this are an anecdote, however unlikely. A reject is our own rule at work and needs fewer.
    package var eventsMin = 4
    package var rejectEventsMin = 3
    /// How far a rate must rise to matter, in points and as a factor of the baseline.
    package var rateIncreaseMin = 0.08
    package var rateFactorMin = 3.0
    /// No baseline is believed to be better than this: some attempts always end in nothing, but rules refuse what
    /// they allowed before only when somebody changes them.
    package var baselineRateFloor = 0.005
    package var rejectBaselineRateFloor = 0.001
    /// Rates that are tried as "what it would be if traffic were dropped".
    package var alternativeRates = [0.12, 0.3, 0.6, 0.95]
    /// Connections with the baseline of all streams that a stream's own baseline is mixed with.
    package var priorConnections = 50.0
    /// Two stretches of one stream with less than this between them are one finding.
    package var mergeMinutes: Int64 = 10
    /// Length of the blocks a baseline and its dispersion are estimated from.
    package var blockMinutes: Int64 = 15
    /// Connections a client block must have had accepted before, to be a partner of ours and not a scanner.
    package var knownClientConnections: UInt64 = 5
    /// Odds, in nats, at which the other cluster deviates too.
    package var controlNats = 2.3
    /// The newest minutes, whose answers may lie in files still to come; they are not judged for missing answers.
    package var settleMinutes: Int64 = 2
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

    package init() {}

    func eventsMin(_ kind: DropKind) -> Int { max(1, kind == .reject ? rejectEventsMin : eventsMin) }

    func baselineRateFloor(_ kind: DropKind) -> Double {
        kind == .reject ? rejectBaselineRateFloor : baselineRateFloor
    }

    package static let standard = DropsPolicy()

    /// Eight hexadecimal digits over every threshold.
    package var digest: String {
        let numbers: [Double] =
            [
                evidenceNats, Double(eventsMin), Double(rejectEventsMin), rateIncreaseMin, rateFactorMin,
                baselineRateFloor,
                rejectBaselineRateFloor, priorConnections,
                Double(mergeMinutes), Double(blockMinutes), Double(knownClientConnections), controlNats,
                Double(settleMinutes), Double(asymmetryPacketsMin), Double(asymmetryBlocksMin), asymmetryDeviations,
                asymmetryFactor, placeShareMin, placeLift,
            ] + alternativeRates
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
