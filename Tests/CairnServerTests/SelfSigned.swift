import Crypto
import Foundation

/// A certificate that nobody else signed, with its key, for a test of TLS.
struct SelfSigned {
    let certificate: [UInt8]
    let certificatePEM: String
    let keyPEM: String

    /// - Parameter expires: `YYMMDDHHMMSSZ`.
    init(name: String, expires: String = "491231235959Z") throws {
        let key = P256.Signing.PrivateKey()
        // 1.2.840.10045.4.3.2, ecdsa-with-SHA256; 2.5.4.3, commonName.
        let algorithm = SelfSigned.der(0x30, [[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]])
        let names = SelfSigned.der(
            0x30,
            [
                SelfSigned.der(
                    0x31,
                    [SelfSigned.der(0x30, [[0x06, 0x03, 0x55, 0x04, 0x03], SelfSigned.der(0x0C, [Array(name.utf8)])])])
            ])
        let validity = SelfSigned.der(
            0x30, ["200101000000Z", expires].map { SelfSigned.der(0x17, [Array($0.utf8)]) })
        // RFC 5280 section 4.1, version 1: serial number, algorithm, issuer, validity, subject, key.
        let body = SelfSigned.der(
            0x30,
            [SelfSigned.der(0x02, [[1]]), algorithm, names, validity, names, Array(key.publicKey.derRepresentation)])
        let signature = Array(try key.signature(for: body).derRepresentation)
        certificate = SelfSigned.der(0x30, [body, algorithm, SelfSigned.der(0x03, [[0], signature])])
        let lines = Data(certificate).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
        certificatePEM = "-----BEGIN CERTIFICATE-----\n\(lines)\n-----END CERTIFICATE-----\n"
        keyPEM = key.pemRepresentation
    }

    private static func der(_ tag: UInt8, _ parts: [[UInt8]]) -> [UInt8] {
        let content = parts.flatMap { $0 }
        let length: [UInt8] =
            switch content.count {
            case ..<0x80: [UInt8(content.count)]
            case ..<0x100: [0x81, UInt8(content.count)]
            default: [0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)]
            }
        return [tag] + length + content
    }
}
