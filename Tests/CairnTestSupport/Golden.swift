import Foundation
package import Testing

/// Compares text or bytes with a file beside the tests; `UPDATE_GOLDEN=1` writes the file instead.
package enum Golden {
    package static func expect(
        _ actual: String, matches name: String, in folder: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expect(Array(actual.utf8), matches: name, in: folder, sourceLocation: sourceLocation)
    }

    /// - Parameters:
    ///   - name: the file, below `Golden` in the folder of the tests.
    ///   - folder: the folder of the tests: pass `#filePath` and its last part is dropped.
    package static func expect(
        _ actual: [UInt8], matches name: String, in folder: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = file(name, in: folder)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(actual).write(to: file)
            return
        }
        guard let expected = try? Data(contentsOf: file) else {
            Issue.record(
                "there is no golden file \(name); run with UPDATE_GOLDEN=1 and look at it",
                sourceLocation: sourceLocation)
            return
        }
        guard Array(expected) != actual else { return }
        Issue.record("\(name) differs: \(difference(Array(expected), actual))", sourceLocation: sourceLocation)
    }

    /// The bytes of such a file.
    package static func read(_ name: String, in folder: String) throws -> [UInt8] {
        Array(try Data(contentsOf: file(name, in: folder)))
    }

    private static func file(_ name: String, in folder: String) -> URL {
        URL(filePath: folder).deletingLastPathComponent().appending(path: "Golden/\(name)")
    }

    private static func difference(_ expected: [UInt8], _ actual: [UInt8]) -> String {
        let offset =
            zip(expected, actual).enumerated().first { $1.0 != $1.1 }?.offset ?? min(expected.count, actual.count)
        func around(_ bytes: [UInt8]) -> String {
            let part = bytes[max(0, min(bytes.count, offset) - 60)..<min(bytes.count, offset + 60)]
            return String(decoding: part, as: UTF8.self)
        }
        return "at byte \(offset)\nexpected …\(around(expected))…\nactual   …\(around(actual))…"
    }
}
