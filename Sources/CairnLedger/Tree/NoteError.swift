/// Why a signed text (note, checkpoint, proof, key) is refused.
package struct NoteError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// The text does not follow its format.
        case malformed
        /// A key that is known here did not make this signature.
        case badSignature
        /// No signature is by a key that is known here.
        case noKnownSignature
        /// The checkpoint is of another log than the one asked for.
        case wrongOrigin
        /// More than the limit that a named constant sets.
        case tooLarge
    }

    package var code: Code
    /// What was read: "checkpoint", "verifier key", ...
    package var what: String
    package var reason: String
    /// Line from 1, where the error is at one.
    package var line: Int?

    package init(_ code: Code, what: String, reason: String, line: Int? = nil) {
        self.code = code
        self.what = what
        self.reason = reason
        self.line = line
    }

    package var description: String {
        "cannot accept this \(what): \(line.map { "line \($0): " } ?? "")\(reason)"
    }
}
