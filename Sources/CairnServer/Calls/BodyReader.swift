import CairnBytes
import CairnLedger
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads bodies within their limits: bytes, time, and room in memory over all calls.
struct BodyReader: Sendable {
    /// A body that takes longer comes from a sender that keeps connections busy, by mistake or on purpose.
    private static let secondsMax = 120.0
    /// And so does one that comes more slowly than this, after some seconds in which a network may falter.
    private static let bytesPerSecondMin = 1024.0
    private static let graceSeconds = 10.0
    /// Announced bytes for which there is memory before they come.
    private static let reservedBytesMax = 1 << 20

    let budget: BodyBudget
    let pool: BlockingPool
    let clock: any WallClock

    /// The body as it came.
    /// - Throws: `Problem` with 400 for one that is broken off, 408, 413 or 503.
    func read(_ request: Request, bytesMax: Int, _ room: BodyBudget.Room) async throws -> [UInt8] {
        let announced = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        if announced > bytesMax { throw BodyReader.tooLarge(bytesMax) }
        let start = clock.monotonicMicroseconds()
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(max(0, announced), BodyReader.reservedBytesMax))
        do {
            for try await chunk in request.body {
                let count = bytes.count + chunk.readableBytes
                guard count <= bytesMax else { throw BodyReader.tooLarge(bytesMax) }
                guard room.grow(to: count) else { throw BodyReader.noRoom }
                bytes.append(contentsOf: chunk.readableBytesView)
                let seconds = Double(clock.monotonicMicroseconds() - start) / 1e6
                let secondsMax = BodyReader.graceSeconds + Double(count) / BodyReader.bytesPerSecondMin
                guard seconds < min(BodyReader.secondsMax, secondsMax) else {
                    throw Problem(.requestTimeout, "too-slow", "cannot wait longer for the body: it comes too slowly")
                }
            }
        } catch let problem as Problem { throw problem } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Problem.badRequest("cannot read the body: it is broken off, or in pieces that are none (\(error))")
        }
        return bytes
    }

    /// Undoes `Content-Encoding`, and takes room for what comes out as it comes: a small body that grows to a large one
    /// meets the same bound as one that was large from the start.
    /// - Throws: `Problem` with 400 for bytes that are no such encoding, 413 over the limit, 415 for one not known, 503
    ///   where there is no room.
    func decoded(
        _ bytes: [UInt8], _ encoding: String, bytesMax: Int, _ room: BodyBudget.Room
    ) async throws -> [UInt8] {
        switch encoding.lowercased() {
        case "", "identity": return bytes
        case "gzip", "x-gzip": break
        default:
            throw Problem(
                .unsupportedMediaType, "encoding", "cannot read the Content-Encoding \(encoding.prefix(40))",
                remedy: "send gzip or identity")
        }
        let result = await withCheckedContinuation { continuation in
            pool.submit { continuation.resume(returning: inflated(bytes, bytesMax: bytesMax, room)) }
        }
        return try result.get()
    }

    /// Compressed bytes read at once: at the best ratio of gzip they become 16 MiB.
    private static let pieceBytes = 16 << 10

    private func inflated(_ bytes: [UInt8], bytesMax: Int, _ room: BodyBudget.Room) -> Result<[UInt8], Problem> {
        var stream = InflateStream(container: .gzip, limit: bytesMax)
        var output: [UInt8] = []
        var start = 0
        do throws(InflateError) {
            while start < bytes.count {
                let end = min(start + BodyReader.pieceBytes, bytes.count)
                try stream.append(Array(bytes[start..<end]), to: &output)
                start = end
                // Beside the compressed bytes, which stay until the end.
                guard room.grow(to: bytes.count + output.count) else { return .failure(BodyReader.noRoom) }
            }
            guard stream.isFinished else { throw .endsEarly(offset: bytes.count) }
            return .success(output)
        } catch {
            if case .tooLarge = error { return .failure(BodyReader.tooLarge(bytesMax)) }
            return .failure(Problem.badRequest("cannot read the gzip body: \(error)"))
        }
    }

    private static let noRoom = Problem.busy("cannot take more bodies now: too many are on their way")

    private static func tooLarge(_ bytesMax: Int) -> Problem {
        Problem.tooLarge("cannot take a body of more than \(bytesMax) bytes")
    }
}
