package import CairnBytes
package import CairnSeries

/// Which application calls which, as far as metrics say it: meshes and tracing label requests with both ends. A caller
/// suffers from what it calls, so findings of both at one time are one incident, and what is called is the suspect.
package struct ServiceGraph: Sendable, Hashable {
    /// Labels that name the caller and what it calls: Istio, then service graphs of OpenTelemetry.
    private static let ends: [(caller: String, callee: String)] = [
        ("source_app", "destination_app"), ("source_workload", "destination_workload"),
        ("source_canonical_service", "destination_canonical_service"), ("client", "server"),
    ]
    /// What meshes write where they do not know an end.
    private static let unknown: Set<String> = ["", "unknown"]

    private var callees: [String: Set<String>] = [:]

    package init() {}

    package init(_ keys: some Sequence<SeriesKey>) {
        for key in keys {
            for names in Self.ends {
                guard let caller = key[names.caller], let callee = key[names.callee], caller != callee,
                    !Self.unknown.contains(caller), !Self.unknown.contains(callee)
                else { continue }
                callees[caller, default: []].insert(callee)
            }
        }
    }

    package var isEmpty: Bool { callees.isEmpty }

    package func calls(_ caller: String, _ callee: String) -> Bool { callees[caller]?.contains(callee) ?? false }

    /// Applications in trouble that hang together.
    package struct Group: Sendable, Hashable {
        /// The one that calls no other of them; of several the first to be in trouble.
        package var root: String
        /// Sorted, with the root.
        package var members: [String]
    }

    /// - Parameters:
    ///   - onsets: when the trouble of each application began.
    ///   - seconds: trouble further apart than this has two causes.
    package func groups(of onsets: [String: Timestamp], within seconds: Int64) -> [Group] {
        let order = onsets.keys.sorted { (onsets[$0] ?? .latest, $0) < (onsets[$1] ?? .latest, $1) }
        func hangTogether(_ one: String, _ other: String) -> Bool {
            guard calls(one, other) || calls(other, one), let first = onsets[one], let second = onsets[other] else {
                return false
            }
            return (first.seconds - second.seconds).magnitude <= UInt64(max(0, seconds))
        }
        var left = order
        var groups: [Group] = []
        while !left.isEmpty {
            var members = [left.removeFirst()]
            var next = 0
            while next < members.count {
                let joining = left.filter { hangTogether(members[next], $0) }
                left.removeAll { joining.contains($0) }
                members += joining
                next += 1
            }
            let sinks = order.filter { app in
                members.contains(app) && !members.contains { $0 != app && calls(app, $0) }
            }
            // All of a circle call another one of it: then the first to be in trouble is the suspect.
            groups.append(Group(root: sinks.first ?? members[0], members: members.sorted()))
        }
        return groups
    }
}
