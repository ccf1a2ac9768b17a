/// `application/x-www-form-urlencoded`, as browsers send forms.
struct FormFields {
    private var values: [String: String] = [:]

    init(_ body: [UInt8]) throws {
        guard let fields = PercentEncoding.fields(body) else {
            throw Problem.badRequest("cannot read the form: a field is not percent-encoded UTF-8")
        }
        for field in fields { values[field.name] = field.value }
    }

    /// Nil if the field is absent or empty.
    subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }
}
