internal import CairnBytes
internal import Yams

/// Makes a JSON value of a tree of YAML nodes, counting what it makes, since an alias makes its whole target anew.
struct NodeConverter {
    let limits: YAMLLimits
    private(set) var isLossless = true
    private var values = 0

    init(limits: YAMLLimits) { self.limits = limits }

    mutating func value(of node: Node, depth: Int) throws(YAMLError) -> JSONValue {
        guard depth <= limits.depthMax else {
            throw error("more than \(limits.depthMax) levels of nesting", at: node)
        }
        values += 1
        guard values <= limits.valuesMax else { throw error("more than \(limits.valuesMax) values", at: node) }
        switch node {
        case .scalar(let scalar): return try value(of: scalar, node)
        case .sequence(let sequence):
            try checkTag(sequence.tag, ["tag:yaml.org,2002:seq"], node)
            var array: [JSONValue] = []
            array.reserveCapacity(sequence.count)
            for element in sequence { array.append(try value(of: element, depth: depth + 1)) }
            return .array(array)
        case .mapping(let mapping):
            try checkTag(mapping.tag, ["tag:yaml.org,2002:map"], node)
            return .object(try object(of: mapping, depth: depth))
        case .alias: throw error("an alias that stands for nothing", at: node)
        }
    }

    private mutating func value(of scalar: Node.Scalar, _ node: Node) throws(YAMLError) -> JSONValue {
        let tag = scalar.tag.rawValue
        let isPlain = scalar.style == .plain || scalar.style == .any
        // Yams tags what stands in quotes or in a block as a string.
        if tag == "tag:yaml.org,2002:str" || tag == "!" || (tag.isEmpty && !isPlain) { return .string(scalar.string) }
        let known = ["bool", "int", "float", "null", "timestamp"].map { "tag:yaml.org,2002:\($0)" }
        guard tag.isEmpty || known.contains(tag) else {
            throw error("the tag \(tag.prefix(80)) is not known", at: node)
        }
        let reading = YAMLScalar.read(scalar.string)
        if case .notFinite = reading { throw error("\(scalar.string) is a number that JSON does not have", at: node) }
        if case .number(_, let isExact) = reading, !isExact { isLossless = false }
        switch (reading, tag) {
        case (.null, "tag:yaml.org,2002:null"), (.null, ""): return .null
        case (.bool(let flag), "tag:yaml.org,2002:bool"), (.bool(let flag), ""): return .bool(flag)
        case (.number(let number, _), "tag:yaml.org,2002:int"), (.number(let number, _), "tag:yaml.org,2002:float"),
            (.number(let number, _), ""):
            return .number(number)
        case (_, "tag:yaml.org,2002:timestamp"), (.text, ""): return .string(scalar.string)
        default: throw error("\"\(scalar.string.prefix(40))\" is not what its tag \(tag) says", at: node)
        }
    }

    private mutating func object(of mapping: Node.Mapping, depth: Int) throws(YAMLError) -> JSONObject {
        var members: [JSONObject.Member] = []
        var merged: [JSONObject] = []
        for (key, node) in mapping {
            guard case .scalar(let scalar) = key else {
                throw error("a key that is a list or mapping, which JSON does not have", at: key)
            }
            values += 1
            if scalar.string == "<<", scalar.style == .plain {
                merged += try mergeSources(node, depth: depth)
                continue
            }
            members.append(
                JSONObject.Member(name: scalar.string, value: try value(of: node, depth: depth + 1)))
        }
        var object: JSONObject
        do throws(JSONObject.DuplicateName) {
            object = try JSONObject(unordered: members)
        } catch {
            throw self.error("the key \"\(error.name.prefix(80))\" occurs twice in one mapping", at: .mapping(mapping))
        }
        for source in merged {
            for member in source where object[member.name] == nil { object[member.name] = member.value }
        }
        return object
    }

    /// What `<<` names: one mapping or a list of them; what stands first wins.
    private mutating func mergeSources(_ node: Node, depth: Int) throws(YAMLError) -> [JSONObject] {
        switch try value(of: node, depth: depth + 1) {
        case .object(let object): return [object]
        case .array(let array):
            let objects = array.compactMap(\.object)
            if objects.count == array.count { return objects }
        default: break
        }
        throw error("'<<' takes a mapping or a list of mappings", at: node)
    }

    private func checkTag(_ tag: Tag, _ known: [String], _ node: Node) throws(YAMLError) {
        guard tag.rawValue.isEmpty || tag.rawValue == "!" || known.contains(tag.rawValue) else {
            throw error("the tag \(tag.rawValue.prefix(80)) is not known", at: node)
        }
    }

    private func error(_ reason: String, at node: Node) -> YAMLError {
        YAMLError(reason: reason, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
    }
}
