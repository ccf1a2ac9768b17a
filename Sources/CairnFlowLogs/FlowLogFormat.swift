import CairnBytes

/// The order of the fields in the lines of a flow log.
package struct FlowLogFormat: Hashable, Sendable {
    package struct Column: Hashable, Sendable {
        package var name: String
        /// Nil for a field of a version that did not exist when this was written: skipped, not an error.
        package var field: FlowLogField?
    }

    /// Most fields in one line; version 11 has 75.
    package static let columnsMax = 256

    package let columns: [Column]

    package enum FormatError: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case unknownField(String)
        case repeatedField(String)
        case tooManyFields(Int)

        package var description: String {
            switch self {
            case .empty: "cannot use the flow log format: it names no field"
            case .unknownField(let name):
                "cannot use the flow log format: \"\(name)\" is not a flow log field; separate names by spaces, as in "
                    + "\"${version} ${account-id}\" or \"version account-id\""
            case .repeatedField(let name): "cannot use the flow log format: \"\(name)\" occurs twice"
            case .tooManyFields(let count):
                "cannot use the flow log format: \(count) fields are more than the limit of \(columnsMax)"
            }
        }
    }

    /// The order AWS uses when none is configured: the 14 fields of version 2.
    package static let version2 = FlowLogFormat(fields: Array(FlowLogField.allCases[..<14]))

    package init(fields: [FlowLogField]) { columns = fields.map { Column(name: $0.rawValue, field: $0) } }

    private init(columns: [Column]) { self.columns = columns }

    /// Reads a configured order: `${version} ${account-id} ...` as AWS writes it, or the plain names; separated by
    /// spaces or commas.
    package init(configured text: String) throws(FormatError) {
        var columns: [Column] = []
        for part in text.split(whereSeparator: { $0 == " " || $0 == "," || $0 == "\t" || $0 == "\n" }) {
            let name = part.hasPrefix("${") && part.hasSuffix("}") ? String(part.dropFirst(2).dropLast()) : String(part)
            guard let field = FlowLogField(name: name) else { throw .unknownField(name) }
            if columns.contains(where: { $0.field == field }) { throw .repeatedField(name) }
            columns.append(Column(name: field.rawValue, field: field))
        }
        if columns.isEmpty { throw .empty }
        if columns.count > FlowLogFormat.columnsMax { throw .tooManyFields(columns.count) }
        self.init(columns: columns)
    }

    /// The format a header line announces, or nil if the line is not a header: its first name is known, at least half
    /// of the names are, and none looks like a value.
    init?(header bytes: Span<UInt8>, from start: Int, to end: Int) {
        var columns: [Column] = []
        var known = 0
        var index = start
        while index < end {
            while index < end, bytes[index] == UInt8(ascii: " ") { index += 1 }
            let nameStart = index
            while index < end, bytes[index] != UInt8(ascii: " ") {
                switch bytes[index] {
                case UInt8(ascii: "a")...UInt8(ascii: "z"): break
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    if index == nameStart { return nil }
                default: return nil
                }
                index += 1
            }
            if index == nameStart { break }
            let name = String(validating: bytes.extracting(nameStart..<index)) ?? ""
            let field = FlowLogField(name: name)
            if field == nil, columns.isEmpty { return nil }
            if let field, columns.contains(where: { $0.field == field }) { return nil }
            known += field == nil ? 0 : 1
            columns.append(Column(name: field?.rawValue ?? name, field: field))
            if columns.count > FlowLogFormat.columnsMax { return nil }
        }
        // A custom order may have a single field, "action": its one value is upper case, so the name is a header.
        guard !columns.isEmpty, known * 2 >= columns.count else { return nil }
        self.init(columns: columns)
    }

    /// False if the line at `bytes` (at least four can be loaded) cannot be a header, which begins with a known name.
    static func begins(_ bytes: UnsafePointer<UInt8>) -> Bool {
        unsafe beginnings.contains(UInt32(truncatingIfNeeded: FlowByteMasks.word(bytes)))
    }

    /// The first four bytes of every name.
    private static let beginnings: Set<UInt32> = {
        var words: Set<UInt32> = []
        for field in FlowLogField.allCases {
            // One name has three letters; a space, line break or carriage return follows.
            for last in [0x20, 0x0A, 0x0D] as [UInt8] {
                let bytes = Array(field.rawValue.utf8) + [last]
                words.insert(bytes[..<4].reversed().reduce(0) { $0 << 8 | UInt32($1) })
            }
        }
        return words
    }()

    package func column(of field: FlowLogField) -> Int? { columns.firstIndex { $0.field == field } }

    package func has(_ field: FlowLogField) -> Bool { column(of: field) != nil }
}

extension FlowLogFormat: CustomStringConvertible {
    package var description: String { columns.map(\.name).joined(separator: " ") }
}
