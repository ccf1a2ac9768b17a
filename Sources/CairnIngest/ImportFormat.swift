package import CairnBytes

/// The wire formats that `cairn import` reads by record. Flow logs have a reader of their own (`CairnFlowLogs`).
package enum ImportFormat: String, Sendable, Hashable, CaseIterable {
    /// CloudEvents 1.0 in JSON: one a line, an array, or objects after each other.
    case events
    /// What EventBridge delivers: one envelope a line, an array, or objects after each other.
    case eventBridge = "eventbridge"
    /// Velero `Backup` and `Restore` objects, JSON or YAML, one or lists.
    case velero
    /// Kubernetes `Event` objects of core/v1 and events.k8s.io/v1, JSON or YAML, one or lists.
    case kubernetesEvents = "k8s-events"
    /// Nodes, workloads, pods and the like as `kubectl get` writes them, JSON or YAML, one or lists.
    case kubernetesObjects = "k8s-objects"
    /// Prometheus exposition text (0.0.4) and OpenMetrics, with timestamps.
    case prometheus
    /// RFC 4180 with a header line.
    case csv
}

/// What the caller says about the files of one import. It is part of a file's identity: the same bytes with other
/// options are another import.
package struct ImportOptions: Sendable, Hashable {
    package var format: ImportFormat
    /// The cluster that the files tell of.
    package var cluster: String?
    /// Labels given to every series and event of the files.
    package var labels: [String: String]
    /// The time of records that have none. Without it they are refused, since nothing here reads a clock.
    package var defaultTime: Timestamp?
    package var csv: CSVOptions
    package var limits: ImportLimits

    package init(
        format: ImportFormat, cluster: String? = nil, labels: [String: String] = [:], defaultTime: Timestamp? = nil,
        csv: CSVOptions = CSVOptions(), limits: ImportLimits = ImportLimits()
    ) {
        self.format = format
        self.cluster = cluster
        self.labels = labels
        self.defaultTime = defaultTime
        self.csv = csv
        self.limits = limits
    }

    /// The options that are not the format, cluster or labels, as an import event says them.
    package var json: JSONObject {
        var object = JSONObject()
        if let defaultTime { object["default_time"] = .string(defaultTime.description) }
        guard format == .csv else { return object }
        object["metric"] = csv.metric.map { .string($0) }
        object["time_column"] = csv.timeColumn.map { .string($0) }
        if !csv.valueColumns.isEmpty { object["value_columns"] = .array(csv.valueColumns.map { .string($0) }) }
        object["label_columns"] = csv.labelColumns.map { .array($0.map { .string($0) }) }
        return object
    }

    /// `labels` as a JSON object.
    package var labelsJSON: JSONObject {
        var object = JSONObject()
        for (name, value) in labels.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
        return object
    }
}

/// Which columns of a CSV file are what.
package struct CSVOptions: Sendable, Hashable {
    /// The metric's name; by default the value column's.
    package var metric: String?
    /// By default the first of `timestamp`, `time`, `ts`, `datetime`, `date` that the header has.
    package var timeColumn: String?
    /// By default `value`. With several, each is a metric of its own: `metric_column`, or the column's name.
    package var valueColumns: [String]
    /// By default every other column whose first value is not a number.
    package var labelColumns: [String]?

    package init(
        metric: String? = nil, timeColumn: String? = nil, valueColumns: [String] = [], labelColumns: [String]? = nil
    ) {
        self.metric = metric
        self.timeColumn = timeColumn
        self.valueColumns = valueColumns
        self.labelColumns = labelColumns
    }
}

/// Limits on what a file may cost. What goes over a limit is refused by name and line; the rest goes on.
package struct ImportLimits: Sendable, Hashable {
    /// Longest JSON object, in bytes. EventBridge allows 1 MiB, Kubernetes 1.5 MiB, and CloudEvents asks for 64 KiB;
    /// 16 MiB leaves room. A longer list of Kubernetes objects is taken object by object.
    package var recordBytesMax = 16 << 20
    /// Longest line of Prometheus text or record of CSV, in bytes. Prometheus' own scrape buffer is 64 KiB.
    package var lineBytesMax = 1 << 20
    /// Most series remembered at a time: 200 bytes each. A file may have more, and then reads labels twice.
    package var seriesMax = 1 << 20
    /// Most bytes that one gzip file may give: 64 GiB is a day of a large fleet, and a bomb stops here.
    package var inflatedBytesMax = 64 << 30
    /// How much of a refused record the rejects file keeps, in bytes.
    package var rejectRawBytesMax = 4096

    package init() {}
}
