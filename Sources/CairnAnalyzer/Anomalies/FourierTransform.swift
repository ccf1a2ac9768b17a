/// The discrete Fourier transform of a length that is a power of two, in place (Cooley and Tukey 1965).
struct FourierTransform {
    private let size: Int
    private let cosines: [Double]
    private let sines: [Double]

    /// - Parameter size: a power of two.
    init(size: Int) {
        precondition(size > 0 && size & (size - 1) == 0, "the length is a power of two")
        self.size = size
        var cosines: [Double] = []
        var sines: [Double] = []
        for index in 0..<max(1, size / 2) {
            let angle = 2 * Double.pi * Double(index) / Double(size)
            cosines.append(Mathematics.cos(angle))
            sines.append(Mathematics.sin(angle))
        }
        self.cosines = cosines
        self.sines = sines
    }

    func forward(_ real: inout [Double], _ imaginary: inout [Double]) { transform(&real, &imaginary, sign: -1) }

    /// The inverse of `forward`, divided by the length.
    func inverse(_ real: inout [Double], _ imaginary: inout [Double]) {
        transform(&real, &imaginary, sign: 1)
        for index in 0..<size {
            real[index] /= Double(size)
            imaginary[index] /= Double(size)
        }
    }

    private func transform(_ real: inout [Double], _ imaginary: inout [Double], sign: Double) {
        precondition(real.count == size && imaginary.count == size, "both parts have the length")
        var mirrored = 0
        for index in 1..<max(1, size) {
            var bit = size >> 1
            while mirrored & bit != 0 {
                mirrored ^= bit
                bit >>= 1
            }
            mirrored |= bit
            if index < mirrored {
                real.swapAt(index, mirrored)
                imaginary.swapAt(index, mirrored)
            }
        }
        var length = 2
        while length <= size {
            let half = length / 2
            let stride = size / length
            for start in Swift.stride(from: 0, to: size, by: length) {
                for offset in 0..<half {
                    let cosine = cosines[offset * stride]
                    let sine = sign * sines[offset * stride]
                    let upper = start + offset + half
                    let realPart = real[upper] * cosine - imaginary[upper] * sine
                    let imaginaryPart = real[upper] * sine + imaginary[upper] * cosine
                    real[upper] = real[start + offset] - realPart
                    imaginary[upper] = imaginary[start + offset] - imaginaryPart
                    real[start + offset] += realPart
                    imaginary[start + offset] += imaginaryPart
                }
            }
            length *= 2
        }
    }
}
