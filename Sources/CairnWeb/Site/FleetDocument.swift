package import CairnBytes

/// Where every migration and deployment stands.
package struct FleetDocument: Sendable, Hashable {
    /// One stage of a run's playbook, in order.
    package struct Stage: Sendable, Hashable {
        package var name: String
        /// `started`, `completed`, `failed`, `reverted`, `skipped`; nil if it has not begun.
        package var status: String?

        package init(name: String, status: String?) {
            self.name = name
            self.status = status
        }
    }

    package struct Run: Sendable, Hashable {
        package var stream: String
        package var title: String
        package var kind: String
        package var status: String
        package var stages: [Stage] = []
        package var phase: String?
        package var phaseStatus: String?
        /// When the phase that runs began.
        package var phaseSince: Timestamp?
        package var phasePosition: UInt64?
        package var source: String?
        package var target: String?
        package var applications = 0
        /// Share of production traffic that the target has.
        package var targetPercent: Double?
        package var sharePosition: UInt64?
        package var waitingApprovals = 0
        package var openFindings = 0
        /// Open ones that somebody muted or marked false; they count for nothing.
        package var silencedFindings = 0
        package var violations = 0
        package var lastTime: Timestamp?
        package var lastPosition: UInt64?

        package init(stream: String, title: String, kind: String, status: String) {
            self.stream = stream
            self.title = title
            self.kind = kind
            self.status = status
        }
    }

    /// How fresh the data of a cluster is.
    package struct DataAge: Sendable, Hashable {
        package var cluster: String
        /// `samples` or `flow logs`.
        package var kind: String
        package var newest: Timestamp
        package var position: UInt64?

        package init(cluster: String, kind: String, newest: Timestamp, position: UInt64?) {
            self.cluster = cluster
            self.kind = kind
            self.newest = newest
            self.position = position
        }
    }

    package struct Counts: Sendable, Hashable {
        package var migrations = 0
        package var deployments = 0
        package var running = 0
        package var rollingBack = 0
        package var openFindings = 0
        package var openIncidents = 0

        package init() {}
    }

    /// What the query asked for.
    package struct Filter: Sendable, Hashable {
        package var text = ""
        package var kind = ""
        package var status = ""
        /// `attention`, `title`, `status`, `findings`, `share` or `last`.
        package var sort = "attention"
        package var isDescending = false
        /// From 1.
        package var page = 1

        package init() {}
    }

    package var counts: Counts
    package var waiting: [WaitingApproval]
    package var runs: [Run]
    /// Of the filter, of which `runs` are one page.
    package var matching: Int
    package var pageSize: Int
    package var filter: Filter
    package var data: [DataAge]

    package init(
        counts: Counts = Counts(), waiting: [WaitingApproval] = [], runs: [Run] = [], matching: Int = 0,
        pageSize: Int = 100, filter: Filter = Filter(), data: [DataAge] = []
    ) {
        self.counts = counts
        self.waiting = waiting
        self.runs = runs
        self.matching = matching
        self.pageSize = pageSize
        self.filter = filter
        self.data = data
    }
}

/// A request for approval that nobody has decided.
package struct WaitingApproval: Sendable, Hashable {
    package var stream: String
    package var title: String
    package var phase: String
    package var requestedBy: String?
    package var requested: Timestamp
    package var expires: Timestamp?
    package var reason: String?
    package var position: UInt64

    package init(
        stream: String, title: String, phase: String, requestedBy: String?, requested: Timestamp,
        expires: Timestamp? = nil, reason: String? = nil, position: UInt64
    ) {
        self.stream = stream
        self.title = title
        self.phase = phase
        self.requestedBy = requestedBy
        self.requested = requested
        self.expires = expires
        self.reason = reason
        self.position = position
    }
}
