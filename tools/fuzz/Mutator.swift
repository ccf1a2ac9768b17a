/// Damages messages by a seed: SplitMix64, and edits that keep most of a message's structure.
struct Mutator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0xD134_2543_DE82_EF95 &+ 1 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    private mutating func below(_ limit: Int) -> Int { limit <= 0 ? 0 : Int(next() % UInt64(limit)) }

    /// Numbers at which sums, lengths and shifts go wrong.
    private static let edges: [[UInt8]] = [
        [0], [1], [0x7F], [0x80], [0xFF], [0x80, 0x01], [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        [0, 0, 0, 0, 0, 0, 0xF0, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
    ]
    private static let words: [[UInt8]] = [
        "{", "}", "[", "]", "\"", "\\", ",", ":", "null", "true", "-1", "1e400", "0.1", "9223372036854775808",
        "18446744073709551615", "\"NaN\"", "\\u0000", "\\ud800", "\u{0}", "\n", "%", "%00", " ", "{}", "[]", "\"\"",
        "2026-03-10T10:00:00Z", "9999-12-31T23:59:60Z",
    ].map { Array($0.utf8) }

    mutating func damaged(_ messages: [[UInt8]]) -> [UInt8] {
        var bytes = messages[below(messages.count)]
        for _ in 0...below(5) { edit(&bytes, messages) }
        return bytes
    }

    private mutating func edit(_ bytes: inout [UInt8], _ messages: [[UInt8]]) {
        let place = below(bytes.count + 1)
        let end = min(bytes.count, place + 1 + below(next() % 8 == 0 ? 200 : 12))
        switch next() % 11 {
        case 0: if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: next()) }
        case 1: if place < bytes.count { bytes[place] ^= 1 << UInt8(below(8)) }
        case 2: if place < bytes.count { bytes[place] &+= next() % 2 == 0 ? 1 : 0xFF }
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: Array(bytes[place..<end]), at: below(bytes.count + 1))
        case 5: bytes.replaceSubrange(place..<end, with: Mutator.edges[below(Mutator.edges.count)])
        case 6: bytes.insert(contentsOf: Mutator.words[below(Mutator.words.count)], at: place)
        case 7: bytes.replaceSubrange(place..<end, with: Mutator.words[below(Mutator.words.count)])
        case 8:
            // A piece of another message in the place of one of this.
            let other = messages[below(messages.count)]
            let start = below(other.count + 1)
            bytes.replaceSubrange(place..<end, with: other[start..<min(other.count, start + below(120))])
        case 9: if next() % 4 == 0 { bytes.removeSubrange(place...) }
        default:
            // The same piece again and again: depth, and counts.
            guard next() % 8 == 0 else { return }
            let piece = Array(bytes[place..<end])
            for _ in 0..<below(300) where bytes.count < 100_000 { bytes.insert(contentsOf: piece, at: place) }
        }
    }
}
