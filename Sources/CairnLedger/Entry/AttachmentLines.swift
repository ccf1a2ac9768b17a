internal import CairnBytes
internal import CairnModel

/// The text form of an entry's attachments: one line each, `role retention length digest media-type`. A CloudEvents
/// attribute cannot be a list, and a text can.
enum AttachmentLines {
    /// More attachments than this do not fit in an entry.
    static let countMax = 512

    static func text(_ references: [AttachmentReference]) -> String {
        references.map {
            "\($0.role) \($0.retention.rawValue) \($0.byteCount) \(Hex.string($0.digest)) \($0.mediaType)"
        }.joined(separator: "\n")
    }

    static func parse(_ text: [UInt8]) -> [AttachmentReference]? {
        var references: [AttachmentReference] = []
        for line in text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 4, omittingEmptySubsequences: false)
            guard parts.count == 5, references.count < countMax, !parts[0].isEmpty,
                let role = String(validating: Array(parts[0])),
                let retention = String(validating: Array(parts[1])).flatMap(ProposedAttachment.Retention.init),
                let count = String(validating: Array(parts[2])).flatMap(UInt32.init),
                let digest = String(validating: Array(parts[3])).flatMap(Hex.bytes),
                digest.count == TreeHash.byteCount, let mediaType = String(validating: Array(parts[4]))
            else { return nil }
            references.append(
                AttachmentReference(
                    role: role, mediaType: mediaType, byteCount: Int(count), digest: digest, retention: retention))
        }
        return references
    }

    /// Whether role and media type can stand in a line.
    static func isValid(_ attachment: ProposedAttachment) -> Bool {
        let isRole = attachment.role.utf8.allSatisfy {
            $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")
                || $0 == UInt8(ascii: "-")
        }
        return isRole && !attachment.role.isEmpty && attachment.role.utf8.count <= 64
            && attachment.mediaType.utf8.count <= 255 && attachment.mediaType.utf8.allSatisfy { $0 >= 0x20 }
    }
}

/// The types of events that the ledger writes and reads by itself.
package enum LedgerEventType {
    package static let clockSteppedBack = "cairn.clock.stepped_back.v1"
    package static let streamsSealed = "cairn.streams.sealed.v1"
    package static let continued = "cairn.ledger.continued.v1"
    package static let keyRotated = "cairn.key.rotated.v1"
    package static let redacted = "cairn.attachment.redacted.v1"
    package static let dropped = "cairn.attachment.dropped.v1"

    package static let source = "/cairn/ledger"
}
