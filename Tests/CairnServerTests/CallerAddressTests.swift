import CairnBytes
import CairnFlowLogs
import CairnLedger
import CairnModel
import CairnServer
import CairnTestSupport
import HTTPTypes
import Testing

@Suite("Where calls come from")
struct CallerAddressTests {
    private static let proxies = ["10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1"].compactMap { IPPrefix($0) }

    private static func caller(_ peer: String, _ lines: [String], trusted: [IPPrefix] = proxies) throws -> String {
        var headers = HTTPFields()
        let name = try #require(HTTPField.Name("X-Forwarded-For"))
        for line in lines { headers.append(HTTPField(name: name, value: line)) }
        return CallerAddress.of(peer: peer, headers: headers, trusted: trusted)
    }

    @Test(
        "The last address that no trusted proxy has",
        arguments: [
            // Without a proxy that is trusted nobody's word counts.
            ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
            ("203.0.113.9", [], "203.0.113.9"),
            ("10.0.0.1", [], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
            // What the caller wrote itself stands before what the proxy added.
            ("10.0.0.1", ["1.2.3.4, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", ["10.9.9.9, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"),
            // Two proxies behind each other.
            ("10.0.0.1", ["1.2.3.4, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", ["1.2.3.4, 198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            // Nothing but proxies: the first of them.
            ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // What is no address ends the search.
            ("10.0.0.1", ["198.51.100.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1, , 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", [""], "10.0.0.1"), ("10.0.0.1", [","], "10.0.0.1"),
            ("10.0.0.1", ["198.51.100.1:x"], "10.0.0.1"), ("10.0.0.1", ["198.51.100.01"], "10.0.0.1"),
            ("10.0.0.1", ["[2001:db8::7"], "10.0.0.1"), ("10.0.0.1", ["[2001:db8::7]x"], "10.0.0.1"),
            ("10.0.0.1", ["127.0.0.1' OR 1=1"], "10.0.0.1"),
            // Ports, brackets, spaces.
            ("10.0.0.1", [" 198.51.100.1:4711 "], "198.51.100.1"),
            ("10.0.0.1", ["[2001:db8::7]:443"], "2001:db8::7"), ("10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
            // One address has one form, so that nobody has many buckets.
            ("10.0.0.1", ["2001:0DB8:0:0:0:0:0:7"], "2001:db8::7"),
            ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
            ("2001:db8:1::5", ["198.51.100.1, 2001:db8:1:ffff::1"], "198.51.100.1"),
            ("2001:db8:2::5", ["198.51.100.1"], "2001:db8:2::5"),
            ("127.0.0.1", ["::1"], "::1"),
            // The socket did not say.
            ("unknown", ["198.51.100.1"], "unknown"),
        ] as [(String, [String], String)])
    func rule(peer: String, lines: [String], expected: String) throws {
        #expect(try CallerAddressTests.caller(peer, lines) == expected)
    }

    @Test("Without trusted proxies the header is not looked at")
    func noProxies() throws {
        #expect(try CallerAddressTests.caller("10.0.0.1", ["198.51.100.1"], trusted: []) == "10.0.0.1")
    }

    @Test("Whatever the header says, the answer is an address and never one of a caller's choice")
    func garbage() throws {
        var random = SeededRandom(seed: 20_260_311)
        let letters = Array("0123456789abcdef:.,[] \tx%/")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int.random(in: 0...40, using: &random)).map { _ in letters.randomElement(using: &random)! })
            #expect(IPAddress(try CallerAddressTests.caller("10.0.0.1", [text])) != nil, "\(text)")
            let written = try CallerAddressTests.caller("10.0.0.1", [text, "198.51.100.1"])
            #expect(written == "198.51.100.1", "\(text)")
            #expect(try CallerAddressTests.caller("203.0.113.9", [text]) == "203.0.113.9", "\(text)")
        }
    }

    private static func lines(_ server: ServerHarness, _ remote: String) -> Int {
        server.log.all.count { $0.contains(" remote=\(remote) ") || $0.hasSuffix(" remote=\(remote)") }
    }

    @Test("Strangers behind one proxy are slowed down one by one, and the log says who they were")
    func strangers() async throws {
        try await ServerHarness.run(
            { $0.trustedProxies = [IPPrefix("127.0.0.0/8")].compactMap { $0 } }, clock: ManualClock(),
            afterwards: { ledger throws in
                var remotes: Set<String?> = []
                try ledger.forEach(from: 0) { event in
                    if event.type == "cairn.access.denied.v1" { remotes.insert(event.data["remote"]?.string) }
                }
                #expect(remotes == ["198.51.100.1", "198.51.100.2"])
            }
        ) { server in
            func call(_ forwarded: String) async throws -> Int {
                try await server.send("GET", "/v1/status", headers: [("X-Forwarded-For", forwarded)]).status
            }
            var last = 0
            // Other spellings, and what the caller adds in front, change nothing.
            for number in 0..<60 where last != 429 {
                last = try await call(
                    number.isMultiple(of: 2) ? "198.51.100.1" : "1.2.3.\(number), ::ffff:198.51.100.1")
            }
            #expect(last == 429)
            #expect(try await call("198.51.100.2") == 401)
            #expect(CallerAddressTests.lines(server, "198.51.100.1") >= 50)
            #expect(CallerAddressTests.lines(server, "198.51.100.2") == 1)
        }
    }

    @Test("Who comes without a trusted proxy cannot choose an address")
    func spoofing() async throws {
        try await ServerHarness.run(clock: ManualClock()) { server in
            var last = 0
            for number in 0..<60 where last != 429 {
                last = try await server.send(
                    "GET", "/v1/status", headers: [("X-Forwarded-For", "198.51.100.\(number)")]
                ).status
            }
            #expect(last == 429)
            #expect(CallerAddressTests.lines(server, "127.0.0.1") >= 50)
            #expect(!server.log.all.contains { $0.contains("198.51.100.") })
        }
    }
}
