package import CairnBytes
package import CairnModel

/// An event read from a file, and where it stood.
package struct IngestedEvent: Sendable, Hashable {
    package var event: ProposedEvent
    /// The line of the record's first byte, from 1.
    package var line: Int
    /// What was left out or changed on the way, for people: `authid was dropped: Cairn sets it`.
    package var notes: [String]

    package init(event: ProposedEvent, line: Int, notes: [String] = []) {
        self.event = event
        self.line = line
        self.notes = notes
    }
}

/// A record that could not be used: where, why, what to do, and the record itself as far as it may be shown.
package struct IngestReject: Error, Sendable, Hashable, CustomStringConvertible {
    package var file: String
    /// From 1; 0 if the whole file is meant.
    package var line: Int
    /// In bytes, from 1; 0 if the whole line is meant.
    package var column: Int
    package var reason: String
    package var remedy: String
    /// The record, cut to `ImportLimits.rejectRawBytesMax`; empty where it may hold a Kubernetes Secret.
    package var raw: [UInt8]
    /// The record's full length in bytes.
    package var rawByteCount: Int

    package init(
        file: String, line: Int, column: Int, reason: String, remedy: String, raw: [UInt8], rawByteCount: Int
    ) {
        self.file = file
        self.line = line
        self.column = column
        self.reason = reason
        self.remedy = remedy
        self.raw = raw
        self.rawByteCount = rawByteCount
    }

    package var description: String {
        let place = line == 0 ? file : column == 0 ? "\(file):\(line)" : "\(file):\(line):\(column)"
        return "\(place): \(reason); \(remedy)"
    }

    /// One line of a rejects file. Bytes that are not UTF-8 show as U+FFFD.
    package var json: JSONValue {
        [
            "file": .string(file), "line": .integer(line), "column": .integer(column), "reason": .string(reason),
            "remedy": .string(remedy), "raw": .string(String(decoding: raw, as: UTF8.self)),
            "raw_bytes": .integer(rawByteCount),
        ]
    }
}

/// What came out of a piece of a file, in the order of the file. The caller takes it and the importer starts anew, so
/// that memory holds one piece and not the file.
package struct IngestBatch: Sendable {
    package let file: String
    package private(set) var events: [IngestedEvent] = []
    package var samples = SampleRows()
    package var rejects: [IngestReject] = []
    let rejectRawBytesMax: Int
    private var eventBytes = 0

    init(file: String, rejectRawBytesMax: Int) {
        self.file = file
        self.rejectRawBytesMax = rejectRawBytesMax
    }

    package var isEmpty: Bool { events.isEmpty && samples.count == 0 && rejects.isEmpty }

    /// A batch is handed over from here: enough to make one append of the log worth its sync, and at most some
    /// 20 MB.
    var isLarge: Bool {
        events.count >= 1000 || eventBytes >= 16 << 20 || samples.count >= 1_000_000 || samples.keyBytes >= 16 << 20
            || rejects.count >= 1000
    }

    mutating func add(_ event: IngestedEvent) {
        events.append(event)
        eventBytes += event.event.received?.bytes.count ?? 0
    }

    mutating func reject(
        line: Int, column: Int = 0, _ reason: String, remedy: String, raw: some Collection<UInt8>,
        rawByteCount: Int? = nil
    ) {
        rejects.append(
            IngestReject(
                file: file, line: line, column: column, reason: reason, remedy: remedy,
                raw: Array(raw.prefix(rejectRawBytesMax)), rawByteCount: rawByteCount ?? raw.count))
    }
}
