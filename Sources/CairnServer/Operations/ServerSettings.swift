import CairnBytes
import CairnFlowLogs
import CairnYAML

/// The settings of a server from flags, the environment and a file, in this order. A name that does not exist is refused
/// wherever it stands: a misspelt limit is no limit.
package struct ServerSettings: Sendable {
    /// Why settings cannot be used, with the place.
    package struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
        package var place: String
        package var reason: String

        package var description: String { "cannot use the settings: \(place): \(reason)" }
    }

    /// A file of settings has some lines.
    package static let fileBytesMax = 1 << 20
    package static let environmentPrefix = "CAIRN_SERVE_"

    /// Settings that are one value, with how each is read. Lists and objects are for the file alone.
    private static let readers: [String: @Sendable (inout ServerOptions, String) throws(Unusable) -> Void] = [
        "listen": { options, text throws(Unusable) in
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port)
            else { throw Unusable(reason: "\(text) is no host:port") }
            options.host = String(text[..<colon].filter { $0 != "[" && $0 != "]" })
            options.port = port
        },
        "allow_plain_text": { options, text throws(Unusable) in options.allowsPlainText = try flag(text) },
        "log_format": { options, text throws(Unusable) in
            guard let format = ServerOptions.LogFormat(rawValue: text) else {
                throw Unusable(reason: "\(text) is neither text nor json")
            }
            options.logFormat = format
        },
        "connections_max": { options, text throws(Unusable) in options.connectionsMax = try number(text, 1...1_000_000)
        },
        "body_bytes_max": { options, text throws(Unusable) in
            options.bodyBytesMax = try number(text, (1 << 20)...(64 << 30))
        },
        "calls_per_second": { options, text throws(Unusable) in
            options.callsPerSecond = Double(try number(text, 1...1_000_000))
        },
        "analysis_seconds": { options, text throws(Unusable) in
            options.analysisSeconds = Int64(try number(text, 0...86_400))
        },
        "disk_free_bytes_min": { options, text throws(Unusable) in
            options.diskFreeBytesMin = UInt64(try number(text, 0...(1 << 50)))
        },
    ]

    private static let pairNames: Set<String> = ["tls_certificate", "tls_key"]
    private static let fileNames: Set<String> = ["topics", "trusted_proxies", "notifications", "oidc"]

    private struct Unusable: Error { var reason: String }

    private var values: [String: (text: String, place: String)] = [:]
    private var structures = JSONObject()
    private var file = ""

    /// - Parameters:
    ///   - flags: names as in a file.
    ///   - file: the content of the file, if there is one, with its path.
    ///   - environment: all variables that begin with the prefix.
    package init(
        flags: [String: String], file: (path: String, content: [UInt8])?, environment: [String: String]
    ) throws(SettingsError) {
        if let file { try read(file.content, path: file.path) }
        for (name, text) in environment {
            let key = name.dropFirst(ServerSettings.environmentPrefix.count).lowercased()
            try add(String(key), text, place: "$\(name)")
        }
        for (name, text) in flags { try add(name, text, place: "--\(name.replacing("_", with: "-"))") }
    }

    private mutating func add(_ name: String, _ text: String, place: String) throws(SettingsError) {
        guard ServerSettings.readers[name] != nil || ServerSettings.pairNames.contains(name) else {
            let isForFile = ServerSettings.fileNames.contains(name)
            throw SettingsError(
                place: place,
                reason: isForFile
                    ? "it is more than one value, which only a file can hold"
                    : ServerSettings.unknown(name, among: ServerSettings.names))
        }
        values[name] = (text, place)
    }

    private static var names: [String] { (Array(readers.keys) + pairNames + fileNames).sorted() }

    private static func unknown(_ name: String, among names: [String]) -> String {
        let near = NearestNames.of(name, among: names)
        return near.isEmpty
            ? "there is no such setting; there are \(names.joined(separator: ", "))"
            : "there is no such setting; did you mean \(near.joined(separator: ", "))?"
    }

    private mutating func read(_ content: [UInt8], path: String) throws(SettingsError) {
        let documents: [YAMLDocument]
        do { documents = try YAMLParser.documents(content) } catch {
            throw SettingsError(place: "\(path):\(error.line):\(error.column)", reason: error.reason)
        }
        if documents.count > 1 {
            throw SettingsError(place: "\(path):\(documents[1].line)", reason: "there is a second document")
        }
        // A file with nothing but comments, as it comes with Cairn, leaves all as it is.
        guard let value = documents.first?.value, !value.isNull else { return }
        guard let object = value.object else {
            throw SettingsError(place: path, reason: "it is no list of names with values")
        }
        file = path
        for member in object {
            if ServerSettings.fileNames.contains(member.name) {
                structures[member.name] = member.value
                continue
            }
            try add(
                member.name, member.value.string ?? CanonicalJSON.string(of: member.value),
                place: "\(path): \(member.name)")
        }
    }

    package func options() throws(SettingsError) -> ServerOptions {
        var options = ServerOptions()
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let reader = ServerSettings.readers[name] else { continue }
            do throws(Unusable) { try reader(&options, value.text) } catch {
                throw SettingsError(place: value.place, reason: error.reason)
            }
        }
        switch (values["tls_certificate"], values["tls_key"]) {
        case (let certificate?, let key?):
            options.tls = ServerOptions.TLS(certificatePath: certificate.text, keyPath: key.text)
        case (nil, nil): break
        case (let one, let other):
            throw SettingsError(place: (one ?? other)?.place ?? "", reason: "a certificate and its key go together")
        }
        try readStructures(&options)
        return options
    }

    private func readStructures(_ options: inout ServerOptions) throws(SettingsError) {
        if let topics = structures["topics"] {
            options.topics = try texts(topics, "topics")
        }
        if let proxies = structures["trusted_proxies"] {
            options.trustedProxies = try texts(proxies, "trusted_proxies").map { text throws(SettingsError) in
                guard let prefix = IPPrefix(text) else {
                    throw problem("trusted_proxies", "\(text.prefix(100)) is no address or block of addresses")
                }
                return prefix
            }
        }
        if let targets = structures["notifications"] {
            guard let array = targets.array else { throw problem("notifications", "it is no list") }
            for (index, value) in array.enumerated() {
                let target = try target(value, "notifications[\(index)]")
                // What was told to whom is known by the name.
                guard !options.notifications.contains(where: { $0.name == target.name }) else {
                    throw problem("notifications[\(index)]", "another one has the name \(target.name.prefix(100))")
                }
                options.notifications.append(target)
            }
        }
        if let oidc = structures["oidc"] { options.oidc = try readOIDC(oidc) }
    }

    private func target(_ value: JSONValue, _ place: String) throws(SettingsError) -> NotificationTarget {
        let object = try checked(value, ["name", "url", "shape", "secret"], place)
        guard let name = object["name"]?.string, let url = object["url"]?.string,
            url.hasPrefix("https://") || url.hasPrefix("http://")
        else { throw problem(place, "it needs a name and an http or https url") }
        guard let shape = NotificationTarget.Shape(rawValue: object["shape"]?.string ?? "webhook") else {
            throw problem(place, "shape is one of webhook, alertmanager, pagerduty")
        }
        return NotificationTarget(name: name, url: url, shape: shape, secret: object["secret"]?.string)
    }

    private func readOIDC(_ value: JSONValue) throws(SettingsError) -> ServerOptions.OIDC {
        let object = try checked(value, ["issuer", "audience", "keys_url", "groups_claim", "scopes"], "oidc")
        guard let issuer = object["issuer"]?.string, let audience = object["audience"]?.string,
            let keys = object["keys_url"]?.string
        else { throw problem("oidc", "it needs issuer, audience and keys_url") }
        var oidc = ServerOptions.OIDC(issuer: issuer, audience: audience, keysURL: keys)
        if let claim = object["groups_claim"]?.string { oidc.groupsClaim = claim }
        guard let scopes = object["scopes"] else { return oidc }
        guard let groups = scopes.object else { throw problem("oidc.scopes", "it is no list of groups") }
        for group in groups { oidc.scopes[group.name] = try texts(group.value, "oidc.scopes.\(group.name)") }
        return oidc
    }

    private func checked(
        _ value: JSONValue, _ names: Set<String>, _ place: String
    ) throws(SettingsError) -> JSONObject {
        guard let object = value.object else { throw problem(place, "it is no list of names with values") }
        for member in object where !names.contains(member.name) {
            throw problem("\(place).\(member.name)", ServerSettings.unknown(member.name, among: names.sorted()))
        }
        return object
    }

    private func texts(_ value: JSONValue, _ place: String) throws(SettingsError) -> [String] {
        guard let array = value.array else { throw problem(place, "it is no list") }
        var texts: [String] = []
        for element in array {
            guard let text = element.string else { throw problem(place, "it is no list of texts") }
            texts.append(text)
        }
        return texts
    }

    private func problem(_ place: String, _ reason: String) -> SettingsError {
        SettingsError(place: "\(file): \(place)", reason: reason)
    }

    private static func flag(_ text: String) throws(Unusable) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: throw Unusable(reason: "\(text) is neither true nor false")
        }
    }

    private static func number(_ text: String, _ range: ClosedRange<Int>) throws(Unusable) -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw Unusable(reason: "\(text) is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
