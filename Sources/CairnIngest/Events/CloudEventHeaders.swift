internal import CairnBytes

/// CloudEvents in the binary mode of HTTP: the attributes are headers that begin with `ce-`, the body is the data.
extension PostedEventReader {
    /// Most attributes of one event; the specification has eight, extensions add a few.
    private static let attributesMax = 64

    /// - Parameters:
    ///   - headers: all of the request; names in any case.
    ///   - body: becomes `data` if its `Content-Type` is JSON or text, else `data_base64`.
    package static func cloudEvent(
        headers: [(name: String, value: String)], body: [UInt8], options: ImportOptions,
        limits: ReceiveLimits = .standard
    ) throws(ReceiveError) -> ReceivedEvents {
        guard body.count <= limits.bodyBytesMax else {
            throw ReceiveError(.tooLarge, "\(body.count) bytes are more than the limit of \(limits.bodyBytesMax)")
        }
        var attributes = JSONObject()
        var contentType = ""
        for (name, value) in headers {
            let name = name.lowercased()
            if name == "content-type" { contentType = value }
            guard name.hasPrefix("ce-") else { continue }
            let attribute = String(name.dropFirst(3))
            guard attribute.utf8.count <= 64, !attribute.isEmpty, attribute.utf8.allSatisfy(isAttributeByte) else {
                throw ReceiveError(.malformed, "ce-\(attribute.prefix(40)) names no attribute: letters and digits only")
            }
            guard !["data", "data_base64", "datacontenttype"].contains(attribute) else {
                throw ReceiveError(.malformed, "ce-\(attribute) is no header: the body is the data")
            }
            guard let text = headerText(value) else {
                throw ReceiveError(.malformed, "ce-\(attribute) is not percent-encoded UTF-8")
            }
            guard attributes.add(name: attribute, value: .string(text)) else {
                throw ReceiveError(.malformed, "ce-\(attribute) is there twice")
            }
            guard attributes.count <= attributesMax else {
                throw ReceiveError(.tooLarge, "more than \(attributesMax) attributes")
            }
        }
        if !contentType.isEmpty { attributes["datacontenttype"] = .string(contentType) }
        return try single(
            structured(attributes, contentType: contentType, body: body), CloudEventReader(options: options), limits)
    }

    /// The same event in the structured mode, with a JSON body as it came.
    private static func structured(
        _ attributes: JSONObject, contentType: String, body: [UInt8]
    ) -> [UInt8] {
        var attributes = attributes
        if body.isEmpty { return CanonicalJSON.bytes(of: .object(attributes)) }
        let mediaType = contentType.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        if mediaType == "application/json" || mediaType.hasSuffix("+json") || mediaType.isEmpty {
            var bytes = CanonicalJSON.bytes(of: .object(attributes))
            bytes.removeLast()
            return bytes + Array((attributes.isEmpty ? "" : ",").utf8) + Array(#""data":"#.utf8) + body + [0x7D]
        }
        if mediaType.hasPrefix("text/"), let text = String(validating: body) {
            attributes["data"] = .string(text)
        } else {
            attributes["data_base64"] = .string(Base64.string(body))
        }
        return CanonicalJSON.bytes(of: .object(attributes))
    }

    private static func isAttributeByte(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    /// The text of a header: quotes around it are taken off with their escapes, then percent-encoding is undone. Nil for
    /// a percent sign without two hexadecimal digits, and for what is not UTF-8 then.
    private static func headerText(_ value: String) -> String? {
        var bytes = Array(value.utf8)
        if bytes.count >= 2, bytes.first == UInt8(ascii: "\""), bytes.last == UInt8(ascii: "\"") {
            var unquoted: [UInt8] = []
            var isEscaped = false
            for byte in bytes[1..<bytes.count - 1] {
                if byte == UInt8(ascii: "\\"), !isEscaped {
                    isEscaped = true
                } else {
                    unquoted.append(byte)
                    isEscaped = false
                }
            }
            bytes = unquoted
        }
        var decoded: [UInt8] = []
        var place = 0
        while place < bytes.count {
            if bytes[place] == UInt8(ascii: "%") {
                guard place + 2 < bytes.count, let high = Hex.digit(bytes[place + 1]),
                    let low = Hex.digit(bytes[place + 2])
                else { return nil }
                decoded.append(high << 4 | low)
                place += 3
            } else {
                decoded.append(bytes[place])
                place += 1
            }
        }
        return String(validating: decoded)
    }
}
