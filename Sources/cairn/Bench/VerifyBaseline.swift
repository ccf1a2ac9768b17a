import CairnBytes
import CairnLedger
import Crypto
import Synchronization

/// What no verifier can do without: inflate every frame, with zlib, and take the SHA-256 of every entry, on all cores.
/// The frames are in memory already, and one buffer is used for all of a thread's.
struct VerifyBaseline {
    private struct Frame {
        var file: Int
        var stored: Range<Int>
        var rawCount: Int
        var isPlain: Bool
    }

    private let files: [[UInt8]]
    private let frames: [Frame]
    private let dictionaries: [[UInt8]]

    /// Walks the frames of the segments as FORMAT.md draws them.
    init(segments folder: String, disk: RealDisk) throws {
        var files: [[UInt8]] = []
        var frames: [Frame] = []
        var dictionaries: [[UInt8]] = []
        for name in try disk.list(folder).sorted() where name.hasSuffix(".segment") {
            let file = try disk.open("\(folder)/\(name)", .read)
            let bytes = try file.readAll(limit: 1 << 30)
            file.close()
            func integer(_ offset: Int, _ size: Int) -> Int {
                (0..<size).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
            }
            let dictionaryStart = 92 + integer(84, 2) + integer(86, 2)
            dictionaries.append(Array(bytes[dictionaryStart..<dictionaryStart + integer(88, 4)]))
            var offset = integer(12, 4)
            while offset + 80 <= bytes.count {
                let stored = integer(offset + 28, 4)
                if bytes[offset + 9] == 1 {
                    frames.append(
                        Frame(
                            file: files.count, stored: offset + 76..<offset + 76 + stored,
                            rawCount: integer(offset + 32, 4), isPlain: bytes[offset + 10] & 4 != 0))
                }
                offset += 80 + stored
            }
            files.append(bytes)
        }
        self.files = files
        self.frames = frames
        self.dictionaries = dictionaries
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)

        func next() -> Int { value.add(1, ordering: .relaxed).oldValue }
    }

    func run() {
        let counter = Counter()
        WorkerThread.run(Cores.count) { _ in
            let size = frames.map(\.rawCount).max() ?? 0
            let buffer = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, size))
            defer { unsafe buffer.deallocate() }
            while true {
                let index = counter.next()
                guard index < frames.count else { return }
                unsafe inflateAndHash(frames[index], buffer)
            }
        }
    }

    private func inflateAndHash(_ frame: Frame, _ buffer: UnsafeMutableBufferPointer<UInt8>) {
        let stored = files[frame.file][frame.stored]
        let content = unsafe UnsafeMutableBufferPointer(rebasing: buffer[..<frame.rawCount])
        if frame.isPlain {
            _ = unsafe content.update(fromContentsOf: stored)
        } else {
            var stream = InflateStream(
                container: .zlib, dictionary: dictionaries[frame.file], limit: frame.rawCount)
            var place = 0
            var written = 0
            try? unsafe stream.read(stored.span, at: &place, into: content, written: &written)
        }
        var offset = 0
        while offset + 2 <= content.count {
            let length = unsafe Int(content[offset]) << 8 | Int(content[offset + 1])
            let entry = unsafe UnsafeRawBufferPointer(
                rebasing: UnsafeRawBufferPointer(content)[offset + 1..<offset + 2 + length])
            // The byte before the entry stands for the prefix of a leaf: as many bytes are hashed.
            var hash = SHA256()
            unsafe hash.update(bufferPointer: entry)
            _ = hash.finalize()
            offset += 2 + length
        }
    }
}
