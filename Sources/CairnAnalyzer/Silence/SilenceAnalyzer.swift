package import CairnBytes

/// Who sends what: the samples or the flow logs of one cluster.
package struct DataSender: Sendable, Hashable, Comparable {
    package enum Kind: String, Sendable, Hashable {
        case samples
        case flowLogs = "flow logs"
    }

    package var cluster: String
    package var kind: Kind

    package init(cluster: String, kind: Kind) {
        self.cluster = cluster
        self.kind = kind
    }

    package static func < (left: DataSender, right: DataSender) -> Bool {
        (left.cluster, left.kind.rawValue) < (right.cluster, right.kind.rawValue)
    }
}

/// A sender of which nothing came for too long. No data is not good news: what is not seen cannot be judged.
package struct SilenceFinding: Sendable, Hashable {
    package var sender: DataSender
    /// The newest moment that its data tells of.
    package var last: Timestamp
    /// The moment at which it was missed.
    package var noticed: Timestamp

    package var id: String {
        let parts = [SilenceAnalyzer.name, sender.cluster, sender.kind.rawValue, String(last.minute)]
        return "silence-" + DivergenceHash.digits(of: Array(parts.joined(separator: "\u{1F}").utf8))
    }

    /// The same for as long as the silence lasts.
    package var sentence: String { "no \(sender.kind.rawValue) of \(sender.cluster) since \(last)" }

    package var json: JSONValue {
        [
            "finding": .string(id), "analyzer": .string(SilenceAnalyzer.name),
            "analyzer_version": .string(SilenceAnalyzer.version), "policy_digest": .string(SilenceAnalyzer.digest),
            "kind": "silence", "cluster": .string(sender.cluster),
            "scope": ["sender": .string(sender.kind.rawValue)], "start": .string(last.description),
            "judged": ["at": .string(noticed.description)], "reason": .string(sentence),
        ]
    }
}

/// Finds clusters whose data stopped coming.
package enum SilenceAnalyzer {
    package static let name = "silence"
    package static let version = "1"

    /// Samples come every minute at most; VPC flow logs may take ten to be published, and come in files of five.
    package static let samplesMinutesMax: Int64 = 10
    package static let flowLogsMinutesMax: Int64 = 20

    package static var digest: String {
        DivergenceHash.digits(of: Array("samples \(samplesMinutesMax) flow logs \(flowLogsMinutesMax)".utf8))
    }

    /// - Parameters:
    ///   - watermarks: the newest moment that each sender's data tells of.
    ///   - moment: now, or the newest moment of any data where nobody looks at a clock.
    package static func findings(_ watermarks: [DataSender: Timestamp], at moment: Timestamp) -> [SilenceFinding] {
        watermarks.sorted { $0.key < $1.key }.compactMap { sender, last in
            let minutes = sender.kind == .samples ? samplesMinutesMax : flowLogsMinutesMax
            guard last.adding(seconds: minutes * 60) < moment else { return nil }
            return SilenceFinding(sender: sender, last: last, noticed: moment)
        }
    }
}
