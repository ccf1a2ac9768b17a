internal import CairnBytes
internal import CairnModel

/// A proposed event in the form it will have in the log, but for what is known only under the lock: its revision and
/// the time of recording. Made by the thread that appends, so that writers wait for each other as briefly as possible.
struct PreparedEvent: Sendable {
    let proposal: ProposedEvent
    let identity: UInt64
    /// The canonical JSON before `"recordedtime":`, between it and `"revision":`, and after.
    private let head: [UInt8]
    private let middle: [UInt8]
    private let tail: [UInt8]
    /// From the end of the stream's name to the end of the entry.
    private let subjectToEnd: Int
    /// All contents with their roles: the proposal's own, and what was moved out of the entry.
    let parts: [ProposedAttachment]
    let drafts: [AttachmentDraft]
    /// What the entry says to the ledger itself.
    let meaning: EntryFacts.Meaning
    /// Without private fields and what was moved out; for comparing with a stored entry of which parts are gone.
    let inlineData: JSONValue?

    /// Where the entry says what is known only under the lock, as every entry of a commit says it.
    static func recordedTimeMember(_ time: Timestamp) -> [UInt8] {
        var bytes = Array("\"recordedtime\":\"".utf8)
        time.append(to: &bytes)
        bytes += "\",".utf8
        return bytes
    }

    /// Where the name of the stream lies in the entry.
    func subject(inEntryOf count: Int) -> Range<Int> {
        let end = count - subjectToEnd
        return end - proposal.subject.text.utf8.count..<end
    }

    private static let revisionMember = Array("\"revision\":".utf8)

