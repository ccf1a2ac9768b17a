import ArgumentParser
import CairnBytes
import CairnLedger

/// Which ledger a command works on.
struct LedgerArguments: ParsableArguments {
    @Option(
        name: .customLong("ledger"),
        help: ArgumentHelp("The ledger's folder (default: $CAIRN_LEDGER).", valueName: "dir"))
    var ledgerPath: String?

    func path() throws -> String {
        if let path = ledgerPath ?? Terminal.environment("CAIRN_LEDGER") { return path }
        throw CommandError(
            "cannot tell which ledger is meant",
            remedy: "pass --ledger DIR or set CAIRN_LEDGER; `cairn init --ledger DIR` makes a new one",
            status: ExitStatus.usage)
    }

    func openToRead(command: String) throws -> Ledger {
        try Ledger.open(at: try path(), access: .readOnly, environment: .live(command: "cairn \(command)"))
    }

    /// Opens for appending. With a signing key a checkpoint is signed when the ledger is closed.
    func openToWrite(command: String, key: KeyArguments) throws -> Ledger {
        let path = try path()
        let environment = LedgerEnvironment.live(command: "cairn \(command)")
        let file = try key.existing(for: path)
        if file == nil {
            Terminal.note(
                "note: no signing key is here, so what is recorded is not signed yet; cairn checkpoint signs it")
        }
        do {
            return try Ledger.open(at: path, access: .readWrite, environment: environment, keyFile: file)
        } catch var error as LedgerError where error.code == .key {
            if let file, (try? RealDisk().kind(of: KeyFile.nextPath(of: file))) == .file {
                error.remedy = "cairn key rotate finishes the rotation that left \(KeyFile.nextPath(of: file))"
            }
            throw error
        }
    }
}

/// Where the signing key is.
struct KeyArguments: ParsableArguments {
    @Option(
        name: .customLong("key"),
        help: ArgumentHelp(
            "The file of the signing key (default: $CAIRN_KEY, else below the user's configuration).",
            valueName: "file"))
    var keyPath: String?

    /// The file that was named, by the option or the environment.
    var named: String? { keyPath ?? Terminal.environment("CAIRN_KEY") }

    /// `$XDG_CONFIG_HOME/cairn/keys/ORIGIN.key`, with the bytes of the origin that a file name cannot hold replaced, and
    /// `ORIGIN-2.key` and so on for further ledgers of that origin: two ledgers that one key signs cannot be told apart.
    private static func defaultPath(origin: String, number: Int) -> String? {
        let configuration =
            Terminal.environment("XDG_CONFIG_HOME") ?? Terminal.environment("HOME").map { "\($0)/.config" }
        let name = String(origin.map { $0.isLetter || $0.isNumber || ".-_".contains($0) ? $0 : "_" })
        return configuration.map { "\($0)/cairn/keys/\(name)\(number == 1 ? "" : "-\(number)").key" }
    }

    /// Ledgers of one origin that one user made: more are tests, which name their keys.
    private static let ledgersMax = 10_000

    /// Where the key of a new ledger goes; nil if that cannot be told.
    static func freshPath(origin: String) throws -> String? {
        for number in 1...ledgersMax {
            guard let path = defaultPath(origin: origin, number: number) else { return nil }
            if try RealDisk().kind(of: path) == nil { return path }
        }
        return nil
    }

    /// The key to sign with: the one named, else the ledger's own at the default place if it is there. Nil means that
    /// nothing is signed, as on a machine that records for a ledger whose key is kept elsewhere.
    func existing(for ledger: String) throws -> String? {
        if let named { return named }
        let (origin, firstKey) = try Ledger.identification(at: ledger, environment: .live(command: "cairn"))
        var candidates: [String] = []
        while candidates.count < KeyArguments.ledgersMax,
            let path = KeyArguments.defaultPath(origin: origin, number: candidates.count + 1),
            (try? RealDisk().kind(of: path)) == .file
        {
            candidates.append(path)
        }
        guard candidates.count > 1, let first = try? VerifierKey(firstKey) else { return candidates.first }
        // A rotation keeps the key before beside the file.
        return candidates.first { path in
            (try? KeyFile(path).key?.verifier) == first
                || (try? RealDisk().kind(of: KeyFile.retiredPath(of: path, id: first.idText))) == .file
        } ?? candidates.first
    }
}
