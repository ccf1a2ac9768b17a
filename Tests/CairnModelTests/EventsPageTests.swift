import CairnBytes
import CairnModel
import Foundation
import Testing

/// `Sources/CairnModel/EVENTS.md` says every type with its fields. The tables are made from the vocabulary by this test
/// (run with UPDATE_GOLDEN=1), which also checks that the two agree; what stands above them is written by hand.
@Suite struct EventsPageTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/CairnModel/EVENTS.md").standardized

    private static var tables: String {
        let schemas = EventVocabulary.standard.schemas
        return "## What may be recorded\n\n" + table(schemas.filter { $0.origin == .command })
            + "\n## What Cairn alone says\n\n" + table(schemas.filter { $0.origin == .produced })
    }

    private static func table(_ schemas: [EventSchema]) -> String {
        var text = "| type | version | streams | required | optional |\n|---|---|---|---|---|\n"
        for schema in schemas {
            let streams = schema.streamKinds.isEmpty ? "any" : schema.streamKinds.joined(separator: ", ")
            func fields(_ isRequired: Bool) -> String {
                schema.fields.filter { $0.isRequired == isRequired }.map(words).joined(separator: "; ")
            }
            text += "| `\(schema.name)` | \(schema.version) | \(streams) | \(fields(true)) | \(fields(false)) |\n"
        }
        return text
    }

    private static func words(_ field: EventField) -> String {
        var text = "`\(field.name)` "
        text += field.choices.isEmpty ? field.kind.rawValue : field.choices.joined(separator: " or ")
        if let minimum = field.minimum { text += " from \(CanonicalJSON.text(of: minimum))" }
        if field.isPrivate { text += ", private" }
        if !field.otherNames.isEmpty {
            text += " (also \(field.otherNames.map { "`\($0)`" }.joined(separator: ", ")))"
        }
        if !field.otherNamesInside.isEmpty {
            let names = field.otherNamesInside.sorted { $0.key < $1.key }.map { "`\($0.key)` as `\($0.value)`" }
            text += " (takes \(names.joined(separator: ", ")))"
        }
        return text
    }

    @Test func eventsPageIsThatOfTheVocabulary() throws {
        let text = try String(contentsOf: EventsPageTests.page, encoding: .utf8)
        let start = try #require(text.firstRange(of: "## What may be recorded\n")?.lowerBound)
        let expected = text[..<start] + EventsPageTests.tables
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try String(expected).write(to: EventsPageTests.page, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: EventsPageTests.page, encoding: .utf8) == String(expected))
    }
}
