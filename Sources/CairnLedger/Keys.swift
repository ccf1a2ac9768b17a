internal import CairnBytes
package import CairnModel
internal import Synchronization

extension SigningKey {
    /// Longest key file: one line of text.
    private static let fileBytesMax: UInt64 = 4096

    /// Nil if there is no such file.
    static func load(_ path: String, _ disk: any Disk) throws -> SigningKey? {
        let bytes: [UInt8]
        do throws(DiskError) { bytes = try disk.open(path, .read).readAll(limit: fileBytesMax) } catch {
            if error.reason == .notFound { return nil }
            throw LedgerError(.key, "cannot read the signing key: \(error)", remedy: "name another with --key")
        }
        let text = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        do throws(NoteError) { return try SigningKey(text) } catch {
            throw LedgerError(.key, "cannot use the signing key \(path): \(error)")
        }
    }

    /// Loads the key, or makes one that only its owner can read.
    static func loadOrMake(_ path: String, origin: String, _ environment: LedgerEnvironment) throws -> SigningKey {
        if let key = try load(path, environment.disk) {
            guard key.verifier.name == origin else {
                throw LedgerError(
                    .key,
                    "cannot use the signing key \(path): it is the key of \(key.verifier.name), and the log is \(origin)",
                    remedy: "name another with --key")
            }
            // Whoever made it may have died before this.
            try environment.disk.syncFolder(Ledger.parentFolder(path))
            return key
        }
        let key: SigningKey
        do throws(NoteError) {
            key = try SigningKey(name: origin, seed: environment.random.bytes(count: 32))
        } catch {
            throw LedgerError(.key, "cannot make a signing key: \(error)")
        }
        try Ledger.writeFile(
            Array((key.secretText + "\n").utf8), as: path, environment.disk,
            permissions: DiskOpenMode.keyPermissions)
        return key
    }
}

/// Which key signs checkpoints of which sizes, as header and rotations say.
package struct KeyHistory: Sendable {
    package struct KeyRange: Sendable, Hashable {
        package var key: VerifierKey
        /// Smallest and largest size of a checkpoint that the key may sign.
        package var from: UInt64
        package var through: UInt64
    }

    package struct Rotation: Sendable {
        package var position: UInt64
        package var note: String
    }

    package private(set) var ranges: [KeyRange] = []
    /// Rotations that do not hold, with the reason.
    package private(set) var refused: [(position: UInt64, reason: String)] = []

    init(first: VerifierKey?, rotations: [Rotation], origin: String, ledgerID: [UInt8]) {
        guard let first else { return }
        ranges = [KeyRange(key: first, from: 0, through: .max)]
        for rotation in rotations {
            do throws(NoteError) {
                let current = ranges[ranges.count - 1].key
                let next = try KeyHistory.next(rotation.note, after: current, origin: origin, ledgerID: ledgerID)
                ranges[ranges.count - 1].through = rotation.position
                ranges.append(KeyRange(key: next, from: rotation.position + 1, through: .max))
            } catch {
                refused.append((rotation.position, error.description))
            }
        }
    }

    /// The key that signs now.
    package var current: VerifierKey? { ranges.last?.key }

    init(of view: borrowing LedgerView, origin: String, ledgerID: [UInt8]) throws {
        let text = view.sealed.first?.header.verifierKey ?? view.open?.header.verifierKey ?? ""
        self.init(
            first: try? VerifierKey(text), rotations: try KeyHistory.rotations(in: view), origin: origin,
            ledgerID: ledgerID)
    }

    /// Refuses a key that may not sign now, and says which may.
    func requireCurrent(_ key: VerifierKey, of origin: String, _ file: String) throws(LedgerError) {
        guard let range = ranges.last else {
            throw LedgerError(
                .key, "cannot sign checkpoints of \(origin) with \(file): the ledger was made without a key",
                remedy: "record without a key, or go on in a new ledger: cairn init --continues CHECKPOINT")
        }
        if range.key == key { return }
        let since = range.from == 0 ? "" : " since position \(range.from - 1)"
        let former = ranges.dropLast().first { $0.key == key }
        let found = former.map { ", which signed up to position \($0.through)" } ?? ", which is none of the ledger's"
        throw LedgerError(
            .key,
            "cannot sign checkpoints of \(origin): key \(range.key.idText) signs them\(since), and \(file) holds key "
                + "\(key.idText)\(found)",
            remedy: "name the file of key \(range.key.idText) with --key or CAIRN_KEY; cairn key show lists the "
                + "ledger's keys")
    }

    /// The key that must sign a checkpoint of a size.
    package func key(at size: UInt64) -> VerifierKey? {
        ranges.last { size >= $0.from && size <= $0.through }?.key
    }

    private static let title = "cairn key rotation v1"

    static func text(origin: String, ledgerID: [UInt8], old: VerifierKey, new: VerifierKey) -> String {
        "\(title)\n\(origin)\n\(Hex.string(ledgerID))\n\(old)\n\(new)\n"
    }

    /// The new key of a rotation that the old and the new key signed.
    private static func next(
        _ text: String, after old: VerifierKey, origin: String, ledgerID: [UInt8]
    ) throws(NoteError) -> VerifierKey {
        let note = try SignedNote(parsing: Array(text.utf8))
        let lines = note.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count == 6 else { throw NoteError(.malformed, what: "key rotation", reason: "it has not 5 lines") }
        let new = try VerifierKey(lines[4])
        guard note.text == KeyHistory.text(origin: origin, ledgerID: ledgerID, old: old, new: new) else {
            throw NoteError(.malformed, what: "key rotation", reason: "it is of another ledger or another key")
        }
        let verified = try note.verify([old, new])
        guard verified.contains(where: { $0.key == old }), verified.contains(where: { $0.key == new }) else {
            throw NoteError(.noKnownSignature, what: "key rotation", reason: "it needs the signatures of both keys")
        }
        return new
    }

    /// The rotations in the log, by position.
    ///
    /// A segment's header names the key of the time when it was made, and no key comes twice: where the next header
    /// names the same key there is no rotation in between, and the segment need not be read.
    private static func rotations(in view: borrowing LedgerView) throws -> [Rotation] {
        var positions: [UInt64] = []
        for (index, segment) in view.sealed.enumerated() {
            let next = index + 1 < view.sealed.count ? view.sealed[index + 1].header : view.open?.header
            if next?.verifierKey == segment.header.verifierKey { continue }
            for entry in try segment.run(of: "ledger/self")?.entries ?? [] {
                positions.append(segment.firstPosition + UInt64(entry))
            }
        }
        if let open = view.open {
            positions += open.special.filter { $0.meaning == .keyRotated }
                .map { open.header.firstPosition + UInt64($0.entry) }
        }
        var rotations: [Rotation] = []
        for position in positions {
            guard let entry = try view.cursor(at: position).frame().entry(at: position) else { continue }
            if let rotation = rotation(entry, position: position) { rotations.append(rotation) }
        }
        return rotations
    }

    static func rotation(_ entry: [UInt8], position: UInt64) -> Rotation? {
        guard let layout = EntryLayout(entry, in: 0..<entry.count),
            entry.has(Array(LedgerEventType.keyRotated.utf8), at: layout.type.lowerBound),
            let value = try? JSONParser.parse(entry).value, let note = value["data"]?["note"]?.string
        else { return nil }
        return Rotation(position: position, note: note)
    }
}

