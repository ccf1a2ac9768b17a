import CairnBytes
import Synchronization

/// What the server counts of itself, in the text that Prometheus scrapes. Names and labels are fixed here: nothing that
/// callers choose becomes a label.
final class ServerMetrics: Sendable {
    /// Upper bounds of answer times, in seconds.
    private static let bounds = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]

    private struct RouteKey: Hashable, Comparable {
        var method: String
        var route: String
        var status: Int

        static func < (left: RouteKey, right: RouteKey) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    private struct Histogram {
        var counts = [Int](repeating: 0, count: ServerMetrics.bounds.count)
        var sum = 0.0
        var count = 0
    }

    private struct State {
        var answers: [RouteKey: Int] = [:]
        var seconds: [String: Histogram] = [:]
        var counters: [Counter: [String: Int]] = [:]
        var gauges: [Gauge: Double] = [:]
    }

    /// What only grows, by receiver.
    enum Counter: String, Sendable, CaseIterable {
        case samplesAccepted = "cairn_samples_accepted_total"
        case recordsAccepted = "cairn_records_accepted_total"
        case recordsRejected = "cairn_records_rejected_total"
        case notificationsSent = "cairn_notifications_sent_total"
        case notificationsFailed = "cairn_notifications_failed_total"

        var help: String {
            switch self {
            case .samplesAccepted: "Samples that are on disk."
            case .recordsAccepted: "Events and flow records that are on disk."
            case .recordsRejected: "Records that were set aside."
            case .notificationsSent: "Notifications that were taken."
            case .notificationsFailed: "Notifications that nobody took."
            }
        }
    }

    enum Gauge: String, Sendable, CaseIterable {
        case ledgerEntries = "cairn_ledger_entries"
        case readModelEntries = "cairn_read_model_entries"
        case queuedSamples = "cairn_queued_samples"
        case bodyBytes = "cairn_body_bytes"
        case followers = "cairn_followers"
        case diskFreeBytes = "cairn_disk_free_bytes"
        case diskDaysLeft = "cairn_disk_days_left"
        case certificateExpires = "cairn_certificate_expires_seconds"
        case analysisSeconds = "cairn_analysis_seconds"

        var help: String {
            switch self {
            case .ledgerEntries: "Entries of the log."
            case .readModelEntries: "Entries that the read model has."
            case .queuedSamples: "Samples that wait for the disk."
            case .bodyBytes: "Bytes of request bodies in memory."
            case .followers: "Connections that follow the log."
            case .diskFreeBytes: "Free space where the ledger is."
            case .diskDaysLeft: "Days until it is used up at the pace of the last day."
            case .certificateExpires: "When the certificate in use expires, in seconds since 1970."
            case .analysisSeconds: "How long the last look of the analyzer took."
            }
        }
    }

    private let state = Mutex(State())

    func answered(method: String, route: String, status: Int, seconds: Double) {
        state.withLock { state in
            state.answers[RouteKey(method: method, route: route, status: status), default: 0] += 1
            var histogram = state.seconds[route] ?? Histogram()
            for (index, bound) in ServerMetrics.bounds.enumerated() where seconds <= bound {
                histogram.counts[index] += 1
            }
            histogram.sum += seconds
            histogram.count += 1
            state.seconds[route] = histogram
        }
    }

    func add(_ counter: Counter, _ count: Int = 1, receiver: String) {
        state.withLock { $0.counters[counter, default: [:]][receiver, default: 0] += count }
    }

    /// - Parameter value: nil where nothing is known any more.
    func set(_ gauge: Gauge, _ value: Double?) { state.withLock { $0.gauges[gauge] = value } }

    var exposition: String {
        let state = state.withLock { $0 }
        var text =
            "# HELP cairn_http_answers_total Answers by route and status.\n# TYPE cairn_http_answers_total counter\n"
        for (key, count) in state.answers.sorted(by: { $0.key < $1.key }) {
            text +=
                "cairn_http_answers_total{method=\"\(key.method)\",route=\"\(key.route)\",status=\"\(key.status)\"} \(count)\n"
        }
        text += "# HELP cairn_http_seconds How long answers took.\n# TYPE cairn_http_seconds histogram\n"
        for (route, histogram) in state.seconds.sorted(by: { $0.key < $1.key }) {
            for (bound, count) in zip(ServerMetrics.bounds, histogram.counts) {
                text += "cairn_http_seconds_bucket{route=\"\(route)\",le=\"\(bound)\"} \(count)\n"
            }
            text += "cairn_http_seconds_bucket{route=\"\(route)\",le=\"+Inf\"} \(histogram.count)\n"
            text += "cairn_http_seconds_sum{route=\"\(route)\"} \(histogram.sum)\n"
            text += "cairn_http_seconds_count{route=\"\(route)\"} \(histogram.count)\n"
        }
        for counter in Counter.allCases {
            guard let values = state.counters[counter] else { continue }
            text += "# HELP \(counter.rawValue) \(counter.help)\n# TYPE \(counter.rawValue) counter\n"
            for (receiver, count) in values.sorted(by: { $0.key < $1.key }) {
                text += "\(counter.rawValue){receiver=\(CanonicalJSON.string(of: .string(receiver)))} \(count)\n"
            }
        }
        for gauge in Gauge.allCases {
            guard let value = state.gauges[gauge] else { continue }
            text +=
                "# HELP \(gauge.rawValue) \(gauge.help)\n# TYPE \(gauge.rawValue) gauge\n\(gauge.rawValue) \(value)\n"
        }
        return text
    }
}
