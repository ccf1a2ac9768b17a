package import CairnBytes

/// An event that `decide` gives, or a fact that a foreign event tells: type and data, before anybody gives it an
/// identity and a stream.
package struct EventDraft: Sendable, Hashable {
    /// `phase.started`, without family and version.
    package var name: String
    package var data: JSONValue

    package init(name: String, data: JSONValue) {
        self.name = name
        self.data = data
    }

    /// `cairn.phase.started.v1`, in the newest version.
    package var type: String { type(in: .cairn) }

    package func type(in family: EventType.Family) -> String {
        let version = EventVocabulary.standard.schema(named: name)?.version ?? 1
        return EventType(family: family, name: name, version: version).description
    }
}
