package import CairnBytes
internal import Crypto
internal import CryptoExtras

/// Verifies that Amazon SNS signed a message: RSA (PKCS #1 v1.5) over `SNSMessage.stringToSign`, with the key of the
/// certificate that lies at `SNSMessage.signingCertificateURL`.
///
/// What makes that certificate Amazon's is that it was fetched by HTTPS from a host of SNS, as Amazon's own libraries
/// have it; here its dates are checked and that its key is one for RSA.
package enum SNSSignature {
    package enum Failure: Error, Sendable, Hashable, CustomStringConvertible {
        case certificate(String)
        case notValid(Certificate.Validity)
        case wrong

        package var description: String {
            switch self {
            case .certificate(let reason): "cannot verify the message: the certificate \(reason)"
            case .notValid(let validity): "cannot verify the message: the certificate is valid \(validity)"
            case .wrong: "the signature of the message is wrong"
            }
        }
    }

    /// - Parameter certificate: PEM or DER.
    package static func verify(
        _ message: SNSMessage, certificate: [UInt8], at moment: Timestamp
    ) throws(Failure) {
        let certificate = try Certificate(certificate)
        guard certificate.validity.contains(moment) else { throw .notValid(certificate.validity) }
        let key: _RSA.Signing.PublicKey
        do {
            key = try _RSA.Signing.PublicKey(derRepresentation: certificate.publicKey)
        } catch {
            throw .certificate("has no RSA key of at least 2048 bits")
        }
        let signature = _RSA.Signing.RSASignature(rawRepresentation: message.signature)
        let signed = Array(message.stringToSign.utf8)
        let isValid =
            message.signatureVersion == 2
            ? key.isValidSignature(signature, for: SHA256.hash(data: signed), padding: .insecurePKCS1v1_5)
            : key.isValidSignature(signature, for: Insecure.SHA1.hash(data: signed), padding: .insecurePKCS1v1_5)
        guard isValid else { throw .wrong }
    }

    /// Of an X.509 certificate what is needed here: the dates and the key.
    package struct Certificate: Sendable, Hashable {
        package struct Validity: Sendable, Hashable, CustomStringConvertible {
            package var from: Timestamp
            package var until: Timestamp

            package func contains(_ moment: Timestamp) -> Bool { from <= moment && moment <= until }

            package var description: String { "from \(from) to \(until)" }
        }

        package var validity: Validity
        /// `SubjectPublicKeyInfo` in DER.
        package var publicKey: [UInt8]

        /// Those of SNS have 2 KiB.
        private static let bytesMax = 64 << 10

        package init(_ bytes: [UInt8]) throws(Failure) {
            guard bytes.count <= Certificate.bytesMax else { throw .certificate("has \(bytes.count) bytes") }
            guard let der = bytes.first == 0x30 ? bytes : Certificate.der(ofPEM: bytes) else {
                throw .certificate("is neither PEM nor DER")
            }
            // Certificate { TBSCertificate { [0] version, serial, algorithm, issuer, validity, subject, key, ... } ... }
            var outer = DERReader(der, der.indices)
            guard let certificate = outer.next(0x30), outer.isAtEnd else { throw .certificate("is no certificate") }
            var reader = DERReader(der, certificate.content)
            guard let signed = reader.next(0x30) else { throw .certificate("is no certificate") }
            reader = DERReader(der, signed.content)
            _ = reader.next(0xA0)
            guard reader.next(0x02) != nil, reader.next(0x30) != nil, reader.next(0x30) != nil,
                let dates = reader.next(0x30), reader.next(0x30) != nil, let key = reader.next(0x30)
            else { throw .certificate("is no certificate") }
            publicKey = Array(der[key.whole])
            reader = DERReader(der, dates.content)
            guard let from = reader.time(), let until = reader.time() else { throw .certificate("has no dates") }
            validity = Validity(from: from, until: until)
        }

        private static func der(ofPEM bytes: [UInt8]) -> [UInt8]? {
            let lines = bytes.split { $0 == 0x0A || $0 == 0x0D }
            guard let start = lines.firstIndex(where: { $0.elementsEqual("-----BEGIN CERTIFICATE-----".utf8) }),
                let end = lines[start...].firstIndex(where: { $0.elementsEqual("-----END CERTIFICATE-----".utf8) })
            else { return nil }
            return Base64.bytes(Array(lines[(start + 1)..<end].joined()))
        }
    }
}

/// Walks the elements of DER, one level at a time.
private struct DERReader {
    struct Element {
        var whole: Range<Int>
        var content: Range<Int>
    }

    private let bytes: [UInt8]
    private var place: Int
    private let end: Int

    init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        place = range.lowerBound
        end = range.upperBound
    }

    var isAtEnd: Bool { place == end }

    /// The next element if it has this tag; nil, and nothing is passed over, if not.
    mutating func next(_ tag: UInt8) -> Element? {
        guard end - place >= 2, bytes[place] == tag else { return nil }
        var start = place + 2
        var count = Int(bytes[place + 1])
        if count >= 0x80 {
            let digits = count - 0x80
            guard (1...3).contains(digits), end - start >= digits else { return nil }
            count = bytes[start..<start + digits].reduce(0) { $0 << 8 | Int($1) }
            start += digits
        }
        guard end - start >= count else { return nil }
        defer { place = start + count }
        return Element(whole: place..<start + count, content: start..<start + count)
    }

    /// `UTCTime` (`260310100000Z`) or `GeneralizedTime` (`20260310100000Z`).
    mutating func time() -> Timestamp? {
        let digits: [UInt8]
        if let short = next(0x17) {
            let text = Array(bytes[short.content])
            guard text.count == 13 else { return nil }
            digits = Array((text[0] >= UInt8(ascii: "5") ? "19" : "20").utf8) + text
        } else if let long = next(0x18) {
            digits = Array(bytes[long.content])
        } else {
            return nil
        }
        guard digits.count == 15, digits[14] == UInt8(ascii: "Z") else { return nil }
        let text = String(decoding: digits, as: UTF8.self)
        func part(_ start: Int, _ count: Int) -> Substring { text.dropFirst(start).prefix(count) }
        return Timestamp(
            "\(part(0, 4))-\(part(4, 2))-\(part(6, 2))T\(part(8, 2)):\(part(10, 2)):\(part(12, 2))Z")
    }
}
