import CairnFlowLogs

/// The chunks that a transaction has touched: read once, changed in memory, written once, in the order of their keys.
final class FlowChunkStore {
    private let select: Statement
    private let insert: Statement
    private var clusters: [String] = []
    private var clusterNumbers: [String: Int] = [:]
    private var indexes: [FlowChunk.Key: Int] = [:]
    private var keys: [FlowChunk.Key] = []
    private var chunks: [FlowChunk] = []

    init(_ connection: Connection) throws(ReadModelError) {
        select = try connection.statement(
            """
            SELECT digits, \(FlowLayout.widthColumns.joined(separator: ", ")) FROM flow_counts
            WHERE cluster = ?1 AND minute = ?2 AND block = ?3
            """)
        let names = ["cluster", "minute", "block", "counters"] + FlowLayout.columns + ["digits"]
        insert = try connection.statement(
            "INSERT OR REPLACE INTO flow_counts (\(names.joined(separator: ", ")))"
                + " VALUES (\(names.map { _ in "?" }.joined(separator: ", ")))")
    }

    /// Counters in memory.
    private(set) var rowCount = 0

    func number(ofCluster name: String) -> Int {
        if let number = clusterNumbers[name] { return number }
        clusterNumbers[name] = clusters.count
        clusters.append(name)
        return clusters.count - 1
    }

    func index(of key: FlowChunk.Key) throws(ReadModelError) -> Int {
        if let index = indexes[key] { return index }
        let chunk = try load(key)
        indexes[key] = chunks.count
        keys.append(key)
        rowCount += chunk.rowCount
        chunks.append(chunk)
        return chunks.count - 1
    }

    private func load(_ key: FlowChunk.Key) throws(ReadModelError) -> FlowChunk {
        select.bind(1, clusters[key.cluster])
        select.bind(2, key.minute)
        select.bind(3, key.block)
        defer { select.reset() }
        guard try select.step() else { return FlowChunk() }
        guard let numbers = FlowLayout(select, from: 1)?.numbers(select.utf8(0)) else {
            throw ReadModelError(.damaged, "cannot read the flow counters of minute \(key.minute)")
        }
        return FlowChunk(numbers: numbers)
    }

    func begin(_ index: Int, file: Int) { chunks[index].begin(file: file) }

    /// Adds a run of a file's counters, all of this chunk.
    ///
    /// - Parameter each: called with each counter of the file and its row in the chunk.
    func add(
        _ run: Range<Int>, of columns: FlowFileColumns, names: FlowRowNames, to index: Int,
        each: (_ counter: Int, _ row: Int) throws(ReadModelError) -> Void
    ) throws(ReadModelError) {
        let before = chunks[index].rowCount
        if chunks[index].takesWholeRuns {
            let first = chunks[index].append(run, of: columns, names: names)
            for counter in run { try each(counter, first + counter - run.lowerBound) }
        } else {
            for counter in run {
                let key = names.key(ofRow: counter, in: columns)
                try each(counter, chunks[index].add(key, counts: columns.counts, at: counter))
            }
        }
        rowCount += chunks[index].rowCount - before
    }

    func addUnanswered(_ index: Int, row: Int) { chunks[index].addUnanswered(row: row) }

    func takeUnanswered(_ attempts: UInt64, of key: FlowChunk.RowKey, in index: Int) {
        chunks[index].takeUnanswered(attempts, of: key)
    }

    /// Writes every chunk and forgets all.
    func flush() throws(ReadModelError) {
        let order = keys.indices.sorted { left, right in
            let (left, right) = (keys[left], keys[right])
            if left.cluster != right.cluster { return clusters[left.cluster] < clusters[right.cluster] }
            return (left.minute, left.block) < (right.minute, right.block)
        }
        for index in order { try write(chunks[index], keys[index]) }
        indexes = [:]
        keys = []
        chunks = []
        clusters = []
        clusterNumbers = [:]
        rowCount = 0
    }

    private func write(_ chunk: FlowChunk, _ key: FlowChunk.Key) throws(ReadModelError) {
        let layout = chunk.layout
        insert.bind(1, clusters[key.cluster])
        insert.bind(2, key.minute)
        insert.bind(3, key.block)
        insert.bind(4, Int64(chunk.rowCount))
        var parameter: Int32 = 5
        for (start, width) in zip(layout.starts, layout.widths) {
            insert.bind(parameter, Int64(start))
            insert.bind(parameter + 1, Int64(width))
            parameter += 2
        }
        insert.bind(parameter, utf8: layout.text(chunk.numbers))
        _ = try insert.step()
        insert.reset()
    }
}

extension FlowLayout {
    static let widthColumns = names.map { "\($0)_digits" }
    /// Where each number begins, and its digits.
    static let columns = names.flatMap { ["\($0)_at", "\($0)_digits"] }

    /// From the columns of `widthColumns` in a row; nil if they are none of a layout.
    init?(_ row: Statement, from first: Int32) {
        self.init(widths: (0..<FlowLayout.names.count).map { Int(row.integer(first + Int32($0))) })
    }
}
