import CairnBytes

/// `application/x-www-form-urlencoded`, as browsers send forms.
struct FormFields {
    private var values: [String: String] = [:]
    /// Forms here have a handful.
    private static let fieldsMax = 100

    init(_ body: [UInt8]) throws {
        for pair in body.split(separator: UInt8(ascii: "&")).prefix(FormFields.fieldsMax) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = FormFields.text(parts[0]), let value = FormFields.text(parts.count > 1 ? parts[1] : [])
            else {
                throw Problem.badRequest("cannot read the form: a field is not percent-encoded UTF-8")
            }
            values[name] = value
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
        let spaced = bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return String(validating: spaced, as: UTF8.self).flatMap { PercentEncoding.decode($0) }
    }

    /// Nil if the field is absent or empty.
    subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }
}
