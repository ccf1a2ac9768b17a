/// What `verify` counted and found.
package struct VerifyReport: Sendable {
    package enum Verdict: String, Sendable, Hashable {
        case intact
        /// Intact but for the rest of a commit that was interrupted and never acknowledged; the next writer cuts it off.
        case torn
        case corrupt
    }

    package var ledgerID: [UInt8] = []
    package var origin = ""
    package var segments = 0
    package var frames = 0
    package var entries: UInt64 = 0
    package var streams = 0
    /// Attachments whose content is there, and those that an event removed.
    package var attachments = 0
    package var goneAttachments = 0
    package var segmentBytes: UInt64 = 0
    package var attachmentBytes: UInt64 = 0
    /// The root over all entries, in hexadecimal.
    package var root = ""
    /// The size that the last checkpoint was signed for.
    package var signedSize: UInt64?
    /// Which key signs which sizes.
    package var keys: [KeyHistory.KeyRange] = []
    package var torn: [Damage] = []
    package var problems: [LedgerError] = []

    package var verdict: Verdict { problems.isEmpty ? torn.isEmpty ? .intact : .torn : .corrupt }

    mutating func add(
        _ code: LedgerError.Code, _ message: String, file: String? = nil, offset: UInt64? = nil, remedy: String? = nil
    ) {
        // A thousand lines say no more than a hundred.
        guard problems.count < 100 else { return }
        problems.append(LedgerError(code, message, segment: file, offset: offset, remedy: remedy))
    }

    mutating func add(_ damage: Damage) {
        if damage.verdict == .torn {
            torn.append(damage)
        } else {
            let entries = damage.position.map { ", from entry \($0) on" } ?? ""
            add(
                .corrupt, "cannot trust \(damage.file) at byte \(damage.offset)\(entries): \(damage.reason)",
                file: damage.file, offset: damage.offset, remedy: "restore the file from a backup")
        }
    }
}
