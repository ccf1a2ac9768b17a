internal import CairnBytes

/// The keys section of a window: symbols once each, label sets once each, and two numbers for a series.
enum WindowKeys {
    /// All names and values of a window together, which memory has to hold at once.
    static let symbolBytesMax = 256 << 20
    /// More different texts than series and labels could sensibly bring.
    static let symbolsMax = 16 << 20
    /// Labels of all series together: 512 MB once they are read. Sixteen for each of a million series.
    static let labelsMax = 16 << 20

    private struct Symbol: Hashable {
        let text: String

        static func == (left: Symbol, right: Symbol) -> Bool { isSameText(left.text, right.text) }
    }

    /// - Parameter keys: ascending.
    static func encode(_ keys: [SeriesKey]) -> [UInt8] {
        var setNumbers: [[Label]: Int] = [:]
        var sets: [[Label]] = []
        var setOfSeries: [Int64] = []
        var symbols: Set<Symbol> = []
        for key in keys {
            symbols.insert(Symbol(text: key.name))
            if let number = setNumbers[key.labels] {
                setOfSeries.append(Int64(number))
                continue
            }
            setNumbers[key.labels] = sets.count
            setOfSeries.append(Int64(sets.count))
            sets.append(key.labels)
            for label in key.labels {
                symbols.insert(Symbol(text: label.name))
                symbols.insert(Symbol(text: label.value))
            }
        }
        let sorted = symbols.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
        var numbers: [Symbol: Int] = [:]
        numbers.reserveCapacity(sorted.count)
        for (number, symbol) in sorted.enumerated() { numbers[symbol] = number }
        func number(_ text: String) -> Int { numbers[Symbol(text: text)] ?? 0 }

        var output = ByteWriter(capacity: 1024)
        append(symbols: sorted.map { Array($0.text.utf8) }, to: &output)
        append(sets: sets, number: number, to: &output)
        NumberColumn.appendDifferences(keys.map { Int64(number($0.name)) }, to: &output)
        NumberColumn.appendDifferences(setOfSeries, to: &output)
        return output.bytes
    }

    private static func append(symbols: [[UInt8]], to output: inout ByteWriter) {
        var prefixes: [UInt64] = []
        var lengths: [UInt64] = []
        var text: [UInt8] = []
        var before: [UInt8] = []
        for symbol in symbols {
            let shared = zip(before, symbol).prefix { $0 == $1 }.count
            prefixes.append(UInt64(shared))
            lengths.append(UInt64(symbol.count - shared))
            text.append(contentsOf: symbol[shared...])
            before = symbol
        }
        output.appendVarint(UInt64(symbols.count))
        NumberColumn.append(prefixes, to: &output)
        NumberColumn.append(lengths, to: &output)
        output.appendCounted(Deflate.compress(text, container: .raw, level: 9, memoryLevel: 9))
    }

    private static func append(sets: [[Label]], number: (String) -> Int, to output: inout ByteWriter) {
        var shapeNumbers: [[Int]: Int] = [:]
        var shapes: [[Int]] = []
        var members: [[Int]] = []
        var shapeOfSet: [UInt64] = []
        for (index, set) in sets.enumerated() {
            let names = set.map { number($0.name) }
            let shape = shapeNumbers[names] ?? shapes.count
            if shape == shapes.count {
                shapeNumbers[names] = shape
                shapes.append(names)
                members.append([])
            }
            members[shape].append(index)
            shapeOfSet.append(UInt64(shape))
        }
        output.appendVarint(UInt64(shapes.count))
        for shape in shapes {
            output.appendVarint(UInt64(shape.count))
            for name in shape { output.appendVarint(UInt64(name)) }
        }
        output.appendVarint(UInt64(sets.count))
        NumberColumn.append(shapeOfSet, to: &output)
        for (shape, names) in shapes.enumerated() {
            for place in names.indices {
                NumberColumn.appendDifferences(
                    members[shape].map { Int64(number(sets[$0][place].value)) }, to: &output)
            }
        }
    }

    // MARK: Reading

