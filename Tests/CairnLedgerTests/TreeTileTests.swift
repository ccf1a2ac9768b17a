import CairnLedger
import CairnTestSupport
import Foundation
import Testing

@Suite struct TreeTileTests {
    @Test func pathsAreThoseOfTheSpecification() throws {
        for (tile, path) in [
            (Tile(kind: .hashes(level: 0), index: 1_234_067), "tile/0/x001/x234/067"),
            (Tile(kind: .hashes(level: 1), index: 0, width: 1), "tile/1/000.p/1"),
            (Tile(kind: .entries, index: 273, width: 112), "tile/entries/273.p/112"),
            (Tile(kind: .entries, index: 1000), "tile/entries/x001/000"),
            (
                Tile(kind: .hashes(level: 7), index: UInt64.max, width: 255),
                "tile/7/x018/x446/x744/x073/x709/x551/615.p/255"
            ),
        ] {
            #expect(tile.path == path)
            #expect(Tile(path: path) == tile)
        }
        for bad in [
            "", "tile", "tile/0", "tile/8/000", "tile/00/000", "tile/0/0", "tile/0/1000", "tile/0/x000/001",
            "tile/0/001/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p", "tile/0/x001",
            "tile/data/000", "tile/0/000/", "/tile/0/000", "tile/0/x018/x446/x744/x073/x709/x551/616", "tile/0/+01",
        ] {
            #expect(Tile(path: bad) == nil, "\(bad)")
        }
    }

