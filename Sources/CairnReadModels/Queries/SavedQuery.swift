import CairnBytes
import Foundation

/// A question with a name: a file of `queries/`, whose first comment lines say what it asks and answers.
///
///     -- question: Who approved what?
///     -- parameter :run (optional) stream of a migration or deployment
///     -- column run: stream of the migration or deployment
///     SELECT ...
package struct SavedQuery: Sendable, Hashable {
    package struct Parameter: Sendable, Hashable {
        package var name: String
        package var meaning: String
        package var isOptional: Bool
        /// Its meaning says that it is a moment.
        package var isTime: Bool { meaning.contains("RFC 3339") }
    }

    package struct Column: Sendable, Hashable {
        package var name: String
        package var meaning: String
    }

    package var name: String
    package var question: String
    package var parameters: [Parameter]
    package var columns: [Column]
    /// All of the file.
    package var sql: String

    /// Longest file accepted: the longest of our own has 4 KB.
    static let bytesMax = 1 << 20

    package init(name: String, text: String) throws(ReadModelError) {
        guard text.utf8.count <= SavedQuery.bytesMax else {
            throw ReadModelError(.query, "cannot use the query \(name): it has more than \(SavedQuery.bytesMax) bytes")
        }
        self.name = name
        sql = text
        question = ""
        parameters = []
        columns = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("--") else { break }
            let comment = line.dropFirst(2).trimmingCharacters(in: .whitespaces)
            if let rest = SavedQuery.rest(of: comment, after: "question:") {
                question = rest
            } else if let rest = SavedQuery.rest(of: comment, after: "parameter :") {
                parameters.append(SavedQuery.parameter(rest))
            } else if let rest = SavedQuery.rest(of: comment, after: "column ") {
                let parts = rest.split(separator: ":", maxSplits: 1)
                columns.append(
                    Column(
                        name: String(parts.first ?? ""),
                        meaning: parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""))
            }
        }
        guard !question.isEmpty else {
            throw ReadModelError(
                .query, "cannot use the query \(name): it has to begin with a line \"-- question: ...?\"")
        }
    }

    private static func rest(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) ? text.dropFirst(prefix.count).trimmingCharacters(in: .whitespaces) : nil
    }

    /// `run (optional) stream of ...`
    private static func parameter(_ text: String) -> Parameter {
        let parts = text.split(separator: " ", maxSplits: 1)
        let meaning = parts.count > 1 ? String(parts[1]) : ""
        let rest = rest(of: meaning, after: "(optional)")
        return Parameter(name: String(parts.first ?? ""), meaning: rest ?? meaning, isOptional: rest != nil)
    }
}

/// The saved queries there are: those of a folder, or else the ones built in.
package struct SavedQueries: Sendable {
    /// Sorted by name.
    package let all: [SavedQuery]

    /// - Parameter folder: a folder of `NAME.sql` files that takes the place of the built-in queries; nil for those.
    package static func load(folder: String?) throws -> SavedQueries {
        guard let folder else { return try builtIn() }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw ReadModelError(.query, "cannot read the folder of saved queries \(folder): is it there?")
        }
        let queries = try names.filter { $0.hasSuffix(".sql") }.sorted().map { file in
            let path = (folder as NSString).appendingPathComponent(file)
            guard let data = FileManager.default.contents(atPath: path), let text = String(validating: [UInt8](data))
            else { throw ReadModelError(.query, "cannot read the saved query \(path) as UTF-8 text") }
            return try SavedQuery(name: String(file.dropLast(4)), text: text)
        }
        return SavedQueries(all: queries)
    }

    package static func builtIn() throws(ReadModelError) -> SavedQueries {
        var all: [SavedQuery] = []
        for (name, text) in EmbeddedQueries.texts { all.append(try SavedQuery(name: name, text: text)) }
        return SavedQueries(all: all)
    }

    package subscript(name: String) -> SavedQuery? { all.first { $0.name == name } }
}

extension ReadModel {
    /// Answers a saved query.
    package func query(
        _ saved: SavedQuery, _ arguments: [String: SQLValue] = [:], limits: QueryLimits = .standard
    ) throws -> QueryResult {
        let missing = saved.parameters.filter { !$0.isOptional && arguments[$0.name] == nil }
        if let parameter = missing.first {
            throw ReadModelError(
                .query,
                "cannot run the query \(saved.name): it needs the parameter \(parameter.name): \(parameter.meaning)")
        }
        return try query(saved.sql, arguments, limits: limits)
    }
}
