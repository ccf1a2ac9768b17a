import CairnReadModels
import Foundation
import Testing

@Suite struct SchemaPageTests {
    /// `queries/README.md` says what the tables and queries say of themselves.
    @Test func thePageIsUpToDate() throws {
        let file = SavedQueryTests.folder.appending(path: "README.md")
        let queries = try SavedQueries.load(folder: SavedQueryTests.folder.path)
        var page = try String(contentsOf: file, encoding: .utf8)
        page = try replacing("queries", in: page, by: SchemaPage.queries(queries))
        page = try replacing("tables", in: page, by: SchemaPage.tables)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try page.write(to: file, atomically: true, encoding: .utf8)
        }
        let isSame = try String(contentsOf: file, encoding: .utf8) == page
        #expect(isSame, "queries/README.md is out of date: run with UPDATE_GOLDEN=1 and look at it")
    }

    private func replacing(_ section: String, in page: String, by text: String) throws -> String {
        let begin = try #require(page.range(of: "<!-- \(section): begin (made by a test, see SchemaPage.swift) -->\n"))
        let end = try #require(page.range(of: "<!-- \(section): end -->"))
        return String(page[..<begin.upperBound]) + "\n" + text + "\n" + String(page[end.lowerBound...])
    }
}
