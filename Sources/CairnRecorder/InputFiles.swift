package import CairnLedger

/// One regular file to import.
package struct InputFile: Sendable, Hashable {
    package var path: String
    package var bytes: UInt64
    /// The first folder below the path that was named; nil for a file that lies directly there, or was named itself.
    package var firstFolder: String?
}

/// Why a path cannot be imported.
package struct InputError: Error, Sendable, Hashable, CustomStringConvertible {
    package var path: String
    package var message: String
    package var remedy: String?
    /// The path can be read and has nothing for this command.
    package var isNothingThere = false

    package var description: String { remedy.map { "\(message); \($0)" } ?? message }
}

/// Finds the files that a command names: files as they are, folders with everything below them.
package enum InputFiles {
    /// More files than this in one command is a wrong path (`/`), not an import.
    package static let filesMax = 2_000_000
    /// Deeper folders than this are a loop of links.
    package static let depthMax = 64

    /// - Returns: the files in the order of their paths, each once, so that an import does not depend on the order in
    ///   which a file system lists them. Files below a folder whose names begin with `.` or `_` are left out, as are
    ///   `labels.json`, `README.md` and the like where `accepts` says so; a file that is named itself never is.
    package static func find(
        _ paths: [String], disk: any Disk, accepts: (String) -> Bool = { _ in true }
    ) throws -> [InputFile] {
        var files: [String: InputFile] = [:]
        for path in paths {
            switch try kind(path, disk) {
            case .file: files[path] = InputFile(path: path, bytes: try size(path, disk))
            case .folder: try walk(path, depth: 0, firstFolder: nil, disk, accepts, &files)
            case .other:
                throw InputError(
                    path: path, message: "cannot import \(path): it is a device, pipe or socket",
                    remedy: "write its content to a file first")
            case nil:
                throw InputError(path: path, message: "cannot import \(path): there is no such file or folder")
            }
        }
        return files.values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    private static func kind(_ path: String, _ disk: any Disk) throws -> DiskEntryKind? {
        do throws(DiskError) { return try disk.kind(of: path) } catch {
            throw InputError(path: path, message: "cannot import \(path): \(error.reasonText)")
        }
    }

    private static func size(_ path: String, _ disk: any Disk) throws -> UInt64 {
        do throws(DiskError) {
            let file = try disk.open(path, .read)
            defer { file.close() }
            return try file.size()
        } catch {
            throw InputError(path: path, message: "cannot import \(path): \(error.reasonText)")
        }
    }

    private static func walk(
        _ folder: String, depth: Int, firstFolder: String?, _ disk: any Disk, _ accepts: (String) -> Bool,
        _ files: inout [String: InputFile]
    ) throws {
        guard depth <= depthMax else {
            throw InputError(path: folder, message: "cannot import \(folder): more than \(depthMax) folders deep")
        }
        let names: [String]
        do throws(DiskError) { names = try disk.list(folder) } catch {
            throw InputError(path: folder, message: "cannot list \(folder): \(error.reasonText)")
        }
        // What a ledger keeps is no input: its rejects would be set aside again and again.
        if names.contains("checkpoint"), names.contains("segments") { return }
        for name in names where !name.hasPrefix(".") && !name.hasPrefix("_") {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            switch try kind(path, disk) {
            case .file where accepts(name):
                guard files.count < filesMax else {
                    throw InputError(
                        path: folder, message: "cannot import \(folder): more than \(filesMax) files below it",
                        remedy: "name a smaller folder")
                }
                files[path] = InputFile(path: path, bytes: try size(path, disk), firstFolder: firstFolder)
            // Links may go round in circles, and what they lead to has a name of its own.
            case .folder where !disk.isLink(path):
                try walk(path, depth: depth + 1, firstFolder: firstFolder ?? name, disk, accepts, &files)
            default: continue
            }
        }
    }
}
