import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Foundation
import Testing

/// The files of a small ledger, byte for byte, and what another program reads from them.
@Suite struct FormatTests {
    /// A ledger with all that the format knows: a sealed and an open segment, plain and compressed frames, attachments,
    /// private fields, removed content, a step of the clock, a rotation of the key.
    static func make(_ fixture: LedgerFixture) throws -> Ledger {
        var ledger = try fixture.create()
        let samples = ProposedAttachment(
            role: "samples", mediaType: "application/x-samples; v=1", content: Array("one two three".utf8),
            retention: .droppable)
        try fixture.append(
            ledger,
            [fixture.event("1", data: ["phase": "precheck", "n": 0.1]), fixture.event("2", attachments: [samples])])
        fixture.clock.advance(seconds: 1.5)
        let approval = fixture.event(
            "3", type: "cairn.approval.granted.v1", data: ["phase": "build", "comment": "fine by me"])
        try fixture.append(ledger, [approval])
        try ledger.seal()
        fixture.clock.advance(seconds: -10)
        var foreign = fixture.event("4", in: "aws-ecs/x", type: "aws.ecs.task-state-change.v0", data: ["v": 1.1])
        foreign.received = ReceivedBytes(bytes: Array("{\"v\":1.10}".utf8), isLossless: false)
        foreign.extensions = ["partitionkey": "a", "zone": 3]
        foreign.timeText = "2026-01-01T00:00:01.500+00:00"
        foreign.onBehalfOf = "Ada"
        try fixture.append(ledger, [foreign])
        let reference = try ledger.event(at: 2).attachments[0]
        try ledger.remove(
            [
                Removal(
                    digest: reference.digest, kind: .redacted, reason: "asked for", approvedBy: "bob",
                    replacement: ProposedAttachment(
                        role: "replacement", mediaType: "text/plain", content: Array("***".utf8),
                        retention: .permanent))
            ], actor: fixture.actor)
        try ledger.rotateKey(to: fixture.folder.file("key2"), actor: fixture.actor)
        try fixture.append(ledger, (0..<300).map { fixture.event("b\($0)", in: "migration/b-\($0 % 3)") })
        try ledger.close()
        ledger = try Ledger.open(
            at: fixture.path, access: .readWrite, environment: fixture.environment,
            keyFile: fixture.folder.file("key2"))
        return ledger
    }

    @Test func filesOfVersion1AreTheGoldenOnes() throws {
        let fixture = try LedgerFixture(seed: 3)
        let ledger = try FormatTests.make(fixture)
        try ledger.close()
        let disk = try SnapshotDisk(copying: fixture.path)
        var text = ""
        for (name, bytes) in disk.files.sorted(by: { $0.key < $1.key }) {
            text += "== \(name.dropFirst(fixture.path.count + 1)) \(bytes.count)\n"
            // The rest is long, and of the same kind.
            if name.hasSuffix("00000000.segment") || name.hasSuffix(".attachments") || name.hasSuffix("checkpoint") {
                for start in stride(from: 0, to: bytes.count, by: 32) {
                    text += Hex.string(bytes[start..<min(bytes.count, start + 32)]) + "\n"
                }
            }
        }
        try Golden.expect(text, matches: "version1.txt", in: #filePath)
    }

    @Test func goldenFilesOfVersion1StayReadable() throws {
        // What the golden text holds of segment 0 and its attachments is a ledger that was cut behind its index.
        let fixture = try LedgerFixture(seed: 3)
        let golden = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/version1.txt")
        var files: [String: [UInt8]] = [:]
        var name = ""
        for line in try String(contentsOf: golden, encoding: .utf8).split(separator: "\n") {
            if line.hasPrefix("== ") {
                name = fixture.path + "/" + line.split(separator: " ")[1]
            } else {
                files[name, default: []] += try #require(Hex.bytes(String(line)))
            }
        }
        files[fixture.path + "/checkpoint"] = nil
        files[fixture.path + "/segments/00000001.attachments"] = nil
        var environment = fixture.environment
        environment.disk = SnapshotDisk(files: files)
        let ledger = try Ledger.open(at: fixture.path, access: .readOnly, environment: environment)
        #expect(ledger.size == 4 && ledger.problems.isEmpty)
        #expect(try ledger.event(at: 0).data == ["phase": "precheck", "n": 0.1])
        #expect(try ledger.content(of: ledger.event(at: 1).attachments[0]) == .present(Array("one two three".utf8)))
        #expect(try ledger.event(at: 3).type == "cairn.streams.sealed.v1")
    }

    @Test func verifiesAndRotatesKeys() throws {
        let fixture = try LedgerFixture(seed: 3)
        let ledger = try FormatTests.make(fixture)
        let report = try LedgerVerifier.verify(at: fixture.path, environment: fixture.environment)
        #expect(report.problems.map(\.description) == [])
        #expect(report.keys.count == 2 && report.goneAttachments == 1)
        #expect(report.entries == ledger.size && report.signedSize == ledger.size)
        #expect(try ledger.keyHistory().ranges == report.keys)
        // The old key signs nothing behind its rotation.
        let old = try SigningKey(
            String(contentsOf: URL(filePath: fixture.key), encoding: .utf8).trimmingCharacters(in: .newlines))
        let head = Checkpoint(
            origin: ledger.origin, size: ledger.size, root: try #require(try ledger.checkpoint()).checkpoint.root)
        let forged = try SignedCheckpoint(head, signedWith: old)
        let checked = try LedgerVerifier.verify(
            at: fixture.path, environment: fixture.environment, against: [forged])
        #expect(checked.problems.map(\.code) == [.key])
        let other = Checkpoint(origin: ledger.origin, size: 3, root: head.root)
        let fork = try LedgerVerifier.verify(
            at: fixture.path, environment: fixture.environment, against: [SignedCheckpoint(other, signedWith: old)])
        #expect(fork.problems.map(\.code) == [.fork])
        #expect(fork.problems[0].message.contains("FORK"))
    }

    @Test func anIndependentReaderAgrees() throws {
        let fixture = try LedgerFixture(seed: 3)
        let ledger = try FormatTests.make(fixture)
        try ledger.close()
        let tool = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "tools/read_ledger.py")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", tool.path, fixture.path]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        do { try process.run() } catch {
            print("skipped: no python3")
            return
        }
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(output.suffix(2000))")
    }
}
