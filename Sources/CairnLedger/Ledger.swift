internal import CairnBytes
internal import CairnModel
internal import Synchronization

/// The log: every event of the product, in one folder of files that FORMAT.md describes.
///
/// One object stands for one opening of the folder. Any number of threads and processes may append at once; a commit
/// holds the lock of the folder, first reads what others appended, and acknowledges after the sync. Readers never lock
/// and never see an entry that is not synced.
package final class Ledger: Sendable {
    package enum Access: Sendable, Hashable {
        case readOnly
        case readWrite
    }

    package let path: String
    package let access: Access
    /// 16 random bytes, the same in every segment.
    package let identity: [UInt8]
    /// The name of the log in its checkpoints.
    package let origin: String
    let environment: LedgerEnvironment
    let options: LedgerOptions
    let frames = FrameCache()
    let tiles = TileCache()

    /// What readers see. Invariant: all of it is synced. Locked for moments only, never during a call to the disk.
    let view: Mutex<LedgerView>
    /// Held by whoever changes files or `view`: a commit, a refresh, a seal. Taken before `view`, never after.
    let writer: Mutex<WriterState>
    /// Appends that wait for a commit. Never held together with another lock.
    let queue = Mutex(AppendQueue())

    init(
        path: String, access: Access, identity: [UInt8], origin: String, environment: LedgerEnvironment,
        options: LedgerOptions, view: consuming LedgerView, writer: consuming WriterState
    ) {
        self.path = path
        self.access = access
        self.identity = identity
        self.origin = origin
        self.environment = environment
        self.options = options
        self.view = Mutex(view)
        self.writer = Mutex(writer)
    }

    /// How many entries are known; `refresh` looks for more.
    package var size: UInt64 { view.withLock { $0.size } }

    /// What is wrong with the files, for a ledger opened for reading. Events outside the damage can be read.
    package var problems: [LedgerError] { view.withLock { $0.problems } }

    var disk: any Disk { environment.disk }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Reads what other processes appended.
    package func refresh() throws {
        try mapDiskErrors { try writer.withLock { try catchUp(&$0, holdsLock: false) } }
    }
}

/// What a caller may set about a ledger it opens.
package struct LedgerOptions: Sendable {
    /// A segment is sealed when it has so many bytes: large enough for few files, small enough to copy and verify one
    /// at a time.
    package var sealBytes: UInt64 = 64 << 20
    /// The same for its attachments.
    package var sealAttachmentBytes: UInt64 = 256 << 20
    /// How long a writer waits for the lock of another process.
    package var lockTimeoutMicroseconds: UInt64 = 5_000_000
    /// Checkpoints are signed at most so often while events are appended, and whenever a segment is sealed.
    package var checkpointIntervalMicroseconds: UInt64 = 1_000_000
    package var privateFields = PrivateFields.standard

    package init() {}

    package static let standard = LedgerOptions()
}

/// What readers see of the files.
struct LedgerView: Sendable {
    var sealed: [SealedSegment] = []
    var open: OpenSegment?
    var openFile: (any DiskFile)?
    var problems: [LedgerError] = []

    var size: UInt64 { open?.nextPosition ?? sealed.last?.endPosition ?? 0 }
}

/// What the writing side remembers between commits.
struct WriterState: Sendable {
    var lockFile: (any DiskFile)?
    var isClosed = false
    /// Set after a failed sync: nothing more is written by this object.
    var stopped: LedgerError?
    /// Assigned by the first commit.
    var epoch: UInt32?
    /// Set when another process was seen to remove content, which it may not have come to erase.
    var mayOweRemoval = false
    /// End of the cited records in the attachments file of the open segment; 0 if there is no file.
    var attachmentsEnd: UInt64 = 0
    var attachmentRewrites: UInt64 = 0
    var key: SigningKey?
    /// Where it came from, for messages.
    var keyFile = ""
    /// Which key signs which sizes; nil when a rotation was met and it must be read again.
    var keys: KeyHistory?
    /// The last signed checkpoint and the frontier of the tree at its size.
    var signed: (checkpoint: SignedCheckpoint, frontier: TreeFrontier)?
    var signedAtMicroseconds: UInt64?
    /// Full tiles of level 0 that are on disk.
    var tilesWritten: UInt64?
    var tileFolders: Set<String> = []
}

/// Runs `body` and turns the disk's errors into the ledger's.
func mapDiskErrors<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as DiskError { throw LedgerError(error) }
}
