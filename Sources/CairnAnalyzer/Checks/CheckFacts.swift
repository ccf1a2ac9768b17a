package import CairnBytes

/// What checks look at, typed: made from events and samples, and from nothing else, so that the same part of the log
/// always says the same.
package struct CheckFacts: Sendable {
    /// The moment that is judged.
    package var now: Timestamp
    /// The clusters of the migration; for a deployment `target` is its cluster and `source` is nil.
    package var source: String?
    package var target: String?
    /// When the stage that is judged began, else the run; nil before that.
    package var startedAt: Timestamp?
    /// By side: the target groups that the plan names.
    package var targetGroups: [String: String] = [:]

    package internal(set) var nodes: [ObjectName: Node] = [:]
    package internal(set) var workloads: [ObjectName: Workload] = [:]
    package internal(set) var pods: [ObjectName: Pod] = [:]
    package internal(set) var cronJobs: [ObjectName: CronJob] = [:]
    package internal(set) var bindings: [ObjectName: TargetGroupBinding] = [:]
    package internal(set) var velero: [ObjectName: VeleroRun] = [:]
    package internal(set) var probes: [ProbeAnswer] = []
    package internal(set) var ttlChanges: [TTLChange] = []
    package internal(set) var alarms: [AlarmChange] = []
    package internal(set) var shift: Shift?
    package internal(set) var forwards: [String: ForwardWeights] = [:]
    package internal(set) var recordedChecks: [String: RecordedCheck] = [:]
    /// When the objects of a cluster were last read.
    package internal(set) var objectsSeen: [String: Timestamp] = [:]

    package init(now: Timestamp, source: String? = nil, target: String? = nil) {
        self.now = now
        self.source = source
        self.target = target
    }

    package struct ObjectName: Sendable, Hashable, Comparable, CustomStringConvertible {
        package var cluster: String
        package var namespace: String
        package var name: String
        /// `Deployment`, `Restore`, ...; the same name may be of two kinds.
        package var kind: String

        package var description: String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

        package static func < (left: ObjectName, right: ObjectName) -> Bool {
            (left.cluster, left.namespace, left.name, left.kind)
                < (right.cluster, right.namespace, right.name, right.kind)
        }
    }

    package struct Node: Sendable, Hashable {
        /// `Ready` to `True`, `False` or `Unknown`, and so on.
        package var conditions: [String: String] = [:]
        /// Nil for what samples say.
        package var position: UInt64?
        package var time: Timestamp
    }

    package struct Workload: Sendable, Hashable {
        package var desired: Int64 = 0
        package var ready: Int64 = 0
        package var images: [String] = []
        package var position: UInt64?
        package var time: Timestamp
    }

    package struct Pod: Sendable, Hashable {
        package var app: String
        package var phase: String
        package var isReady: Bool
        /// Why a container waits: `CrashLoopBackOff`, `ImagePullBackOff`.
        package var waiting: String?
        package var restarts: Int64
        package var position: UInt64
        package var time: Timestamp
    }

    package struct CronJob: Sendable, Hashable {
        package var isSuspended: Bool
        package var position: UInt64
    }

    package struct TargetGroupBinding: Sendable, Hashable {
        package var targetGroup: String
        package var position: UInt64
    }

    package struct VeleroRun: Sendable, Hashable {
        package var backup: String?
        package var phase: String
        package var errors: Int64
        package var warnings: Int64
        package var failure: String?
        package var position: UInt64
        package var time: Timestamp
    }

    /// What one cluster answered to a synthetic request that both get.
    package struct ProbeAnswer: Sendable, Hashable {
        package var cluster: String
        /// Names the request in both clusters: a path, or the name of a test.
        package var request: String
        /// A status code, `up`, `down`, or a word such as `timeout`.
        package var status: String
        package var seconds: Double?
        package var time: Timestamp
        package var position: UInt64?
    }

    package struct TTLChange: Sendable, Hashable {
        package var record: String
        package var oldSeconds: Int64
        package var newSeconds: Int64
        package var time: Timestamp
        package var position: UInt64
    }

    package struct AlarmChange: Sendable, Hashable {
        package var alarm: String
        package var state: String
        package var time: Timestamp
        package var position: UInt64
    }

    /// The last shift of production traffic, in percent by side.
    package struct Shift: Sendable, Hashable {
        package var weights: [String: Double]
        package var time: Timestamp
        package var position: UInt64
    }

    /// How a listener rule forwards, as AWS says it: weights by target group.
    package struct ForwardWeights: Sendable, Hashable {
        package var weights: [String: Double]
        package var time: Timestamp
        package var position: UInt64
    }

    package struct RecordedCheck: Sendable, Hashable {
        package var outcome: CheckOutcome
        package var detail: String?
        package var time: Timestamp
        package var position: UInt64
    }
}

extension CheckFacts {
    /// The clusters whose health counts: the new one, or every one there is data of.
    func isJudged(_ cluster: String) -> Bool { target.map { $0 == cluster } ?? true }

    /// Both clusters of the migration; nil for a run that has not two.
    var pair: (source: String, target: String)? {
        guard let source, let target, source != target else { return nil }
        return (source, target)
    }
}
