internal import Foundation

// What the simulated services of the quality bench draw from.
extension SimulatedRandom {
    private mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    private mutating func exponential() -> Double { -log(1 - uniform()) }

    /// How many of `draws` requests end in a class: exact for few, normal for many.
    mutating func binomial(_ draws: Double, _ share: Double) -> Double {
        guard draws > 0, share > 0 else { return 0 }
        if share > 0.5 { return draws - binomial(draws, 1 - share) }
        let expected = draws * share
        if expected > 40 {
            return min(draws, max(0, (expected + normal() * (expected * (1 - share)).squareRoot()).rounded()))
        }
        // Gaps between hits are geometric.
        let scale = -1 / log(1 - share)
        var count = 0.0
        var place = 0.0
        while true {
            place += (exponential() * scale).rounded(.up)
            guard place <= draws else { return count }
            count += 1
        }
    }

    /// Requests by class; with a correlation the shares themselves vary (Dirichlet-multinomial).
    mutating func counts(_ draws: Double, _ shares: [Double], correlation: Double = 0) -> [Double] {
        var shares = shares
        if correlation > 0 {
            let size = 1 / correlation - 1
            var total = 0.0
            for index in shares.indices {
                shares[index] = gamma(shares[index] * size)
                total += shares[index]
            }
            for index in shares.indices { shares[index] /= max(total, 1e-300) }
        }
        var left = draws
        var rest = 1.0
        for index in shares.indices {
            let share = shares[index]
            let count = index == shares.count - 1 || rest <= share ? left : binomial(left, share / rest)
            shares[index] = count
            left -= count
            rest -= share
        }
        return shares
    }

    /// Marsaglia and Tsang 2000.
    private mutating func gamma(_ shape: Double) -> Double {
        if shape < 1 { return gamma(shape + 1) * pow(max(uniform(), 1e-300), 1 / shape) }
        let d = shape - 1 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            if v > 0, log(max(uniform(), 1e-300)) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
        }
    }

    /// A number between the two, as likely in each doubling.
    mutating func logUniform(_ range: ClosedRange<Double>) -> Double {
        range.lowerBound * exp(uniform() * log(range.upperBound / range.lowerBound))
    }
}

/// Noise that remembers: an autoregressive series with standard deviation 1.
struct RememberingNoise {
    let memory: Double
    private let fresh: Double
    private var state = 0.0

    init(memory: Double, random: inout SimulatedRandom) {
        self.memory = memory
        fresh = (1 - memory * memory).squareRoot()
        state = random.normal()
    }

    mutating func next(_ random: inout SimulatedRandom) -> Double {
        state = memory * state + fresh * random.normal()
        return state
    }
}

/// How busy a service is in a minute of the week: days, nights and weekends.
enum WeeklySeason {
    static func activity(_ minute: Int) -> Double {
        let day = Double(minute % 1440) / 1440
        let isWeekend = (minute / 1440) % 7 >= 5
        return (1 + 0.6 * sin(2 * .pi * day)) * (isWeekend ? 0.5 : 1)
    }
}
