internal import CairnBytes

/// A JSON value from a file, and where it stood.
struct JSONRecord {
    var value: JSONValue
    /// As they came; after something was left out on purpose (values of Secrets), the canonical form of the rest.
    var bytes: [UInt8]
    /// False if the canonical form of `value` does not say all that the producer did.
    var isLossless: Bool
    var line: Int
    var column: Int
    /// The members that a list too long for one record has before its items.
    var list: JSONValue?
    /// A watch told that the object is gone; the value is its last state.
    var isDeleted = false
    var notes: [String] = []
}

/// Makes events of JSON values.
protocol JSONRecordReader {
    /// The records are Kubernetes objects, any of which may be a Secret.
    static var readsObjects: Bool { get }
    /// Takes a record from which the values of Secrets are gone.
    func read(_ record: JSONRecord, into batch: inout IngestBatch)
    /// Takes a record as it came.
    func take(_ record: JSONRecord, into batch: inout IngestBatch)
}

extension JSONRecordReader {
    static var readsObjects: Bool { false }

    func take(_ record: JSONRecord, into batch: inout IngestBatch) {
        var record = record
        Secrets.drop(from: &record)
        read(record, into: &batch)
    }
}

/// Splits a stream of bytes into JSON objects and gives each to a reader.
struct JSONConverter<Reader: JSONRecordReader>: RecordConverter {
    private var splitter: JSONSplitter
    private let reader: Reader
    private let limits: JSONLimits
    private var list: JSONValue?

    init(_ reader: Reader, bytesMax: Int) {
        self.reader = reader
        splitter = JSONSplitter(bytesMax: bytesMax, keptBytesMax: 1 << 16, splitsLists: Reader.readsObjects)
        var limits = JSONLimits.standard
        limits.bytesMax = bytesMax
        self.limits = limits
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, to batch: inout IngestBatch) {
        let (reader, limits) = (reader, limits)
        var list = list
        splitter.append(bytes) { piece, line, column in
            JSONConverter.take(piece, line: line, column: column, reader, limits, &list, &batch)
        }
        self.list = list
    }

    mutating func finish(to batch: inout IngestBatch) {
        let (reader, limits) = (reader, limits)
        var list = list
        splitter.finish { piece, line, column in
            JSONConverter.take(piece, line: line, column: column, reader, limits, &list, &batch)
        }
    }

    private static func take(
        _ piece: JSONSplitter.Piece, line: Int, column: Int, _ reader: Reader, _ limits: JSONLimits,
        _ list: inout JSONValue?, _ batch: inout IngestBatch
    ) {
        switch piece {
        case .listBegins(let head):
            list = try? JSONParser.parse(head + Array("]}".utf8)).value
        case .listEnds:
            list = nil
        case .broken(let bytes, let byteCount, let reason, let place, let placeColumn):
            batch.reject(
                line: place, column: placeColumn, reason + recordNote(line, place),
                remedy: "mend the record or leave it out",
                raw: Secrets.isSuspect(bytes, areObjects: Reader.readsObjects) ? [] : bytes,
                rawByteCount: byteCount)
        case .object(let bytes):
            do throws(JSONError) {
                let document = try JSONParser.parse(bytes, limits: limits)
                let record = JSONRecord(
                    value: document.value, bytes: bytes, isLossless: document.isLossless, line: line, column: column,
                    list: list)
                reader.take(record, into: &batch)
            } catch {
                let place = line + error.line - 1
                batch.reject(
                    line: place, column: error.line == 1 ? column + error.column - 1 : error.column,
                    error.reason + recordNote(line, place), remedy: "mend the record or leave it out",
                    raw: Secrets.isSuspect(bytes, areObjects: Reader.readsObjects) ? [] : bytes,
                    rawByteCount: bytes.count)
            }
        }
    }

    private static func recordNote(_ start: Int, _ place: Int) -> String {
        start == place ? "" : " (in the record that starts at line \(start))"
    }
}
