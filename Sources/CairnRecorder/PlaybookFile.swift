internal import CairnBytes
package import CairnLedger
package import CairnModel
internal import CairnYAML

/// Why a file is not a playbook, and where in it.
package struct PlaybookFileError: Error, Sendable, Hashable, CustomStringConvertible {
    package var path: String
    package var line: Int?
    package var column: Int?
    package var problem: String

    package var description: String {
        let place = line.map { " at line \($0), column \(column ?? 1)" } ?? ""
        return "cannot use the playbook \(path)\(place): \(problem)"
    }
}

/// A playbook in a file, as YAML or JSON: the way to a sixth one without a line of Swift.
package struct PlaybookFile: Sendable, Hashable {
    /// Largest file, in bytes. The largest that Cairn brings has 5 KB.
    package static let bytesMax: UInt64 = 256 << 10
    /// Deepest nesting; the format needs 6.
    private static let depthMax = 16
    /// Most values, aliases expanded.
    private static let valuesMax = 20_000

    package let path: String
    private let bytes: [UInt8]
    private let value: JSONValue

    /// Reads the file at a path.
    package init(at path: String, disk: any Disk) throws {
        let handle = try disk.open(path, .read)
        defer { handle.close() }
        let size = try handle.size()
        guard size <= PlaybookFile.bytesMax else {
            throw PlaybookFileError(
                path: path, problem: "it has \(size) bytes, more than \(PlaybookFile.bytesMax)")
        }
        try self.init(path: path, bytes: try handle.readAll(limit: PlaybookFile.bytesMax))
    }

    package init(path: String, bytes: [UInt8]) throws(PlaybookFileError) {
        self.path = path
        self.bytes = bytes
        value =
            PlaybookFile.isYAML(path, bytes) ? try PlaybookFile.yaml(bytes, path) : try PlaybookFile.json(bytes, path)
        guard value.object != nil else {
            throw PlaybookFileError(
                path: path, line: 1, column: 1, problem: "it is not an object with id, title, stages")
        }
    }

    /// By its name, else by its first character: JSON begins with a brace.
    private static func isYAML(_ path: String, _ bytes: [UInt8]) -> Bool {
        let name = path.lowercased()
        if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return true }
        if name.hasSuffix(".json") { return false }
        return bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } != UInt8(ascii: "{")
    }

    private static var yamlLimits: YAMLLimits {
        var limits = YAMLLimits()
        limits.bytesMax = Int(bytesMax)
        limits.depthMax = depthMax
        limits.valuesMax = valuesMax
        limits.expandedBytesMax = 4 * Int(bytesMax)
        return limits
    }

    private static func yaml(_ bytes: [UInt8], _ path: String) throws(PlaybookFileError) -> JSONValue {
        let documents: [YAMLDocument]
        do throws(YAMLError) { documents = try YAMLParser.documents(bytes, limits: yamlLimits) } catch {
            throw PlaybookFileError(path: path, line: error.line, column: error.column, problem: error.reason)
        }
        guard let document = documents.first else {
            throw PlaybookFileError(path: path, line: 1, column: 1, problem: "the file is empty")
        }
        guard documents.count == 1 else {
            throw PlaybookFileError(
                path: path, line: documents[1].line, column: 1,
                problem: "a second document begins here, and a file is one playbook")
        }
        guard document.isLossless else {
            throw PlaybookFileError(path: path, problem: "it has a number with more digits than are kept")
        }
        return document.value
    }

    private static func json(_ bytes: [UInt8], _ path: String) throws(PlaybookFileError) -> JSONValue {
        var limits = JSONLimits()
        limits.bytesMax = Int(bytesMax)
        limits.depthMax = depthMax
        limits.valuesMax = valuesMax
        let document: JSONDocument
        do throws(JSONError) { document = try JSONParser.parse(bytes, limits: limits) } catch {
            throw PlaybookFileError(path: path, line: error.line, column: error.column, problem: error.reason)
        }
        guard document.isLossless else {
            throw PlaybookFileError(path: path, problem: "it has a number with more digits than are kept")
        }
        return document.value
    }

    /// What the file calls its playbook and the one that it extends, if it says so in words.
    var id: String? { value["id"]?.string }
    var parentID: String? { value["extends"]?.string }

    /// The playbook, with what it takes over from the one that it extends.
    package func playbook(extending library: PlaybookLibrary) throws(PlaybookFileError) -> Playbook {
        do throws(PlaybookError) {
            return try Playbook(reading: value, parent: { library[$0] })
        } catch {
            let place = YAMLParser.place(
                of: PlaybookFile.steps(of: error.path), in: bytes, limits: PlaybookFile.yamlLimits)
            throw PlaybookFileError(
                path: path, line: place?.line, column: place?.column,
                problem: "\(error.path.isEmpty ? "it" : error.path) \(error.problem)")
        }
    }

    /// `stages[2].back.to` as steps; an index may stand after any name.
    private static func steps(of path: String) -> [YAMLParser.Step] {
        var steps: [YAMLParser.Step] = []
        for part in path.split(separator: ".") {
            let pieces = part.split(separator: "[")
            for (place, piece) in pieces.enumerated() {
                if place > 0, let index = Int(piece.dropLast()) {
                    steps.append(.index(index))
                } else {
                    steps.append(.key(String(piece)))
                }
            }
        }
        return steps
    }
}
