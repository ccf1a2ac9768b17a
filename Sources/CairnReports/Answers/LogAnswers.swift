internal import CairnBytes
package import CairnLedger
package import CairnModel
internal import CairnRecorder
package import CairnWeb

/// What the log says of itself: is it intact, who signs it, what proves an entry, does the evidence still say the same.
package enum LogAnswers {
    /// - Parameters:
    ///   - against: checkpoints that were kept, which the ledger must contain.
    package static func verify(
        at path: String, environment: LedgerEnvironment, vkey: VerifierKey?, against: [SignedCheckpoint]
    ) throws -> Answered {
        let report = try LedgerVerifier.verify(at: path, environment: environment, vkey: vkey, against: against)
        var notes = report.torn.map { "unfinished: \($0.file) from byte \($0.offset) on: \($0.reason)" }
        for problem in report.problems {
            notes.append(problem.description)
            guard problem.code == .fork else { continue }
            notes += against.map { String(decoding: $0.bytes, as: UTF8.self) }
            if let own = try? Ledger.open(at: path, access: .readOnly, environment: environment).checkpoint() {
                notes.append(String(decoding: own.bytes, as: UTF8.self))
            }
        }
        if vkey == nil, report.signedSize != nil {
            notes.append(
                "note: no --vkey was given, so this shows that the ledger is intact, not that it is the one you mean")
        }
        if let signed = report.signedSize, signed < report.entries {
            notes.append(
                "note: entries \(signed) to \(report.entries - 1) came after the last checkpoint: no signature covers "
                    + "them")
        }
        var table = Table.ofOne([
            ("verdict", .text(report.verdict.rawValue)), ("origin", .text(report.origin)),
            ("ledger_id", .text(Hex.string(report.ledgerID))), ("entries", .integer(report.entries)),
            ("signed_entries", .optional(report.signedSize)), ("root", .text(report.root)),
            ("segments", .integer(report.segments)), ("frames", .integer(report.frames)),
            ("streams", .integer(report.streams)), ("attachments", .integer(report.attachments)),
            ("gone_attachments", .integer(report.goneAttachments)),
            ("bytes", .integer(report.segmentBytes + report.attachmentBytes)),
            ("problems", .integer(report.problems.count)), ("torn", .integer(report.torn.count)),
            ("notes", .json(.array(notes.map { .string($0) }))),
        ])
        table.columns[table.columns.count - 1].isForMachines = true
        // A torn tail was never acknowledged, and the next writer cuts it off.
        return Answered(table, report.verdict == .corrupt ? .finding : .fine, notes: notes)
    }

    /// A verifier key as text.
    package static func verifierKey(_ text: String) throws -> VerifierKey {
        var text = text
        while text.last?.isWhitespace == true { text.removeLast() }
        do { return try VerifierKey(text) } catch {
            throw QuestionError(.question, "cannot use the verifier key (vkey): \(error)")
        }
    }

    /// A checkpoint that was kept.
    /// - Parameter place: what it is called in an error: a file.
    package static func checkpoint(_ text: String, from place: String) throws -> SignedCheckpoint {
        do { return try SignedCheckpoint(parsing: Array(text.utf8)) } catch {
            throw QuestionError(.nothingThere, "cannot use the checkpoint \(place): \(error)")
        }
    }

    /// Every finding, gate decision, violation and last analysis computed again.
    /// - Parameter stream: only what this stream records, and of analyses all; nil: everything.
    package static func rejudged(_ ledger: Ledger, stream: StreamName? = nil) throws -> Answered {
        let verdicts = try Rejudgement.run(ledger, stream: stream)
        let table = Table(
            columns: ["finding", "position", "same", "difference"].map { Table.Column($0) },
            rows: verdicts.map {
                [
                    .text($0.finding), .integer($0.position),
                    $0.isChecked ? .boolean($0.difference == nil) : .missing, .optional($0.difference),
                ]
            })
        return Answered(table, verdicts.contains { $0.isChecked && $0.difference != nil } ? .finding : .fine)
    }

    /// One row for each key that the log has had.
    /// - Parameters:
    ///   - here: the key whose private half is here, and the file that holds it.
    package static func keys(_ ledger: Ledger, here: VerifierKey?, file: String?) throws -> CairnWeb.Table {
        Table(
            columns: ["key_id", "first_size", "last_size", "signing_key", "verifier_key"].map { Table.Column($0) },
            rows: try ledger.keyHistory().ranges.map { range in
                [
                    .text(range.key.idText), .integer(range.from),
                    range.through == .max ? .missing : .integer(range.through),
                    .optional(range.key == here ? file : nil), .text(range.key.description),
                ]
            })
    }

    /// The signed head of the log, with the folder that it was exported to.
    package static func table(_ checkpoint: SignedCheckpoint, export: String?) -> CairnWeb.Table {
        let head = checkpoint.checkpoint
        return .ofOne([
            ("origin", .text(head.origin)), ("entries", .integer(head.size)), ("root", .text("\(head.root)")),
            ("checkpoint", .text(String(decoding: checkpoint.bytes, as: UTF8.self))), ("export", .optional(export)),
        ])
    }

    package static func table(_ proof: ProofFile, of position: UInt64) -> CairnWeb.Table {
        let head = proof.checkpoint.checkpoint
        return .ofOne([
            ("position", .integer(position)), ("origin", .text(head.origin)), ("entries", .integer(head.size)),
            ("root", .text("\(head.root)")),
            ("hashes", .json(.array(proof.hashes.map { .string("\($0)") }))),
            ("proof", .text(String(decoding: proof.bytes, as: UTF8.self))),
        ])
    }
}
