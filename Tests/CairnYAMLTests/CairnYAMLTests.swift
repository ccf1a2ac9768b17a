import CairnBytes
import CairnTestSupport
import CairnYAML
import Testing

@Suite struct YAMLTests {
    static func json(_ text: String) throws -> String {
        CanonicalJSON.string(of: try YAMLParser.parse(text).value)
    }

    @Test(arguments: [
        (
            "a: 1\nb: [x, 'y', 2.5]\nc: {d: true, e: null, f: ~, g: }\n",
            #"{"a":1,"b":["x","y",2.5],"c":{"d":true,"e":null,"f":null,"g":null}}"#
        ),
        (
            "- yes\n- 'yes'\n- no\n- \"no\"\n- on\n- Off\n- y\n- N\n- nO\n- TRUE\n- tRue\n",
            #"[true,"yes",false,"no",true,false,true,false,"nO",true,"tRue"]"#
        ),
        (
            "- 1e3\n- 0x1F\n- 0o17\n- 017\n- 0b11\n- 1_000\n- -5\n- +5\n- .5\n- 5.\n- -0x10\n",
            "[1000,31,15,15,3,1000,-5,5,0.5,5,-16]"
        ),
        (
            "- 2026-01-01\n- 2026-01-01T10:00:00Z\n- 10:30\n- 1.2.3\n- 08\n- 0x\n- '-'\n"
                + "- '1e3'\n- 0x-1\n- 1__e5\n- 1e999\n",
            #"["2026-01-01","2026-01-01T10:00:00Z","10:30","1.2.3",8,"0x","-","1e3","0x-1",100000,"1e999"]"#
        ),
        ("a: |\n  one\n  two\nb: >\n  three\n  four\n", #"{"a":"one\ntwo\n","b":"three four\n"}"#),
        (
            "base: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\nd: [*b]\n",
            #"{"base":{"x":1,"y":2},"c":{"x":1,"y":3},"d":[{"x":1,"y":2}]}"#
        ),
        (
            "a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b]}\n",
            #"{"a":{"x":1},"b":{"x":2,"y":2},"c":{"x":1,"y":2}}"#
        ),
        ("1: a\ntrue: b\nno: c\n", #"{"1":"a","no":"c","true":"b"}"#), ("!!str 5", "\"5\""), ("!!int 5", "5"),
        ("!!float 5", "5"), ("!!str yes", "\"yes\""), ("# only a comment\n---\na: b\n", #"{"a":"b"}"#),
        ("\"\\u00e9\\n\"", #""é\n""#), ("{}", "{}"), ("[]", "[]"), ("null", "null"),
    ]) func readsAsKubectlDoes(text: String, expected: String) throws {
        #expect(try YAMLTests.json(text) == expected)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", 1, "twice"), ("a: 1\n'a': 3\n", 1, "twice"), ("a: [1, 2\nb: 3\n", 2, ""),
        ("a: *missing\n", 1, "undefined alias"), ("a: &x [*x]\n", 1, "undefined alias"),
        ("a: !ruby/object 1\n", 1, "tag"),
        ("? [a]\n: 1\n", 1, "key"), ("a: .inf\n", 1, "number"), ("a: .NaN\n", 1, "number"), ("a:\n\t- 1\n", 2, ""),
        ("x: 1\ny: \"\\ud800\"\n", 2, ""), ("<<: 5\n", 1, "mapping"), ("!!int x\n", 1, "tag"), ("", 1, "empty"),
        ("a: 1\n---\nb: 2\n", 3, "second document"), ("ok: 1\nbad: \u{1}\n", 2, ""), ("a: b: c\n", 1, ""),
    ]) func errorsSayWhere(text: String, line: Int, reason: String) throws {
        let error = try #require(throws: YAMLError.self) { try YAMLParser.parse(text) }
        #expect(error.line == line, "\(error)")
        #expect(reason.isEmpty || error.reason.contains(reason), "\(error)")
        #expect(error.column >= 1)
    }

    @Test func losslessIsTold() throws {
        #expect(try YAMLParser.parse("a: 9007199254740992").isLossless)
        #expect(try !YAMLParser.parse("a: 9007199254740993").isLossless)
        #expect(try !YAMLParser.parse("a: 0.10000000000000000001").isLossless)
        #expect(try YAMLParser.parse("a: +1.10").isLossless)
        #expect(try YAMLParser.parse("a: '9007199254740993'").isLossless)
    }

    @Test func documentsKeepTheirLines() throws {
        let documents = try YAMLParser.documents(Array("# c\na: 1\n---\n---\n- 2\n...\n---\nb\n".utf8))
        #expect(documents.map(\.line) == [2, 5, 8])
        #expect(documents.map(\.value) == [["a": 1], [2], "b"])
    }

    @Test func invalidUTF8IsRefused() throws {
        let error = try #require(throws: YAMLError.self) { try YAMLParser.documents(Array("a: 1\nb: ".utf8) + [0xFF]) }
        #expect(error.line == 2)
    }

    // MARK: Bombs

    @Test func nestingIsLimited() throws {
        for depth in [500, 5000, 50_000] {
            let flow = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            #expect(throws: YAMLError.self) { try YAMLParser.parse(flow) }
            #expect(throws: YAMLError.self) { try YAMLParser.parse(String(repeating: "- ", count: depth) + "x") }
        }
        #expect(try YAMLTests.json(String(repeating: "[", count: 90) + String(repeating: "]", count: 90)).count == 180)
    }

    @Test func sizesAreLimited() throws {
        var limits = YAMLLimits()
        limits.bytesMax = 100
        #expect(throws: YAMLError.self) { try YAMLParser.parse(String(repeating: "a", count: 101), limits: limits) }
        limits = YAMLLimits()
        limits.valuesMax = 10
        #expect(throws: YAMLError.self) { try YAMLParser.parse("[1,2,3,4,5,6,7,8,9,0]", limits: limits) }
        #expect(throws: YAMLError.self) { try YAMLParser.parse("a: &a [1,2,3]\nb: [*a,*a,*a]", limits: limits) }
        #expect(try YAMLParser.parse("[1,2,3,4,5,6,7,8,9]", limits: limits).value.array?.count == 9)
    }

    /// The bomb is told before its aliases are expanded, also where it stands as a key.
    @Test(arguments: ["last: *k\n", "? *k\n: 1\n", "? {*k: 1}\n: 2\n", "<<: *k\n"])
    func aliasBombsAreRefused(end: String) throws {
        var bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        for (name, previous) in zip("bcdefghijk", "abcdefghij") {
            bomb += "\(name): &\(name) [" + Array(repeating: "*\(previous)", count: 10).joined(separator: ",") + "]\n"
        }
        let error = try #require(throws: YAMLError.self) { try YAMLParser.parse(bomb + end) }
        #expect(error.reason.contains("aliases"))
    }

    @Test func ordinaryAliasesAreRead() throws {
        var text = "defaults: &defaults {image: web, replicas: 3, note: 'R&D *not* an alias'}\n"
        for index in 0..<200 { text += "app-\(index):\n  <<: *defaults\n  name: app-\(index)\n" }
        let value = try YAMLParser.parse(text).value
        #expect(value["app-199"]?["replicas"] == 3)
        #expect(value.object?.count == 201)
    }

    // MARK: Streams

    @Test(arguments: [1, 3, 1000]) func splitterFindsDocuments(pieceBytes: Int) throws {
        let text = "%YAML 1.1\n# head\n---\na: 1\n--- # second\nb: |\n  --- no marker\n---\n---\nc: 3\n...\n---x\n"
        var pieces: [(String, Int)] = []
        var splitter = YAMLSplitter(bytesMax: 1000)
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            splitter.append(bytes[start..<min(bytes.count, start + pieceBytes)]) { piece in
                pieces.append((String(decoding: piece.bytes, as: UTF8.self), piece.line))
            }
        }
        splitter.finish { piece in pieces.append((String(decoding: piece.bytes, as: UTF8.self), piece.line)) }
        #expect(pieces.map(\.0).joined() == text)
        #expect(pieces.map(\.1) == [1, 5, 8, 9])
    }

    @Test(arguments: [1, 7, 5000]) func aLongDocumentCostsItself(pieceBytes: Int) throws {
        let long = "b: " + String(repeating: "x", count: 3000) + "\nb2: \(String(repeating: "y\n  ", count: 400))\n"
        let bytes = Array("---\na: 1\n---\n\(long)---\nc: 3\n".utf8)
        var splitter = YAMLSplitter(bytesMax: 500)
        var pieces: [YAMLSplitter.Piece] = []
        for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
            splitter.append(bytes[start..<min(bytes.count, start + pieceBytes)]) { pieces.append($0) }
        }
        splitter.finish { pieces.append($0) }
        #expect(pieces.count == 3)
        #expect(pieces.map(\.byteCount).reduce(0, +) == bytes.count)
        #expect(pieces.first.map { String(decoding: $0.bytes, as: UTF8.self) } == "---\na: 1\n")
        #expect(pieces.last.map { String(decoding: $0.bytes, as: UTF8.self) } == "---\nc: 3\n")
    }

    @Test(arguments: [UInt64(1), 2, 3, 4]) func damageNeverCrashes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let text = Array(
            ("a: &x {b: [1, 2.5, 'q', \"e\\n\"], c: !!str 5}\nd: |\n  block\n  text\ne: *x\n"
                + "f:\n- g: {h: ~}\n- <<: *x\n? k\n: v\n")
                .utf8)
        for _ in 0..<300 {
            var bytes = text
            for _ in 0...Int(random.next() % 3) {
                let offset = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[offset] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes.remove(at: offset)
                default:
                    bytes.insert(
                        Array("&*!|>-?:{}[]'\"%@`#\n\t ,<0".utf8).randomElement(using: &random) ?? 0, at: offset)
                }
            }
            do throws(YAMLError) {
                _ = try YAMLParser.documents(bytes)
            } catch {
                #expect(error.line >= 1 && error.column >= 0, "seed \(seed): \(error)")
            }
        }
    }
}
