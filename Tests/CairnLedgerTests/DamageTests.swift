import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

/// Every byte of a small ledger flipped, and every length cut: always found, rightly named, and nothing valid lost.
@Suite struct DamageTests {
    /// A ledger with a sealed and an open segment, attachments in both, and if wanted commits that no checkpoint
    /// counts.
    static func make(
        unsigned: Int = 0
    ) throws -> (disk: SnapshotDisk, environment: LedgerEnvironment, path: String, entries: [[UInt8]]) {
        var fixture = try LedgerFixture(seed: 7)
        fixture.options.checkpointIntervalMicroseconds = .max
        let ledger = try fixture.create()
        func append(_ numbers: Range<Int>) throws {
            for number in numbers {
                let samples = ProposedAttachment(
                    role: "samples", mediaType: "x/y", content: [UInt8](repeating: UInt8(number), count: 40),
                    retention: .droppable)
                try fixture.append(
                    ledger,
                    [
                        fixture.event("e\(number)", data: ["n": .integer(number)], attachments: [samples]),
                        fixture.event("f\(number)", in: "migration/other"),
                    ])
            }
        }
        try append(0..<3)
        try ledger.seal()
        try append(3..<5)
        _ = try ledger.checkpoint()
        try append(5..<5 + unsigned)
        let entries = try (0..<ledger.size).map { try ledger.entryBytes(at: $0) }
        let disk = try SnapshotDisk(copying: fixture.path)
        var environment = fixture.environment
        environment.disk = disk
        return (disk, environment, fixture.path, entries)
    }

    private func verify(_ disk: SnapshotDisk, _ environment: LedgerEnvironment, _ path: String) throws -> VerifyReport {
        var environment = environment
        environment.disk = disk
        return try LedgerVerifier.verify(at: path, environment: environment)
    }

    /// How many entries a reader gets, each of them unchanged.
    private func readable(
        _ disk: SnapshotDisk, _ environment: LedgerEnvironment, _ path: String, _ entries: [[UInt8]]
    ) throws -> Int {
        var environment = environment
        environment.disk = disk
        let ledger = try Ledger.open(at: path, access: .readOnly, environment: environment)
        var count = 0
        for (position, entry) in entries.enumerated() {
            guard let bytes = try? ledger.entryBytes(at: UInt64(position)) else { continue }
            #expect(bytes == entry)
            count += 1
        }
        return count
    }

    @Test func intactLedgerIsIntact() throws {
        let (disk, environment, path, entries) = try DamageTests.make(unsigned: 1)
        let report = try verify(disk, environment, path)
        #expect(report.problems.map(\.description) == [])
        #expect(report.verdict == .intact && report.entries == UInt64(entries.count) && report.segments == 2)
        #expect(report.attachments == 6 && report.signedSize == UInt64(entries.count) - 2)
        #expect(try readable(disk, environment, path, entries) == entries.count)
    }

    @Test func everyFlippedByteOfWhatWasSignedIsCorrupt() throws {
        let (disk, environment, path, entries) = try DamageTests.make()
        var flips = 0
        for (name, bytes) in disk.files.sorted(by: { $0.key < $1.key }) where !name.hasSuffix("/lock") {
            for offset in bytes.indices {
                var damaged = disk
                damaged.files[name]?[offset] ^= 1 << UInt8(offset % 8)
                flips += 1
                let report = try verify(damaged, environment, path)
                guard report.verdict == .corrupt else {
                    Issue.record("byte \(offset) of \(name) flipped: \(report.verdict)")
                    continue
                }
                if name.hasSuffix(".segment") {
                    #expect(report.problems.contains { name.hasSuffix($0.segment ?? "-") }, "\(name) \(offset)")
                }
                guard offset % 7 == 0, name.contains("/segments/") else { continue }
                // At most one commit of two entries, or the sealing event, is lost to a reader.
                let count = try readable(damaged, environment, path, entries)
                #expect(count >= entries.count - 2, "\n byte \(offset) of \(name): \(count) entries are left")
            }
        }
        print("flipped \(flips) bytes one by one")
    }

