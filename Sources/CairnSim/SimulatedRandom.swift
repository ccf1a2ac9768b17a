internal import CairnLedger
internal import Synchronization

/// Chance from a seed: the same seed gives the same numbers on every machine (SplitMix64: Steele, Lea and Flood 2014).
package struct SimulatedRandom: RandomNumberGenerator, Sendable {
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Salts, ids and keys from a seed, where the real program takes what nobody can guess.
package final class SimulatedRandomSource: RandomSource {
    private let generator: Mutex<SimulatedRandom>

    package init(seed: UInt64) { generator = Mutex(SimulatedRandom(seed: seed)) }

    package func bytes(count: Int) -> [UInt8] {
        generator.withLock { generator in (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) } }
    }
}
