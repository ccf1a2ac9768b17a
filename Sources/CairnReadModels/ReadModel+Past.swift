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
    package static func past(_ moments: [Moment], of source: any EventSource) throws -> ReadModel {
        let model = try ReadModel.inMemory()
        try model.project(from: source) { event in
            moments.allSatisfy { moment in
                switch moment {
                case .at(let time): event.time <= time
                case .knownAt(let time): event.recordedTime <= time
                case .entry(let position): event.position <= position
                }
            }
        }
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
