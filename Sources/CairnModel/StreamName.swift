internal import CairnBytes

/// The name of a stream of events, `kind/id`: `migration/mig-7`, `deployment/shop/checkout/7`, `finding/3f2a`.
///
/// Grammar: the kind is a lower-case letter, then lower-case letters, digits or `-`; the id is one or more segments
/// separated by `/`, each of letters, digits and `. _ : @ + = ~ -`; 200 bytes in all. Nothing in it needs quoting in a
/// shell, a path or a query.
package struct StreamName: Sendable, Hashable, Comparable, CustomStringConvertible {
    package static let bytesMax = 200

    package let text: String

    /// Nil if the text does not follow the grammar.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= StreamName.bytesMax, let slash = bytes.firstIndex(of: UInt8(ascii: "/")), slash > 0,
            slash + 1 < bytes.count
        else { return nil }
        for (index, byte) in bytes[..<slash].enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): continue
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): if index > 0 { continue }
            default: break
            }
            return nil
        }
        for segment in bytes[(slash + 1)...].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !segment.isEmpty, segment.allSatisfy(StreamName.isAllowed) else { return nil }
        }
        self.text = text
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: ".-_:@+=~".utf8.contains(byte)
        }
    }

    /// A stream of this kind for an id from outside: bytes that the grammar has no place for become `~XX`
    /// (hexadecimal), so that two ids stay two, and what is too long ends in a checksum of the whole.
    package init(kind: String, foreignID: String) {
        var text = "\(kind)/"
        var isSegmentEmpty = true
        for byte in foreignID.utf8 {
            if byte == UInt8(ascii: "/"), !isSegmentEmpty {
                text += "/"
                isSegmentEmpty = true
            } else if StreamName.isAllowed(byte), byte != UInt8(ascii: "~") {
                text.unicodeScalars.append(Unicode.Scalar(byte))
                isSegmentEmpty = false
            } else {
                text += "~" + Hex.string([byte])
                isSegmentEmpty = false
            }
        }
        if isSegmentEmpty { text += "~" }
        if text.utf8.count > StreamName.bytesMax {
            let sum = Hex.string(
                (0..<4).map { UInt8(truncatingIfNeeded: Checksum.crc32(Array(text.utf8)) >> ($0 * 8)) })
            text = String(text.prefix(StreamName.bytesMax - 10))
            while text.hasSuffix("/") { text.removeLast() }
            text += "~\(sum)"
        }
        guard let name = StreamName(text) else { preconditionFailure("\(kind) is not the kind of a stream") }
        self = name
    }

    package var kind: String { String(text.prefix { $0 != "/" }) }
    package var id: String { String(text.drop { $0 != "/" }.dropFirst()) }
    package var description: String { text }

    package static func < (left: StreamName, right: StreamName) -> Bool {
        left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}
