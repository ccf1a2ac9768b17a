import CairnBytes
import CairnLedger
import CairnModel
import CairnTestSupport
import Testing

/// Content read in parts, and content that another attachment stands for.
@Suite struct AttachmentPartTests {
    @Test(arguments: [false, true]) func readsPartsOfContent(_ isStoredAsIs: Bool) throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        // Compresses well, so that only the wish to keep it as it is keeps it so.
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 700) }
        var event = fixture.event("1")
        event.attachments = [
            ProposedAttachment(
                role: "bulk", mediaType: "application/octet-stream", content: content, retention: .droppable,
                isStoredAsIs: isStoredAsIs)
        ]
        try fixture.append(ledger, [event])
        let reference = try ledger.event(at: 0).attachments[0]
        #expect(try ledger.content(of: reference) == .present(content))
        for range in [0..<0, 0..<1, 99_999..<100_000, 500..<70_000, 99_000..<200_000, 300_000..<300_001] {
            let expected = Array(content[range.clamped(to: 0..<content.count)])
            #expect(try ledger.content(of: reference, bytes: range) == .present(expected), "\(range)")
        }
        let size = try RealDisk().open("\(fixture.path)/segments/00000000.attachments", .read).size()
        #expect((size > 100_000) == isStoredAsIs)
        let receipts = try ledger.remove(
            [
                Removal(
                    digest: reference.digest, kind: .dropped, reason: "a window has it", approvedBy: "bob",
                    replacedBy: [0xAB, 0xCD])
            ], actor: fixture.actor)
        #expect(try ledger.content(of: reference, bytes: 5..<9) == .gone(by: receipts[0].position))
        #expect(try ledger.event(at: receipts[0].position).data["replacement"]?.string == "abcd")
    }
}
