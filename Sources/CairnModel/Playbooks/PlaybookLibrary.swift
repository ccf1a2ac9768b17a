package import CairnBytes

/// The playbooks that a run can be of, by id.
package struct PlaybookLibrary: Sendable, Hashable {
    private(set) var playbooks: [String: Playbook] = [:]

    package init() {}

    /// The five that Cairn brings. They are read from their text once; a test reads each and wants no error.
    package static let builtIn: PlaybookLibrary = {
        var library = PlaybookLibrary()
        for text in PlaybookLibrary.builtInTexts {
            if let value = try? JSONParser.parse(text).value { try? library.add(reading: value) }
        }
        return library
    }()

    static let builtInTexts = [
        clusterMigrationText, ecsRollingText, ecsBlueGreenText, ecsCanaryText, ecsLinearText,
    ]

    package var ids: [String] { playbooks.keys.sorted() }

    package subscript(id: String) -> Playbook? { playbooks[id] }

    /// Adds a playbook; one of the same id gives way.
    package mutating func add(reading value: JSONValue) throws(PlaybookError) {
        let playbook = try Playbook(reading: value, parent: { playbooks[$0] })
        playbooks[playbook.id] = playbook
    }
}