    /// The entry.
    /// - Parameter recordedTimeMember: see the function of this name.
    func entry(recordedTimeMember: [UInt8], revision: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + middle.count + tail.count + 80)
        bytes += head
        bytes += recordedTimeMember
        bytes += middle
        bytes += PreparedEvent.revisionMember
        CanonicalJSON.append(revision, to: &bytes)
        bytes += tail
        return bytes
    }

    static let reservedNames: Set<String> = [
        "attachments", "authid", "authtype", "causationid", "correlationid", "data", "data_base64", "id", "onbehalfof",
        "receivedsha256", "recordedtime", "revision", "source", "specversion", "subject", "time", "timetext",
        "traceparent", "type",
    ]

    init(
        _ proposal: ProposedEvent, actor: Actor, privateFields: PrivateFields, random: any RandomSource
    ) throws(LedgerError) {
        try PreparedEvent.check(proposal)
        var data = proposal.data
        var parts = proposal.attachments
        let fields = privateFields.extract(type: proposal.type, from: &data)
        let received = proposal.received.map { Hex.string(TreeHasher.sha256($0.bytes).bytes) }
        if !fields.isEmpty {
            var content: JSONObject = ["fields": .object(fields)]
            // Beside the other members, a plain hash of all would let short private texts be guessed.
            if let received { content["receivedsha256"] = .string(received) }
            parts.append(
                ProposedAttachment(
                    role: "private", mediaType: "application/json",
                    content: CanonicalJSON.bytes(of: .object(content)), retention: .personal))
        }
        if let received = proposal.received, !received.isLossless {
            parts.append(
                ProposedAttachment(
                    role: "received", mediaType: "application/octet-stream", content: received.bytes,
                    retention: fields.isEmpty ? .permanent : .personal))
        }
        var dataBytes: [UInt8]? = data.isNull ? nil : CanonicalJSON.bytes(of: data)
        var inlineData: JSONValue? = data.isNull ? nil : data
        func moveData() {
            guard let bytes = dataBytes else { return }
            parts.append(
                ProposedAttachment(
                    role: "data", mediaType: "application/json", content: bytes, retention: .permanent))
            dataBytes = nil
            inlineData = nil
        }
        if let count = dataBytes?.count, count > Format.inlineDataBytesMax { moveData() }
        let receivedText = fields.isEmpty ? received : nil
        var form = try PreparedForm(proposal, actor, parts, dataBytes, receivedText, random)
        if form.byteCountMax > Format.entryBytesMax, dataBytes != nil {
            moveData()
            form = try PreparedForm(proposal, actor, parts, dataBytes, receivedText, random)
        }
        guard form.byteCountMax <= Format.entryBytesMax else {
            throw LedgerError(
                .tooLarge,
                "cannot append event \(proposal.id) of \(proposal.source): its attributes take \(form.byteCountMax) "
                    + "bytes, and an entry has at most \(Format.entryBytesMax)",
                remedy: "put bulk into data or attachments")
        }
        self.proposal = proposal
        identity = Digest.identity(source: Array(proposal.source.utf8), id: Array(proposal.id.utf8))
        head = form.head
        middle = form.middle
        tail = form.tail
        subjectToEnd = form.subjectToEnd
        self.parts = parts
        drafts = form.drafts
        self.inlineData = inlineData
        let type = proposal.type
        meaning = type.hasPrefix("cairn.") ? EntryFacts.Meaning(type: Array(type.utf8), in: 0..<type.utf8.count) : .none
    }

    private static func check(_ event: ProposedEvent) throws(LedgerError) {
        func invalid(_ reason: String) -> LedgerError {
            LedgerError(.invalidEvent, "cannot append event \(event.id) of \(event.source): \(reason)")
        }
        guard !event.id.isEmpty, !event.source.isEmpty, !event.type.isEmpty else {
            throw invalid("id, source and type must not be empty")
        }
        guard Timestamp(checkedMicroseconds: event.time.microseconds) != nil else {
            throw invalid("its time lies outside the years 1 to 9999")
        }
        for member in event.extensions where reservedNames.contains(member.name) || member.name.isEmpty {
            throw invalid("\"\(member.name)\" is not the name of an extension")
        }
        for attachment in event.attachments {
            guard AttachmentLines.isValid(attachment) else {
                throw invalid("\"\(attachment.role)\" \"\(attachment.mediaType)\" is no role and media type")
            }
            guard !["data", "private", "received"].contains(attachment.role) else {
                throw invalid("the role \"\(attachment.role)\" is the ledger's own")
            }
        }
        let contents = event.attachments.map(\.content.count) + [event.received?.bytes.count ?? 0]
        guard contents.allSatisfy({ $0 <= Format.payloadBytesMax }), contents.count <= AttachmentLines.countMax else {
            throw LedgerError(
                .tooLarge,
                "cannot append event \(event.id) of \(event.source): an attachment has at most "
                    + "\(Format.payloadBytesMax) bytes, and an event at most \(AttachmentLines.countMax) attachments")
        }
    }
}

/// The rendered envelope.
private struct PreparedForm {
    var head: [UInt8] = []
    var middle: [UInt8] = []
    var tail: [UInt8] = []
    var subjectToEnd = 0
    var drafts: [AttachmentDraft] = []

    /// With the longest recordedtime and revision there can be.
    var byteCountMax: Int { head.count + middle.count + tail.count + 80 }

    init(
        _ event: ProposedEvent, _ actor: Actor, _ parts: [ProposedAttachment], _ data: [UInt8]?,
        _ receivedText: String?, _ random: any RandomSource
    ) throws(LedgerError) {
        drafts = parts.map {
            AttachmentDraft(
                content: $0.content, mediaType: $0.mediaType, salt: random.bytes(count: Format.saltBytes),
                isStoredAsIs: $0.isStoredAsIs)
        }
        let references = zip(parts, drafts).map { part, draft in
            AttachmentReference(
                role: part.role, mediaType: part.mediaType, byteCount: part.content.count, digest: draft.digest.bytes,
                retention: part.retention)
        }
        let attachments = references.isEmpty ? nil : AttachmentLines.text(references)
        if event.extensions.isEmpty {
            renderPlain(event, actor, attachments, data, receivedText)
        } else {
            renderSorted(event, actor, attachments, data, receivedText)
        }
    }

