/// Reads the frames of a segment one after the other, checks each and that it follows the one before, and says where
/// that ends and why. In memory is a window of the file, at most one frame and what was read ahead.
struct FrameScanner {
    enum Step {
        case frame(Frame)
        case end
        /// No valid frame begins at `offset`.
        case invalid(FormatError)
    }

    /// Read ahead this much: one system call for many small frames.
    private static let windowBytes = 1 << 20

    private let file: any DiskFile
    let fileEnd: UInt64
    private(set) var offset: UInt64
    private(set) var previousHash: TreeHash?
    private(set) var nextPosition: UInt64
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0

    init(file: any DiskFile, fileEnd: UInt64, offset: UInt64, previousHash: TreeHash?, nextPosition: UInt64) {
        self.file = file
        self.fileEnd = fileEnd
        self.offset = offset
        self.previousHash = previousHash
        self.nextPosition = nextPosition
    }

    /// The next frame; after `.invalid` the scanner stays where it is.
    mutating func next() throws(DiskError) -> Step {
        if offset == fileEnd { return .end }
        let frame: Frame
        switch try parse(at: offset) {
        case .success(let parsed): frame = parsed
        case .failure(let error): return .invalid(error)
        }
        if let previousHash, frame.header.previousHash != previousHash {
            return .invalid(.damaged("the frame does not follow the one before it"))
        }
        if frame.header.kind == .entries {
            guard frame.header.firstPosition == nextPosition || previousHash == nil,
                frame.header.firstPosition >= nextPosition,
                frame.header.firstPosition <= UInt64.max - UInt64(frame.header.count)
            else { return .invalid(.damaged("the positions of the frame do not follow those before")) }
            nextPosition = frame.header.firstPosition + UInt64(frame.header.count)
        }
        previousHash = frame.hash
        offset = frame.end
        return .frame(frame)
    }

    /// Moves to the next place behind `offset` where a valid frame begins, whatever it follows.
    /// - Returns: false, and the scanner is at the end, if there is none.
    mutating func resynchronize() throws(DiskError) -> Bool {
        var start = offset + 1
        while start + UInt64(Format.frameHeaderBytes) <= fileEnd {
            let place = try fill(start, count: FrameScanner.windowBytes)
            guard let found = window.firstRange(of: Format.frameMarker, from: place) else {
                // The marker may begin in the last bytes of the window. A writer may be cutting the file right now.
                let scanned = UInt64(window.count - place)
                guard start + scanned < fileEnd, scanned >= UInt64(Format.frameMarker.count) else { break }
                start += scanned - UInt64(Format.frameMarker.count - 1)
                continue
            }
            start += UInt64(found - place)
            if case .success(let frame) = try parse(at: start), frame.header.firstPosition >= nextPosition {
                offset = start
                previousHash = nil
                return true
            }
            start += 1
        }
        offset = fileEnd
        return false
    }

    private mutating func parse(at place: UInt64) throws(DiskError) -> Result<Frame, FormatError> {
        var start = try fill(place, count: Format.frameHeaderBytes)
        do throws(FormatError) {
            let header = try FrameHeader(parsing: window, at: start)
            guard UInt64(header.byteCount) <= fileEnd - place else { return .failure(.short) }
            if window.count - start < header.byteCount {
                do { start = try fill(place, count: header.byteCount) } catch {
                    return .failure(.damaged(error.description))
                }
            }
            return .success(try Frame(parsing: window, at: start, offset: place))
        } catch {
            return .failure(error)
        }
    }

    /// Makes the window hold `count` bytes from `place`, or all up to the end of the file.
    /// - Returns: the index of `place` in the window.
    private mutating func fill(_ place: UInt64, count: Int) throws(DiskError) -> Int {
        let wanted = Int(min(UInt64(count), fileEnd - place))
        if place >= windowStart, place - windowStart <= UInt64(window.count),
            window.count - Int(place - windowStart) >= wanted
        {
            return Int(place - windowStart)
        }
        let ahead = Int(min(UInt64(max(wanted, FrameScanner.windowBytes)), fileEnd - place))
        window = try file.read(at: place, count: ahead)
        windowStart = place
        return 0
    }
}

extension [UInt8] {
    /// The first place at or behind `start` where these bytes are.
    func firstRange(of bytes: [UInt8], from start: Int) -> Int? {
        guard let first = bytes.first, count >= bytes.count else { return nil }
        var index = start
        while index <= count - bytes.count {
            if self[index] == first, has(bytes, at: index) { return index }
            index += 1
        }
        return nil
    }
}

/// A place where a file is damaged, and what that means.
package struct Damage: Sendable, Hashable {
    package enum Verdict: String, Sendable, Hashable {
        /// The rest of a commit that a crash interrupted: never acknowledged.
        case torn
        /// Bytes of the log are wrong or missing.
        case corrupt
    }

    package var verdict: Verdict
    /// Relative to the ledger.
    package var file: String
    package var offset: UInt64
    /// How many bytes from `offset` on it is about, as far as known.
    package var byteCount: UInt64
    package var reason: String
    /// The position of the first entry that should be there.
    package var position: UInt64?

    package init(
        _ verdict: Verdict, file: String, offset: UInt64, byteCount: UInt64 = 0, reason: String,
        position: UInt64? = nil
    ) {
        self.verdict = verdict
        self.file = file
        self.offset = offset
        self.byteCount = byteCount
        self.reason = reason
        self.position = position
    }
}

