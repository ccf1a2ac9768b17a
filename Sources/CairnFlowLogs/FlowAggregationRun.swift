/// One file to aggregate.
package struct FlowFileInput: Sendable {
    package var name: String
    package var cluster: String
    /// Gives the content piece by piece; called once, on a thread of its own choosing.
    package var read: @Sendable (_ take: (_ piece: [UInt8]) throws -> Void) throws -> Void

    package init(
        name: String, cluster: String,
        read: @escaping @Sendable (_ take: (_ piece: [UInt8]) throws -> Void) throws -> Void
    ) {
        self.name = name
        self.cluster = cluster
        self.read = read
    }
}

/// What an aggregation over files gave, and what was set aside.
package struct FlowAggregationResult: Sendable {
    package var aggregation: FlowAggregation
    /// Lines set aside: how many, and the first ones of each file.
    package var rejectCount = 0
    package var rejects: [(file: String, reject: FlowLogReject)] = []
    /// Files that could not be read to their end, with the reason; what came before counts.
    package var failures: [(file: String, reason: String)] = []

    /// Bad lines of one file that are kept to be shown.
    package static let rejectsPerFileMax = 20
}

extension FlowAggregation {
    /// Aggregates files in parallel. The outcome does not depend on the number of workers or on which reads what.
    ///
    /// - Parameter format: the order of the fields where a file has no header line.
    package static func run(
        _ query: FlowQuery, over files: [FlowFileInput], format: FlowLogFormat? = nil, workers: Int
    ) async -> FlowAggregationResult {
        let clusters = files.map(\.cluster)
        let count = max(1, min(workers, files.count))
        let parts = await withTaskGroup(of: (Int, Part).self) { group in
            for worker in 0..<count {
                group.addTask {
                    var part = Part(aggregation: FlowAggregation(query, clusters: clusters))
                    // Every count-th file: neighbours in time, which are of one size, spread over the workers.
                    for index in stride(from: worker, to: files.count, by: count) {
                        part.read(files[index], at: index, format: format)
                    }
                    return (worker, part)
                }
            }
            var parts: [(Int, Part)] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.map(\.1)
        }
        var result = FlowAggregationResult(aggregation: FlowAggregation(query, clusters: clusters))
        var rejects: [(Int, FlowLogReject)] = []
        var failures: [(Int, String)] = []
        for (index, part) in parts.enumerated() {
            guard let aggregation = part.aggregation else { continue }
            if index == 0 { result.aggregation = aggregation } else { result.aggregation.merge(aggregation) }
            result.rejectCount += part.rejectCount
            rejects += part.rejects
            failures += part.failures
        }
        result.rejects = rejects.sorted { ($0.0, $0.1.line) < ($1.0, $1.1.line) }.map { (files[$0.0].name, $0.1) }
        result.failures = failures.sorted { $0.0 < $1.0 }.map { (files[$0.0].name, $0.1) }
        return result
    }

    /// What one worker has read so far.
    private struct Part: Sendable {
        var aggregation: FlowAggregation?
        var rejectCount = 0
        var rejects: [(Int, FlowLogReject)] = []
        var failures: [(Int, String)] = []

        mutating func read(_ file: FlowFileInput, at index: Int, format: FlowLogFormat?) {
            // The table moves into the reader and back: a second reference would copy it at the first record.
            guard var sink = aggregation.take() else { return }
            sink.beginFile(cluster: file.cluster)
            var reader = FlowLogReader(sink: sink, format: format)
            _ = consume sink
            var kept = 0
            do {
                try file.read { piece in
                    try reader.push(piece)
                    rejectCount += reader.rejects.count
                    for reject in reader.rejects where kept < FlowAggregationResult.rejectsPerFileMax {
                        rejects.append((index, reject))
                        kept += 1
                    }
                    reader.rejects = []
                }
                try reader.finish()
            } catch {
                failures.append((index, "\(error)"))
            }
            rejectCount += reader.rejects.count
            for reject in reader.rejects where kept < FlowAggregationResult.rejectsPerFileMax {
                rejects.append((index, reject))
                kept += 1
            }
            aggregation = reader.takeSink()
        }
    }
}
