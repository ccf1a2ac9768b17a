import CairnWeb
import Foundation
import SystemPackage

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard output for machines and standard error for people, with progress only where a person watches.
enum Terminal {
    /// Writes bytes to standard output; a reader that went away (`| head`) ends the process quietly, as it does for
    /// every Unix tool.
    static func write(_ bytes: [UInt8]) throws {
        try unsafe bytes.withUnsafeBufferPointer { try unsafe write($0) }
    }

    static func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
        do {
            try unsafe FileDescriptor.standardOutput.writeAll(UnsafeRawBufferPointer(bytes))
        } catch Errno.brokenPipe {
            exit(0)
        } catch {
            throw CommandError("cannot write to standard output: \(error)")
        }
    }

    static func write(_ text: String) throws { try write(Array(text.utf8)) }

    static func line(_ text: String) throws { try write(Array(text.utf8) + [UInt8(ascii: "\n")]) }

    /// A line for people, on standard error. It may quote names from outside, which get no power over the terminal; line
    /// breaks stay.
    static func note(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { PlainText.visible(String($0)) }
        let visible = lines.joined(separator: "\n")
        _ = try? FileDescriptor.standardError.writeAll(Array("\(clearOfProgress)\(visible)\n".utf8))
    }

    static var isErrorTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Erases a progress line before something else is written over it.
    private static var clearOfProgress: String { isErrorTerminal ? "\r\u{1B}[K" : "" }

    /// Rewrites one line on a terminal; nothing at all elsewhere.
    static func progress(_ text: String) {
        guard isErrorTerminal else { return }
        _ = try? FileDescriptor.standardError.writeAll(Array("\r\u{1B}[K\(text)".utf8))
    }

    static func endProgress() { progress("") }

    static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// All variables whose names begin so.
    static func environment(prefix: String) -> [String: String] {
        var found: [String: String] = [:]
        for (name, value) in ProcessInfo.processInfo.environment where name.hasPrefix(prefix) && !value.isEmpty {
            found[name] = value
        }
        return found
    }
}
