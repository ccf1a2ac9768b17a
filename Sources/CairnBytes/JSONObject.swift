/// The members of a JSON object, unique by name and kept in the order of RFC 8785 (UTF-16 code units), so that writing
/// canonical JSON is a plain walk and two equal objects are equal however they were written.
package struct JSONObject: Sendable, Hashable {
    package struct Member: Sendable, Hashable {
        package var name: String
        package var value: JSONValue

        package init(name: String, value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    package private(set) var members: [Member] = []

    package init() {}

    /// A name that stands for two members.
    package struct DuplicateName: Error, Hashable, Sendable {
        package var name: String
        /// The place of the later one in what was given.
        package var index: Int
    }

    /// Sorts once: an object from outside may have a million members in the worst order.
    package init(unordered members: [Member]) throws(DuplicateName) {
        let isOrdered = zip(members, members.dropFirst()).allSatisfy { JSONObject.precedes($0.name, $1.name) }
        if isOrdered {
            self.members = members
            return
        }
        let order = members.indices.sorted { left, right in
            if JSONObject.precedes(members[left].name, members[right].name) { return true }
            return !JSONObject.precedes(members[right].name, members[left].name) && left < right
        }
        for (left, right) in zip(order, order.dropFirst())
        where !JSONObject.precedes(members[left].name, members[right].name) {
            throw DuplicateName(name: members[right].name, index: right)
        }
        self.members = order.map { members[$0] }
    }

    package var isEmpty: Bool { members.isEmpty }
    package var count: Int { members.count }
    package var names: [String] { members.map(\.name) }

    package subscript(name: String) -> JSONValue? {
        get {
            // Objects of events have a dozen members: comparing bytes in a row beats a binary search by UTF-16 order.
            for member in members where member.name == name { return member.value }
            return nil
        }
        set {
            if let index = members.firstIndex(where: { $0.name == name }) {
                if let newValue { members[index].value = newValue } else { members.remove(at: index) }
            } else if let newValue {
                insert(Member(name: name, value: newValue))
            }
        }
    }

    /// Adds a member that the caller knows to be new. Returns false, and changes nothing, if the name is taken.
    @discardableResult
    package mutating func add(name: String, value: JSONValue) -> Bool {
        if let last = members.last, JSONObject.precedes(last.name, name) {
            members.append(Member(name: name, value: value))
            return true
        }
        if members.contains(where: { $0.name == name }) { return false }
        insert(Member(name: name, value: value))
        return true
    }

    private mutating func insert(_ member: Member) {
        if let last = members.last, !JSONObject.precedes(last.name, member.name) {
            let index = members.firstIndex { JSONObject.precedes(member.name, $0.name) } ?? members.count
            members.insert(member, at: index)
        } else {
            members.append(member)
        }
    }

    /// The order of RFC 8785, section 3.2.3: by UTF-16 code units. It differs from the order of UTF-8 bytes only where
    /// a character outside the basic plane meets one of U+E000 to U+FFFF.
    static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf16.lexicographicallyPrecedes(right.utf16)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }
}

extension JSONObject: Sequence {
    package func makeIterator() -> IndexingIterator<[Member]> { members.makeIterator() }
}
