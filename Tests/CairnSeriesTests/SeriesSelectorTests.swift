import CairnSeries
import CairnTestSupport
import Foundation
import Testing

@Suite struct SeriesSelectorTests {
    @Test(arguments: [
        (#"up"#, true), (#"up{}"#, true), (#"down"#, false), (#"{app="shop"}"#, true), (#"{app='shop',}"#, true),
        (#"up{app!="shop"}"#, false), (#"{ app =~ "sh.*" , zone = "" }"#, true), (#"{app!~"sh.p|x"}"#, false),
        (#"{app=~"sho"}"#, false), (#"{__name__=~"u."}"#, true), (#"{path="/a\"b\\c"}"#, true),
        (#"{path=`/a"b\c`}"#, true),
        (#"{zone!=""}"#, false), (#"{missing=~".*"}"#, true), (#"{missing=~".+"}"#, false),
        (#"{app="\x73\u0068op"}"#, true),
    ])
    func selects(text: String, expected: Bool) throws {
        let key = try SeriesKey(name: "up", labels: [Label("app", "shop"), Label("path", #"/a"b\c"#)])
        let selector = try SeriesSelector(parsing: text)
        #expect(selector.matches(key) == expected, "\(text)")
        // What is printed reads as the same selector.
        if !selector.matchers.isEmpty { #expect(try SeriesSelector(parsing: selector.description) == selector) }
    }

    @Test(arguments: [
        "", "{", "up{app}", #"{app="x"#, #"{app="x"} more"#, #"{app=~"("}"#, #"{app=~"a(?=b)"}"#, #"{app=~"\bx"}"#,
        #"{app="a" b="c"}"#, #"{="a"}"#, #"{app=~"x{3,1}"}"#, #"{app=~"[a-"}"#, #"{app=~"a**"}"#, #"{app="\q"}"#, "1up",
        #"{app=~"\\p{L}"}"#, #"{app=~"(?P<n>a)"}"#, #"{app=~"a{2000}"}"#, #"{app=~"((a{90}){90}){90}"}"#, "up[5m]",
    ])
    func refuses(text: String) {
        #expect(throws: SelectorError.self) { try SeriesSelector(parsing: text) }
    }

    @Test func anyTextIsSurvived() {
        var random = SeededRandom(seed: 21)
        let pieces = [
            "{", "}", "\"", "'", "=", "!~", "=~", "a", "up", ",", "\\", "(", ")", "[", "]", "*", "{2,3}", "|", "^",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            .joined()
            if let selector = try? SeriesSelector(parsing: text) { _ = selector.matchers.map { $0.matches("aup,2") } }
        }
    }
}

@Suite struct RegularExpressionTests {
    @Test(arguments: [
        ("a|b", "b", true), ("a|b", "ab", false), ("", "", true), ("", "a", false), ("a?b+c*", "bbcc", true),
        ("(foo|ba[rz])-\\d{2,3}", "baz-123", true), ("(foo|ba[rz])-\\d{2,3}", "baz-1234", false), ("x{0}", "", true),
        ("x{2,}", "xxxx", true), ("x{2,}", "x", false), ("[^/]+/[\\w.-]+", "ns/pod-1.2", true), ("[^/]+", "a/b", false),
        ("^abc$", "abc", true), ("a^b", "ab", false), ("(?i)Shop|x", "sHoP", true), ("(?i:a)b", "AB", false),
        ("(?:a|b)*", "abba", true), ("5..", "504", true), ("5..", "50", false), (".*", "a\nb", true),
        ("[]a]+", "a]", true),
        ("\\.", ".", true), ("\\.", "x", false), ("[a\\-z]+", "a-z", true), ("[a\\-z]+", "b", false),
        ("é+", "éé", true),
        ("(a|ab)(c|bcd)", "abcd", true), ("(|a)+b", "aab", true),
    ])
    func matches(pattern: String, text: String, expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected, "\(pattern) on \(text)")
    }

    /// A backtracking matcher takes longer than the universe for this one.
    @Test func takesLinearTime() throws {
        let expression = try RegularExpression("(a*)*(a|aa)+(a?){60}b")
        #expect(!expression.matches(String(repeating: "a", count: 3000)))
        #expect(expression.matches(String(repeating: "a", count: 3000) + "b"))
    }

    @Test func agreesWithFoundation() throws {
        var random = SeededRandom(seed: 33)
        let pieces = [
            "a", "b", "c", ".", "[ab]", "[^a]", "(a|bc)", "(?:ab)", "a*", "b+", "c?", "(a|b)*", "[a-c]{1,2}", "|",
        ]
        var matched = 0
        for round in 0..<400 {
            let pattern = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            .joined()
            let mine = try RegularExpression(pattern)
            let other = try NSRegularExpression(pattern: "^(?:\(pattern))$")
            for _ in 0..<8 {
                let text = String(
                    (0..<Int.random(in: 0...6, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" })
                let range = NSRange(location: 0, length: text.utf16.count)
                let expected = other.firstMatch(in: text, range: range)?.range == range
                matched += expected ? 1 : 0
                #expect(mine.matches(text) == expected, "seed 33, round \(round): \(pattern) on \(text)")
            }
        }
        #expect(matched > 100)
    }
}
