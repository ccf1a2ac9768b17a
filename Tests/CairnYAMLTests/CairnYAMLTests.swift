import CairnBytes
import CairnYAML
import Testing

@Suite struct YAMLTests {
    static func json(_ text: String) throws -> String {
        CanonicalJSON.string(of: try YAMLParser.parse(text).value)
    }

    @Test(arguments: [
        (
            "a: 1\nb: [x, 'y', 2.5]\nc: {d: true, e: null, f: ~}\n",
            #"{"a":1,"b":["x","y",2.5],"c":{"d":true,"e":null,"f":null}}"#
        ),
        (
            "- yes\n- 'yes'\n- no\n- \"no\"\n- on\n- Off\n- y\n- N\n- nO\n",
            #"[true,"yes",false,"no",true,false,true,false,"nO"]"#
        ),
        (
            "- 1e3\n- 0x1F\n- 0o17\n- 017\n- 0b11\n- 1_000\n- -5\n- +5\n- .5\n- 5.\n",
            "[1000,31,15,15,3,1000,-5,5,0.5,5]"
        ),
        (
            "- 2026-01-01\n- 2026-01-01T10:00:00Z\n- 10:30\n- 1.2.3\n- 08\n- 0x\n- '-'\n",
            #"["2026-01-01","2026-01-01T10:00:00Z","10:30","1.2.3",8,"0x","-"]"#
        ),
        ("a: |\n  one\n  two\nb: >\n  three\n  four\n", #"{"a":"one\ntwo\n","b":"three four\n"}"#),
        (
            "base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\nd: [*b]\n",
            #"{"base":{"x":1,"y":2},"c":{"x":1,"y":3},"d":[{"x":1,"y":2}]}"#
        ),
        ("1: a\ntrue: b\nno: c\n", #"{"1":"a","no":"c","true":"b"}"#),
        ("!!str 5", "\"5\""), ("!!int 5", "5"), ("", ""),
        ("# only a comment\n---\na: b\n", #"{"a":"b"}"#),
    ]) func readsAsKubectlDoes(text: String, expected: String) throws {
        guard !text.isEmpty else {
            #expect(throws: YAMLError.self) { try YAMLParser.parse(text) }
            return
        }
        #expect(try YAMLTests.json(text) == expected)
    }
}
