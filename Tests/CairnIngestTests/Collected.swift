import CairnBytes
import CairnIngest
import CairnModel
import CairnSeries
import Foundation

/// Everything that one file gave.
struct Collected {
    var events: [IngestedEvent] = []
    /// Series by their text form, each with its samples.
    var series: [String: [Sample]] = [:]
    var rejects: [IngestReject] = []
    var summary = FileSummary(file: "")

    /// Imports bytes, given to the importer in pieces of one size.
    init(_ bytes: [UInt8], _ options: ImportOptions, pieceBytes: Int = 1 << 16, file: String = "input") throws {
        let importer = FileImporter(file: file, options: options)
        var start = 0
        var collected = Collected()
        while start < bytes.count {
            let end = min(bytes.count, start + pieceBytes)
            try importer.append(Array(bytes[start..<end])) { collected.add($0) }
            start = end
        }
        collected.summary = try importer.finish { collected.add($0) }
        self = collected
    }

    init(_ text: String, _ options: ImportOptions, pieceBytes: Int = 1 << 16) throws {
        try self.init(Array(text.utf8), options, pieceBytes: pieceBytes)
    }

    private init() {}

    private mutating func add(_ batch: IngestBatch) {
        events += batch.events
        rejects += batch.rejects
        for part in batch.samples.batch.series { series[part.key.description, default: []] += part.samples }
    }

    /// What was read, as text for golden files.
    var golden: String {
        var text = ""
        for event in events { text += CanonicalJSON.string(of: Collected.json(of: event)) + "\n" }
        for (name, samples) in series.sorted(by: { $0.key < $1.key }) {
            text += "series \(name)\n"
            for sample in samples { text += "  \(Timestamp(microseconds: sample.timeMs * 1000)) \(sample.value)\n" }
        }
        for reject in rejects { text += "reject \(reject) | \(String(decoding: reject.raw, as: UTF8.self))\n" }
        return text
    }

    static func json(of ingested: IngestedEvent) -> JSONValue {
        let event = ingested.event
        return [
            "line": .integer(ingested.line), "notes": .array(ingested.notes.map { .string($0) }),
            "id": .string(event.id),
            "source": .string(event.source), "type": .string(event.type), "subject": .string(event.subject.text),
            "time": .string(event.time.description), "time_text": .optional(event.timeText), "data": event.data,
            "on_behalf_of": .optional(event.onBehalfOf), "extensions": .object(event.extensions),
            "lossless": .bool(event.received?.isLossless ?? true),
            "received": .string(String(decoding: event.received?.bytes ?? [], as: UTF8.self)),
        ]
    }
}

/// The fixtures beside the tests.
enum Fixture {
    static func bytes(_ name: String) throws -> [UInt8] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/\(name)")
        return Array(try Data(contentsOf: file))
    }
}