    @Test func everyCutOfWhatWasSignedIsCorrupt() throws {
        let (disk, environment, path, _) = try DamageTests.make()
        for (name, bytes) in disk.files where name.contains("/segments/") {
            for length in 0..<bytes.count {
                var damaged = disk
                damaged.files[name] = Array(bytes[..<length])
                let report = try verify(damaged, environment, path)
                #expect(report.verdict == .corrupt, "\(name) cut to \(length)")
            }
            var damaged = disk
            damaged.files[name] = nil
            #expect(try verify(damaged, environment, path).verdict == .corrupt, "\(name) removed")
        }
    }

    @Test func whatNoCheckpointCountsIsTornByACutAndCorruptByAFlip() throws {
        let (disk, environment, path, entries) = try DamageTests.make(unsigned: 2)
        let signed = try DamageTests.make()
        let name = try #require(disk.files.keys.first { $0.hasSuffix("00000001.segment") })
        let bytes = disk.files[name]!
        let start = signed.disk.files[signed.path + "/segments/00000001.segment"]!.count
        var verdicts: [VerifyReport.Verdict: Int] = [:]
        for length in start..<bytes.count {
            var damaged = disk
            damaged.files[name] = Array(bytes[..<length])
            let report = try verify(damaged, environment, path)
            verdicts[report.verdict, default: 0] += 1
            #expect(report.verdict != .corrupt, "cut to \(length): \(report.problems)")
            #expect(report.entries >= UInt64(signed.entries.count))
            #expect(try readable(damaged, environment, path, entries) == Int(report.entries))
        }
        // At the two commit boundaries nothing is left of the rest but its attachments, which count as torn too.
        #expect(verdicts[.torn] == bytes.count - start)
        for offset in start..<bytes.count {
            var damaged = disk
            damaged.files[name]?[offset] ^= 0x10
            let report = try verify(damaged, environment, path)
            #expect(report.verdict == .corrupt, "byte \(offset) flipped")
        }
    }

    @Test func sectorsThatDidNotReachTheDiskAreTorn() throws {
        let (disk, environment, path, entries) = try DamageTests.make(unsigned: 1)
        let signed = try DamageTests.make()
        let name = try #require(disk.files.keys.first { $0.hasSuffix("00000001.segment") })
        let start = signed.disk.files[signed.path + "/segments/00000001.segment"]!.count
        let bytes = disk.files[name]!
        for sector in (start / 512)...((bytes.count - 1) / 512) {
            var damaged = disk
            for offset in max(start, sector * 512)..<min(bytes.count, (sector + 1) * 512) {
                damaged.files[name]?[offset] = 0
            }
            let report = try verify(damaged, environment, path)
            #expect(report.verdict == .torn)
            #expect(report.entries == UInt64(entries.count) - 2)
        }
    }

    /// A reader takes no lock: a writer may cut a torn tail between its look at the size and its read.
    @Test(arguments: [1, 80, 200, 5000] as [UInt64]) func aFileThatIsCutWhileItIsReadIsNoCrash(_ bytes: UInt64) throws {
        var (disk, environment, path, _) = try DamageTests.make()
        disk.cutBytes = bytes
        environment.disk = disk
        #expect(throws: Never.self) { _ = try? LedgerVerifier.verify(at: path, environment: environment) }
        _ = try? Ledger.open(at: path, access: .readOnly, environment: environment)
    }

    @Test func randomBytesNeverCrash() throws {
        let (disk, environment, path, _) = try DamageTests.make()
        var random = SeededRandom(seed: 99)
        for round in 0..<400 {
            var damaged = disk
            for name in disk.files.keys where name.contains("/segments/") && Bool.random(using: &random) {
                var bytes = random.bytes(count: Int.random(in: 0...600, using: &random))
                if round % 2 == 0 {
                    bytes = Array(disk.files[name]!.prefix(Int.random(in: 0...3000, using: &random))) + bytes
                }
                damaged.files[name] = bytes
            }
            var environment = environment
            environment.disk = damaged
            _ = try? LedgerVerifier.verify(at: path, environment: environment)
            guard let ledger = try? Ledger.open(at: path, access: .readOnly, environment: environment) else { continue }
            try? ledger.forEach(from: 0) { _ in }
        }
    }
}
