package import CairnBytes
import CairnModel

extension ReadModel {
    /// Which part of the log a question about the past is asked of.
    package enum Moment: Sendable, Hashable {
        /// What had happened by then, whenever it was recorded.
        case at(Timestamp)
        /// What had been recorded by then: what somebody could know.
        case knownAt(Timestamp)
        /// The state after this entry of the log.
        case entry(UInt64)
    }

    /// The tables as they were: a replay, in memory, of the events that count. Attachments whose content has been
    /// dropped since are missing from it, as they are from the log.
    ///
    /// - Parameter sql: the one query that will be asked, if it is known: only the tables it reads are filled then, and
    ///   attachments that the others are made of are not read.
    package static func past(
        _ moments: [Moment], of source: any EventSource, answering sql: String? = nil
    ) throws -> ReadModel {
        var part = LogPart(moments)
        if let sql { part.projections = try QueryCheck.projections(answering: sql) }
        let model = try ReadModel.inMemory()
        model.samples.attach(source)
        try model.project(from: source, part)
        try model.addWindowsOfPast(from: source)
        return model
    }

    package static func at(_ time: Timestamp, of source: any EventSource) throws -> ReadModel {
        try past([.at(time)], of: source)
    }

    package static func knownAt(_ time: Timestamp, of source: any EventSource) throws -> ReadModel {
        try past([.knownAt(time)], of: source)
    }

    package static func entry(_ position: UInt64, of source: any EventSource) throws -> ReadModel {
        try past([.entry(position)], of: source)
    }
}

/// Which events of a log are projected, and by what.
struct LogPart {
    /// The first position that does not count, where the log ends there.
    private(set) var end: UInt64?
    /// Only what had happened by then; what happened later may still be followed by what happened before.
    private(set) var occurredBy: Timestamp?
    /// Only what had been recorded by then; times of recording never decrease along the log.
    private(set) var recordedBy: Timestamp?
    var projections = Projections.all

    /// Thrown to end a replay before the end of the log.
    struct Over: Error {}

    /// Every event there is.
    init() {}

    init(_ moments: [ReadModel.Moment]) {
        for moment in moments {
            switch moment {
            case .at(let time): occurredBy = min(occurredBy ?? time, time)
            case .knownAt(let time): recordedBy = min(recordedBy ?? time, time)
            case .entry(let position):
                let (next, isBeyond) = position.addingReportingOverflow(1)
                if !isBeyond { end = min(end ?? next, next) }
            }
        }
    }

    func isOver(at event: EventRow) -> Bool { recordedBy.map { event.recordedTime > $0 } ?? false }
    func contains(_ event: EventRow) -> Bool { occurredBy.map { event.time <= $0 } ?? true }
}
