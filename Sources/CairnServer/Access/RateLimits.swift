import Synchronization

/// A bucket of calls for each caller: steady use never meets it, a loop gone wrong does.
final class RateLimits: Sendable {
    struct Limit: Sendable {
        /// Calls a second in the long run.
        var perSecond: Double
        /// Calls at once.
        var burst: Double
    }

    private struct Bucket {
        var level: Double
        var time: UInt64
    }

    /// Callers remembered; beyond that those that are full again, which are the same as unknown, are forgotten.
    private static let bucketsMax = 20_000

    private let limit: Limit
    private let buckets = Mutex<[String: Bucket]>([:])

    init(_ limit: Limit) { self.limit = limit }

    /// - Parameters:
    ///   - key: whose bucket.
    ///   - microseconds: of a clock that does not step back.
    /// - Returns: nil if the call may go on, else after how many seconds it may.
    func take(_ key: String, at microseconds: UInt64) -> Int? {
        buckets.withLock { buckets in
            if buckets.count >= RateLimits.bucketsMax, buckets[key] == nil {
                buckets = buckets.filter { refilled($0.value, at: microseconds) < limit.burst }
                if buckets.count >= RateLimits.bucketsMax { return 1 }
            }
            var level = buckets[key].map { refilled($0, at: microseconds) } ?? limit.burst
            defer { buckets[key] = Bucket(level: level, time: microseconds) }
            guard level >= 1 else { return max(1, Int(((1 - level) / limit.perSecond).rounded(.up))) }
            level -= 1
            return nil
        }
    }

    private func refilled(_ bucket: Bucket, at microseconds: UInt64) -> Double {
        let seconds = microseconds > bucket.time ? Double(microseconds - bucket.time) / 1e6 : 0
        return min(limit.burst, bucket.level + seconds * limit.perSecond)
    }
}