    /// - Parameter count: how many series the header names.
    static func decode(_ bytes: [UInt8], count: Int) throws -> [SeriesKey] {
        var input = ByteReader(bytes)
        let symbols = try readSymbols(&input)
        let sets = try readSets(&input, symbols: symbols, setsMax: count)
        let names = try NumberColumn.readDifferences(count, from: &input)
        let setOfSeries = try NumberColumn.readDifferences(count, from: &input)
        guard input.isAtEnd else { throw PackedNumbersError(reason: "there are bytes after the keys") }
        var keys: [SeriesKey] = []
        keys.reserveCapacity(count)
        for (name, set) in zip(names, setOfSeries) {
            guard symbols.indices.contains(Int(name)), sets.indices.contains(Int(set)) else {
                throw PackedNumbersError(reason: "a series has a name or labels that are not there")
            }
            let key = try SeriesKey(canonical: symbols[Int(name)], labels: sets[Int(set)])
            guard keys.last.map({ $0 < key }) ?? true else {
                throw PackedNumbersError(reason: "series \(key) is not in its place")
            }
            keys.append(key)
        }
        return keys
    }

    private static func readSymbols(_ input: inout ByteReader) throws -> [String] {
        let count = try input.readVarint()
        // Each symbol after the first has a byte of its own, and deflate makes at most 1032 bytes of one.
        guard count <= UInt64(min(symbolsMax, input.remaining * 1032)) else {
            throw PackedNumbersError(reason: "\(count) symbols are too many")
        }
        let prefixes = try NumberColumn.read(Int(count), from: &input)
        let lengths = try NumberColumn.read(Int(count), from: &input)
        var total: UInt64 = 0
        for length in lengths {
            guard length <= UInt64(SeriesKey.valueBytesMax) else {
                throw PackedNumbersError(reason: "a symbol of \(length) bytes is too long")
            }
            total += length
        }
        guard total <= UInt64(symbolBytesMax) else {
            throw PackedNumbersError(reason: "\(total) bytes of symbols are too many")
        }
        let text = try Inflate.decompress(try input.readCounted(), container: .raw, limit: Int(total))
        guard text.count == Int(total) else { throw PackedNumbersError(reason: "the symbols end early") }
        var symbols: [String] = []
        symbols.reserveCapacity(Int(count))
        var before: [UInt8] = []
        var place = 0
        for (prefix, length) in zip(prefixes, lengths) {
            guard prefix <= UInt64(before.count), Int(prefix) + Int(length) <= SeriesKey.valueBytesMax else {
                throw PackedNumbersError(reason: "a symbol shares \(prefix) bytes with one of \(before.count)")
            }
            let symbol = before[..<Int(prefix)] + text[place..<place + Int(length)]
            place += Int(length)
            guard symbols.isEmpty || before.lexicographicallyPrecedes(symbol) else {
                throw PackedNumbersError(reason: "symbols are not in order")
            }
            before = Array(symbol)
            guard let string = String(validating: before) else {
                throw PackedNumbersError(reason: "a symbol is not valid UTF-8")
            }
            symbols.append(string)
        }
        return symbols
    }

    private static func readSets(
        _ input: inout ByteReader, symbols: [String], setsMax: Int
    ) throws -> [[Label]] {
        var shapes: [[String]] = []
        for _ in 0..<(try input.readCount()) {
            var names: [String] = []
            for _ in 0..<(try input.readCount()) {
                let name = try input.readVarint()
                guard name < UInt64(symbols.count), names.count < SeriesKey.labelsMax else {
                    throw PackedNumbersError(reason: "a set of labels has a name that is not there")
                }
                names.append(symbols[Int(name)])
            }
            shapes.append(names)
        }
        let count = try input.readVarint()
        guard count <= UInt64(setsMax) else {
            throw PackedNumbersError(reason: "\(count) sets of labels for \(setsMax) series")
        }
        let shapeOfSet = try NumberColumn.read(Int(count), from: &input)
        var members = [[Int]](repeating: [], count: shapes.count)
        for (index, shape) in shapeOfSet.enumerated() {
            guard shape < UInt64(shapes.count) else { throw PackedNumbersError(reason: "a set has no shape") }
            members[Int(shape)].append(index)
        }
        let labels = zip(shapes, members).reduce(0) { $0 + $1.0.count * $1.1.count }
        guard labels <= labelsMax else { throw PackedNumbersError(reason: "\(labels) labels are too many") }
        var sets = [[Label]](repeating: [], count: Int(count))
        for (shape, names) in shapes.enumerated() {
            for index in members[shape] { sets[index].reserveCapacity(names.count) }
            for name in names {
                let values = try NumberColumn.readDifferences(members[shape].count, from: &input)
                for (index, value) in zip(members[shape], values) {
                    guard symbols.indices.contains(Int(value)) else {
                        throw PackedNumbersError(reason: "a label has a value that is not there")
                    }
                    sets[index].append(Label(name, symbols[Int(value)]))
                }
            }
        }
        return sets
    }
}