extension Ledger {
    /// Which key signs which sizes, read from the log.
    package func keyHistory() throws -> KeyHistory {
        try mapDiskErrors { try writer.withLock { try keyHistory(&$0) } }
    }

    func keyHistory(_ writer: inout WriterState) throws -> KeyHistory {
        if let keys = writer.keys { return keys }
        let (sealed, open, file) = view.withLock { ($0.sealed, $0.open, $0.openFile) }
        var snapshot = LedgerView()
        snapshot.sealed = sealed
        snapshot.open = open
        snapshot.openFile = file
        let keys = try KeyHistory(of: snapshot, origin: origin, ledgerID: identity)
        writer.keys = keys
        return keys
    }

    /// Goes over to another key, by an event that both keys sign; from the next checkpoint on the new one signs.
    /// - Parameter newKeyFile: made if it is not there.
    @discardableResult
    package func rotateKey(to newKeyFile: String, actor: Actor) throws -> Receipt {
        guard let (old, oldFile) = writer.withLock({ writer in writer.key.map { ($0, writer.keyFile) } }) else {
            throw LedgerError(
                .key, "cannot rotate the key of \(path): it was opened without its present key",
                remedy: "name its file with --key or CAIRN_KEY")
        }
        let new = try mapDiskErrors { try SigningKey.loadOrMake(newKeyFile, origin: origin, environment) }
        // All that was recorded before is signed by the old key.
        _ = try checkpoint()
        // A key that came back would make ranges ambiguous, and whoever retired it had a reason.
        guard try !keyHistory().ranges.contains(where: { $0.key == new.verifier }) else {
            throw LedgerError(
                .key,
                "cannot rotate the key of \(path): \(newKeyFile) holds key \(new.verifier.idText), which the ledger has "
                    + "or had", remedy: "name a file that is not there yet: a new key is made in it")
        }
        var note: SignedNote
        do throws(NoteError) {
            note = try SignedNote(
                text: KeyHistory.text(origin: origin, ledgerID: identity, old: old.verifier, new: new.verifier))
            try note.sign(with: old)
            try note.sign(with: new)
        } catch {
            throw LedgerError(.key, "cannot rotate the key: \(error)")
        }
        let event = ledgerEvent(
            LedgerEventType.keyRotated, id: randomID(),
            data: ["note": .string(String(decoding: note.bytes, as: UTF8.self))])
        // Between the event and the change of key nobody else may sign: the commit itself may not.
        writer.withLock { $0.key = nil }
        let receipt: Receipt
        do { receipt = try append([Append(event)], actor: actor)[0] } catch {
            writer.withLock { writer in
                writer.key = old
                writer.keyFile = oldFile
            }
            throw error
        }
        writer.withLock { writer in
            writer.key = new
            writer.keyFile = newKeyFile
        }
        do { _ = try checkpoint() } catch let error as LedgerError {
            throw LedgerError(
                error.code,
                "cannot sign with the new key yet: \(error.message); the rotation is recorded at position "
                    + "\(receipt.position)", segment: error.segment,
                remedy: "name \(newKeyFile) with --key from now on; the next checkpoint is signed with it")
        }
        return receipt
    }
}
