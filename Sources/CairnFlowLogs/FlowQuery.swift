internal import CairnBytes

/// What an ad hoc aggregation groups by: any field of a record, the cluster of its file, or the minute of its start.
package enum FlowColumn: Hashable, Sendable, CustomStringConvertible {
    case cluster
    /// floor(start / 60)
    case minute
    case field(FlowLogField)

    package init?(_ name: String) {
        switch name {
        case "cluster": self = .cluster
        case "minute": self = .minute
        default:
            guard let field = FlowLogField(name: name) else { return nil }
            self = .field(field)
        }
    }

    package var description: String {
        switch self {
        case .cluster: "cluster"
        case .minute: "minute"
        case .field(let field): field.rawValue
        }
    }

    /// Why a name is none, with the nearest names there are.
    static func unknown(_ name: String) -> String {
        let reason = "\"\(name)\" is neither a field of flow logs nor cluster or minute"
        let near = NearestNames.of(name, among: ["cluster", "minute"] + FlowLogField.allCases.map(\.rawValue))
        if near.isEmpty { return "\(reason); there are srcaddr, dstaddr, srcport, dstport, action and more" }
        return "\(reason); did you mean \(near.joined(separator: ", "))?"
    }

    /// True if values are compared and ordered as numbers.
    package var isNumber: Bool {
        switch self {
        case .cluster: false
        case .minute: true
        case .field(let field): field.content == .number || field.content == .port || field.content == .time
        }
    }
}

/// Why an aggregation cannot be understood.
package struct FlowQueryError: Error, Hashable, Sendable, CustomStringConvertible {
    package var reason: String
    /// Of the text of the filter, from 0; nil for the list of columns.
    package var offset: Int?

    package var description: String {
        if let offset { return "cannot read the condition at character \(offset + 1): \(reason)" }
        return "cannot aggregate flow logs: \(reason)"
    }
}

/// `--by FIELDS --where E`.
package struct FlowQuery: Sendable {
    package let columns: [FlowColumn]
    package let filter: FlowFilter?

    /// Most columns in a group; there are 75 fields.
    private static let columnsMax = 32

    package init(by text: String, where condition: String? = nil) throws(FlowQueryError) {
        var columns: [FlowColumn] = []
        for name in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let column = FlowColumn(String(name)) else {
                throw FlowQueryError(reason: FlowColumn.unknown(String(name)))
            }
            if columns.contains(column) { throw FlowQueryError(reason: "\"\(name)\" occurs twice") }
            columns.append(column)
        }
        if columns.isEmpty { throw FlowQueryError(reason: "it names no field to group by") }
        if columns.count > FlowQuery.columnsMax {
            throw FlowQueryError(reason: "more than \(FlowQuery.columnsMax) fields to group by")
        }
        self.columns = columns
        if let condition { filter = try FlowFilter(condition) } else { filter = nil }
    }

    /// Windows without traffic or with lost records are no flows; they are counted only by who asks for them.
    var wantsGaps: Bool {
        let status = FlowColumn.field(.logStatus)
        return columns.contains(status) || filter?.columns.contains(status) == true
    }
}
