import ArgumentParser

/// The exit codes that scripts depend on (sysexits where one fits).
enum ExitStatus {
    /// A finding, a failed gate, or a ledger that is not intact.
    static let finding = ExitCode(1)
    /// Undecided: the data does not suffice for a verdict.
    static let undecided = ExitCode(2)
    /// A wrong command line.
    static let usage = ExitCode(64)
    /// Nothing usable in the data, or any reject under `--strict`.
    static let data = ExitCode(65)
    /// Something outside failed: a file, a disk, a lock.
    static let inputOutput = ExitCode(74)
}

/// An error for people: one sentence that begins with "cannot", and what to do.
struct CommandError: Error, CustomStringConvertible {
    var message: String
    var remedy: String?
    var status: ExitCode

    init(_ message: String, remedy: String? = nil, status: ExitCode = ExitStatus.inputOutput) {
        self.message = message
        self.remedy = remedy
        self.status = status
    }

    var description: String { remedy.map { "\(message)\n  \($0)" } ?? message }
}
