/// Counts one flow-log file: a sink for `FlowLogReader` that ends in a `FlowFileSummary`.
///
/// Records are held in batches, so that who opened a connection and whether it was answered can be seen from both of
/// its directions; what a batch leaves open meets the other batches at the end, and the other files later.
package struct FlowFileCounter: FlowLogSink {
    /// Records held at a time; a hundred bytes each.
    private let batchRecordsMax: Int
    private let assignment: ClusterAssignment
    private var totals = FlowTotals()
    private var places = FlowPlaceTable()
    private var reasons: [String] = [""]
    private var reasonColumn: Int?
    private var pending: [PendingFlow] = []
    private var knowledge = OwnAddressKnowledge()
    private var rows = FlowRows()
    private var gaps: Set<FlowGap> = []
    private var asks: [(ask: FlowAsk, row: Int)] = []
    private var answers: [FlowAnswer] = []

    /// - Parameter batchRecordsMax: for tests; the outcome of a file may depend on it only where one of its connections
    ///   has no TCP flags and spans batches.
    package init(_ assignment: ClusterAssignment, batchRecordsMax: Int = 1 << 18) {
        self.assignment = assignment
        self.batchRecordsMax = batchRecordsMax
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
            if record.status == .noData { totals.noData += 1 } else { totals.skipData += 1 }
            guard hasTime else { return }
            let place = places.index(bytes, bounds, assignment: assignment)
            let located = places.place(place, own: .none, at: record.start, assignment: assignment)
            gaps.insert(
                FlowGap(place: places.located[located], status: record.status, start: record.start, end: record.end))
            return
        }
        totals.packets = FlowCounts.sum(totals.packets, record.packets)
        totals.bytes = FlowCounts.sum(totals.bytes, record.bytes)
        if record.action == .reject { totals.rejectedRecords += 1 } else { totals.acceptedRecords += 1 }
        guard hasTime, record.present.contains(.source) || record.present.contains(.packetSource),
            record.present.contains(.destination) || record.present.contains(.packetDestination)
        else {
            totals.incomplete += 1
            return
        }
        let place = places.index(bytes, bounds, assignment: assignment)
        var reason = 0
        if let column = reasonColumn, record.action == .reject { reason = reasonIndex(bytes, bounds.range(of: column)) }
        let flow = PendingFlow(record, place: place, reason: reason)
        knowledge.learn(flow)
        pending.append(flow)
        if pending.count >= batchRecordsMax { settleBatch() }
    }

    private mutating func reasonIndex(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        // Two reasons exist today; a file that invents thousands gets none for the rest.
        guard !FlowLineParser.isMissing(bytes, range.lowerBound, range.upperBound), range.count <= 64 else { return 0 }
        var text: [UInt8] = []
        for index in range { text.append(bytes[index]) }
        let reason = String(decoding: text, as: UTF8.self)
        if let index = reasons.firstIndex(of: reason) { return index }
        guard reasons.count < 64 else { return 0 }
        reasons.append(reason)
        return reasons.count - 1
    }

    private mutating func settleBatch() {
        var batch = FlowBatch(count: pending.count)
        for flow in pending {
            let isSourceOwn = knowledge.isSourceOwn(flow)
            let own = isSourceOwn ? flow.source : flow.destination
            let place = places.place(Int(flow.place), own: own, at: flow.start, assignment: assignment)
            batch.add(flow, isSourceOwn: isSourceOwn, place: place, clusterHash: places.clusterHash(place))
        }
        batch.settle(pending, rows: &rows, asks: &asks, answers: &answers, places: places.located, reasons: reasons)
        pending.removeAll(keepingCapacity: true)
    }

    /// What the file adds up to. Call once, at its end.
    package mutating func finish() -> FlowFileSummary {
        settleBatch()
        var summary = FlowFileSummary()
        summary.totals = totals
        summary.gaps = gaps.sorted()
        summary.counters = rows.counters(places: places.located, reasons: reasons)
        summary.answers = Set(answers).sorted()
        summary.asks = FlowPairing.cancel(asks.map(\.ask), by: summary.answers).sorted()
        return summary
    }
}

/// Numbers the places a file mentions, and gives each to a cluster.
struct FlowPlaceTable: Sendable {
    private struct Named: Sendable {
        var interface = ""
        var subnet = ""
        var zone = ""
        var instance = ""
        var candidates: [ClusterMap.Rule] = []
        /// Set if the cluster depends on the place alone.
        var located: Int?
    }

