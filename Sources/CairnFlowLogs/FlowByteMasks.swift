#if canImport(_Builtin_intrinsics.intel.sse2)
    internal import _Builtin_intrinsics.intel.sse2
#endif

/// Questions about sixteen or 64 bytes at once, answered in one bit for each byte, the first in the lowest bit.
///
/// On x86-64 they are the SSE2 instructions that every such processor has; elsewhere the same bits come from arithmetic
/// on 64-bit words. (`SIMD16` of the standard library compiles comparisons of bytes into loops over the lanes.)
package enum FlowByteMasks {
    /// Where the 64 bytes at `bytes` are spaces, and where they are line breaks.
    @inline(__always)
    package static func separators(_ bytes: UnsafePointer<UInt8>) -> (spaces: UInt64, lineBreaks: UInt64) {
        #if canImport(_Builtin_intrinsics.intel.sse2)
            let raw = unsafe UnsafeRawPointer(bytes)
            let space = _mm_set1_epi8(0x20)
            let lineBreak = _mm_set1_epi8(0x0A)
            let a = unsafe raw.loadUnaligned(as: __m128i.self)
            let b = unsafe raw.loadUnaligned(fromByteOffset: 16, as: __m128i.self)
            let c = unsafe raw.loadUnaligned(fromByteOffset: 32, as: __m128i.self)
            let d = unsafe raw.loadUnaligned(fromByteOffset: 48, as: __m128i.self)
            return (joined(a, b, c, d, space), joined(a, b, c, d, lineBreak))
        #else
            return unsafe portableSeparators(bytes)
        #endif
    }

    #if canImport(_Builtin_intrinsics.intel.sse2)
        @inline(__always)
        private static func joined(_ a: __m128i, _ b: __m128i, _ c: __m128i, _ d: __m128i, _ wanted: __m128i) -> UInt64
        {
            mask(_mm_cmpeq_epi8(a, wanted)) | mask(_mm_cmpeq_epi8(b, wanted)) << 16
                | mask(_mm_cmpeq_epi8(c, wanted)) << 32 | mask(_mm_cmpeq_epi8(d, wanted)) << 48
        }

        @inline(__always)
        private static func mask(_ lanes: __m128i) -> UInt64 {
            UInt64(UInt32(bitPattern: _mm_movemask_epi8(lanes)))
        }
    #endif

    /// Where the sixteen bytes at `bytes` are dots, and where they are digits.
    @inline(__always)
    package static func dotsAndDigits(_ bytes: UnsafePointer<UInt8>) -> (dots: UInt32, digits: UInt32) {
        #if canImport(_Builtin_intrinsics.intel.sse2)
            let lanes = unsafe UnsafeRawPointer(bytes).loadUnaligned(as: __m128i.self)
            let values = _mm_sub_epi8(lanes, _mm_set1_epi8(0x30))
            let digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values)
            let dots = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(0x2E))
            return (UInt32(truncatingIfNeeded: mask(dots)), UInt32(truncatingIfNeeded: mask(digits)))
        #else
            return unsafe portableDotsAndDigits(bytes)
        #endif
    }

    // MARK: Any processor

    package static func portableSeparators(_ bytes: UnsafePointer<UInt8>) -> (spaces: UInt64, lineBreaks: UInt64) {
        var spaces: UInt64 = 0
        var lineBreaks: UInt64 = 0
        for part in 0..<8 {
            let word = unsafe FlowByteMasks.word(bytes + part * 8)
            spaces |= places(of: 0x20, in: word) << UInt64(part * 8)
            lineBreaks |= places(of: 0x0A, in: word) << UInt64(part * 8)
        }
        return (spaces, lineBreaks)
    }

    package static func portableDotsAndDigits(_ bytes: UnsafePointer<UInt8>) -> (dots: UInt32, digits: UInt32) {
        var dots: UInt64 = 0
        var digits: UInt64 = 0
        for part in 0..<2 {
            let word = unsafe FlowByteMasks.word(bytes + part * 8)
            dots |= places(of: 0x2E, in: word) << UInt64(part * 8)
            // A digit is 0 to 9 after the exclusive or: nothing in the high bit, and still nothing after adding 118.
            let values = word ^ 0x3030_3030_3030_3030
            let others = ((values & low7) &+ 0x7676_7676_7676_7676) | values
            digits |= gathered(~others & high) << UInt64(part * 8)
        }
        return (UInt32(truncatingIfNeeded: dots), UInt32(truncatingIfNeeded: digits))
    }

    private static let high: UInt64 = 0x8080_8080_8080_8080
    private static let low7: UInt64 = 0x7F7F_7F7F_7F7F_7F7F

    /// Eight bytes, the first of them lowest.
    @inline(__always)
    static func word(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        unsafe UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
    }

    @inline(__always)
    private static func places(of byte: UInt8, in word: UInt64) -> UInt64 {
        let difference = word ^ (0x0101_0101_0101_0101 &* UInt64(byte))
        return gathered(~(((difference & low7) &+ low7) | difference | low7))
    }

    /// The high bit of each byte, side by side.
    @inline(__always)
    private static func gathered(_ word: UInt64) -> UInt64 {
        (((word & high) >> 7) &* 0x0102_0408_1020_4080) >> 56
    }
}
