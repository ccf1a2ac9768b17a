internal import CairnBytes
internal import CairnSeries

/// Prometheus remote write: the body after snappy, walked field by field into samples, without a message object.
///
/// One bad series is set aside and the others are kept, which both versions of the protocol allow; a body that is no
/// such message is refused whole. Labels may come in any order (vmagent does not sort them) and are brought into one;
/// a label with an empty value is an absent one. Stale markers and all other NaNs keep their bits. Native histograms are
/// rejected: the log keeps samples.
package enum RemoteWriteReader {
    package enum Version: Sendable, Hashable {
        /// `prometheus.WriteRequest`
        case v1
        /// `io.prometheus.write.v2.Request`
        case v2
    }

    static let histogramReason =
        "native histograms are not kept; let the sender write classic ones (scrape_classic_histograms)"

    /// - Parameter body: the message, at most `limits.bodyBytesMax` long.
    /// - Throws: `.malformed` for bytes that are no message of this version, `.tooLarge` over the limits.
    package static func read(
        _ body: Span<UInt8>, version: Version, table: inout ReceivedSeriesTable, limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedSamples {
        guard body.count <= limits.bodyBytesMax else {
            throw ReceiveError(.tooLarge, "\(body.count) bytes are more than the limit of \(limits.bodyBytesMax)")
        }
        table.beginRequest()
        var walk = RemoteWriteWalk(generation: table.generation, limits: limits)
        do throws(ProtobufError) {
            switch version {
            case .v1: try walk.readVersion1(body, &table)
            case .v2: try walk.readVersion2(body, &table)
            }
        } catch {
            throw ReceiveError(walk.isTooLarge ? .tooLarge : .malformed, error.description)
        }
        return walk.received
    }
}

/// The state of reading one body.
struct RemoteWriteWalk {
    private let limits: ReceiveLimits
    private(set) var received: ReceivedSamples
    private(set) var isTooLarge = false
    private var seriesRead = 0
    /// Labels that did not lie one after the other, or the symbols of a series.
    private var scratch: [UInt8] = []
    private var symbols: [UInt32] = []

    init(generation: Int, limits: ReceiveLimits) {
        self.limits = limits
        received = ReceivedSamples(generation: generation, limits: limits)
    }

    // MARK: 1.0

    mutating func readVersion1(_ body: Span<UInt8>, _ table: inout ReceivedSeriesTable) throws(ProtobufError) {
        var message = ProtobufReader(body.indices)
        while let field = try message.next(body) {
            switch field.number {
            case 1: try readSeries1(body, try message.bytes(body, field), &table)
            case 4, 5:
                throw ProtobufError(
                    reason:
                        "this is remote write 2.0; its Content-Type says so with proto=io.prometheus.write.v2.Request",
                    offset: field.offset)
            default: try message.skip(body, field)
            }
        }
    }

    private mutating func readSeries1(
        _ body: Span<UInt8>, _ range: Range<Int>, _ table: inout ReceivedSeriesTable
    ) throws(ProtobufError) {
        try countSeries(range.lowerBound)
        let first = received.samples.count
        var message = ProtobufReader(range)
        var labels = range.lowerBound..<range.lowerBound
        var isContiguous = true
        var histograms = 0
        while let field = try message.next(body) {
            switch field.number {
            case 1:
                let end = try message.bytes(body, field).upperBound
                if labels.isEmpty {
                    labels = field.offset..<end
                } else {
                    if labels.upperBound != field.offset { isContiguous = false }
                    labels = labels.lowerBound..<end
                }
            case 2: try readSample(body, try message.bytes(body, field))
            case 3:
                try message.skip(body, field)
                received.exemplarsLeftOut += 1
            case 4:
                try message.skip(body, field)
                histograms += 1
            default: try message.skip(body, field)
            }
        }
        guard received.samples.count > first || histograms > 0 else { return }
        do throws(SeriesKeyError) {
            let series: Int
            if isContiguous {
                series = try table.series(spelled: body, labels)
            } else {
                collectLabels(body, range)
                series = try table.series(spelled: scratch.span, scratch.indices)
            }
            finish(series, first: first, histograms: histograms)
        } catch {
            drop(from: first, histograms: histograms, error.reason)
        }
    }

    /// Labels between which other fields stand, which no known sender writes.
    private mutating func collectLabels(_ body: Span<UInt8>, _ range: Range<Int>) {
        scratch.removeAll(keepingCapacity: true)
        var message = ProtobufReader(range)
        // The same fields were read before.
        while let field = try? message.next(body), (try? message.skip(body, field)) != nil {
            guard field.number == 1 else { continue }
            for place in field.offset..<message.offset { scratch.append(body[place]) }
        }
    }

    // MARK: 2.0

    mutating func readVersion2(_ body: Span<UInt8>, _ table: inout ReceivedSeriesTable) throws(ProtobufError) {
        var message = ProtobufReader(body.indices)
        while let field = try message.next(body) {
            switch field.number {
            case 1, 2, 3:
                throw ProtobufError(
                    reason: "this is remote write 1.0; send it without proto=io.prometheus.write.v2.Request",
                    offset: field.offset)
            case 4:
                let text = try message.bytes(body, field)
                guard !symbols.isEmpty || text.isEmpty else {
                    throw ProtobufError(reason: "the first symbol is not empty", offset: field.offset)
                }
                guard symbols.count < limits.symbolsMax else {
                    isTooLarge = true
                    throw ProtobufError(
                        reason: "more than \(limits.symbolsMax) symbols in one request", offset: field.offset)
                }
                symbols.append(table.symbol(body, text))
            default: try message.skip(body, field)
            }
        }
        message = ProtobufReader(body.indices)
        while let field = try message.next(body) {
            guard field.number == 5 else {
                try message.skip(body, field)
                continue
            }
            try readSeries2(body, try message.bytes(body, field), &table)
        }
    }

    private mutating func readSeries2(
        _ body: Span<UInt8>, _ range: Range<Int>, _ table: inout ReceivedSeriesTable
    ) throws(ProtobufError) {
        try countSeries(range.lowerBound)
        let first = received.samples.count
        var message = ProtobufReader(range)
        var histograms = 0
        var problem: String?
        scratch.removeAll(keepingCapacity: true)
        while let field = try message.next(body) {
            switch field.number {
            case 1:
                if field.type == .varint {
                    add(reference: try message.varint(body), &problem)
                } else {
                    let packed = try message.bytes(body, field)
                    var references = ProtobufReader(packed)
                    while !references.isAtEnd { add(reference: try references.varint(body), &problem) }
                }
            case 2: try readSample(body, try message.bytes(body, field))
            case 3:
                try message.skip(body, field)
                histograms += 1
            case 4:
                try message.skip(body, field)
                received.exemplarsLeftOut += 1
            default: try message.skip(body, field)
            }
        }
        guard received.samples.count > first || histograms > 0 else { return }
        if !scratch.count.isMultiple(of: 8) { problem = problem ?? "a label has a name and no value" }
        if let problem { return drop(from: first, histograms: histograms, problem) }
        do throws(SeriesKeyError) {
            finish(try table.series(ofSymbols: scratch), first: first, histograms: histograms)
        } catch {
            drop(from: first, histograms: histograms, error.reason)
        }
    }

    private mutating func add(reference: UInt64, _ problem: inout String?) {
        guard reference < UInt64(symbols.count) else {
            problem = problem ?? "label reference \(reference) is beyond the \(symbols.count) symbols"
            return
        }
        guard scratch.count < 8 * (SeriesKey.labelsMax + 1) else {
            problem = problem ?? "it has more than \(SeriesKey.labelsMax) labels"
            return
        }
        let symbol = symbols[Int(reference)]
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            scratch.append(UInt8(truncatingIfNeeded: symbol >> shift))
        }
    }

    // MARK: Both

    private mutating func countSeries(_ offset: Int) throws(ProtobufError) {
        guard seriesRead < limits.seriesMax else {
            isTooLarge = true
            throw ProtobufError(reason: "more than \(limits.seriesMax) series in one request", offset: offset)
        }
        seriesRead += 1
    }

    @inline(__always)
    private mutating func readSample(_ body: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) {
        var message = ProtobufReader(range)
        var sample = Sample(timeMs: 0, value: 0)
        while let field = try message.next(body) {
            switch field.number {
            case 1: sample.value = try message.double(body, field)
            case 2: sample.timeMs = Int64(bitPattern: try message.varint(body, field))
            default: try message.skip(body, field)
            }
        }
        guard received.samples.count < limits.samplesMax else {
            isTooLarge = true
            throw ProtobufError(
                reason: "more than \(limits.samplesMax) samples in one request", offset: range.lowerBound)
        }
        received.samples.append(sample)
    }

    private mutating func finish(_ series: Int, first: Int, histograms: Int) {
        let index = seriesRead - 1
        // Almost never is a time out of range: looked for first, taken out only then.
        var isOutOfRange = false
        for place in first..<received.samples.count {
            isOutOfRange = isOutOfRange || !limits.timesMs.contains(received.samples[place].timeMs)
        }
        if isOutOfRange {
            let all = received.samples[first...]
            let kept = all.filter { limits.timesMs.contains($0.timeMs) }
            received.rejects.add(
                "timeseries", index, count: all.count - kept.count,
                "\(all.count - kept.count) samples are outside the times that are taken")
            received.samples.replaceSubrange(first..., with: kept)
        }
        if received.samples.count > first {
            received.parts.append(ReceivedSamples.Part(series: series, range: first..<received.samples.count))
        }
        if histograms > 0 {
            received.histogramsLeftOut += histograms
            received.rejects.add("timeseries", index, count: histograms, RemoteWriteReader.histogramReason)
        }
    }

    private mutating func drop(from first: Int, histograms: Int, _ reason: String) {
        let count = received.samples.count - first
        received.samples.removeLast(count)
        received.histogramsLeftOut += histograms
        received.rejects.add("timeseries", seriesRead - 1, count: count + histograms, reason)
    }
}
