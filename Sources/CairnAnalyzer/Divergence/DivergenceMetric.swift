import CairnSeries

/// What a metric measures, read from its name and labels: samples carry no other description.
enum DivergenceMetric {
    /// How the samples of a metric become what is compared.
    enum Shape: Hashable, Sendable {
        /// A counter with a label that says how each request ended.
        case mix(label: String)
        case histogram
        /// A gauge, compared as the logarithm of a ratio.
        case ratio(DivergenceKind)
        /// A gauge that is a share of 1, or of 100.
        case share(DivergenceKind)
        /// A counter, per request where requests are counted.
        case rate(DivergenceKind)
        case leftOut(String)
    }

    static let statusLabels = [
        "code", "response_code", "status_code", "http_status_code", "http_response_status_code", "http_status",
        "status",
        "rcode", "grpc_code",
    ]

    /// Labels that name one of many like instances: a cluster has its own, so they are added up before comparing.
    static let instanceLabels: Set<String> = [
        "pod", "pod_name", "instance", "node", "node_name", "host", "hostname", "uid", "container_id", "container",
        "image", "image_id", "id", "ip", "pod_ip", "host_ip", "endpoint", "address", "replicaset", "replica", "shard",
        "partition", "availability_zone", "zone", "az", "subnet", "region", "task", "task_id", "task_arn",
        "pod_template_hash", "controller_revision_hash", "prometheus", "prometheus_replica", "process", "pid",
    ]

    static let appLabels = ["app", "app_kubernetes_io_name", "deployment", "destination_workload", "service", "job"]

    /// The name a metric is reported under: a histogram's parts are one.
    static func baseName(_ name: String, hasBound: Bool) -> String {
        hasBound && name.hasSuffix("_bucket") ? String(name.dropLast("_bucket".count)) : name
    }

    /// The quantile a series is about, from its labels or its name.
    static func quantile(name: String, labels: [Label]) -> Double? {
        for label in labels where ["quantile", "statistic", "stat", "percentile", "q"].contains(label.name) {
            if let value = quantile(text: label.value) { return value }
        }
        for word in words(name) { if word.first == "p", let value = quantile(text: word) { return value } }
        return nil
    }

    private static func quantile(text: String) -> Double? {
        let lowered = text.lowercased()
        if lowered == "max" || lowered == "maximum" { return 1 }
        if lowered == "median" { return 0.5 }
        let digits = lowered.hasPrefix("p") ? String(lowered.dropFirst()) : lowered
        guard let value = Double(digits), value > 0, value.isFinite else { return nil }
        if lowered.hasPrefix("p") {
            // p999 is 99.9, p9999 is 99.99.
            var share = value / 100
            while share > 1 { share /= 10 }
            return share
        }
        return value <= 1 ? value : value <= 100 ? value / 100 : nil
    }

