import CairnBytes
import CairnLedger
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads bodies within their limits: bytes, time, and room in memory over all calls.
struct BodyReader: Sendable {
    /// A body that takes longer comes from a sender that keeps connections busy, by mistake or on purpose.
    static let secondsMax: UInt64 = 120

    let budget: BodyBudget
    let pool: BlockingPool
    let clock: any WallClock

    /// The body as it came, and the room it took, which the caller gives back.
    /// - Throws: `Problem` with 408, 413 or 503; room is given back then.
    func read(_ request: Request, bytesMax: Int) async throws -> (bytes: [UInt8], taken: Int) {
        let announced = request.headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > bytesMax { throw BodyReader.tooLarge(bytesMax) }
        let start = clock.monotonicMicroseconds()
        var bytes: [UInt8] = []
        var taken = 0
        func take(_ count: Int) throws {
            guard budget.take(count) else { throw BodyReader.noRoom }
            taken += count
        }
        do {
            if let announced {
                try take(announced)
                bytes.reserveCapacity(announced)
            }
            for try await chunk in request.body {
                guard bytes.count + chunk.readableBytes <= bytesMax else { throw BodyReader.tooLarge(bytesMax) }
                if bytes.count + chunk.readableBytes > taken { try take(bytes.count + chunk.readableBytes - taken) }
                bytes.append(contentsOf: chunk.readableBytesView)
                guard clock.monotonicMicroseconds() - start < BodyReader.secondsMax * 1_000_000 else {
                    throw Problem(
                        .requestTimeout, "too-slow",
                        "cannot wait longer for the body: \(BodyReader.secondsMax) s are over")
                }
            }
        } catch {
            budget.give(back: taken)
            throw error
        }
        return (bytes, taken)
    }

    /// Undoes `Content-Encoding`, and takes room for what comes out as it comes: a small body that grows to a large one
    /// meets the same bound as one that was large from the start.
    /// - Parameter taken: the room that the body has, and has afterwards, also when this throws.
    /// - Throws: `Problem` with 400 for bytes that are no such encoding, 413 over the limit, 415 for one not known, 503
    ///   where there is no room.
    func decoded(_ bytes: [UInt8], _ encoding: String, bytesMax: Int, taken: inout Int) async throws -> [UInt8] {
        switch encoding.lowercased() {
        case "", "identity": return bytes
        case "gzip", "x-gzip": break
        default:
            throw Problem(
                .unsupportedMediaType, "encoding", "cannot read the Content-Encoding \(encoding.prefix(40))",
                remedy: "send gzip or identity")
        }
        let given = taken
        let (result, used) = await withCheckedContinuation { continuation in
            pool.submit { continuation.resume(returning: inflated(bytes, bytesMax: bytesMax, given: given)) }
        }
        taken = used
        return try result.get()
    }

    /// Compressed bytes read at once: at the best ratio of gzip they become 16 MiB.
    private static let pieceBytes = 16 << 10

    private func inflated(_ bytes: [UInt8], bytesMax: Int, given: Int) -> (Result<[UInt8], Problem>, taken: Int) {
        var stream = InflateStream(container: .gzip, limit: bytesMax)
        var output: [UInt8] = []
        var taken = given
        var start = 0
        do throws(InflateError) {
            while start < bytes.count {
                let end = min(start + BodyReader.pieceBytes, bytes.count)
                try stream.append(Array(bytes[start..<end]), to: &output)
                start = end
                // Beside the compressed bytes, which stay until the end.
                let needed = given + output.count
                if needed > taken {
                    guard budget.take(needed - taken) else { return (.failure(BodyReader.noRoom), taken) }
                    taken = needed
                }
            }
            guard stream.isFinished else { throw .endsEarly(offset: bytes.count) }
            return (.success(output), taken)
        } catch {
            if case .tooLarge = error { return (.failure(BodyReader.tooLarge(bytesMax)), taken) }
            return (.failure(Problem.badRequest("cannot read the gzip body: \(error)")), taken)
        }
    }

    private static let noRoom = Problem.busy("cannot take more bodies now: too many are on their way")

    private static func tooLarge(_ bytesMax: Int) -> Problem {
        Problem.tooLarge("cannot take a body of more than \(bytesMax) bytes")
    }
}
