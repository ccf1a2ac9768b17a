extension Inflater {
    mutating func useFixedTables() throws(Failure) {
        if hasFixedTables { return }
        for symbol in 0..<288 {
            unsafe lengths[symbol] = symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8
        }
        for symbol in 288..<320 { unsafe lengths[symbol] = 5 }
        try unsafe makeTable(
            lengths, 288, Inflater.literalEntries, literals, Inflater.literalBits, mayBeIncomplete: true)
        try unsafe makeTable(
            lengths + 288, 32, Inflater.distanceEntries, distances, Inflater.distanceBits, mayBeIncomplete: true)
        hasFixedTables = true
    }

    private static let lengthCodeOrder: [Int] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

    mutating func readTables(_ cursor: inout Cursor) throws(Failure) {
        hasFixedTables = false
        try Inflater.need(14, &cursor)
        let literalCount = Int(cursor.buffer & 31) + 257
        let distanceCount = Int(cursor.buffer >> 5 & 31) + 1
        let codeCount = Int(cursor.buffer >> 10 & 15) + 4
        Inflater.drop(14, &cursor)
        guard literalCount <= 286, distanceCount <= 30 else { throw .damaged("a block has too many symbols") }
        for symbol in 0..<19 { unsafe lengths[symbol] = 0 }
        for index in 0..<codeCount {
            try Inflater.need(3, &cursor)
            unsafe lengths[Inflater.lengthCodeOrder[index]] = UInt8(cursor.buffer & 7)
            Inflater.drop(3, &cursor)
        }
        // The table of distances is free until its lengths are known.
        let table = unsafe distances
        try unsafe makeTable(lengths, 19, Inflater.plainEntries, table, Inflater.lengthCodeBits, mayBeIncomplete: false)
        var count = 0
        while count < literalCount + distanceCount {
            if cursor.bits < 14 { Inflater.fill(&cursor) }
            let entry = unsafe table[Int(cursor.buffer & 127)]
            let codeBits = Int(entry & 0xFF)
            let symbol = Int(entry >> 16 & 0x7FFF)
            let extraBits = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7
            guard entry & Inflater.specialFlag == 0 else { throw .damaged("a code length has no code") }
            guard cursor.bits >= codeBits + extraBits else { throw .endsEarly }
            let extra = Int(cursor.buffer >> UInt64(codeBits)) & (1 << extraBits - 1)
            Inflater.drop(codeBits + extraBits, &cursor)
            var value: UInt8 = 0
            var times = 1
            switch symbol {
            case ..<16: value = UInt8(symbol)
            case 16:
                guard count > 0 else { throw .damaged("a code length repeats nothing") }
                value = unsafe lengths[count - 1]
                times = 3 + extra
            case 17: times = 3 + extra
            default: times = 11 + extra
            }
            guard count + times <= literalCount + distanceCount else {
                throw .damaged("a block has more code lengths than symbols")
            }
            for _ in 0..<times {
                unsafe lengths[count] = value
                count += 1
            }
        }
        guard unsafe lengths[256] > 0 else { throw .damaged("a block has no code for its end") }
        try unsafe makeTable(
            lengths, literalCount, Inflater.literalEntries, literals, Inflater.literalBits, mayBeIncomplete: true)
        try unsafe makeTable(
            lengths + literalCount, distanceCount, Inflater.distanceEntries, distances, Inflater.distanceBits,
            mayBeIncomplete: true)
    }

    // MARK: Tables

    private static let plainEntries: [UInt32] = (0..<19).map { UInt32($0) << 16 }

    private static func entry(base: Int, extraBits: Int) -> UInt32 { UInt32(base) << 16 | UInt32(extraBits) }

    /// What a symbol means, without the bits of its code.
    private static let literalEntries: [UInt32] =
        (0..<256).map { literalFlag | UInt32($0) << 16 } + [specialFlag | endFlag]
        + zip(
            [
                3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
                227, 258,
            ], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0]
        ).map { entry(base: $0, extraBits: $1) } + [specialFlag, specialFlag]

    private static let distanceEntries: [UInt32] =
        zip(
            [
                1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073,
                4097, 6145, 8193, 12289, 16385, 24577,
            ],
            [
                0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
            ]
        ).map { entry(base: $0, extraBits: $1) } + [specialFlag, specialFlag]

    /// Makes the table that decodes a canonical code (RFC 1951, section 3.2.2).
    /// - Parameters:
    ///   - meanings: for each symbol, what `literalEntries` has.
    ///   - mayBeIncomplete: no code at all, or one of one bit, is allowed, as zlib allows it.
    private func makeTable(
        _ codeLengths: UnsafePointer<UInt8>, _ symbolCount: Int, _ meanings: [UInt32],
        _ table: UnsafeMutablePointer<UInt32>, _ tableBits: Int, mayBeIncomplete: Bool
    ) throws(Failure) {
        for length in 0...16 {
            unsafe counts[length] = 0
            unsafe offsets[length] = 0
        }
        for symbol in 0..<symbolCount { unsafe counts[Int(codeLengths[symbol])] += 1 }
        var space = 0
        var longest = 0
        for length in 1...15 {
            unsafe offsets[length + 1] = offsets[length] + counts[length]
            space = unsafe space << 1 + counts[length]
            if unsafe counts[length] > 0 { longest = length }
        }
        // `space` counts in units of codes of 15 bits.
        guard space <= 1 << 15 else { throw .damaged("a block has more codes than there are") }
        let isIncomplete = space < 1 << 15
        guard !isIncomplete || (mayBeIncomplete && longest <= 1) else { throw .damaged("a block has too few codes") }
        for symbol in 0..<symbolCount {
            let length = unsafe Int(codeLengths[symbol])
            guard length > 0 else { continue }
            unsafe sorted[offsets[length]] = UInt16(symbol)
            unsafe offsets[length] += 1
        }
        if isIncomplete {
            for index in 0..<1 << tableBits { unsafe table[index] = Inflater.specialFlag }
            if longest == 0 { return }
        }
        unsafe fillTable(table, tableBits, meanings, longest: longest)
    }

    private func fillTable(
        _ table: UnsafeMutablePointer<UInt32>, _ tableBits: Int, _ meanings: [UInt32], longest: Int
    ) {
        var next = 0
        // The code with its bits in the order in which they are read.
        var code = 0
        var prefix = -1
        var end = 1 << tableBits
        var start = 0
        for length in 1...longest {
            var left = unsafe counts[length]
            while left > 0 {
                let symbol = unsafe Int(sorted[next])
                let meaning = meanings[symbol]
                next += 1
                if length <= tableBits {
                    let entry = meaning &+ UInt32(length) &+ UInt32(length) << 8
                    var place = code
                    while place < 1 << tableBits {
                        unsafe table[place] = entry
                        place += 1 << length
                    }
                } else {
                    if code & (1 << tableBits - 1) != prefix {
                        prefix = code & (1 << tableBits - 1)
                        start = end
                        var bits = length - tableBits
                        var space = left
                        while space < 1 << bits {
                            bits += 1
                            space = unsafe space << 1 + counts[tableBits + bits]
                        }
                        end = start + 1 << bits
                        unsafe table[prefix] =
                            Inflater.specialFlag | Inflater.subtableFlag | UInt32(start) << 16 | UInt32(bits) << 8
                            | UInt32(tableBits)
                    }
                    let rest = length - tableBits
                    let entry = meaning &+ UInt32(rest) &+ UInt32(rest) << 8
                    var place = start + code >> tableBits
                    while place < end {
                        unsafe table[place] = entry
                        place += 1 << rest
                    }
                }
                // Add one to the code, from its highest bit.
                let ones = code ^ (1 << length - 1)
                if ones != 0 {
                    let bit = 1 << (Int.bitWidth - 1 - ones.leadingZeroBitCount)
                    code = code & (bit - 1) | bit
                }
                left -= 1
            }
        }
    }
}
