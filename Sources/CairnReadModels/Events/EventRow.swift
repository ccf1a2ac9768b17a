import CairnBytes
package import CairnModel

/// An event as the projections see it: the parts of its entry as they lie in the bytes that were read.
struct EventRow: Sendable {
    var position: UInt64 = 0
    var revision: UInt64 = 0
    var time = Timestamp.earliest
    var recordedTime = Timestamp.earliest
    var id = ByteSlice.missing
    var source = ByteSlice.missing
    var type = ByteSlice.missing
    var subject = ByteSlice.missing
    var timeText = ByteSlice.missing
    var actorID = ByteSlice.missing
    var actorType = ByteSlice.missing
    var onBehalfOf = ByteSlice.missing
    var correlationID = ByteSlice.missing
    var causationID = ByteSlice.missing
    var traceparent = ByteSlice.missing
    /// In hexadecimal.
    var receivedDigest = ByteSlice.missing
    /// Canonical JSON; an event without data has `null`.
    var data = ByteSlice.missing
    /// Canonical JSON of an object; missing if there are none.
    var extensions = ByteSlice.missing
    /// Index of the mark of `data`; nil where it has none, which reads as null.
    var dataMark: Int?
    /// A hash of the type's bytes.
    var typeHash: UInt64 = 0
    var attachments: [AttachmentReference] = []
    /// Where this event's slices lie if not with the others of its batch.
    var ownStorage: EventStorage?

    init() {}

    /// Lays out an event that was decoded already.
    init(_ event: RecordedEvent) {
        var bytes: [UInt8] = []
        func add(_ text: String?) -> ByteSlice {
            guard let text else { return .missing }
            let start = bytes.count
            bytes.append(contentsOf: text.utf8)
            return ByteSlice(start..<bytes.count)
        }
        func add(_ value: JSONValue) -> ByteSlice {
            let start = bytes.count
            CanonicalJSON.write(value, to: &bytes)
            return ByteSlice(start..<bytes.count)
        }
        position = event.position
        revision = event.revision
        time = event.time
        recordedTime = event.recordedTime
        id = add(event.id)
        source = add(event.source)
        type = add(event.type)
        subject = add(event.subject.text)
        timeText = add(event.timeText)
        actorID = add(event.actor.id)
        actorType = add(event.actor.type)
        onBehalfOf = add(event.onBehalfOf)
        correlationID = add(event.correlationID)
        causationID = add(event.causationID)
        traceparent = add(event.traceparent)
        receivedDigest = add(event.receivedDigest.map { Hex.string($0) })
        extensions = event.extensions.isEmpty ? .missing : add(.object(event.extensions))
        data = add(event.data)
        attachments = event.attachments
        typeHash = EventRow.hash(bytes.span, type)
        var reader = JSONMarkReader(isChecked: false)
        dataMark = reader.read(bytes.span, in: data.range)
        ownStorage = EventStorage(bytes: bytes, marks: reader.marks)
    }

    /// The event with all its parts decoded; its stream's name was checked when it was read.
    func recorded(in storage: EventStorage) -> RecordedEvent {
        func text(_ slice: ByteSlice) -> String? { slice.isMissing ? nil : storage.text(slice) }
        func value(_ slice: ByteSlice) -> JSONValue? {
            guard !slice.isMissing else { return nil }
            let bytes = storage.bytes
            return (try? JSONParser.parse(bytes.span.extracting(slice.range), limits: JSONNode.limits))?.value
        }
        return RecordedEvent(
            position: position, id: storage.text(id), source: storage.text(source), type: storage.text(type),
            subject: StreamName(storage.text(subject)) ?? StreamName(kind: "unknown", foreignID: storage.text(subject)),
            revision: revision, time: time, timeText: text(timeText), recordedTime: recordedTime,
            data: value(data) ?? .null, actor: Actor(id: storage.text(actorID), type: storage.text(actorType)),
            onBehalfOf: text(onBehalfOf), correlationID: text(correlationID), causationID: text(causationID),
            traceparent: text(traceparent), extensions: value(extensions)?.object ?? [:], attachments: attachments,
            receivedDigest: text(receivedDigest).flatMap(Hex.bytes))
    }

    /// FNV-1a, 64 bits.
    static func hash(_ bytes: Span<UInt8>, _ slice: ByteSlice) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for index in slice.range { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3 }
        return hash
    }
}

/// Events in a row of the log, read together.
package final class EventBatch: Sendable {
    let rows: [EventRow]
    let storage: EventStorage

    init(rows: [EventRow], storage: EventStorage) {
        self.rows = rows
        self.storage = storage
    }

    /// Events that were decoded already.
    package convenience init(_ events: [RecordedEvent]) {
        self.init(rows: events.map { EventRow($0) }, storage: EventStorage(bytes: [], marks: []))
    }

    func storage(of row: EventRow) -> EventStorage { row.ownStorage ?? storage }

    /// About how much memory it takes.
    var byteCount: Int {
        let own = rows.reduce(0) { sum, row in
            sum + (row.ownStorage.map { $0.bytes.count + $0.marks.count * MemoryLayout<JSONMark>.stride } ?? 0)
        }
        return storage.bytes.count + storage.marks.count * MemoryLayout<JSONMark>.stride
            + rows.count * MemoryLayout<EventRow>.stride + own
    }
}
