/// Every threshold of the anomaly detector. They were chosen once for all series: nothing is tuned to a file or a
/// metric.
package struct AnomalyPolicy: Sendable, Hashable {
    /// A score from which an event opens. Scores are rarities on a scale that ends at 1: `AnomalyPolicy.score`.
    package var alarmScore = 0.5
    /// The rarity, minus the decimal logarithm of a probability, that has a score of one half: two hundred series with a
    /// sample every minute or two are as many looks a day.
    package var rarityOfHalf = 5.2
    /// An event is over when this many samples in a row are no rarer than `calmRarity`.
    package var calmSamples = 12
    package var calmRarity = 2.0
    /// What is left of a score while it adds nothing to what the event before it already said.
    package var knownShare = 0.3
    /// How an event's rarity fades per sample while the series is calm again: what is rarer than the rest is news.
    package var fading = 0.99
    /// Below this share of the event's rarity the series counts as calm again.
    package var fadingFrom = 0.5
    /// The largest size in the history may grow by this factor at a time, unless the history has no variation yet.
    package var growth = 1.25
    /// Samples for the level: their median is what the next one is compared with.
    package var levelSamples = 400
    /// Samples for the level of late, where it differs: a new level that stays is no longer news.
    package var recentSamples = 48
    /// Samples averaged for a change too small to show in one.
    package var runSamples = 4
    /// Judged samples before a rarity is told at all, and before a verdict on the series is.
    package var historyMin = 50
    package var warmUpSamples = 20
    package var seriesSamplesMin = 100
    /// Slots of a day at most; shorter intervals share a slot.
    package var daySlotsMax = 288
    /// Earlier periods kept for each slot, and needed before the season predicts.
    package var daysKept = 7
    package var daysMin = 3
    package var weeksKept = 4
    package var weeksMin = 2
    /// A season counts where its predictions miss by under this share of what the level misses by.
    package var seasonGain = 0.9
    /// A silence this many intervals long is a gap: means over samples do not reach across it.
    package var gapIntervals = 3.5
    /// Changes below this share of the level are rounding, not news.
    package var relativeFloor = 1e-4

    package init() {}

    package static let standard = AnomalyPolicy()

    /// The rarity from which an event opens.
    var alarmRarity: Double { rarityOfHalf * alarmScore / (1 - alarmScore) }

    /// Sixteen hexadecimal digits over every threshold.
    package var digest: String {
        let all = Mirror(reflecting: self).children.map { "\($0.label ?? "") \($0.value)" }
        return DivergenceHash.digits(of: Array(all.joined(separator: "\n").utf8))
    }

    /// Rarity to a score of 0 to 1.
    func score(rarity: Double) -> Double { rarity <= 0 ? 0 : rarity / (rarity + rarityOfHalf) }
}
