package import CairnBytes

/// What a producer says happened: a CloudEvents 1.0 event before Cairn has recorded it.
package struct ProposedEvent: Sendable, Hashable {
    /// With `source` the identity: the same pair twice is the same event.
    package var id: String
    /// Who says so, a URI reference: `/cairn/cli`, `aws.ecs/eu-west-1/1111`, ...
    package var source: String
    /// The type, ending in its version: `cairn.phase.started.v1`.
    package var type: String
    package var subject: StreamName
    /// When it happened.
    package var time: Timestamp
    /// The producer's own text of `time`, if it is not the canonical one.
    package var timeText: String?
    package var data: JSONValue
    /// On whose behalf: a name the caller gave, not one that Cairn has checked.
    package var onBehalfOf: String?
    package var correlationID: String?
    package var causationID: String?
    package var traceparent: String?
    /// CloudEvents attributes that Cairn does not know, kept as they came.
    package var extensions: JSONObject
    /// The bytes received from outside, kept as an attachment where the canonical form loses something, and hashed
    /// always. Nil for what Cairn itself says.
    package var received: ReceivedBytes?
    /// Bulk content that the event cites; the log stores it beside the entries.
    package var attachments: [ProposedAttachment]

    package init(
        id: String, source: String, type: String, subject: StreamName, time: Timestamp, timeText: String? = nil,
        data: JSONValue, onBehalfOf: String? = nil, correlationID: String? = nil, causationID: String? = nil,
        traceparent: String? = nil, extensions: JSONObject = [:], received: ReceivedBytes? = nil,
        attachments: [ProposedAttachment] = []
    ) {
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.time = time
        self.timeText = timeText
        self.data = data
        self.onBehalfOf = onBehalfOf
        self.correlationID = correlationID
        self.causationID = causationID
        self.traceparent = traceparent
        self.extensions = extensions
        self.received = received
        self.attachments = attachments
    }
}

/// The bytes of an event from outside, as they came.
package struct ReceivedBytes: Sendable, Hashable {
    package var bytes: [UInt8]
    /// False if the canonical form does not say all that the bytes did, so that they are kept too.
    package var isLossless: Bool

    package init(bytes: [UInt8], isLossless: Bool) {
        self.bytes = bytes
        self.isLossless = isLossless
    }
}

/// Bulk content on its way into the log.
package struct ProposedAttachment: Sendable, Hashable {
    /// What the content is to the event: `samples`, `flow-counters`, `data`, `received`, `private`, ...
    package var role: String
    package var mediaType: String
    package var content: [UInt8]
    package var retention: Retention
    /// Compact already, and read in parts: the log keeps these very bytes instead of compressing them once more.
    package var isStoredAsIs: Bool

    /// Whether the content may ever be dropped.
    package enum Retention: String, Sendable, Hashable {
        /// State is decided from it: never dropped by retention (redaction may still replace it).
        case permanent
        /// Bulk evidence: retention may drop or replace it, by an event that says so.
        case droppable
        /// Private fields: only redaction removes it.
        case personal
    }

    package init(
        role: String, mediaType: String, content: [UInt8], retention: Retention, isStoredAsIs: Bool = false
    ) {
        self.role = role
        self.mediaType = mediaType
        self.content = content
        self.retention = retention
        self.isStoredAsIs = isStoredAsIs
    }
}

/// An entry's citation of an attachment: enough to check the content, and to say what is gone if it is.
package struct AttachmentReference: Sendable, Hashable {
    package var role: String
    package var mediaType: String
    package var byteCount: Int
    /// SHA-256 over the salt and the content.
    package var digest: [UInt8]
    package var retention: ProposedAttachment.Retention

    package init(
        role: String, mediaType: String, byteCount: Int, digest: [UInt8], retention: ProposedAttachment.Retention
    ) {
        self.role = role
        self.mediaType = mediaType
        self.byteCount = byteCount
        self.digest = digest
        self.retention = retention
    }
}

/// Who appended an event, as far as Cairn could tell by itself.
package struct Actor: Sendable, Hashable {
    /// `alice@host-7` for a local user, a token's name, an OIDC subject.
    package var id: String
    /// `local` (unverified), `token` or `oidc`.
    package var type: String

    package init(id: String, type: String) {
        self.id = id
        self.type = type
    }
}

/// An event as the log has it: what was proposed, and what Cairn added.
package struct RecordedEvent: Sendable, Hashable {
    /// Place in the log, from 0: the index of the entry in the Merkle tree.
    package var position: UInt64
    package var id: String
    package var source: String
    package var type: String
    package var subject: StreamName
    /// Place in the stream, from 0.
    package var revision: UInt64
    /// When it happened.
    package var time: Timestamp
    package var timeText: String?
    /// When it was recorded; never decreases along the log.
    package var recordedTime: Timestamp
    /// The data with attached parts joined in; fields whose content is gone are left out.
    package var data: JSONValue
    package var actor: Actor
    package var onBehalfOf: String?
    package var correlationID: String?
    package var causationID: String?
    package var traceparent: String?
    package var extensions: JSONObject
    package var attachments: [AttachmentReference]
    /// The SHA-256 of the bytes received, for events from outside.
    package var receivedDigest: [UInt8]?

    package init(
        position: UInt64, id: String, source: String, type: String, subject: StreamName, revision: UInt64,
        time: Timestamp, timeText: String? = nil, recordedTime: Timestamp, data: JSONValue, actor: Actor,
        onBehalfOf: String? = nil, correlationID: String? = nil, causationID: String? = nil,
        traceparent: String? = nil, extensions: JSONObject = [:], attachments: [AttachmentReference] = [],
        receivedDigest: [UInt8]? = nil
    ) {
        self.position = position
        self.id = id
        self.source = source
        self.type = type
        self.subject = subject
        self.revision = revision
        self.time = time
        self.timeText = timeText
        self.recordedTime = recordedTime
        self.data = data
        self.actor = actor
        self.onBehalfOf = onBehalfOf
        self.correlationID = correlationID
        self.causationID = causationID
        self.traceparent = traceparent
        self.extensions = extensions
        self.attachments = attachments
        self.receivedDigest = receivedDigest
    }

    /// Who did it, for people: the person it was done for, else the account that recorded it.
    package var actorName: String { onBehalfOf ?? actor.id }
}

/// What an append expects of its stream.
package enum ExpectedRevision: Sendable, Hashable {
    case any
    /// The stream has no event yet.
    case none
    /// The stream's last event has this revision.
    case exactly(UInt64)
}
