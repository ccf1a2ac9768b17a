/// Numbers the places a file mentions, and gives each to a cluster.
struct FlowPlaceTable: Sendable {
    private struct Named: Sendable {
        var interface = ""
        var subnet = ""
        var zone = ""
        var instance = ""
        var account = ""
        var vpc = ""
        var candidates: [ClusterMap.Rule] = []
        /// Set if the cluster depends on the place alone.
        var located: Int?
    }

    private let assignment: ClusterAssignment
    private var columns: [(field: FlowLogField, column: Int)] = []
    /// What the lines say of each place: for each column its code, its length in four bytes, its text.
    private var arena: [UInt8] = []
    private var starts: [Int] = []
    private var hashes: [UInt64] = []
    private var index = FlatIndex()
    private var last = 0
    private var named: [Named] = []
    private var locatedIndexes: [FlowPlace: Int] = [:]
    /// From when to when records tell of each place.
    private(set) var located: [FlowSeen] = []
    private(set) var clusterHashes: [UInt64] = []

    init(_ assignment: ClusterAssignment) { self.assignment = assignment }

    mutating func begin(_ format: FlowLogFormat) {
        let fields: [FlowLogField] = [
            .interfaceID, .subnetID, .zoneID, .instanceID, .accountID, .vpcID, .ecsClusterName, .ecsClusterARN,
            .instanceTag, .instanceTag2, .interfaceTag, .interfaceTag2, .autoScalingGroupTag, .autoScalingGroupTag2,
        ]
        columns = fields.compactMap { field in format.column(of: field).map { (field, $0) } }
    }

    /// The name of the field keeps two orders of columns in one file apart.
    private static func code(_ field: FlowLogField) -> UInt8 {
        switch field {
        case .interfaceID: 1
        case .subnetID: 2
        case .zoneID: 3
        case .instanceID: 4
        case .vpcID: 5
        case .ecsClusterName: 6
        case .ecsClusterARN: 7
        case .accountID: 8
        default: 9
        }
    }

    /// The number of the place that a line names.
    @inline(__always)
    mutating func number(_ bytes: Span<UInt8>, _ bounds: FlowFieldBounds) -> Int {
        // Both directions of a connection stand one after the other more often than not.
        if !starts.isEmpty, isPlace(last, bytes, bounds) { return last }
        let hash = hash(bytes, bounds)
        if let known = index.find(hash, isKey: { hashes[$0] == hash && isPlace($0, bytes, bounds) }) {
            last = known
            return known
        }
        return add(bytes, bounds, hash)
    }

    private func hash(_ bytes: Span<UInt8>, _ bounds: FlowFieldBounds) -> UInt64 {
        var hash: UInt64 = 0
        for (_, column) in columns {
            let range = bounds.range(of: column)
            hash = ByteKeyTable.mixed(hash ^ FlowPlaceTable.hash(bytes, range.lowerBound, range.upperBound))
        }
        return hash
    }

    @inline(__always)
    private static func hash(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> UInt64 {
        let raw = unsafe bytes.bytes
        var hash = UInt64(truncatingIfNeeded: end - start) &* 0x9E37_79B9_7F4A_7C15
        var offset = start
        while offset + 8 <= end {
            hash = (hash ^ word(raw, offset)) &* 0x9FB2_1C65_1E98_DF25
            hash ^= hash >> 29
            offset += 8
        }
        if offset < end {
            var rest: UInt64 = 0
            if end - start >= 8 {
                rest = word(raw, end - 8)
            } else {
                while offset < end {
                    rest = rest << 8 | UInt64(bytes[offset])
                    offset += 1
                }
            }
            hash = (hash ^ rest) &* 0x9FB2_1C65_1E98_DF25
            hash ^= hash >> 29
        }
        return hash
    }

    /// Eight bytes, whose order does not matter here. The offset is checked.
    @inline(__always)
    private static func word(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    private func isPlace(_ number: Int, _ bytes: Span<UInt8>, _ bounds: FlowFieldBounds) -> Bool {
        let names = unsafe arena.span.bytes
        let line = unsafe bytes.bytes
        var offset = starts[number]
        let end = number + 1 < starts.count ? starts[number + 1] : arena.count
        for (field, column) in columns {
            let range = bounds.range(of: column)
            guard offset + 5 <= end, arena[offset] == FlowPlaceTable.code(field) else { return false }
            let length = unsafe Int(names.unsafeLoadUnaligned(fromByteOffset: offset + 1, as: UInt32.self))
            guard length == range.count else { return false }
            offset += 5
            var position = range.lowerBound
            let stop = offset + length
            if length >= 8 {
                // The last eight bytes first: interfaces differ in them.
                guard FlowPlaceTable.word(names, stop - 8) == FlowPlaceTable.word(line, range.upperBound - 8) else {
                    return false
                }
                while offset + 8 <= stop {
                    guard FlowPlaceTable.word(names, offset) == FlowPlaceTable.word(line, position) else {
                        return false
                    }
                    offset += 8
                    position += 8
                }
            } else {
                while offset < stop {
                    guard arena[offset] == bytes[position] else { return false }
                    offset += 1
                    position += 1
                }
            }
            offset = stop
        }
        return offset == end
    }

    @inline(never)
    private mutating func add(_ bytes: Span<UInt8>, _ bounds: FlowFieldBounds, _ hash: UInt64) -> Int {
        let number = starts.count
        starts.append(arena.count)
        for (field, column) in columns {
            let range = bounds.range(of: column)
            arena.append(FlowPlaceTable.code(field))
            let length = UInt32(truncatingIfNeeded: range.count)
            unsafe withUnsafeBytes(of: length) { unsafe arena.append(contentsOf: $0) }
            for position in range { arena.append(bytes[position]) }
        }
        _ = index.number(hash, count: number, isKey: { _ in false }, hashOf: { hashes[$0] })
        hashes.append(hash)
        named.append(describe(bytes, bounds))
        last = number
        return number
    }

    private func describe(_ bytes: Span<UInt8>, _ bounds: FlowFieldBounds) -> Named {
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
            case .accountID: named.account = text
            case .vpcID:
                named.vpc = text
                names.append((.vpc, text))
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

    /// The index in `located` of a place whose own address is known; the place was seen then.
    @inline(__always)
    mutating func locate(_ number: Int, own: IPAddress, start: Int64, end: Int64) -> Int {
        let located = named[number].located ?? locateByRule(number, own: own, at: start)
        if start < self.located[located].first { self.located[located].first = start }
        if end > self.located[located].last { self.located[located].last = end }
        return located
    }

    @inline(never)
    private mutating func locateByRule(_ number: Int, own: IPAddress, at time: Int64) -> Int {
        let place = named[number]
        let cluster: String
        switch assignment {
        case .one(let name): cluster = name
        case .map: cluster = ClusterMap.cluster(of: own, at: time, candidates: place.candidates)
        }
        let wanted = FlowPlace(
            cluster: cluster, interface: place.interface, subnet: place.subnet, zone: place.zone,
            instance: place.instance, account: place.account, vpc: place.vpc)
        let located: Int
        if let known = locatedIndexes[wanted] {
            located = known
        } else {
            located = self.located.count
            self.located.append(FlowSeen(place: wanted, first: .max, last: .min))
            locatedIndexes[wanted] = located
            clusterHashes.append(ByteKeyTable.hash(Array(cluster.utf8).span))
        }
        if case .one = assignment { named[number].located = located }
        if place.candidates.isEmpty { named[number].located = located }
        return located
    }
}
