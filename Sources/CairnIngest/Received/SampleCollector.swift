internal import CairnBytes
internal import CairnSeries

/// Collects the samples of a request whose protocol names series by attributes, one data point at a time: a data point
/// comes in whole, with all series that it makes, or not at all.
struct SampleCollector {
    let limits: ReceiveLimits
    private var received: ReceivedSamples
    private var spelling = LabelSpelling()
    /// Data points seen, for places in rejects.
    private(set) var points = 0
    /// More samples came than one request may bring; what comes after is not looked at.
    private(set) var isOverLimit = false

    init(generation: Int, limits: ReceiveLimits) {
        self.limits = limits
        received = ReceivedSamples(generation: generation, limits: limits)
    }

    /// One series of a data point: the metric's name, one more label if any, the value.
    struct Row {
        var name: String
        var label: (name: String, value: String)?
        var value: Double
    }

    /// - Parameters:
    ///   - labels: of all rows.
    ///   - problem: why the point is not wanted, if it is not.
    mutating func add(
        _ rows: [Row], labels: [(name: String, value: String)], timeMs: Int64?, unless problem: String? = nil,
        _ table: inout ReceivedSeriesTable
    ) {
        if isOverLimit { return }
        let index = points
        points += 1
        if let problem { return received.rejects.add("data point", index, problem) }
        guard let timeMs else { return received.rejects.add("data point", index, "it has no time") }
        guard limits.timesMs.contains(timeMs) else {
            return received.rejects.add("data point", index, "its time \(timeMs) is outside those that are taken")
        }
        guard received.samples.count + rows.count <= limits.samplesMax else {
            isOverLimit = true
            return
        }
        spelling.removeAll()
        for label in labels { spelling.append(label.name, label.value) }
        let commonBytes = spelling.bytes.count
        let (parts, samples) = (received.parts.count, received.samples.count)
        do throws(SeriesKeyError) {
            for row in rows {
                spelling.truncate(to: commonBytes)
                spelling.append(SeriesKey.nameLabel, row.name)
                if let label = row.label { spelling.append(label.name, label.value) }
                let series = try table.series(spelled: spelling.bytes.span, spelling.bytes.indices)
                received.samples.append(Sample(timeMs: timeMs, value: row.value))
                let last = received.samples.count
                received.parts.append(ReceivedSamples.Part(series: series, range: last - 1..<last))
            }
        } catch {
            received.parts.removeLast(received.parts.count - parts)
            received.samples.removeLast(received.samples.count - samples)
            received.rejects.add("data point", index, error.reason)
        }
    }

    /// What was collected, unless it is more than one request may bring.
    func finish() throws(ReceiveError) -> ReceivedSamples {
        guard !isOverLimit else {
            throw ReceiveError(.tooLarge, "more than \(limits.samplesMax) samples in one request")
        }
        return received
    }

    mutating func leaveOutHistogram() { received.histogramsLeftOut += 1 }
    mutating func leaveOutExemplar() { received.exemplarsLeftOut += 1 }
}
