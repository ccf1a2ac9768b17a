import CairnBytes
import Synchronization
import Testing

@Suite("Threads") struct WorkerThreadTests {
    @Test func everyIndexRunsOnce() {
        let seen = Mutex<[Int]>([])
        WorkerThread.run(5) { index in seen.withLock { $0.append(index) } }
        #expect(seen.withLock { $0.sorted() } == [0, 1, 2, 3, 4])
        WorkerThread.run(0) { _ in Issue.record("nothing was to run") }
    }

    @Test func joinWaits() {
        let sum = Atomic<Int>(0)
        let thread = WorkerThread { for _ in 0..<100_000 { sum.add(1, ordering: .relaxed) } }
        thread.join()
        #expect(sum.load(ordering: .relaxed) == 100_000)
    }
}

@Suite("Inflating into memory") struct InflateIntoTests {
    /// Inflates with an output of `room` bytes and input in pieces.
    private func inflate(_ bytes: [UInt8], piece: Int, room: Int, limit: Int = 1 << 30) throws -> [UInt8] {
        var stream = InflateStream(container: .gzip, limit: limit)
        var result: [UInt8] = []
        var memory = [UInt8](repeating: 0, count: room)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let input = Array(bytes[start..<min(bytes.count, start + piece)])
            var position = 0
            var written = 0
            repeat {
                try unsafe memory.withUnsafeMutableBufferPointer { output throws(InflateError) in
                    try unsafe stream.read(input.span, at: &position, into: output, written: &written)
                }
                result += memory[..<written]
            } while position < input.count || written == room
        }
        let isFinished = stream.isFinished
        #expect(isFinished)
        return result
    }

    @Test(arguments: [1, 7, 100, 1 << 20]) func sameBytes(piece: Int) throws {
        let content = (0..<20_000).flatMap { Array("\($0 % 977) words \($0 * $0)\n".utf8) }
        let packed = Deflate.compress(content, container: .gzip)
        // Two members are one content.
        for room in [1000, 65_536, 1 << 20] {
            #expect(try inflate(packed + packed, piece: piece, room: room) == content + content)
        }
    }

    @Test func limitAndDamage() throws {
        let content = [UInt8](repeating: 65, count: 10_000)
        var packed = Deflate.compress(content, container: .gzip)
        #expect(throws: InflateError.tooLarge(limit: 9999)) {
            try inflate(packed, piece: 1000, room: 4096, limit: 9999)
        }
        #expect(try inflate(packed, piece: 1000, room: 4096, limit: 10_000) == content)
        packed[packed.count - 6] ^= 1
        #expect(throws: InflateError.self) { try inflate(packed, piece: 1000, room: 4096) }
    }
}
