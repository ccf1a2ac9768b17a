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

    /// Adds what the log registered. What Cairn brings stays, and so does a higher version.
    package mutating func add(_ registration: PlaybookRegistration) {
        let playbook = registration.playbook
        guard PlaybookLibrary.builtIn[playbook.id] == nil,
            playbooks[playbook.id].map({ $0.version < playbook.version }) ?? true
        else { return }
        playbooks[playbook.id] = playbook
    }

    /// The playbook that a plan is of: the one that it carries, else the one of its name here.
    func planned(_ plan: JSONObject) throws(BrokenRule) -> Playbook {
        let id = plan["playbook"]?.string ?? ""
        let version = plan["playbook_version"]?.integer
        guard let definition = plan["playbook_definition"], !definition.isNull else {
            guard let playbook = playbooks[id], version.map({ $0 == playbook.version }) ?? true else {
                let versionText = version.map { ", version \($0)" } ?? ""
                throw BrokenRule(
                    rule: .unknownPlaybook,
                    explanation: "there is no playbook \(PlaybookNode.shown(id))\(versionText); there are "
                        + "\(ids.joined(separator: ", ")), and any other comes from a file: --playbook FILE")
            }
            return playbook
        }
        let own: Playbook
        do throws(PlaybookError) { own = try Playbook(reading: definition) } catch {
            throw BrokenRule(rule: .unknownPlaybook, explanation: "\(error)")
        }
        guard own.id == id, version.map({ $0 == own.version }) ?? true else {
            let versionText = version.map { ", version \($0)," } ?? ""
            throw BrokenRule(
                rule: .unknownPlaybook,
                explanation: "the plan names the playbook \(PlaybookNode.shown(id))\(versionText) and carries "
                    + "\(own.id), version \(own.version)")
        }
        if let brought = PlaybookLibrary.builtIn[id], brought.definition != own.definition {
            throw BrokenRule(
                rule: .playbookBuiltIn,
                explanation: "Cairn itself brings the playbook \(id), and the plan carries another of that name")
        }
        if let known = playbooks[id], known.version == own.version, known.definition != own.definition {
            throw BrokenRule(
                rule: .playbookChanged,
                explanation: "the plan carries another version \(own.version) of the playbook \(id) than the log has")
        }
        return own
    }

    /// The same for a plan that stands in the log, whatever it says: a definition that breaks a rule counts for nothing.
    func meant(by plan: JSONObject) -> Playbook? {
        if let playbook = try? planned(plan) { return playbook }
        var named = plan
        named["playbook_definition"] = nil
        return try? planned(named)
    }
}
