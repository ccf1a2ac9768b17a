internal import CairnBytes
internal import Crypto

/// SHA-256 in hexadecimal.
package enum Digests {
    package static func sha256(_ bytes: [UInt8]) -> String { Hex.string(SHA256.hash(data: bytes)) }
}
