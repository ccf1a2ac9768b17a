/// What somebody may have meant who wrote a name that does not exist.
package enum NearestNames {
    /// Longer words are no misspelt names.
    private static let lettersMax = 64

    /// Up to three names that differ little from a word, or begin or end with it, the nearest first. `_` and `-` are the
    /// same, and so are letters of both cases.
    package static func of(_ word: String, among names: some Sequence<String>) -> [String] {
        let wanted = folded(word)
        let distances = names.map { name -> (name: String, distance: Int) in
            let letters = folded(name)
            // A part of a name is as near as a name with one wrong letter: `address` is none, `status` is.
            let isPart =
                wanted.count >= 3
                && (letters.starts(with: wanted) || letters.reversed().starts(with: wanted.reversed()))
            return (name, isPart ? 1 : distance(wanted, letters))
        }
        let near = distances.filter { $0.distance <= max(2, wanted.count / 3) }
        return near.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
    }

    private static func folded(_ word: String) -> [UInt8] {
        word.lowercased().utf8.prefix(lettersMax).map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
    }

    /// Letters to insert, delete or replace until one word is the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let replaced = diagonal + (letter == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[right.count]
    }
}
