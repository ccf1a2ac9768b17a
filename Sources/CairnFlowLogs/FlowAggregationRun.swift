internal import CairnBytes
internal import Synchronization

/// One file to aggregate.
package struct FlowFileInput: Sendable {
    package var name: String
    package var cluster: String
    /// How large the file is, as far as known: large ones are begun first, and progress is told by it.
    package var bytes: Int
    /// Gives the content piece by piece; called once, on a thread of its own choosing.
    package var read: @Sendable (_ take: (_ piece: [UInt8]) throws -> Void) throws -> Void

    package init(
        name: String, cluster: String, bytes: Int = 0,
        read: @escaping @Sendable (_ take: (_ piece: [UInt8]) throws -> Void) throws -> Void
    ) {
        self.name = name
        self.cluster = cluster
        self.bytes = bytes
        self.read = read
    }
}

/// How far an aggregation is.
package struct FlowProgress: Sendable, Hashable {
    package var filesDone: Int
    package var filesTotal: Int
    package var bytesDone: Int
    package var bytesTotal: Int
}

/// What an aggregation over files gave, and what was set aside.
package struct FlowAggregationResult: Sendable {
    package var rows: FlowGroupRows
    package var counts = FlowLineCounts()
    /// Lines set aside, the first ones of each file.
    package var rejects: [(file: String, reject: FlowLogReject)] = []
    /// Files that could not be read to their end, with the reason; what came before counts.
    package var failures: [(file: String, reason: String)] = []
    /// Files that are Parquet, of which nothing was read.
    package var parquetFiles: [String] = []
    /// There were more groups than memory is meant for, so the rows are not all and their sums too small.
    package var hasTooManyGroups = false

    /// Bad lines of one file that are kept to be shown.
    package static let rejectsPerFileMax = 20
}

extension FlowAggregation {
    /// Aggregates files on threads of its own and waits for them. The outcome does not depend on how many there are or
    /// on which reads what.
    ///
    /// - Parameters:
    ///   - format: the order of the fields where a file has no header line.
    ///   - workers: threads that read; one more inflates each file that is larger than a thread's share of all.
    ///   - progress: called now and then, from any thread.
    package static func run(
        _ query: FlowQuery, over files: [FlowFileInput], format: FlowLogFormat? = nil,
        limits: FlowLogLimits = FlowLogLimits(), workers: Int,
        progress: (@Sendable (FlowProgress) -> Void)? = nil
    ) -> FlowAggregationResult {
        let clusters = Set(files.map(\.cluster)).sorted()
        let layout = FlowKeyLayout(query, clusterCount: clusters.count)
        let count = max(1, min(workers, files.count))
        let meter = FlowProgressMeter(files, progress)
        let queue = FlowFileQueue(files, workers: workers)
        let parts = Mutex<[FlowPart]>([])
        WorkerThread.run(count) { number in
            var worker = FlowWorker(query, layout: layout, clusters: clusters, format: format, limits: limits)
            while let (index, isSplit) = queue.next() { worker.read(files[index], at: index, isSplit: isSplit, meter) }
            var part = worker.finish()
            part.number = number
            let finished = part
            parts.withLock { $0.append(finished) }
        }
        return result(parts.withLock { $0.sorted { $0.number < $1.number } }, query, layout, clusters, files)
    }

    private static func result(
        _ parts: [FlowPart], _ query: FlowQuery, _ layout: FlowKeyLayout, _ clusters: [String],
        _ files: [FlowFileInput]
    ) -> FlowAggregationResult {
        var result = FlowAggregationResult(
            rows: FlowGroupRows(
                query, layout: layout, clusters: clusters, parts: parts.map { ($0.runs, $0.symbols) }))
        var rejects: [(Int, FlowLogReject)] = []
        var failures: [(Int, any Error)] = []
        for part in parts {
            result.counts.add(part.counts)
            result.hasTooManyGroups = result.hasTooManyGroups || part.hasTooManyGroups
            rejects += part.rejects
            failures += part.failures
        }
        result.rejects = rejects.sorted { ($0.0, $0.1.line) < ($1.0, $1.1.line) }.map { (files[$0.0].name, $0.1) }
        for (index, error) in failures.sorted(by: { $0.0 < $1.0 }) {
            if case FlowLogError.parquet = error {
                result.parquetFiles.append(files[index].name)
            } else {
                result.failures.append((files[index].name, "\(error)"))
            }
        }
        return result
    }
}

/// Which file is read next.
private final class FlowFileQueue: Sendable {
    private let order: [(index: Int, isSplit: Bool)]
    private let position = Atomic<Int>(0)

