import CairnYAML
import Testing

@Suite struct YAMLPlaceTests {
    private static let text = """
        a: &x
          - one
          - {b: two, c: [3, 4]}
        d: *x
        """

    @Test(
        arguments: [
            ([], 1, 1), ([.key("a")], 1, 1), ([.key("a"), .index(1)], 3, 5),
            ([.key("a"), .index(1), .key("c")], 3, 14),
            ([.key("a"), .index(1), .key("c"), .index(1)], 3, 21), ([.key("d")], 4, 1),
            // What is not there is where the nearest is.
            ([.key("a"), .index(7), .key("z")], 1, 1), ([.key("z")], 1, 1),
        ] as [([YAMLParser.Step], Int, Int)])
    func places(path: [YAMLParser.Step], line: Int, column: Int) {
        let place = YAMLParser.place(of: path, in: Array(YAMLPlaceTests.text.utf8))
        #expect(place?.line == line && place?.column == column, "\(path): \(String(describing: place))")
    }

    @Test func jsonIsYAML() {
        let place = YAMLParser.place(of: [.key("a"), .index(0), .key("b")], in: Array("{\"a\": [\n {\"b\": 1}]}".utf8))
        #expect(place?.line == 2 && place?.column == 3)
    }

    @Test func whatIsNoneHasNoPlaces() {
        for text in ["[}", "a: *none", "a: &a [*a]\n\u{0}"] {
            #expect(YAMLParser.place(of: [.key("a")], in: Array(text.utf8)) == nil, "\(text)")
        }
        #expect(YAMLParser.place(of: [], in: [0xFF]) == nil)
    }
}
