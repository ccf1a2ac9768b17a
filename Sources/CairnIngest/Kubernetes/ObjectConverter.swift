internal import CairnBytes
internal import CairnYAML

/// Reads Kubernetes objects as files have them: JSON or YAML (told by the first byte), one or many, alone or in lists,
/// or wrapped by a watch.
struct ObjectConverter<Reader: JSONRecordReader>: RecordConverter {
    private let lists: ObjectLists<Reader>
    private let recordBytesMax: Int
    private var source = Source.unknown

    private enum Source {
        case unknown
        case json(JSONConverter<ObjectLists<Reader>>)
        case yaml(YAMLSplitter)
    }

    init(_ reader: Reader, options: ImportOptions) {
        lists = ObjectLists(reader: reader)
        recordBytesMax = options.limits.recordBytesMax
    }

    mutating func append(_ bytes: ArraySlice<UInt8>, to batch: inout IngestBatch) {
        if case .unknown = source { chooseSource(bytes) }
        switch source {
        case .unknown: return
        case .json(var converter):
            source = .unknown
            converter.append(bytes, to: &batch)
            source = .json(converter)
        case .yaml(var splitter):
            source = .unknown
            splitter.append(bytes) { take($0, &batch) }
            source = .yaml(splitter)
        }
    }

    mutating func finish(to batch: inout IngestBatch) {
        switch source {
        case .unknown: return
        case .json(var converter): converter.finish(to: &batch)
        case .yaml(var splitter): splitter.finish { take($0, &batch) }
        }
        source = .unknown
    }

    /// White space and a byte order mark before the first byte that says something may be passed over.
    private mutating func chooseSource(_ bytes: ArraySlice<UInt8>) {
        guard let first = bytes.first(where: { ![0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }) else {
            return
        }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            source = .json(JSONConverter(lists, bytesMax: recordBytesMax))
        } else {
            source = .yaml(YAMLSplitter(bytesMax: YAMLLimits.standard.bytesMax))
        }
    }

    private func take(_ piece: YAMLSplitter.Piece, _ batch: inout IngestBatch) {
        guard piece.bytes.count == piece.byteCount else {
            return batch.reject(
                line: piece.line, "the document is longer than the limit of \(YAMLLimits.standard.bytesMax) bytes",
                remedy: "write it as JSON (-o json), which may be longer", raw: [], rawByteCount: piece.byteCount)
        }
        do throws(YAMLError) {
            let documents = try YAMLParser.documents(piece.bytes)
            for document in documents {
                let record = JSONRecord(
                    value: document.value, bytes: piece.bytes, isLossless: document.isLossless,
                    line: piece.line + document.line - 1, column: 1)
                lists.takeYAML(record, into: &batch)
            }
        } catch {
            batch.reject(
                line: piece.line + error.line - 1, column: error.column, error.reason,
                remedy: "mend the document or leave it out",
                raw: Secrets.isSuspect(piece.bytes, areObjects: true) ? [] : piece.bytes,
                rawByteCount: piece.bytes.count)
        }
    }
}

/// Takes lists (`List`, `EventList`, ...) and watch events apart and gives each object to a reader.
struct ObjectLists<Reader: JSONRecordReader>: JSONRecordReader {
    let reader: Reader

    static var readsObjects: Bool { true }

    func read(_ record: JSONRecord, into batch: inout IngestBatch) { reader.read(record, into: &batch) }

    func take(_ record: JSONRecord, into batch: inout IngestBatch) {
        if let list = record.list {
            var record = record
            record.value = ObjectLists.withKind(record.value, of: list)
            reader.take(record, into: &batch)
        } else if let items = ObjectLists.items(of: record.value) {
            let ranges = JSONElements.ranges(of: "items", in: record.bytes)
            var line = record.line
            var counted = 0
            for (index, item) in items.enumerated() {
                var element = record
                element.value = ObjectLists.withKind(item, of: record.value)
                if ranges.count == items.count {
                    let range = ranges[index]
                    line += record.bytes[counted..<range.lowerBound].count { $0 == UInt8(ascii: "\n") }
                    counted = range.lowerBound
                    element.bytes = Array(record.bytes[range])
                    element.line = line
                } else {
                    element.bytes = CanonicalJSON.bytes(of: element.value)
                }
                reader.take(element, into: &batch)
            }
        } else if let object = ObjectLists.watched(record.value) {
            var element = record
            element.value = object
            element.isDeleted = record.value["type"]?.string == "DELETED"
            // The bytes around an object may hold others, which are not its own: they are never taken for it.
            element.bytes =
                JSONElements.ranges(of: "object", in: record.bytes).first.map { Array(record.bytes[$0]) }
                ?? CanonicalJSON.bytes(of: object)
            reader.take(element, into: &batch)
        } else {
            reader.take(record, into: &batch)
        }
    }

    /// A list in YAML has no bytes for each object: their canonical form stands for them.
    func takeYAML(_ record: JSONRecord, into batch: inout IngestBatch) {
        guard let items = ObjectLists.items(of: record.value) else { return reader.take(record, into: &batch) }
        for item in items {
            let value = ObjectLists.withKind(item, of: record.value)
            var element = record
            element.value = value
            element.bytes = CanonicalJSON.bytes(of: value)
            reader.take(element, into: &batch)
        }
    }

    private static func items(of value: JSONValue) -> [JSONValue]? {
        guard let kind = value["kind"]?.string, kind.hasSuffix("List") else { return nil }
        return value["items"]?.array
    }

    private static func watched(_ value: JSONValue) -> JSONValue? {
        guard value["kind"] == nil, let type = value["type"]?.string, ["ADDED", "MODIFIED", "DELETED"].contains(type),
            let object = value["object"], object.object != nil
        else { return nil }
        return object
    }

    /// The objects of a typed list (`BackupList`) leave out what the list's own kind says.
    private static func withKind(_ item: JSONValue, of list: JSONValue) -> JSONValue {
        guard case .object(var object) = item, object["kind"] == nil, let kind = list["kind"]?.string,
            kind.hasSuffix("List"), kind != "List"
        else { return item }
        object["kind"] = .string(String(kind.dropLast("List".count)))
        if object["apiVersion"] == nil { object["apiVersion"] = list["apiVersion"] }
        return .object(object)
    }
}
