import CairnBytes
import CairnTestSupport

/// Makes JSON values that somebody might send by mistake or on purpose.
enum JSONDamage {
    private static let odd: [JSONValue] = [
        nil, true, 0, -1, 1, 3, 99.9, 100, 1e300, -1e300, 9_007_199_254_740_992, 0.1, "", "text",
        "2026-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", [], [1], [:],
        ["source": 1, "target": 99],
        ["name": "x"], "precheck", "free", "ROLLBACK",
    ]

    static func value(_ random: inout SeededRandom) -> JSONValue { odd.randomElement(using: &random) ?? nil }

    /// The value with one place somewhere in it changed or taken out.
    static func damaged(_ value: JSONValue, _ random: inout SeededRandom) -> JSONValue {
        if Int.random(in: 0..<5, using: &random) == 0 { return self.value(&random) }
        switch value {
        case .object(var object):
            guard let member = object.members.randomElement(using: &random) else { return self.value(&random) }
            let removes = Int.random(in: 0..<6, using: &random) == 0
            object[member.name] = removes ? nil : damaged(member.value, &random)
            return .object(object)
        case .array(var array):
            guard let index = array.indices.randomElement(using: &random) else { return self.value(&random) }
            array[index] = damaged(array[index], &random)
            return .array(array)
        default: return self.value(&random)
        }
    }
}
