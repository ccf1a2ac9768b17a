/// Why the ledger refuses, with the place, and what the reader can do about it.
package struct LedgerError: Error, Hashable, Sendable, CustomStringConvertible {
    package var code: Code
    /// A sentence that begins with "cannot" and says cause and names.
    package var message: String
    /// The file it is about, relative to the ledger: `segments/00000000.seg`.
    package var segment: String?
    /// The byte in that file.
    package var offset: UInt64?
    /// What to do now, if there is something.
    package var remedy: String?

    package enum Code: String, Hashable, Sendable {
        /// The stream is not at the expected revision.
        case conflict
        /// The same (source, id) was recorded with other content.
        case identityConflict
        /// Damage that is not a torn tail: an acknowledged part of the log cannot be read.
        case corrupt
        /// The log ends before its last signed checkpoint does.
        case lostEvents
        /// The log disagrees with a checkpoint that was signed for it.
        case fork
        /// Another process holds the lock.
        case lockedBy
        case diskFull
        /// A sync failed: what is on disk is unknown, so this writer does nothing more.
        case stopped
        /// The ledger was opened for reading, or lies on read-only media.
        case readOnly
        case notALedger
        case alreadyExists
        /// Written by a later version of Cairn.
        case newerVersion
        /// An event or attachment over the limits of the format.
        case tooLarge
        /// The event cannot be written as it is.
        case invalidEvent
        /// There is no such position, stream or attachment.
        case notFound
        /// The signing key is missing, not readable, or not the ledger's.
        case key
        /// The operating system refused.
        case inputOutput
        case denied
        /// A proof that cannot be made.
        case proof
        case closed
    }

    package init(
        _ code: Code, _ message: String, segment: String? = nil, offset: UInt64? = nil, remedy: String? = nil
    ) {
        self.code = code
        self.message = message
        self.segment = segment
        self.offset = offset
        self.remedy = remedy
    }

    package init(_ error: DiskError) {
        let (code, remedy): (Code, String?) =
            switch error.reason {
            case .noSpace: (.diskFull, "free some space and run the command again: nothing was lost")
            case .readOnly: (.readOnly, "the ledger can be read there, not written")
            case .denied: (.denied, "check owner and mode of the file")
            case .notFound, .notFolder, .isFolder, .notAFile: (.notALedger, nil)
            case .exists: (.alreadyExists, nil)
            case .inputOutput, .tooLarge, .other: (.inputOutput, nil)
            }
        self.init(code, error.description, segment: error.path, remedy: remedy)
    }

    package var description: String {
        var text = message
        if let segment, !message.contains(segment) { text += " (in \(segment)" + placeText + ")" }
        if let remedy { text += "; \(remedy)" }
        return text
    }

    private var placeText: String { offset.map { " at byte \($0)" } ?? "" }
}
