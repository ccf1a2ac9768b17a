import CairnAnalyzer
import CairnBytes
import CairnSeries
import Testing

/// Who is suspected when several applications are in trouble at once.
@Suite struct ServiceGraphTests {
    private static let start = Timestamp("2026-03-10T10:00:00Z")!

    private static func graph(_ calls: [(String, String)]) throws -> ServiceGraph {
        ServiceGraph(
            try calls.map { caller, callee in
                try SeriesKey(
                    name: "istio_requests_total",
                    labels: [
                        Label("cluster", "eks"), Label("source_workload", caller),
                        Label("destination_workload", callee),
                    ])
            })
    }

    private func groups(_ calls: [(String, String)], _ onsets: [String: Int64]) throws -> [String] {
        try Self.graph(calls).groups(of: onsets.mapValues { Self.start.adding(seconds: $0 * 60) }, within: 900)
            .map { "\($0.root): \($0.members.joined(separator: " "))" }.sorted()
    }

    @Test func whatIsCalledIsSuspected() throws {
        let calls = [("web", "checkout"), ("checkout", "cart"), ("cart", "db"), ("mail", "queue")]
        // The database is well: the cart is the last in trouble on the way.
        #expect(try groups(calls, ["web": 0, "checkout": 1, "cart": 2]) == ["cart: cart checkout web"])
        #expect(try groups(calls, ["web": 0, "cart": 2]) == ["cart: cart", "web: web"])
        #expect(try groups(calls, ["mail": 0, "cart": 0]) == ["cart: cart", "mail: mail"])
        #expect(try groups(calls, ["cart": 0, "checkout": 60]) == ["cart: cart", "checkout: checkout"])
    }

    @Test func circlesAndUnknownEndsHarmNothing() throws {
        #expect(try groups([("a", "b"), ("b", "a")], ["b": 0, "a": 1]) == ["b: a b"])
        #expect(try Self.graph([("unknown", "a"), ("a", "a")]).isEmpty)
        #expect(ServiceGraph().groups(of: [:], within: 900).isEmpty)
    }

    @Test func otherLabelsAreRead() throws {
        let keys = [
            try SeriesKey(
                name: "traces_service_graph_request_total", labels: [Label("client", "a"), Label("server", "b")]),
            try SeriesKey(name: "http_requests_total", labels: [Label("app", "b")]),
        ]
        let graph = ServiceGraph(keys)
        #expect(graph.calls("a", "b") && !graph.calls("b", "a"))
    }
}
