package import CairnBytes

/// What a metric means, as it is detected, shown and said by whoever knows better: `status:code`, `histogram`, `latency`,
/// `lag`, `level`, `availability`, `readiness`, `error-share`, `counter`, `error-counter`, `ignore`.
package struct DivergenceMeaning: Hashable, Sendable, CustomStringConvertible {
    let shape: DivergenceMetric.Shape

    init(_ shape: DivergenceMetric.Shape) { self.shape = shape }

    /// Nil for a word that is none of them.
    package init?(parsing text: String) {
        if text.hasPrefix("status:") {
            let label = String(text.dropFirst("status:".count))
            guard !label.isEmpty else { return nil }
            shape = .mix(label: label)
            return
        }
        guard let known = DivergenceMeaning.words.first(where: { $0.word == text }) else { return nil }
        shape = known.shape
    }

    /// What a plan says of metrics: `{"thing": "availability"}` in the `meanings` of its gates. What is no meaning is left
    /// to detection.
    package static func all(_ json: JSONValue?) -> [String: DivergenceMeaning] {
        var output: [String: DivergenceMeaning] = [:]
        for member in json?.object ?? JSONObject() {
            output[member.name] = member.value.string.flatMap { DivergenceMeaning(parsing: $0) }
        }
        return output
    }

    package static var vocabulary: [String] { ["status:LABEL"] + words.map(\.word) }

    private static let words: [(word: String, shape: DivergenceMetric.Shape)] = [
        ("histogram", .histogram), ("latency", .ratio(.latency)), ("lag", .ratio(.lag)), ("level", .ratio(.level)),
        ("availability", .share(.availability)), ("readiness", .share(.readiness)), ("error-share", .share(.errors)),
        ("counter", .rate(.level)), ("error-counter", .rate(.errors)), ("ignore", .leftOut("was told to be ignored")),
    ]

    package var description: String {
        switch shape {
        case .mix(let label): "counter of requests, divided by the label \(label)"
        case .histogram: "histogram, as counts above the source's P50, P90, P99 and P99.5"
        case .ratio(let kind): "gauge (\(kind.rawValue)), as a logarithm of a ratio"
        case .share(let kind): "gauge (\(kind.rawValue)), as a share"
        case .rate(let kind): "counter (\(kind.rawValue)), per request where requests are counted"
        case .leftOut(let reason): reason
        }
    }
}
