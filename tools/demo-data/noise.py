"""Random numbers with the shapes of production traffic, from one seed and the standard library.

Every part of the data draws from a stream of its own (`Noise.of(seed, "flow-logs", "harbor-sm-eu-1")`), so that a change
in one part leaves all others byte for byte as they were.
"""

import hashlib
import math
import random


class Noise(random.Random):
    @staticmethod
    def of(seed, *names):
        text = "/".join([str(seed), *names]).encode()
        return Noise(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))

    def normal(self):
        """Box and Muller, one value per call: `random.gauss` keeps a value back, which makes draws depend on history."""
        return math.sqrt(-2 * math.log(1 - self.random())) * math.cos(2 * math.pi * self.random())

    def poisson(self, mean):
        if mean <= 0:
            return 0
        if mean > 60:
            return max(0, round(mean + math.sqrt(mean) * self.normal()))
        limit, product, count = math.exp(-mean), self.random(), 0
        while product > limit:
            product *= self.random()
            count += 1
        return count

    def overdispersed(self, mean, dispersion):
        """A negative binomial count: variance mean + dispersion * mean**2."""
        if mean <= 0:
            return 0
        return self.poisson(mean * self.gammavariate(1 / dispersion, dispersion))

    def binomial(self, trials, chance):
        """Exact for few trials; for many, Poisson where rare and normal elsewhere."""
        if trials <= 0 or chance <= 0:
            return 0
        if chance >= 1:
            return trials
        if chance > 0.5:
            return trials - self.binomial(trials, 1 - chance)
        if trials <= 100:
            return sum(self.random() < chance for _ in range(trials))
        if trials * chance < 30:
            return min(trials, self.poisson(trials * chance))
        deviation = math.sqrt(trials * chance * (1 - chance))
        return min(trials, max(0, round(trials * chance + deviation * self.normal())))

    def shares(self, means, correlation):
        """Shares around their means by a Dirichlet draw: requests of one minute resemble each other a little."""
        weights = [self.gammavariate(mean / correlation, 1) if mean > 0 else 0.0 for mean in means]
        total = sum(weights)
        return [weight / total for weight in weights]

    def hex(self, digits):
        return "".join(self.choice("0123456789abcdef") for _ in range(digits))


class Drift:
    """An AR(1) process around zero: what minute metrics really look like, and why single looks mislead."""

    def __init__(self, noise, persistence, deviation):
        self.noise = noise
        self.persistence = persistence
        self.step = deviation * math.sqrt(1 - persistence * persistence)
        self.value = deviation * noise.normal()

    def next(self):
        self.value = self.persistence * self.value + self.step * self.noise.normal()
        return self.value