    private var columns: [(field: FlowLogField, column: Int)] = []
    private var table = ByteKeyTable()
    private var named: [Named] = []
    private var scratch: [UInt8] = []
    private var locatedIndexes: [FlowPlace: Int] = [:]
    private(set) var located: [FlowPlace] = []
    private var clusterHashes: [UInt64] = []

    mutating func begin(_ format: FlowLogFormat) {
        let fields: [FlowLogField] = [
            .interfaceID, .subnetID, .zoneID, .instanceID, .vpcID, .ecsClusterName, .ecsClusterARN, .instanceTag,
            .instanceTag2, .interfaceTag, .interfaceTag2, .autoScalingGroupTag, .autoScalingGroupTag2,
        ]
        columns = fields.compactMap { field in format.column(of: field).map { (field, $0) } }
    }

    mutating func index(
        _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds, assignment: ClusterAssignment
    ) -> Int {
        scratch.removeAll(keepingCapacity: true)
        for (field, column) in columns {
            let range = bounds.range(of: column)
            // The name of the field keeps two orders of columns in one file apart.
            scratch.append(UInt8(truncatingIfNeeded: FlowPlaceTable.code(field)))
            for index in range { scratch.append(bytes[index]) }
            scratch.append(0)
        }
        let known = table.count
        let index = table.index(of: scratch)
        if index == known { named.append(describe(bytes, bounds, assignment: assignment)) }
        return index
    }

    private static func code(_ field: FlowLogField) -> Int {
        switch field {
        case .interfaceID: 1
        case .subnetID: 2
        case .zoneID: 3
        case .instanceID: 4
        case .vpcID: 5
        case .ecsClusterName: 6
        case .ecsClusterARN: 7
        default: 8
        }
    }

    private func describe(
        _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds, assignment: ClusterAssignment
    ) -> Named {
        var named = Named()
        var names: [(ClusterMap.Kind, String)] = []
        for (field, column) in columns {
            let range = bounds.range(of: column)
            guard !FlowLineParser.isMissing(bytes, range.lowerBound, range.upperBound) else { continue }
            var value: [UInt8] = []
            for index in range { value.append(bytes[index]) }
            let text = String(decoding: value, as: UTF8.self)
            switch field {
            case .interfaceID:
                named.interface = text
                names.append((.interface, text))
            case .subnetID:
                named.subnet = text
                names.append((.subnet, text))
            case .zoneID: named.zone = text
            case .instanceID:
                named.instance = text
                names.append((.instance, text))
            case .vpcID: names.append((.vpc, text))
            case .ecsClusterName, .ecsClusterARN: names.append((.ecsCluster, text))
            default:
                names.append((.tag, text))
                names.append((.tag, FlowPlaceTable.percentDecoded(value)))
            }
        }
        if case .map(let map) = assignment { named.candidates = map.candidates(named: names) }
        return named
    }

    private static func percentDecoded(_ bytes: [UInt8]) -> String {
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
                let value = UInt8(String(decoding: bytes[index + 1...index + 2], as: UTF8.self), radix: 16)
            {
                decoded.append(value)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// The index in `located` of a place at a time.
    mutating func place(_ index: Int, own: IPAddress, at time: Int64, assignment: ClusterAssignment) -> Int {
        if let located = named[index].located { return located }
        let place = named[index]
        let cluster: String
        switch assignment {
        case .one(let name): cluster = name
        case .map: cluster = ClusterMap.cluster(of: own, at: time, candidates: place.candidates)
        }
        let wanted = FlowPlace(
            cluster: cluster, interface: place.interface, subnet: place.subnet, zone: place.zone,
            instance: place.instance)
        let located: Int
        if let known = locatedIndexes[wanted] {
            located = known
        } else {
            located = self.located.count
            self.located.append(wanted)
            locatedIndexes[wanted] = located
            clusterHashes.append(ByteKeyTable.hash(Array(cluster.utf8).span))
        }
        if case .one = assignment { named[index].located = located }
        if place.candidates.isEmpty { named[index].located = located }
        return located
    }

    func clusterHash(_ located: Int) -> UInt64 { clusterHashes[located] }
}
