import CairnFlowLogs
import CairnServer
import Foundation
import Testing

@Suite("Settings of the server")
struct ServerSettingsTests {
    private static func options(
        flags: [String: String] = [:], file: String? = nil, environment: [String: String] = [:]
    ) throws(ServerSettings.SettingsError) -> ServerOptions {
        try ServerSettings(
            flags: flags, file: file.map { ("serve.yaml", Array($0.utf8)) }, environment: environment
        ).options()
    }

    private static func problem(
        flags: [String: String] = [:], file: String? = nil, environment: [String: String] = [:]
    ) -> ServerSettings.SettingsError? {
        do throws(ServerSettings.SettingsError) {
            _ = try options(flags: flags, file: file, environment: environment)
            return nil
        } catch { return error }
    }

    @Test("A flag goes before the environment, and the environment before the file")
    func order() throws {
        let file = "listen: 127.0.0.1:1001\nconnections_max: 11\ncalls_per_second: 21\n"
        let environment = ["CAIRN_SERVE_LISTEN": "127.0.0.1:1002", "CAIRN_SERVE_CONNECTIONS_MAX": "12"]
        let options = try ServerSettingsTests.options(
            flags: ["listen": "[::1]:1003"], file: file, environment: environment)
        #expect(options.host == "::1")
        #expect(options.port == 1003)
        #expect(options.connectionsMax == 12)
        #expect(options.callsPerSecond == 21)
        #expect(options.analysisSeconds == ServerOptions().analysisSeconds)
    }

    @Test("A name that does not exist is refused with its place and the nearest one that does")
    func unknownNames() throws {
        let cases: [(ServerSettings.SettingsError?, place: String, near: String)] = [
            (ServerSettingsTests.problem(file: "conections_max: 5"), "serve.yaml: conections_max", "connections_max"),
            (
                ServerSettingsTests.problem(environment: ["CAIRN_SERVE_CALLS_PER_SECONDS": "5"]),
                "$CAIRN_SERVE_CALLS_PER_SECONDS", "calls_per_second"
            ),
            (ServerSettingsTests.problem(flags: ["tls_cert": "x"]), "--tls-cert", "tls_certificate"),
            (
                ServerSettingsTests.problem(file: "oidc: {issuer: a, audience: b, key_url: c}"),
                "serve.yaml: oidc.key_url", "keys_url"
            ),
            (
                ServerSettingsTests.problem(file: "notifications: [{name: a, url: 'https://b', shap: webhook}]"),
                "serve.yaml: notifications[0].shap", "shape"
            ),
        ]
        for (problem, place, near) in cases {
            let problem = try #require(problem, "\(place)")
            #expect(problem.place == place)
            #expect(problem.reason.contains("did you mean") && problem.reason.contains(near), "\(problem)")
        }
        let far = try #require(ServerSettingsTests.problem(file: "qqqqqqqqqqqqqqq: 1"))
        #expect(far.reason.contains("body_bytes_max") && far.reason.contains("trusted_proxies"), "\(far)")
    }

    @Test(
        "A value that cannot be used is refused with its place",
        arguments: [
            ("listen: here", "serve.yaml: listen"), ("listen: 127.0.0.1:70000", "serve.yaml: listen"),
            ("connections_max: 0", "serve.yaml: connections_max"),
            ("connections_max: 1.5", "serve.yaml: connections_max"),
            ("connections_max: [1]", "serve.yaml: connections_max"),
            ("allow_plain_text: maybe", "serve.yaml: allow_plain_text"), ("log_format: xml", "serve.yaml: log_format"),
            ("body_bytes_max: 12", "serve.yaml: body_bytes_max"),
            ("disk_free_bytes_min: -1", "serve.yaml: disk_free_bytes_min"),
            ("analysis_seconds: 99999999999999999999", "serve.yaml: analysis_seconds"),
            ("topics: arn", "serve.yaml: topics"), ("topics: [1]", "serve.yaml: topics"),
            ("trusted_proxies: 10.0.0.0/8", "serve.yaml: trusted_proxies"),
            ("trusted_proxies: [10.0.0.0/33]", "serve.yaml: trusted_proxies"),
            ("notifications: [{name: a, url: 'ftp://b'}]", "serve.yaml: notifications[0]"),
            ("notifications: [{name: a, url: 'https://b', shape: fax}]", "serve.yaml: notifications[0]"),
            (
                "notifications: [{name: a, url: 'https://b'}, {name: a, url: 'https://c'}]",
                "serve.yaml: notifications[1]"
            ), ("oidc: {issuer: a}", "serve.yaml: oidc"), ("tls_key: a", "serve.yaml: tls_key"),
            ("- listen", "serve.yaml"), ("listen: [", "serve.yaml:"),
        ])
    func values(file: String, place: String) throws {
        let problem = try #require(ServerSettingsTests.problem(file: file))
        #expect(problem.place.hasPrefix(place), "\(problem)")
        #expect(!problem.reason.isEmpty)
    }

