internal import CairnBytes
internal import CairnSeries

/// An attribute of a resource or data point, with its value as the text of a label.
struct OTLPAttribute {
    /// Some more than a series may have labels; that there are too many is said when the series is made.
    static let countMax = 2 * SeriesKey.labelsMax
    /// Values nested deeper are no attribute that anybody compares, and each level costs a stack frame.
    static let depthMax = 16

    var key: String
    /// Texts as they are, numbers and booleans as JSON has them, lists and objects as canonical JSON.
    var text: String
    /// Those of a value that is a list of keys and values: what CloudWatch calls dimensions.
    var members: [OTLPAttribute]

    init(key: String, value: JSONValue) {
        self.key = key
        members = []
        switch value {
        case .string(let text): self.text = text
        case .number(let number): text = OTLPNames.number(number)
        case .null: text = ""
        case .object(let object):
            text = CanonicalJSON.string(of: value)
            members = object.members.map { member in
                var text = CanonicalJSON.string(of: member.value)
                if case .string(let plain) = member.value { text = plain }
                return OTLPAttribute(key: member.name, value: .string(text))
            }
        default: text = CanonicalJSON.string(of: value)
        }
    }

    /// A number of 64 bits, as text where a double would round it.
    static func integer(_ value: Int64) -> JSONValue {
        value.magnitude <= 1 << 53 ? .number(Double(value)) : .string(String(value))
    }
}
