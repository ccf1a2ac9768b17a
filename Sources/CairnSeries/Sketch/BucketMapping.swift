/// Which bucket a positive value belongs to: buckets grow by a constant factor, so that the error is relative.
///
/// Bucket k holds the values above `bound(k - 1)` up to `bound(k)`, the bound included. All of it is multiplication and
/// square roots, which IEEE 754 rounds the same everywhere; a logarithm only makes a first guess. So the same value is in
/// the same bucket on every machine, and a replay gives the same sketch.
package struct BucketMapping: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// DDSketch (Masson, Rim, Lee 2019): every quantile within this share of its true value.
        case relativeAccuracy(Double)
        /// Native histograms of Prometheus and exponential histograms of OpenTelemetry: 2^schema buckets for each
        /// doubling.
        case exponential(schema: Int)
    }

    /// Finer than one in ten thousand makes more buckets than values, coarser than a half says nothing.
    package static let accuracyRange = 0.0001...0.5
    /// What Prometheus defines; OpenTelemetry has finer ones, which are scaled down before they come here.
    package static let schemaRange = -4...8

    package let kind: Kind
    /// The factor from one bucket to the next.
    package let growth: Double
    private let logOfGrowth: Double
    /// The bounds inside one doubling, for schemas above 0: 2^(i / 2^schema).
    private let steps: [Double]

    /// Throws for an accuracy or schema outside of its range.
    package init(_ kind: Kind) throws(SketchError) {
        self.kind = kind
        switch kind {
        case .relativeAccuracy(let accuracy):
            guard BucketMapping.accuracyRange.contains(accuracy) else { throw .accuracyOutOfRange(accuracy) }
            growth = (1 + accuracy) / (1 - accuracy)
            steps = []
        case .exponential(let schema):
            guard BucketMapping.schemaRange.contains(schema) else { throw .schemaOutOfRange(schema) }
            steps = schema > 0 ? BucketMapping.steps(schema) : []
            growth = schema > 0 ? steps[1] : BucketMapping.power(2, 1 << -schema)
        }
        logOfGrowth = logarithm(growth)
    }

    /// The bucket of a finite value above 0.
    package func key(_ value: Double) -> Int {
        var key = Int((logarithm(value) / logOfGrowth).rounded(.up))
        while bound(key) < value { key += 1 }
        while bound(key - 1) >= value { key -= 1 }
        return key
    }

    /// The upper bound of a bucket; infinite or 0 beyond what a double holds.
    package func bound(_ key: Int) -> Double {
        switch kind {
        case .relativeAccuracy:
            return key >= 0 ? BucketMapping.power(growth, key) : 1 / BucketMapping.power(growth, -key)
        case .exponential(let schema):
            guard schema > 0 else { return BucketMapping.powerOfTwo(key << -schema) }
            return BucketMapping.scaled(steps[key & ((1 << schema) - 1)], by: key >> schema)
        }
    }

    /// The value that stands for all of a bucket: as far, relatively, from its lower as from its upper bound.
    package func representative(_ key: Int) -> Double {
        // From the lower bound, which is finite where the upper one is beyond the largest double.
        bound(key - 1) * (2 * growth / (growth + 1))
    }

    /// The largest relative error of a quantile.
    package var accuracy: Double { (growth - 1) / (growth + 1) }

    /// By squaring, in this order: deterministic, and within a few units in the last place.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }

    private static func powerOfTwo(_ exponent: Int) -> Double { scaled(1, by: exponent) }

    /// `value` · 2^`exponent`, rounded once, also where the result is subnormal.
    private static func scaled(_ value: Double, by exponent: Int) -> Double {
        Double(sign: .plus, exponent: max(-2000, min(2000, exponent)), significand: value)
    }

    /// 2^(i / 2^schema) for i below 2^schema, from square roots of two.
    private static func steps(_ schema: Int) -> [Double] {
        var roots: [Double] = []
        var root = 2.0
        for _ in 0..<schema {
            root = root.squareRoot()
            roots.append(root)
        }
        return (0..<(1 << schema)).map { index in
            var product = 1.0
            for level in 0..<schema where index >> (schema - 1 - level) & 1 == 1 { product *= roots[level] }
            return product
        }
    }
}

/// Why a sketch cannot be made, merged or read.
package enum SketchError: Error, Hashable, Sendable, CustomStringConvertible {
    case accuracyOutOfRange(Double)
    case schemaOutOfRange(Int)
    /// Sketches of different mappings have no common buckets.
    case differentMappings
    case damaged(String)

    package var description: String {
        switch self {
        case .accuracyOutOfRange(let accuracy):
            "cannot make a sketch of accuracy \(accuracy): it lies from \(BucketMapping.accuracyRange.lowerBound) to "
                + "\(BucketMapping.accuracyRange.upperBound)"
        case .schemaOutOfRange(let schema):
            "cannot make a histogram of schema \(schema): it lies from \(BucketMapping.schemaRange.lowerBound) to "
                + "\(BucketMapping.schemaRange.upperBound)"
        case .differentMappings:
            "cannot merge two sketches whose buckets differ: record both with one accuracy"
        case .damaged(let reason): "cannot read the sketch: \(reason)"
        }
    }
}
