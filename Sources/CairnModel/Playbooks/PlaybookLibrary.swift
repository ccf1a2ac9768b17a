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

    /// What Cairn brings, and one playbook that the log registered. No more is asked for than is named, so this costs the
    /// same however many there are.
    /// - Parameters:
    ///   - version: nil for the newest.
    ///   - registered: the versions of a name.
    package init(
        naming id: String?, version: Int64? = nil, registered: (String) throws -> [PlaybookRegistration]
    ) rethrows {
        self = .builtIn
        guard let id, self[id] == nil, Playbook.isID(id) else { return }
        for registration in try registered(id)
        where version.map({ $0 == registration.playbook.version }) ?? true {
            add(registration)
        }
    }

    /// The playbooks that an event has to be read with: those that a plan could mean. One that carries its playbook is
    /// compared with the same version of the log.
    /// - Parameter registered: the versions of a name that were registered before the event.
    package init(
        for type: String, data: JSONValue, registered: (String) throws -> [PlaybookRegistration]
    ) rethrows {
        let type = EventType(type)
        guard type.family != .foreign, PlaybookLibrary.isPlan(type.name) else {
            self = .builtIn
            return
        }
        let carried = data["playbook_definition"]?.object.map { $0["version"]?.integer ?? 1 }
        try self.init(
            naming: data["playbook"]?.string, version: carried ?? data["playbook_version"]?.integer,
            registered: registered)
    }

    /// Whether a type, without family and version, is that of a plan.
    package static func isPlan(_ name: String) -> Bool {
        name == "migration.planned" || name == "deployment.planned"
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
