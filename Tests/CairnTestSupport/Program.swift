import Foundation

/// Runs a program to its end and keeps what it said.
package struct Program: Sendable {
    package struct Result: Sendable {
        package var status: Int32
        package var output: String
        package var errors: String
    }

    package let path: String

    package init(path: String) { self.path = path }

    /// The `cairn` that was built together with the tests; `CAIRN_BINARY` names another.
    package static let cairn: Program = {
        if let path = ProcessInfo.processInfo.environment["CAIRN_BINARY"] { return Program(path: path) }
        let besideTests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "cairn")
        if FileManager.default.isExecutableFile(atPath: besideTests.path) { return Program(path: besideTests.path) }
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return Program(path: top.appending(path: ".build/debug/cairn").path)
    }()

    /// - Parameters:
    ///   - environment: added to a bare environment with PATH and HOME only, so that no variable of the machine changes
    ///     what a test sees.
    @discardableResult
    package func run(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:], folder: String? = nil
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        var variables = ["NO_COLOR": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"]
        for name in ["PATH", "HOME"] { variables[name] = ProcessInfo.processInfo.environment[name] }
        process.environment = variables.merging(environment) { $1 }
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        // Files, not pipes: a program that says more than a pipe holds would wait for a reader for ever.
        let scratch = try TemporaryFolder("program")
        let output = scratch.file("output")
        let errors = scratch.file("errors")
        let source = scratch.file("input")
        for file in [output, errors] { _ = FileManager.default.createFile(atPath: file, contents: nil) }
        _ = FileManager.default.createFile(atPath: source, contents: Data((input ?? "").utf8))
        process.standardOutput = FileHandle(forWritingAtPath: output)
        process.standardError = FileHandle(forWritingAtPath: errors)
        process.standardInput = FileHandle(forReadingAtPath: source)
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: URL(filePath: errors)), as: UTF8.self))
    }
}
