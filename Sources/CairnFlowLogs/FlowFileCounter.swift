/// Counts one flow-log file: a sink for `FlowLogReader` that ends in `FlowFileColumns`.
///
/// Records are held in batches, so that who opened a connection and whether it was answered can be seen from both of
/// its directions; what a batch leaves open meets the other batches at the end, and the other files later.
package struct FlowFileCounter: FlowLogSink {
    /// Records held at a time; eighty bytes each.
    private let batchRecordsMax: Int
    private var totals = FlowTotals()
    private var places: FlowPlaceTable
    private var reasons: [String] = [""]
    private var reasonColumn: Int?
    private var batch = FlowRecordBatch()
    private var isFirstBatch = true
    private var knowledge = OwnAddressKnowledge()
    private var rows = FlowRows()
    private var gaps: Set<FlowGap> = []
    private var open = FlowOpenEnds()

    /// - Parameter batchRecordsMax: for tests; the outcome of a file may depend on it only where one of its connections
    ///   has no TCP flags and spans batches.
    package init(_ assignment: ClusterAssignment, batchRecordsMax: Int = 1 << 18) {
        self.batchRecordsMax = batchRecordsMax
        places = FlowPlaceTable(assignment)
    }

    package mutating func begin(_ format: FlowLogFormat) {
        places.begin(format)
        reasonColumn = format.column(of: .rejectReason)
    }

    package mutating func accept(
        _ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds
    ) {
        totals.records = FlowCounts.sum(totals.records, 1)
        let hasTime = record.present.contains(.start) || record.present.contains(.end)
        if hasTime {
            totals.first = min(totals.first ?? .max, record.start)
            totals.last = max(totals.last ?? .min, record.end)
        }
        guard record.status == .ok else {
            addGap(record, bytes, bounds, hasTime: hasTime)
            return
        }
        totals.packets = FlowCounts.sum(totals.packets, record.packets)
        totals.bytes = FlowCounts.sum(totals.bytes, record.bytes)
        if record.action == .reject { totals.rejectedRecords += 1 } else { totals.acceptedRecords += 1 }
        guard hasTime, !record.present.isDisjoint(with: [.source, .packetSource]),
            !record.present.isDisjoint(with: [.destination, .packetDestination])
        else {
            totals.incomplete += 1
            return
        }
        var reason = 0
        if let column = reasonColumn, record.action == .reject { reason = reasonIndex(bytes, bounds.range(of: column)) }
        let flow = PendingFlow(record, place: places.number(bytes, bounds), reason: reason)
        knowledge.learn(flow)
        batch.append(flow)
        if batch.count >= batchRecordsMax { settleBatch(isLast: false) }
    }

    private mutating func addGap(
        _ record: FlowRecord, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds, hasTime: Bool
    ) {
        if record.status == .noData { totals.noData += 1 } else { totals.skipData += 1 }
        guard hasTime else { return }
        let place = places.locate(places.number(bytes, bounds), own: .none, start: record.start, end: record.end)
        gaps.insert(
            FlowGap(place: places.located[place].place, status: record.status, start: record.start, end: record.end))
    }

    private mutating func reasonIndex(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        // Two reasons exist today; a file that invents thousands gets none for the rest.
        guard !FlowLineParser.isMissing(bytes, range.lowerBound, range.upperBound), range.count <= 64 else { return 0 }
        var text: [UInt8] = []
        for index in range { text.append(bytes[index]) }
        let reason = String(decoding: text, as: UTF8.self)
        if let index = reasons.firstIndex(of: reason) { return index }
        guard reasons.count < FlowRows.reasonsMax else { return 0 }
        reasons.append(reason)
        return reasons.count - 1
    }

    private mutating func settleBatch(isLast: Bool) {
        batch.settle(knowledge, isOnly: isFirstBatch && isLast, places: &places, rows: &rows, open: &open)
        isFirstBatch = false
    }

    /// What the file adds up to. Call once, at its end.
    package mutating func finishColumns() -> FlowFileColumns {
        settleBatch(isLast: true)
        var columns = FlowFileColumns()
        columns.totals = totals
        columns.gaps = gaps.sorted()
        let order = places.located.indices.sorted { places.located[$0].place < places.located[$1].place }
        var ranks = [Int](repeating: 0, count: order.count)
        for (rank, place) in order.enumerated() { ranks[place] = rank }
        columns.seen = order.map { places.located[$0] }
        let rowOf = rows.write(to: &columns, placeRanks: ranks, reasons: reasons)
        let answers = FlowAnswerSet(open.answers)
        columns.answers = answers.sorted
        var asks = open.asks
        for index in asks.indices { asks[index].row = Int(rowOf[asks[index].row]) }
        asks.sort { ($0.connection, $0.start, $0.end, $0.row) < ($1.connection, $1.start, $1.end, $1.row) }
        asks = FlowPairing.cancel(asks, by: answers)
        columns.asks = FlowPairing.cancel(asks, by: FlowAnswerSet(open.continued))
        return columns
    }

    package mutating func finish() -> FlowFileSummary { FlowFileSummary(finishColumns()) }
}
