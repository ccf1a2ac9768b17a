/// What names a series: a metric name and labels, in one canonical form, so that two spellings of one series cannot
/// exist. Text is compared byte by byte: Unicode-equivalent spellings from outside stay two series.

/// One label of a series.
package struct Label: Sendable, Hashable, Comparable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package static func == (left: Label, right: Label) -> Bool {
        isSameText(left.name, right.name) && isSameText(left.value, right.value)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(value)
    }

    package static func < (left: Label, right: Label) -> Bool {
        if isSameText(left.name, right.name) { return left.value.utf8.lexicographicallyPrecedes(right.value.utf8) }
        return left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
    }
}

/// Canonical equivalence is the cheap first test; only texts that pass it are compared byte by byte.
func isSameText(_ left: String, _ right: String) -> Bool { left == right && left.utf8.elementsEqual(right.utf8) }

/// Why a set of labels names no series.
package struct SeriesKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String

    package init(reason: String) { self.reason = reason }

    package var description: String { "cannot name a series: \(reason)" }
}

/// A metric name with its labels, sorted by name. A label with an empty value is an absent label, as in Prometheus.
package struct SeriesKey: Sendable, Hashable, Comparable {
    /// May be empty: a selector over labels alone still finds the series.
    package let name: String
    package let labels: [Label]

    /// What Prometheus's own default of 30 doubles to and a service mesh with every label on stays below.
    package static let labelsMax = 64
    /// Metric and label names are identifiers; the longest in public exporters are under 120 bytes.
    package static let nameBytesMax = 512
    /// Long enough for a container's image with its digest and a URL path, short enough to keep in memory.
    package static let valueBytesMax = 4096
    /// All names and values together: a series must fit an event's data beside other things.
    package static let totalBytesMax = 16_384
    /// The label that carries the metric name where everything is a label.
    package static let nameLabel = "__name__"
    /// The label that says which cluster a sample comes from.
    package static let clusterLabel = "cluster"

    /// - Parameter labels: in any order; `__name__` among them is the metric name if `name` is empty.
    package init(name: String = "", labels: [Label]) throws(SeriesKeyError) {
        var name = name
        var kept: [Label] = []
        kept.reserveCapacity(labels.count)
        for label in labels where !label.value.isEmpty {
            if label.name == SeriesKey.nameLabel {
                guard name.isEmpty || isSameText(name, label.value) else {
                    throw SeriesKeyError(reason: "it has two metric names, \(name) and \(label.value)")
                }
                name = label.value
            } else {
                kept.append(label)
            }
        }
        kept.sort()
        try SeriesKey.check(name: name, sorted: kept)
        self.name = name
        self.labels = kept
    }

    /// For decoders: the labels are in their order already, which is checked and not made.
    init(canonical name: String, labels: [Label]) throws(SeriesKeyError) {
        for (index, label) in labels.enumerated() {
            guard !label.value.isEmpty, label.name != SeriesKey.nameLabel else {
                throw SeriesKeyError(reason: "label \(label.name) has no place in it")
            }
            guard index == 0 || labels[index - 1].name.utf8.lexicographicallyPrecedes(label.name.utf8) else {
                throw SeriesKeyError(reason: "label \(label.name) is not in its place")
            }
        }
        try SeriesKey.check(name: name, sorted: labels)
        self.name = name
        self.labels = labels
    }

    private static func check(name: String, sorted labels: [Label]) throws(SeriesKeyError) {
        guard labels.count <= labelsMax else {
            throw SeriesKeyError(reason: "it has \(labels.count) labels and \(labelsMax) are allowed")
        }
        guard name.utf8.count <= nameBytesMax else {
            throw SeriesKeyError(reason: "the metric name has \(name.utf8.count) of at most \(nameBytesMax) bytes")
        }
        var total = name.utf8.count
        for (index, label) in labels.enumerated() {
            guard !label.name.isEmpty, label.name.utf8.count <= nameBytesMax else {
                throw SeriesKeyError(
                    reason: "a label name has \(label.name.utf8.count) bytes; 1 to \(nameBytesMax) are allowed")
            }
            guard label.value.utf8.count <= valueBytesMax else {
                throw SeriesKeyError(
                    reason: "label \(label.name) has \(label.value.utf8.count) of at most \(valueBytesMax) bytes")
            }
            guard index == 0 || !isSameText(labels[index - 1].name, label.name) else {
                throw SeriesKeyError(reason: "label \(label.name) is there twice")
            }
            total += label.name.utf8.count + label.value.utf8.count
        }
        guard total <= totalBytesMax else {
            throw SeriesKeyError(reason: "its text has \(total) of at most \(totalBytesMax) bytes")
        }
    }

    /// The value of a label, nil if it is absent; `__name__` gives the metric name.
    package subscript(label: String) -> String? {
        if label == SeriesKey.nameLabel { return name.isEmpty ? nil : name }
        return labels.first { $0.name == label }?.value
    }

    /// The same series with one label set, replaced, or removed by an empty value.
    package func setting(_ label: String, to value: String) throws(SeriesKeyError) -> SeriesKey {
        try SeriesKey(name: name, labels: labels.filter { $0.name != label } + [Label(label, value)])
    }

    package static func == (left: SeriesKey, right: SeriesKey) -> Bool {
        isSameText(left.name, right.name) && left.labels == right.labels
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(labels)
    }

    package static func < (left: SeriesKey, right: SeriesKey) -> Bool {
        if !isSameText(left.name, right.name) { return left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
        return left.labels.lexicographicallyPrecedes(right.labels)
    }
}

extension SeriesKey: CustomStringConvertible {
    /// As PromQL writes it: `http_requests_total{app="shop",code="200"}`.
    package var description: String {
        guard !labels.isEmpty else { return name.isEmpty ? "{}" : name }
        return name + "{" + labels.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ",") + "}"
    }
}

/// A text in double quotes, with backslash, quote and line break escaped.
func quoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\\": output += "\\\\"
        case "\"": output += "\\\""
        case "\n": output += "\\n"
        default: output.unicodeScalars.append(scalar)
        }
    }
    return output + "\""
}
