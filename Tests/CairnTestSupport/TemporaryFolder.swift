import Foundation

/// A folder of its own for one test, removed when the test is done.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init(_ name: String = "cairn-test") throws {
        path = FileManager.default.temporaryDirectory.appending(path: "\(name)-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { "\(path)/\(name)" }
}
