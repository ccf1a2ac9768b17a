package import CairnBytes
internal import Yams

/// Limits on YAML from outside. Every one has a reason: YAML has more ways than JSON to make much of little.
package struct YAMLLimits: Sendable {
    /// Longest document, in bytes. Its tree takes about fifty times as much memory.
    package var bytesMax = 16 << 20
    /// Deepest nesting; Kubernetes objects stay below 20.
    package var depthMax = 100
    /// Most values in one document, aliases expanded.
    package var valuesMax = 1_000_000
    /// Most bytes a document may stand for once its aliases are expanded, by an estimate that never falls short.
    package var expandedBytesMax = 64 << 20

    package init() {}

    package static let standard = YAMLLimits()
}

/// Why a text is not YAML that Cairn reads, and where.
package struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    /// From 1.
    package var line: Int
    /// In characters, from 1.
    package var column: Int

    package var description: String { "cannot read YAML at line \(line), column \(column): \(reason)" }
}

/// One document of a text.
package struct YAMLDocument: Sendable, Hashable {
    package var value: JSONValue
    /// False if a number is one that no double is.
    package var isLossless: Bool
    /// Where its root stands, from 1.
    package var line: Int
}

/// Reads YAML into JSON values, plain scalars as kubectl reads them (see `YAMLScalar`). Duplicate keys, undefined
/// aliases, unknown tags and keys that are not scalars are errors; aliases and merge keys (`<<`) are expanded.
package enum YAMLParser {
    /// All documents of a text; empty ones are left out.
    package static func documents(
        _ bytes: [UInt8], limits: YAMLLimits = .standard
    ) throws(YAMLError) -> [YAMLDocument] {
        guard bytes.count <= limits.bytesMax else {
            throw YAMLError(
                reason: "\(bytes.count) bytes are more than the limit of \(limits.bytesMax)", line: 1, column: 1)
        }
        guard let text = String(validating: bytes.span) else {
            throw YAMLError(reason: "the text is not valid UTF-8", line: invalidLine(bytes), column: 1)
        }
        try AliasBound.check(bytes, limits: limits)
        var documents: [YAMLDocument] = []
        do {
            let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
            while let root = try parser.nextRoot() {
                var converter = NodeConverter(limits: limits)
                let value = try converter.value(of: root, depth: 0)
                guard !(value.isNull && isEmptyScalar(root)) else { continue }
                documents.append(
                    YAMLDocument(value: value, isLossless: converter.isLossless, line: root.mark?.line ?? 1))
            }
        } catch let error as YAMLError {
            throw error
        } catch let error as YamlError {
            throw translated(error)
        } catch {
            throw YAMLError(reason: "\(error)", line: 1, column: 1)
        }
        return documents
    }

    /// The one document of a text.
    package static func parse(_ text: String, limits: YAMLLimits = .standard) throws(YAMLError) -> YAMLDocument {
        let documents = try documents(Array(text.utf8), limits: limits)
        guard let first = documents.first else { throw YAMLError(reason: "the text is empty", line: 1, column: 1) }
        guard documents.count == 1 else {
            throw YAMLError(reason: "there is a second document", line: documents[1].line, column: 1)
        }
        return first
    }

    private static func isEmptyScalar(_ node: Node) -> Bool { node.scalar?.string.isEmpty ?? false }

    private static func invalidLine(_ bytes: [UInt8]) -> Int {
        var line = 1
        var start = 0
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            if String(validating: bytes[start..<index].span) == nil { return line }
            line += 1
            start = index + 1
        }
        return line
    }

    private static func translated(_ error: YamlError) -> YAMLError {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let reason = context.map { "\($0.text): \(problem)" } ?? problem
            return YAMLError(reason: reason, line: mark.line, column: mark.column)
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.utf8.prefix(offset ?? 0)
            return YAMLError(reason: problem, line: before.count { $0 == UInt8(ascii: "\n") } + 1, column: 1)
        case .duplicatedKeysInMapping(let names, let context):
            return YAMLError(
                reason: "the key \"\((names.first ?? "").prefix(80))\" occurs twice in one mapping",
                line: context.mark.line, column: context.mark.column)
        default:
            return YAMLError(reason: "\(error)", line: 1, column: 1)
        }
    }
}
