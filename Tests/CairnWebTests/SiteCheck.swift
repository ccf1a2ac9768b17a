import CairnBytes
import Testing

/// Reads a page as a browser would, strictly: what is not well-formed here is a defect of the page.
struct SiteCheck {
    struct Tag {
        var name: String
        var attributes: [String: String]
        var isEnd: Bool
        /// `<rect/>`
        var isWhole: Bool
    }

    private(set) var tags: [Tag] = []
    private(set) var problems: [String] = []

    init(_ bytes: [UInt8]) {
        if String(validating: bytes, as: UTF8.self) == nil { problems.append("not UTF-8") }
        // Markup is ASCII. Letters beyond it would make one character with the sign before them.
        let text = String(decoding: bytes.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        var rest = Substring(text)
        while let start = rest.firstIndex(of: "<") {
            rest = rest[rest.index(after: start)...]
            guard let end = rest.firstIndex(of: ">") else {
                problems.append("a tag has no end: \(rest.prefix(40))")
                return
            }
            let inside = rest[..<end]
            rest = rest[rest.index(after: end)...]
            if inside.hasPrefix("!") { continue }
            read(inside)
        }
        check()
    }

    /// The sequence of elements, without their texts: what no name from outside may change.
    var structure: [String] { tags.filter { $0.name != "wbr" }.map { $0.isEnd ? "/\($0.name)" : $0.name } }

    private mutating func read(_ inside: Substring) {
        var rest = inside
        let isEnd = rest.hasPrefix("/")
        if isEnd { rest = rest.dropFirst() }
        let isWhole = rest.hasSuffix("/")
        if isWhole { rest = rest.dropLast() }
        let name = rest.prefix { $0 != " " }
        rest = rest.dropFirst(name.count)
        var attributes: [String: String] = [:]
        while let first = rest.first {
            guard first == " ", let equals = rest.firstIndex(of: "=") else {
                problems.append("<\(inside.prefix(60))>: an attribute without a value")
                break
            }
            let key = String(rest[rest.index(after: rest.startIndex)..<equals])
            rest = rest[rest.index(after: equals)...]
            guard rest.first == "\"", let close = rest.dropFirst().firstIndex(of: "\"") else {
                problems.append("<\(inside.prefix(60))>: a value without quotes")
                break
            }
            if attributes[key] != nil { problems.append("<\(name)> has \(key) twice") }
            attributes[key] = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
        }
        tags.append(Tag(name: String(name), attributes: attributes, isEnd: isEnd, isWhole: isWhole))
    }

    private static let voids: Set<String> = ["meta", "link", "input", "br", "col", "wbr"]

    private mutating func check() {
        var open: [String] = []
        for tag in tags where !tag.isWhole && !SiteCheck.voids.contains(tag.name) {
            if tag.isEnd {
                if open.last != tag.name { problems.append("</\(tag.name)> ends \(open.last ?? "nothing")") }
                _ = open.popLast()
            } else {
                open.append(tag.name)
            }
        }
        if !open.isEmpty { problems.append("not ended: \(open)") }
        let starts = tags.filter { !$0.isEnd }
        var ids: Set<String> = []
        for id in starts.compactMap({ $0.attributes["id"] }) where !ids.insert(id).inserted {
            problems.append("the id \(id) is there twice")
        }
        for tag in starts { check(tag, ids) }
        for name in ["head", "main", "h1"] where starts.filter({ $0.name == name }).count != 1 {
            problems.append("there is not one <\(name)>")
        }
    }

    private mutating func check(_ tag: Tag, _ ids: Set<String>) {
        for (key, value) in tag.attributes {
            if key == "style" || key.hasPrefix("on") { problems.append("<\(tag.name)> has \(key)") }
            if key == "href" || key == "action" || key == "formaction" || key == "src" {
                checkAddress(value, tag, ids)
            }
            if ["for", "aria-labelledby", "aria-describedby"].contains(key) {
                for id in value.split(separator: " ") where !ids.contains(String(id)) {
                    problems.append("<\(tag.name)> names \(id), which is not there")
                }
            }
        }
        switch tag.name {
        case "style": problems.append("an inline style sheet")
        case "script" where tag.attributes["src"] == nil: problems.append("an inline script")
        case "th" where tag.attributes["scope"] == nil: problems.append("a <th> without a scope")
        case "time" where tag.attributes["datetime"].flatMap({ Timestamp($0) }) == nil:
            problems.append("a <time> without a time")
        case "svg" where tag.attributes["aria-hidden"] == nil && tag.attributes["aria-labelledby"] == nil:
            problems.append("a picture that nobody hears of")
        default: break
        }
    }

    private mutating func checkAddress(_ value: String, _ tag: Tag, _ ids: Set<String>) {
        if tag.name == "link", value.hasPrefix("data:image/svg+xml,") { return }
        if value.hasPrefix("#") {
            if !ids.contains(String(value.dropFirst())) { problems.append("\(value) leads nowhere") }
            return
        }
        guard value.hasPrefix("/"), !value.hasPrefix("//") else {
            problems.append("\(value) leads out of the server")
            return
        }
        let bytes = Array(value.replacing("&amp;", with: "&").utf8)
        for (index, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                continue
            case UInt8(ascii: "%"):
                let digits = bytes.dropFirst(index + 1).prefix(2)
                if digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) { continue }
            default: if "-._~/?&=:@+#".utf8.contains(byte) { continue }
            }
            problems.append("\(value) is no address")
            return
        }
        let path = value.prefix { $0 != "?" && $0 != "#" }
        if path.split(separator: "/").contains(where: { $0 == ".." || $0 == "." }) {
            problems.append("\(value) climbs")
        }
    }
}
