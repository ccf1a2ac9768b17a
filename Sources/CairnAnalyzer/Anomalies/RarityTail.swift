/// How rare a size is among the sizes seen before it, beyond the largest of them too: ranks inside the history, and a
/// generalized Pareto tail over the largest of it (as in Siffer et al., KDD 2017, with the shape held fixed, since a
/// shape fitted to few points is worse than none). Memory is bounded: only the largest sizes are kept.
struct RarityTail: Sendable {
    /// Sizes seen; halved together with `largest` when it reaches `countMax`, so that old times fade.
    private(set) var count = 0
    /// Ascending.
    private var largest: [Double] = []

    private static let largestMax = 64
    private static let countMax = 16_384
    private static let tailShare = 0.05
    private static let tailMin = 5
    private static let shape = 0.2

    /// The tail as it is: its share of all sizes, where it begins, how fast it falls.
    private func tail(floor: Double) -> (share: Double, threshold: Double, scale: Double, shape: Double) {
        let size = min(largest.count, max(RarityTail.tailMin, Int(RarityTail.tailShare * Double(count))))
        let threshold = largest[largest.count - size]
        var excess = 0.0
        for value in largest.suffix(size) { excess += value - threshold }
        // The scale is itself estimated, from as many sizes: that makes the tail heavier, the fewer there are.
        return (
            Double(size) / Double(count), threshold, max(excess / Double(size), floor, threshold * 1e-9),
            RarityTail.shape + 1 / Double(size)
        )
    }

    /// Minus the decimal logarithm of the probability of a size at least this large; 0 before `historyMin` sizes.
    /// - Parameter floor: differences below this are no differences.
    func rarity(of size: Double, floor: Double, historyMin: Int) -> Double {
        guard count >= historyMin, size > floor else { return 0 }
        let tail = tail(floor: floor)
        let common = -Mathematics.log10(tail.share)
        guard size > tail.threshold else {
            // Ranks below the tail are not kept: the common size has a rarity of at most the threshold's.
            return tail.threshold > 0 ? size / tail.threshold * common : common
        }
        let power = Mathematics.log1p(tail.shape * (size - tail.threshold) / tail.scale) / tail.shape
        return min(RarityTail.rarityMax, power / Mathematics.log(10) + common)
    }

    /// The size that has a rarity.
    private func size(ofRarity rarity: Double, floor: Double) -> Double {
        let tail = tail(floor: floor)
        let power = (rarity + Mathematics.log10(tail.share)) * Mathematics.log(10) * tail.shape
        return tail.threshold + tail.scale * (Mathematics.exp(max(0, power)) - 1) / tail.shape
    }

    /// Beyond this a rarity says nothing more.
    static let rarityMax = 30.0

    /// An alarm enters the history as no more than what would just have raised it, so that one does not hide the next.
    mutating func add(_ size: Double, floor: Double, historyMin: Int, rarityMax: Double, growth: Double) {
        var size = size
        if count >= historyMin, let top = largest.last, top > floor {
            size = min(size, max(self.size(ofRarity: rarityMax, floor: floor), growth * top))
        }
        count += 1
        if largest.count < RarityTail.largestMax || size > largest[0] {
            var low = 0
            var high = largest.count
            while low < high {
                let middle = (low + high) / 2
                if largest[middle] < size { low = middle + 1 } else { high = middle }
            }
            largest.insert(size, at: low)
            if largest.count > RarityTail.largestMax { largest.removeFirst() }
        }
        guard count >= RarityTail.countMax else { return }
        count /= 2
        largest = stride(from: 1, to: largest.count, by: 2).map { largest[$0] }
    }
}
