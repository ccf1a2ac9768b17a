import CairnBytes
import CairnLedger
import CairnModel

/// An event with its name in the vocabulary of Cairn: `cairn.phase.started.v1` and `observed.phase.started.v1` are both
/// `phase.started`; a foreign type keeps its name.
struct Fact {
    let name: String
    let event: EventRow
    /// What the event's slices are parts of.
    let storage: EventStorage
    /// The event's data, in the newest version of its type.
    let data: JSONNode

    /// - Parameter data: takes the place of the event's own, in a newer version of its type.
    init(name: String, event: EventRow, storage: EventStorage, data: JSONValue? = nil) {
        self.name = name
        self.event = event
        self.storage = storage
        if let data {
            let bytes = CanonicalJSON.bytes(of: data)
            var reader = JSONMarkReader(isChecked: false)
            let root = reader.read(bytes.span, in: bytes.indices)
            let storage = EventStorage(bytes: bytes, marks: reader.marks)
            self.data = root.map { JSONNode(storage: storage, index: $0) } ?? .null
        } else {
            self.data = event.dataMark.map { JSONNode(storage: storage, index: $0) } ?? .null
        }
    }

    /// A fact that is not read from the log as it stands.
    init(name: String, event: RecordedEvent, data: JSONValue) {
        var event = event
        event.data = data
        let row = EventRow(event)
        self.init(name: name, event: row, storage: row.ownStorage ?? EventStorage(bytes: [], marks: []))
    }

    /// The event with all its parts decoded.
    var recorded: RecordedEvent { event.recorded(in: storage) }

    var stream: String { storage.text(event.subject) }
    /// `migration` of `migration/mig-7`.
    var streamKind: String { storage.text(ByteSlice(start: event.subject.start, end: slash)) }

    func hasStream(kind: StaticString) -> Bool {
        let stream = storage.bytes[event.subject.range]
        let count = kind.utf8CodeUnitCount
        return stream.count > count && stream[stream.startIndex + count] == UInt8(ascii: "/")
            && stream.starts(with: "\(kind)".utf8)
    }

    /// `mig-7` of `migration/mig-7`.
    var streamID: String { storage.text(ByteSlice(start: min(slash + 1, event.subject.end), end: event.subject.end)) }

    /// Where the stream's kind ends.
    private var slash: UInt32 {
        let bytes = storage.bytes
        var index = event.subject.start
        while index < event.subject.end, bytes[Int(index)] != UInt8(ascii: "/") { index += 1 }
        return index
    }

    func text(_ key: String) -> SQLValue { .optional(data[key]?.string) }
    func integer(_ key: String) -> SQLValue { .optional(data[key]?.integer) }
    func real(_ key: String) -> SQLValue { .optional(data[key]?.double) }
    func flag(_ key: String) -> SQLValue { .flag(data[key]?.bool) }

    /// A value of any shape, as canonical JSON text; null where the key is missing.
    func json(_ key: String) -> SQLValue {
        guard let value = data[key], !value.isNull else { return .null }
        return .text(value.text)
    }

    /// A moment in microseconds since 1970; null where the text is none.
    func time(_ key: String) -> SQLValue { .optional(data[key]?.timestamp?.microseconds) }

    /// What fills the columns `position`, `occurred_us` and `recorded_us`.
    var origin: [SQLValue] { [position, occurred, .integer(event.recordedTime.microseconds)] }

    /// Told by another system, in Cairn's words.
    var isObserved: Bool { storage.bytes[event.type.range].starts(with: "observed.".utf8) }

    var occurred: SQLValue { .integer(event.time.microseconds) }
    var position: SQLValue { .position(event.position) }
    /// Who did it, for people: the person it was done for, else the account that recorded it.
    var actor: SQLValue { event.onBehalfOf.isMissing ? account : .text(storage.text(event.onBehalfOf)) }
    /// The account that appended the event.
    var account: SQLValue { .text(storage.text(event.actorID)) }
}