/// Walks the frames of a segment that has no index, in whole commits, and judges what is wrong at its end or inside.
enum CommitScanner {
    /// What the walk found.
    struct Outcome {
        /// The file is good up to here: the end of the last whole commit before any damage.
        var end: UInt64
        var lastHash: TreeHash?
        var damage: [Damage] = []
    }

    /// - Parameters:
    ///   - signedSize: entries that the last signed checkpoint counts: what they lie in was synced.
    ///   - mayBeTorn: whether this is the last segment.
    ///   - onFrame: each frame of a whole commit; behind damage every valid frame.
    static func walk(
        _ scanner: inout FrameScanner, file: any DiskFile, name: String, signedSize: UInt64, mayBeTorn: Bool,
        onFrame: (Frame) throws -> Void
    ) throws -> Outcome {
        var outcome = Outcome(end: scanner.offset, lastHash: scanner.previousHash)
        var pending: [Frame] = []
        var position = scanner.nextPosition
        while true {
            let step = try scanner.next()
            let failure: FormatError
            switch step {
            case .frame(let frame):
                let begins = frame.header.flags.contains(.commitBegins)
                if begins == pending.isEmpty {
                    pending.append(frame)
                    guard frame.header.flags.contains(.commitEnds) else { continue }
                    for frame in pending { try onFrame(frame) }
                    pending = []
                    outcome.end = scanner.offset
                    outcome.lastHash = scanner.previousHash
                    position = scanner.nextPosition
                    continue
                }
                failure = .damaged(
                    begins ? "a commit begins inside another" : "a frame inside a commit without its beginning")
            case .end:
                if pending.isEmpty { return outcome }
                failure = .short
            case .invalid(let error): failure = error
            }
            try judge(
                failure, pending, &outcome, &scanner, file, position: position, name: name,
                mayBeTorn: mayBeTorn && signedSize <= position, onFrame: onFrame)
            return outcome
        }
    }

    /// Decides between torn and corrupt, and hands out what is valid behind the damage.
    private static func judge(
        _ failure: FormatError, _ pending: [Frame], _ outcome: inout Outcome, _ scanner: inout FrameScanner,
        _ file: any DiskFile, position: UInt64, name: String, mayBeTorn: Bool, onFrame: (Frame) throws -> Void
    ) throws {
        let place = outcome.end
        let stoppedAt = scanner.offset
        var later: [Frame] = []
        var laterDamage: [Damage] = []
        var isProvenSynced = false
        // A frame that was read and does not fit is the first of the later ones.
        if case .damaged(let reason) = failure, reason.hasPrefix("a commit begins") { isProvenSynced = true }
        while try scanner.resynchronize() {
            resume: while true {
                let offset = scanner.offset
                switch try scanner.next() {
                case .frame(let frame):
                    if frame.header.flags.contains(.commitBegins) { isProvenSynced = true }
                    later.append(frame)
                case .end: break resume
                case .invalid(let error):
                    laterDamage.append(Damage(.corrupt, file: name, offset: offset, reason: error.reason))
                    break resume
                }
            }
        }
        let rest = scanner.fileEnd - place
        if case .newer(let reason) = failure {
            throw LedgerError(
                .newerVersion, "cannot read \(name) from byte \(stoppedAt) on: \(reason)", segment: name,
                offset: stoppedAt, remedy: "use a later version of cairn")
        }
        let isTorn =
            try mayBeTorn && !isProvenSynced
            && (failure == .short || hasLostSector(file, from: place, to: scanner.fileEnd))
        if isTorn {
            outcome.damage.append(
                Damage(
                    .torn, file: name, offset: place, byteCount: rest,
                    reason: "the last commit was interrupted (\(failure.reason))", position: position))
            return
        }
        // Nothing valid is dropped: the whole frames of the unfinished commit stay readable.
        for frame in pending + later { try onFrame(frame) }
        let end = later.first?.offset ?? scanner.fileEnd
        outcome.damage.append(
            Damage(
                .corrupt, file: name, offset: stoppedAt, byteCount: end - min(end, stoppedAt), reason: failure.reason,
                position: pending.last.map { $0.header.firstPosition + UInt64($0.header.count) } ?? position))
        outcome.damage += laterDamage
    }

    /// Whether a 512-byte sector of the file, as far as it lies in the range, is all zeros.
    static func hasLostSector(_ file: any DiskFile, from start: UInt64, to end: UInt64) throws -> Bool {
        var offset = start
        while offset < end {
            let chunk = try file.read(at: offset, count: Int(min(end - offset, 1 << 20 - offset % 512)))
            if chunk.isEmpty { return false }
            var index = 0
            while index < chunk.count {
                let sectorEnd = min(chunk.count, index + 512 - Int((offset + UInt64(index)) % 512))
                if chunk[index..<sectorEnd].allSatisfy({ $0 == 0 }) { return true }
                index = sectorEnd
            }
            offset += UInt64(chunk.count)
        }
        return false
    }
}
