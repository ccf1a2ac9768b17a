internal import CairnBytes

/// What Amazon Data Firehose posts to an HTTP endpoint, with its records decoded from base64, and what it wants as
/// answer. The schema is that of "HTTP endpoint delivery request and response specifications".
package struct FirehoseRequest: Sendable {
    /// The same for every attempt to deliver these records.
    package var requestID: String
    /// When the request was made, in milliseconds since 1970; the same in every attempt.
    package var timestampMs: Int64
    /// Nil for one that is no base64 or too large: it is told among the rejects.
    package var records: [[UInt8]?]
    package internal(set) var rejects: ReceivedRejects

    /// Longest request id read; Firehose's have 36 bytes.
    private static let requestIDBytesMax = 256
    /// Most common attributes and their bytes, by the documentation.
    private static let attributesMax = 50
    /// Longest error message that Firehose keeps.
    private static let errorMessageBytesMax = 8192

    /// - Parameter body: after gzip, at most `limits.bodyBytesMax` long.
    package init(_ body: Span<UInt8>, limits: ReceiveLimits = .standard) throws(ReceiveError) {
        guard body.count <= limits.bodyBytesMax else {
            throw ReceiveError(.tooLarge, "\(body.count) bytes are more than the limit of \(limits.bodyBytesMax)")
        }
        let request: JSONValue
        do throws(JSONError) {
            request = try JSONParser.parse(body).value
        } catch {
            throw ReceiveError(.malformed, error.description)
        }
        guard let id = request["requestId"]?.string, !id.isEmpty, id.utf8.count <= FirehoseRequest.requestIDBytesMax
        else { throw ReceiveError(.malformed, "the request has no requestId") }
        guard let time = request["timestamp"]?.integer else {
            throw ReceiveError(.malformed, "the request has no timestamp in milliseconds")
        }
        guard let list = request["records"]?.array else { throw ReceiveError(.malformed, "the request has no records") }
        guard list.count <= limits.recordsMax else {
            throw ReceiveError(.tooLarge, "\(list.count) records are more than the limit of \(limits.recordsMax)")
        }
        requestID = id
        timestampMs = time
        records = []
        records.reserveCapacity(list.count)
        rejects = ReceivedRejects(heldMax: limits.rejectsHeldMax)
        for (index, record) in list.enumerated() {
            guard let text = record["data"]?.string, let bytes = Base64.bytes(text) else {
                rejects.add("record", index, "its data is not base64")
                records.append(nil)
                continue
            }
            guard bytes.count <= limits.recordBytesMax else {
                rejects.add("record", index, "\(bytes.count) bytes are more than \(limits.recordBytesMax)")
                records.append(nil)
                continue
            }
            records.append(bytes)
        }
    }

    /// The header `X-Amz-Firehose-Common-Attributes`: `{"commonAttributes":{"cluster":"eks-1"}}`.
    package static func commonAttributes(header: String) throws(ReceiveError) -> [String: String] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONParser.parse(header).value
        } catch {
            throw ReceiveError(.malformed, "the common attributes: \(error)")
        }
        guard let object = value["commonAttributes"]?.object, object.count <= attributesMax else {
            throw ReceiveError(
                .malformed, "the common attributes are not an object of at most \(attributesMax) members")
        }
        var attributes: [String: String] = [:]
        for member in object {
            guard let text = member.value.string else {
                throw ReceiveError(.malformed, "the common attribute \(member.name) is not a text")
            }
            attributes[member.name] = text
        }
        return attributes
    }

    /// The body of every answer, with `Content-Type: application/json`; only the status 200 means delivered, and 413
    /// that Firehose is not to try again.
    /// - Parameter requestID: of the request; where its body could not be read, of the header
    ///   `X-Amz-Firehose-Request-Id`.
    package static func answer(requestID: String, timestampMs: Int64, errorMessage: String? = nil) -> [UInt8] {
        var answer: JSONObject = ["requestId": .string(requestID), "timestamp": .integer(timestampMs)]
        if let errorMessage {
            var bytes = errorMessage.utf8.prefix(errorMessageBytesMax)
            // Not in the middle of a character.
            while String(bytes) == nil, !bytes.isEmpty { bytes = bytes.dropLast() }
            answer["errorMessage"] = .string(String(bytes) ?? "")
        }
        return CanonicalJSON.bytes(of: .object(answer))
    }
}
