internal import CairnBytes
internal import Yams

/// Where something stands in a text, from 1.
package struct YAMLPlace: Sendable, Hashable {
    package var line: Int
    /// In characters.
    package var column: Int
}

extension YAMLParser {
    /// One step from a value to one inside it.
    package enum Step: Sendable, Hashable {
        case key(String)
        case index(Int)
    }

    /// Where a value stands, for errors about what a text means; what the text does not have is where the nearest value
    /// around it is. JSON is read as the YAML that it is.
    /// - Parameter bytes: a text that `documents` reads within `limits`, or that is JSON.
    /// - Returns: nil if the text cannot be read as YAML after all.
    package static func place(
        of path: [Step], in bytes: [UInt8], limits: YAMLLimits = .standard
    ) -> YAMLPlace? {
        guard bytes.count <= limits.bytesMax, let text = String(validating: bytes.span),
            (try? AliasBound.check(bytes, limits: limits)) != nil,
            let parser = try? Parser(yaml: text, resolver: .basic, encoding: .utf8),
            var node = try? parser.nextRoot()
        else { return nil }
        var mark = node.mark
        for step in path {
            let next: Node?
            switch step {
            case .key(let name):
                let pair = node.mapping?.first { $0.key.scalar?.string == name }
                // The key, not its value: a block's value begins on the next line.
                mark = pair?.key.mark ?? mark
                next = pair?.value
            case .index(let index):
                next = node.sequence.flatMap { $0.indices.contains(index) ? $0[index] : nil }
                mark = next?.mark ?? mark
            }
            guard let next else { break }
            node = next
        }
        return mark.map { YAMLPlace(line: $0.line, column: $0.column) }
    }
}
