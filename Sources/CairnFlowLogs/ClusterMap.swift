import CairnBytes

/// Which cluster traffic belongs to, where several clusters share one network and a folder name cannot tell.
///
/// Read from JSON, an array of objects (or `{"rules": [...]}`) such as
/// `{"subnet": "subnet-1", "cluster": "eks", "from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}`, or from
/// lines `kind,value,cluster,from,to` with `#` for comments, where `from` (inclusive) and `to` (exclusive) may be left
/// out. The most specific kind decides: interface, instance, ecs-cluster, tag, subnet, vpc, then the longest prefix of
/// our own address; among rules of one kind the first that is valid at the record's start.
package struct ClusterMap: Hashable, Sendable {
    package enum Kind: String, CaseIterable, Sendable, Comparable {
        case interface, instance
        case ecsCluster = "ecs-cluster"
        case tag, subnet, vpc, prefix

        package static func < (left: Kind, right: Kind) -> Bool { left.rank < right.rank }

        private var rank: Int { Kind.allCases.firstIndex(of: self) ?? 0 }
    }

    package struct Rule: Hashable, Sendable {
        package var kind: Kind
        package var value: String
        package var cluster: String
        /// Seconds since 1970.
        package var from: Int64
        package var to: Int64
        /// For `.prefix`.
        var prefix: IPPrefix?

        func isValid(at time: Int64) -> Bool { from <= time && time < to }
    }

    package struct MapError: Error, Hashable, Sendable, CustomStringConvertible {
        /// From 1: the line, or the rule of a JSON map.
        package var place: Int
        package var reason: String

        package var description: String { "cannot read the cluster map, rule or line \(place): \(reason)" }
    }

    /// Most rules in a map: a fleet of 500 clusters with 2,000 interfaces each.
    package static let rulesMax = 1_000_000

    /// In order of precedence.
    package let rules: [Rule]

    private init(rules: [Rule]) {
        self.rules = rules.enumerated().sorted { left, right in
            let (first, second) = (left.element, right.element)
            if first.kind != second.kind { return first.kind < second.kind }
            if let one = first.prefix, let other = second.prefix, one.bits != other.bits {
                return one.bits > other.bits
            }
            return left.offset < right.offset
        }.map(\.element)
    }

    package init(_ bytes: [UInt8]) throws(MapError) {
        let first = bytes.first { $0 > 0x20 }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            try self.init(json: bytes)
        } else {
            try self.init(lines: bytes)
        }
    }

    private init(json bytes: [UInt8]) throws(MapError) {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(bytes).value
        } catch {
            throw MapError(place: error.line, reason: error.description)
        }
        guard let list = value.array ?? value["rules"]?.array else {
            throw MapError(place: 1, reason: "expected an array of rules, or an object with \"rules\"")
        }
        guard list.count <= ClusterMap.rulesMax else {
            throw MapError(place: 1, reason: "more than \(ClusterMap.rulesMax) rules")
        }
        var rules: [Rule] = []
        for (index, item) in list.enumerated() {
            let kinds = Kind.allCases.filter { item[$0.rawValue] != nil }
            guard kinds.count == 1, let value = item[kinds[0].rawValue]?.string else {
                let names = Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw MapError(place: index + 1, reason: "expected exactly one of \(names), with a text")
            }
            rules.append(
                try ClusterMap.rule(
                    kinds[0], value, item["cluster"]?.string ?? "", item["from"]?.string ?? "",
                    item["to"]?.string ?? "", place: index + 1))
        }
        self.init(rules: rules)
    }

    private init(lines bytes: [UInt8]) throws(MapError) {
        guard let text = String(validating: bytes) else { throw MapError(place: 1, reason: "it is not UTF-8") }
        var rules: [Rule] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let parts = line.split(separator: ",", omittingEmptySubsequences: false).map(ClusterMap.trimmed)
            if parts == [""] || parts[0].hasPrefix("#") || parts[0] == "kind" { continue }
            guard (3...5).contains(parts.count) else {
                throw MapError(place: index + 1, reason: "expected kind,value,cluster and at most from,to")
            }
            guard let kind = Kind(rawValue: parts[0]) else {
                let names = Kind.allCases.map(\.rawValue).joined(separator: ", ")
                throw MapError(place: index + 1, reason: "\"\(parts[0])\" is not one of \(names)")
            }
            guard rules.count < ClusterMap.rulesMax else {
                throw MapError(place: index + 1, reason: "more than \(ClusterMap.rulesMax) rules")
            }
            rules.append(
                try ClusterMap.rule(
                    kind, parts[1], parts[2], parts.count > 3 ? parts[3] : "", parts.count > 4 ? parts[4] : "",
                    place: index + 1))
        }
        self.init(rules: rules)
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }

    private static func rule(
        _ kind: Kind, _ value: String, _ cluster: String, _ from: String, _ to: String, place: Int
    ) throws(MapError) -> Rule {
        guard !value.isEmpty else { throw MapError(place: place, reason: "\(kind.rawValue) is empty") }
        guard !cluster.isEmpty else { throw MapError(place: place, reason: "it names no cluster") }
        func time(_ text: String, _ missing: Int64) throws(MapError) -> Int64 {
            if text.isEmpty { return missing }
            guard let time = Timestamp(text) else {
                throw MapError(place: place, reason: "\"\(text)\" is not an RFC 3339 time")
            }
            return time.seconds
        }
        let prefix = kind == .prefix ? IPPrefix(value) : nil
        if kind == .prefix, prefix == nil {
            throw MapError(place: place, reason: "\"\(value)\" is not an address or a block of addresses")
        }
        return Rule(
            kind: kind, value: value, cluster: cluster, from: try time(from, .min), to: try time(to, .max),
            prefix: prefix)
    }

    /// The rules that name something of a place, in order of precedence, and then those by prefix.
    func candidates(named names: [(Kind, String)]) -> [Rule] {
        rules.filter { rule in
            rule.kind == .prefix || names.contains { $0.0 == rule.kind && $0.1 == rule.value }
        }
    }

    static func cluster(of own: IPAddress, at time: Int64, candidates: [Rule]) -> String {
        for rule in candidates where rule.isValid(at: time) && rule.prefix?.contains(own) != false {
            return rule.cluster
        }
        return FlowPlace.unassignedCluster
    }
}

/// How the traffic of a file is given to clusters.
package enum ClusterAssignment: Hashable, Sendable {
    case one(String)
    case map(ClusterMap)
}
