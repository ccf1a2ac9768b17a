import CairnBytes
import CairnTestSupport
import Testing

@Suite struct JSONTests {
    @Test(arguments: [
        ("0", "0"), ("-0", "0"), ("1.10", "1.1"), ("1e21", "1e+21"), ("1e20", "100000000000000000000"),
        ("0.000001", "0.000001"), ("1e-7", "1e-7"), ("123456789012345680000", "123456789012345680000"),
        ("4.35", "4.35"), ("-2.5e-9", "-2.5e-9"), ("9007199254740992", "9007199254740992"), ("1e300", "1e+300"),
        ("333333333.33333329", "333333333.3333333"), ("0.002", "0.002"),
    ])
    func numbersAreWrittenAsECMAScriptDoes(text: String, canonical: String) throws {
        #expect(CanonicalJSON.string(of: try JSONParser.parse(text).value) == canonical)
    }

    @Test(arguments: [
        ("1.10", true), ("9007199254740993", false), ("-0", false), ("0.1", true), ("1e400", nil), ("0e999999", true),
        ("333333333.33333329", false), ("100000000000000000000", true), ("0.30000000000000004", true),
        // Exponents at the ends of an integer.
        ("0.0e-9223372036854775808", true), ("0e9223372036854775807", true), ("1.5e-9223372036854775808", false),
        ("0.00e-2147483648", true), ("10e-2147483648", false),
    ])
    func aNumberThatLosesSomethingIsNoticed(text: String, isLossless: Bool?) {
        #expect((try? JSONParser.parse(text))?.isLossless == isLossless)
    }

    @Test(.timeLimit(.minutes(1))) func zerosInFrontCostNoMoreThanOtherDigits() throws {
        let text = "0." + String(repeating: "0", count: 2_000_000) + "1"
        let document = try JSONParser.parse(text)
        #expect(document.value == .number(0))
        #expect(!document.isLossless)
    }

    @Test func membersAreSortedByUTF16() throws {
        let text = #"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#
        let object = try #require(try JSONParser.parse(text).value.object)
        #expect(object.names == ["\r", "1", "\u{80}", "\u{F6}", "\u{20AC}", "\u{1F600}", "\u{FB33}"])
    }

    @Test(arguments: [
        ("{\"a\":1,\"a\":2}", 1, 8), ("[1,]", 1, 4), ("\n  tru", 2, 6), ("\"\\ud800\"", 1, 2), ("01", 1, 1),
        ("[1] x", 1, 5), ("", 1, 1), ("\"a\nb\"", 1, 3), ("{\"a\" 1}", 1, 6), ("+1", 1, 1), ("\"\\x\"", 1, 2),
    ])
    func errorsSayWhere(text: String, line: Int, column: Int) {
        #expect { try JSONParser.parse(text) } throws: { error in
            guard let error = error as? JSONError else { return false }
            return error.line == line && error.column == column
        }
    }

    @Test func invalidUTF8IsRefused() {
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
        #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0x5C, 0x6E, 0xC0, 0x80, 0x22]) }
    }

    @Test func aBombIsRefused() {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONError.self) { try JSONParser.parse(deep) }
        var limits = JSONLimits.standard
        limits.valuesMax = 3
        #expect(throws: JSONError.self) { try JSONParser.parse(Array("[1,2,3]".utf8), limits: limits) }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func anyBytesAreReadOrRefused(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet = Array(#"{}[]",:0123456789.eE+-truefalsn\u "#.utf8)
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            guard let document = try? JSONParser.parse(text) else { continue }
            let canonical = CanonicalJSON.bytes(of: document.value)
            let again = try? JSONParser.parse(canonical)
            #expect(again?.value == document.value, "seed \(seed): \(String(decoding: text, as: UTF8.self))")
        }
    }
}
