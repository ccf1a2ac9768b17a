package import CairnIngest
import CairnModel
package import CairnSeries

/// The tables of series that senders name, one for each sender and cluster that its token is bound to, and which of their
/// names the writer was given.
///
/// A request has numbers of series. The writer knows what they mean from the names that came with this request and those
/// before it, in this order, so numbers and names must be of one source: another table, or the same begun anew, is another.
package struct SeriesTables {
    /// Whose series a table has.
    package struct Sender: Sendable, Hashable {
        /// The token, or whoever showed one of an identity provider.
        package var caller: String
        /// The cluster of samples that say none.
        package var cluster: String?

        package init(caller: String, cluster: String?) {
            self.caller = caller
            self.cluster = cluster
        }
    }

    /// Of more senders than these, the table that was not used for longest goes: its series are named again.
    package static let countMax = 64

    /// What numbers belong to.
    package struct Source: Sendable, Hashable {
        /// Where the writer keeps the names, below `countMax`.
        package var slot: Int
        /// No two sources have the same.
        package var serial: Int
    }

    /// A request that was read, with what the writer needs to understand it.
    package struct Reading: Sendable {
        package var received: ReceivedSamples
        package var source: Source
        /// Names that no reading of this source brought before, in the order of their numbers.
        package var newKeys: [SeriesKey]
    }

    private struct Table {
        var series: ReceivedSeriesTable
        var source: Source
        /// Of `series`, when it became this source.
        var generation: Int
        var keysGiven = 0
        var lastUse = 0
    }

    private let seed: UInt64
    private let seriesMax: Int
    private var tables: [Sender: Table] = [:]
    private var serials = 0
    private var uses = 0

    /// - Parameters:
    ///   - seed: what senders cannot know.
    ///   - seriesMax: series of a table before it begins anew.
    package init(seed: UInt64, seriesMax: Int = ReceivedSeriesTable.seriesMax) {
        self.seed = seed
        self.seriesMax = seriesMax
    }

    /// Reads a request. Names count as given with it, so its caller hands every reading on, in the order in which they are
    /// returned, unless it has no samples.
    package mutating func read(
        _ sender: Sender, _ body: (inout ReceivedSeriesTable) throws -> ReceivedSamples
    ) rethrows -> Reading {
        var table = tables.removeValue(forKey: sender) ?? made(for: sender)
        defer { tables[sender] = table }
        uses += 1
        table.lastUse = uses
        let received = try body(&table.series)
        // Checked here and not where it was renewed: a reading that failed after that gave no names.
        if table.generation != table.series.generation {
            table.generation = table.series.generation
            table.keysGiven = 0
            table.source.serial = nextSerial()
        }
        guard !received.samples.isEmpty else { return Reading(received: received, source: table.source, newKeys: []) }
        let newKeys = (table.keysGiven..<table.series.count).map { table.series[$0] }
        table.keysGiven = table.series.count
        return Reading(received: received, source: table.source, newKeys: newKeys)
    }

    private mutating func made(for sender: Sender) -> Table {
        var slot = tables.count
        if slot >= SeriesTables.countMax, let oldest = tables.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            slot = oldest.value.source.slot
            tables[oldest.key] = nil
        }
        let series = ReceivedSeriesTable(
            adding: AddedLabels(cluster: sender.cluster), seed: seed, seriesMax: seriesMax)
        return Table(
            series: series, source: Source(slot: slot, serial: nextSerial()), generation: series.generation)
    }

    private mutating func nextSerial() -> Int {
        serials += 1
        return serials
    }
}

extension Call {
    /// Whose samples the call brings.
    /// - Parameter cluster: named by the call itself, where the token is bound to none.
    func sender(cluster: String? = nil) -> SeriesTables.Sender {
        .init(caller: principal?.tokenID ?? actor.id, cluster: principal?.cluster ?? cluster)
    }
}