    init(_ files: [FlowFileInput], workers: Int) {
        let total = files.reduce(0) { $0 + $1.bytes }
        // A file that alone takes longer than a thread's share is begun first and read by two threads.
        let share = total / max(1, workers)
        let isLarge = { (index: Int) in workers > 1 && files[index].bytes > share && files[index].bytes > 1 << 20 }
        let large = files.indices.filter(isLarge).sorted { files[$0].bytes > files[$1].bytes }
        // The others in order: neighbours share a cluster and minutes, and so their runs differ in few bits.
        order = large.map { ($0, true) } + files.indices.filter { !isLarge($0) }.map { ($0, false) }
    }

    func next() -> (index: Int, isSplit: Bool)? {
        let place = position.add(1, ordering: .relaxed).oldValue
        return order.indices.contains(place) ? order[place] : nil
    }
}

/// Counts what is done, for whoever shows it.
private final class FlowProgressMeter: Sendable {
    private let filesTotal: Int
    private let bytesTotal: Int
    private let filesDone = Atomic<Int>(0)
    private let bytesDone = Atomic<Int>(0)
    private let report: (@Sendable (FlowProgress) -> Void)?

    init(_ files: [FlowFileInput], _ report: (@Sendable (FlowProgress) -> Void)?) {
        filesTotal = files.count
        bytesTotal = files.reduce(0) { $0 + $1.bytes }
        self.report = report
    }

    func add(files: Int, bytes: Int) {
        let files = filesDone.add(files, ordering: .relaxed).newValue
        let bytes = bytesDone.add(bytes, ordering: .relaxed).newValue
        report?(FlowProgress(filesDone: files, filesTotal: filesTotal, bytesDone: bytes, bytesTotal: bytesTotal))
    }
}

/// What one worker has counted.
private struct FlowPart: Sendable {
    var number = 0
    var runs: [FlowRun] = []
    var symbols = FlowSymbols()
    var counts = FlowLineCounts()
    var rejects: [(Int, FlowLogReject)] = []
    var failures: [(Int, any Error)] = []
    var hasTooManyGroups = false
}

/// Reads files one after another on one thread.
private struct FlowWorker: ~Copyable {
    private var text: FlowTextReader<FlowTally>
    private let limits: FlowLogLimits
    private let buffer = FlowTextBuffer()
    private var part = FlowPart()

    init(
        _ query: FlowQuery, layout: FlowKeyLayout, clusters: [String], format: FlowLogFormat?, limits: FlowLogLimits
    ) {
        self.limits = limits
        text = FlowTextReader(
            consumer: FlowTally(query, layout: layout, clusters: clusters, limits: limits), format: format,
            limits: limits)
    }

    mutating func read(_ file: FlowFileInput, at index: Int, isSplit: Bool, _ meter: FlowProgressMeter) {
        text.beginFile()
        text.consumer.beginFile(cluster: file.cluster)
        do {
            if isSplit { try readSplit(file, meter) } else { try readHere(file, meter) }
            try text.finish(isCut: false)
        } catch {
            if case FlowLogError.damaged = error { try? text.finish(isCut: true) }
            part.failures.append((index, error))
        }
        part.counts.add(text.counts)
        for reject in text.rejects.prefix(FlowAggregationResult.rejectsPerFileMax) {
            part.rejects.append((index, reject))
        }
        meter.add(files: 1, bytes: 0)
    }

    private mutating func readHere(_ file: FlowFileInput, _ meter: FlowProgressMeter) throws {
        var container = FlowContainer(limits: limits)
        try file.read { piece in
            container.push(piece)
            while try container.fill(buffer) { try text.read(buffer) }
            meter.add(files: 0, bytes: piece.count)
        }
        container.end()
        while try container.fill(buffer) { try text.read(buffer) }
    }

    /// Another thread reads and inflates; this one finds lines and counts.
    private mutating func readSplit(_ file: FlowFileInput, _ meter: FlowProgressMeter) throws {
        let channel = FlowTextChannel()
        let limits = limits
        let other = WorkerThread {
            var container = FlowContainer(limits: limits)
            do {
                try file.read { piece in
                    container.push(piece)
                    while try channel.fill(from: &container) {}
                    meter.add(files: 0, bytes: piece.count)
                }
                container.end()
                while try channel.fill(from: &container) {}
                channel.end(nil)
            } catch {
                channel.end(error)
            }
        }
        defer { other.join() }
        do {
            while let filled = try channel.next() {
                try text.read(filled)
                channel.giveBack()
            }
        } catch {
            channel.cancel()
            throw error
        }
    }

    consuming func finish() -> FlowPart {
        text.consumer.finish()
        part.runs = text.consumer.table.runs
        part.hasTooManyGroups = text.consumer.table.isFull
        part.symbols = text.consumer.symbols
        return part
    }
}

extension FlowLineCounts {
    mutating func add(_ other: FlowLineCounts) {
        lines += other.lines
        records += other.records
        rejects += other.rejects
        headers += other.headers
        blank += other.blank
        wrappings += other.wrappings
    }
}
