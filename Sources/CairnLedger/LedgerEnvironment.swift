package import CairnBytes

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// What the ledger takes from outside besides its arguments: the disk, the time, chance, and who holds the lock. Tests
/// put stand-ins here; nothing else in the module reads a clock or rolls a die.
package struct LedgerEnvironment: Sendable {
    package var disk: any Disk
    package var clock: any WallClock
    package var random: any RandomSource
    /// The command that runs, for others who wait for its lock: `cairn import flow-logs`.
    package var command: String
    /// The process, for the same message.
    package var processID: Int32

    package init(
        disk: any Disk, clock: any WallClock, random: any RandomSource, command: String, processID: Int32 = getpid()
    ) {
        self.disk = disk
        self.clock = clock
        self.random = random
        self.command = command
        self.processID = processID
    }

    package static func live(command: String) -> LedgerEnvironment {
        LedgerEnvironment(disk: RealDisk(), clock: SystemClock(), random: SystemRandom(), command: command)
    }
}

/// The time of day, and waiting.
package protocol WallClock: Sendable {
    func now() -> Timestamp
    /// Microseconds since some moment; never goes back, unlike `now`.
    func monotonicMicroseconds() -> UInt64
    /// Blocks the calling thread.
    func sleep(microseconds: UInt32)
}

/// Bytes that nobody can guess: salts, ids, keys.
package protocol RandomSource: Sendable {
    func bytes(count: Int) -> [UInt8]
}

package struct SystemClock: WallClock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let microseconds = Int64(time.tv_sec) &* Timestamp.microsecondsPerSecond &+ Int64(time.tv_nsec) / 1000
        return Timestamp(checkedMicroseconds: microseconds) ?? .earliest
    }

    package func monotonicMicroseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000 &+ UInt64(time.tv_nsec) / 1000
    }

    package func sleep(microseconds: UInt32) { usleep(min(microseconds, 999_999)) }
}

package struct SystemRandom: RandomSource {
    package init() {}

    package func bytes(count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
