/// The statement of a witness that it saw a checkpoint at a time, consistent with all it saw before
/// (`c2sp.org/tlog-cosignature`, Ed25519 version 1).
enum Cosignature {
    /// What is signed: a header with the time, and the text of the checkpoint without any signature.
    static func message(text: String, timestampSeconds: UInt64) -> [UInt8] {
        Array("cosignature/v1\ntime \(timestampSeconds)\n\(text)".utf8)
    }

    /// Eight bytes of time, big-endian, and the signature.
    static func payload(timestampSeconds: UInt64, signature: [UInt8]) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: timestampSeconds >> UInt64(56 - $0 * 8)) } + signature
    }

    static func parse(_ payload: [UInt8]) -> (timestampSeconds: UInt64, signature: [UInt8])? {
        guard payload.count == 72 else { return nil }
        let time = payload[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return time <= UInt64(Int64.max) ? (time, Array(payload[8...])) : nil
    }
}
