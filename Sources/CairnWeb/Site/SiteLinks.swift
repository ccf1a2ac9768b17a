/// The addresses of the pages. Names from outside are percent-encoded, so that none of them is a path of its own.
struct SiteLinks: Sendable, Hashable {
    let prefix: String

    var fleet: String { "\(prefix)/" }
    var styleSheet: String { "\(prefix)/assets/cairn.css" }
    var script: String { "\(prefix)/assets/cairn.js" }
    var login: String { "\(prefix)/login" }
    var logout: String { "\(prefix)/logout" }
    var incidents: String { "\(prefix)/incidents" }

    func entry(_ position: UInt64) -> String { "\(prefix)/entries/\(position)" }
    func run(_ stream: String) -> String { "\(prefix)/runs/\(SiteLinks.path(stream))" }
    func finding(_ id: String) -> String { "\(prefix)/findings/\(SiteLinks.segment(id))" }
    func incident(_ id: String) -> String { "\(prefix)/incidents/\(SiteLinks.segment(id))" }

    func divergence(_ query: [(String, String?)] = []) -> String { "\(prefix)/divergence\(SiteLinks.query(query))" }
    func drops(_ query: [(String, String?)] = []) -> String { "\(prefix)/drops\(SiteLinks.query(query))" }
    func timeline(_ query: [(String, String?)] = []) -> String { "\(prefix)/timeline\(SiteLinks.query(query))" }
    func fleet(_ query: [(String, String?)]) -> String { "\(prefix)/\(SiteLinks.query(query))" }

    func comparison(_ app: String, _ metric: String, source: String, target: String) -> String {
        let query = SiteLinks.query([("source", source), ("target", target)])
        return "\(prefix)/divergence/\(SiteLinks.segment(app))/\(SiteLinks.segment(metric))\(query)"
    }

    /// The timeline of a query, as a file.
    func export(_ query: [(String, String?)], _ format: String) -> String {
        "\(prefix)/v1/timeline\(SiteLinks.query(query + [("format", format)]))"
    }

    func report(of run: String) -> String { "\(prefix)/v1/report/change/\(SiteLinks.path(run))" }

    // MARK: Encoding (RFC 3986)

    /// `?a=b&c=d` without what is nil or empty; nothing if all is.
    static func query(_ parts: [(String, String?)]) -> String {
        let shown = parts.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : "\(name)=\(encoded($0, keeping: ""))" }
        }
        return shown.isEmpty ? "" : "?" + shown.joined(separator: "&")
    }

    /// One segment of a path. A segment of dots alone would be another path.
    static func segment(_ text: String) -> String {
        text.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
            ? String(repeating: "%2E", count: text.utf8.count)
            : encoded(text, keeping: ":@+=")
    }

    /// A path of several segments, as names of streams are.
    static func path(_ text: String) -> String {
        text.split(separator: "/", omittingEmptySubsequences: false).map { segment(String($0)) }.joined(separator: "/")
    }

    private static func encoded(_ text: String, keeping kept: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where kept.utf8.contains(byte): result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return result
    }
}