    static func words(_ name: String) -> [String] {
        var words: [String] = []
        var word = ""
        for scalar in name.unicodeScalars {
            if scalar.isASCII, scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) {
                word.unicodeScalars.append(scalar)
            } else if !word.isEmpty {
                words.append(word.lowercased())
                word = ""
            }
        }
        return word.isEmpty ? words : words + [word.lowercased()]
    }

    /// - Parameters:
    ///   - labels: names of all labels of the series, with the values each takes.
    ///   - isCounter: what the samples themselves look like.
    static func shape(name: String, labels: [String: Set<String>], isCounter: Bool) -> Shape {
        let words = Set(words(name))
        func has(_ some: String...) -> Bool { some.contains { words.contains($0) } }
        if name.hasSuffix("_bucket"), labels["le"] != nil { return .histogram }
        if name.hasSuffix("_created") || has("timestamp", "info", "generation", "version") {
            return .leftOut("describes, and measures nothing")
        }
        if name.hasSuffix("_sum") && !has("lag") || name.hasSuffix("_count") && isCounter {
            return .leftOut("is a part of a histogram or summary, which says more")
        }
        if isCounter { return counter(name: name, words: words, labels: labels) }
        if has("replicas", "replica") || name == "up" {
            return .leftOut("counts instances, which a migration moves on purpose")
        }
        if has("lag", "backlog") || has("queue") && has("depth", "length", "size", "messages") { return .ratio(.lag) }
        let isTimed =
            has(
                "latency", "duration", "rtt", "delay", "elapsed", "ttfb") || has("response") && has("time")
            || has("request", "query", "processing", "service") && has("seconds", "milliseconds", "ms", "time")
        if isTimed { return .ratio(.latency) }
        if has("availability", "available", "uptime", "success", "slo", "sli") { return .share(.availability) }
        if has("readiness", "ready") { return .share(.readiness) }
        if has("error", "errors", "failure", "failures", "fault", "faults") {
            return has("rate", "ratio", "share", "percent", "percentage")
                ? .share(.errors) : .leftOut("counts errors without the requests they came from")
        }
        if labels["quantile"] != nil || words.contains(where: { ["p50", "p90", "p95", "p99", "p999"].contains($0) }) {
            return .ratio(.latency)
        }
        if isTraffic(words) { return .leftOut("measures traffic, which a migration moves on purpose") }
        return .ratio(.level)
    }

    private static func counter(name: String, words: Set<String>, labels: [String: Set<String>]) -> Shape {
        for label in statusLabels {
            guard let values = labels[label] else { continue }
            // A label of one value divides nothing; the word `status` also says other things than how a request ended.
            if label == "status", !values.contains(where: isStatus), words.isDisjoint(with: ["requests", "request"]) {
                continue
            }
            return .mix(label: label)
        }
        if isTraffic(words) { return .leftOut("measures traffic, which a migration moves on purpose") }
        let failing: Set<String> = [
            "error", "errors", "failure", "failures", "failed", "exceptions", "timeouts", "timeout", "retries",
            "restarts",
            "rejected", "dropped", "oom", "aborted", "panics", "throttled",
        ]
        return .rate(words.isDisjoint(with: failing) ? .level : .errors)
    }

    private static func isTraffic(_ words: Set<String>) -> Bool {
        !words.isDisjoint(with: [
            "requests", "request", "connections", "bytes", "packets", "messages", "operations", "queries", "events",
            "records", "rps", "qps", "throughput", "calls", "offset", "sessions", "hits", "invocations",
        ])
    }

    private static func isStatus(_ text: String) -> Bool {
        let digits = Array(text.utf8)
        guard digits.count == 3, (UInt8(ascii: "1")...UInt8(ascii: "5")).contains(digits[0]) else { return false }
        return digits[1...].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 | 0x20 == 0x78 }
    }

    /// The class a status counts in. 204 and 404 are the application's own business, and stay apart so that only a
    /// difference between the clusters shows; 429 and 504 have causes of their own.
    static func statusClass(_ text: String) -> String {
        switch text {
        case "204", "404", "429", "504": return text
        case "", "0", "000": return "reset"
        default: break
        }
        guard isStatus(text) else { return text.lowercased() }
        switch text.utf8.first {
        case UInt8(ascii: "1"), UInt8(ascii: "2"): return "2xx"
        case UInt8(ascii: "3"): return "3xx"
        case UInt8(ascii: "4"): return "4xx"
        default: return "5xx"
        }
    }

    /// Whether more requests of a class are worse; nil where that is for the application to know.
    static func isMoreWorse(statusClass: String) -> Bool? {
        switch statusClass {
        case "5xx", "504", "429", "reset", "error", "errors", "failure", "failed", "servfail", "unavailable",
            "internal":
            true
        case "2xx", "ok", "success", "noerror": false
        default: nil
        }
    }

    /// Falls of a counter are restarts, and rare; a gauge falls about as often as it rises.
    static func looksLikeCounter(name: String, hasStatusLabel: Bool, samples: [Sample]) -> Bool {
        if name.hasSuffix("_total") || name.hasSuffix("_bucket") { return true }
        guard hasStatusLabel || name.hasSuffix("_count") || name.hasSuffix("_sum") else { return false }
        let values = samples.map(\.value).filter { !$0.isNaN }
        guard values.allSatisfy({ $0 >= 0 }) else { return false }
        let falls = zip(values, values.dropFirst()).count { $1 < $0 }
        return falls * 20 <= values.count
    }
}

/// Numbers as people read them.
enum DivergenceText {
    /// `0.42%`, three significant digits.
    static func percent(_ share: Double) -> String { significant(share * 100) + "%" }

    /// A factor from its logarithm: `x1.31`.
    static func factor(_ logarithm: Double) -> String {
        logarithm.isFinite ? "x" + significant(Mathematics.exp(min(60, max(-60, logarithm)))) : "x?"
    }

    /// Three significant digits, without an exponent for what people meet.
    static func significant(_ value: Double) -> String {
        guard value.isFinite else { return "?" }
        guard value.magnitude >= 0.0005, value.magnitude < 1e9 else { return value == 0 ? "0" : "\(value)" }
        var scale = 1.0
        while value.magnitude * scale < 100, scale < 1e6 { scale *= 10 }
        let rounded = (value * scale).rounded() / scale
        let text = "\(rounded)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A number of requests, with two digits that mean something.
    static func count(_ value: Double) -> String {
        guard value.isFinite, value < 1e15 else { return "too many" }
        var scale = 1.0
        while value / scale >= 100 { scale *= 10 }
        return "\(Int64((value / scale).rounded(.up) * scale))"
    }

    /// `90 s`, `12 min`, `5 h`, `3 d`.
    static func duration(seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(seconds.rounded(.up))) s"
        case ..<7200: "\(Int((seconds / 60).rounded(.up))) min"
        case ..<172_800: "\(Int((seconds / 3600).rounded(.up))) h"
        default: "\(Int((min(seconds, 1e9) / 86_400).rounded(.up))) d"
        }
    }
}
