internal import Dispatch
internal import Synchronization

/// Inflates frames and reads the facts of their entries on all cores, and hands them out in order: most of the work of
/// opening and of verifying is here.
struct FactsReader {
    typealias Outcome = (frame: Frame, facts: Result<[EntryFacts], FormatError>)

    /// Frames in memory at once: enough to keep the cores busy, and at 256 KiB each little memory.
    private static let framesMax = 32

    private let dictionary: [UInt8]
    private var waiting: [Frame] = []

    init(dictionary: [UInt8]) { self.dictionary = dictionary }

    mutating func add(_ frame: Frame, _ body: (Outcome) throws -> Void) rethrows {
        waiting.append(frame)
        if waiting.count == FactsReader.framesMax { try finish(body) }
    }

    /// Hands out what is still waiting.
    mutating func finish(_ body: (Outcome) throws -> Void) rethrows {
        let frames = waiting
        waiting.removeAll(keepingCapacity: true)
        let dictionary = dictionary
        if frames.count < 4 {
            for frame in frames { try body((frame, FactsReader.read(frame, dictionary))) }
            return
        }
        let results = Mutex([Result<[EntryFacts], FormatError>?](repeating: nil, count: frames.count))
        DispatchQueue.concurrentPerform(iterations: frames.count) { index in
            let facts = FactsReader.read(frames[index], dictionary)
            results.withLock { $0[index] = facts }
        }
        let read = results.withLock { $0 }
        for (frame, facts) in zip(frames, read) {
            guard let facts else { preconditionFailure("a frame was not read") }
            try body((frame, facts))
        }
    }

    private static func read(_ frame: Frame, _ dictionary: [UInt8]) -> Result<[EntryFacts], FormatError> {
        do throws(FormatError) {
            return .success(try SegmentLoader.facts(of: frame, dictionary: dictionary))
        } catch {
            return .failure(error)
        }
    }
}
