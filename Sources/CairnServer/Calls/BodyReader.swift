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
            guard budget.take(count) else {
                throw Problem.busy("cannot take more bodies now: too many are on their way")
            }
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

    /// Undoes `Content-Encoding`.
    /// - Throws: `Problem` with 400 for bytes that are no such encoding, 413 over the limit, 415 for one not known.
    static func decoded(_ bytes: [UInt8], _ encoding: String?, bytesMax: Int) throws -> [UInt8] {
        switch encoding?.lowercased() {
        case nil, "", "identity": return bytes
        case "gzip", "x-gzip": return try inflated(bytes, bytesMax: bytesMax)
        case let other?:
            throw Problem(
                .unsupportedMediaType, "encoding", "cannot read the Content-Encoding \(other.prefix(40))",
                remedy: "send gzip or identity")
        }
    }

    private static func inflated(_ bytes: [UInt8], bytesMax: Int) throws -> [UInt8] {
        do throws(InflateError) {
            return try Inflate.decompress(bytes, container: .gzip, limit: bytesMax)
        } catch {
            if case .tooLarge = error { throw tooLarge(bytesMax) }
            throw Problem.badRequest("cannot read the gzip body: \(error)")
        }
    }

    private static func tooLarge(_ bytesMax: Int) -> Problem {
        Problem.tooLarge("cannot take a body of more than \(bytesMax) bytes")
    }
}