    @Test func aTreeHasTheTilesOfItsSize() {
        func tiles(_ size: UInt64) -> [String] {
            var paths: [String] = []
            Tile.forEach(to: size) { paths.append($0.path) }
            return paths
        }
        #expect(tiles(0) == [])
        #expect(tiles(256) == ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"])
        let large = tiles(70_000)
        #expect(large.filter { $0.hasPrefix("tile/0/") }.count == 274)
        #expect(large.contains("tile/0/273.p/112"))
        #expect(large.filter { $0.hasPrefix("tile/1/") } == ["tile/1/000", "tile/1/001.p/17"])
        #expect(large.filter { $0.hasPrefix("tile/2/") } == ["tile/2/000.p/1"])
        var added: [String] = []
        Tile.forEach(from: 255, to: 257) { added.append($0.path) }
        #expect(
            added == [
                "tile/0/000", "tile/entries/000", "tile/0/001.p/1", "tile/entries/001.p/1", "tile/1/000.p/1",
            ])
    }

    @Test func bundlesAreCountedExactly() {
        var bundle: [UInt8] = []
        let entries: [[UInt8]] = [[], [1, 2, 3], [UInt8](repeating: 9, count: EntryBundle.entryBytesMax)]
        for entry in entries { EntryBundle.append(entry, to: &bundle) }
        #expect(EntryBundle.entries(bundle, width: 3) == entries)
        #expect(EntryBundle.entries(bundle, width: 2) == nil)
        #expect(EntryBundle.entries(bundle, width: 4) == nil)
        #expect(EntryBundle.entries(Array(bundle.dropLast()), width: 3) == nil)
        #expect(EntryBundle.entries(bundle + [0], width: 3) == nil)
        #expect(EntryBundle.entries([], width: 0) == [])
    }

    /// Exports a log and lets the checker in `tools`, which shares no code with this module, look at it.
    @Test(arguments: [0, 1, 255, 256, 257, 65_535, 65_536, 70_000] as [UInt64])
    func anExportedLogIsIntactToAnotherProgram(size: UInt64) throws {
        let folder = try TemporaryFolder("static-log")
        let files = try export(size: size)
        for (path, bytes) in files { try write(bytes, to: folder.file(path)) }
        #expect(try check(folder) == 0)
        #expect(files["tile/1/000.p/1"] != nil || size < 256 || size > 511)
        guard size > 0, size < 1000 else { return }
        // The checker does find what is wrong.
        var random = SeededRandom(seed: size)
        for path in files.keys.sorted() {
            guard var bytes = files[path], let place = bytes.indices.randomElement(using: &random) else { continue }
            bytes[place] ^= 1
            try write(bytes, to: folder.file(path))
            #expect(try check(folder) == 1, "byte \(place) of \(path)")
            try FileManager.default.removeItem(atPath: folder.file(path))
            #expect(try check(folder) == 1, "without \(path)")
            try write(files[path] ?? [], to: folder.file(path))
        }
    }

    @Test func anExportSaysWhatItCannotDo() throws {
        let key = try SigningKey(name: "log.example", seed: [UInt8](repeating: 7, count: 32))
        let signed = try SignedCheckpoint(
            Checkpoint(origin: "log.example", size: 1, root: TreeHasher.leaf([1])), signedWith: key)
        var written: [String] = []
        #expect(throws: StaticLog.Failure.entryTooLong(index: 0, byteCount: 65_536)) {
            try StaticLog.export(
                checkpoint: signed, keys: [key.verifier], entry: { _ in [UInt8](repeating: 0, count: 65_536) },
                write: { path, _ in written.append(path) })
        }
        #expect(throws: StaticLog.Failure.self) {
            try StaticLog.export(
                checkpoint: signed, keys: [key.verifier], entry: { _ in [2] },
                write: { path, _ in written.append(path) })
        }
        #expect(!written.contains("checkpoint"))
    }

    private func export(size: UInt64) throws -> [String: [UInt8]] {
        let key = try SigningKey(name: "log.example/export", seed: [UInt8](repeating: 7, count: 32))
        func entry(_ position: UInt64) -> [UInt8] { Array("entry \(position)".utf8) }
        var frontier = TreeFrontier()
        for position in 0..<size { frontier.append(TreeHasher.leaf(entry(position))) }
        let checkpoint = Checkpoint(origin: "log.example/export", size: size, root: frontier.root)
        var files: [String: [UInt8]] = [:]
        try StaticLog.export(
            checkpoint: SignedCheckpoint(checkpoint, signedWith: key), keys: [key.verifier],
            entry: { entry($0) },
            write: { path, bytes in
                #expect(files[path] == nil, "\(path) is written twice")
                #expect(files["checkpoint"] == nil, "the checkpoint comes last")
                files[path] = bytes
            })
        return files
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    /// A proof on paper, so to say: checked by `tools/verify_proof.py`, which shares no code with this module either.
    @Test func aProofFileIsGoodToAnotherProgram() throws {
        let key = try SigningKey(name: "log.example", seed: [UInt8](repeating: 7, count: 32))
        let entries = (0..<300).map { Array("entry \($0)".utf8) }
        let tree = HashTree(leaves: entries.map { TreeHasher.leaf($0) })
        let checkpoint = try SignedCheckpoint(
            Checkpoint(origin: "log.example", size: 300, root: tree.root), signedWith: key)
        let folder = try TemporaryFolder("proof")
        try write(entries[257], to: folder.file("entry"))
        for (index, extra) in [(257, nil), (257, [1, 2]), (256, nil)] as [(UInt64, [UInt8]?)] {
            let proof = ProofFile(
                index: index, hashes: try tree.inclusionProof(index: index, size: 300), checkpoint: checkpoint,
                extra: extra)
            try write(proof.bytes, to: folder.file("proof"))
            let arguments = [folder.file("proof"), folder.file("entry"), key.verifier.description]
            let code = try run("verify_proof.py", arguments)
            guard code != 69 else {
                print("skipped: Python has no module cryptography")
                return
            }
            #expect(code == (index == 257 ? 0 : 1))
            let other = try SigningKey(name: "log.example", seed: [UInt8](repeating: 8, count: 32))
            #expect(try run("verify_proof.py", Array(arguments.dropLast()) + [other.verifier.description]) == 1)
        }
    }

    private func check(_ folder: TemporaryFolder) throws -> Int32 { try run("check_static_log.py", [folder.path]) }

    private func run(_ tool: String, _ arguments: [String]) throws -> Int32 {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..").standardized
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", root.appending(path: "tools/\(tool)").path] + arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
