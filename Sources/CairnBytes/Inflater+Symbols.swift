extension Inflater {
    /// Room that one turn of the fast loop may write: two literals and the longest match, and what copying by words
    /// writes behind it.
    private static let fastOutputBytes = 2 + 258 + 16
    /// What it may read: two fillings of eight bytes, of which the first counts for seven at most.
    private static let fastInputBytes = 15

    func block(_ cursor: inout Cursor) throws(Failure) {
        while true {
            if try fastSymbols(&cursor) { return }
            // Near an end: one symbol with every check, then perhaps another part without.
            if try symbol(&cursor) { return }
        }
    }

    /// The bits that come next, and where the bytes behind them are.
    private struct Window {
        var buffer: UInt64
        var bits: UInt64
        var place: Int

        /// Makes `bits` at least 56. What lies above them in the buffer are the same bits that are put there again.
        @inline(__always)
        mutating func fill(_ input: UnsafeRawPointer) {
            unsafe buffer |= input.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian &<< bits
            place &+= Int(truncatingIfNeeded: (63 &- bits) &>> 3)
            bits |= 56
        }

        @inline(__always)
        mutating func drop(_ entry: UInt32) {
            buffer &>>= UInt64(entry & 0xFF)
            bits &-= UInt64(entry & 0xFF)
        }

        @inline(__always)
        func index(_ mask: UInt64) -> Int { Int(truncatingIfNeeded: buffer & mask) }

        /// Where the entry that a subtable's entry points at is, once that one's bits are dropped.
        @inline(__always)
        func index(below entry: UInt32) -> Int { Int(entry >> 16) &+ index(1 &<< UInt64(entry >> 8 & 31) &- 1) }
    }

    // The lowest `literalBits` and `distanceBits`.
    private static let literalMask: UInt64 = 0x7FF
    private static let distanceMask: UInt64 = 0xFF

    /// Decodes until the block or the room ends.
    /// - Returns: true at the end of the block.
    private func fastSymbols(_ cursor: inout Cursor) throws(Failure) -> Bool {
        let (literals, distances) = unsafe (literals, distances)
        let input = unsafe UnsafeRawPointer(cursor.input)
        let output = unsafe cursor.output
        let inputEnd = cursor.inputCount - Inflater.fastInputBytes
        let outputEnd = cursor.outputCount - Inflater.fastOutputBytes
        var written = cursor.written
        var window = Window(buffer: cursor.buffer, bits: UInt64(cursor.bits), place: cursor.place)
        defer {
            cursor.place = window.place
            cursor.written = written
            cursor.buffer = window.buffer
            cursor.bits = Int(window.bits)
        }
        while window.place < inputEnd, written < outputEnd {
            unsafe window.fill(input)
            var entry = unsafe literals[window.index(Inflater.literalMask)]
            if entry & Inflater.literalFlag != 0 {
                unsafe output[written] = UInt8(truncatingIfNeeded: entry >> 16)
                written &+= 1
                window.drop(entry)
                entry = unsafe literals[window.index(Inflater.literalMask)]
                if entry & Inflater.literalFlag != 0 {
                    unsafe output[written] = UInt8(truncatingIfNeeded: entry >> 16)
                    written &+= 1
                    window.drop(entry)
                    entry = unsafe literals[window.index(Inflater.literalMask)]
                }
            }
            if entry & (Inflater.specialFlag | Inflater.literalFlag) != 0 {
                if entry & Inflater.literalFlag == 0, entry & Inflater.subtableFlag != 0 {
                    window.drop(entry)
                    entry = unsafe literals[window.index(below: entry)]
                }
                if entry & Inflater.literalFlag != 0 {
                    unsafe output[written] = UInt8(truncatingIfNeeded: entry >> 16)
                    written &+= 1
                    window.drop(entry)
                    continue
                }
                if entry & Inflater.specialFlag != 0 {
                    guard entry & Inflater.endFlag != 0 else { throw .damaged("a symbol has no code") }
                    window.drop(entry)
                    return true
                }
            }
            let length = Inflater.value(entry, window.buffer)
            window.drop(entry)
            unsafe window.fill(input)
            entry = unsafe distances[window.index(Inflater.distanceMask)]
            if entry & Inflater.specialFlag != 0 {
                guard entry & Inflater.subtableFlag != 0 else { throw .damaged("a distance has no code") }
                window.drop(entry)
                entry = unsafe distances[window.index(below: entry)]
                if entry & Inflater.specialFlag != 0 { throw .damaged("a distance has no code") }
            }
            let distance = Inflater.value(entry, window.buffer)
            window.drop(entry)
            if distance <= written {
                unsafe Inflater.copy(output + written, distance: distance, count: length)
            } else {
                cursor.written = written
                try Inflater.copySlowly(&cursor, distance: distance, count: length)
            }
            written &+= length
        }
        return false
    }

    /// Base and extra bits of a length or a distance.
    @inline(__always)
    private static func value(_ entry: UInt32, _ buffer: UInt64) -> Int {
        let mask = 1 &<< UInt64(entry & 0xFF) &- 1
        return Int(entry >> 16) &+ Int(truncatingIfNeeded: (buffer & mask) &>> UInt64(entry >> 8 & 31))
    }

    /// Copies a match whose source is in the output; may write 15 bytes more than `count`.
    @inline(__always)
    private static func copy(_ target: UnsafeMutablePointer<UInt8>, distance: Int, count: Int) {
        let target = UnsafeMutableRawPointer(target)
        let source = unsafe UnsafeRawPointer(target) - distance
        var done = 0
        if distance >= 16 {
            repeat {
                let part = unsafe source.loadUnaligned(fromByteOffset: done, as: SIMD16<UInt8>.self)
                unsafe target.storeBytes(of: part, toByteOffset: done, as: SIMD16<UInt8>.self)
                done &+= 16
            } while done < count
        } else if distance >= 8 {
            repeat {
                let part = unsafe source.loadUnaligned(fromByteOffset: done, as: UInt64.self)
                unsafe target.storeBytes(of: part, toByteOffset: done, as: UInt64.self)
                done &+= 8
            } while done < count
        } else {
            // Short periods: each byte may be needed for the next.
            repeat {
                let byte = unsafe source.load(fromByteOffset: done, as: UInt8.self)
                unsafe target.storeBytes(of: byte, toByteOffset: done, as: UInt8.self)
                done &+= 1
            } while done < count
        }
    }

    /// Copies a match byte by byte: one that begins in the dictionary, or is near the end of the output. Leaves `written` as it is.
    private static func copySlowly(_ cursor: inout Cursor, distance: Int, count: Int) throws(Failure) {
        guard distance <= cursor.written + cursor.dictionaryCount else {
            throw .damaged("a match begins before the content")
        }
        for index in cursor.written..<cursor.written + count {
            let source = index - distance
            let byte = unsafe source < 0 ? cursor.dictionary[cursor.dictionaryCount + source] : cursor.output[source]
            unsafe cursor.output[index] = byte
        }
    }

    /// Decodes one symbol, with the distance if it is a length.
    /// - Returns: true at the end of the block.
    private func symbol(_ cursor: inout Cursor) throws(Failure) -> Bool {
        Inflater.fill(&cursor)
        var entry = unsafe literals[Int(cursor.buffer & Inflater.literalMask)]
        if entry & Inflater.literalFlag == 0, entry & Inflater.subtableFlag != 0, entry & Inflater.specialFlag != 0 {
            let (start, bits) = (Int(entry >> 16), Int(entry >> 8 & 31))
            try Inflater.take(Int(entry & 0xFF), &cursor)
            entry = unsafe literals[start + Int(truncatingIfNeeded: cursor.buffer) & (1 << bits - 1)]
        }
        if entry & Inflater.literalFlag != 0 {
            try Inflater.take(Int(entry & 0xFF), &cursor)
            guard cursor.written < cursor.outputCount else { throw .tooLarge }
            unsafe cursor.output[cursor.written] = UInt8(truncatingIfNeeded: entry >> 16)
            cursor.written += 1
            return false
        }
        if entry & Inflater.specialFlag != 0 {
            guard entry & Inflater.endFlag != 0 else { throw .damaged("a symbol has no code") }
            try Inflater.take(Int(entry & 0xFF), &cursor)
            return true
        }
        let length = Inflater.value(entry, cursor.buffer)
        try Inflater.take(Int(entry & 0xFF), &cursor)
        entry = unsafe distances[Int(cursor.buffer & Inflater.distanceMask)]
        if entry & Inflater.specialFlag != 0, entry & Inflater.subtableFlag != 0 {
            let (start, bits) = (Int(entry >> 16), Int(entry >> 8 & 31))
            try Inflater.take(Int(entry & 0xFF), &cursor)
            entry = unsafe distances[start + Int(truncatingIfNeeded: cursor.buffer) & (1 << bits - 1)]
        }
        if entry & Inflater.specialFlag != 0 { throw .damaged("a distance has no code") }
        let distance = Inflater.value(entry, cursor.buffer)
        try Inflater.take(Int(entry & 0xFF), &cursor)
        guard length <= cursor.outputCount - cursor.written else { throw .tooLarge }
        try Inflater.copySlowly(&cursor, distance: distance, count: length)
        cursor.written += length
        return false
    }

    private static func take(_ count: Int, _ cursor: inout Cursor) throws(Failure) {
        guard cursor.bits >= count else { throw .endsEarly }
        drop(count, &cursor)
    }
}
