import CairnBytes
import Foundation
import Testing

/// Takes out of a command's output what differs from run to run, by these rules and no others:
///
/// 1. a moment at which these tests ran (RFC 3339, or microseconds since 1970): `RECORDED`;
/// 2. user and host of this process: `USER@HOST`;
/// 3. the folder of the ledger: `LEDGER`;
/// 4. salted digests of attachments: `SALTED`; the digest of a finding's evidence, which is made from them: `EVIDENCE`;
/// 5. the root over all entries, which hold recorded times, in hexadecimal and base64: `ROOT`;
/// 6. the random id of the ledger: `LEDGER-ID`, the verifier key and signatures made with it: `KEY`, `SIGNATURE`;
/// 7. the program's version: `VERSION`;
/// 8. in what `stats`, `seal` and `verify` say, sizes of compressed data, which holds recorded times, and the number of
///    frames, since an import commits what its threads have ready: `SIZE`.
///
/// Everything else - positions, revisions, digests of files, ids of findings - is the same on every machine.
struct StableText: Sendable {
    private var names: [(value: String, name: String)] = []
    private let start: Date
    private static let processStart = Date()

    init(_ ledger: ScratchLedger) throws {
        start = StableText.processStart.addingTimeInterval(-600)
        var salted: Set<String> = []
        var evidence: Set<String> = []
        for event in try ledger.events() {
            for attachment in event["attachments"]?.array ?? [] {
                if let digest = attachment["digest"]?.string { salted.insert(digest) }
            }
            if let digest = event["data"]?["evidence_digest"]?.string { evidence.insert(digest) }
            if names.isEmpty, let actor = event["actor"]?.string { names.append((actor, "USER@HOST")) }
        }
        names += salted.sorted().map { ($0, "SALTED") } + evidence.sorted().map { ($0, "EVIDENCE") }
        names.append((ledger.path, "LEDGER"))
        let note = try ledger.succeed(["checkpoint"]).split(separator: "\n").map(String.init)
        if note.count > 2, let root = Data(base64Encoded: note[2]) {
            names.append((note[2], "ROOT"))
            names.append((root.map { String(format: "%02x", $0) }.joined(), "ROOT"))
        }
        if let signature = note.last?.split(separator: " ").last { names.append((String(signature), "SIGNATURE")) }
        let verified = try ledger.rows(["verify"])
        if let id = verified.first?["ledger_id"]?.string { names.append((id, "LEDGER-ID")) }
        let version = try ledger.succeed(["version"]).split(separator: " ").last.map {
            $0.trimmingCharacters(in: .newlines)
        }
        if let version { names.append((version, "VERSION")) }
    }

    func callAsFunction(_ text: String) -> String {
        var text = withoutMoments(text)
        for (value, name) in names { text = text.replacingOccurrences(of: value, with: name) }
        return text
    }

    /// Rule 8.
    static func withoutSizes(_ text: String) -> String {
        text.replacing(#/"([a-z_]*bytes|entry_ratio|frames)":[0-9.]+/#) { "\"\($0.output.1)\":\"SIZE\"" }
    }

    private func withoutMoments(_ text: String) -> String {
        let end = Date().addingTimeInterval(600)
        var result = text
        // Below the heading of a day, Markdown has the time of day alone.
        result = result.split(separator: "\n### ", omittingEmptySubsequences: false).map { part in
            guard let day = StableText.date("\(part.prefix(10))T00:00"), day > start - 86_400, day <= end else {
                return String(part)
            }
            return "RECORDED" + part.dropFirst(10).replacing(#/\b\d\d:\d\d:\d\d UTC/#, with: "RECORDED")
        }.joined(separator: "\n### ")
        let times = #/20\d\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC))?/#
        result = result.replacing(times) { match in
            guard let time = StableText.date(String(match.output.0)) else { return String(match.output.0) }
            return time >= start && time <= end ? "RECORDED" : String(match.output.0)
        }
        return result.replacing(#/\b[12]\d{15}\b/#) { match in
            let time = Date(timeIntervalSince1970: (Double(String(match.output)) ?? 0) / 1e6)
            return time >= start && time <= end ? "RECORDED" : String(match.output)
        }
    }

    /// The moment to the minute: enough to tell the time of the tests from that of the demo.
    private static func date(_ text: String) -> Date? {
        let minute = text.prefix(16).replacingOccurrences(of: " ", with: "T")
        return Timestamp("\(minute):00Z").map { Date(timeIntervalSince1970: Double($0.microseconds) / 1e6) }
    }
}
