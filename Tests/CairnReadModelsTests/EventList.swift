import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels

/// A log in memory: what the tests project.
struct EventList: EventSource {
    var identity: [UInt8] = Array(repeating: 7, count: 16)
    private(set) var events: [RecordedEvent] = []
    private(set) var contents: [[UInt8]: AttachmentContent] = [:]

    var size: UInt64 { UInt64(events.count) }

    func forEach(from position: UInt64, _ body: (RecordedEvent) throws -> Void) throws {
        guard position < size else { return }
        for event in events[Int(position)...] { try body(event) }
    }

    func content(of attachment: AttachmentReference) throws -> AttachmentContent {
        contents[attachment.digest] ?? .gone(by: 0)
    }

    /// The log as it was when it had this many events.
    func prefix(_ count: Int) -> EventList {
        var list = self
        list.events = Array(events.prefix(count))
        return list
    }

    mutating func drop(_ digest: [UInt8], by position: UInt64) { contents[digest] = .gone(by: position) }

    mutating func replace(_ digest: [UInt8], by content: [UInt8]) { contents[digest] = .present(content) }

    /// Appends an event; `time` counts from 2026-03-10T08:00:00Z in seconds, and it is recorded two seconds later
    /// unless something later has been recorded already.
    @discardableResult
    mutating func append(
        _ type: String, _ stream: String, at time: Double, _ data: JSONValue, by person: String? = nil,
        recorded: Double? = nil, attachments: [ProposedAttachment] = [],
        actor: Actor = Actor(id: "cairn@recorder", type: "local")
    ) -> UInt64 {
        let position = UInt64(events.count)
        guard let subject = StreamName(stream) else { preconditionFailure("\(stream) is not a stream") }
        let start: Int64 = 1_773_129_600_000_000
        var recordedTime = start + Int64((recorded ?? time + 2) * 1_000_000)
        if let last = events.last { recordedTime = max(recordedTime, last.recordedTime.microseconds) }
        let references = attachments.enumerated().map { index, attachment in
            let seed = "\(position) \(index)".utf8.map { $0 }
            let digest = Array(seed + Array(repeating: UInt8(0), count: 32)).prefix(32)
            contents[Array(digest)] = .present(attachment.content)
            return AttachmentReference(
                role: attachment.role, mediaType: attachment.mediaType, byteCount: attachment.content.count,
                digest: Array(digest), retention: attachment.retention)
        }
        events.append(
            RecordedEvent(
                position: position, id: "event-\(position)", source: "/test", type: type, subject: subject,
                revision: UInt64(events.count { $0.subject == subject }),
                time: Timestamp(microseconds: start + Int64(time * 1_000_000)),
                recordedTime: Timestamp(microseconds: recordedTime), data: data,
                actor: actor, onBehalfOf: person, attachments: references))
        return position
    }

    /// Appends another list's events at positions of their own, with these names (parts of streams, texts in the data)
    /// made other ones by a suffix.
    mutating func append(_ other: EventList, renaming names: Set<String>, by suffix: String) {
        func renamed(_ value: JSONValue) -> JSONValue {
            switch value {
            case .string(let text) where names.contains(text): return .string(text + suffix)
            case .array(let values): return .array(values.map(renamed))
            case .object(var object):
                for member in object { object[member.name] = renamed(member.value) }
                return .object(object)
            default: return value
            }
        }
        for event in other.events {
            var event = event
            event.position = size
            event.data = renamed(event.data)
            event.id = "event-\(size)"
            let subject = event.subject.text.split(separator: "/").map {
                names.contains(String($0)) ? $0 + suffix : String($0)
            }
            event.subject = StreamName(subject.joined(separator: "/")) ?? event.subject
            events.append(event)
        }
        contents.merge(other.contents) { first, _ in first }
    }
}
