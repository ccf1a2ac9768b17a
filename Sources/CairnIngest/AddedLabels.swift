internal import CairnSeries

/// Labels that whoever reads a source gives to all its series: a token's, or those of an import. What they say wins; the
/// source's own value of the same label is kept as `exported_NAME`, as Prometheus does.
package struct AddedLabels: Sendable, Hashable {
    package let labels: [String: String]

    package init(_ labels: [String: String] = [:], cluster: String? = nil) {
        var labels = labels
        if let cluster { labels[SeriesKey.clusterLabel] = cluster }
        self.labels = labels.filter { !$0.value.isEmpty }
    }

    /// - Parameter labels: of the source, without the metric's name.
    func key(_ metric: String, _ labels: [Label]) throws(SeriesKeyError) -> SeriesKey {
        if self.labels.isEmpty { return try SeriesKey(name: metric, labels: labels) }
        var result: [Label] = []
        for label in labels {
            guard let value = self.labels[label.name] else {
                result.append(label)
                continue
            }
            if value != label.value { result.append(Label("exported_\(label.name)", label.value)) }
        }
        for (name, value) in self.labels { result.append(Label(name, value)) }
        return try SeriesKey(name: metric, labels: result)
    }
}
