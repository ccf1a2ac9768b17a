/// The streams of the open segment: for each its revisions and, through a chain from the last entry back, its entries.
///
/// A table of its own and not a dictionary of arrays: every entry that is appended, opened or verified passes here, and
/// its stream is found by the bytes of its name where they lie, without making a string of them.
struct StreamTable: Sendable {
    struct Row: Sendable {
        fileprivate var hash: UInt64
        fileprivate var nameStart: Int
        fileprivate var nameCount: Int
        var firstRevision: UInt64
        var lastRevision: UInt64
        /// How many entries it has, and the last of them, counted from the first of the segment.
        var count: UInt32
        fileprivate var lastEntry: UInt32
        /// False if a revision is missing or out of order.
        var isDense: Bool
    }

    private static let none = UInt32.max

    private(set) var rows: [Row] = []
    private var names: [UInt8] = []
    /// Index of a row and one, or 0; a power of two of them, at most half in use.
    private var slots = [UInt32](repeating: 0, count: 16)
    /// For each entry of the segment the entry before it in its stream.
    private var previous: [UInt32] = []

    /// Whoever chooses names must not be able to choose which fall together; nothing that is stored depends on it.
    private static let seed = UInt64(bitPattern: Int64(Hasher().finalize()))

    private static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }

    private static func hash(_ name: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: name.count) &* 0x9E37_79B9_7F4A_7C15
        var place = 0
        while place &+ 8 <= name.count {
            let word = unsafe name.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            hash = mix(hash ^ word, 0xD6E8_FEB8_6659_FD93)
            place &+= 8
        }
        var word: UInt64 = 0
        while place < name.count {
            word = unsafe word << 8 | UInt64(name[place])
            place &+= 1
        }
        return mix(hash ^ word, 0xA076_1D64_78BD_642F ^ seed)
    }

    private func slot(of name: UnsafeRawBufferPointer, hash: UInt64) -> (slot: Int, row: Int?) {
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            if rows[index].hash == hash, unsafe isNamed(rows[index], name) { return (slot, index) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return (slot, nil)
    }

    private func isNamed(_ row: Row, _ name: UnsafeRawBufferPointer) -> Bool {
        guard row.nameCount == name.count else { return false }
        return unsafe names.withUnsafeBytes { names in
            let stored = unsafe UnsafeRawBufferPointer(rebasing: names[row.nameStart..<row.nameStart + row.nameCount])
            return unsafe stored.elementsEqual(name)
        }
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for (index, row) in rows.enumerated() {
            var slot = Int(truncatingIfNeeded: row.hash) & (slots.count - 1)
            while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
            slots[slot] = UInt32(index + 1)
        }
    }

    /// Adds an entry to its stream. Entries come in order, with gaps where frames are damaged.
    /// - Parameter name: where the name lies in `bytes`.
    mutating func append(_ bytes: [UInt8], name range: Range<Int>, entry: UInt32, revision: UInt64) {
        while previous.count <= Int(entry) { previous.append(StreamTable.none) }
        unsafe bytes.withUnsafeBytes { bytes in
            let name = unsafe UnsafeRawBufferPointer(rebasing: bytes[range])
            let hash = unsafe StreamTable.hash(name)
            let (slot, known) = unsafe self.slot(of: name, hash: hash)
            guard let known else {
                slots[slot] = UInt32(rows.count + 1)
                rows.append(
                    Row(
                        hash: hash, nameStart: names.count, nameCount: name.count, firstRevision: revision,
                        lastRevision: revision, count: 1, lastEntry: entry, isDense: true))
                unsafe names.append(contentsOf: name)
                if rows.count * 2 > slots.count { grow() }
                return
            }
            if rows[known].lastEntry >= entry || revision != rows[known].lastRevision &+ 1 {
                rows[known].isDense = false
            }
            previous[Int(entry)] = rows[known].lastEntry
            rows[known].lastEntry = entry
            rows[known].lastRevision = revision
            rows[known].count += 1
        }
    }

    var count: Int { rows.count }

    func name(_ row: Row) -> String { String(decoding: nameBytes(row), as: UTF8.self) }

    func nameBytes(_ row: Row) -> ArraySlice<UInt8> { names[row.nameStart..<row.nameStart + row.nameCount] }

    /// Nil if the segment has no entry of the stream.
    func row(named name: String) -> Row? {
        var name = name
        return name.withUTF8 { utf8 in
            let bytes = UnsafeRawBufferPointer(utf8)
            return unsafe slot(of: bytes, hash: StreamTable.hash(bytes)).row.map { rows[$0] }
        }
    }

    /// The entries of a stream in order.
    func entries(of row: Row) -> [UInt32] {
        var entries: [UInt32] = []
        entries.reserveCapacity(Int(row.count))
        var entry = row.lastEntry
        while entry != StreamTable.none, entries.count < Int(row.count) {
            entries.append(entry)
            entry = previous[Int(entry)]
        }
        entries.reverse()
        return entries
    }

    /// How many of them lie before an entry.
    func entryCount(of row: Row, before entry: UInt32) -> Int {
        if row.lastEntry < entry { return Int(row.count) }
        return entries(of: row).prefix { $0 < entry }.count
    }

    subscript(name: String) -> OpenSegment.StreamRun? { row(named: name).map(run) }

    func run(_ row: Row) -> OpenSegment.StreamRun {
        OpenSegment.StreamRun(
            firstRevision: row.firstRevision, entries: entries(of: row), lastRevision: row.lastRevision)
    }
}
