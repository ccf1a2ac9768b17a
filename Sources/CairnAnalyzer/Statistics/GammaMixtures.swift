/// Evidence for sums with heavy tails on one side: waiting times and other sub-exponential sums, and counts of a Poisson
/// process (Howard, Ramdas, McAuliffe, Sekhon 2021, propositions 9 and 10). One-sided: only a sum above zero counts.
package struct GammaMixture: Sendable, Hashable {
    package enum Tail: Sendable, Hashable {
        case exponential
        case poisson
    }

    private let tail: Tail
    private let rho: Double
    private let c: Double
    private let leading: Double

    /// - Parameters:
    ///   - bestVariance: tightest where the sum's variance is this.
    ///   - scale: the size of single contributions that the tail is due to, above 0.
    package init(_ tail: Tail, bestVariance: Double, alpha: Double, scale: Double) {
        precondition(scale > 0, "the scale of a tail is above zero")
        let nats = 2 * Mathematics.log(1 / (2 * alpha))
        rho = bestVariance / (nats + Mathematics.log(1 + nats))
        self.tail = tail
        c = scale
        let shape = rho / (scale * scale)
        let part = tail == .exponential ? Mathematics.logGammaP(shape, shape) : Mathematics.logGammaQ(shape, shape)
        leading = shape * Mathematics.log(shape) - Mathematics.logGamma(shape) - part
    }

    package func logEvidence(sum: Double, variance: Double) -> Double {
        let square = c * c
        let shape = (variance + rho) / square
        switch tail {
        case .exponential:
            let moved = (c * sum + variance) / square
            let place = moved + rho / square
            guard place > 0 else { return leading }
            return leading + Mathematics.logGamma(shape) + Mathematics.logGammaP(shape, place)
                - shape * Mathematics.log(place) + moved
        case .poisson:
            let place = shape + sum / c
            guard place > 0 else { return leading }
            return leading + Mathematics.logGamma(place) + Mathematics.logGammaQ(place, shape)
                - place * Mathematics.log(shape) + variance / square
        }
    }

    /// A sum without effect stays below this forever, but for probability `alpha`.
    package func bound(variance: Double, alpha: Double) -> Double {
        let wanted = Mathematics.log(1 / alpha)
        var high = 1.0
        while logEvidence(sum: high, variance: variance) < wanted { high *= 2 }
        return Mathematics.root(low: 0, high: high) { logEvidence(sum: $0, variance: variance) - wanted }
    }
}
