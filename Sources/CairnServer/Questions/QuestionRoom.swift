import CairnModel
import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// Where questions are answered: on threads of their own, so that senders and gates do not wait for them, and so many at
/// once as memory has room for their answers.
///
/// A caller has some places, and keeps each until its answer is on its way: one that asks and does not read, or asks and
/// goes away, has soon none left and holds up nobody else.
final class QuestionRoom: Sendable {
    /// Of one caller: what a page of a dashboard asks at once, and the rest waits.
    private static let placesOfCallerMax = 4
    /// Each holds an answer of at most `QuestionRoutes.answerBytesMax`, as text.
    private static let placesMax = 16
    private static let waitMilliseconds = 5000
    private static let lookMilliseconds = 10

    private let pool: BlockingPool
    private let taken = Mutex<[String: Int]>([:])

    init(pool: BlockingPool) { self.pool = pool }

    /// A place; whoever lets go of it last gives it back.
    final class Place: Sendable {
        private let caller: String
        private let room: QuestionRoom

        fileprivate init(_ caller: String, _ room: QuestionRoom) {
            self.caller = caller
            self.room = room
        }

        deinit { room.giveBack(caller) }
    }

    /// Runs `body` on a thread that may block.
    /// - Throws: `Problem` with 429 if no place gets free in time.
    func answer(_ call: Call, _ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        let place = try await place(for: call)
        return try await pool.run(body).holding(place)
    }

    func place(for call: Call) async throws -> Place {
        let caller = call.principal?.tokenID ?? call.actor.id
        for _ in 0..<QuestionRoom.waitMilliseconds / QuestionRoom.lookMilliseconds {
            if take(caller) { return Place(caller, self) }
            try await Task.sleep(for: .milliseconds(QuestionRoom.lookMilliseconds))
        }
        throw Problem(
            .tooManyRequests, "busy", "cannot answer more questions of \(call.actor.id) now",
            remedy: "read the answers that were asked for, and ask again", retryAfterSeconds: Problem.retrySeconds)
    }

    private func take(_ caller: String) -> Bool {
        taken.withLock { taken in
            guard taken[caller, default: 0] < QuestionRoom.placesOfCallerMax,
                taken.values.reduce(0, +) < QuestionRoom.placesMax
            else { return false }
            taken[caller, default: 0] += 1
            return true
        }
    }

    private func giveBack(_ caller: String) {
        taken.withLock { taken in
            let left = (taken[caller] ?? 1) - 1
            taken[caller] = left == 0 ? nil : left
        }
    }
}

extension Answer {
    /// Small ones leave with the connection's own buffers.
    private static let heldBytesMin = 256 << 10
    private static let writtenAtOnceBytes = 128 << 10

    /// Keeps the place until the body was written, bit by bit as the caller reads it.
    fileprivate func holding(_ place: QuestionRoom.Place) -> Answer {
        guard case .bytes(let bytes) = body, bytes.count >= Answer.heldBytesMin else { return self }
        var answer = self
        answer.body = .stream { writer in
            defer { withExtendedLifetime(place) {} }
            var rest = ByteBuffer(bytes: bytes)
            while let slice = rest.readSlice(length: min(rest.readableBytes, Answer.writtenAtOnceBytes)),
                slice.readableBytes > 0
            {
                try await writer.write(slice)
            }
        }
        return answer
    }
}
