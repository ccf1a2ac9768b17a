package import CairnBytes
package import CairnFlowLogs
package import CairnIngest
package import CairnModel

/// What one `import` command asks for.
package struct ImportRequest: Sendable {
    package enum Format: Sendable, Hashable {
        case records(ImportFormat)
        case flowLogs

        package var name: String {
            switch self {
            case .records(let format): format.rawValue
            case .flowLogs: "flow-logs"
            }
        }

        package init?(name: String) {
            if name == "flow-logs" {
                self = .flowLogs
            } else if let format = ImportFormat(rawValue: name) {
                self = .records(format)
            } else {
                return nil
            }
        }

        package static var names: [String] { ImportFormat.allCases.map(\.rawValue) + ["flow-logs"] }
    }

    package var format: Format
    package var paths: [String]
    package var cluster: String?
    /// Who the flow records belong to, where files hold several clusters.
    package var clusterMap: ClusterMap?
    /// The bytes of the cluster map, which are part of the identity of an import.
    package var clusterMapDigest: String?
    package var labels: [String: String]
    package var csv: CSVOptions
    /// The order of fields where flow logs have no header line.
    package var flowLogFormat: FlowLogFormat?
    package var defaultTime: Timestamp?
    package var actor: Actor
    package var onBehalfOf: String?
    /// Different series in one file.
    package var seriesMax = ImportRequest.seriesMax
    /// Four times what a fleet of 1,600 applications emits: more is a label with an identifier in it, which would make
    /// every later question slow.
    package static let seriesMax = 4_000_000
    /// Counts what can be read of a damaged flow-log file, for when there will never be a whole one.
    package var salvagesDamaged = false

    package init(
        format: Format, paths: [String], cluster: String? = nil, clusterMap: ClusterMap? = nil,
        clusterMapDigest: String? = nil, labels: [String: String] = [:], csv: CSVOptions = CSVOptions(),
        flowLogFormat: FlowLogFormat? = nil, defaultTime: Timestamp? = nil, actor: Actor, onBehalfOf: String? = nil
    ) {
        self.format = format
        self.paths = paths
        self.cluster = cluster
        self.clusterMap = clusterMap
        self.clusterMapDigest = clusterMapDigest
        self.labels = labels
        self.csv = csv
        self.flowLogFormat = flowLogFormat
        self.defaultTime = defaultTime
        self.actor = actor
        self.onBehalfOf = onBehalfOf
    }
}

/// What an import did.
package struct ImportSummary: Sendable, Hashable {
    package var format: String
    package var files = 0
    /// Files whose content, with the same options, was imported before.
    package var knownFiles = 0
    package var bytes: UInt64 = 0
    /// Events, samples or flow records that are in the log now and were not before.
    package var accepted = 0
    /// Records that the log had already.
    package var duplicates = 0
    package var rejected = 0
    /// Facts that broke a rule.
    package var violations = 0
    /// Whose flow records were counted.
    package var clusters: Set<String> = []
    /// The first few rejects, in words; all are in the rejects file.
    package var firstRejects: [String] = []
    package var rejectsFile: String?
    /// What was changed or left out on the way, in words, first few.
    package var notes: [String] = []
    /// Files that could not be read at all, in words.
    package var failures: [String] = []

    package static let shownMax = 5
}

/// How far a long import is.
package struct ImportProgress: Sendable, Hashable {
    package var file: String
    package var filesDone: Int
    package var filesTotal: Int
    package var bytesDone: UInt64
    package var bytesTotal: UInt64
    package var records: Int
}