    @Test(
        "What is more than one value is for the file alone", arguments: ["topics", "trusted_proxies", "notifications"])
    func structures(name: String) throws {
        let problem = try #require(
            ServerSettingsTests.problem(environment: ["CAIRN_SERVE_\(name.uppercased())": "a"]))
        #expect(problem.reason.contains("only a file"), "\(problem)")
    }

    @Test("No message quotes a secret")
    func secrets() throws {
        let secret = "hunter2-hunter2"
        let files = [
            "notifications: [{name: a, url: nowhere, secret: \(secret)}]",
            "notifications: [{name: a, url: 'https://b', shape: x, secret: \(secret)}]",
            "notifications: [{name: a, url: 'https://b', sekret: \(secret)}]",
            "notifications: [{name: a, url: 'https://b', secret: \(secret)}]\nlisten: 1",
            "notifications:\n  - secret: \(secret)\n name: a", "notifications: [{secret: \(secret)",
            "secret: \(secret)",
            "notifications: [\(secret)]", "notifications: \(secret)",
        ]
        for file in files {
            let problem = try #require(ServerSettingsTests.problem(file: file), "\(file)")
            #expect(!"\(problem)".contains(secret), "\(file): \(problem)")
        }
    }

    @Test("Beyond this machine only with TLS, or where it is said that a proxy has it")
    func plainText() throws {
        for host in ["127.0.0.1", "localhost", "[::1]", "127.8.8.8"] {
            #expect(try ServerSettingsTests.options(flags: ["listen": "\(host):1"]).obstacle == nil, "\(host)")
        }
        for host in ["0.0.0.0", "10.0.0.5", "[::]", "example.com"] {
            let flags = ["listen": "\(host):1"]
            #expect(try ServerSettingsTests.options(flags: flags).obstacle?.contains("TLS") == true, "\(host)")
            let allowed = flags.merging(["allow_plain_text": "true"]) { $1 }
            #expect(try ServerSettingsTests.options(flags: allowed).obstacle == nil)
            let encrypted = flags.merging(["tls_certificate": "a", "tls_key": "b"]) { $1 }
            #expect(try ServerSettingsTests.options(flags: encrypted).obstacle == nil)
        }
    }

    @Test("The example file names settings that exist, with their defaults")
    func example() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: top.appending(path: "tools/service/serve.yaml"), encoding: .utf8)
        // A comment that is a setting begins with `# name:` or goes on with `#   `.
        let settings = text.split(separator: "\n").compactMap { line -> Substring? in
            guard line.hasPrefix("# ") else { return nil }
            let rest = line.dropFirst(2)
            let name = rest.prefix { $0.isLowercase || $0 == "_" }
            return rest.hasPrefix("  ") || (!name.isEmpty && rest.dropFirst(name.count).hasPrefix(":")) ? rest : nil
        }
        let options = try ServerSettingsTests.options(file: settings.joined(separator: "\n"))
        let standard = ServerOptions()
        #expect(options.connectionsMax == standard.connectionsMax)
        #expect(options.bodyBytesMax == standard.bodyBytesMax)
        #expect(options.callsPerSecond == standard.callsPerSecond)
        #expect(options.analysisSeconds == standard.analysisSeconds)
        #expect(options.diskFreeBytesMin == standard.diskFreeBytesMin)
        #expect(options.trustedProxies.map(\.description) == ["10.0.0.0/24"])
        #expect(options.topics.count == 1 && options.notifications.count == 1)
        #expect(options.oidc?.scopes["sre"] == ["read", "approve"])
        #expect(options.tls != nil)
    }
}
