internal import CairnBytes

/// A value in a playbook together with where it is, so that each error can say it.
struct PlaybookNode {
    var path: String
    var value: JSONValue

    /// Longest text, in bytes: a title, or a sentence about the way back.
    static let textBytesMax = 2000
    /// Longest name, in bytes. Names stand in every event of a run.
    static let nameBytesMax = 200
    /// Most elements of any list and members of any object. The largest list is that of the stages.
    static let elementsMax = 100

    func error(_ name: String, _ problem: String) -> PlaybookError {
        PlaybookError(path: path.isEmpty || name.isEmpty ? path + name : "\(path).\(name)", problem: problem)
    }

    func object() throws(PlaybookError) -> JSONObject {
        guard let object = value.object else { throw error("", "is not an object") }
        guard object.count <= PlaybookNode.elementsMax else {
            throw error("", "has \(object.count) members, more than \(PlaybookNode.elementsMax)")
        }
        return object
    }

    /// Names that nothing reads are mistakes of spelling, and would silently take a rule away.
    func allowOnly(_ names: Set<String>) throws(PlaybookError) {
        for member in try object() where !names.contains(member.name) {
            throw error(
                PlaybookNode.shown(member.name),
                "is not known here; known are \(names.sorted().joined(separator: ", "))")
        }
    }

    private func member(_ name: String) throws(PlaybookError) -> JSONValue? {
        guard let member = try object()[name], !member.isNull else { return nil }
        return member
    }

    func optionalNode(_ name: String) throws(PlaybookError) -> PlaybookNode? {
        guard let member = try member(name) else { return nil }
        return PlaybookNode(path: path.isEmpty ? name : "\(path).\(name)", value: member)
    }

    func node(_ name: String) throws(PlaybookError) -> PlaybookNode {
        guard let node = try optionalNode(name) else { throw error(name, "is missing") }
        return node
    }

    func optionalText(_ name: String) throws(PlaybookError) -> String? {
        guard let member = try member(name) else { return nil }
        guard let text = member.string, !text.isEmpty else { throw error(name, "is not text") }
        guard text.utf8.count <= PlaybookNode.textBytesMax else {
            throw error(name, "has \(text.utf8.count) bytes, more than \(PlaybookNode.textBytesMax)")
        }
        return text
    }

    func optionalName(_ name: String) throws(PlaybookError) -> String? {
        guard let text = try optionalText(name) else { return nil }
        if let problem = PlaybookNode.problem(withName: text) { throw error(name, problem) }
        return text
    }

    func name(_ name: String) throws(PlaybookError) -> String {
        guard let text = try optionalName(name) else { throw error(name, "is missing") }
        return text
    }

    /// Names are printed and compared: they are one line, and no longer than people can read.
    static func problem(withName text: String) -> String? {
        if text.isEmpty { return "is empty" }
        if text.utf8.count > nameBytesMax { return "has \(text.utf8.count) bytes, more than \(nameBytesMax)" }
        let hasControls = text.unicodeScalars.contains { $0.properties.generalCategory == .control }
        return hasControls ? "has a line break or another control character" : nil
    }

    /// A name of the file in an error, which must stay readable whatever the file holds.
    static func shown(_ name: String) -> String {
        let clean = name.unicodeScalars.prefix(60).map { $0.properties.generalCategory == .control ? "?" : String($0) }
        return clean.joined()
    }

    func text(_ name: String) throws(PlaybookError) -> String {
        guard let text = try optionalText(name) else { throw error(name, "is missing") }
        return text
    }

    /// Numbers of playbooks are percentages, counts and lengths of time: none is negative or past the largest length.
    func optionalNumber(_ name: String) throws(PlaybookError) -> Double? {
        guard let member = try member(name) else { return nil }
        guard let number = member.double, number >= 0, number <= 1e12 else {
            throw error(name, "is not a number from 0 to 10^12")
        }
        return number
    }

    func number(_ name: String) throws(PlaybookError) -> Double {
        guard let number = try optionalNumber(name) else { throw error(name, "is missing") }
        return number
    }

    func flag(_ name: String) throws(PlaybookError) -> Bool {
        guard let member = try member(name) else { return false }
        guard let flag = member.bool else { throw error(name, "is not true or false") }
        return flag
    }

    func optionalList(_ name: String) throws(PlaybookError) -> [PlaybookNode] {
        guard let member = try member(name) else { return [] }
        guard let list = member.array else { throw error(name, "is not a list") }
        guard list.count <= PlaybookNode.elementsMax else {
            throw error(name, "has \(list.count) elements, more than \(PlaybookNode.elementsMax)")
        }
        let prefix = path.isEmpty ? name : "\(path).\(name)"
        return list.enumerated().map { PlaybookNode(path: "\(prefix)[\($0)]", value: $1) }
    }

    func list(_ name: String) throws(PlaybookError) -> [PlaybookNode] {
        guard try member(name) != nil else { throw error(name, "is missing") }
        return try optionalList(name)
    }

    func optionalNames(_ name: String) throws(PlaybookError) -> [String] {
        var names: [String] = []
        for item in try optionalList(name) {
            guard let text = item.value.string else { throw item.error("", "is not text") }
            if let problem = PlaybookNode.problem(withName: text) { throw item.error("", problem) }
            names.append(text)
        }
        return names
    }

    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String
    ) throws(PlaybookError) -> Choice where Choice.RawValue == String {
        let text = try text(name)
        guard let choice = Choice(rawValue: text) else {
            throw error(
                name,
                "is \(PlaybookNode.shown(text)), none of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}
