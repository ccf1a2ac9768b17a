import CairnTestSupport
import Foundation

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A `cairn` that runs while the test goes on, reads from a file and answers into a pipe.
final class RunningProgram {
    private let process = Process()
    private let pipe = Pipe()
    private var buffer = Data()
    let errorFile: String

    init(_ arguments: [String], on ledger: ScratchLedger, inputFile: String, errorFile: String) throws {
        self.errorFile = errorFile
        process.executableURL = URL(filePath: Program.cairn.path)
        process.arguments = arguments
        process.environment = ledger.environment.merging(["PATH": "/usr/bin:/bin", "TZ": "UTC"]) { $1 }
        process.standardInput = FileHandle(forReadingAtPath: inputFile)
        _ = FileManager.default.createFile(atPath: errorFile, contents: nil)
        process.standardError = FileHandle(forWritingAtPath: errorFile)
        process.standardOutput = pipe
        try process.run()
    }

    /// The next whole line of output; nil at the end. What is left without a line break is no answer.
    func nextLine() -> String? {
        while true {
            if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[buffer.startIndex..<end], as: UTF8.self)
                buffer = buffer.suffix(from: buffer.index(after: end))
                return line
            }
            let more = pipe.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            buffer.append(more)
        }
    }

    /// `kill -9`: the process gets no chance to do anything.
    func kill() { _ = sendSignal(process.processIdentifier, SIGKILL) }

    func wait() -> Int32 {
        process.waitUntilExit()
        return process.terminationStatus
    }

    var errors: String { (try? String(contentsOfFile: errorFile, encoding: .utf8)) ?? "" }
}

/// The method above has the name of the C function.
private func sendSignal(_ process: pid_t, _ signal: Int32) -> Int32 { kill(process, signal) }
