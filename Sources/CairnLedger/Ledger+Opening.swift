internal import CairnBytes
internal import CairnModel
internal import Synchronization

extension Ledger {
    /// Makes a new ledger in a folder that is not there yet, or empty.
    /// - Parameters:
    ///   - origin: the name of the log in its checkpoints, a URL without a scheme by custom.
    ///   - keyFile: the signing key; made, readable by its owner only, if it is not there. Nil: nothing is signed.
    ///   - continuing: the text of a signed checkpoint of a ledger that was lost or restored; entry 0 will cite it.
    package static func create(
        at path: String, origin: String, keyFile: String?, continuing: String? = nil, environment: LedgerEnvironment,
        options: LedgerOptions = .standard
    ) throws -> Ledger {
        // Read before anything is made, so that a mistyped file is not what entry 0 says for ever, and leaves nothing.
        if let continuing {
            do { _ = try SignedCheckpoint(parsing: Array(continuing.utf8)) } catch {
                throw LedgerError(.invalidEvent, "cannot continue from this checkpoint: \(error)")
            }
        }
        return try mapDiskErrors {
            let key = try keyFile.map { try SigningKey.loadOrMake($0, origin: origin, environment) }
            guard key != nil || VerifierKey.isValid(name: origin) else {
                throw LedgerError(
                    .invalidEvent,
                    "cannot make a ledger: its origin \"\(origin)\" is empty or too long, or has a space or +")
            }
            try makeFolders(path, environment.disk)
            let lockFile = try environment.disk.open(
                "\(path)/lock", .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
            guard try lockFile.tryLock() else {
                throw LedgerError(.lockedBy, "cannot make a ledger at \(path): another process is doing so")
            }
            if try environment.disk.kind(of: "\(path)/\(Format.segmentName(0))") != nil {
                throw LedgerError(
                    .alreadyExists, "cannot make a ledger at \(path): there is one", remedy: "choose another folder")
            }
            let header = SegmentHeader(
                ledgerID: environment.random.bytes(count: Format.ledgerIDBytes), number: 0, firstPosition: 0,
                created: environment.clock.now().microseconds, previousHash: SegmentHeader.noHash, origin: origin,
                verifierKey: key?.verifier.description ?? "", dictionary: PresetDictionary.standard)
            let file = try makeSegment(header, path, environment.disk)
            // The name of the ledger's own folder lasts from here on.
            try environment.disk.syncFolder(path)
            try environment.disk.syncFolder(parentFolder(path))
            var view = LedgerView()
            view.open = OpenSegment(header: header, frontier: TreeFrontier(), lastRecorded: .min, epoch: 0)
            view.openFile = file
            var writer = WriterState()
            writer.lockFile = lockFile
            writer.key = key
            writer.keyFile = keyFile ?? ""
            let ledger = Ledger(
                path: path, access: .readWrite, identity: header.ledgerID, origin: origin, environment: environment,
                options: options, view: view, writer: writer)
            try lockFile.unlock()
            if let continuing { try ledger.appendContinued(continuing) }
            _ = try ledger.checkpoint()
            return ledger
        }
    }

    private func appendContinued(_ text: String) throws {
        try append(
            [
                Append(
                    ledgerEvent(
                        LedgerEventType.continued, id: "continued", data: ["checkpoint": .string(text)]),
                    expected: .none)
            ], actor: Ledger.systemActor)
    }

    static func makeFolders(_ path: String, _ disk: any Disk) throws {
        switch try disk.kind(of: path) {
        case nil: try disk.createFolder(path)
        case .folder: break
        default:
            throw LedgerError(.alreadyExists, "cannot make a ledger at \(path): it is a file")
        }
        let names = try disk.list(path).filter { $0 != "lock" && $0 != "segments" }
        guard names.isEmpty else {
            throw LedgerError(
                .alreadyExists, "cannot make a ledger at \(path): the folder is not empty (\(names.sorted()[0]))",
                remedy: "choose another folder")
        }
        if try disk.kind(of: "\(path)/segments") == nil { try disk.createFolder("\(path)/segments") }
    }

    /// A segment with its header comes into being at once: written and synced under another name, then renamed.
    static func makeSegment(_ header: SegmentHeader, _ path: String, _ disk: any Disk) throws -> any DiskFile {
        let name = "\(path)/\(Format.segmentName(header.number))"
        try writeFile(header.bytes, as: name, disk)
        return try disk.open(name, .readWrite)
    }

    /// Writes a small file under a `.new` name, syncs it, renames it and syncs the folder.
    static func writeFile(
        _ bytes: [UInt8], as name: String, _ disk: any Disk, permissions: UInt16 = DiskOpenMode.ledgerPermissions
    ) throws {
        let newName = name + ".new"
        if try disk.kind(of: newName) != nil { try disk.remove(newName) }
        let file = try disk.open(newName, .createExclusive(permissions: permissions))
        do {
            try file.writeAll(bytes, at: 0)
            try file.sync()
            file.close()
            try disk.rename(newName, to: name)
        } catch {
            file.close()
            try? disk.remove(newName)
            throw error
        }
        try disk.syncFolder(parentFolder(name))
    }

    static func parentFolder(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Opens a ledger. For writing, the rest of an interrupted commit is cut off (its frames and its attachments), an
    /// interrupted removal of content is finished, and any damage is refused; for reading, `problems` lists the damage,
    /// and the rest can be read.
    package static func open(
        at path: String, access: Access, environment: LedgerEnvironment, keyFile: String? = nil,
        options: LedgerOptions = .standard
    ) throws -> Ledger {
        try mapDiskErrors {
            var writer = WriterState()
            if access == .readWrite {
                guard try environment.disk.kind(of: "\(path)/segments") == .folder else {
                    throw notALedger(path)
                }
                writer.lockFile = try environment.disk.open(
                    "\(path)/lock", .readWriteCreate(permissions: DiskOpenMode.ledgerPermissions))
                try waitForLock(writer, path, environment, options)
            }
            defer { if access == .readWrite { try? writer.lockFile?.unlock() } }
            var loader = LedgerLoader(path: path, access: access, environment: environment)
            try loader.load()
            if access == .readWrite {
                if let problem = loader.view.problems.first { throw problem }
                try loader.repair()
                try loader.makeLast()
                try loader.cutAttachments()
            }
            if let keyFile {
                guard let key = try SigningKey.load(keyFile, environment.disk) else {
                    throw LedgerError(.key, "cannot sign checkpoints: there is no key file \(keyFile)")
                }
                if access == .readWrite { try loader.keys?.requireCurrent(key.verifier, of: loader.origin, keyFile) }
                writer.key = key
                writer.keyFile = keyFile
            }
            writer.attachmentsEnd = loader.attachmentsEnd
            writer.attachmentRewrites = loader.attachmentRewrites
            writer.signed = loader.signed
            writer.keys = loader.keys
            let ledger = Ledger(
                path: path, access: access, identity: loader.identity, origin: loader.origin,
                environment: environment, options: options, view: loader.view, writer: writer)
            if access == .readWrite { try ledger.writer.withLock { try ledger.finishRemoval(&$0) } }
            return ledger
        }
    }

    /// The name of the log in its checkpoints and its first verifier key (empty if it was made without), from the first
    /// header alone.
    package static func identification(
        at path: String, environment: LedgerEnvironment
    ) throws -> (origin: String, verifierKey: String) {
        try mapDiskErrors {
            let name = Format.segmentName(0)
            let file: any DiskFile
            do throws(DiskError) { file = try environment.disk.open("\(path)/\(name)", .read) } catch {
                if error.reason == .notFound || error.reason == .notFolder { throw notALedger(path) }
                throw error
            }
            defer { file.close() }
            let bytes = try file.read(at: 0, count: Format.segmentHeaderBytesMax)
            do throws(FormatError) {
                let header = try SegmentHeader(parsing: bytes)
                return (header.origin, header.verifierKey)
            } catch {
                throw LedgerError(
                    .corrupt, "cannot read \(name): \(error.reason)", segment: name, offset: 0, remedy: "run verify")
            }
        }
    }

    static func notALedger(_ path: String) -> LedgerError {
        LedgerError(
            .notALedger, "cannot open \(path): it is not a ledger", remedy: "make one with cairn init, or name another")
    }
}