    /// The members of almost every event, whose order is known.
    private mutating func renderPlain(
        _ event: ProposedEvent, _ actor: Actor, _ attachments: String?, _ data: [UInt8]?, _ receivedText: String?
    ) {
        func add(_ name: StaticString, _ text: String?, to bytes: inout [UInt8]) {
            guard let text else { return }
            unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            CanonicalJSON.write(text, to: &bytes)
        }
        head.reserveCapacity(160 + (data?.count ?? 0) + (attachments?.utf8.count ?? 0))
        head.append(UInt8(ascii: "{"))
        func addToHead(_ name: StaticString, _ text: String?) {
            guard text != nil else { return }
            add(name, text, to: &head)
            head.append(UInt8(ascii: ","))
        }
        addToHead("\"attachments\":", attachments)
        addToHead("\"authid\":", actor.id)
        addToHead("\"authtype\":", actor.type)
        addToHead("\"causationid\":", event.causationID)
        addToHead("\"correlationid\":", event.correlationID)
        if let data {
            head += "\"data\":".utf8
            head += data
            head.append(UInt8(ascii: ","))
        }
        addToHead("\"id\":", event.id)
        addToHead("\"onbehalfof\":", event.onBehalfOf)
        addToHead("\"receivedsha256\":", receivedText)
        tail.reserveCapacity(200)
        add(",\"source\":", event.source, to: &tail)
        tail += ",\"specversion\":\"1.0\"".utf8
        add(",\"subject\":", event.subject.text, to: &tail)
        let subjectEnd = tail.count - 1
        tail += ",\"time\":\"".utf8
        event.time.append(to: &tail)
        tail.append(UInt8(ascii: "\""))
        if let text = event.timeText, text != event.time.description { add(",\"timetext\":", text, to: &tail) }
        add(",\"traceparent\":", event.traceparent, to: &tail)
        add(",\"type\":", event.type, to: &tail)
        tail.append(UInt8(ascii: "}"))
        subjectToEnd = tail.count - subjectEnd
    }

    /// The same with extensions, which may sort before, between and behind.
    private mutating func renderSorted(
        _ event: ProposedEvent, _ actor: Actor, _ attachments: String?, _ data: [UInt8]?, _ receivedText: String?
    ) {
        var members: [(name: String, value: [UInt8])] = []
        func add(_ name: String, _ text: String?) {
            guard let text else { return }
            var value: [UInt8] = []
            CanonicalJSON.write(text, to: &value)
            members.append((name, value))
        }
        add("attachments", attachments)
        add("authid", actor.id)
        add("authtype", actor.type)
        add("causationid", event.causationID)
        add("correlationid", event.correlationID)
        if let data { members.append(("data", data)) }
        add("id", event.id)
        add("onbehalfof", event.onBehalfOf)
        add("receivedsha256", receivedText)
        members.append(("recordedtime", []))
        members.append(("revision", []))
        add("source", event.source)
        add("specversion", "1.0")
        add("subject", event.subject.text)
        let time = event.time.description
        add("time", time)
        add("timetext", event.timeText == time ? nil : event.timeText)
        add("traceparent", event.traceparent)
        add("type", event.type)
        for member in event.extensions { members.append((member.name, CanonicalJSON.bytes(of: member.value))) }
        members.sort { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) }
        render(members)
    }

    private mutating func render(_ members: [(name: String, value: [UInt8])]) {
        var current: [UInt8] = [UInt8(ascii: "{")]
        var subjectEnd = 0
        for (index, member) in members.enumerated() {
            switch member.name {
            case "recordedtime":
                head = current
                current = []
            case "revision":
                middle = current
                current = []
                // `type` always follows.
                current.append(UInt8(ascii: ","))
            default:
                CanonicalJSON.write(member.name, to: &current)
                current.append(UInt8(ascii: ":"))
                current += member.value
                // `subject` sorts behind `revision`: it is in the last part.
                if member.name == "subject" { subjectEnd = current.count - 1 }
                if index < members.count - 1 { current.append(UInt8(ascii: ",")) }
            }
        }
        current.append(UInt8(ascii: "}"))
        tail = current
        subjectToEnd = tail.count - subjectEnd
    }
}
